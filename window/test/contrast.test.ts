// @vitest-environment node
// WCAG 2.2 AA: text needs 4.5 to 1, the edges of controls 3 to 1, in both themes.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

const css = readFileSync("src/styles/tokens.css", "utf8");

function tokens(block: string): Map<string, string> {
  return new Map([...block.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6});/g)].map((m) => [m[1]!, m[2]!]));
}

function body(selector: string): string {
  const from = css.indexOf(selector);
  return css.slice(from, css.indexOf("}", from));
}

function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((i) => Number.parseInt(hex.slice(i, i + 2), 16) / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
}

function contrast(a: string, b: string): number {
  const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p);
  return (x! + 0.05) / (y! + 0.05);
}

const light = tokens(body(":root {"));
const themes = { light, dark: new Map([...light, ...tokens(body(':root[data-theme="dark"]'))]) };
const text: [string, string[]][] = [
  ["ink", ["bg", "surface", "sunken", "accent-soft", "blue-soft", "good-soft", "bad-soft", "warn-soft"]],
  ["ink-2", ["bg", "surface", "sunken", "accent-soft", "blue-soft", "bad-soft"]],
  ["ink-3", ["bg", "surface"]],
  ["accent-ink", ["bg", "surface", "accent-soft", "sunken"]],
  ["on-accent", ["accent", "accent-hover"]],
  ["blue", ["surface", "blue-soft"]],
  ["good", ["surface", "good-soft"]],
  ["bad", ["surface", "bad-soft", "bg"]],
  ["warn", ["surface", "warn-soft"]],
];
const edges: [string, string[]][] = [["line-strong", ["bg", "surface"]], ["track", ["surface"]], ["blue", ["bg", "surface"]]];

describe.each(Object.entries(themes))("the %s theme", (_, theme) => {
  const pairs = (list: [string, string[]][]) => list.flatMap(([on, grounds]) => grounds.map((g): [string, string] => [on, g]));
  test.each(pairs(text))("%s reads on %s", (on, ground) => expect(contrast(theme.get(on)!, theme.get(ground)!)).toBeGreaterThanOrEqual(4.5));
  test.each(pairs(edges))("%s is seen on %s", (on, ground) => expect(contrast(theme.get(on)!, theme.get(ground)!)).toBeGreaterThanOrEqual(3));
});

test("the dark theme by hand is the dark theme of the system", () => {
  expect(tokens(body(':root[data-theme="dark"]'))).toEqual(tokens(body(':root:not([data-theme="light"])')));
});
