// How numbers, times and names from the outside are written in the window.
import { group } from "./amount";
import { texts } from "./texts";

/** The longest name of a peer, miner or agent that is shown. */
const MAX_NAME = 48;

/** Control characters and those that turn the direction of text: a name must not rearrange the line it stands in. */
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** What a stranger calls itself, made safe to print. */
export function clean(name: string, max = MAX_NAME): string {
  const printable = name.replace(UNSAFE, "");
  return printable.length > max ? printable.slice(0, max - 1) + "…" : printable;
}

export function integer(n: number): string {
  return group(String(Math.round(n)));
}

/** A hash's first eight and last four digits. */
export function shortHash(hash: string): string {
  return /^[0-9a-f]{17,}$/i.test(hash) ? `${hash.slice(0, 8)}…${hash.slice(-4)}` : hash;
}

export function shortAddress(address: string): string {
  return address.length > 22 ? `${address.slice(0, 10)}…${address.slice(-6)}` : address;
}

function scaled(n: number, step: number, units: readonly string[]): string {
  let i = 0;
  while (n >= step && i < units.length - 1) {
    n /= step;
    i++;
  }
  const digits = i === 0 || n >= 100 ? 0 : n >= 10 ? 1 : 2;
  return `${n.toFixed(digits)} ${units[i]}`;
}

export function bytes(n: number): string {
  return scaled(n, 1000, ["B", "kB", "MB", "GB", "TB"]);
}

export function hashrate(n: number): string {
  return scaled(n, 1000, ["H/s", "kH/s", "MH/s", "GH/s", "TH/s"]);
}

/** Difficulty spans many powers of ten (an easy network's is far below one): four digits, no exponent until it must. */
export function difficulty(n: number): string {
  if (n === 0) return "0";
  if (n >= 1e-6 && n < 1e6) return String(Number(n.toPrecision(4)));
  return n.toExponential(2).replace("e+", "e");
}

export function ping(ms: number): string {
  if (ms <= 0) return "–";
  return ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`;
}

export function feerate(n: number): string {
  return Number(n.toFixed(n < 10 ? 2 : 1)).toString();
}

/** How long ago, in one unit. Both are Unix seconds; a clock a little ahead still reads "now". */
export function ago(time: number, now: number): string {
  return texts.time.ago(span(now - time));
}

/** A length of time in one unit, "" below two seconds. */
export function span(seconds: number): string {
  const s = Math.floor(seconds);
  if (s < 2) return "";
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 86400) return `${Math.floor(s / 3600)} h`;
  return texts.time.days(Math.floor(s / 86400));
}

/** Wall-clock time of day, as the terminal prints it. */
export function clock(ms: number): string {
  const d = new Date(ms);
  return [d.getHours(), d.getMinutes(), d.getSeconds()].map((n) => String(n).padStart(2, "0")).join(":");
}

export function dateTime(seconds: number): string {
  return seconds > 0 ? new Date(seconds * 1000).toISOString().replace("T", " ").replace(".000Z", " UTC") : "–";
}
