// A stand-in for a peer, with invented data, for working on the window without one. Never bundled, never shipped.
//   node dev/mock.mjs [port]        then `npm run dev`, or open http://127.0.0.1:8799/ for the built window
//   curl -X POST 127.0.0.1:8799/mock?set=classic,warnings,fork     (none | behind | empty | unauthorized | classic | warnings | frozen)
import { createHash, randomBytes } from "node:crypto";
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const port = Number(process.argv[2] ?? 8799);
const dist = fileURLToPath(new URL("../../web/dist/", import.meta.url));
const flags = new Set();
const CHZ = 100_000_000;
const miners = ["Peer1", "Peer2", "Peer3"];
const epoch = randomBytes(8).toString("hex");
const now = () => Math.floor(Date.now() / 1000);
const sha = (s) => createHash("sha256").update(String(s)).digest("hex");
const smell = (s) => "0000" + sha(s).slice(4);
const address = (s) => "chz1p" + BigInt("0x" + sha(s)).toString(36).padEnd(58, "q").slice(0, 58);
const pick = (list, n) => list[n % list.length];

const blocks = new Map();
const bestAt = [];
let logSeq = 0;
const log = [];
const clients = new Set();
let mining = { on: true, hashrate: 15_230, limit: 16_000, threads: 1, classic: false, waitFor: 3, blocksMined: 4 };
let pool = [];
let history = [];
let walletAddress = address("first");
let connections = [
  conn(7, "127.0.0.1:40112", "Peer2", true, 0.8), conn(8, "127.0.0.1:23458", "Peer3", false, 1.2),
  conn(9, "[::1]:51844", "a peer with a rather long name of its own", true, 12.4),
];

function conn(id, addr, name, inbound, pingMs) {
  return { id, addr, name, agent: `/cheese:0.1.0(${name})/`, inbound, height: 0, pingMs, since: now() - 340 * (id - 6), bytesIn: 120_400 * id, bytesOut: 8_090 * id,
    state: "connected", canPay: true };
}

function block(height, prev, miner, time, salt = "") {
  const hash = height === 0 ? smell("Blue Cheese") : smell(`${height}${prev}${miner}${salt}`);
  const n = Number.parseInt(hash.slice(-6), 16);
  const b = { hash, prev, height, miner: height ? miner : "", time, nonce: n * 7 % 900_000, bits: "1f00ffff", difficulty: 0.8 + (n % 500) / 1000,
    txs: 1 + (n % 4), size: 210 + (n % 4) * 190, fees: (n % 4) * 1_540, reward: 10 * CHZ + (n % 4) * 1_540, best: true, valid: true, mine: miner === "Peer1" && height > 0, genesis: height === 0 };
  blocks.set(hash, b);
  return b;
}

function grow(miner, time) {
  const prev = bestAt.at(-1);
  const b = block(bestAt.length, prev?.hash ?? "0".repeat(64), miner, time);
  bestAt.push(b);
  return b;
}

function fork(height, miner) {
  const b = block(height, bestAt[height - 1].hash, miner, bestAt[height].time + 1, "fork");
  b.best = false;
  return b;
}

const start = now() - 84 * 11;
for (let h = 0; h < 84; h++) grow(h ? pick(miners, Number.parseInt(sha(h).slice(0, 4), 16)) : "", start + h * 11 - (h % 5));
fork(81, "Peer2");
const f1 = fork(76, "Peer3");
const f2 = block(77, f1.hash, "Peer3", f1.time + 9, "fork2");
f2.best = false;
fork(77, "Peer2");
fork(60, "Peer2");
history = [
  entry("self", "sent", -3.2 * CHZ, 1_540, "pending", -1, address("x1")), entry("m83", "mined", 10 * CHZ, 0, "immature", 83, ""),
  entry("r80", "received", 4.75 * CHZ, 0, "confirmed", 80, address("x2")), entry("c79", "sent", -2 * CHZ, 1_540, "conflicted", -1, address("x3")),
  entry("s77", "sent", -1.00000001 * CHZ, 1_540, "confirmed", 77, address("x4")), entry("m70", "mined", 10.0000154 * CHZ, 0, "confirmed", 70, ""),
  entry("o66", "self", -1_540, 1_540, "confirmed", 66, ""),
];
for (let i = 0; i < 5; i++) pool.push(poolTx(`p${i}`, i < 4));
say("info", "tracker", "tracker answered", [["url", "http://127.0.0.1:5656"], ["peers", "3"]]);
say("info", "peer", "peer connected", [["peer", "Peer2"], ["addr", "127.0.0.1:40112"], ["direction", "inbound"]]);
say("warn", "peer", "peer dropped", [["addr", "127.0.0.1:40990"], ["reason", "no verack within 60 s"]]);
for (const b of bestAt.slice(-30)) tellBlock(b);
say("info", "lost", "lost the race", [["height", "81"], ["smell", blocks.get(f1.hash).hash], ["winner", "Peer3"]]);
say("info", "reorg", "reorg", [["from", f2.hash], ["to", bestAt[78].hash], ["depth", "2"], ["fork", "75"]]);

function entry(seed, kind, amount, fee, state, height, counterparty) {
  return { txid: sha(seed), kind, amount: Math.round(amount), fee, time: height > 0 ? bestAt[height].time : now() - 20, height,
    confirmations: height > 0 ? bestAt.length - height : 0, state, counterparty };
}

function poolTx(seed, nextBlock) {
  const vsize = 154 + (Number.parseInt(sha(seed).slice(0, 2), 16) % 3) * 58;
  const feerate = 12 - pool.length * 2.25;
  return { txid: sha(seed), vsize, fee: Math.round(vsize * feerate), feerate, time: now() - 8 * pool.length, amount: Math.round((1 + pool.length * 2.123) * CHZ), nextBlock };
}

function say(level, kind, msg, attrs) {
  const line = { seq: ++logSeq, time: Date.now(), level, msg, kind, attrs };
  log.push(line);
  if (log.length > 500) log.shift();
  for (const c of clients) send(c, "log", line, line.seq);
}

function tellBlock(b) {
  const attrs = [["height", String(b.height)], ["smell", b.hash], ["miner", b.miner], ["txs", String(b.txs)]];
  if (b.mine) say("info", "mined", "cheese mined", attrs);
  else say("info", "added", "new cheese added", attrs);
}

function status() {
  const race = {};
  for (const b of bestAt.slice(1)) race[b.miner] = (race[b.miner] ?? 0) + 1;
  const tip = bestAt.at(-1);
  const behind = flags.has("behind");
  const trackers = [{ url: "http://127.0.0.1:5656", ok: !flags.has("warnings"), error: flags.has("warnings") ? "connection refused" : "", peers: 3, lastOkAt: now() - 12, warning: "" }];
  return { name: "Peer1", network: "cheese", ticker: "CHZ", version: "0.1.0", agent: "/cheese:0.1.0(Peer1)/", startedAt: start, p2p: "127.0.0.1:23456",
    tip: { height: tip.height, hash: tip.hash, time: tip.time }, bestHeader: behind ? tip.height + 366 : tip.height, syncing: behind,
    difficulty: tip.difficulty, target: "0000ffff" + "0".repeat(56), bits: tip.bits, spacing: 30, maturity: 10, subsidy: 10 * CHZ,
    mining: { ...mining, classic: flags.has("classic"), hashrate: mining.on ? 14_800 + Math.random() * 900 : 0 }, trackers, classic: flags.has("classic"),
    warnings: flags.has("warnings") ? ["Your clock is 95 s behind the clocks of 3 peers."] : [],
    race: flags.has("empty") ? null : Object.entries(race).map(([miner, n]) => ({ miner, blocks: n })) };
}

function wallet() {
  if (flags.has("empty")) return { confirmed: 0, pending: 0, immature: 0, spendable: 0, address: walletAddress, history: null, encrypted: true, emptyPassphrase: false };
  return { confirmed: 128.4523 * CHZ, pending: -3.2000154 * CHZ, immature: 40 * CHZ, spendable: 125.2522846 * CHZ, address: walletAddress, history, encrypted: true,
    emptyPassphrase: flags.has("warnings") };
}

function mempool() {
  const txs = flags.has("empty") ? null : pool;
  return { count: txs?.length ?? 0, bytes: (txs ?? []).reduce((n, t) => n + t.vsize, 0), txs };
}

function stackPage(before, limit) {
  const top = Math.min(before, bestAt.length) - 1;
  const low = Math.max(0, top - limit + 1);
  const list = [...blocks.values()].filter((b) => b.height <= top && b.height >= low).sort((a, b) => b.height - a.height || Number(b.best) - Number(a.best));
  return { tip: bestAt.at(-1).hash, blocks: flags.has("empty") ? list.filter((b) => b.genesis) : list };
}

function peers() {
  return flags.has("empty") ? null : connections.map((c) => ({ ...c, height: bestAt.length - 1 }));
}

function snapshots() {
  return { status: status(), connections: peers(), wallet: wallet(), mempool: mempool(), stack: stackPage(Infinity, 60) };
}

function send(res, event, data, id) {
  res.write(`${id ? `id: ${id}\n` : ""}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
}

function broadcast(...names) {
  if (flags.has("frozen")) return;
  const all = snapshots();
  for (const c of clients) for (const n of names) send(c, n, all[n]);
}

function tx(txid, coinbase = false, n = 0) {
  const value = coinbase ? null : 5 * CHZ;
  return { txid, coinbase, vsize: 154, fee: coinbase ? null : 1_540, in: [{ txid: coinbase ? "0".repeat(64) : sha(txid), vout: 1, address: coinbase ? "" : address(txid), value }],
    out: [{ address: address(txid + "o"), value: coinbase ? 10 * CHZ + n : 2 * CHZ, type: "witness_v1_taproot" },
      coinbase ? { address: "", value: 0, type: "nulldata" } : { address: address(txid + "c"), value: 3 * CHZ - 1_540, type: "witness_v1_taproot" }] };
}

function blockDetail(b) {
  const txList = [tx(sha(b.hash + "cb"), true, b.fees)];
  for (let i = 1; i < b.txs; i++) txList.push(tx(sha(b.hash + i)));
  return { ...b, merkle: sha("m" + b.hash), version: 0x20000000, weight: b.size * 4 - 300, confirmations: b.best ? bestAt.length - b.height : 0, next: bestAt[b.height + 1]?.hash ?? "",
    txList, coinbaseText: b.genesis ? "Blue Cheese 2026" : `mined by ${b.miner}` };
}

class Refusal extends Error {
  constructor(message, field = "", code = "invalid") {
    super(message);
    Object.assign(this, { field, code });
  }
}

const actions = {
  "/api/peer-list": () => ({ trackers: status().trackers, peers: flags.has("empty") ? null : [{ addr: "127.0.0.1:23456", connected: false, self: true, name: "Peer1" },
    { addr: "127.0.0.1:23457", connected: true, self: false, name: "Peer2" }, { addr: "127.0.0.1:23458", connected: true, self: false, name: "Peer3" }, { addr: "10.0.0.9:23456", connected: false, self: false, name: "" }] }),
  "/api/connect-peers": () => ({ results: [{ addr: "127.0.0.1:23457", ok: true, already: true, error: "" }, { addr: "127.0.0.1:23458", ok: true, already: false, error: "" },
    { addr: "10.0.0.9:23456", ok: false, already: false, error: "connect 10.0.0.9:23456: no answer within 5 s" }] }),
  "/api/connect": (b) => {
    if (!/^127/.test(b.addr)) throw new Refusal(`connect ${b.addr}: connection refused`, "addr");
    return { ok: true };
  },
  "/api/disconnect": (b) => {
    connections = connections.filter((c) => c.id !== b.id);
    broadcast("connections");
    return { ok: true };
  },
  "/api/transaction": (b) => {
    if (!b.random && b.amount > 125 * CHZ) throw new Refusal("The wallet holds 125.25 CHZ that can be spent; this payment and its fee need more.", "amount", "insufficient");
    const peer = connections.find((c) => `peer:${c.id}` === b.recipient) ?? (b.random ? connections[0] : undefined);
    const amount = b.random ? Math.ceil(Math.random() * 10) * CHZ : b.amount;
    const t = { ...poolTx(String(Math.random()), true), amount };
    pool = [t, ...pool].slice(0, 200);
    history = [{ txid: t.txid, kind: "sent", amount: -amount, fee: 1_540, time: now(), height: -1, confirmations: 0, state: "pending", counterparty: address("x9") }, ...history].slice(0, 100);
    say("info", "tx", "transaction created", [["txid", t.txid], ["to", peer?.name ?? b.recipient], ["amount", `${amount / CHZ} CHZ`]]);
    broadcast("mempool", "wallet");
    return { txid: t.txid, recipient: peer ? address("x9") : b.recipient, recipientName: peer?.name ?? "", amount, fee: 1_540 };
  },
  "/api/address": () => ({ address: (walletAddress = address(String(Math.random()))) }),
  "/api/check-address": (b) => {
    if (!b.address.startsWith("chz1")) throw new Refusal("This address is not of the cheese network: it does not start with chz1.", "recipient");
    return { ok: true };
  },
  "/api/mining": (b) => {
    mining = { ...mining, ...b };
    broadcast("status");
    return status().mining;
  },
};

function qr(text) {
  const size = 29;
  let path = "";
  const bits = sha(text) + sha(text + 1) + sha(text + 2) + sha(text + 3);
  const dark = (x, y) => {
    for (const [a, b] of [[0, 0], [size - 7, 0], [0, size - 7]]) {
      const [i, j] = [x - a, y - b];
      if (i >= -1 && i < 8 && j >= -1 && j < 8) {
        const d = Math.max(Math.abs(i - 3), Math.abs(j - 3));
        return d <= 1 || d === 3;
      }
    }
    const n = y * size + x;
    return (Number.parseInt(bits[n % bits.length], 16) >> (n % 4)) & 1;
  };
  for (let y = 0; y < size; y++) for (let x = 0; x < size; x++) if (dark(x, y)) path += `M${x} ${y}h1v1h-1z`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size} ${size}" shape-rendering="crispEdges"><path d="${path}"/></svg>`;
}

function json(res, code, body) {
  res.writeHead(code, { "Content-Type": "application/json" }).end(JSON.stringify(body));
}

function refuse(res, code, e) {
  json(res, code, { error: { code: e.code ?? "internal", field: e.field ?? "", message: e.message } });
}

async function bodyOf(req) {
  let text = "";
  for await (const chunk of req) if ((text += chunk).length > 65_536) break;
  return JSON.parse(text || "{}");
}

function file(path, res) {
  const name = normalize(path === "/" ? "/index.html" : path);
  const full = join(dist, name);
  if (!full.startsWith(dist) || !existsSync(full) || !statSync(full).isFile()) return refuse(res, 404, new Refusal("not found"));
  const kinds = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
  res.writeHead(200, { "Content-Type": kinds[extname(full)] ?? "application/octet-stream", "Content-Security-Policy": "default-src 'self'" });
  createReadStream(full).pipe(res);
}

const server = createServer(async (req, res) => {
  const url = new URL(req.url, `http://127.0.0.1:${port}`);
  const path = url.pathname;
  try {
    if (path === "/mock") {
      flags.clear();
      for (const f of (url.searchParams.get("set") ?? "").split(",")) if (f && f !== "none") flags.add(f);
      broadcast("status", "connections", "wallet", "mempool", "stack");
      return json(res, 200, [...flags]);
    }
    if (!path.startsWith("/api/")) return file(path, res);
    if (flags.has("unauthorized")) return refuse(res, 401, new Refusal("no token", "", "unauthorized"));
    if (path === "/api/state") return json(res, 200, snapshots());
    if (path === "/api/stack") return json(res, 200, stackPage(Number(url.searchParams.get("before")), Number(url.searchParams.get("limit"))));
    if (path.startsWith("/api/block/")) {
      const b = blocks.get(path.slice(11));
      return b ? json(res, 200, blockDetail(b)) : refuse(res, 404, new Refusal("This peer knows no cheese with that smell.", "", "not-found"));
    }
    if (path.startsWith("/api/tx/")) {
      const id = path.slice(8);
      return json(res, 200, { ...tx(id), block: bestAt[80].hash, height: 80, confirmations: bestAt.length - 80, raw: (id + sha(id)).repeat(6) });
    }
    if (path === "/api/qr") return res.writeHead(200, { "Content-Type": "image/svg+xml" }).end(qr(url.searchParams.get("text")));
    if (path === "/api/events") return stream(req, res);
    const act = actions[path];
    if (!act || req.method !== "POST") return refuse(res, 404, new Refusal("not found"));
    const body = await bodyOf(req);
    setTimeout(() => {
      try {
        json(res, 200, act(body));
      } catch (e) {
        refuse(res, 422, e);
      }
    }, 250);
  } catch (e) {
    refuse(res, 400, e);
  }
});

function stream(req, res) {
  res.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
  clients.add(res);
  req.on("close", () => clients.delete(res));
  send(res, "hello", { epoch });
  const all = snapshots();
  for (const name of Object.keys(all)) send(res, name, all[name]);
  const last = Number(req.headers["last-event-id"] ?? 0);
  for (const line of log) if (line.seq > last) send(res, "log", line, line.seq);
}

setInterval(() => {
  for (const c of clients) c.write(": heartbeat\n\n");
}, 15_000).unref();
setInterval(() => !flags.has("frozen") && broadcast("status"), 2_000).unref();
setInterval(() => {
  if (flags.has("frozen") || flags.has("behind")) return;
  tellBlock(grow(pick(miners, Math.floor(Math.random() * 3)), now()));
  broadcast("status", "stack", "connections");
}, 9_000).unref();
server.listen(port, "127.0.0.1", () => console.log(`mock peer at http://127.0.0.1:${port}/`));
