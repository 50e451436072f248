// What one has, where one is paid, what happened, and paying.
import { useContext, useState } from "preact/hooks";
import { formatAmount } from "../amount";
import { ApiContext, messageOf } from "../api";
import { shortAddress } from "../format";
import type { Entry, Wallet } from "../model";
import { announce } from "../parts/announce";
import { Ago, Button, Card, Chz, CopyButton, Empty, Item, Note, Skeleton, Tag } from "../parts/basics";
import { Txid } from "../parts/smell";
import { Table } from "../parts/table";
import { StoreContext, useStore } from "../store";
import { texts } from "../texts";
import { SendPanel } from "./send";

const t = texts.wallet;

export function WalletPage() {
  const wallet = useStore((s) => s.wallet);
  const maturity = useStore((s) => s.status?.maturity ?? 0);
  return (
    <>
      <header class="page-head"><h1>{t.title}</h1></header>
      {!wallet ? <Skeleton rows={6} /> : (
        <div class="wallet">
          <Funds wallet={wallet} maturity={maturity} />
          <Receive address={wallet.address} />
          <Card title={t.send} class="wide"><SendPanel /></Card>
          <Card title={t.history} class="wide flush">
            {wallet.history.length === 0 ? <Empty icon="wallet" title={t.empty}>{t.emptyBody}</Empty> : <History entries={wallet.history} />}
          </Card>
        </div>
      )}
    </>
  );
}

function Funds({ wallet: w, maturity }: { wallet: Wallet; maturity: number }) {
  return (
    <Card title={texts.balance.title} class="balance">
      <p class="figure"><Chz crumbs={w.confirmed} /></p>
      <dl class="items">
        <Item term={texts.balance.spendable}><Chz crumbs={w.spendable} /></Item>
        <Item term={texts.balance.pending}><Chz crumbs={w.pending} /><span class="hint">{texts.balance.pendingHint}</span></Item>
        <Item term={texts.balance.immature}><Chz crumbs={w.immature} /><span class="hint">{texts.balance.immatureHint(maturity)}</span></Item>
      </dl>
    </Card>
  );
}

function Receive({ address }: { address: string }) {
  const api = useContext(ApiContext);
  const store = useContext(StoreContext);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState("");
  const fresh = async () => {
    if (busy) return;
    setBusy(true);
    setError("");
    try {
      store.dispatch({ type: "address", data: await api.newAddress() });
      announce(t.freshDone);
    } catch (e) {
      setError(messageOf(e));
    }
    setBusy(false);
  };
  return (
    <Card title={t.receive} class="receive">
      <div class="receive-in">
        {address && <img class="qr" src={`/api/qr?text=${encodeURIComponent(address)}`} alt={t.qr} width={148} height={148} />}
        <div class="receive-text">
          <p class="quiet" id="address-label">{t.address}</p>
          <p class="mono address" data-testid="address" aria-labelledby="address-label">{address}</p>
          <div class="row">
            <CopyButton text={address} />
            <Button icon="plus" onClick={() => void fresh()} busy={busy} testid="new-address">{t.fresh}</Button>
          </div>
          <p class="hint">{t.addressHint}</p>
        </div>
      </div>
      {error && <Note tone="bad">{error}</Note>}
    </Card>
  );
}

const tones = { pending: "blue", confirmed: "good", immature: "warn", conflicted: "bad" } as const;

function History({ entries }: { entries: Entry[] }) {
  return (
    <Table label={t.history} rows={entries} id={(e) => e.txid + e.kind} row={(e) => e.state} columns={[
      { title: t.what, head: true, cell: (e) => <><strong>{t.kind[e.kind] ?? e.kind}</strong>{e.counterparty && <span class="mono quiet counterparty" title={e.counterparty}> {shortAddress(e.counterparty)}</span>}</> },
      { title: t.transaction, cell: (e) => <Txid txid={e.txid} /> },
      { title: t.when, cell: (e) => <Ago time={e.time} /> },
      { title: t.stateTitle, cell: (e) => <span title={e.state === "conflicted" ? t.conflictedHint : t.confirmations(e.confirmations)}><Tag tone={tones[e.state]}>{t.state[e.state] ?? e.state}</Tag></span> },
      { title: t.amount, end: true, cell: (e) => <span class={e.amount > 0 ? "plus" : ""}><Chz crumbs={e.amount} signed />{e.fee > 0 && <span class="hint fee-part">{t.fee(formatAmount(e.fee))}</span>}</span> },
    ]} />
  );
}
