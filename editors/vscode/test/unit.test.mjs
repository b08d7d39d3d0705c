// Parts that need no editor: `node test/unit.test.mjs`.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { build } from "esbuild";

/** A module of the sources, as it is bundled. */
async function source(path, plugins = []) {
  const entryPoints = [join(import.meta.dirname, "../src", path)];
  const { outputFiles } = await build({ entryPoints, bundle: true, format: "esm", write: false, charset: "utf8", plugins });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].text).toString("base64")}`);
}

test("a number that would reach the tool as another one is found", async () => {
  const { inexact, whyNot } = await source("input/numbers.ts");
  for (const number of ["9007199254740993", "-9007199254740993", "9007199254740992", "18446744073709551615", "9007199254740993.0", "1e400", "1e-400", "0.1000000000000000055511151231257827"]) {
    assert.equal(inexact(`{"a": [1, ${number}]}`), number);
    assert.equal(inexact(number), number);
  }
  for (const text of ["9007199254740991", "-9007199254740991", "0", "-0", "0.0", "1.50", "1e3", "1E+21", "1.5e-7", "123456.7e2", '"9007199254740993"', '{"\\"9007199254740993": "\\\\"}', '{"a9007199254740993": 1}', "[]"]) {
    assert.equal(inexact(text), undefined, text);
  }
  assert.match(whyNot("9007199254740993"), /9007199254740993 .*skillyard run --input/);
});

test("a tool's log does nothing in a terminal", async () => {
  const { shownInTerminal } = await source("shown.ts");
  assert.equal(shownInTerminal("one\ntwo\r\n\tthree\rfour"), "one\r\ntwo\r\n\tthree\r\nfour\r\n");
  // A title, a clipboard, a link, a bell, a turn around: written out.
  const hostile = "\u001b]0;title\u0007\u001b]52;c;AAAA\u001b\\\u009b2J\u202edcba\u0000";
  const said = shownInTerminal(hostile);
  assert.doesNotMatch(said.slice(0, -2), /[\p{Cc}\p{Cf}]/u);
  assert.ok(said.startsWith("\\u{1b}]0;title\\u{7}"), said);
});

test("what the server takes for unseen is unseen here too", async () => {
  const { shown } = await source("shown.ts");
  const table = readFileSync(join(import.meta.dirname, "../../../server/manifest/src/show.rs"), "utf8");
  const [list] = /matches!\(c,([^)]*)\)/.exec(table.slice(table.indexOf("pub fn is_unseen"))) ?? [];
  const ranges = [...list.matchAll(/'\\u\{(\w+)\}'(?:\.\.='\\u\{(\w+)\}')?/g)];
  assert.ok(ranges.length > 15, list);
  for (const [whole, from, to = from] of ranges) {
    for (let c = parseInt(from, 16); c <= parseInt(to, 16); c += 1) {
      assert.equal(shown(String.fromCodePoint(c)), `\\u{${c.toString(16)}}`, whole);
    }
  }
});

test("what is hardly used is drawn and said all the same", async () => {
  const { rendered } = await source("report/markdown.ts");
  const table = (used) => rendered(`| what | used | of |\n| --- | ---: | ---: |\n| fuel | ${used} | 1000000 |`);
  assert.match(table(7), /<meter [^>]*value="10000" aria-label="fuel: &lt;1 % used"/);
  assert.match(table(0), /<meter [^>]*value="0" aria-label="fuel: 0 % used"/);
  assert.match(table(250000), /<meter [^>]*value="250000" aria-label="fuel: 25 % used"/);
});

test("a notification holds no link of others", async () => {
  const { shownInNotification } = await source("shown.ts");
  assert.equal(shownInNotification("[Fix](command:workbench.action.quit)/skill.toml\n\u202e"), "[Fix] (command:workbench.action.quit)/skill.toml\n\\u{202e}");
});

/** The life of the server with an editor, a program and a client that do nothing; `globalThis.world` holds what it did. */
const STUBS = {
  name: "stubs",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^vscode$|^\.\/(client\.js|program)$/ }, ({ path }) => ({ path, namespace: "stub" }));
    onLoad({ filter: /.*/, namespace: "stub" }, ({ path }) => ({
      contents: {
        vscode: `export class EventEmitter { event() {} fire() {} dispose() {} }
          export const window = { showErrorMessage: async () => undefined, showInformationMessage: async () => undefined };`,
        "./program": `export class NoProgram extends Error {}
          export const findProgram = async () => ({ path: "skillyard", origin: "PATH", version: "0.1.0" });`,
        "./client.js": `export const makeClient = () => globalThis.world.client();`,
      }[path],
    }));
  },
};

test("who restarts a server that hangs twice has one in the end", async () => {
  const { Server } = await source("server.ts", [STUBS]);
  const live = new Set();
  const ends = [];
  globalThis.world = {
    client: () => {
      const client = { start: async () => void live.add(client) };
      // A server that hangs takes its time.
      client.dispose = () => new Promise((done) => ends.push(() => (live.delete(client), done())));
      return client;
    },
  };
  const log = Object.fromEntries(["info", "warn", "error", "debug"].map((name) => [name, () => {}]));
  const server = new Server({}, log);
  await server.restart();
  assert.equal(live.size, 1);
  const first = server.restart();
  await server.restart();
  ends.shift()();
  await first;
  assert.equal(live.size, 1);
  assert.equal(server.state.kind, "running");
});

test("in a browser alone every command says why it does nothing", async () => {
  const vscode = {
    name: "vscode",
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^vscode$/ }, ({ path }) => ({ path, namespace: "stub" }));
      onLoad({ filter: /.*/, namespace: "stub" }, () => ({
        contents: `export const LanguageStatusSeverity = { Warning: 1 };
          export const languages = { createLanguageStatusItem: () => globalThis.browser.item };
          export const window = { showWarningMessage: (why) => globalThis.browser.said.push(why) };
          export const commands = { registerCommand: (name, run) => globalThis.browser.commands.set(name, run) };`,
      }));
    },
  };
  globalThis.browser = { item: {}, said: [], commands: new Map() };
  const { activate } = await source("web.ts", [vscode]);
  const packageJSON = JSON.parse(readFileSync(join(import.meta.dirname, "../package.json"), "utf8"));
  activate({ extension: { packageJSON }, subscriptions: [] });
  const { item, said, commands } = globalThis.browser;
  assert.match(item.detail, /a browser alone runs none.*over SSH/s);
  assert.deepEqual([...commands.keys()], packageJSON.contributes.commands.map(({ command }) => command));
  said.length = 0;
  for (const run of commands.values()) run();
  assert.deepEqual([...new Set(said)], [item.detail]);
  assert.equal(said.length, commands.size);
});
