/** Skillyard where there is no machine to run a program on: the grammar and the snippets work, and it is said why no more does. */

import * as vscode from "vscode";

export function activate(context: vscode.ExtensionContext): void {
  const why =
    "Skillyard needs a machine: its server is a program, and a browser alone runs none. " +
    "Open the folder in VS Code on a desktop, over SSH, in a container or in a codespace.";
  const item = vscode.languages.createLanguageStatusItem("skillyard.server", { language: "skill-manifest" });
  item.name = "Skillyard";
  item.text = "Skillyard is off in a browser";
  item.detail = why;
  item.severity = vscode.LanguageStatusSeverity.Warning;
  context.subscriptions.push(item);
  const names = (context.extension.packageJSON.contributes.commands as { command: string }[]).map(({ command }) => command);
  const say = () => void vscode.window.showWarningMessage(why);
  context.subscriptions.push(...names.map((name) => vscode.commands.registerCommand(name, say)));
  say();
}
