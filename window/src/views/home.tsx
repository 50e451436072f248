// Everything at a glance, under the four actions.
import type { ComponentChildren } from "preact";
import { clean } from "../format";
import type { Status } from "../model";
import { Ago, Card, Chz, Item, Skeleton } from "../parts/basics";
import { Smell } from "../parts/smell";
import { useStore } from "../store";
import { texts } from "../texts";
import { Actions } from "./actions";
import { LogLineView } from "./log";
import { MiningCard } from "./mining";
import { MinerDot, RaceCard } from "./race";

/** Lines and cheeses shown on this page. */
const LATEST_LINES = 8;
const LATEST_CHEESES = 6;

export function HomePage() {
  const status = useStore((s) => s.status);
  if (!status) return <Skeleton rows={8} />;
  return (
    <>
      <h1 class="sr-only">{texts.nav.home}</h1>
      <Actions />
      <div class="glance">
        <BalanceCard maturity={status.maturity} />
        <TipCard status={status} />
        <MiningCard status={status} />
        <PeersCard />
        <RaceCard status={status} />
      </div>
      <div class="two-up">
        <LatestCheeses />
        <LatestLog />
      </div>
    </>
  );
}

export function BalanceCard({ maturity }: { maturity: number }) {
  const w = useStore((s) => s.wallet);
  return (
    <Card title={texts.balance.title} class="balance" aside={<CardLink href="#/wallet">{texts.nav.wallet}</CardLink>}>
      {!w ? <Skeleton rows={2} /> : (
        <>
          <p class="figure" data-testid="balance-confirmed"><Chz crumbs={w.confirmed} /></p>
          <dl class="items tight">
            <Item term={texts.balance.pending}><Chz crumbs={w.pending} /></Item>
            <Item term={texts.balance.immature}><Chz crumbs={w.immature} /></Item>
          </dl>
          {w.immature > 0 && maturity > 0 && <p class="hint">{texts.balance.immature}: {texts.balance.immatureHint(maturity)}</p>}
        </>
      )}
    </Card>
  );
}

function TipCard({ status }: { status: Status }) {
  const miner = useStore((s) => s.stack?.blocks.find((b) => b.hash === status.tip.hash)?.miner ?? "");
  return (
    <Card title={texts.tip.title} class="tip" aside={<CardLink href="#/stack">{texts.nav.stack}</CardLink>}>
      <p class="figure"><span class="quiet figure-mark">#</span><span data-testid="tip-height">{status.tip.height}</span></p>
      <dl class="items tight">
        <Item term={texts.stack.smell}>{status.tip.hash ? <Smell hash={status.tip.hash} link /> : texts.tip.none}</Item>
        {miner && <Item term={texts.stack.minedBy}><MinerDot miner={miner} /> {clean(miner)}</Item>}
        <Item term={texts.stack.time}><Ago time={status.tip.time} /></Item>
      </dl>
    </Card>
  );
}

function PeersCard() {
  const connections = useStore((s) => s.connections);
  const inbound = connections.filter((c) => c.inbound).length;
  return (
    <Card title={texts.peers.title} class="peers" aside={<CardLink href="#/connections">{texts.latest.all}</CardLink>}>
      <p class="figure"><span data-testid="connections-count">{connections.length}</span> <span class="figure-word">{texts.peers.connected(connections.length)}</span></p>
      <p class="quiet">{connections.length === 0 ? texts.peers.none : texts.peers.split(inbound, connections.length - inbound)}</p>
    </Card>
  );
}

function CardLink({ href, children }: { href: string; children: ComponentChildren }) {
  return <a class="card-link" href={href}>{children}</a>;
}

function LatestCheeses() {
  const stack = useStore((s) => s.stack);
  return (
    <Card title={texts.latest.stack} aside={<CardLink href="#/stack">{texts.latest.all}</CardLink>}>
      {!stack ? <Skeleton /> : stack.blocks.length === 0 ? <p class="quiet">{texts.stack.empty}.</p> : (
        <ol class="latest" reversed>
          {stack.blocks.slice(0, LATEST_CHEESES).map((b) => (
            <li key={b.hash} class={b.best ? "" : "lost"}>
              <span class="latest-height">{b.height}</span>
              <Smell hash={b.hash} link />
              <span class="latest-miner"><MinerDot miner={b.miner} /> {b.genesis ? texts.stack.genesis : clean(b.miner) || texts.stack.unclaimed}
                {!b.best && <span class="quiet"> {texts.stack.fork.toLowerCase()}</span>}</span>
              <span class="quiet latest-when"><Ago time={b.time} /></span>
            </li>
          ))}
        </ol>
      )}
    </Card>
  );
}

function LatestLog() {
  const lines = useStore((s) => s.log.lines);
  return (
    <Card title={texts.latest.log} aside={<CardLink href="#/log">{texts.nav.log}</CardLink>}>
      {lines.length === 0 ? <p class="quiet">{texts.log.empty}.</p> : (
        <ol class="log-lines short">{lines.slice(-LATEST_LINES).map((l) => <LogLineView key={l.seq} line={l} short />)}</ol>
      )}
    </Card>
  );
}
