// Who is connected, live, and the means to connect and disconnect.
import { useContext, useState } from "preact/hooks";
import { ApiContext, ApiError, messageOf } from "../api";
import { bytes, clean, integer, ping } from "../format";
import type { Connection } from "../model";
import { announce } from "../parts/announce";
import { Ago, Button, Card, Empty, Note, Tag } from "../parts/basics";
import { Field } from "../parts/field";
import { Table } from "../parts/table";
import { useStore } from "../store";
import { texts } from "../texts";

const t = texts.connections;

/** host:port as typed, checked for shape: "" when it may be right. An IPv6 host stands in brackets. */
export function addrMistake(text: string): string {
  const a = text.trim();
  if (a === "") return t.addrEmpty;
  const m = /^(?:\[[0-9a-f:.%a-z]+\]|[^\s:[\]]+):(\d+)$/i.exec(a);
  if (!m) return t.addrJunk;
  const port = Number(m[1]);
  return port >= 1 && port <= 65535 ? "" : t.portJunk;
}

export function ConnectionsPage() {
  const connections = useStore((s) => s.connections);
  const [error, setError] = useState("");
  return (
    <>
      <header class="page-head">
        <h1>{t.title}</h1>
        <p>{t.lead}</p>
      </header>
      {error && <Note tone="bad">{error}</Note>}
      <Card class="flush">
        {connections.length === 0 ? <Empty icon="connections" title={t.empty}>{t.emptyBody}</Empty> : <List connections={connections} fail={setError} />}
      </Card>
      <ConnectForm />
    </>
  );
}

function nameOf(c: Connection): string {
  return clean(c.name) || clean(c.addr, 80);
}

function List({ connections, fail }: { connections: Connection[]; fail: (m: string) => void }) {
  const api = useContext(ApiContext);
  const drop = (c: Connection) => {
    fail("");
    api.disconnect(c.id).then(() => announce(t.disconnected(nameOf(c))), (e: unknown) => fail(messageOf(e)));
  };
  return (
    <Table label={t.title} rows={connections} id={(c) => c.id} columns={[
      { title: t.name, head: true, cell: (c) => <span title={clean(c.agent, 256)}>{clean(c.name) || <span class="quiet">{t.unnamed}</span>} {c.state === "handshake" && <Tag tone="blue">{t.handshake}</Tag>}</span> },
      { title: t.addr, cell: (c) => <span class="mono">{clean(c.addr, 80)}</span> },
      { title: t.direction, cell: (c) => <span class={`direction ${c.inbound ? "in" : "out"}`}>{c.inbound ? t.inbound : t.outbound}</span> },
      { title: t.height, end: true, cell: (c) => integer(c.height) },
      { title: t.ping, end: true, cell: (c) => ping(c.pingMs) },
      { title: t.since, end: true, cell: (c) => <Ago time={c.since} /> },
      { title: t.bytes, end: true, cell: (c) => <>{bytes(c.bytesIn)} / {bytes(c.bytesOut)}</> },
      { title: t.actions, silent: true, end: true, cell: (c) => <Button kind="quiet" icon="cross" label={t.disconnectFrom(nameOf(c))} onClick={() => drop(c)} /> },
    ]} />
  );
}

function ConnectForm() {
  const api = useContext(ApiContext);
  const [addr, setAddr] = useState("");
  const [error, setError] = useState("");
  const [done, setDone] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async (e: Event) => {
    e.preventDefault();
    if (busy) return;
    const wrong = addrMistake(addr);
    setError(wrong);
    setDone("");
    if (wrong) return;
    setBusy(true);
    try {
      await api.connect(addr.trim());
      setDone(t.connected(addr.trim()));
      announce(t.connected(addr.trim()));
      setAddr("");
    } catch (x) {
      setError(x instanceof ApiError ? x.message : messageOf(x));
    }
    setBusy(false);
  };
  return (
    <Card title={t.connectTitle}>
      <form class="inline-form" onSubmit={(e) => void submit(e)} noValidate>
        <Field id="connect-addr" testid="connect-addr" label={t.addrLabel} hint={t.addrHint} value={addr} mono error={error}
          onInput={(v) => { setAddr(v); setError(""); }} />
        <Button type="submit" icon="plug" busy={busy} testid="connect-submit">{busy ? t.connecting : t.connect}</Button>
      </form>
      {done && <Note tone="good">{done}</Note>}
    </Card>
  );
}
