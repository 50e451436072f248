// One clock for everything that says "12 s ago": a single timer, however many ask.
import { useEffect, useState } from "preact/hooks";

const TICK_MS = 1_000;
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

/** What `say` makes of now (Unix seconds); the component renders again only when it says something else. `say` may
 *  depend on `about` alone. */
export function useClock(about: number, say: (now: number) => string): string {
  const [text, setText] = useState(() => say(Date.now() / 1000));
  useEffect(() => {
    const tick = () => setText(say(Date.now() / 1000));
    tick();
    listeners.add(tick);
    timer ??= setInterval(() => listeners.forEach((f) => f()), TICK_MS);
    return () => {
      listeners.delete(tick);
      if (listeners.size === 0) {
        clearInterval(timer);
        timer = undefined;
      }
    };
  }, [about]);
  return text;
}
