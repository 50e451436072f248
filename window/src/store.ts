// What the window knows, as one value, and the pure function that makes the next one out of an event.
import { createContext } from "preact";
import { useContext, useEffect, useReducer, useRef } from "preact/hooks";
import { merge } from "./forks";
import type { Block, Connection, LogLine, Mempool, Mining, Snapshot, Stack, Status, Wallet } from "./model";
import { texts } from "./texts";

/** Log lines kept; the oldest go first. */
export const MAX_LOG = 2000;

/** loading: nothing yet; ready: there is a snapshot; unauthorized: the server wants its token; failed: it cannot be reached
 *  and there is nothing to show. */
export type Phase = "loading" | "ready" | "unauthorized" | "failed";
/** connecting: first attempt; live; reconnecting: the browser tries again; stale: open but silent; offline: it cannot be reached. */
export type Link = "connecting" | "live" | "reconnecting" | "stale" | "offline";

export interface Log { epoch: string; lastSeq: number; lines: LogLine[] }
export interface State {
  phase: Phase; link: Link; status: Status | null; connections: Connection[]; wallet: Wallet | null;
  mempool: Mempool | null; stack: Stack | null; log: Log;
}

export type Event =
  | { type: "snapshot"; data: Snapshot }
  | { type: "status"; data: Status }
  | { type: "mining"; data: Mining }
  | { type: "connections"; data: Connection[] }
  | { type: "wallet"; data: Wallet }
  | { type: "address"; data: string }
  | { type: "mempool"; data: Mempool }
  | { type: "stack"; data: Stack }
  | { type: "page"; data: Block[] }
  | { type: "log"; lines: LogLine[] }
  | { type: "gap"; missed: number }
  | { type: "hello"; epoch: string }
  | { type: "link"; link: Link }
  | { type: "phase"; phase: Phase };

export const start: State = {
  phase: "loading", link: "connecting", status: null, connections: [], wallet: null, mempool: null, stack: null,
  log: { epoch: "", lastSeq: 0, lines: [] },
};

export function reduce(s: State, e: Event): State {
  switch (e.type) {
    case "snapshot":
      return { ...s, ...e.data, stack: merge(s.stack?.blocks ?? [], e.data.stack.blocks, e.data.stack.tip), phase: "ready" };
    case "status":
      return { ...s, status: e.data, phase: "ready" };
    case "mining":
      return s.status ? { ...s, status: { ...s.status, mining: e.data } } : s;
    case "connections":
      return { ...s, connections: e.data };
    case "wallet":
      return { ...s, wallet: e.data };
    case "address":
      return s.wallet ? { ...s, wallet: { ...s.wallet, address: e.data } } : s;
    case "mempool":
      return { ...s, mempool: e.data };
    case "stack":
      return { ...s, stack: merge(s.stack?.blocks ?? [], e.data.blocks, e.data.tip) };
    case "page":
      return s.stack ? { ...s, stack: merge(s.stack.blocks, e.data, s.stack.tip) } : s;
    case "log":
      return { ...s, log: addLines(s.log, e.lines) };
    case "gap":
      return { ...s, log: addGap(s.log, e.missed) };
    case "hello":
      return greet(s, e.epoch);
    case "link":
      return s.link === e.link ? s : { ...s, link: e.link };
    case "phase":
      return s.phase === e.phase ? s : { ...s, phase: e.phase };
  }
}

/** Lines come in order, but a resumed stream repeats some: only what is newer than the newest is taken. */
function addLines(log: Log, lines: readonly LogLine[]): Log {
  let lastSeq = log.lastSeq;
  const fresh: LogLine[] = [];
  for (const line of lines) {
    if (line.seq <= lastSeq) continue;
    lastSeq = line.seq;
    fresh.push(line);
  }
  return fresh.length === 0 ? log : { ...log, lastSeq, lines: [...log.lines, ...fresh].slice(-MAX_LOG) };
}

/** A gap shows as a line between the numbers it tore apart. */
function addGap(log: Log, missed: number): Log {
  const line: LogLine = {
    seq: log.lastSeq + 0.5, time: log.lines.at(-1)?.time ?? Date.now(), level: "warn", msg: texts.log.gap(missed), kind: "other", attrs: [],
  };
  const lines = log.lines.filter((l) => l.seq !== line.seq);
  return { ...log, lines: [...lines, line].slice(-MAX_LOG) };
}

/** A new epoch is a new run of the program: its numbers start again and its chain may be another, so the old ones go. */
function greet(s: State, epoch: string): State {
  if (s.log.epoch === epoch) return s;
  const first = s.log.epoch === "";
  return { ...s, stack: first ? s.stack : null, log: { epoch, lastSeq: 0, lines: [] } };
}

export class Store {
  #state: State;
  #listeners = new Set<() => void>();

  constructor(state: State = start) {
    this.#state = state;
  }

  get state(): State {
    return this.#state;
  }

  dispatch = (e: Event): void => {
    const next = reduce(this.#state, e);
    if (next === this.#state) return;
    this.#state = next;
    for (const listener of [...this.#listeners]) listener();
  };

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

export const StoreContext = createContext<Store>(new Store());

/** The part of the state that `select` picks; the component renders again when that part changes. */
export function useStore<T>(select: (s: State) => T): T {
  const store = useContext(StoreContext);
  const [, render] = useReducer((n: number) => n + 1, 0);
  const picked = select(store.state);
  const last = useRef({ picked, select });
  last.current = { picked, select };
  useEffect(() => {
    const check = () => {
      if (!Object.is(last.current.select(store.state), last.current.picked)) render(undefined as never);
    };
    check();
    return store.subscribe(check);
  }, [store]);
  return picked;
}
