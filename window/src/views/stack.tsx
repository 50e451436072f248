// The cheese stack: slabs on top of each other, forks in lanes beside them, each previous smell above the smell it names.
import { useContext, useEffect, useMemo, useState } from "preact/hooks";
import { ApiContext, messageOf } from "../api";
import { floorOf, layout, type ForkBlock, type Row } from "../forks";
import { clean, difficulty, integer } from "../format";
import type { Block, Stack } from "../model";
import { Ago, Button, Chz, Empty, Note, Skeleton, Tag } from "../parts/basics";
import { Icon } from "../parts/icons";
import { memo } from "../parts/memo";
import { Digits, smellColour, Wheel } from "../parts/smell";
import { holes } from "../smell";
import { StoreContext, useStore } from "../store";
import { texts } from "../texts";
import { MinerDot } from "./race";

/** Heights fetched and drawn at once. */
const PAGE = 60;
/** Pixels a lane is wide, by the number of lanes. */
const LANE_WIDTHS = [0, 300, 248, 200];

export function StackView() {
  const stack = useStore((s) => s.stack);
  if (!stack) return <Skeleton rows={6} />;
  if (stack.blocks.length === 0) return <Empty title={texts.stack.empty} />;
  return <Slabs stack={stack} />;
}

function Slabs({ stack }: { stack: Stack }) {
  const [shown, setShown] = useState(PAGE);
  const all = useMemo(() => layout(stack.blocks), [stack]);
  const rows = all.rows.slice(0, shown);
  const lanes = Math.max(0, ...rows.map((r) => r.lanes.findLastIndex((l) => l.length > 0) + 1));
  const lost = rows.reduce((n, r) => n + r.lanes.flat().length, 0);
  const tipHeight = stack.blocks.find((b) => b.hash === stack.tip)?.height ?? 0;
  return (
    <div class="stack-wrap">
      <p class="quiet stack-legend">{texts.stack.legend} {lost > 0 && texts.stack.forks(lost)}</p>
      <ol class={`stack ${lanes > 0 ? "with-lanes" : ""}`} style={laneStyle(lanes)} reversed>
        {rows.map((row) => <StackRow key={row.height} row={row} lanes={lanes} tipHeight={tipHeight} />)}
      </ol>
      <Older stack={stack} lanes={lanes} lowest={rows.at(-1)?.height ?? 0} more={() => setShown((n) => n + PAGE)} />
    </div>
  );
}

function laneStyle(lanes: number) {
  return { "--lanes": lanes, "--lane-w": `${LANE_WIDTHS[lanes] ?? 200}px` };
}

function StackRow({ row, lanes, tipHeight }: { row: Row; lanes: number; tipHeight: number }) {
  return (
    <li class="stack-row" value={row.height}>
      {row.main ? <Slab block={row.main} /> : <span />}
      {row.lanes.slice(0, lanes).map((forks, lane) => (
        <div key={lane} class={`lane ${forks.length ? "" : "lane-empty"}`} style={{ "--lane": lane }}>
          {forks.map((f) => <Slab key={f.block.hash} block={f.block} parent={f.parent} lost={f.block.height < tipHeight} />)}
        </div>
      ))}
    </li>
  );
}

/** One cheese. Its smell stands at the top left and its previous smell at the bottom left, over the smell it names. */
const Slab = memo(function Slab({ block: b, parent, lost = false }: { block: Block; parent?: ForkBlock["parent"]; lost?: boolean }) {
  const fork = parent !== undefined;
  const kind = [b.genesis ? "blue-cheese" : "", fork ? `forked from-${parent}` : "", b.mine ? "mine" : ""].join(" ");
  return (
    <article class={`slab ${kind}`} data-testid={fork ? "fork-block" : "block"} aria-label={b.genesis ? texts.stack.genesis : texts.stack.height(b.height)}>
      <Face block={b} />
      <div class="slab-body"><div class="slab-in">
        <div class="slab-line slab-top">
          <a class="slab-link smell" href={`#/block/${b.hash}`}>
            <span class="sr-only">{texts.stack.details(b.height)}, {texts.stack.smell} </span>
            <Wheel hash={b.hash} /><Digits hash={b.hash} />
          </a>
          <Verdict block={b} fork={fork} lost={lost} />
          <span class="slab-when"><Ago time={b.time} /></span>
        </div>
        {b.genesis ? <p class="slab-genesis"><strong>{texts.stack.genesis}</strong> <span class="quiet">{texts.stack.genesisTerm}</span></p> : <Miner block={b} />}
        <Facts block={b} />
        <div class="slab-line slab-prev">
          {b.genesis ? <span class="quiet">{texts.stack.prev}: {texts.stack.nobody}</span> : (
            <span class="smell"><Wheel hash={b.prev} /><span class="prev-word">{texts.stack.prev}</span> <Digits hash={b.prev} /></span>
          )}
        </div>
      </div></div>
      {!b.genesis && <span class={parent === "main" ? "elbow" : "link-line"} style={{ "--smell": smellColour(b.prev) }} aria-hidden="true" />}
    </article>
  );
});

function Miner({ block: b }: { block: Block }) {
  const name = clean(b.miner);
  return (
    <p class="slab-miner">
      <MinerDot miner={b.miner} />
      <span><span class="sr-only">{texts.stack.minedBy} </span><strong>{name || texts.stack.unclaimed}</strong>
        {b.mine && <span class="quiet"> ({texts.stack.you})</span>}</span>
      <span class="slab-reward"><span class="sr-only">{texts.stack.reward} </span><Chz crumbs={b.reward} /></span>
    </p>
  );
}

function Facts({ block: b }: { block: Block }) {
  return (
    <dl class="slab-facts">
      <div><dt>{texts.stack.txs}</dt><dd>{integer(b.txs)}</dd></div>
      <div><dt>{texts.stack.nonce}</dt><dd>{integer(b.nonce)}</dd></div>
      <div><dt>{texts.stack.difficulty}</dt><dd>{difficulty(b.difficulty)}</dd></div>
    </dl>
  );
}

function Verdict({ block: b, fork, lost }: { block: Block; fork: boolean; lost: boolean }) {
  if (!b.valid) return <Tag tone="bad">{texts.stack.invalid}</Tag>;
  if (!fork) return null;
  return lost ? <Tag tone="warn">{texts.stack.lost}</Tag> : <Tag tone="blue">{texts.stack.tied}</Tag>;
}

/** The cut face: height over holes that come from the hash; blue veins for the genesis. */
function Face({ block: b }: { block: Block }) {
  return (
    <div class="face" aria-hidden="true">
      <svg viewBox="0 0 100 100" preserveAspectRatio="xMidYMid slice" focusable="false">
        {b.genesis
          ? <path class="vein" d="M8 22c14 6 18-8 30 0s10 18 26 12 16-14 30-8M4 64c12-8 20 6 34-2s14 14 30 6 18 2 28-4M30 92c2-10 12-8 14-18M74 8c-4 10 4 14 0 24" />
          : holes(b.hash).map((h, i) => <circle key={i} class="hole" cx={h.x} cy={h.y} r={h.r} />)}
      </svg>
      <span class="face-height">{integer(b.height)}</span>
    </div>
  );
}

/** The way down: more of what is known, then pages from the peer, and Blue Cheese at the foot however far it is. */
function Older({ stack, lanes, lowest, more }: { stack: Stack; lanes: number; lowest: number; more: () => void }) {
  const api = useContext(ApiContext);
  const store = useContext(StoreContext);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState("");
  const [genesis, setGenesis] = useState<Block | null>(null);
  const far = lowest > 0;
  useEffect(() => {
    if (!far || genesis) return;
    let here = true;
    api.stack(1, 1).then((s) => here && setGenesis(s.blocks.find((b) => b.height === 0) ?? null), () => undefined);
    return () => void (here = false);
  }, [far]);
  if (!far) return null;
  const load = async () => {
    setError("");
    const floor = floorOf(stack);
    if (floor > 0 && lowest - PAGE < floor) {
      setBusy(true);
      try {
        store.dispatch({ type: "page", data: (await api.stack(floor, PAGE)).blocks });
      } catch (e) {
        setError(`${texts.stack.olderFailed} ${messageOf(e)}`);
      }
      setBusy(false);
    }
    more();
  };
  return (
    <div class="older">
      {error && <Note tone="bad">{error}</Note>}
      <div class="older-line">
        <Icon name="down" size={18} />
        {lowest > 1 && <span class="quiet">{texts.stack.between(lowest - (genesis ? 1 : 0))}</span>}
        <Button onClick={() => void load()} busy={busy} testid="load-older">{texts.stack.older}</Button>
      </div>
      {genesis && (
        <div class={lanes > 0 ? "with-lanes" : ""} style={laneStyle(lanes)}>
          <div class="stack-row"><Slab block={genesis} /></div>
        </div>
      )}
    </div>
  );
}

export function StackPage() {
  return (
    <>
      <header class="page-head">
        <h1>{texts.stack.title}</h1>
        <p>{texts.stack.lead}</p>
      </header>
      <StackView />
    </>
  );
}
