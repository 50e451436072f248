// The window's frame: header, places, banners, and the view of the current place.
import { Component, type ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { clean } from "./format";
import type { Status } from "./model";
import { Announcer } from "./parts/announce";
import { Banner, Button, Skeleton } from "./parts/basics";
import { Icon, Mark, type IconName } from "./parts/icons";
import { type Route, useRoute } from "./route";
import { useStore } from "./store";
import { texts } from "./texts";
import { applyTheme, nextTheme, storedTheme } from "./theme";
import { ConnectionsPage } from "./views/connections";
import { BlockPage, TxPage } from "./views/detail";
import { HomePage } from "./views/home";
import { LogPage } from "./views/log";
import { PoolPage } from "./views/pool";
import { StackPage } from "./views/stack";
import { WalletPage } from "./views/wallet";

const places: { at: Route["at"] & keyof typeof texts.nav.short; icon: IconName }[] = [
  { at: "home", icon: "home" }, { at: "stack", icon: "stack" }, { at: "wallet", icon: "wallet" },
  { at: "pool", icon: "pool" }, { at: "connections", icon: "connections" }, { at: "log", icon: "log" },
];

export function App({ retry }: { retry: () => void }) {
  const phase = useStore((s) => s.phase);
  const route = useRoute();
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  const key = JSON.stringify(route);
  useTitle();
  useEffect(() => {
    if (first.current) return void (first.current = false);
    main.current?.focus({ preventScroll: true });
  }, [key]);
  useScroll(key, route.at === "block" || route.at === "tx");
  const locked = phase === "unauthorized" || phase === "failed";
  return (
    <>
      <a class="skip" href="#content" onClick={(e) => { e.preventDefault(); main.current?.focus(); }}>{texts.skip}</a>
      <Header />
      <div class={locked ? "frame alone" : "frame"}>
        {!locked && <Nav route={route} />}
        <main id="content" tabIndex={-1} ref={main}>
          {!locked && <Banners retry={retry} money={route.at === "home" || route.at === "wallet"} />}
          {phase === "unauthorized" ? <Closed kind="unauthorized" retry={retry} /> : phase === "failed" ? <Closed kind="failed" retry={retry} />
            : phase === "loading" ? <Skeleton rows={8} /> : <Fence key={key}><View route={route} /></Fence>}
        </main>
      </div>
      <Announcer />
    </>
  );
}

/** A new place starts at its top; coming back from a detail finds the list where it was left. */
function useScroll(key: string, detail: boolean): void {
  const left = useRef({ key: "", y: 0 });
  const last = useRef({ key, detail });
  useLayoutEffect(() => {
    const before = last.current;
    last.current = { key, detail };
    if (before.key === key) return;
    if (detail && !before.detail) left.current = { key: before.key, y: scrollY };
    scrollTo(0, before.detail && left.current.key === key ? left.current.y : 0);
  }, [key]);
}

function View({ route }: { route: Route }) {
  switch (route.at) {
    case "home": return <HomePage />;
    case "stack": return <StackPage />;
    case "wallet": return <WalletPage />;
    case "pool": return <PoolPage />;
    case "connections": return <ConnectionsPage />;
    case "log": return <LogPage />;
    case "block": return <BlockPage hash={route.hash} />;
    case "tx": return <TxPage txid={route.txid} />;
  }
}

function useTitle(): void {
  const name = useStore((s) => s.status?.name ?? "");
  const height = useStore((s) => s.status?.tip.height ?? 0);
  useEffect(() => {
    document.title = name ? `#${height} ${clean(name)} · ${texts.product}` : texts.product;
  }, [name, height]);
}

function Header() {
  const status = useStore((s) => s.status);
  const locked = useStore((s) => s.phase === "unauthorized" || s.phase === "failed");
  return (
    <header class="top">
      <a class="brand" href="#/home" aria-label={texts.product}>
        <Mark /><span class="brand-word">{texts.product}</span>
      </a>
      {status && (
        <div class="who">
          <strong class="who-name" data-testid="peer-name">{clean(status.name)}</strong>
          <span class="who-net">{clean(status.network)} <span class="who-net-word">{texts.header.network}</span></span>
        </div>
      )}
      <span class="top-space" />
      {status && <span class="top-height"><span class="quiet">{texts.header.height}</span> <strong>{status.tip.height}</strong></span>}
      {!locked && <LinkPill />}
      <ThemeButton />
    </header>
  );
}

function LinkPill() {
  const link = useStore((s) => s.link);
  return <span class={`pill link-${link}`} role="status" data-testid="link"><span class="pill-dot" aria-hidden="true" />{texts.link[link]}</span>;
}

function ThemeButton() {
  const [theme, setTheme] = useState(storedTheme);
  const next = () => {
    const t = nextTheme(theme);
    applyTheme(t);
    setTheme(t);
  };
  const icon = ({ auto: "auto", light: "sun", dark: "moon" } as const)[theme];
  return <Button kind="quiet" icon={icon} label={texts.header.theme[theme]} onClick={next} testid="theme" />;
}

function Nav({ route }: { route: Route }) {
  const here = route.at === "block" ? "stack" : route.at;
  return (
    <nav class="places" aria-label={texts.nav.label}>
      <ul>
        {places.map((p) => (
          <li key={p.at}>
            <a href={`#/${p.at}`} aria-current={here === p.at ? "page" : undefined}>
              <Icon name={p.icon} /><span class="long">{texts.nav[p.at]}</span><span class="short">{texts.nav.short[p.at]}</span>
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

/** What concerns the wallet is said where money is (`money`), the rest everywhere. */
function Banners({ retry, money }: { retry: () => void; money: boolean }) {
  const link = useStore((s) => s.link);
  const status = useStore((s) => s.status);
  const empty = useStore((s) => s.wallet?.emptyPassphrase ?? false);
  const broken = link === "reconnecting" || link === "stale" || link === "offline";
  const warnings = status ? warningsOf(status, empty && money) : [];
  return (
    <div class="banners">
      {broken && <Banner tone={link === "offline" ? "bad" : "warn"} icon="plug" action={<Button onClick={retry}>{texts.link.retry}</Button>}>{texts.link.banner[link]}</Banner>}
      {status && <Behind status={status} />}
      <Warnings warnings={warnings} />
    </div>
  );
}

/** A warning with its numbers taken out: "95 s behind" hidden once stays hidden at 96 s. */
function gist(warning: string): string {
  return warning.replace(/\d+/g, "#");
}

/** The most warnings remembered as hidden. */
const MAX_HIDDEN = 100;
const HIDDEN = "cheese-hidden";

/** What was hidden in this visit; a browser that keeps nothing shows it again. */
function hiddenBefore(): string[] {
  try {
    const kept: unknown = JSON.parse(sessionStorage.getItem(HIDDEN) ?? "[]");
    return Array.isArray(kept) ? kept.map(String) : [];
  } catch {
    return [];
  }
}

function Warnings({ warnings }: { warnings: string[] }) {
  const [hidden, setHidden] = useState<ReadonlySet<string>>(() => new Set(hiddenBefore()));
  const hide = (more: string[]) => {
    const all = [...new Set([...hidden, ...more])].slice(-MAX_HIDDEN);
    setHidden(new Set(all));
    try {
      sessionStorage.setItem(HIDDEN, JSON.stringify(all));
    } catch {
      // Then they are hidden until the page is loaded again.
    }
  };
  const shown = warnings.filter((w) => !hidden.has(gist(w)));
  if (shown.length === 0) return null;
  return (
    <section class="banner warn" aria-label={texts.warnings.title}>
      <Icon name="warn" />
      <ul class="banner-text">{shown.map((w) => <li key={w}>{w}</li>)}</ul>
      <Button kind="quiet" icon="cross" label={texts.warnings.hide} onClick={() => hide(shown.map(gist))} />
    </section>
  );
}

/** Everything a person should know, most pressing first; none of it stops anything. */
export function warningsOf(status: Status, emptyPassphrase: boolean): string[] {
  const w = status.warnings.map((x) => clean(x, 300));
  if (status.trackers.length === 0) w.push(texts.warnings.noTracker);
  for (const t of status.trackers) {
    if (!t.ok) w.push(texts.warnings.trackerDown(clean(t.url, 120), clean(t.error, 200)));
    if (t.warning) w.push(texts.warnings.tracker(clean(t.url, 120), clean(t.warning, 200)));
  }
  if (emptyPassphrase) w.push(texts.warnings.emptyPassphrase);
  return [...new Set(w)];
}

function Behind({ status }: { status: Status }) {
  const behind = status.syncing || status.bestHeader > status.tip.height + 1;
  if (!behind) return null;
  return (
    <div class="banner info behind" role="status">
      <Icon name="stack" />
      <div class="banner-text">
        <strong>{texts.behind.title} </strong>
        {status.bestHeader > status.tip.height ? texts.behind.body(status.tip.height, status.bestHeader) : texts.behind.unknown}
        <progress max={Math.max(status.bestHeader, 1)} value={status.bestHeader > status.tip.height ? status.tip.height : undefined} aria-label={texts.behind.title} />
      </div>
    </div>
  );
}

function Closed({ kind, retry }: { kind: "unauthorized" | "failed"; retry: () => void }) {
  const t = texts[kind];
  return (
    <div class="closed" data-testid={kind}>
      <span class="closed-mark"><Icon name={kind === "failed" ? "plug" : "key"} size={32} /></span>
      <h1>{t.title}</h1>
      <p>{t.body}</p>
      {kind === "unauthorized" && <p class="mono closed-example">{texts.unauthorized.example(location.origin)}</p>}
      <Button kind="primary" onClick={retry}>{texts.unauthorized.retry}</Button>
    </div>
  );
}

/** Keeps one view's fault from taking the window down. */
class Fence extends Component<{ children: ComponentChildren }, { broken: boolean }> {
  override state = { broken: false };

  override componentDidCatch(): void {
    this.setState({ broken: true });
  }

  override render() {
    if (!this.state.broken) return this.props.children;
    return (
      <div class="closed">
        <h1>{texts.crashed.title}</h1>
        <p>{texts.crashed.body}</p>
        <Button kind="primary" onClick={() => this.setState({ broken: false })}>{texts.crashed.retry}</Button>
      </div>
    );
  }
}
