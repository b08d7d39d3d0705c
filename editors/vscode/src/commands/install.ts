/**
 * *Install to a Folder*: an artifact goes where installed skills are.
 *
 * Here stands only what is chosen. The server reads the artifact once, asks what only a person can decide about those bytes
 * (a key that is new, a version that is older, one that may do more) and installs them.
 */

import * as vscode from "vscode";

import { findManifests } from "../skill";
import { pickArtifact } from "./compare";

/** What the server's command takes. */
export interface Install extends Readonly<Record<string, unknown>> {
  readonly uri?: string;
  readonly artifact: string;
  readonly folder: string;
}

/** The artifact, unless it is known, and the folder that a person picks; `undefined` where they pick none. */
export async function pickInstall(manifest: vscode.Uri | undefined, known: vscode.Uri | undefined): Promise<Install | undefined> {
  const artifact = known ?? (await pickArtifact(manifest === undefined ? await findManifests() : [manifest], "Which artifact is installed?"));
  if (artifact === undefined) return undefined;
  const [folder] =
    (await vscode.window.showOpenDialog({
      canSelectFolders: true,
      canSelectFiles: false,
      title: "The folder of installed skills",
      openLabel: "Install Here",
    })) ?? [];
  if (folder === undefined) return undefined;
  return {
    ...(manifest === undefined ? {} : { uri: manifest.toString() }),
    artifact: artifact.toString(),
    folder: folder.toString(),
  };
}
