// How a smell (hash) looks: a coloured wheel and its digits, the leading zeros dimmed.
import { shortHash } from "../format";
import { scent, zeros } from "../smell";

/** The wheel alone: the same hash is the same wheel everywhere. */
export function Wheel({ hash, size = 16 }: { hash: string; size?: number }) {
  const { hue, second, angle } = scent(hash);
  return (
    <svg class="wheel" width={size} height={size} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <circle cx="8" cy="8" r="7" style={{ fill: `oklch(var(--chip-l) var(--chip-c) ${hue})` }} />
      <path d="M8 8V1a7 7 0 0 1 6.06 10.5z" transform={`rotate(${angle} 8 8)`}
        style={{ fill: `oklch(var(--chip-l2) var(--chip-c) ${second})` }} />
    </svg>
  );
}

export function smellColour(hash: string): string {
  return `oklch(var(--chip-l) var(--chip-c) ${scent(hash).hue})`;
}

/** A hash's digits with the proof of work visible in them. */
export function Digits({ hash, full = false }: { hash: string; full?: boolean }) {
  const text = full ? hash : shortHash(hash);
  const n = Math.min(zeros(hash), full ? hash.length : 8);
  return (
    <span class={full ? "mono full" : "mono"} title={full ? undefined : hash}>
      <span class="zeros">{text.slice(0, n)}</span>{text.slice(n)}
    </span>
  );
}

export function Smell({ hash, full = false, link = false }: { hash: string; full?: boolean; link?: boolean }) {
  if (!hash) return null;
  const inside = <><Wheel hash={hash} /><Digits hash={hash} full={full} /></>;
  return link ? <a class="smell" href={`#/block/${hash}`}>{inside}</a> : <span class="smell">{inside}</span>;
}

/** A transaction's id, shortened, as a link to its page. */
export function Txid({ txid, full = false }: { txid: string; full?: boolean }) {
  return <a class={full ? "mono full" : "mono"} href={`#/tx/${txid}`} title={txid}>{full ? txid : shortHash(txid)}</a>;
}
