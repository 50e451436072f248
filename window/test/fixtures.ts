// Invented blocks, peers and answers for the tests.
import type { Block, Connection, LogLine, Snapshot } from "../src/model";
import { readSnapshot } from "../src/model";

export function hashOf(text: string): string {
  let h = 2_166_136_261;
  let out = "";
  for (let i = 0; out.length < 60; i++) {
    for (const c of text + i) h = Math.imul(h ^ c.charCodeAt(0), 16_777_619) >>> 0;
    out += h.toString(16).padStart(8, "0");
  }
  return "0000" + out.slice(0, 60);
}

export function child(parent: Block, salt: string, best = true): Block {
  const height = parent.height + 1;
  return { ...parent, hash: hashOf(`${height}${salt}`), prev: parent.hash, height, time: parent.time + 10, best, genesis: false, miner: `miner-${salt}`, mine: false };
}

/** A best chain of n blocks with heights 0 to n-1, newest first. */
export function chain(n: number): Block[] {
  const genesis: Block = {
    hash: hashOf("genesis"), prev: "0".repeat(64), height: 0, miner: "", time: 1_790_000_000, nonce: 7, bits: "1f00ffff", difficulty: 1, txs: 1, size: 200,
    fees: null, reward: 1_000_000_000, best: true, valid: true, mine: false, genesis: true,
  };
  const blocks = [genesis];
  while (blocks.length < n) blocks.push(child(blocks.at(-1)!, "main"));
  return blocks.reverse();
}

export function peer(id: number, name: string, more: Partial<Connection> = {}): Connection {
  return {
    id, addr: `127.0.0.1:${40_000 + id}`, name, agent: `/cheese:0.1.0(${name})/`, inbound: id % 2 === 1, height: 3, pingMs: 1, since: 1_790_000_000,
    bytesIn: 100, bytesOut: 200, state: "connected", canPay: true, ...more,
  };
}

export function line(seq: number, more: Partial<LogLine> = {}): LogLine {
  return { seq, time: 1_790_000_000_000 + seq, level: "info", msg: `line ${seq}`, kind: "other", attrs: [], ...more };
}

export function snapshot(more: Partial<Record<keyof Snapshot, unknown>> = {}): Snapshot {
  const blocks = chain(4);
  const tip = blocks[0]!;
  return readSnapshot({
    status: { name: "Peer1", network: "cheese", ticker: "CHZ", tip: { height: tip.height, hash: tip.hash, time: tip.time }, bestHeader: tip.height, maturity: 10,
      mining: { on: true, hashrate: 15_000, limit: 16_000, threads: 1 }, trackers: [{ url: "http://127.0.0.1:5656", ok: true }], race: [{ miner: "Peer1", blocks: 2 }] },
    connections: [peer(7, "Peer2"), peer(8, "Peer3")],
    wallet: { confirmed: 5_000_000_000, spendable: 5_000_000_000, address: "chz1pexampleexampleexample" },
    mempool: { count: 0, bytes: 0, txs: null },
    stack: { tip: tip.hash, blocks },
    ...more,
  });
}
