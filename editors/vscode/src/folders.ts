/** Folders that come, go, or get another name: the editor tells of the folder alone, and no pattern for a file in it matches. */

import * as path from "node:path";
import * as vscode from "vscode";

import { isElsewhere } from "./skill";

/** Calls `changed` where one of the `known` paths went with its folder, and where a folder came that may hold something. */
export function watchFolders(known: () => readonly string[], changed: () => void): vscode.Disposable {
  const watcher = vscode.workspace.createFileSystemWatcher("**", false, true, false);
  watcher.onDidDelete(({ fsPath }) => {
    if (known().some((one) => one === fsPath || one.startsWith(fsPath + path.sep))) changed();
  });
  watcher.onDidCreate(async (uri) => {
    if (!isElsewhere(uri) && (await isFolder(uri))) changed();
  });
  return watcher;
}

async function isFolder(uri: vscode.Uri): Promise<boolean> {
  try {
    return ((await vscode.workspace.fs.stat(uri)).type & vscode.FileType.Directory) !== 0;
  } catch {
    // It is gone again, which is told too.
    return false;
  }
}
