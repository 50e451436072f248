import { beforeEach, describe, expect, test } from "vitest";
import { App, warningsOf } from "../src/app";
import { readStatus } from "../src/model";
import { Store } from "../src/store";
import { texts } from "../src/texts";
import { line, snapshot } from "./fixtures";
import { eventually, find, get, press, ready, stage } from "./harness";

const app = <App retry={() => undefined} />;

beforeEach(() => {
  location.hash = "";
  document.body.replaceChildren();
});

async function go(place: string): Promise<void> {
  location.hash = place;
  dispatchEvent(new HashChangeEvent("hashchange"));
  const at = place.slice(2) as keyof typeof texts.nav.short;
  await eventually(() => expect(document.querySelector("main h1")?.textContent).toBe(texts.nav[at]));
}

describe("the window", () => {
  test("greets a stranger with where to find the key", () => {
    const store = new Store();
    store.dispatch({ type: "phase", phase: "unauthorized" });
    stage(app, {}, store);
    expect(get("unauthorized").textContent).toContain(texts.unauthorized.body);
    expect(document.querySelector("nav")).toBeNull();
  });

  test("says loading before anything is known", () => {
    stage(app, {}, new Store());
    expect(document.querySelector("main")?.textContent).toContain(texts.loading);
  });

  test("shows everything at a glance at home", () => {
    stage(app);
    expect(get("peer-name").textContent).toBe("Peer1");
    expect(get("tip-height").textContent).toBe("3");
    expect(get("balance-confirmed").textContent).toBe("50.00CHZ");
    expect(get("connections-count").textContent).toBe("2");
    expect(get("mining-switch").getAttribute("aria-checked")).toBe("true");
  });

  test.each(["stack", "wallet", "pool", "connections", "log"] as const)("%s has its place", async (place) => {
    stage(app);
    await go(`#/${place}`);
    expect(document.querySelector('nav [aria-current="page"]')?.getAttribute("href")).toBe(`#/${place}`);
  });

  test("says calmly that the line broke, and offers to try again", async () => {
    const s = stage(app);
    s.store.dispatch({ type: "link", link: "offline" });
    await eventually(() => expect(document.querySelector(".banners")?.textContent).toContain(texts.link.banner.offline));
    expect(get("link").textContent).toBe(texts.link.offline);
  });

  test("says how far it is behind", () => {
    const s = stage(app, {}, ready());
    s.store.dispatch({ type: "status", data: readStatus({ name: "Peer1", syncing: true, bestHeader: 400, tip: { height: 100 } }) });
    return eventually(() => expect(document.querySelector(".behind")?.textContent).toContain(texts.behind.body(100, 400)));
  });

  test("the mining switch asks the peer and shows its answer", async () => {
    const s = stage(app, { "/api/mining": (body) => ({ on: body["on"], hashrate: 0, limit: 16_000, threads: 1 }) });
    press("mining-switch");
    await eventually(() => expect(get("mining-switch").getAttribute("aria-checked")).toBe("false"));
    expect(s.calls).toEqual([{ path: "/api/mining", body: { on: false } }]);
  });

  test("a classic peer says how many transactions wait", async () => {
    const s = stage(app);
    s.store.dispatch({ type: "status", data: readStatus({ name: "P", trackers: [], mining: { on: true, classic: true, waitFor: 3 } }) });
    s.store.dispatch({ type: "mempool", data: { count: 2, bytes: 300, txs: [] } });
    await eventually(() => expect(document.querySelector(".mining")?.textContent).toContain("2 of 3 transactions wait until a cheese is mined"));
  });

  test("the log stands still while paused and says what it missed", async () => {
    const s = stage(app);
    s.store.dispatch({ type: "log", lines: [line(1), line(2)] });
    await go("#/log");
    const pause = [...document.querySelectorAll("button")].find((b) => b.textContent === texts.log.pause)!;
    pause.click();
    await eventually(() => expect(pause.getAttribute("aria-pressed")).toBe("true"));
    s.store.dispatch({ type: "log", lines: [line(3, { kind: "mined", msg: "cheese mined" })] });
    await eventually(() => expect(document.querySelector(".log-count")?.textContent).toBe(texts.log.paused(1)));
    expect(document.querySelectorAll(".log-line")).toHaveLength(2);
    pause.click();
    await eventually(() => expect(document.querySelector(".log-line.k-mined")).not.toBeNull());
  });

  test("a hostile name stays text", async () => {
    const s = stage(app);
    s.store.dispatch({ type: "snapshot", data: snapshot({ connections: [{ id: 1, name: "<img src=x onerror=alert(1)>", addr: "1.2.3.4:5", state: "connected" }] }) });
    await go("#/connections");
    await eventually(() => expect(document.querySelector("td.head")?.textContent).toContain("<img src=x"));
    expect(document.querySelector("td.head img")).toBeNull();
  });

  test("the theme goes from the system's to light to dark and back", async () => {
    stage(app);
    const theme = () => document.documentElement.dataset["theme"];
    for (const want of ["light", "dark", undefined]) {
      press("theme");
      await eventually(() => expect(theme()).toBe(want));
    }
    expect(find("theme")?.getAttribute("aria-label")).toBe(texts.header.theme.auto);
  });
});

test("warnings are gathered once each", () => {
  const status = readStatus({ warnings: ["Your clock is off."], trackers: [{ url: "http://t", ok: false, error: "refused" }] });
  expect(warningsOf(status, true)).toEqual(["Your clock is off.", texts.warnings.trackerDown("http://t", "refused"), texts.warnings.emptyPassphrase]);
  expect(warningsOf(readStatus({}), false)).toEqual([texts.warnings.noTracker]);
});
