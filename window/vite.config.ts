import { defineConfig } from "vitest/config";

// The Go program embeds web/dist. emptyOutDir stays off so that its .gitkeep survives; clean.mjs removes the
// previous build's files instead. No asset is inlined: the server's content policy allows none.
export default defineConfig({
  base: "./",
  build: {
    outDir: "../web/dist",
    emptyOutDir: false,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2022",
  },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  server: {
    host: "127.0.0.1",
    proxy: { "/api": process.env["CHEESE_API"] ?? "http://127.0.0.1:8799" },
  },
  test: {
    environment: "happy-dom",
    include: ["test/**/*.test.{ts,tsx}"],
  },
});
