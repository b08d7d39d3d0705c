/** Reports for programs: documents that nobody edits, so that closing one asks nothing. */

import * as vscode from "vscode";

import { pretty } from "../json";

const SCHEME = "skillyard-report";
const texts = new Map<string, string>();
const changed = new vscode.EventEmitter<vscode.Uri>();

/** Has VS Code ask here for them. */
export function provideJson(): vscode.Disposable {
  const provider = {
    onDidChange: changed.event,
    provideTextDocumentContent: (uri: vscode.Uri) => texts.get(uri.path) ?? "",
  };
  return vscode.workspace.registerTextDocumentContentProvider(SCHEME, provider);
}

/** Shows a report's JSON; the next one with its title takes its place. */
export async function showJson(title: string, json: string): Promise<void> {
  const uri = vscode.Uri.from({ scheme: SCHEME, path: `/${title}.json` });
  texts.set(uri.path, `${pretty(json) ?? json}\n`);
  changed.fire(uri);
  await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri), { preview: false });
}
