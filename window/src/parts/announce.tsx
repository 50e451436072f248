// What screen readers hear: one polite region, whose text any part of the window may set.
import { useEffect, useState } from "preact/hooks";

type Listener = (text: string) => void;
const listeners = new Set<Listener>();

/** Says `text` once, politely. */
export function announce(text: string): void {
  for (const l of listeners) l(text);
}

/** The region itself; it stands once in the page. Repeating a sentence alternates a space so that it is heard again. */
export function Announcer() {
  const [text, setText] = useState("");
  useEffect(() => {
    const hear: Listener = (t) => setText((old) => (old === t ? t + "\u00a0" : t));
    listeners.add(hear);
    return () => void listeners.delete(hear);
  }, []);
  return <div class="sr-only" aria-live="polite" role="status">{text}</div>;
}
