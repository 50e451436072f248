// The live log, as the terminal prints it. It follows its end until one scrolls up.
import { memo } from "../parts/memo";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { clean, clock, shortHash } from "../format";
import type { LogKind, LogLine } from "../model";
import { Button, Empty } from "../parts/basics";
import { Field } from "../parts/field";
import { useStore } from "../store";
import { texts } from "../texts";

const KINDS = Object.keys(texts.log.kinds) as LogKind[];
/** Values longer than this are cut in the line; the whole is in its title. */
const MAX_VALUE = 80;
/** This close to the end, in pixels, counts as being at the end. */
const AT_END = 24;

/** One line; in short form hashes are cut so that it fits. */
export const LogLineView = memo(function LogLineView({ line, short = false }: { line: LogLine; short?: boolean }) {
  return (
    <li class={`log-line k-${line.kind} l-${line.level}`}>
      <span class="log-time">{clock(line.time)}</span>{" "}
      {(line.level === "warn" || line.level === "error") && <><span class="log-level">{line.level}</span>{" "}</>}
      <span class="log-msg">{clean(line.msg, 300)}</span>{" "}
      {line.attrs.map(([k, v], i) => (
        <span key={i} class="log-attr" title={short || v.length > MAX_VALUE ? v : undefined}>
          {clean(k, 40)}=<span class={v.length === 64 ? "log-hash" : ""}>{short ? shortHash(clean(v, MAX_VALUE)) : clean(v, MAX_VALUE)}</span>{" "}
        </span>
      ))}
    </li>
  );
});

export function filterLines(lines: readonly LogLine[], kinds: ReadonlySet<LogKind>, text: string): LogLine[] {
  const wanted = text.trim().toLowerCase();
  return lines.filter((l) => {
    if (kinds.size > 0 && !kinds.has(l.kind)) return false;
    if (wanted === "") return true;
    return [l.msg, ...l.attrs.map(([k, v]) => `${k}=${v}`)].join(" ").toLowerCase().includes(wanted);
  });
}

export function LogPage() {
  const live = useStore((s) => s.log.lines);
  const [frozen, setFrozen] = useState<LogLine[] | null>(null);
  const [kinds, setKinds] = useState<ReadonlySet<LogKind>>(new Set());
  const [text, setText] = useState("");
  const all = frozen ?? live;
  const lines = useMemo(() => filterLines(all, kinds, text), [all, kinds, text]);
  const since = frozen ? live.filter((l) => l.seq > (frozen.at(-1)?.seq ?? 0)).length : 0;
  const toggle = (k: LogKind) => {
    const next = new Set(kinds);
    if (!next.delete(k)) next.add(k);
    setKinds(next);
  };
  return (
    <div class="log-page">
      <header class="page-head">
        <h1>{texts.log.title}</h1>
        <p>{texts.log.lead}</p>
      </header>
      <div class="log-tools">
        <div class="chips" role="group" aria-label={texts.log.filter}>
          <button type="button" class="chip" aria-pressed={kinds.size === 0} onClick={() => setKinds(new Set())}>{texts.log.all}</button>
          {KINDS.map((k) => (
            <button key={k} type="button" class={`chip k-${k}`} aria-pressed={kinds.has(k)} onClick={() => toggle(k)}>{texts.log.kinds[k]}</button>
          ))}
        </div>
        <div class="log-search">
          <Field id="log-text" label={texts.log.search} labelHidden placeholder={texts.log.search} value={text} onInput={setText} />
          <Button icon={frozen ? "play" : "pause"} pressed={!!frozen} onClick={() => setFrozen(frozen ? null : live)}>
            {frozen ? texts.log.resume : texts.log.pause}
          </Button>
        </div>
      </div>
      <p class="quiet log-count">{frozen ? texts.log.paused(since) : texts.log.count(lines.length, all.length)}</p>
      {all.length === 0 ? <Empty icon="log" title={texts.log.empty} /> : lines.length === 0 ? (
        <div class="failed">
          <Empty icon="log" title={texts.log.noMatch} />
          <Button onClick={() => { setKinds(new Set()); setText(""); }}>{texts.log.clear}</Button>
        </div>
      ) : <Scroll lines={lines} />}
    </div>
  );
}

function Scroll({ lines }: { lines: LogLine[] }) {
  const box = useRef<HTMLDivElement>(null);
  const [following, setFollowing] = useState(true);
  const seen = useRef(0);
  const last = lines.at(-1)?.seq ?? 0;
  if (following) seen.current = last;
  const below = following ? 0 : lines.filter((l) => l.seq > seen.current).length;
  useLayoutEffect(() => {
    if (following && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [last, lines.length, following]);
  useEffect(() => {
    const el = box.current;
    if (!el) return;
    const look = () => setFollowing(el.scrollHeight - el.scrollTop - el.clientHeight < AT_END);
    el.addEventListener("scroll", look, { passive: true });
    return () => el.removeEventListener("scroll", look);
  }, []);
  return (
    <div class="log-frame">
      <div class="log-box" ref={box} tabIndex={0} role="log" aria-live="off" aria-label={texts.log.title}>
        <ol class="log-lines">{lines.map((l) => <LogLineView key={l.seq} line={l} />)}</ol>
      </div>
      {!following && (
        <Button class="log-jump" kind="primary" icon="down" onClick={() => setFollowing(true)}>
          {below > 0 ? texts.log.newBelow(below) : texts.log.toEnd}
        </Button>
      )}
    </div>
  );
}
