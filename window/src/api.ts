// The peer's HTTP interface as functions. Whatever goes wrong is an ApiError with a sentence a person can read.
import { createContext } from "preact";
import * as m from "./model";
import { texts } from "./texts";

/** A request that takes longer than this is given up; connecting to many peers is the slowest. */
const TIMEOUT_MS = 30_000;

export class ApiError extends Error {
  /** "unauthorized", "offline", "timeout", or the server's code. */
  readonly code: string;
  /** The form field at fault, "" when none is. */
  readonly field: string;

  constructor(code: string, message: string, field = "") {
    super(message);
    this.code = code;
    this.field = field;
  }
}

export interface Payment { recipient: string; amount: number; feeRate?: number }

export class Api {
  #fetch: typeof fetch;
  #onUnauthorized: () => void;

  constructor(f: typeof fetch, onUnauthorized: () => void = () => undefined) {
    this.#fetch = f;
    this.#onUnauthorized = onUnauthorized;
  }

  state = async () => m.readSnapshot(await this.#get("/api/state"));
  stack = async (before: number, limit: number) => m.readStack(await this.#get(`/api/stack?before=${before}&limit=${limit}`));
  block = async (hash: string) => m.readBlockDetail(await this.#get(`/api/block/${hash}`));
  tx = async (txid: string) => m.readTxDetail(await this.#get(`/api/tx/${txid}`));

  peerList = async () => m.readPeerList(await this.#post("/api/peer-list", {}));
  connectPeers = async () => m.readConnectResults(await this.#post("/api/connect-peers", {}));
  connect = async (addr: string) => void (await this.#post("/api/connect", { addr }));
  disconnect = async (id: number) => void (await this.#post("/api/disconnect", { id }));
  payRandom = async () => m.readSent(await this.#post("/api/transaction", { random: true }));
  pay = async (p: Payment) => m.readSent(await this.#post("/api/transaction", p));
  newAddress = async () => String((await this.#post("/api/address", {}) as { address?: unknown })?.address ?? "");
  checkAddress = async (address: string) => void (await this.#post("/api/check-address", { address }));
  mining = async (change: { on?: boolean; limit?: number; threads?: number }) =>
    m.readMining(await this.#post("/api/mining", change));

  #get(path: string): Promise<unknown> {
    return this.#call(path, { method: "GET" });
  }

  #post(path: string, body: unknown): Promise<unknown> {
    return this.#call(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  }

  async #call(path: string, init: RequestInit): Promise<unknown> {
    const timeout = new AbortController();
    const timer = setTimeout(() => timeout.abort(), TIMEOUT_MS);
    try {
      const response = await this.#fetch(path, { ...init, credentials: "same-origin", signal: timeout.signal });
      const body: unknown = await response.json().catch(() => undefined);
      if (response.ok) return body;
      throw this.#refusal(response.status, body);
    } catch (e) {
      if (e instanceof ApiError) throw e;
      if (timeout.signal.aborted) throw new ApiError("timeout", texts.errors.timeout);
      throw new ApiError("offline", texts.errors.offline);
    } finally {
      clearTimeout(timer);
    }
  }

  #refusal(status: number, body: unknown): ApiError {
    const e = (body as { error?: { code?: unknown; field?: unknown; message?: unknown } } | undefined)?.error;
    if (status === 401) {
      this.#onUnauthorized();
      return new ApiError("unauthorized", texts.errors.unauthorized);
    }
    const message = typeof e?.message === "string" && e.message !== "" ? e.message : texts.errors.status(status);
    return new ApiError(String(e?.code ?? status), message, typeof e?.field === "string" ? e.field : "");
  }
}

/** The sentence to show for anything thrown. */
export function messageOf(e: unknown): string {
  return e instanceof Error && e.message ? e.message : texts.errors.unknown;
}

export const ApiContext = createContext<Api>(new Api((...a) => fetch(...a)));
