// Empties web/dist before a build but keeps .gitkeep, which lets the Go program compile before the window is built.
import { mkdirSync, readdirSync, rmSync } from "node:fs";

const dist = new URL("../web/dist/", import.meta.url);
mkdirSync(dist, { recursive: true });
for (const name of readdirSync(dist)) {
  if (name !== ".gitkeep") rmSync(new URL(name, dist), { recursive: true });
}
