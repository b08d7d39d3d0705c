// Bundles the extension into dist: `node scripts/build.mjs`; with `--watch` again after each change.

import { rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { context } from "esbuild";

import { notices } from "./notices.mjs";

const common = { bundle: true, minify: true, metafile: true, legalComments: "none", charset: "utf8", outdir: "dist", logLevel: "warning" };
const builds = [
  { entryPoints: { extension: "src/extension.ts" }, platform: "node", format: "cjs", target: "node20", external: ["vscode", "./client.js"], supported: { "dynamic-import": false } },
  { entryPoints: { client: "src/client.ts" }, platform: "node", format: "cjs", target: "node20", external: ["vscode"] },
  { entryPoints: { web: "src/web.ts" }, platform: "browser", format: "cjs", target: "es2022", external: ["vscode"] },
  { entryPoints: { input: "src/input/view.ts", report: "src/report/view.ts" }, platform: "browser", format: "iife", target: "es2022" },
];

/** Builds everything; `watch` keeps at it. */
export async function build(watch = false) {
  process.chdir(fileURLToPath(new URL("..", import.meta.url)));
  rmSync("dist", { recursive: true, force: true });
  const inputs = [];
  for (const one of builds) {
    const made = await context({ ...common, ...one });
    const { metafile } = await made.rebuild();
    inputs.push(...Object.keys(metafile.inputs));
    if (watch) await made.watch();
    else await made.dispose();
  }
  writeFileSync("dist/NOTICES.txt", notices(inputs));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await build(process.argv.includes("--watch"));
