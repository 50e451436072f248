// Paying: one press at random, or a form. The same panel serves the home page and the wallet.
import { useContext, useRef, useState } from "preact/hooks";
import { formatAmount } from "../amount";
import { ApiContext, ApiError, messageOf } from "../api";
import { clean, shortAddress } from "../format";
import type { Sent } from "../model";
import { announce } from "../parts/announce";
import { Button, Chz, Item, Note } from "../parts/basics";
import { Field } from "../parts/field";
import { Txid } from "../parts/smell";
import { check, payable, resolveRecipient, type FieldErrors, type Typed } from "../payment";
import { useStore } from "../store";
import { texts } from "../texts";

/** Peers offered to be picked by name. */
const MAX_PICKS = 24;
const blank: Typed = { recipient: "", amount: "", feeRate: "" };
type Outcome = { sent: Sent } | { message: string } | null;

export function SendPanel() {
  const api = useContext(ApiContext);
  const [busy, setBusy] = useState<"" | "random" | "form">("");
  const [outcome, setOutcome] = useState<Outcome>(null);
  const pay = async (which: "random" | "form", send: () => Promise<Sent>, refused: (e: ApiError) => boolean) => {
    if (busy) return;
    setBusy(which);
    setOutcome(null);
    try {
      const sent = await send();
      setOutcome({ sent });
      announce(texts.send.sent(formatAmount(sent.amount), payee(sent)));
    } catch (e) {
      if (!(e instanceof ApiError && refused(e))) setOutcome({ message: messageOf(e) });
    }
    setBusy("");
  };
  return (
    <div class="send">
      {outcome && ("sent" in outcome ? <SentNote sent={outcome.sent} />
        : <Note tone="bad" title={texts.send.failedTitle} testid="send-error">{outcome.message}</Note>)}
      <div class="send-random">
        <h3>{texts.send.randomTitle}</h3>
        <Button kind="primary" icon="dice" testid="random-payment" busy={busy === "random"} class="big"
          onClick={() => void pay("random", () => api.payRandom(), () => false)}>{texts.send.random}</Button>
        <p class="hint">{texts.send.randomHint}</p>
      </div>
      <SendForm busy={busy === "form"} pay={(typed, refused) => void pay("form", () => api.pay(typed), refused)} />
    </div>
  );
}

function payee(sent: Sent): string {
  return clean(sent.recipientName) || shortAddress(sent.recipient);
}

function SentNote({ sent }: { sent: Sent }) {
  return (
    <Note tone="good" title={texts.send.sentTitle} testid="send-success">
      <p>{texts.send.sent(formatAmount(sent.amount), payee(sent))}</p>
      <dl class="items">
        <Item term={texts.send.txid}><Txid txid={sent.txid} /></Item>
        <Item term={texts.send.to}>{clean(sent.recipientName)} <span class="mono" title={sent.recipient}>{shortAddress(sent.recipient)}</span></Item>
        <Item term={texts.send.amount}><Chz crumbs={sent.amount} /></Item>
        <Item term={texts.send.fee}><Chz crumbs={sent.fee} /></Item>
      </dl>
    </Note>
  );
}

type PayForm = (payment: { recipient: string; amount: number; feeRate?: number }, refused: (e: ApiError) => boolean) => void;

function SendForm({ busy, pay }: { busy: boolean; pay: PayForm }) {
  const api = useContext(ApiContext);
  const connections = useStore((s) => s.connections);
  const spendable = useStore((s) => s.wallet?.spendable ?? null);
  const [typed, setTyped] = useState(blank);
  // What is typed now, for a submit that comes before the next drawing.
  const latest = useRef(blank);
  const [errors, setErrors] = useState<FieldErrors>({});
  const set = (field: keyof Typed) => (value: string) => {
    latest.current = { ...latest.current, [field]: value };
    setTyped(latest.current);
    setErrors((e) => ({ ...e, [field]: undefined }));
  };
  const fault = (field: keyof Typed, message: string | undefined) => setErrors((e) => ({ ...e, [field]: message }));
  // Leaving a field checks that field alone, and only once something is in it.
  const leave = (field: keyof Typed) => () => {
    if (typed[field].trim() === "") return;
    const checked = check(typed, connections, spendable);
    fault(field, checked.ok ? undefined : checked.errors[field]);
    if (field === "recipient") askPeer(typed.recipient);
  };
  const askPeer = (text: string) => {
    const { recipient } = resolveRecipient(text, connections);
    if (!recipient || recipient.startsWith("peer:")) return;
    api.checkAddress(recipient).catch((e: unknown) => {
      if (e instanceof ApiError && e.field === "recipient") fault("recipient", e.message);
    });
  };
  const submit = (e: Event) => {
    e.preventDefault();
    const checked = check(latest.current, connections, spendable);
    if (!checked.ok) {
      setErrors(checked.errors);
      focusFirst(checked.errors);
      return;
    }
    setErrors({});
    pay(checked.payment, (refusal) => {
      const field = (["recipient", "amount", "feeRate"] as const).find((f) => f === refusal.field);
      if (!field) return false;
      setErrors({ [field]: refusal.message });
      focusFirst({ [field]: refusal.message });
      return true;
    });
  };
  return (
    <form class="send-form" onSubmit={submit} noValidate>
      <h3>{texts.send.formTitle}</h3>
      <Field id="send-recipient" testid="send-recipient" label={texts.send.recipient} value={typed.recipient} onInput={set("recipient")}
        onBlur={leave("recipient")} error={errors.recipient} hint={texts.send.recipientHint} />
      <Picks chosen={typed.recipient} pick={set("recipient")} />
      <div class="field-row">
        <Field id="send-amount" testid="send-amount" label={texts.send.amount} value={typed.amount} onInput={set("amount")} onBlur={leave("amount")}
          error={errors.amount} unit={texts.coin} numeric hint={spendable !== null && texts.send.spendable(formatAmount(spendable))} />
        <Field id="send-feerate" testid="send-feerate" label={texts.send.feeRate} value={typed.feeRate} onInput={set("feeRate")} onBlur={leave("feeRate")}
          error={errors.feeRate} unit={texts.send.feeUnit} numeric hint={texts.send.feeHint} />
      </div>
      <Button type="submit" kind="primary" icon="send" testid="send-submit" busy={busy}>{texts.send.submit}</Button>
    </form>
  );
}

/** Connected peers to pay with one press. Peers of the same name are told apart by id. */
function Picks({ chosen, pick }: { chosen: string; pick: (text: string) => void }) {
  const peers = useStore((s) => s.connections);
  const offered = payable(peers).slice(0, MAX_PICKS);
  if (offered.length === 0) return <p class="hint">{texts.send.noPeers}</p>;
  return (
    <div class="picks" role="group" aria-label={texts.send.pick}>
      {offered.map((c) => {
        const name = clean(c.name);
        const unique = name !== "" && offered.filter((o) => clean(o.name) === name).length === 1;
        const value = unique ? name : `peer:${c.id}`;
        return (
          <button key={c.id} type="button" class="pick" aria-pressed={chosen === value} title={c.addr} onClick={() => pick(value)}>
            {name || clean(c.addr)}{!unique && name && <span class="quiet"> {clean(c.addr)}</span>}
          </button>
        );
      })}
    </div>
  );
}

/** Puts the cursor where the first mistake is. */
function focusFirst(errors: FieldErrors): void {
  const ids = { recipient: "send-recipient", amount: "send-amount", feeRate: "send-feerate" } as const;
  const first = (Object.keys(ids) as (keyof Typed)[]).find((f) => errors[f]);
  if (first) document.getElementById(ids[first])?.focus();
}
