// Starts the window: one store, one interface to the peer, one event stream.
import { render } from "preact";
import { Api, ApiContext, ApiError } from "./api";
import { App } from "./app";
import { Follower } from "./events";
import { Store, StoreContext } from "./store";
import { applyTheme, storedTheme } from "./theme";
import "./styles/tokens.css";
import "./styles/frame.css";
import "./styles/parts.css";
import "./styles/views.css";
import "./styles/stack.css";

/** How often a peer that is not there is asked for. */
const KNOCK_MS = 3_000;

applyTheme(storedTheme());
const store = new Store();
const api = new Api((...a) => fetch(...a), () => {
  store.dispatch({ type: "phase", phase: "unauthorized" });
  stop();
});
let follower: Follower | null = null;
let knock: ReturnType<typeof setTimeout> | undefined;

function stop(): void {
  follower?.stop();
  follower = null;
}

/** Fetches the first snapshot, then follows the stream; knocks again while nobody answers. */
async function enter(): Promise<void> {
  clearTimeout(knock);
  try {
    store.dispatch({ type: "snapshot", data: await api.state() });
    if (!follower) follow();
    else follower.again();
  } catch (e) {
    if (e instanceof ApiError && e.code === "unauthorized") return;
    if (store.state.phase !== "ready") store.dispatch({ type: "phase", phase: "failed" });
    knock = setTimeout(() => void enter(), KNOCK_MS);
  }
}

function follow(): void {
  follower = new Follower({
    open: () => new EventSource("/api/events"),
    dispatch: store.dispatch,
    probe: () => void api.state().then((data) => store.dispatch({ type: "snapshot", data }), () => undefined),
    now: () => performance.now(),
  });
  follower.start();
}

addEventListener("online", () => void enter());
// A page that is left or put aside gives its connection back: a browser allows only six to one server.
addEventListener("pagehide", stop);
addEventListener("pageshow", (e) => e.persisted && void enter());
render(
  <StoreContext.Provider value={store}>
    <ApiContext.Provider value={api}>
      <App retry={() => void enter()} />
    </ApiContext.Provider>
  </StoreContext.Provider>,
  document.getElementById("app")!,
);
void enter();
