import { beforeEach, describe, expect, test } from "vitest";
import { texts } from "../src/texts";
import { Actions } from "../src/views/actions";
import { SendPanel } from "../src/views/send";
import { chain, child, hashOf } from "./fixtures";
import { eventually, find, get, press, ready, Refusal, stage, type } from "./harness";

const txid = hashOf("tx").slice(4) + "abcd";
const sent = { txid, recipient: "chz1precipientrecipient", recipientName: "Peer2", amount: 300_000_000, fee: 1_540 };

beforeEach(() => document.body.replaceChildren());

describe("the four buttons", () => {
  test("have exactly the names of the exercise", () => {
    stage(<Actions />);
    const names = [...document.querySelectorAll(".action-name")].map((e) => e.textContent);
    expect(names).toEqual(["Peer list", "Connect peers", "Create transaction", "Show cheese stack"]);
  });

  test("Peer list asks the tracker and shows who is there", async () => {
    const s = stage(<Actions />, {
      "/api/peer-list": () => ({
        peers: [{ addr: "127.0.0.1:1", connected: false, self: true, name: "Peer1" }, { addr: "127.0.0.1:2", connected: true, self: false, name: "Peer2" }],
        trackers: [{ url: "http://127.0.0.1:5656", ok: true, peers: 2 }],
      }),
    });
    press("peer-list");
    await eventually(() => expect(get("result-peer-list").textContent).toContain("Peer2"));
    expect(get("result-peer-list").textContent).toContain(texts.peerList.self);
    expect(get("peer-list").getAttribute("aria-expanded")).toBe("true");
    expect(s.calls.map((c) => c.path)).toEqual(["/api/peer-list"]);
  });

  test("Peer list says when nobody is there, and why it failed", async () => {
    let answer: unknown = { peers: null, trackers: [{ url: "http://t", ok: true, peers: 0 }] };
    stage(<Actions />, { "/api/peer-list": () => answer });
    press("peer-list");
    await eventually(() => expect(get("result-peer-list").textContent).toContain(texts.peerList.empty));
    answer = new Refusal(502, "", "The tracker http://t refused the connection.");
    press("peer-list");
    await eventually(() => expect(get("result-peer-list").textContent).toContain("refused the connection"));
  });

  test("Connect peers tells the outcome for each peer", async () => {
    stage(<Actions />, {
      "/api/connect-peers": () => ({
        results: [{ addr: "127.0.0.1:2", ok: true, already: true }, { addr: "127.0.0.1:3", ok: true, already: false }, { addr: "10.0.0.9:4", ok: false, error: "no answer" }],
      }),
    });
    press("connect-peers");
    await eventually(() => expect(get("result-connect-peers").querySelectorAll("tbody tr")).toHaveLength(3));
    const rows = [...get("result-connect-peers").querySelectorAll("tbody tr")].map((r) => r.textContent);
    expect(rows[0]).toContain(texts.connectPeers.already);
    expect(rows[1]).toContain(texts.connectPeers.ok);
    expect(rows[2]).toContain("no answer");
    expect(get("result-connect-peers").textContent).toContain(texts.connectPeers.done(2, 3));
  });

  test("Create transaction opens a panel; the random payment is one press further", async () => {
    const s = stage(<Actions />, { "/api/transaction": () => sent });
    press("create-transaction");
    await eventually(() => get("random-payment"));
    expect(s.calls).toHaveLength(0);
    press("random-payment");
    await eventually(() => expect(get("send-success").textContent).toContain("3.00 CHZ to Peer2"));
    expect(s.calls[0]).toEqual({ path: "/api/transaction", body: { random: true } });
    expect(get("send-success").querySelector("a")?.getAttribute("href")).toBe(`#/tx/${txid}`);
  });

  test("Show cheese stack draws the chain down to Blue Cheese, losers beside it", async () => {
    const store = ready();
    const blocks = chain(5);
    const lost = child(blocks[3]!, "lost", false);
    store.dispatch({ type: "stack", data: { tip: blocks[0]!.hash, blocks: [...blocks, lost] } });
    stage(<Actions />, {}, store);
    press("show-cheese-stack");
    await eventually(() => expect(document.querySelectorAll('[data-testid="block"]')).toHaveLength(5));
    expect(get("result-show-cheese-stack").textContent).toContain(texts.stack.genesis);
    expect(get("fork-block").textContent).toContain(texts.stack.lost);
    expect(document.querySelector(`a[href="#/block/${blocks[0]!.hash}"]`)).not.toBeNull();
  });

  test("a result can be closed", async () => {
    stage(<Actions />);
    press("create-transaction");
    const panel = await eventually(() => get("result-create-transaction"));
    (panel.querySelector(`[aria-label="${texts.close}"]`) as HTMLElement).click();
    await eventually(() => expect(find("result-create-transaction")).toBeNull());
  });
});

describe("the send form", () => {
  const fill = (recipient: string, amount: string, feeRate = "") => {
    type("send-recipient", recipient);
    type("send-amount", amount);
    type("send-feerate", feeRate);
  };
  const errorOf = (id: string) => document.getElementById(`${id}-error`)?.textContent;

  test("mistakes stand beside their fields and nothing is sent", async () => {
    const s = stage(<SendPanel />);
    fill("nobody", "0.000000001", "x");
    press("send-submit");
    await eventually(() => expect(errorOf("send-amount")).toBe(texts.amount.decimals));
    expect(errorOf("send-recipient")).toBe(texts.send.recipientUnknown);
    expect(errorOf("send-feerate")).toBe(texts.send.feeJunk);
    expect(get("send-amount").getAttribute("aria-invalid")).toBe("true");
    expect(document.activeElement).toBe(get("send-recipient"));
    expect(s.calls).toHaveLength(0);
  });

  test("a good payment goes out in crumbs, to a connected peer by id", async () => {
    const s = stage(<SendPanel />, { "/api/transaction": () => sent });
    fill("Peer3", "1.00000001", "2.5");
    press("send-submit");
    await eventually(() => get("send-success"));
    expect(s.calls).toEqual([{ path: "/api/transaction", body: { recipient: "peer:8", amount: 100_000_001, feeRate: 2.5 } }]);
  });

  test("picking a connected peer fills the field", async () => {
    stage(<SendPanel />);
    (document.querySelector(".pick") as HTMLElement).click();
    await eventually(() => expect((get("send-recipient") as HTMLInputElement).value).toBe("Peer2"));
    expect(document.querySelector(".pick")?.getAttribute("aria-pressed")).toBe("true");
  });

  test.each(["recipient", "amount", "feeRate"])("a refusal that names %s stands beside it", async (field) => {
    stage(<SendPanel />, { "/api/transaction": () => new Refusal(422, field, "The peer says no.") });
    fill("Peer2", "1");
    press("send-submit");
    await eventually(() => expect(errorOf(`send-${field.toLowerCase()}`)).toBe("The peer says no."));
    expect(find("send-error")).toBeNull();
  });

  test("any other refusal stands above the form", async () => {
    stage(<SendPanel />, { "/api/transaction": () => new Refusal(503, "", "The wallet is locked.") });
    fill("Peer2", "1");
    press("send-submit");
    await eventually(() => expect(get("send-error").textContent).toContain("The wallet is locked."));
  });

  test("a window that is no longer let in says so", async () => {
    const s = stage(<SendPanel />, { "/api/transaction": () => new Refusal(401, "", "no") });
    press("random-payment");
    await eventually(() => expect(s.unauthorized).toHaveBeenCalledOnce());
  });
});
