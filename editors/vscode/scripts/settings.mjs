// Writes what comes from the server's own tables: the rules that the setting skillyard.rules knows, into package.json, and
// the table of settings, into README.md. `node scripts/settings.mjs [--check] SKILLYARD`: the program is asked.

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const check = process.argv.includes("--check");
const program = process.argv.slice(2).find((argument) => !argument.startsWith("--")) ?? process.env.SKILLYARD ?? "skillyard";
const { rules } = JSON.parse(execFileSync(program, ["explain", "--list", "--format", "json"], { maxBuffer: 1 << 26 }));

const level = { enum: ["allow", "hint", "info", "warn", "deny"] };
// What a daemon rejects, or refuses an artifact for, stays an error, so that only the others can be set.
const free = rules.filter(({ levels }) => levels.length > 1);
const families = [...new Set(free.map(({ code }) => `${code.split("/")[0]}/*`))];
const properties = Object.fromEntries([
  ["*", { ...level, description: "Every rule" }],
  ...families.map((family) => [family, { ...level, description: `Every rule of the family ${family.slice(0, -2)}` }]),
  ...free.map(({ code, levels, summary, severity }) => [code, { enum: levels, description: `${summary} (${severity})` }]),
]);

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
  const about = JSON.parse(text);
  const setting = about.contributes.configuration.properties["skillyard.rules"];
  Object.assign(setting, { properties, additionalProperties: false });
  // Only this one value is replaced, so that the rest keeps its layout.
  const start = text.indexOf('        "skillyard.rules": {');
  const end = text.indexOf('        "skillyard.trace.server"');
  const body = JSON.stringify(setting, null, 2).split("\n").join("\n        ");
  return `${text.slice(0, start)}        "skillyard.rules": ${body},\n${text.slice(end)}`;
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
