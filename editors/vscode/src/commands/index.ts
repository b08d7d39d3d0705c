/** Every command: who may call it, what it is about, and where its result goes. */

import * as vscode from "vscode";

import { capabilities, tools } from "../capabilities";
import { CallFailed } from "../cli";
import { Inputs } from "../input/panel";
import { patiently } from "../patience";
import type { Report, Reports } from "../report/panel";
import type { Server } from "../server";
import { folderOf, pickManifest, save } from "../skill";
import type { Told } from "../told";
import { compare } from "./compare";
import { explainRule } from "./explainRule";
import { pickInstall } from "./install";
import { newSkill } from "./newSkill";

/** What a command of the server gives, besides the report's own members: it for a person, and as JSON with every digit. */
interface Result {
  readonly markdown: string;
  readonly json: string;
}

/** What commands are called with: a lens has an object, the view its node, the palette nothing, menus an address. */
interface About {
  readonly manifest?: vscode.Uri;
  readonly tool?: string;
  readonly artifact?: vscode.Uri;
  readonly input?: unknown;
  /** Whether there is an input; it may be null. */
  readonly hasInput: boolean;
}

export function registerCommands(
  context: vscode.ExtensionContext,
  server: Server,
  reports: Reports,
  log: vscode.LogOutputChannel,
  told: Told,
): void {
  const report = async (command: string, title: string, argument: Readonly<Record<string, unknown>>): Promise<Report | undefined> => {
    const result = await server.execute<Result>(command, title, argument);
    if (result === undefined) return undefined;
    return { title, markdown: result.markdown, json: result.json };
  };
  const execute = async (command: string, title: string, argument: Readonly<Record<string, unknown>>) => {
    const made = await report(command, title, argument);
    if (made !== undefined) reports.show(made);
  };
  const run = (manifest: vscode.Uri, tool: string, inputText: string) =>
    report("skillyard.runTool", "Run Tool", { uri: manifest.toString(), tool, inputText });
  const inputs = new Inputs(context.extensionUri, server, run, (made) => reports.show(made), told);

  const register = (name: string, run: (...args: unknown[]) => Promise<void>) =>
    context.subscriptions.push(vscode.commands.registerCommand(name, (...args: unknown[]) => told(() => run(...args))));
  /** A command that does something with a skill. An untrusted workspace gets none. */
  const registerTrusted = (name: string, title: string, run: (about: About) => Promise<void>) =>
    register(name, async (argument) => {
      if (await isTrusted(title)) await run(aboutOf(argument));
    });
  /** One that is the server's own. */
  const registerServers = (name: string, title: string, prepare: (about: About) => Readonly<Record<string, unknown>>) =>
    registerTrusted(name, title, async (about) => {
      const manifest = about.manifest ?? (await pickManifest());
      if (manifest === undefined) return;
      if (name === "skillyard.packageAndSign") await save(manifest);
      await execute(name, title, { uri: manifest.toString(), ...prepare(about) });
    });

  registerServers("skillyard.packageAndSign", "Package and Sign", () => ({}));
  registerServers("skillyard.audit", "Audit", () => ({}));
  registerServers("skillyard.verify", "Verify", ({ artifact }) =>
    artifact === undefined ? {} : { artifact: artifact.toString() },
  );
  registerTrusted("skillyard.runTool", "Run Tool", async (about) => {
    const manifest = about.manifest ?? (await pickManifest());
    if (manifest === undefined) return;
    const tool = about.tool ?? (await pickTool(server, manifest));
    if (tool === undefined) return;
    if (!about.hasInput) return inputs.ask(manifest, tool);
    await save(manifest);
    await execute("skillyard.runTool", "Run Tool", { uri: manifest.toString(), tool, input: about.input });
  });
  registerTrusted("skillyard.compare", "Compare", async ({ manifest, artifact }) => {
    const about = manifest ?? (await pickManifest());
    if (about === undefined) return;
    await save(about);
    await compare(server, reports, about, artifact);
  });
  registerTrusted("skillyard.install", "Install", async ({ manifest, artifact }) => {
    const chosen = await pickInstall(manifest, artifact);
    if (chosen !== undefined) await execute("skillyard.install", "Install", chosen);
  });
  // Nothing of the workspace is run by it: it is there in Restricted Mode too.
  register("skillyard.checkWorkspace", () => execute("skillyard.checkWorkspace", "Check Workspace", {}));
  register("skillyard.newSkill", async () => {
    if (await isTrusted("New Skill")) await newSkill(server);
  });
  register("skillyard.explainRule", (rule) => explainRule(server, reports, rule));
  register("skillyard.restart", () => server.restart());
  register("skillyard.showLog", async () => log.show());
  registerOfServer(context, server, registerTrusted, execute);
}

/** Commands of a newer server that lenses and actions name and we do not know: their result is a report as any other. */
function registerOfServer(
  context: vscode.ExtensionContext,
  server: Server,
  registerTrusted: (name: string, title: string, run: (about: About) => Promise<void>) => void,
  execute: (command: string, title: string, argument: Readonly<Record<string, unknown>>) => Promise<void>,
): void {
  const known = new Set((context.extension.packageJSON.contributes.commands as { command: string }[]).map((one) => one.command));
  context.subscriptions.push(
    server.onDidChangeState(({ kind }) => {
      if (kind !== "running") return;
      for (const name of server.commands) {
        if (known.has(name)) continue;
        known.add(name);
        const title = name.replace(/^skillyard\./, "").replace(/[A-Z]/g, (c) => ` ${c.toLowerCase()}`);
        registerTrusted(name, title, async ({ manifest, tool, input, hasInput }) => {
          const argument = { uri: manifest?.toString(), ...(tool === undefined ? {} : { tool }), ...(hasInput ? { input } : {}) };
          await execute(name, title, argument);
        });
      }
    }),
  );
}

/** Whether the workspace is trusted; says what to do where it is not. */
async function isTrusted(title: string): Promise<boolean> {
  if (vscode.workspace.isTrusted) return true;
  const message = `${title} is off: this workspace is in Restricted Mode, and nothing of it is run. Manifests are still checked.`;
  const chosen = await vscode.window.showWarningMessage(message, "Manage Workspace Trust");
  if (chosen !== undefined) await vscode.commands.executeCommand("workbench.trust.manage");
  return false;
}

function aboutOf(argument: unknown): About {
  if (argument instanceof vscode.Uri) return { manifest: argument, hasInput: false };
  if (typeof argument !== "object" || argument === null) return { hasInput: false };
  const { uri, manifest, tool, artifact, input } = argument as Readonly<Record<string, unknown>>;
  const address = (value: unknown) =>
    value instanceof vscode.Uri ? value : typeof value === "string" ? vscode.Uri.parse(value, true) : undefined;
  const [ofManifest, ofArtifact] = [address(uri) ?? address(manifest), address(artifact)];
  return {
    ...(ofManifest === undefined ? {} : { manifest: ofManifest }),
    ...(ofArtifact === undefined ? {} : { artifact: ofArtifact }),
    ...(typeof tool === "string" ? { tool } : {}),
    input,
    hasInput: "input" in argument,
  };
}

async function pickTool(server: Server, manifest: vscode.Uri): Promise<string | undefined> {
  const { report, why } = await patiently("Look for tools", (token) => capabilities(server, folderOf(manifest), token));
  if (report === undefined) throw new CallFailed(why);
  const all = tools(report);
  if (all.length === 1) return all[0]?.id;
  const items = all.map(({ id, needsApproval }) => ({ label: id, description: needsApproval ? "needs approval" : "" }));
  return (await vscode.window.showQuickPick(items, { placeHolder: "Which tool?" }))?.label;
}
