// Writes what comes from the server's own table of settings: into package.json, but for those that are the extension's own,
// and from there the table of settings into README.md. `node scripts/settings.mjs [--check] SKILLYARD`: the program is asked.

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const check = process.argv.includes("--check");
const program = process.argv.slice(2).find((argument) => !argument.startsWith("--")) ?? process.env.SKILLYARD ?? "skillyard";
const schema = JSON.parse(execFileSync(program, ["schema", "--settings"], { maxBuffer: 1 << 26 }));

/** What an editor's page of settings shows besides what the server says. */
const shown = {
  palyraVersion: { patternErrorMessage: "Three numbers, such as 0.1.0, or nothing." },
  inlayHints: { more: " All of them together: `editor.inlayHints.enabled`." },
  rules: {},
};
const settings = Object.entries(schema.properties).map(([name, { markdownDescription, ...about }], at) => {
  if (shown[name] === undefined) throw new Error(`the server has a setting ${name} that nothing is said of here`);
  const { more = "", ...own } = shown[name];
  const description = { markdownDescription: markdownDescription + more };
  // Behind the place of the program, which is the extension's own.
  return [`skillyard.${name}`, { ...about, ...own, scope: "resource", order: at + 2, ...description }];
});

let stale = false;
const at = (name) => join(import.meta.dirname, "..", name);
function write(name, make) {
  const before = readFileSync(at(name), "utf8");
  const after = make(before);
  if (after === before) return;
  stale = true;
  if (check) console.error(`editors/vscode/${name} is stale: node scripts/settings.mjs ${program}`);
  else writeFileSync(at(name), after);
}

write("package.json", (text) => {
  // Only these are replaced, so that the rest keeps its layout.
  const start = text.indexOf(`        "${settings[0][0]}": {`);
  const end = text.indexOf('        "skillyard.trace.server"');
  const body = settings.map(([name, about]) => `"${name}": ${JSON.stringify(about, null, 2).split("\n").join("\n        ")},\n`);
  return `${text.slice(0, start)}${body.map((one) => `        ${one}`).join("")}${text.slice(end)}`;
});

write("README.md", (text) => {
  const about = JSON.parse(readFileSync(at("package.json"), "utf8"));
  const rows = Object.entries(about.contributes.configuration.properties).map(
    ([name, { markdownDescription, default: value }]) => `| \`${name}\` | \`${JSON.stringify(value)}\` | ${markdownDescription} |`,
  );
  const table = ["| setting | default | |", "| --- | --- | --- |", ...rows].join("\n");
  return text.replace(/(<!-- settings: written[^\n]*-->\n)[\s\S]*?(\n<!-- settings: end -->)/, (_, start, end) => `${start}\n${table}\n${end}`);
});

if (check && stale) process.exit(1);
