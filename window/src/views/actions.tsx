// The four buttons of the exercise this window comes from, and their results in place under them.
import { useContext, useEffect, useRef, useState } from "preact/hooks";
import { type Api, ApiContext, messageOf } from "../api";
import { clean } from "../format";
import type { ConnectResult, PeerList } from "../model";
import { announce } from "../parts/announce";
import { Button, Empty, Failed, Skeleton, Spinner, Tag } from "../parts/basics";
import { Icon, type IconName } from "../parts/icons";
import type { Loaded } from "../parts/load";
import { Table } from "../parts/table";
import { texts } from "../texts";
import { SendPanel } from "./send";
import { StackView } from "./stack";

type Action = "peer-list" | "connect-peers" | "create-transaction" | "show-cheese-stack";

const buttons: { id: Action; name: string; hint: string; icon: IconName }[] = [
  { id: "peer-list", name: texts.actions.peerList, hint: texts.actions.peerListHint, icon: "list" },
  { id: "connect-peers", name: texts.actions.connectPeers, hint: texts.actions.connectPeersHint, icon: "connections" },
  { id: "create-transaction", name: texts.actions.createTransaction, hint: texts.actions.createTransactionHint, icon: "send" },
  { id: "show-cheese-stack", name: texts.actions.showStack, hint: texts.actions.showStackHint, icon: "stack" },
];

const titles: Record<Action, string> = {
  "peer-list": texts.peerList.title, "connect-peers": texts.connectPeers.title,
  "create-transaction": texts.send.title, "show-cheese-stack": texts.stack.title,
};

/** What needs no asking anew is open again when one comes back to the page. */
let kept: Action | null = null;

export function Actions() {
  const [open, setOpenNow] = useState<Action | null>(kept);
  const setOpen = (a: Action | null) => {
    kept = a === "show-cheese-stack" || a === "create-transaction" ? a : null;
    setOpenNow(a);
  };
  const [peers, askPeers] = useAnswer((api) => api.peerList(), (l) => texts.peerList.found(l.peers.length));
  const [results, connect] = useAnswer((api) => api.connectPeers(), connectSummary);
  const press = (a: Action) => {
    setOpen(a);
    if (a === "peer-list") askPeers();
    if (a === "connect-peers") connect();
  };
  const busy = (a: Action) => (a === "peer-list" && peers?.at === "loading") || (a === "connect-peers" && results?.at === "loading");
  return (
    <section class="actions" aria-label={texts.actions.title}>
      <div class="action-buttons">
        {buttons.map((b) => (
          <button key={b.id} type="button" class={`action ${open === b.id ? "open" : ""}`} data-testid={b.id}
            aria-expanded={open === b.id} aria-controls={open === b.id ? `result-${b.id}` : undefined} aria-describedby={`hint-${b.id}`}
            aria-busy={busy(b.id) || undefined} onClick={() => !busy(b.id) && press(b.id)}>
            <span class="action-icon">{busy(b.id) ? <Spinner /> : <Icon name={b.icon} size={24} />}</span>
            <span class="action-name">{b.name}</span>
            <span class="action-hint" id={`hint-${b.id}`} aria-hidden="true">{b.hint}</span>
          </button>
        ))}
      </div>
      {open && (
        <section class="card result" id={`result-${open}`} data-testid={`result-${open}`} aria-labelledby={`title-${open}`}>
          <div class="card-head">
            <h2 id={`title-${open}`}>{titles[open]}</h2>
            <Button kind="quiet" icon="cross" label={texts.close} onClick={() => setOpen(null)} />
          </div>
          {open === "peer-list" && peers && <PeerListResult answer={peers} again={askPeers} />}
          {open === "connect-peers" && results && <ConnectResults answer={results} again={connect} />}
          {open === "create-transaction" && <SendPanel />}
          {open === "show-cheese-stack" && <StackView />}
        </section>
      )}
    </section>
  );
}

/** An answer that is asked for by a press, with its summary said aloud. While it is asked for anew it shows as loading. */
function useAnswer<T>(ask: (api: Api) => Promise<T>, summary: (value: T) => string): [Loaded<T> | null, () => void] {
  const api = useContext(ApiContext);
  const [answer, setAnswer] = useState<Loaded<T> | null>(null);
  const here = useRef(true);
  useEffect(() => () => void (here.current = false), []);
  const run = () => {
    setAnswer({ at: "loading" });
    ask(api).then(
      (value) => {
        announce(summary(value));
        if (here.current) setAnswer({ at: "loaded", value });
      },
      (e: unknown) => here.current && setAnswer({ at: "failed", message: messageOf(e) }),
    );
  };
  return [answer, run];
}

function connectSummary(results: ConnectResult[]): string {
  return texts.connectPeers.done(results.filter((r) => r.ok).length, results.length);
}

function PeerListResult({ answer, again }: { answer: Loaded<PeerList>; again: () => void }) {
  if (answer.at === "loading") return <Skeleton />;
  if (answer.at === "failed") return <Failed message={answer.message} retry={again} />;
  const { peers, trackers } = answer.value;
  return (
    <>
      {peers.length === 0
        ? <Empty icon="list" title={trackers.some((t) => t.ok) ? texts.peerList.empty : texts.peerList.noTracker}>{texts.peerList.emptyBody}</Empty>
        : (
          <Table label={titles["peer-list"]} rows={peers} id={(p) => p.addr} columns={[
            { title: texts.peerList.name, head: true, cell: (p) => clean(p.name) || <span class="quiet">{texts.peerList.unnamed}</span> },
            { title: texts.peerList.addr, cell: (p) => <span class="mono">{clean(p.addr, 80)}</span> },
            { title: texts.peerList.state, cell: (p) => p.self ? <Tag tone="cheese">{texts.peerList.self}</Tag>
              : p.connected ? <Tag tone="good">{texts.peerList.connected}</Tag> : <Tag>{texts.peerList.notConnected}</Tag> },
          ]} />
        )}
      {trackers.length > 0 && (
        <p class="asked quiet">{texts.peerList.trackers}: {trackers.map((t) => (
          <span key={t.url} class="asked-one"><span class="mono">{clean(t.url, 120)}</span> {t.ok
            ? <Tag tone="good">{texts.peerList.trackerPeers(t.peers)}</Tag> : <Tag tone="bad">{clean(t.error, 200)}</Tag>}</span>
        ))}</p>
      )}
    </>
  );
}

function ConnectResults({ answer, again }: { answer: Loaded<ConnectResult[]>; again: () => void }) {
  if (answer.at === "loading") return <Skeleton />;
  if (answer.at === "failed") return <Failed message={answer.message} retry={again} />;
  if (answer.value.length === 0) return <Empty icon="connections" title={texts.connectPeers.empty}>{texts.connectPeers.emptyBody}</Empty>;
  return (
    <>
      <p class="lead">{connectSummary(answer.value)}</p>
      <Table label={titles["connect-peers"]} rows={answer.value} id={(r) => r.addr} columns={[
        { title: texts.connectPeers.addr, head: true, cell: (r) => <span class="mono">{clean(r.addr, 80)}</span> },
        { title: texts.connectPeers.result, cell: (r) => r.ok
          ? <Tag tone="good">{r.already ? texts.connectPeers.already : texts.connectPeers.ok}</Tag>
          : <><Tag tone="bad">{texts.connectPeers.failed}</Tag> {clean(r.error, 300)}</> },
      ]} />
    </>
  );
}
