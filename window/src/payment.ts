// The send form's rules: what a person typed, turned into a payment or into a sentence beside each field.
import { formatAmount, parseAmount } from "./amount";
import type { Payment } from "./api";
import { clean } from "./format";
import type { Connection } from "./model";
import { texts } from "./texts";

/** Above this many crumbs per vbyte a fee rate is taken for a slip. */
export const MAX_FEERATE = 100_000;

export interface Typed { recipient: string; amount: string; feeRate: string }
export type FieldErrors = Partial<Record<keyof Typed, string>>;
export type Checked = { ok: true; payment: Payment } | { ok: false; errors: FieldErrors };

/** Connected peers that can be asked for an address to pay to. */
export function payable(connections: readonly Connection[]): Connection[] {
  return connections.filter((c) => c.canPay && c.state === "connected");
}

/** An address stays as it is; a connected peer's name becomes "peer:ID". */
export function resolveRecipient(text: string, connections: readonly Connection[]): { recipient?: string; error?: string } {
  const t = text.trim();
  if (t === "") return { error: texts.send.recipientEmpty };
  const peers = payable(connections);
  const id = /^peer:(\d+)$/.exec(t)?.[1];
  if (id) return peers.some((c) => c.id === Number(id)) ? { recipient: t } : { error: texts.send.peerGone };
  const named = peers.filter((c) => clean(c.name).toLowerCase() === t.toLowerCase());
  if (named.length === 1) return { recipient: `peer:${named[0]!.id}` };
  if (named.length > 1) return { error: texts.send.peerTwice(t) };
  if (/\s/.test(t)) return { error: texts.send.addressSpaces };
  if (t.length < 14 || t.length > 100 || !/^[0-9a-z]+$/i.test(t)) return { error: texts.send.recipientUnknown };
  return { recipient: t };
}

/** Empty is the default rate. */
export function parseFeeRate(text: string): { rate?: number; error?: string } {
  const t = text.trim();
  if (t === "") return {};
  if (!/^\d+(\.\d+)?$/.test(t)) return { error: texts.send.feeJunk };
  const rate = Number(t);
  if (rate === 0) return { error: texts.send.feeZero };
  if (rate > MAX_FEERATE) return { error: texts.send.feeTooMuch(MAX_FEERATE) };
  return { rate };
}

export function check(typed: Typed, connections: readonly Connection[], spendable: number | null): Checked {
  const errors: FieldErrors = {};
  const to = resolveRecipient(typed.recipient, connections);
  if (to.error) errors.recipient = to.error;
  const amount = parseAmount(typed.amount);
  if (!amount.ok) errors.amount = amount.message;
  else if (spendable !== null && amount.crumbs > spendable) errors.amount = texts.send.tooMuch(formatAmount(spendable));
  const fee = parseFeeRate(typed.feeRate);
  if (fee.error) errors.feeRate = fee.error;
  if (!to.recipient || !amount.ok || Object.keys(errors).length > 0) return { ok: false, errors };
  const payment: Payment = { recipient: to.recipient, amount: amount.crumbs };
  if (fee.rate !== undefined) payment.feeRate = fee.rate;
  return { ok: true, payment };
}
