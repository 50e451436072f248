// The shapes the peer's HTTP interface speaks. Amounts are whole crumbs (10^-8 CHZ), times Unix seconds, hashes hex
// as Bitcoin shows them. Every `read…` function turns an answer into a complete, bounded value: a list that came as
// null becomes empty, a list that is too long is cut, so that no view has to ask again.

export interface Tip { height: number; hash: string; time: number }
export interface Mining {
  on: boolean; hashrate: number; /** hashes a second, 0 is none */ limit: number; threads: number;
  classic: boolean; /** transactions a classic peer waits for */ waitFor: number; blocksMined: number;
}
export interface Tracker { url: string; ok: boolean; error: string; peers: number; lastOkAt: number; warning: string }
export interface Racer { miner: string; blocks: number }
export interface Status {
  name: string; network: string; ticker: string; version: string; agent: string; startedAt: number; p2p: string;
  tip: Tip; bestHeader: number; syncing: boolean; difficulty: number; target: string; bits: string;
  spacing: number; maturity: number; subsidy: number; mining: Mining; trackers: Tracker[]; classic: boolean;
  warnings: string[]; race: Racer[];
}
export interface Connection {
  id: number; addr: string; name: string; agent: string; inbound: boolean; height: number; pingMs: number; since: number;
  bytesIn: number; bytesOut: number; state: "connected" | "handshake"; canPay: boolean;
}
export interface Entry {
  txid: string; kind: "received" | "sent" | "mined" | "self"; amount: number; fee: number; time: number; height: number;
  confirmations: number; state: "pending" | "confirmed" | "immature" | "conflicted"; counterparty: string;
}
export interface Wallet {
  confirmed: number; pending: number; immature: number; spendable: number; address: string; history: Entry[];
  encrypted: boolean; emptyPassphrase: boolean;
}
export interface PoolTx {
  txid: string; vsize: number; fee: number; feerate: number; time: number; amount: number; nextBlock: boolean;
}
export interface Mempool { count: number; bytes: number; txs: PoolTx[] }
export interface Block {
  hash: string; prev: string; height: number; miner: string; time: number; nonce: number; bits: string; difficulty: number;
  txs: number; size: number; fees: number | null; /** all the coinbase pays: subsidy and fees */ reward: number; best: boolean; valid: boolean; mine: boolean; genesis: boolean;
}
export interface Stack { tip: string; blocks: Block[] }
export interface TxIn { txid: string; vout: number; address: string; value: number | null }
export interface TxOut { address: string; value: number; type: string }
export interface Tx {
  txid: string; coinbase: boolean; vsize: number; fee: number | null; in: TxIn[]; out: TxOut[];
}
export interface TxDetail extends Tx { block: string; height: number; confirmations: number; raw: string }
export interface BlockDetail extends Block {
  merkle: string; version: number; weight: number; confirmations: number; next: string; txList: Tx[]; coinbaseText: string;
}
export type LogKind = "mined" | "added" | "reorg" | "lost" | "tx" | "peer" | "tracker" | "sync" | "other";
export interface LogLine {
  seq: number; /** milliseconds since 1970 */ time: number; level: "debug" | "info" | "warn" | "error"; msg: string;
  kind: LogKind; attrs: [string, string][];
}
export interface KnownPeer { addr: string; connected: boolean; self: boolean; name: string }
export interface PeerList { peers: KnownPeer[]; trackers: Tracker[] }
export interface ConnectResult { addr: string; ok: boolean; already: boolean; error: string }
export interface Sent { txid: string; recipient: string; recipientName: string; amount: number; fee: number }
export interface Snapshot { status: Status; connections: Connection[]; wallet: Wallet; mempool: Mempool; stack: Stack }

/** The most rows of anything that one answer may bring into the window. */
export const MAX_ROWS = 500;
/** The most transactions, inputs or outputs shown of one block or transaction. */
export const MAX_PARTS = 2000;

type Raw = Record<string, unknown>;

function raw(x: unknown): Raw {
  return typeof x === "object" && x !== null && !Array.isArray(x) ? (x as Raw) : {};
}

function list(x: unknown, max = MAX_ROWS): unknown[] {
  return Array.isArray(x) ? x.slice(0, max) : [];
}

/** Lays the answer's fields over defaults, taking only fields of the default's type. */
function fill<T extends object>(defaults: T, x: unknown): T {
  const from = raw(x);
  const out = { ...defaults } as Raw;
  for (const [key, value] of Object.entries(defaults)) {
    const given = from[key];
    if (typeof given === typeof value && given !== null && !Array.isArray(value) && typeof value !== "object") out[key] = given;
  }
  return out as T;
}

function nullable(x: unknown): number | null {
  return typeof x === "number" ? x : null;
}

const noTip: Tip = { height: 0, hash: "", time: 0 };
const noMining: Mining = { on: false, hashrate: 0, limit: 0, threads: 1, classic: false, waitFor: 3, blocksMined: 0 };
const noTracker: Tracker = { url: "", ok: false, error: "", peers: 0, lastOkAt: 0, warning: "" };
const noStatus: Status = {
  name: "", network: "", ticker: "CHZ", version: "", agent: "", startedAt: 0, p2p: "", tip: noTip, bestHeader: 0,
  syncing: false, difficulty: 0, target: "", bits: "", spacing: 0, maturity: 0, subsidy: 0, mining: noMining,
  trackers: [], classic: false, warnings: [], race: [],
};

export function readTracker(x: unknown): Tracker {
  return fill(noTracker, x);
}

export function readMining(x: unknown): Mining {
  return fill(noMining, x);
}

export function readStatus(x: unknown): Status {
  const r = raw(x);
  return {
    ...fill(noStatus, x),
    tip: fill(noTip, r["tip"]),
    mining: readMining(r["mining"]),
    trackers: list(r["trackers"]).map(readTracker),
    warnings: list(r["warnings"], 20).filter((w): w is string => typeof w === "string"),
    race: list(r["race"], 100).map((e) => fill<Racer>({ miner: "", blocks: 0 }, e)),
  };
}

const noConnection: Connection = {
  id: 0, addr: "", name: "", agent: "", inbound: false, height: 0, pingMs: 0, since: 0, bytesIn: 0, bytesOut: 0,
  state: "connected", canPay: false,
};

export function readConnections(x: unknown): Connection[] {
  return list(x).map((c) => fill(noConnection, c));
}

const noEntry: Entry = {
  txid: "", kind: "received", amount: 0, fee: 0, time: 0, height: -1, confirmations: 0, state: "pending", counterparty: "",
};

export function readWallet(x: unknown): Wallet {
  const none: Wallet = {
    confirmed: 0, pending: 0, immature: 0, spendable: 0, address: "", history: [], encrypted: true, emptyPassphrase: false,
  };
  return { ...fill(none, x), history: list(raw(x)["history"], 100).map((e) => fill(noEntry, e)) };
}

const noPoolTx: PoolTx = { txid: "", vsize: 0, fee: 0, feerate: 0, time: 0, amount: 0, nextBlock: false };

export function readMempool(x: unknown): Mempool {
  return { ...fill<Mempool>({ count: 0, bytes: 0, txs: [] }, x), txs: list(raw(x)["txs"], 200).map((t) => fill(noPoolTx, t)) };
}

const noBlock: Block = {
  hash: "", prev: "", height: 0, miner: "", time: 0, nonce: 0, bits: "", difficulty: 0, txs: 0, size: 0, fees: null,
  reward: 0, best: false, valid: true, mine: false, genesis: false,
};

export function readBlock(x: unknown): Block {
  return { ...fill(noBlock, x), fees: nullable(raw(x)["fees"]) };
}

export function readStack(x: unknown): Stack {
  return { ...fill<Stack>({ tip: "", blocks: [] }, x), blocks: list(raw(x)["blocks"]).map(readBlock) };
}

export function readTx(x: unknown): Tx {
  const r = raw(x);
  return {
    ...fill<Tx>({ txid: "", coinbase: false, vsize: 0, fee: null, in: [], out: [] }, x),
    fee: nullable(r["fee"]),
    in: list(r["in"], MAX_PARTS).map((i) => ({
      ...fill<TxIn>({ txid: "", vout: 0, address: "", value: null }, i),
      value: nullable(raw(i)["value"]),
    })),
    out: list(r["out"], MAX_PARTS).map((o) => fill<TxOut>({ address: "", value: 0, type: "" }, o)),
  };
}

export function readTxDetail(x: unknown): TxDetail {
  return { ...readTx(x), ...fill({ block: "", height: -1, confirmations: 0, raw: "" }, x) };
}

export function readBlockDetail(x: unknown): BlockDetail {
  const more = fill({ merkle: "", version: 0, weight: 0, confirmations: 0, next: "", coinbaseText: "" }, x);
  return { ...readBlock(x), ...more, txList: list(raw(x)["txList"], MAX_PARTS).map(readTx) };
}

export function readLogLine(x: unknown): LogLine {
  const none: LogLine = { seq: 0, time: 0, level: "info", msg: "", kind: "other", attrs: [] };
  const attrs = list(raw(x)["attrs"], 40).filter((a): a is [string, string] => Array.isArray(a) && a.length === 2);
  return { ...fill(none, x), attrs: attrs.map(([k, v]) => [String(k), String(v)]) };
}

export function readPeerList(x: unknown): PeerList {
  const none: KnownPeer = { addr: "", connected: false, self: false, name: "" };
  return { peers: list(raw(x)["peers"]).map((p) => fill(none, p)), trackers: list(raw(x)["trackers"]).map(readTracker) };
}

export function readConnectResults(x: unknown): ConnectResult[] {
  const none: ConnectResult = { addr: "", ok: false, already: false, error: "" };
  return list(raw(x)["results"]).map((r) => fill(none, r));
}

export function readSent(x: unknown): Sent {
  return fill<Sent>({ txid: "", recipient: "", recipientName: "", amount: 0, fee: 0 }, x);
}

export function readSnapshot(x: unknown): Snapshot {
  const r = raw(x);
  return {
    status: readStatus(r["status"]),
    connections: readConnections(r["connections"]),
    wallet: readWallet(r["wallet"]),
    mempool: readMempool(r["mempool"]),
    stack: readStack(r["stack"]),
  };
}
