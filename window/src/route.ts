// The window's places, kept in the address after "#" so that back, forward and links work.
import { useEffect, useMemo, useState } from "preact/hooks";

export type Route =
  | { at: "home" | "stack" | "wallet" | "pool" | "connections" | "log" }
  | { at: "block"; hash: string }
  | { at: "tx"; txid: string };

const PLACES = ["home", "stack", "wallet", "pool", "connections", "log"] as const;

/** Anything unknown leads home. */
export function parseRoute(hash: string): Route {
  const [place = "", id = ""] = hash.replace(/^#\/?/, "").split("/");
  if (place === "block" && /^[0-9a-f]{64}$/i.test(id)) return { at: "block", hash: id.toLowerCase() };
  if (place === "tx" && /^[0-9a-f]{64}$/i.test(id)) return { at: "tx", txid: id.toLowerCase() };
  const known = PLACES.find((p) => p === place);
  return { at: known ?? "home" };
}

export function useRoute(): Route {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const follow = () => setHash(location.hash);
    follow();
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  return useMemo(() => parseRoute(hash), [hash]);
}
