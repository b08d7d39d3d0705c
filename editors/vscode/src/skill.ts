/** Which skill a command is about. */

import * as path from "node:path";
import * as vscode from "vscode";

import { patiently } from "./patience";
import { shownInList } from "./shown";

/** The name of every manifest. */
export const MANIFEST = "skill.toml";

const NOT_LOOKED_INTO = ["node_modules", "target", ".git"];

/** Where skills are not looked for, in each folder of the workspace. */
export const ELSEWHERE = `**/{${NOT_LOOKED_INTO.join(",")}}/**`;

/** Whether something is where skills are not looked for. */
export function isElsewhere(uri: vscode.Uri): boolean {
  const parts = vscode.workspace.asRelativePath(uri, false).split("/");
  return parts.some((part) => NOT_LOOKED_INTO.includes(part));
}

/** More than these are not listed. */
export const MOST_SKILLS = 500;

/** The manifests of the workspace. */
export async function manifests(token?: vscode.CancellationToken): Promise<vscode.Uri[]> {
  const found = await vscode.workspace.findFiles(`**/${MANIFEST}`, ELSEWHERE, MOST_SKILLS, token);
  return found.filter((uri) => uri.scheme === "file").sort((a, b) => a.fsPath.localeCompare(b.fsPath));
}

/** The same for a command that a person waits for. */
export function findManifests(): Promise<vscode.Uri[]> {
  return patiently("Look for skills", (token) => manifests(token));
}

/** The folder of a manifest. */
export function folderOf(manifest: vscode.Uri): string {
  return path.dirname(manifest.fsPath);
}

/** What a person knows a skill's folder by. */
export function shownFolder(manifest: vscode.Uri): string {
  const folder = vscode.Uri.file(folderOf(manifest));
  const relative = vscode.workspace.asRelativePath(folder, (vscode.workspace.workspaceFolders?.length ?? 0) > 1);
  return relative === folder.fsPath ? path.basename(folder.fsPath) : relative;
}

/** The manifest in the active editor, the only one, or the one that a person picks. */
export async function pickManifest(): Promise<vscode.Uri | undefined> {
  const active = vscode.window.activeTextEditor?.document.uri;
  if (active?.scheme === "file" && path.basename(active.fsPath) === MANIFEST) return active;
  const all = await findManifests();
  if (all.length === 0) {
    void vscode.window.showInformationMessage("There is no skill.toml in this workspace. New Skill makes one.", "New Skill").then((chosen) => {
      if (chosen !== undefined) void vscode.commands.executeCommand("skillyard.newSkill");
    });
    return undefined;
  }
  if (all.length === 1) return all[0];
  const items = all.map((uri) => ({ label: shownInList(shownFolder(uri)), uri }));
  return (await vscode.window.showQuickPick(items, { placeHolder: "Which skill?" }))?.uri;
}

/** Saves a manifest that is open with changes: what is packaged and run is what is on the disk. */
export async function save(manifest: vscode.Uri): Promise<void> {
  const open = vscode.workspace.textDocuments.find((document) => document.uri.toString() === manifest.toString());
  // Why it was not saved the editor says by itself.
  if (open?.isDirty === true && !(await open.save())) throw new vscode.CancellationError();
}

/** The artifacts that were made of a skill, the newest first. */
export async function artifacts(manifest: vscode.Uri, token?: vscode.CancellationToken): Promise<vscode.Uri[]> {
  const pattern = new vscode.RelativePattern(vscode.Uri.file(folderOf(manifest)), "dist/*.palyra-skill");
  const found = await vscode.workspace.findFiles(pattern, null, 100, token);
  const dated = await Promise.all(found.map(async (uri) => ({ uri, at: await changedAt(uri) })));
  return dated
    .filter(({ at }) => at !== undefined)
    .sort((a, b) => (b.at ?? 0) - (a.at ?? 0))
    .map(({ uri }) => uri);
}

/** `undefined` for a file that is gone since it was found. */
async function changedAt(uri: vscode.Uri): Promise<number | undefined> {
  try {
    return (await vscode.workspace.fs.stat(uri)).mtime;
  } catch {
    return undefined;
  }
}
