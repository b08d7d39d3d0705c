/** The cases of the workspace's skills (`tests/*.json` beside a manifest) in the Testing view. */

import * as path from "node:path";
import * as vscode from "vscode";

import { call, CallCancelled } from "./cli";
import { watchFolders } from "./folders";
import { pretty } from "./json";
import type { Server } from "./server";
import { shownInTerminal, shownLines } from "./shown";
import { ELSEWHERE, folderOf, manifests, shownFolder } from "./skill";

/** What `skillyard test` reports, as far as it is shown. */
interface Report {
  readonly cases: readonly {
    readonly name: string;
    readonly passed: boolean;
    readonly failures: readonly string[];
    readonly duration_ms: number;
    readonly report: { readonly logs?: readonly { readonly text: string }[] } | null;
  }[];
}

const SETTLED_MS = 300;

export function registerTests(context: vscode.ExtensionContext, server: Server): void {
  const controller = vscode.tests.createTestController("skillyard", "Skills");
  let found = 0;
  const find = async () => {
    const turn = (found += 1);
    const items = await discover(controller);
    // Whoever asked since finds what is there now.
    if (turn === found) controller.items.replace(items);
  };
  controller.resolveHandler = async (item) => {
    if (item === undefined) await find();
  };
  controller.refreshHandler = find;
  controller.createRunProfile("Run", vscode.TestRunProfileKind.Run, (request, token) => run(controller, server, request, token), true);
  let timer: NodeJS.Timeout | undefined;
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(() => void find(), SETTLED_MS);
  };
  const watchers = ["**/skill.toml", "**/tests/*.json"].map((glob) => {
    const watcher = vscode.workspace.createFileSystemWatcher(glob, false, true, false);
    watcher.onDidCreate(later);
    watcher.onDidDelete(later);
    return watcher;
  });
  const cases = () => [...controller.items].map(([folder]) => path.join(folder, "tests"));
  context.subscriptions.push(controller, ...watchers, watchFolders(cases, later), { dispose: () => clearTimeout(timer) });
  void find();
}

/** One item a skill with cases, one below it a case. */
async function discover(controller: vscode.TestController): Promise<vscode.TestItem[]> {
  const skills = await Promise.all(
    (await manifests()).map(async (manifest) => {
      const pattern = new vscode.RelativePattern(vscode.Uri.file(folderOf(manifest)), "tests/*.json");
      return { manifest, cases: await vscode.workspace.findFiles(pattern, ELSEWHERE) };
    }),
  );
  return skills
    .filter(({ cases }) => cases.length > 0)
    .map(({ manifest, cases }) => {
      const skill = controller.createTestItem(folderOf(manifest), shownFolder(manifest), manifest);
      const children = cases.map((uri) => controller.createTestItem(uri.fsPath, path.basename(uri.fsPath), uri));
      skill.children.replace(children.sort((a, b) => a.label.localeCompare(b.label)));
      return skill;
    });
}

async function run(
  controller: vscode.TestController,
  server: Server,
  request: vscode.TestRunRequest,
  token: vscode.CancellationToken,
): Promise<void> {
  const run = controller.createTestRun(request);
  try {
    if (!vscode.workspace.isTrusted) {
      void vscode.window.showWarningMessage("Tests are off: this workspace is in Restricted Mode, and nothing of it is run.");
      return;
    }
    const left = new Set(request.exclude ?? []);
    for (const [skill, cases] of wanted(controller, request)) {
      const chosen = cases.filter((one) => !left.has(one) && !left.has(skill));
      if (chosen.length > 0 && !token.isCancellationRequested) await runSkill(server, run, skill, chosen, token);
    }
  } finally {
    run.end();
  }
}

/** The cases to run, by skill: the program runs those of a skill together. */
function wanted(controller: vscode.TestController, { include }: vscode.TestRunRequest): Map<vscode.TestItem, vscode.TestItem[]> {
  const all = new Map<vscode.TestItem, vscode.TestItem[]>();
  const add = (item: vscode.TestItem) => {
    const skill = item.parent ?? item;
    const cases = item.parent === undefined ? [...item.children].map(([, child]) => child) : [item];
    const there = all.get(skill) ?? [];
    all.set(skill, [...there, ...cases.filter((one) => !there.includes(one))]);
  };
  if (include === undefined) controller.items.forEach(add);
  else include.forEach(add);
  return all;
}

async function runSkill(
  server: Server,
  run: vscode.TestRun,
  skill: vscode.TestItem,
  cases: readonly vscode.TestItem[],
  token: vscode.CancellationToken,
): Promise<void> {
  cases.forEach((one) => run.started(one));
  try {
    const { path: program } = await server.program();
    const { report, stderr } = await call<Report>(program, ["test", skill.id], token);
    for (const one of cases) {
      const found = report?.cases.find(({ name }) => name === one.label);
      if (found === undefined) {
        run.errored(one, new vscode.TestMessage(shownLines(stderr) || "skillyard test says nothing of this case"));
        continue;
      }
      for (const { text } of found.report?.logs ?? []) run.appendOutput(shownInTerminal(text), undefined, one);
      if (found.passed) run.passed(one, found.duration_ms);
      else run.failed(one, found.failures.map(messageOf), found.duration_ms);
    }
  } catch (error) {
    if (error instanceof CallCancelled) cases.forEach((one) => run.skipped(one));
    else cases.forEach((one) => run.errored(one, new vscode.TestMessage(shownLines(error instanceof Error ? error.message : String(error)))));
  }
}

/** A failure, in which a tool's own text may stand; where it holds two JSON values against each other the editor shows their difference. */
export function messageOf(failure: string): vscode.TestMessage {
  const outputs = /^expected the output (.*), and it is (.*)$/s.exec(failure);
  const [expected, actual] = outputs?.slice(1).map(pretty) ?? [];
  return expected === undefined || actual === undefined
    ? new vscode.TestMessage(shownLines(failure))
    : vscode.TestMessage.diff(shownLines(failure), shownLines(expected), shownLines(actual));
}
