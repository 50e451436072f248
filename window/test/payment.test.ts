// @vitest-environment node
import { describe, expect, test } from "vitest";
import { CRUMBS } from "../src/amount";
import { check, MAX_FEERATE, parseFeeRate, payable, resolveRecipient, type Typed } from "../src/payment";
import { texts } from "../src/texts";
import { addrMistake } from "../src/views/connections";
import { peer } from "./fixtures";

const address = "chz1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxq0000000";
const peers = [peer(7, "Peer2"), peer(8, "Peer3"), peer(9, "Shy", { canPay: false }), peer(10, "Twin"), peer(11, "Twin")];
const good: Typed = { recipient: address, amount: "1.5", feeRate: "" };

describe("the send form", () => {
  test("accepts an address, an amount and no fee rate", () => {
    expect(check(good, peers, 2 * CRUMBS)).toEqual({ ok: true, payment: { recipient: address, amount: 150_000_000 } });
  });

  test("accepts a connected peer by name, by any case, and by id", () => {
    for (const name of ["Peer2", " peer2 ", "peer:7"]) expect(resolveRecipient(name, peers)).toEqual({ recipient: "peer:7" });
  });

  test("passes the fee rate on", () => {
    expect(check({ ...good, feeRate: "2.5" }, peers, null)).toMatchObject({ ok: true, payment: { feeRate: 2.5 } });
  });

  test.each<[string, Partial<Typed>, Partial<Typed>]>([
    ["no recipient", { recipient: " " }, { recipient: texts.send.recipientEmpty }],
    ["a stranger's name", { recipient: "nobody" }, { recipient: texts.send.recipientUnknown }],
    ["a name with spaces", { recipient: "bob marley" }, { recipient: texts.send.addressSpaces }],
    ["a peer that cannot be asked", { recipient: "Shy" }, { recipient: texts.send.recipientUnknown }],
    ["a peer that left", { recipient: "peer:99" }, { recipient: texts.send.peerGone }],
    ["two of one name", { recipient: "Twin" }, { recipient: texts.send.peerTwice("Twin") }],
    ["no amount", { amount: "" }, { amount: texts.amount.empty }],
    ["more than there is", { amount: "2.00000001" }, { amount: texts.send.tooMuch("2.00") }],
    ["a fee rate that is no number", { feeRate: "fast" }, { feeRate: texts.send.feeJunk }],
    ["a negative fee rate", { feeRate: "-1" }, { feeRate: texts.send.feeJunk }],
    ["a fee rate of nothing", { feeRate: "0" }, { feeRate: texts.send.feeZero }],
    ["a fee rate that is a slip", { feeRate: "1000000" }, { feeRate: texts.send.feeTooMuch(MAX_FEERATE) }],
  ])("refuses %s beside the field", (_, change, errors) => {
    expect(check({ ...good, ...change }, peers, 2 * CRUMBS)).toEqual({ ok: false, errors });
  });

  test("says everything that is wrong at once", () => {
    const checked = check({ recipient: "", amount: "x", feeRate: "y" }, peers, null);
    expect(checked.ok ? [] : Object.keys(checked.errors)).toEqual(["recipient", "amount", "feeRate"]);
  });

  test("an empty fee rate is the peer's own", () => {
    expect(parseFeeRate("  ")).toEqual({});
  });

  test("only peers that are connected and can be asked are offered", () => {
    expect(payable([...peers, peer(12, "New", { state: "handshake" })]).map((c) => c.id)).toEqual([7, 8, 10, 11]);
  });
});

describe("an address to connect to", () => {
  test.each(["127.0.0.1:23456", "[::1]:1", "localhost:65535", "peer.example:8333"])("%s may be right", (a) => expect(addrMistake(a)).toBe(""));
  test.each([
    ["", texts.connections.addrEmpty], ["127.0.0.1", texts.connections.addrJunk], ["::1:80", texts.connections.addrJunk],
    ["host:", texts.connections.addrJunk], ["a b:1", texts.connections.addrJunk], ["host:0", texts.connections.portJunk], ["host:65536", texts.connections.portJunk],
  ])("%j is refused", (a, why) => expect(addrMistake(a)).toBe(why));
});
