// @vitest-environment node
import { describe, expect, test } from "vitest";
import { floorOf, layout, MAX_BLOCKS, MAX_LANES, merge } from "../src/forks";
import { chain, child } from "./fixtures";

describe("merging pages and snapshots", () => {
  test("a page below joins the stack", () => {
    const blocks = chain(10);
    const merged = merge(blocks.slice(0, 4), blocks.slice(4), blocks[0]!.hash);
    expect(merged.blocks.map((b) => b.height)).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
    expect(floorOf(merged)).toBe(0);
  });

  test("a block that lost the best chain is kept and told", () => {
    //  7 – 8a            7 – 8a (lost)
    //              =>      \ 8b – 9b
    const blocks = chain(9);
    const [old, parent] = [blocks[0]!, blocks[1]!];
    const b8 = child(parent, "b");
    const b9 = child(b8, "b");
    const merged = merge(blocks, [b9, b8], b9.hash);
    expect(merged.blocks.find((b) => b.hash === old.hash)?.best).toBe(false);
    expect(merged.blocks.slice(0, 3).map((b) => b.hash)).toEqual([b9.hash, b8.hash, old.hash]);
  });

  test("what lies under a hole is dropped, for it may be another chain", () => {
    const blocks = chain(200);
    const merged = merge(blocks.slice(150), blocks.slice(0, 60), blocks[0]!.hash);
    expect(floorOf(merged)).toBe(140);
    expect(merged.blocks).toHaveLength(60);
  });

  test("the stack is bounded", () => {
    const blocks = chain(MAX_BLOCKS + 50);
    expect(merge([], blocks, blocks[0]!.hash).blocks).toHaveLength(MAX_BLOCKS);
  });

  test("an unknown tip shows what came", () => {
    const blocks = chain(3);
    expect(merge([], blocks, "ff").blocks).toEqual(blocks);
  });
});

describe("laying out forks", () => {
  test("a chain without forks needs no lane", () => {
    const { rows, lanes } = layout(chain(5));
    expect(lanes).toBe(0);
    expect(rows.map((r) => r.main?.height)).toEqual([4, 3, 2, 1, 0]);
  });

  test("a loser stands in the row of its height, and says where it grew from", () => {
    const blocks = chain(5);
    const lost = child(blocks[2]!, "lost", false);
    const { rows, lanes } = layout([...blocks, lost]);
    expect(lanes).toBe(1);
    expect(rows[1]?.lanes[0]).toEqual([{ block: lost, parent: "main" }]);
  });

  test("a branch keeps its lane, and two at one height stand apart", () => {
    //  4 – 5 – 6 – 7      best
    //  4 – 5x – 6x        lane 0
    //      5 – 6y         lane 1
    const blocks = chain(8);
    const x5 = child(blocks[3]!, "x", false);
    const x6 = child(x5, "x", false);
    const y6 = { ...child(blocks[2]!, "y", false), time: x6.time + 1 };
    const { rows, lanes } = layout([...blocks, x5, x6, y6]);
    const at = (height: number) => rows.find((r) => r.height === height)!.lanes.map((l) => l.map((f) => [f.block.hash, f.parent]));
    expect(lanes).toBe(2);
    expect(at(5)).toEqual([[[x5.hash, "main"]], []]);
    expect(at(6)).toEqual([[[x6.hash, "lane"]], [[y6.hash, "main"]]]);
  });

  test("a fork does not stand on a stranger", () => {
    //  4 – 5 – 6 – 7      best
    //  4 – 5x             lane 0
    //      5 – 6y         lane 1, for in lane 0 it would seem to grow from 5x
    const blocks = chain(8);
    const x5 = child(blocks[3]!, "x", false);
    const y6 = child(blocks[2]!, "y", false);
    const row6 = layout([...blocks, x5, y6]).rows.find((r) => r.height === 6);
    expect(row6?.lanes.map((l) => l.length)).toEqual([0, 1]);
  });

  test("more forks than lanes share the last", () => {
    const blocks = chain(3);
    const forks = Array.from({ length: MAX_LANES + 4 }, (_, i) => child(blocks[1]!, `f${i}`, false));
    const { rows, lanes } = layout([...blocks, ...forks]);
    expect(lanes).toBe(MAX_LANES);
    expect(rows[0]?.lanes.flat()).toHaveLength(forks.length);
  });

  test("a fork whose parent is not known hangs free", () => {
    const blocks = chain(3);
    const stray = { ...child(blocks[1]!, "stray", false), prev: "ab".repeat(32) };
    expect(layout([...blocks, stray]).rows[0]?.lanes[0]?.[0]?.parent).toBe("unseen");
  });

  test("a fork higher than the tip gets its own row", () => {
    const blocks = chain(3);
    const invalid = { ...child(blocks[0]!, "bad", false), valid: false };
    expect(layout([...blocks, invalid]).rows[0]).toMatchObject({ height: 3, main: null });
  });
});
