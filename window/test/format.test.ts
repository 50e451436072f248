// @vitest-environment node
import { expect, test } from "vitest";
import { bytes, clean, difficulty, feerate, hashrate, shortHash, span } from "../src/format";
import { parseRoute } from "../src/route";
import { holes, scent, zeros } from "../src/smell";
import { filterLines } from "../src/views/log";
import { limitAt, stepOf } from "../src/views/mining";
import { hashOf, line } from "./fixtures";

test("a stranger's name cannot turn or stretch the line it stands in", () => {
  expect(clean("a\u202egpj.exe\u0000\n")).toBe("agpj.exe");
  expect(clean("x".repeat(500))).toHaveLength(48);
});

test("numbers are written short", () => {
  expect([bytes(999), bytes(12_345), hashrate(15_230), hashrate(0), difficulty(1.23456), difficulty(0.0000152587), feerate(2.5), span(59), span(3600)])
    .toEqual(["999 B", "12.3 kB", "15.2 kH/s", "0 H/s", "1.235", "0.00001526", "2.5", "59 s", "1 h"]);
});

test("a hash is cut, other words are not", () => {
  expect(shortHash("00".repeat(32))).toBe("00000000…0000");
  expect(shortHash("connection refused by the peer")).toBe("connection refused by the peer");
});

test("the address bar leads to places, and anything odd leads home", () => {
  const hash = hashOf("x");
  expect(parseRoute("#/log")).toEqual({ at: "log" });
  expect(parseRoute(`#/block/${hash}`)).toEqual({ at: "block", hash });
  expect(parseRoute(`#/tx/${hash.toUpperCase()}`)).toEqual({ at: "tx", txid: hash });
  for (const odd of ["", "#", "#/", "#/nowhere", "#/block/../../api", "#/tx/12"]) expect(parseRoute(odd)).toEqual({ at: "home" });
});

test("a smell's look comes from the hash alone", () => {
  const hash = hashOf("x");
  expect(scent(hash)).toEqual(scent(hash));
  expect(scent(hash)).not.toEqual(scent(hashOf("y")));
  expect(scent("")).toEqual({ hue: 0, second: 90, angle: 0 });
  expect(zeros("000a0")).toBe(3);
  expect(holes(hash).length).toBeGreaterThan(0);
});

test("the limit slider's steps lead back to themselves, and its end is no limit", () => {
  for (let step = 0; step <= 60; step++) expect(stepOf(limitAt(step))).toBe(step);
  expect(limitAt(60)).toBe(0);
  expect(stepOf(10)).toBe(0);
  expect(stepOf(1e12)).toBe(59);
});

test("the log is filtered by kind and by text, in messages and values", () => {
  const lines = [line(1, { kind: "mined", msg: "cheese mined", attrs: [["miner", "Peer1"]] }), line(2, { kind: "peer", msg: "peer connected" })];
  expect(filterLines(lines, new Set(), "").length).toBe(2);
  expect(filterLines(lines, new Set(["peer"]), "").map((l) => l.seq)).toEqual([2]);
  expect(filterLines(lines, new Set(), "MINER=peer1").map((l) => l.seq)).toEqual([1]);
});
