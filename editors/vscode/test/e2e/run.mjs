// Runs the tests in a real VS Code; their environment says where everything is (see world.mjs).

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";

const only = process.argv[2];
const files = readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith(".test.mjs") && (only === undefined || name.startsWith(only)))
  .map((name) => join(import.meta.dirname, name));
if (files.length === 0) throw new Error(`no tests for ${only}`);
run({ files, concurrency: 1, timeout: 1_800_000 })
  .on("test:fail", () => {
    process.exitCode = 1;
  })
  .compose(spec)
  .pipe(process.stdout);
