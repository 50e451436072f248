// The miner: how fast, whether, and how fast at most.
import { useContext, useEffect, useRef, useState } from "preact/hooks";
import { ApiContext, messageOf } from "../api";
import { hashrate } from "../format";
import type { Mining, Status } from "../model";
import { Card, Note } from "../parts/basics";
import { Field } from "../parts/field";
import { StoreContext, useStore } from "../store";
import { texts } from "../texts";

/** The slider runs over powers of ten from 100 H/s; its last step is no limit. */
const STEPS = 60;
const LOWEST = 100;
const DECADES = 4;
/** A dragged slider is sent once it rests this long. */
const SETTLE_MS = 250;

/** The limit a slider step stands for: two digits, 0 for none. */
export function limitAt(step: number): number {
  if (step >= STEPS) return 0;
  return Number((LOWEST * 10 ** ((step / (STEPS - 1)) * DECADES)).toPrecision(2));
}

export function stepOf(limit: number): number {
  if (limit <= 0) return STEPS;
  const step = Math.round((Math.log10(limit / LOWEST) / DECADES) * (STEPS - 1));
  return Math.min(STEPS - 1, Math.max(0, step));
}

export function MiningCard({ status }: { status: Status }) {
  const m = status.mining;
  const [error, change] = useChange();
  const waiting = useStore((s) => s.mempool?.count ?? 0);
  return (
    <Card title={texts.mining.title} class="mining" aside={
      <button type="button" role="switch" aria-checked={m.on} aria-label={texts.mining.switch} class="switch" data-testid="mining-switch"
        onClick={() => change({ on: !m.on })}>
        <span class="switch-word" aria-hidden="true">{m.on ? texts.mining.on : texts.mining.off}</span>
        <span class="switch-track" aria-hidden="true"><span class="switch-thumb" /></span>
      </button>
    }>
      <p class="figure"><span class={m.on ? "" : "quiet"} data-testid="hashrate">{m.on ? hashrate(m.hashrate) : texts.mining.paused}</span></p>
      {m.classic ? <p class="quiet">{texts.mining.classic(waiting, m.waitFor)}</p> : <p class="quiet">{texts.mining.mined(m.blocksMined)}</p>}
      <Limit mining={m} change={change} />
      {error && <Note tone="bad">{error}</Note>}
    </Card>
  );
}

type Change = (c: { on?: boolean; limit?: number; threads?: number }) => void;

function useChange(): [string, Change] {
  const api = useContext(ApiContext);
  const store = useContext(StoreContext);
  const [error, setError] = useState("");
  const change: Change = (c) => {
    setError("");
    api.mining(c).then((data) => store.dispatch({ type: "mining", data }), (e: unknown) => setError(messageOf(e)));
  };
  return [error, change];
}

/** Slider and field show the same limit. While one is being moved the peer's own value does not pull it back. */
function Limit({ mining: m, change }: { mining: Mining; change: Change }) {
  const [draft, setDraft] = useState<number | null>(null);
  const [text, setText] = useState<string | null>(null);
  const [error, setError] = useState("");
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  useEffect(() => setDraft(null), [m.limit]);
  const limit = draft ?? m.limit;
  const slide = (step: number) => {
    const next = limitAt(step);
    setDraft(next);
    setText(null);
    setError("");
    clearTimeout(timer.current);
    timer.current = setTimeout(() => change({ limit: next }), SETTLE_MS);
  };
  const commit = () => {
    if (text === null) return;
    const t = text.replace(/[\s\u202f]/g, "");
    if (!/^\d{0,9}$/.test(t)) return setError(texts.mining.limitJunk);
    setText(null);
    if (Number(t) !== m.limit) change({ limit: Number(t) });
  };
  const words = limit > 0 ? hashrate(limit) : texts.mining.noLimit;
  return (
    <form class="limit" onSubmit={(e) => { e.preventDefault(); commit(); }}>
      <label class="limit-label" for="mining-limit">{texts.mining.limit} <span class="quiet">{words}</span></label>
      <input id="mining-limit" type="range" min={0} max={STEPS} step={1} value={stepOf(limit)} aria-valuetext={words}
        onInput={(e) => slide(Number(e.currentTarget.value))} style={{ "--at": `${(stepOf(limit) / STEPS) * 100}%` }} />
      <Field id="mining-limit-field" label={texts.mining.limitField} labelHidden value={text ?? (limit > 0 ? String(Math.round(limit)) : "")} numeric
        onInput={(v) => { setText(v); setError(""); }} onBlur={commit} unit={texts.mining.limitUnit} placeholder={texts.mining.noLimit} error={error} />
    </form>
  );
}
