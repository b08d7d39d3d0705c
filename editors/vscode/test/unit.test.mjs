// Parts that need no editor: `SKILLYARD_TEST_PROGRAM=… node test/unit.test.mjs`.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { mock, test } from "node:test";
import { build } from "esbuild";

const PROGRAM = process.env.SKILLYARD_TEST_PROGRAM;

/** A module of the sources, as it is bundled. */
async function source(path, plugins = []) {
  const entryPoints = [join(import.meta.dirname, "../src", path)];
  const { outputFiles } = await build({ entryPoints, bundle: true, platform: "node", format: "esm", write: false, charset: "utf8", logLevel: "error", plugins });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].text).toString("base64")}`);
}

/** Modules that stand in for others, by the names under which they are imported. */
function stubs(modules) {
  return {
    name: "stubs",
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /.*/ }, ({ path }) => (path in modules ? { path, namespace: "stub" } : undefined));
      onLoad({ filter: /.*/, namespace: "stub" }, ({ path }) => ({ contents: modules[path] }));
    },
  };
}

test("JSON is laid out with every digit, and otherwise as anywhere", async () => {
  const { pretty } = await source("json.ts");
  for (const value of [{}, [], [[]], [{}, []], { a: { b: [] }, "c d": [1, "x, {[\"]}: y\\", null, true] }, "", "\\", 7, -1.5e-7, null]) {
    const expected = JSON.stringify(value, null, 2);
    assert.equal(pretty(JSON.stringify(value)), expected);
    assert.equal(pretty(expected), expected);
  }
  assert.equal(pretty('{ "n" :18446744073709551616,\r\n"m":[0.10000000000000000555]}'), '{\n  "n": 18446744073709551616,\n  "m": [\n    0.10000000000000000555\n  ]\n}');
  for (const text of ["", "{", "[1,]", '"', "1 2", "{'a': 1}"]) assert.equal(pretty(text), undefined, text);
});

test("what the program reports keeps every digit", async () => {
  const { call } = await source("cli.ts");
  const folder = mkdtempSync(join(tmpdir(), "skillyard-unit-"));
  try {
    const greeter = readFileSync(join(import.meta.dirname, "../../../tests/fixtures/greeter/skill.toml"), "utf8");
    writeFileSync(join(folder, "skill.toml"), greeter.replace("fuel_budget = 10000000", "fuel_budget = 9007199254740993"));
    const { report, json } = await call(PROGRAM, ["capabilities", join(folder, "skill.toml")]);
    assert.deepEqual([report.quotas.fuel_budget, report.quotas.wall_clock_timeout_ms], ["9007199254740993", 5000]);
    assert.match(json, /"fuel_budget":9007199254740993\b/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a case that fails by the last digit shows both numbers", async () => {
  const vscode = "export class TestMessage { static diff(message, expected, actual) { return { message, expected, actual }; } }";
  const { messageOf } = await source("tests.ts", [stubs({ vscode })]);
  const { expected, actual } = messageOf('expected the output {"n":9007199254740992}, and it is {"n":9007199254740993}');
  assert.deepEqual([expected, actual], ['{\n  "n": 9007199254740992\n}', '{\n  "n": 9007199254740993\n}']);
});

test("work that takes long is shown and can be ended, and other work is not shown", async () => {
  const vscode = `export const ProgressLocation = { Notification: 15 };
    export const window = { withProgress: (options, task) => globalThis.shown.push({ options, task }) };
    export class CancellationTokenSource {
      #heard = [];
      token = { onCancellationRequested: (hear) => this.#heard.push(hear) };
      cancel() { this.#heard.forEach((hear) => hear()); }
      dispose() {}
    }`;
  const { patiently } = await source("patience.ts", [stubs({ vscode })]);
  globalThis.shown = [];
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    assert.equal(await patiently("Look", async () => 7), 7);
    await assert.rejects(patiently("Look", async () => Promise.reject(new Error("broken"))), /broken/);
    mock.timers.tick(60_000);
    assert.deepEqual(globalThis.shown, []);

    // Work that does not listen is given up all the same.
    let told = false;
    const long = patiently("Look", (token) => new Promise(() => token.onCancellationRequested(() => (told = true))));
    mock.timers.tick(60_000);
    const [{ options, task }] = globalThis.shown;
    assert.deepEqual(options, { location: 15, title: "Look", cancellable: true });
    let cancel;
    const closed = task({}, { onCancellationRequested: (hear) => (cancel = hear) });
    cancel();
    await assert.rejects(long, /cancelled/);
    assert.ok(told);
    await closed;
  } finally {
    mock.timers.reset();
  }
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
  // A heading that says nothing is none.
  const [heads] = /<thead>.*<\/thead>/.exec(rendered("| | used | of |\n| --- | ---: | ---: |\n| fuel | 1 | 2 |"));
  assert.match(heads, /^<thead><tr><td><\/td><th scope="col" class="number">used/);
});

test("a notification holds no link of others", async () => {
  const { shownInNotification } = await source("shown.ts");
  assert.equal(shownInNotification("[Fix](command:workbench.action.quit)/skill.toml\n\u202e"), "[Fix] (command:workbench.action.quit)/skill.toml\n\\u{202e}");
});

const LOG = Object.fromEntries(["info", "warn", "error", "debug"].map((name) => [name, () => {}]));

/** The life of the server with an editor, a program and a client that do nothing; `globalThis.world` holds what it did. */
const STUBS = stubs({
  vscode: `export class EventEmitter {
      #heard = new Set();
      event = (hear) => (this.#heard.add(hear), { dispose: () => this.#heard.delete(hear) });
      fire(value) { [...this.#heard].forEach((hear) => hear(value)); }
      dispose() {}
    }
    export const window = { showErrorMessage: async () => undefined, showInformationMessage: async () => undefined };`,
  "./program": `export class NoProgram extends Error {}
    export const findProgram = async () => ({ path: "skillyard", origin: "PATH", version: "0.1.0" });`,
  "./client.js": `export const makeClient = () => globalThis.world.client();`,
});

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
  const server = new Server({}, LOG);
  await server.restart();
  assert.equal(live.size, 1);
  const first = server.restart();
  await server.restart();
  ends.shift()();
  await first;
  assert.equal(live.size, 1);
  assert.equal(server.state.kind, "running");
});

test("a client that cannot be made is a server that does not start", async () => {
  const { Server } = await source("server.ts", [STUBS]);
  globalThis.world = {
    client: () => {
      throw new Error("no such module");
    },
  };
  const server = new Server({}, LOG);
  await server.restart();
  assert.deepEqual(server.state, { kind: "waiting", why: "it did not start", seconds: 0.5 });
  await server.stop("the test is over");
});

/** A token that nobody cancels, and one that somebody does. */
const LASTING = { onCancellationRequested: () => ({ dispose() {} }) };
function cancellable() {
  let cancel;
  const token = { onCancellationRequested: (hear) => ((cancel = hear), { dispose() {} }) };
  return { token, cancel: () => cancel() };
}

test("what is asked while the server starts is answered once it runs", async () => {
  const { Server } = await source("server.ts", [STUBS]);
  let begin;
  const starting = new Promise((done) => (begin = done));
  globalThis.world = {
    client: () => ({ start: () => starting, sendRequest: async (method) => `answer to ${method}`, dispose: async () => {} }),
  };
  const server = new Server({}, LOG);
  const started = server.restart();
  const { token, cancel } = cancellable();
  const given = [server.request("one", {}, LASTING), server.request("two", {}, token)];
  cancel();
  await assert.rejects(given[1], /cancelled/);
  begin();
  await started;
  assert.equal(await given[0], "answer to one");
  await server.stop("for good");
  await assert.rejects(server.request("three", {}, LASTING), /does not run: for good/);
});

test("what the server tells holds no link of others", async () => {
  const vscode = `const said = (text) => globalThis.heard.push(text);
    export const window = { showErrorMessage: said, showWarningMessage: said };
    export const workspace = { getConfiguration: () => ({}) };`;
  const names = ["CloseAction", "DiagnosticCollectionSource", "ErrorAction", "ExecuteCommandRequest", "ShowMessageNotification", "ShowMessageRequest", "WorkDoneProgress"];
  const library = `${names.map((name) => `export const ${name} = { type: "${name}" };`).join("\n")}
    export const MessageType = { Error: 1, Warning: 2, Info: 3 };
    export class LanguageClient {
      heard = {};
      onRequest() {}
      onNotification(type, hear) { this.heard[type] = hear; }
      onProgress(type, token, hear) { this.progress = hear; return { dispose() {} }; }
      async sendRequest() { this.progress({ kind: "report", message: globalThis.hostile }); }
    }`;
  const { execute, makeClient } = await source("client.ts", [stubs({ vscode, "vscode-languageclient/node": library })]);
  globalThis.hostile = "[Fix](command:workbench.action.quit)";
  globalThis.heard = [];
  const client = makeClient("skillyard", LOG, { told: (text) => globalThis.heard.push(text) });
  for (const type of [1, 2, 3]) client.heard.ShowMessageNotification({ type, message: globalThis.hostile });
  await execute(client, "skillyard.audit", {}, { report: ({ message }) => globalThis.heard.push(message) }, LASTING);
  assert.deepEqual(globalThis.heard, Array(4).fill("[Fix] (command:workbench.action.quit)"));
});

test("an artifact that goes away while it is looked at is left out", async () => {
  const vscode = `export class RelativePattern {}
    export const Uri = { file: (fsPath) => ({ fsPath }) };
    export const workspace = {
      findFiles: async () => ["old", "gone", "new"].map((fsPath) => ({ fsPath })),
      fs: { stat: async ({ fsPath }) => { if (fsPath === "gone") throw new Error("no such file"); return { mtime: fsPath === "new" ? 2 : 1 }; } },
    };`;
  const { artifacts } = await source("skill.ts", [stubs({ vscode })]);
  assert.deepEqual((await artifacts({ fsPath: "/skill/skill.toml" })).map(({ fsPath }) => fsPath), ["new", "old"]);
});

test("a manifest that cannot be saved is not worked on", async () => {
  const vscode = `export class CancellationError extends Error {}
    const document = (uri, isDirty, saves) => ({ uri, isDirty, save: async () => saves });
    export const workspace = { textDocuments: [document("a", true, false), document("b", true, true), document("c", false, false)] };`;
  const { save } = await source("skill.ts", [stubs({ vscode })]);
  await assert.rejects(save("a"));
  for (const uri of ["b", "c", "d"]) await save(uri);
});

test("skills that were looked for first are not shown over those that were looked for last", async () => {
  const vscode = `export class EventEmitter { fire() {} dispose() {} }
    export const [TreeItemCollapsibleState, Uri] = [{}, {}];
    export const commands = { executeCommand: async () => {} };
    export const workspace = { findFiles: () => new Promise((found) => globalThis.searches.push(found)) };`;
  const { Skills } = await source("skillsView.ts", [stubs({ vscode })]);
  globalThis.searches = [];
  const skills = new Skills({});
  const lists = [skills.list(), skills.list()];
  const [first, last] = globalThis.searches;
  const found = (name) => [{ scheme: "file", fsPath: `/${name}/skill.toml` }];
  last(found("new"));
  await lists[1];
  first(found("old"));
  await lists[0];
  assert.deepEqual((await skills.getChildren()).map(({ manifest }) => manifest.fsPath), ["/new/skill.toml"]);
});

test("a call that fails is told, and its view is free for the next", async () => {
  const vscode = `const uri = (path) => ({ toString: () => String(path) });
    export const Uri = { joinPath: (_, ...parts) => uri(parts.join("/")) };
    export const ViewColumn = {};
    export class EventEmitter {}
    export class CancellationTokenSource { token = { onCancellationRequested() {} }; dispose() {} }
    export const workspace = { textDocuments: [], openTextDocument: async () => {} };
    export const window = { createWebviewPanel: () => globalThis.panel };`;
  const { Inputs } = await source("input/panel.ts", [stubs({ vscode })]);
  const posted = [];
  let wish;
  let close;
  globalThis.panel = {
    onDidDispose: (hear) => (close = hear),
    webview: {
      asWebviewUri: (uri) => uri,
      onDidReceiveMessage: (hear) => (wish = hear),
      postMessage: async (message) => posted.push(message),
    },
  };
  const failures = [];
  const told = (run) => run().catch(({ message }) => void failures.push(message));
  const shown = [];
  const calls = [];
  const run = () => new Promise((resolve, reject) => calls.push({ resolve, reject }));
  const until = async (condition) => {
    while (!condition()) await new Promise(setImmediate);
  };
  const inputs = new Inputs({}, { request: async () => ({ text: "{}", remembered: false, schema: {} }) }, run, (report) => shown.push(report), told);
  await inputs.ask({ toString: () => "file:///skill.toml" }, "acme.echo");

  const failing = wish({ run: "{}" });
  await until(() => calls.length === 1);
  // While it runs there is no second.
  await wish({ run: "{}" });
  calls[0].reject(new Error("the server ended"));
  await failing;
  assert.deepEqual(failures, ["the server ended"]);
  assert.deepEqual(posted, [{ running: true }, { running: false }, { result: "" }]);

  const closing = wish({ run: "{}" });
  await until(() => calls.length === 2);
  close();
  // As the editor has it.
  globalThis.panel.webview.postMessage = () => Promise.reject(new Error("the view is closed"));
  const report = { title: "Run Tool", markdown: "fine" };
  calls[1].resolve(report);
  await closing;
  assert.deepEqual([shown, failures.length], [[report], 1]);
});

test("no folder of the workspace gives the program, by whatever name it stands on the PATH", async () => {
  const folder = mkdtempSync(join(tmpdir(), "skillyard-unit-"));
  const before = process.env.PATH;
  try {
    const workspace = join(folder, "workspace");
    for (const bin of ["workspace/bin", "workspace/..bin", "own"]) {
      mkdirSync(join(folder, bin), { recursive: true });
      writeFileSync(join(folder, bin, "skillyard"), "#!/bin/sh\necho skillyard 1.2.3\n", { mode: 0o755 });
    }
    symlinkSync(workspace, join(folder, "link"));
    const { findProgram } = await source("program.ts", [
      stubs({ vscode: "export const workspace = { get workspaceFolders() { return globalThis.roots; }, getConfiguration: () => ({ inspect: () => undefined }) };" }),
    ]);
    const context = { extension: { packageJSON: { minimumServer: "0.1.0" } }, asAbsolutePath: (path) => join(folder, "extension", path) };
    const found = async (root, ...path) => {
      globalThis.roots = [{ uri: { fsPath: join(folder, root) } }];
      process.env.PATH = [...path.map((name) => join(folder, name)), "bin"].join(delimiter);
      return (await findProgram(context)).path;
    };
    for (const root of ["workspace", "link"]) {
      assert.equal(await found(root, "workspace/bin", "link/bin", "workspace/..bin", "none", "own"), join(folder, "own/skillyard"));
    }
    await assert.rejects(found("workspace", "link/bin"), /skillyard was not found/);
    assert.equal(await found("other", "link/bin"), join(folder, "link/bin/skillyard"));
  } finally {
    process.env.PATH = before;
    rmSync(folder, { recursive: true });
  }
});

test("in a browser alone every command says why it does nothing", async () => {
  const vscode = `export const LanguageStatusSeverity = { Warning: 1 };
    export const languages = { createLanguageStatusItem: () => globalThis.browser.item };
    export const window = { showWarningMessage: (why) => globalThis.browser.said.push(why) };
    export const commands = { registerCommand: (name, run) => globalThis.browser.commands.set(name, run) };`;
  globalThis.browser = { item: {}, said: [], commands: new Map() };
  const { activate } = await source("web.ts", [stubs({ vscode })]);
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
