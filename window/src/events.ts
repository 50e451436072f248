// One live line to the peer: the server's event stream, watched. The browser reconnects and resumes by itself (it sends
// Last-Event-ID); this adds what it does not do: notice silence, open again after a refusal, and start afresh when the
// program was restarted.
import {
  readConnections, readLogLine, readMempool, readStack, readStatus, readWallet, type LogLine,
} from "./model";
import { MAX_LOG, type Event, type Link } from "./store";

/** A stream silent for this long is opened again; the heartbeat comes every 15 s. */
export const SILENCE_MS = 25_000;
/** A stream silent for this long is called stale. */
export const STALE_MS = 30_000;
/** How often silence is looked for. */
const WATCH_MS = 1_000;
/** Log lines that arrive within this time are drawn together. */
const BATCH_MS = 60;
/** The waits before opening again after a refusal; the last repeats. */
const RETRY_MS = [500, 1_000, 2_000, 5_000, 10_000];

export interface Source {
  readonly readyState: number;
  onopen: ((this: EventSource, e: globalThis.Event) => unknown) | null;
  onerror: ((this: EventSource, e: globalThis.Event) => unknown) | null;
  addEventListener(type: string, f: (e: { data: string }) => void): void;
  close(): void;
}

export interface Wiring {
  open: () => Source;
  dispatch: (e: Event) => void;
  /** Called when the stream is refused: finds out why (an expired token, say). */
  probe: () => void;
  now: () => number;
}

const CLOSED = 2;

/** Follows the stream until stop is called. */
export class Follower {
  #w: Wiring;
  #source: Source | null = null;
  #lines: LogLine[] = [];
  #epoch = "";
  #heard = 0;
  #opened = 0;
  #failures = 0;
  #watch: ReturnType<typeof setInterval> | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #batch: ReturnType<typeof setTimeout> | undefined;

  constructor(w: Wiring) {
    this.#w = w;
  }

  start(): void {
    this.#heard = this.#w.now();
    this.#watch = setInterval(() => this.#look(), WATCH_MS);
    this.#open();
  }

  stop(): void {
    clearInterval(this.#watch);
    clearTimeout(this.#retry);
    clearTimeout(this.#batch);
    this.#source?.close();
    this.#source = null;
  }

  /** Opens again now, whatever the state: the network came back, or the person asked. */
  again(): void {
    clearTimeout(this.#retry);
    this.#open();
  }

  #link(link: Link): void {
    this.#w.dispatch({ type: "link", link });
  }

  #open(): void {
    this.#source?.close();
    this.#opened = this.#w.now();
    const s = this.#w.open();
    this.#source = s;
    const on = (type: string, use: (data: unknown) => void) =>
      s.addEventListener(type, (e) => {
        if (this.#source !== s) return;
        this.#news();
        const data = parse(e.data);
        if (data !== undefined) use(data);
      });
    s.onopen = () => this.#source === s && this.#news();
    s.onerror = () => this.#source === s && this.#broke(s);
    on("status", (d) => this.#w.dispatch({ type: "status", data: readStatus(d) }));
    on("connections", (d) => this.#w.dispatch({ type: "connections", data: readConnections(d) }));
    on("wallet", (d) => this.#w.dispatch({ type: "wallet", data: readWallet(d) }));
    on("mempool", (d) => this.#w.dispatch({ type: "mempool", data: readMempool(d) }));
    on("stack", (d) => this.#w.dispatch({ type: "stack", data: readStack(d) }));
    on("log", (d) => this.#line(readLogLine(d)));
    on("gap", (d) => {
      this.#flush();
      this.#w.dispatch({ type: "gap", missed: Number((d as { missed?: unknown }).missed) || 0 });
    });
    on("hello", (d) => this.#hello(String((d as { epoch?: unknown }).epoch ?? "")));
    on("heartbeat", () => undefined);
  }

  /** A new epoch also means that the browser resumed from a number of the old run: open once more, from the start. */
  #hello(epoch: string): void {
    this.#flush();
    const restarted = this.#epoch !== "" && this.#epoch !== epoch;
    this.#epoch = epoch;
    this.#w.dispatch({ type: "hello", epoch });
    if (restarted) this.#open();
  }

  #news(): void {
    this.#heard = this.#w.now();
    this.#failures = 0;
    this.#link("live");
  }

  #broke(s: Source): void {
    this.#failures++;
    this.#link(this.#failures > 3 ? "offline" : "reconnecting");
    if (s.readyState !== CLOSED) return;
    this.#w.probe();
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#open(), RETRY_MS[Math.min(this.#failures - 1, RETRY_MS.length - 1)]);
  }

  #look(): void {
    const now = this.#w.now();
    if (this.#source?.readyState !== 1) return;
    if (now - this.#heard >= STALE_MS) this.#link("stale");
    if (now - this.#heard >= SILENCE_MS && now - this.#opened >= SILENCE_MS) this.#open();
  }

  #line(line: LogLine): void {
    this.#lines.push(line);
    if (this.#lines.length > MAX_LOG) this.#lines.shift();
    this.#batch ??= setTimeout(() => this.#flush(), BATCH_MS);
  }

  #flush(): void {
    clearTimeout(this.#batch);
    this.#batch = undefined;
    if (this.#lines.length === 0) return;
    const lines = this.#lines;
    this.#lines = [];
    this.#w.dispatch({ type: "log", lines });
  }
}

/** A line that is not JSON is the server's mistake, and costs only itself. */
function parse(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    return undefined;
  }
}
