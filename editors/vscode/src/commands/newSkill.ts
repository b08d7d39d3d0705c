/** *New Skill*: asks what it is called and where it goes; the program makes it. */

import * as path from "node:path";
import * as vscode from "vscode";

import { call, CallFailed } from "../cli";
import { patiently } from "../patience";
import type { Server } from "../server";
import { shownInList, shownInNotification } from "../shown";

interface New {
  readonly folder: string;
  readonly skill_id: string;
}

const LANGUAGES = [
  { label: "WebAssembly text", id: "wat", detail: "A module that every daemon runs: no input, a number as its result. Nothing to install." },
  { label: "Rust", id: "rust", detail: "JSON in, JSON out, over WASI." },
  { label: "C", id: "c", detail: "JSON in, JSON out, over WASI." },
  { label: "AssemblyScript", id: "assemblyscript", detail: "JSON in, JSON out, over WASI." },
];

export async function newSkill(server: Server): Promise<void> {
  const program = await patiently("New Skill", () => server.program());
  const id = await vscode.window.showInputBox({
    title: "New Skill (1/3)",
    prompt: "The skill's id: your publisher name, a dot, and a name",
    placeHolder: "acme.mail",
    ignoreFocusOut: true,
    // A first word only; the program has the last.
    validateInput: (text) =>
      /^[a-z0-9_-]+(\.[a-z0-9_-]+)+$/.test(text.trim()) ? undefined : "Two or more parts of a-z, 0-9, _ and -, with dots between them",
  });
  if (id === undefined) return;
  const name = id.trim();
  const language = await vscode.window.showQuickPick(LANGUAGES, {
    title: "New Skill (2/3)",
    placeHolder: "What is its first tool written in? Its module comes along built",
    matchOnDetail: true,
    ignoreFocusOut: true,
  });
  if (language === undefined) return;
  const parent = await pickParent(name);
  if (parent === undefined) return;
  const folder = path.join(parent.fsPath, name);
  const { report, stderr } = await patiently("New Skill", (token) => call<New>(program.path, ["new", name, folder, "--lang", language.id], token));
  if (report === undefined) throw new CallFailed(stderr);
  const made = vscode.Uri.file(report.folder);
  const manifest = vscode.Uri.joinPath(made, "skill.toml");
  const within = vscode.workspace.getWorkspaceFolder(manifest) !== undefined;
  if (within) {
    await vscode.window.showTextDocument(manifest);
    return;
  }
  const message = shownInNotification(`${report.skill_id} is in ${report.folder}.`);
  const chosen = await vscode.window.showInformationMessage(message, "Open Folder");
  if (chosen !== undefined) await vscode.commands.executeCommand("vscode.openFolder", made);
}

async function pickParent(name: string): Promise<vscode.Uri | undefined> {
  const folders = (vscode.workspace.workspaceFolders ?? []).filter(({ uri }) => uri.scheme === "file");
  const here = folders.map(({ uri, name: called }) => ({
    label: `$(folder) ${shownInList(called)}`,
    description: shownInList(path.join(uri.fsPath, name)),
    uri: uri as vscode.Uri | undefined,
  }));
  const elsewhere = { label: "$(folder-opened) Another folder…", description: "", uri: undefined };
  const chosen = await vscode.window.showQuickPick([...here, elsewhere], {
    title: "New Skill (3/3)",
    placeHolder: "Where does it go?",
    ignoreFocusOut: true,
  });
  if (chosen === undefined || chosen.uri !== undefined) return chosen?.uri;
  const opened = await vscode.window.showOpenDialog({
    canSelectFolders: true,
    canSelectFiles: false,
    openLabel: "Put It Here",
    title: `The folder in which ${name} is made`,
  });
  return opened?.[0];
}
