// What is in the package, without an editor: `SKILLYARD_TEST_PROGRAM=… node test/package.test.mjs`.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { inflateRawSync } from "node:zlib";

import { serve } from "./server.mjs";

const FOLDER = join(import.meta.dirname, "..");
const PROGRAM = process.env.SKILLYARD_TEST_PROGRAM;
const scratch = mkdtempSync(join(tmpdir(), "skillyard-package-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

function packaged(out, ...more) {
  execFileSync(process.execPath, [join(FOLDER, "scripts/package.mjs"), "--out", join(scratch, out), ...more]);
  const [name] = readdirSync(join(scratch, out));
  return { name, bytes: readFileSync(join(scratch, out, name)) };
}

/** The text of one file of an archive. */
function text(bytes, wanted) {
  const { method, size, at } = entries(bytes).find(({ name }) => name === wanted);
  // Before the bytes stand 30 others, the name, and what is extra.
  const start = at + 30 + bytes.readUInt16LE(at + 26) + bytes.readUInt16LE(at + 28);
  const data = bytes.subarray(start, start + size);
  return String(method === 0 ? data : inflateRawSync(data));
}

/** The entries of an archive: names, whether they may be executed, and where they are. */
function entries(bytes) {
  const end = bytes.lastIndexOf("PK\x05\x06", undefined, "latin1");
  let at = bytes.readUInt32LE(end + 16);
  return Array.from({ length: bytes.readUInt16LE(end + 10) }, () => {
    const [length, extra, comment] = [28, 30, 32].map((offset) => bytes.readUInt16LE(at + offset));
    const name = bytes.toString("utf8", at + 46, at + 46 + length);
    const executable = ((bytes.readUInt32LE(at + 38) >>> 16) & 0o111) !== 0;
    const where = { method: bytes.readUInt16LE(at + 10), size: bytes.readUInt32LE(at + 20), at: bytes.readUInt32LE(at + 42) };
    at += 46 + length + extra + comment;
    return { name, executable, ...where };
  });
}

test("the same sources give the same bytes, below a megabyte", () => {
  const one = packaged("one");
  utimesSync(join(FOLDER, "README.md"), new Date(0), new Date(0));
  const two = packaged("two");
  assert.ok(one.bytes.equals(two.bytes));
  assert.ok(one.bytes.length < 1_000_000, `${one.bytes.length}`);
  assert.equal(one.name, "skillyard-0.1.0.vsix");
  const names = entries(one.bytes).map(({ name }) => name);
  for (const name of ["extension/dist/extension.js", "extension/dist/NOTICES.txt", "extension/LICENSE-MIT.txt", "extension.vsixmanifest", "[Content_Types].xml"]) {
    assert.ok(names.includes(name), name);
  }
  const about = JSON.parse(readFileSync(join(FOLDER, "package.json"), "utf8"));
  const [, tags] = /<Tags>(.*)<\/Tags>/.exec(text(one.bytes, "extension.vsixmanifest"));
  assert.deepEqual(tags.split(","), [...about.keywords, "__web_extension"]);
  // The page about the extension is shown from the package.
  const page = readFileSync(join(FOLDER, "README.md"), "utf8");
  const pictures = [...page.matchAll(/!\[[^\]]+\]\(([^)]+)\)/g)].map(([, path]) => `extension/${path}`);
  assert.ok(pictures.length > 0);
  assert.deepEqual(pictures.filter((path) => !names.includes(path)), []);
  assert.deepEqual(names.filter((name) => /node_modules|\.ts$|\.map$|\/test\//.test(name)), []);
});

test("a package for one platform carries the program, which may be executed", () => {
  const program = join(scratch, "program");
  writeFileSync(program, "#!/bin/sh\n");
  const { name, bytes } = packaged("linux", "--target", "linux-x64", "--binary", program);
  assert.equal(name, "skillyard-0.1.0-linux-x64.vsix");
  const executable = entries(bytes).filter((entry) => entry.executable);
  assert.deepEqual(executable.map((entry) => entry.name), ["extension/bin/skillyard"]);
});

test("what the package file names is there", () => {
  const about = JSON.parse(readFileSync(join(FOLDER, "package.json"), "utf8"));
  const { languages, grammars, snippets, walkthroughs, commands, menus } = about.contributes;
  const paths = [
    about.icon,
    ...languages.flatMap(({ configuration, icon }) => [configuration, icon.light, icon.dark]),
    ...[...grammars, ...snippets].map(({ path }) => path),
    ...walkthroughs.flatMap(({ steps }) => steps.map(({ media }) => media.markdown)),
  ];
  for (const path of paths) assert.ok(readFileSync(join(FOLDER, path)).length > 0, path);
  const known = new Set(commands.map(({ command }) => command));
  for (const { command } of Object.values(menus).flat()) assert.ok(known.has(command), command);
  const { lockfileVersion, packages } = JSON.parse(readFileSync(join(FOLDER, "package-lock.json"), "utf8"));
  assert.equal(lockfileVersion, 3);
  const allowed = /^(MIT|ISC|Apache-2\.0|BSD-[23]-Clause)$/;
  for (const [name, { license, version }] of Object.entries(packages)) {
    if (name !== "") assert.match(license, allowed, `${name} ${version}`);
  }
  for (const version of Object.values({ ...about.dependencies, ...about.devDependencies })) assert.match(version, /^\d/, version);
});

test("every snippet gives what the server takes", () => {
  const snippets = JSON.parse(readFileSync(join(FOLDER, "snippets/skill-manifest.json"), "utf8"));
  const text = ({ body }) => {
    const defaults = new Map();
    return body
      .join("\n")
      .replace(/\$\{(\d+):([^}]*)\}/g, (_, at, value) => {
        if (!defaults.has(at)) defaults.set(at, value);
        return defaults.get(at);
      })
      .replace(/\$\{\d+\|([^,|]*)[^|]*\|\}/g, "$1")
      .replace(/\$0/g, "");
  };
  const whole = text(snippets["A whole manifest"]);
  const { "A whole manifest": _, Hosts: hosts, "Allow a finding here": allow, "A tool that asks first": risk, ...sections } = snippets;
  const manifests = [
    whole,
    ...Object.values(sections).map((section) => `${whole}\n${text(section)}`),
    whole.replace("[compat]", `${text(risk)}\n[compat]`),
    `${whole}\n[capabilities]\n${text(hosts)}`,
    `${whole}\n[capabilities]\n${text(allow)}http_egress_allowlist = ["192.0.2.7"]\n`,
  ];
  for (const [at, manifest] of manifests.entries()) {
    const { status, stdout } = spawnSync(PROGRAM, ["check", "-", "--format", "concise", "--stdin-filename", "skill.toml"], { input: manifest, encoding: "utf8", cwd: scratch });
    assert.equal(status, 0, `${at}: ${stdout}\n${manifest}`);
    // That a person is asked is for the author to decide.
    assert.doesNotMatch(stdout, /warning\[(?!tool\/no-approval)/, `${at}: ${stdout}\n${manifest}`);
  }
});

/** The settings by their names in the server; those that only the extension reads are not its business. */
function settings() {
  const { properties } = JSON.parse(readFileSync(join(FOLDER, "package.json"), "utf8")).contributes.configuration;
  const own = new Set(["skillyard.serverPath", "skillyard.trace.server"]);
  return Object.fromEntries(
    Object.entries(properties).filter(([name]) => !own.has(name)).map(([name, about]) => [name.replace("skillyard.", ""), about]),
  );
}

/** What the server says of settings. */
async function told(values) {
  const server = await serve(PROGRAM, values);
  await server.end();
  return server.told;
}

test("the server knows every setting, takes what is allowed, and refuses what is not", async () => {
  const all = settings();
  const defaults = Object.fromEntries(Object.entries(all).map(([name, about]) => [name, about.default]));
  assert.deepEqual(await told(defaults), []);
  // What no setting is tells of each that the server reads.
  const wrong = await told(Object.fromEntries(Object.keys(all).map((name) => [name, 7])));
  assert.deepEqual(wrong.map((text) => /`skillyard\.(\w+)`/.exec(text)?.[1]).sort(), Object.keys(all).sort(), wrong.join("\n"));

  for (const version of ["", " ", "0.1.0", " 0.1.0\n", "12.0.3", "0.1", "0.1.0.0", "0.1.x", "new"]) {
    const [pattern, said] = [new RegExp(all.palyraVersion.pattern), await told({ palyraVersion: version })];
    assert.equal(said.length === 0, pattern.test(version), `${JSON.stringify(version)}: ${said}`);
  }

  const { additionalProperties, properties } = all.rules;
  assert.equal(additionalProperties, false);
  const levels = [...new Set(Object.values(properties).flatMap((rule) => rule.enum))];
  for (const level of levels) {
    const taking = Object.keys(properties).filter((rule) => properties[rule].enum.includes(level));
    assert.deepEqual(await told({ rules: Object.fromEntries(taking.map((rule) => [rule, level])) }), [], level);
    const others = Object.keys(properties).filter((rule) => !properties[rule].enum.includes(level));
    const refused = others.length === 0 ? [] : await told({ rules: Object.fromEntries(others.map((rule) => [rule, level])) });
    assert.equal(refused.length, others.length, `${level}: ${refused.join("\n")}`);
  }
  assert.equal((await told({ rules: { "no-such-family/*": "warn" } })).length, 1);
});

test("each kind of inlay hints has its switch, and stands where the setting says it does", async () => {
  const { inlayHints } = settings();
  const kinds = Object.entries(inlayHints.properties);
  const names = kinds.map(([name]) => name).sort();
  assert.equal(inlayHints.additionalProperties, false);
  assert.deepEqual([inlayHints.type].flat().sort(), ["boolean", "object"]);
  const [list] = await told({ inlayHints: { none: true } });
  assert.deepEqual(/`none`; ([\w, ]+) take true or false/.exec(list)?.[1].split(", ").sort(), names, list);

  const greeter = readFileSync(join(FOLDER, "../../tests/fixtures/greeter/skill.toml"), "utf8");
  const full = greeter.replace("[capabilities.quotas]", "[entrypoints.tools.risk]\nrequires_approval = true\n\n$&");
  const little = full.replace(/^max_memory_bytes = .*$/m, "");
  const hints = async (values) => {
    const server = await serve(PROGRAM, values);
    const range = { start: { line: 0, character: 0 }, end: { line: 999, character: 0 } };
    const found = [full, little].map((text, at) => {
      const uri = `untitled:${at}/skill.toml`;
      server.notify("textDocument/didOpen", { textDocument: { uri, languageId: "skill-manifest", version: 1, text } });
      return server.request("textDocument/inlayHint", { textDocument: { uri }, range });
    });
    const shown = await Promise.all(found);
    await server.end();
    return shown;
  };
  const [unset, none] = [await hints({}), await hints({ inlayHints: false })];
  assert.deepEqual(none.flat(), []);
  assert.deepEqual(await hints({ inlayHints: inlayHints.default }), unset);
  assert.deepEqual(await hints({ inlayHints: Object.fromEntries(kinds.map(([name, about]) => [name, about.default])) }), unset);
  for (const [name, about] of kinds) {
    const [more, fewer] = about.default ? [unset, await hints({ inlayHints: { [name]: false } })] : [await hints({ inlayHints: { [name]: true } }), unset];
    assert.ok(more.flat().length > fewer.flat().length, name);
  }
});
