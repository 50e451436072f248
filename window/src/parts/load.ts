// Loading one answer for a view: loading, loaded or failed, and a way to ask again.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { messageOf } from "../api";

export type Loaded<T> = { at: "loading" } | { at: "loaded"; value: T } | { at: "failed"; message: string };

/** Runs `ask` when `key` changes and when again() is called. An answer that comes after the next question is dropped;
 *  asking again with the same key keeps the old answer in view meanwhile. */
export function useLoad<T>(key: string, ask: () => Promise<T>): [Loaded<T>, () => void] {
  const [state, setState] = useState<{ key: string; loaded: Loaded<T> }>({ key, loaded: { at: "loading" } });
  const turn = useRef(0);
  const run = useCallback(() => {
    const mine = ++turn.current;
    const set = (loaded: Loaded<T>) => mine === turn.current && setState({ key, loaded });
    ask().then((value) => set({ at: "loaded", value }), (e: unknown) => set({ at: "failed", message: messageOf(e) }));
  }, [key]);
  useEffect(() => {
    run();
    return () => void turn.current++;
  }, [run]);
  return [state.key === key ? state.loaded : { at: "loading" }, run];
}
