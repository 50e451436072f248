// One cheese (block) or one transaction, in full.
import { useContext, useEffect } from "preact/hooks";
import { ApiContext } from "../api";
import { clean, dateTime, difficulty, feerate, integer, shortAddress } from "../format";
import { type BlockDetail, type Tx, type TxDetail, type TxIn, type TxOut } from "../model";
import { Ago, Banner, Card, Chz, CopyButton, Failed, Item, Skeleton, Tag } from "../parts/basics";
import { Icon } from "../parts/icons";
import { useLoad } from "../parts/load";
import { Smell, Txid } from "../parts/smell";
import { useStore } from "../store";
import { texts } from "../texts";
import { MinerDot } from "./race";

/** Transactions of one block, and inputs or outputs of one transaction, drawn at once. */
const MAX_SHOWN = 100;

export function BlockPage({ hash }: { hash: string }) {
  const api = useContext(ApiContext);
  const tip = useStore((s) => s.status?.tip.hash ?? "");
  const [loaded, again] = useLoad(hash, () => api.block(hash));
  useEffect(() => again(), [tip]);
  return (
    <>
      <Back href="#/stack">{texts.block.back}</Back>
      {loaded.at === "loading" && <Skeleton rows={6} />}
      {loaded.at === "failed" && <><h1>{texts.block.notFound}</h1><Failed message={loaded.message} retry={again} /></>}
      {loaded.at === "loaded" && <BlockView block={loaded.value} />}
    </>
  );
}

function Back({ href, children }: { href: string; children: string }) {
  return <a class="back" href={href}><Icon name="left" size={18} />{children}</a>;
}

function BlockView({ block: b }: { block: BlockDetail }) {
  const t = texts.stack;
  return (
    <>
      <header class="page-head">
        <h1>{b.genesis ? t.genesis : texts.block.title(b.height)}</h1>
        <p><Smell hash={b.hash} full /></p>
      </header>
      {!b.best && <Banner tone="warn" icon="fork">{texts.block.notBest}</Banner>}
      <Card title={texts.block.header}>
        <dl class="items wide-items">
          <Item term={t.prevTerm}>{b.genesis ? t.nobody : <Smell hash={b.prev} full link />}</Item>
          <Item term={texts.block.next}>{b.next ? <Smell hash={b.next} full link /> : texts.block.none}</Item>
          <Item term={texts.block.merkle}><span class="mono full">{b.merkle}</span></Item>
        </dl>
        <dl class="items grid-items">
          <Item term={`${texts.block.miner}, ${t.claimed}`}><MinerDot miner={b.miner} /> {clean(b.miner) || t.unclaimed}</Item>
          <Item term={t.time}><Ago time={b.time} /><span class="hint">{dateTime(b.time)}</span></Item>
          <Item term={t.nonce}>{integer(b.nonce)}</Item>
          <Item term={t.difficulty}>{difficulty(b.difficulty)}</Item>
          <Item term={texts.block.bits}><span class="mono">{b.bits}</span></Item>
          <Item term={texts.block.reward}><Chz crumbs={b.reward} /></Item>
          <Item term={texts.block.fees}>{b.fees === null ? "–" : <Chz crumbs={b.fees} />}</Item>
          <Item term={texts.block.confirmations}>{integer(b.confirmations)}</Item>
          <Item term={t.size}>{integer(b.size)} B</Item>
          <Item term={texts.block.weight}>{integer(b.weight)} WU</Item>
          <Item term={texts.block.version}><span class="mono">0x{(b.version >>> 0).toString(16)}</span></Item>
          <Item term={texts.block.coinbaseText}><span class="mono breaks">{clean(b.coinbaseText, 200) || "–"}</span></Item>
        </dl>
      </Card>
      <Card title={texts.block.body} aside={<span class="quiet">{t.txCount(b.txs)}</span>}>
        <ol class="tx-list">
          {b.txList.slice(0, MAX_SHOWN).map((tx) => <li key={tx.txid} class="tx-item"><TxHead tx={tx} /><Flow tx={tx} /></li>)}
        </ol>
        {b.txList.length > MAX_SHOWN && <p class="quiet">{texts.more(b.txList.length - MAX_SHOWN)}</p>}
      </Card>
    </>
  );
}

function TxHead({ tx }: { tx: Tx }) {
  return (
    <div class="tx-head">
      <Txid txid={tx.txid} />
      {tx.coinbase ? <Tag tone="cheese">{texts.tx.coinbase}</Tag>
        : tx.fee !== null && <span class="quiet">{texts.tx.fee} <Chz crumbs={tx.fee} /></span>}
    </div>
  );
}

/** Inputs on the left, outputs on the right, an arrow between. */
function Flow({ tx }: { tx: Tx }) {
  return (
    <div class="flow">
      <ul aria-label={texts.tx.inputs}>
        {tx.in.slice(0, MAX_SHOWN).map((i, n) => <li key={n}><Input input={i} coinbase={tx.coinbase} /></li>)}
        {tx.in.length > MAX_SHOWN && <li class="quiet">{texts.more(tx.in.length - MAX_SHOWN)}</li>}
      </ul>
      <span class="flow-arrow"><Icon name="right" /></span>
      <ul aria-label={texts.tx.outputs}>
        {tx.out.slice(0, MAX_SHOWN).map((o, n) => <li key={n}><Output output={o} /></li>)}
        {tx.out.length > MAX_SHOWN && <li class="quiet">{texts.more(tx.out.length - MAX_SHOWN)}</li>}
      </ul>
    </div>
  );
}

function Input({ input: i, coinbase }: { input: TxIn; coinbase: boolean }) {
  if (coinbase) return <span>{texts.tx.coinbaseShort}</span>;
  return (
    <>
      <span class="flow-who">
        {i.address ? <span class="mono" title={i.address}>{shortAddress(i.address)}</span> : <span class="quiet">{texts.tx.unknownCoin}</span>}
        <a class="hint mono" href={`#/tx/${i.txid}`} title={`${i.txid}:${i.vout}`}>{i.txid.slice(0, 8)}…:{i.vout}</a>
      </span>
      {i.value !== null && <Chz crumbs={i.value} />}
    </>
  );
}

function Output({ output: o }: { output: TxOut }) {
  return (
    <>
      <span class="flow-who">
        {o.address ? <span class="mono" title={o.address}>{shortAddress(o.address)}</span> : <span class="quiet">{texts.tx.noAddress}</span>}
        <span class="hint mono">{clean(o.type)}</span>
      </span>
      <Chz crumbs={o.value} />
    </>
  );
}

export function TxPage({ txid }: { txid: string }) {
  const api = useContext(ApiContext);
  const tip = useStore((s) => s.status?.tip.hash ?? "");
  const [loaded, again] = useLoad(txid, () => api.tx(txid));
  const inBlock = loaded.at === "loaded" && loaded.value.block ? loaded.value : null;
  useEffect(() => again(), [tip]);
  return (
    <>
      {inBlock ? <Back href={`#/block/${inBlock.block}`}>{texts.block.title(inBlock.height)}</Back> : <Back href="#/pool">{texts.nav.pool}</Back>}
      {loaded.at === "loading" && <Skeleton rows={5} />}
      {loaded.at === "failed" && <><h1>{texts.tx.notFound}</h1><Failed message={loaded.message} retry={again} /></>}
      {loaded.at === "loaded" && <TxView tx={loaded.value} />}
    </>
  );
}

function TxView({ tx }: { tx: TxDetail }) {
  return (
    <>
      <header class="page-head">
        <h1>{texts.tx.title}</h1>
        <p class="mono full">{tx.txid}</p>
      </header>
      <Card>
        <dl class="items grid-items">
          <Item term={texts.tx.in}>{tx.block ? <a href={`#/block/${tx.block}`}>{texts.tx.inBlock(tx.height)}</a> : texts.tx.waiting}</Item>
          <Item term={texts.tx.confirmations}>{integer(tx.confirmations)}</Item>
          <Item term={texts.tx.fee}>{tx.coinbase ? texts.tx.coinbaseFee : tx.fee === null ? "–" : <Chz crumbs={tx.fee} />}</Item>
          {tx.fee !== null && !tx.coinbase && tx.vsize > 0 && <Item term={texts.tx.feerate}>{feerate(tx.fee / tx.vsize)} {texts.send.feeUnit}</Item>}
          <Item term={texts.tx.vsize}>{texts.tx.vbytes(tx.vsize)}</Item>
        </dl>
        <Flow tx={tx} />
        {tx.raw && (
          <details class="raw">
            <summary>{texts.tx.raw}</summary>
            <CopyButton text={tx.raw} />
            <p class="mono full">{tx.raw.slice(0, 20_000)}</p>
          </details>
        )}
      </Card>
    </>
  );
}
