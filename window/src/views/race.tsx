// Who mined the last hundred cheeses: one bar, and the colours that stand for miners everywhere else.
import { clean } from "../format";
import type { Racer, Status } from "../model";
import { Card } from "../parts/basics";
import { useStore } from "../store";
import { texts } from "../texts";

/** Colours for others; this peer's own is the cheddar. More miners than colours share the last, grey one. */
const COLOURS = 6;

/** Own name first, the others by name, so that a miner keeps its colour as the scores change. */
export function colourOf(miner: string, status: Status | null): string {
  if (!status || miner === "") return "var(--miner-none)";
  if (miner === status.name) return "var(--miner-0)";
  const others = status.race.map((r) => r.miner).filter((m) => m !== status.name && m !== "").sort();
  const i = others.indexOf(miner);
  return i >= 0 && i < COLOURS ? `var(--miner-${i + 1})` : "var(--miner-none)";
}

export function MinerDot({ miner }: { miner: string }) {
  const status = useStore((s) => s.status);
  return <span class="dot" style={{ background: colourOf(miner, status) }} aria-hidden="true" />;
}

export function RaceCard({ status }: { status: Status }) {
  const race = [...status.race].filter((r) => r.blocks > 0).sort((a, b) => b.blocks - a.blocks || a.miner.localeCompare(b.miner));
  const total = race.reduce((n, r) => n + r.blocks, 0);
  return (
    <Card title={texts.race.title} class="race" aside={total > 0 && <span class="quiet">{texts.race.lead(total)}</span>}>
      {total === 0 ? <p class="quiet">{texts.race.none}</p> : (
        <>
          <div class="race-bar" aria-hidden="true">
            {race.map((r) => <span key={r.miner} style={{ flexGrow: r.blocks, background: colourOf(r.miner, status) }} />)}
          </div>
          <ul class="race-list">
            {race.slice(0, 8).map((r) => <RacerLine key={r.miner} racer={r} status={status} />)}
            {race.length > 8 && <li class="quiet">{texts.more(race.length - 8)}</li>}
          </ul>
        </>
      )}
    </Card>
  );
}

function RacerLine({ racer: r, status }: { racer: Racer; status: Status }) {
  return (
    <li>
      <span class="dot" style={{ background: colourOf(r.miner, status) }} aria-hidden="true" />
      <span class="race-name">{clean(r.miner) || texts.race.unnamed}{r.miner === status.name && <span class="quiet"> ({texts.race.you})</span>}</span>
      <strong>{r.blocks}</strong>
    </li>
  );
}
