// @vitest-environment node
import { describe, expect, test } from "vitest";
import { CRUMBS, formatAmount, formatSigned, MAX_CRUMBS, parseAmount } from "../src/amount";
import { texts } from "../src/texts";

describe("reading an amount", () => {
  test.each([
    ["1", CRUMBS], ["1.5", 150_000_000], ["0.00000001", 1], [".5", 50_000_000], ["2.", 200_000_000], ["007", 7 * CRUMBS],
    ["  3.25 ", 325_000_000], ["12\u202f345.5", 1_234_550_000_000], ["21000000", MAX_CRUMBS], ["0.1", 10_000_000],
    ["20999999.99999999", MAX_CRUMBS - 1], ["1.00000000", CRUMBS],
  ])("%j is %i crumbs", (text, crumbs) => {
    expect(parseAmount(text)).toEqual({ ok: true, crumbs });
  });

  test.each([
    ["", texts.amount.empty], ["   ", texts.amount.empty], ["0", texts.amount.zero], ["0.00000000", texts.amount.zero],
    ["-1", texts.amount.negative], ["\u22121", texts.amount.negative], ["1,5", texts.amount.comma],
    ["0.000000001", texts.amount.decimals], ["1.000000000", texts.amount.decimals], ["abc", texts.amount.junk],
    ["1e8", texts.amount.junk], ["0x10", texts.amount.junk], ["1.2.3", texts.amount.junk], [".", texts.amount.junk],
    ["+1", texts.amount.junk], ["NaN", texts.amount.junk], ["Infinity", texts.amount.junk], ["1 CHZ", texts.amount.junk],
    ["21000000.00000001", texts.amount.tooMuch], ["99999999999999999999", texts.amount.tooMuch],
  ])("%j is refused with a reason", (text, message) => {
    expect(parseAmount(text)).toEqual({ ok: false, message });
  });
});

describe("writing an amount", () => {
  test.each([
    [0, "0.00"], [1, "0.00000001"], [150_000_000, "1.50"], [-5, "\u22120.00000005"], [1_000_000_000, "10.00"],
    [123_456_789, "1.23456789"], [1_234_550_000_000, "12\u202f345.50"], [MAX_CRUMBS, "21\u202f000\u202f000.00"],
  ])("%i crumbs are %j", (crumbs, text) => {
    expect(formatAmount(crumbs)).toBe(text);
  });

  test("what comes in carries a plus", () => {
    expect([formatSigned(CRUMBS), formatSigned(-CRUMBS), formatSigned(0)]).toEqual(["+1.00", "\u22121.00", "0.00"]);
  });

  test("every amount reads back as itself", () => {
    let n = 20_240_607;
    for (let i = 0; i < 2_000; i++) {
      n = (Math.imul(n, 1_103_515_245) + 12_345) >>> 0;
      const crumbs = 1 + ((n * 524_287 + i) % MAX_CRUMBS);
      expect(parseAmount(formatAmount(crumbs, i % 9)), `seed 20240607, step ${i}`).toEqual({ ok: true, crumbs });
    }
  });
});
