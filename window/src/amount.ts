// Amounts of CheeseCoin. One CHZ is 10^8 crumbs; all arithmetic is on whole crumbs, and text is converted digit by
// digit, never through a fraction. 21 million CHZ fit a double's 53 bits exactly.
import { texts } from "./texts";

export const CRUMBS = 100_000_000;
const DECIMALS = 8;
/** More than this can never exist (Bitcoin's MAX_MONEY). */
export const MAX_CRUMBS = 21_000_000 * CRUMBS;

export type Parsed = { ok: true; crumbs: number } | { ok: false; message: string };

/** Reads an amount of CHZ as a person types it: "1", "0.5", "12.00000001". Zero, signs, more than eight decimals and
 *  anything else are refused with a sentence that says why. */
export function parseAmount(text: string): Parsed {
  const t = text.replace(/[\s\u00a0\u202f]/g, "");
  const no = (message: string): Parsed => ({ ok: false, message });
  if (t === "") return no(texts.amount.empty);
  if (/^[-\u2212]/.test(t)) return no(texts.amount.negative);
  if (/^\d*,\d+$/.test(t)) return no(texts.amount.comma);
  const m = /^(\d*)(?:\.(\d*))?$/.exec(t);
  if (!m || (!m[1] && !m[2])) return no(texts.amount.junk);
  const whole = (m[1] ?? "").replace(/^0+/, "") || "0";
  const fraction = m[2] ?? "";
  if (fraction.length > DECIMALS) return no(texts.amount.decimals);
  if (whole.length > 8) return no(texts.amount.tooMuch);
  const crumbs = Number(whole) * CRUMBS + Number(fraction.padEnd(DECIMALS, "0"));
  if (crumbs === 0) return no(texts.amount.zero);
  if (crumbs > MAX_CRUMBS) return no(texts.amount.tooMuch);
  return { ok: true, crumbs };
}

/** Writes crumbs as CHZ with at least `min` decimals and no more than needed: 150000000 is "1.50". */
export function formatAmount(crumbs: number, min = 2): string {
  const sign = crumbs < 0 ? "\u2212" : "";
  const digits = String(Math.abs(Math.trunc(crumbs))).padStart(DECIMALS + 1, "0");
  const whole = digits.slice(0, -DECIMALS);
  let fraction = digits.slice(-DECIMALS).replace(/0+$/, "");
  fraction = fraction.padEnd(min, "0");
  return sign + group(whole) + (fraction ? "." + fraction : "");
}

/** Like formatAmount, with a plus sign on what comes in. */
export function formatSigned(crumbs: number): string {
  return (crumbs > 0 ? "+" : "") + formatAmount(crumbs);
}

/** Whole numbers from five digits on are grouped by a narrow space, which parseAmount takes back. */
export function group(whole: string): string {
  return whole.length < 5 ? whole : whole.replace(/\B(?=(\d{3})+$)/g, "\u202f");
}
