// The design system's small parts: cards, buttons, notes, times, amounts and empty states.
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { formatAmount } from "../amount";
import { ago, dateTime } from "../format";
import { texts } from "../texts";
import { useClock } from "../time";
import { announce } from "./announce";
import { Icon, type IconName } from "./icons";

export function Card(p: {
  title?: string; aside?: ComponentChildren; children: ComponentChildren; class?: string; id?: string; testid?: string;
}) {
  const id = p.id ?? (p.title ? "card-" + p.title.toLowerCase().replace(/\W+/g, "-") : undefined);
  return (
    <section class={`card ${p.class ?? ""}`} aria-labelledby={p.title ? id : undefined} data-testid={p.testid}>
      {p.title && (
        <div class="card-head">
          <h2 id={id}>{p.title}</h2>
          {p.aside}
        </div>
      )}
      {p.children}
    </section>
  );
}

export function Button(p: {
  children?: ComponentChildren; onClick?: () => void; kind?: "primary" | "plain" | "quiet"; icon?: IconName; busy?: boolean;
  disabled?: boolean; type?: "button" | "submit"; label?: string; testid?: string; pressed?: boolean; class?: string;
}) {
  return (
    <button
      type={p.type ?? "button"} class={`button ${p.kind ?? "plain"} ${p.children ? "" : "icon-only"} ${p.class ?? ""}`}
      onClick={p.onClick} disabled={p.disabled} aria-disabled={p.busy || undefined} aria-busy={p.busy || undefined}
      aria-label={p.label} title={p.children ? undefined : p.label} aria-pressed={p.pressed} data-testid={p.testid}
    >
      {p.busy ? <Spinner /> : p.icon && <Icon name={p.icon} size={18} />}
      {p.children && <span>{p.children}</span>}
    </button>
  );
}

export function Spinner() {
  return <span class="spinner" aria-hidden="true" />;
}

/** A calm strip of news: never a dialog, never in the way. */
export function Banner(p: { tone: "info" | "warn" | "bad"; icon?: IconName; title?: string; children: ComponentChildren; action?: ComponentChildren }) {
  return (
    <div class={`banner ${p.tone}`}>
      <Icon name={p.icon ?? "warn"} />
      <div class="banner-text">
        {p.title && <strong>{p.title} </strong>}
        {p.children}
      </div>
      {p.action}
    </div>
  );
}

export function Note(p: { tone: "good" | "bad"; children: ComponentChildren; testid?: string; title?: string }) {
  return (
    <div class={`note ${p.tone}`} role={p.tone === "bad" ? "alert" : undefined} data-testid={p.testid}>
      <Icon name={p.tone === "good" ? "check" : "warn"} size={18} />
      <div>
        {p.title && <strong class="note-title">{p.title}</strong>}
        {p.children}
      </div>
    </div>
  );
}

export function Empty(p: { title: string; children?: ComponentChildren; icon?: IconName }) {
  return (
    <div class="empty">
      <Icon name={p.icon ?? "stack"} size={28} />
      <p class="empty-title">{p.title}</p>
      {p.children && <p>{p.children}</p>}
    </div>
  );
}

/** Grey bars in the shape of what is coming. */
export function Skeleton({ rows = 3 }: { rows?: number }) {
  return (
    <div class="skeleton" role="status">
      <span class="sr-only">{texts.loading}</span>
      {Array.from({ length: rows }, (_, i) => <span key={i} class="bone" aria-hidden="true" />)}
    </div>
  );
}

export function Failed({ message, retry }: { message: string; retry: () => void }) {
  return (
    <div class="failed">
      <Note tone="bad">{message}</Note>
      <Button onClick={retry}>{texts.retry}</Button>
    </div>
  );
}

export function Ago({ time }: { time: number }) {
  const text = useClock(time, (now) => ago(time, now));
  if (time <= 0) return <span class="quiet">{texts.time.never}</span>;
  return <time dateTime={new Date(time * 1000).toISOString()} title={dateTime(time)}>{text}</time>;
}

export function Chz({ crumbs, signed = false }: { crumbs: number; signed?: boolean }) {
  const plus = signed && crumbs > 0 ? "+" : "";
  return <span class="amount">{plus}{formatAmount(crumbs)}<span class="unit">{texts.coin}</span></span>;
}

export function CopyButton({ text, label = texts.copy }: { text: string; label?: string }) {
  const [done, setDone] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setDone(true);
      announce(texts.copied);
      clearTimeout(timer.current);
      timer.current = setTimeout(() => setDone(false), 2000);
    } catch {
      announce(texts.copyFailed);
    }
  };
  return <Button kind="plain" icon={done ? "check" : "copy"} onClick={() => void copy()}>{done ? texts.copied : label}</Button>;
}

/** A labelled value, for description lists. */
export function Item({ term, children, class: c }: { term: string; children: ComponentChildren; class?: string }) {
  return (
    <div class={`item ${c ?? ""}`}>
      <dt>{term}</dt>
      <dd>{children}</dd>
    </div>
  );
}

export function Tag({ tone, children }: { tone?: "good" | "bad" | "warn" | "blue" | "cheese"; children: ComponentChildren }) {
  return <span class={`tag ${tone ?? ""}`}>{children}</span>;
}
