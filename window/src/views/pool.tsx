// Transactions that wait, in the order in which miners take them.
import { integer, bytes, feerate } from "../format";
import { Ago, Banner, Card, Chz, Empty, Skeleton, Tag } from "../parts/basics";
import { Txid } from "../parts/smell";
import { Table } from "../parts/table";
import { useStore } from "../store";
import { texts } from "../texts";

const t = texts.pool;

export function PoolPage() {
  const pool = useStore((s) => s.mempool);
  const mining = useStore((s) => s.status?.mining ?? null);
  return (
    <>
      <header class="page-head">
        <h1>{t.title}</h1>
        <p>{t.lead}</p>
      </header>
      {mining?.classic && pool && <Banner tone="info" icon="clock">{texts.mining.classic(pool.count, mining.waitFor)}.</Banner>}
      <Card class="flush">
        {!pool ? <Skeleton /> : pool.txs.length === 0 ? <Empty icon="pool" title={t.empty}>{t.emptyBody}</Empty> : (
          <>
            <p class="quiet table-note">{t.summary(pool.count, bytes(pool.bytes))}</p>
            <Table label={t.title} rows={pool.txs} id={(x) => x.txid} row={(x) => (x.nextBlock ? "next" : "")} columns={[
              { title: t.txid, head: true, cell: (x) => <Txid txid={x.txid} /> },
              { title: t.amount, end: true, cell: (x) => <Chz crumbs={x.amount} /> },
              { title: t.feerate, end: true, cell: (x) => <>{feerate(x.feerate)} <span class="unit">{t.rateUnit}</span></> },
              { title: t.fee, end: true, cell: (x) => <>{integer(x.fee)} <span class="unit">{t.crumbs}</span></> },
              { title: t.vsize, end: true, cell: (x) => <>{integer(x.vsize)} <span class="unit">{t.vb}</span></> },
              { title: t.time, end: true, cell: (x) => <Ago time={x.time} /> },
              { title: t.next, cell: (x) => x.nextBlock ? <Tag tone="cheese">{t.inNext}</Tag> : <Tag>{t.later}</Tag> },
            ]} />
            {pool.count > pool.txs.length && <p class="quiet table-note">{texts.more(pool.count - pool.txs.length)}</p>}
          </>
        )}
      </Card>
    </>
  );
}
