// One clock for everything that says "12 s ago": a single timer, however many ask.
import { useEffect, useState } from "preact/hooks";

const TICK_MS = 1_000;
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

/** Now in Unix seconds, again every second. */
export function useNow(): number {
  const [now, setNow] = useState(() => Date.now() / 1000);
  useEffect(() => {
    const tick = () => setNow(Date.now() / 1000);
    listeners.add(tick);
    timer ??= setInterval(() => listeners.forEach((f) => f()), TICK_MS);
    return () => {
      listeners.delete(tick);
      if (listeners.size === 0) {
        clearInterval(timer);
        timer = undefined;
      }
    };
  }, []);
  return now;
}
