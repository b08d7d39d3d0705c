/** Skillyard in VS Code: what an editor has to do itself. What is right and wrong, and what is made, is the server's. */

import * as vscode from "vscode";

import { registerCommands } from "./commands";
import { provideJson } from "./report/json";
import { Reports } from "./report/panel";
import { Server } from "./server";
import { registerSkills } from "./skillsView";
import { showStatus } from "./status";
import { registerTasks } from "./tasks";
import { registerTests } from "./tests";
import { teller } from "./told";

export function activate(context: vscode.ExtensionContext): void {
  const began = performance.now();
  const log = vscode.window.createOutputChannel("Skillyard", { log: true });
  const server = new Server(context, log);
  const told = teller(log);
  context.subscriptions.push(
    log,
    server,
    showStatus(server),
    provideJson(),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration("skillyard.serverPath")) void server.restart();
    }),
    vscode.workspace.onDidGrantWorkspaceTrust(() => server.refreshLenses()),
  );
  registerCommands(context, server, new Reports(context.extensionUri, told), log, told);
  registerSkills(context, server);
  registerTests(context, server);
  registerTasks(context, server);
  // Nobody waits for it: the editor is free while the server starts.
  void server.restart();
  log.info(`active after ${(performance.now() - began).toFixed(1)} ms`);
}
