// @vitest-environment node
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Follower, SILENCE_MS, STALE_MS, type Source } from "../src/events";
import { type Event, Store } from "../src/store";
import { line, snapshot } from "./fixtures";

/** An event stream in the test's hands. */
class FakeSource implements Source {
  readyState = 0;
  onopen: Source["onopen"] = null;
  onerror: Source["onerror"] = null;
  closed = false;
  #handlers = new Map<string, (e: { data: string }) => void>();

  addEventListener(type: string, f: (e: { data: string }) => void): void {
    this.#handlers.set(type, f);
  }

  close(): void {
    this.closed = true;
    this.readyState = 2;
  }

  opens(): void {
    this.readyState = 1;
    (this.onopen as (() => void) | null)?.();
  }

  breaks(readyState: 0 | 2): void {
    this.readyState = readyState;
    (this.onerror as (() => void) | null)?.();
  }

  says(type: string, data: unknown): void {
    this.#handlers.get(type)?.({ data: typeof data === "string" ? data : JSON.stringify(data) });
  }
}

function harness() {
  const sources: FakeSource[] = [];
  const store = new Store();
  const probe = vi.fn();
  const events: Event[] = [];
  const follower = new Follower({
    open: () => {
      const s = new FakeSource();
      sources.push(s);
      return s;
    },
    dispatch: (e) => {
      events.push(e);
      store.dispatch(e);
    },
    probe, now: () => Date.now(),
  });
  follower.start();
  return { sources, store, probe, events, follower, last: () => sources.at(-1)! };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("the event stream", () => {
  test("brings snapshots, and log lines in one batch", () => {
    const h = harness();
    h.last().opens();
    h.last().says("hello", { epoch: "a" });
    h.last().says("status", snapshot().status);
    for (let i = 1; i <= 100; i++) h.last().says("log", line(i));
    vi.advanceTimersByTime(100);
    expect(h.store.state.status?.name).toBe("Peer1");
    expect(h.store.state.log.lines).toHaveLength(100);
    expect(h.events.filter((e) => e.type === "log")).toHaveLength(1);
    h.follower.stop();
  });

  test("a gap comes after the lines before it", () => {
    const h = harness();
    h.last().says("log", line(1));
    h.last().says("gap", { missed: 5 });
    h.last().says("log", line(7));
    vi.advanceTimersByTime(100);
    expect(h.store.state.log.lines.map((l) => l.seq)).toEqual([1, 1.5, 7]);
    h.follower.stop();
  });

  test("a line that is no JSON costs only itself", () => {
    const h = harness();
    h.last().says("status", "{nonsense");
    h.last().says("log", line(1));
    vi.advanceTimersByTime(100);
    expect(h.store.state.log.lines).toHaveLength(1);
    h.follower.stop();
  });

  test("a restart opens anew, so that the old run's numbers are not resumed from", () => {
    const h = harness();
    h.last().says("hello", { epoch: "a" });
    h.last().says("log", line(900));
    h.last().says("hello", { epoch: "b" });
    expect(h.sources).toHaveLength(2);
    expect(h.sources[0]!.closed).toBe(true);
    h.last().says("hello", { epoch: "b" });
    h.last().says("log", line(1));
    vi.advanceTimersByTime(100);
    expect(h.store.state.log.lines.map((l) => l.seq)).toEqual([1]);
    h.follower.stop();
  });

  test("silence opens it again, and is called stale when that does not help", () => {
    const h = harness();
    h.last().opens();
    expect(h.store.state.link).toBe("live");
    vi.advanceTimersByTime(SILENCE_MS + 1_000);
    expect(h.sources).toHaveLength(2);
    h.last().readyState = 1;
    vi.advanceTimersByTime(STALE_MS - SILENCE_MS);
    expect(h.store.state.link).toBe("stale");
    h.last().says("heartbeat", {});
    expect(h.store.state.link).toBe("live");
    h.follower.stop();
  });

  test("the browser's own reconnect is left alone; after several failures it is called offline", () => {
    const h = harness();
    h.last().opens();
    h.last().breaks(0);
    expect(h.store.state.link).toBe("reconnecting");
    for (let i = 0; i < 4; i++) h.last().breaks(0);
    expect(h.store.state.link).toBe("offline");
    expect(h.sources).toHaveLength(1);
    h.follower.stop();
  });

  test("a refusal asks why and tries again by itself", () => {
    const h = harness();
    h.last().breaks(2);
    expect(h.probe).toHaveBeenCalledOnce();
    vi.advanceTimersByTime(1_000);
    expect(h.sources).toHaveLength(2);
    h.follower.stop();
    vi.advanceTimersByTime(60_000);
    expect(h.sources).toHaveLength(2);
  });

  test("what a closed stream still says is not heard", () => {
    const h = harness();
    const old = h.last();
    h.follower.again();
    old.says("log", line(1));
    vi.advanceTimersByTime(100);
    expect(h.store.state.log.lines).toHaveLength(0);
    h.follower.stop();
  });
});
