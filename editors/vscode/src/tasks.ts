/** `skillyard check` as a task: every manifest of a folder, also those that are not open. */

import * as vscode from "vscode";

import type { Server } from "./server";

interface Definition extends vscode.TaskDefinition {
  readonly type: "skillyard";
  readonly command: "check";
  readonly paths?: readonly string[];
}

export function registerTasks(context: vscode.ExtensionContext, server: Server): void {
  const provider: vscode.TaskProvider = {
    provideTasks: async () => {
      const folders = (vscode.workspace.workspaceFolders ?? []).filter(({ uri }) => uri.scheme === "file");
      if (folders.length === 0) return [];
      const { path } = await server.program();
      return folders.map((folder) => task({ type: "skillyard", command: "check" }, folder, path));
    },
    resolveTask: async ({ definition, scope }) => {
      const { path } = await server.program();
      const { command } = definition as Definition;
      return command === "check" ? task(definition as Definition, scope ?? vscode.TaskScope.Workspace, path) : undefined;
    },
  };
  context.subscriptions.push(vscode.tasks.registerTaskProvider("skillyard", provider));
}

function task(definition: Definition, scope: vscode.WorkspaceFolder | vscode.TaskScope, program: string): vscode.Task {
  const cwd = typeof scope === "object" ? { cwd: scope.uri.fsPath } : {};
  const execution = new vscode.ProcessExecution(program, ["check", "--format", "concise", "--", ...(definition.paths ?? [])], cwd);
  const made = new vscode.Task(definition, scope as vscode.WorkspaceFolder, "check", "skillyard", execution, "$skillyard");
  made.group = vscode.TaskGroup.Build;
  // What it finds is in Problems.
  made.presentationOptions = { reveal: vscode.TaskRevealKind.Silent };
  made.detail = "What is wrong with every skill.toml of the folder";
  return made;
}
