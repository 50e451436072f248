// @vitest-environment node
import { describe, expect, test } from "vitest";
import { MAX_LOG, reduce, start, Store, type Event, type State } from "../src/store";
import { chain, line, snapshot } from "./fixtures";

function after(...events: Event[]): State {
  return events.reduce(reduce, start);
}

const seqs = (s: State) => s.log.lines.map((l) => l.seq);

describe("the log", () => {
  test("lines that a resumed stream repeats are taken once", () => {
    const s = after({ type: "log", lines: [line(1), line(2), line(3)] }, { type: "log", lines: [line(2), line(3), line(4)] });
    expect(seqs(s)).toEqual([1, 2, 3, 4]);
  });

  test("nothing new leaves the state as it is", () => {
    const s = after({ type: "log", lines: [line(1)] });
    expect(reduce(s, { type: "log", lines: [line(1)] }).log).toBe(s.log);
  });

  test("it keeps the newest lines only", () => {
    const s = after({ type: "log", lines: Array.from({ length: MAX_LOG + 10 }, (_, i) => line(i + 1)) });
    expect(s.log.lines).toHaveLength(MAX_LOG);
    expect(seqs(s)[0]).toBe(11);
  });

  test("a gap stands where lines are missing, and the next ones still come", () => {
    const s = after({ type: "log", lines: [line(1)] }, { type: "gap", missed: 40 }, { type: "log", lines: [line(42)] });
    expect(s.log.lines.map((l) => l.msg)).toEqual(["line 1", expect.stringContaining("40"), "line 42"]);
    expect(s.log.lines[1]?.level).toBe("warn");
  });

  test("the same epoch keeps the log; a new one drops it and the stack, and counts from the start", () => {
    const before = after({ type: "hello", epoch: "a" }, { type: "snapshot", data: snapshot() }, { type: "log", lines: [line(900)] }, { type: "hello", epoch: "a" });
    expect(seqs(before)).toEqual([900]);
    const restarted = [{ type: "hello", epoch: "b" }, { type: "log", lines: [line(1)] }] satisfies Event[];
    const s = restarted.reduce(reduce, before);
    expect(seqs(s)).toEqual([1]);
    expect(s.stack).toBeNull();
  });
});

describe("snapshots", () => {
  test("the first one makes the window ready", () => {
    expect(after({ type: "snapshot", data: snapshot() })).toMatchObject({ phase: "ready", status: { name: "Peer1" } });
  });

  test("lists that come as null are empty", () => {
    const s = after({ type: "snapshot", data: snapshot({ connections: null, mempool: null, wallet: { history: null } }) });
    expect([s.connections, s.mempool?.txs, s.wallet?.history]).toEqual([[], [], []]);
  });

  test("older pages stay when a new snapshot comes", () => {
    const blocks = chain(100);
    const newer = blocks.slice(0, 60);
    const s = after(
      { type: "stack", data: { tip: blocks[5]!.hash, blocks: blocks.slice(5, 65) } },
      { type: "page", data: blocks.slice(65) },
      { type: "stack", data: { tip: blocks[0]!.hash, blocks: newer } },
    );
    expect(s.stack?.blocks).toHaveLength(100);
  });
});

test("a listener hears changes and only changes", () => {
  const store = new Store();
  let heard = 0;
  const stop = store.subscribe(() => heard++);
  store.dispatch({ type: "link", link: "live" });
  store.dispatch({ type: "link", link: "live" });
  stop();
  store.dispatch({ type: "link", link: "offline" });
  expect(heard).toBe(1);
});
