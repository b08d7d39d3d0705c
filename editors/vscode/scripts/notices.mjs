// The licences of the packages whose code is in the bundles, as those licences ask for.

import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

const ALLOWED = new Set(["MIT", "ISC", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause"]);

/** The text for the packages among `inputs`, paths of esbuild's metafile. Fails on a licence that is not allowed. */
export function notices(inputs) {
  const folders = new Set();
  for (const input of inputs) {
    const found = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input);
    if (found !== null) folders.add(found[1]);
  }
  const parts = [...folders].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    if (!ALLOWED.has(license)) throw new Error(`${name} ${version} is under ${license}, which is not allowed`);
    const file = readdirSync(folder).find((one) => /^licen[sc]e/i.test(one));
    const text = file !== undefined && existsSync(join(folder, file)) ? readFileSync(join(folder, file), "utf8") : `Licence: ${license}\n`;
    return `${name} ${version} (${license})\n\n${text.replace(/\r\n/g, "\n").trim()}\n`;
  });
  const rule = `\n${"-".repeat(80)}\n\n`;
  return `Skillyard's extension has code of these packages in it.\n${rule}${parts.join(rule)}`;
}
