// The cheese stack as the window knows it: pages and snapshots merged into one run of blocks, and laid out in rows with
// forks in lanes beside the best chain.
import type { Block, Stack } from "./model";

/** The most blocks the window keeps; the oldest go first. */
export const MAX_BLOCKS = 2000;
/** Lanes drawn beside the best chain; a fork that finds all of them taken shares the last. */
export const MAX_LANES = 3;

/** Adds `more` to what is known and says anew which blocks are best, by walking back from `tip`. What lies below the
 *  first block missing on that walk is dropped, so the result has no holes; "load older" brings it again. */
export function merge(known: readonly Block[], more: readonly Block[], tip: string): Stack {
  const byHash = new Map<string, Block>();
  for (const b of known) byHash.set(b.hash, b);
  for (const b of more) {
    // A block never changes, only what is thought of it: an object that still holds stays, so that it is not drawn again.
    const old = byHash.get(b.hash);
    if (!old || old.best !== b.best || old.valid !== b.valid) byHash.set(b.hash, b);
  }
  const best = new Set<string>();
  let floor = Infinity;
  for (let b = byHash.get(tip); b && !best.has(b.hash); b = byHash.get(b.prev)) {
    best.add(b.hash);
    floor = b.height;
  }
  if (best.size === 0) return { tip, blocks: [...more] };
  const blocks = [...byHash.values()]
    .filter((b) => b.height >= floor)
    .map((b) => (b.best === best.has(b.hash) ? b : { ...b, best: best.has(b.hash) }))
    .sort((a, b) => b.height - a.height || Number(b.best) - Number(a.best) || a.hash.localeCompare(b.hash));
  return { tip, blocks: blocks.slice(0, MAX_BLOCKS) };
}

/** The lowest height of the best chain that is known, or -1. */
export function floorOf(stack: Stack): number {
  return stack.blocks.findLast((b) => b.best)?.height ?? -1;
}

export interface ForkBlock {
  block: Block;
  /** Where its parent stands: in the best chain below, in the same lane below, or out of sight. */
  parent: "main" | "lane" | "unseen";
}
export interface Row { height: number; main: Block | null; lanes: ForkBlock[][] }
export interface Layout { rows: Row[]; lanes: number }

/** Rows newest first. A branch keeps its lane from its first block to its last. */
export function layout(blocks: readonly Block[]): Layout {
  const rows = new Map<number, Row>();
  const rowAt = (height: number): Row => {
    const row = rows.get(height) ?? { height, main: null, lanes: [] };
    rows.set(height, row);
    return row;
  };
  const main = new Set<string>();
  for (const b of blocks) {
    const row = rowAt(b.height);
    if (b.best && !row.main) {
      row.main = b;
      main.add(b.hash);
    }
  }
  const laneOf = new Map<string, number>();
  let lanes = 0;
  const rising = blocks.filter((b) => !main.has(b.hash)).sort((a, b) => a.height - b.height || a.time - b.time);
  for (const block of rising) {
    const row = rowAt(block.height);
    const below = rows.get(block.height - 1);
    const own = laneOf.get(block.prev);
    const lane = pickLane(row, below, own);
    laneOf.set(block.hash, lane);
    lanes = Math.max(lanes, lane + 1);
    const parent = main.has(block.prev) ? "main" : own === lane ? "lane" : "unseen";
    (row.lanes[lane] ??= []).push({ block, parent });
  }
  const sorted = [...rows.values()].sort((a, b) => b.height - a.height);
  for (const row of sorted) row.lanes = Array.from({ length: lanes }, (_, i) => row.lanes[i] ?? []);
  return { rows: sorted, lanes };
}

/** The parent's lane when it is free; otherwise the first lane free here and below, so that no stranger seems its parent. */
function pickLane(row: Row, below: Row | undefined, own: number | undefined): number {
  if (own !== undefined && !row.lanes[own]?.length) return own;
  for (let lane = 0; lane < MAX_LANES; lane++) {
    if (!row.lanes[lane]?.length && !below?.lanes[lane]?.length) return lane;
  }
  return MAX_LANES - 1;
}
