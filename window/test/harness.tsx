// Draws a part of the window against a store and a fake server.
import { type ComponentChildren, render } from "preact";
import { vi } from "vitest";
import { Api, ApiContext } from "../src/api";
import { Store, StoreContext } from "../src/store";
import { snapshot } from "./fixtures";

type Answer = (body: Record<string, unknown>, path: string) => unknown;

/** What a route answers to be refused. */
export class Refusal {
  status: number;
  body: unknown;

  constructor(status: number, field: string, message: string) {
    this.status = status;
    this.body = { error: { code: "invalid", field, message } };
  }
}

export interface Call { path: string; body: Record<string, unknown> }

/** A server with the given routes: "/api/peer-list", or "/api/stack" for any query. Unknown ones answer 404. */
export function fakeServer(routes: Record<string, Answer>) {
  const calls: Call[] = [];
  const fake = vi.fn(async (input: unknown, init?: RequestInit) => {
    const path = String(input);
    const body = init?.body ? (JSON.parse(String(init.body)) as Record<string, unknown>) : {};
    calls.push({ path, body });
    const answer = (routes[path.split("?")[0]!] ?? (() => new Refusal(404, "", "no such route")))(body, path);
    const refused = answer instanceof Refusal;
    return new Response(JSON.stringify(refused ? answer.body : answer), { status: refused ? answer.status : 200 });
  });
  return { fetch: fake as unknown as typeof fetch, calls };
}

export interface Stage { root: HTMLElement; store: Store; calls: Call[]; unauthorized: ReturnType<typeof vi.fn> }

export function stage(children: ComponentChildren, routes: Record<string, Answer> = {}, store = ready()): Stage {
  const server = fakeServer(routes);
  const unauthorized = vi.fn();
  const root = document.createElement("div");
  document.body.replaceChildren(root);
  render(
    <StoreContext.Provider value={store}>
      <ApiContext.Provider value={new Api(server.fetch, unauthorized)}>{children}</ApiContext.Provider>
    </StoreContext.Provider>,
    root,
  );
  return { root, store, calls: server.calls, unauthorized };
}

/** A store that has had its first snapshot. */
export function ready(): Store {
  const store = new Store();
  store.dispatch({ type: "snapshot", data: snapshot() });
  return store;
}

export function find(testid: string): HTMLElement | null {
  return document.querySelector(`[data-testid="${testid}"]`);
}

export function get(testid: string): HTMLElement {
  const el = find(testid);
  if (!el) throw new Error(`nothing here is called ${testid}: ${document.body.innerHTML.slice(0, 600)}`);
  return el;
}

export function press(testid: string): void {
  get(testid).click();
}

export function type(testid: string, text: string): void {
  const input = get(testid) as HTMLInputElement;
  input.value = text;
  input.dispatchEvent(new Event("input", { bubbles: true }));
}

/** Waits until `check` holds, in real time; what it last threw is what the test reports. */
export function eventually<T>(check: () => T): Promise<T> {
  return vi.waitFor(check, { timeout: 1_000, interval: 5 });
}
