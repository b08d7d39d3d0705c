/** *What May It Do Beyond…*: the capabilities of a skill beside those of an older artifact. */

import * as path from "node:path";
import * as vscode from "vscode";

import { capabilities, type Capabilities, type Change } from "../capabilities";
import { CallFailed } from "../cli";
import { patiently } from "../patience";
import { code } from "../report/markdown";
import type { Reports } from "../report/panel";
import type { Server } from "../server";
import { shownInList } from "../shown";
import { artifacts, folderOf } from "../skill";

/** Compares the folder of a manifest, as it is on the disk, with `older` or the artifact that a person picks. */
export async function compare(
  server: Server,
  reports: Reports,
  manifest: vscode.Uri,
  older?: vscode.Uri,
): Promise<void> {
  const against = older ?? (await pickArtifact([manifest], "Beyond which artifact?"));
  if (against === undefined) return;
  const { report, json, why } = await patiently("Compare", (token) => capabilities(server, folderOf(manifest), token, against.fsPath));
  if (report === undefined) throw new CallFailed(why);
  reports.show({ title: "Capabilities", markdown: inMarkdown(report, against), json });
}

/** One of the artifacts of skills, or of any other folder. */
export async function pickArtifact(manifests: readonly vscode.Uri[], placeHolder: string): Promise<vscode.Uri | undefined> {
  const made = await patiently("Look for artifacts", async (token) => (await Promise.all(manifests.map((one) => artifacts(one, token)))).flat());
  const [manifest] = manifests;
  const items = made.map((uri) => ({ label: `$(package) ${shownInList(path.basename(uri.fsPath))}`, uri: uri as vscode.Uri | undefined }));
  if (items.length > 0) {
    const elsewhere = { label: "$(folder-opened) Another file…", uri: undefined };
    const chosen = await vscode.window.showQuickPick([...items, elsewhere], { placeHolder });
    if (chosen === undefined || chosen.uri !== undefined) return chosen?.uri;
  }
  const opened = await vscode.window.showOpenDialog({
    title: placeHolder,
    openLabel: "Choose",
    filters: { Artifacts: ["palyra-skill"] },
    ...(manifest === undefined ? {} : { defaultUri: vscode.Uri.file(folderOf(manifest)) }),
  });
  return opened?.[0];
}

function inMarkdown({ skill_id, version, against }: Capabilities, older: vscode.Uri): string {
  const before = against === null ? path.basename(older.fsPath) : `${against.skill_id} ${against.version}`;
  const changes = against?.changes ?? [];
  const heading = `## ${code(`${skill_id} ${version}`)} beside ${code(before)}`;
  if (changes.length === 0) return `${heading}\n\nIt may do exactly the same.`;
  const verdict = against?.widens === true ? "**It may do more.**" : "It may do nothing more.";
  return `${heading}\n\n${verdict}\n\n${changesInMarkdown(changes)}\n`;
}

/** Differences as a table. */
function changesInMarkdown(changes: readonly Change[]): string {
  return ["| change | what | before | after |", "| --- | --- | --- | --- |", ...changes.map(row)].join("\n");
}

function row({ change, kind, name, before, after, widens }: Change): string {
  const words = kind.replaceAll("_", " ");
  const cell = (value: unknown) => (value === null || value === undefined ? "" : code(String(value)));
  const sign = widens ? "**more**" : change;
  return `| ${sign} | ${words} ${code(name)} | ${change === "added" && before === null ? "none" : cell(before)} | ${change === "removed" && after === null ? "none" : cell(after)} |`;
}
