// Who mined the last hundred cheeses: one bar, and the colours that stand for miners everywhere else.
import { clean } from "../format";
import type { Racer, Status } from "../model";
import { Card } from "../parts/basics";
import { useStore } from "../store";
import { texts } from "../texts";

/** Colours for others; this peer's own is the cheddar. More miners than colours share the last, grey one. */
const COLOURS = 6;

const palettes = new WeakMap<Status, Map<string, string>>();

/** The colour that stands for a miner, a CSS value. */
export function colourOf(miner: string, status: Status | null): string {
  if (!status) return "var(--miner-none)";
  const palette = palettes.get(status) ?? paletteOf(status);
  palettes.set(status, palette);
  return palette.get(miner) ?? "var(--miner-none)";
}

/** Own name first, the others by name, so that a miner keeps its colour as the scores change. */
function paletteOf(status: Status): Map<string, string> {
  const others = status.race.map((r) => r.miner).filter((m) => m !== status.name && m !== "").sort().slice(0, COLOURS);
  return new Map([status.name, ...others].map((m, i) => [m, `var(--miner-${i})`]));
}

export function MinerDot({ miner }: { miner: string }) {
  const colour = useStore((s) => colourOf(miner, s.status));
  return <span class="dot" style={{ background: colour }} aria-hidden="true" />;
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
