/** *Install to a Folder*: an artifact goes where installed skills are, once a person has seen what is new about it. */

import * as path from "node:path";
import * as vscode from "vscode";

import type { Change } from "../capabilities";
import { call, CallFailed } from "../cli";
import { changesInMarkdown } from "./compare";
import { code } from "../report/markdown";
import type { Reports } from "../report/panel";
import type { Server } from "../server";
import { shown } from "../shown";

/** What `skillyard install` reports, as far as it is shown. */
interface Installed {
  readonly installed: boolean;
  /** Whether it is there but not run, since its audit does not pass. */
  readonly quarantined: boolean;
  readonly error: string | null;
  readonly entry: { readonly skill_id: string; readonly version: string; readonly trust_decision: string; readonly missing_secrets: readonly { readonly scope: string; readonly key: string }[] } | null;
  readonly previous_version: string | null;
  readonly changes: readonly Change[] | null;
  readonly widens: boolean;
  readonly findings: readonly { readonly code: string; readonly severity: string; readonly message: string }[];
}

/** What `skillyard verify` says of who signed. */
interface Verified {
  readonly accepted: boolean;
  readonly error_kind: string | null;
  readonly error: string | null;
}

const TRUST = "Trust This Key";
const WIDER = "Install All the Same";

export async function install(server: Server, reports: Reports, artifact: vscode.Uri): Promise<void> {
  const { path: program } = await server.program();
  const folder = await pickFolder();
  if (folder === undefined) return;
  const flags: string[] = [];
  const verified = await call<Verified>(program, ["verify", artifact.fsPath]);
  const { error, error_kind } = verified.report ?? {};
  // Whether a key is good is for a person to say, who may know it from elsewhere.
  if (error_kind === "UntrustedPublisher") {
    const question = `Nothing is trusted by itself: ${shown(error ?? "the publisher is not known here yet")}`;
    const detail = "Trust it only where you know from elsewhere that this is the publisher's key. It counts from then on.";
    if ((await vscode.window.showWarningMessage(question, { modal: true, detail }, TRUST)) !== TRUST) return;
    flags.push("--allow-tofu");
  }
  const run = async (more: readonly string[]) =>
    vscode.window.withProgress({ location: vscode.ProgressLocation.Notification, title: "Install", cancellable: true }, (_, token) =>
      call<Installed>(program, ["install", "--skills-dir", folder.fsPath, ...flags, ...more, artifact.fsPath], token),
    );
  let { report, stderr } = await run([]);
  if (report !== undefined && !report.installed && report.widens) {
    const wider = (report.changes ?? []).filter(({ widens }) => widens);
    const detail = wider.map(({ kind, name }) => `${kind.replaceAll("_", " ")} ${shown(name)}`).join("\n");
    const question = "It may do more than the version that is installed:";
    if ((await vscode.window.showWarningMessage(question, { modal: true, detail }, WIDER)) !== WIDER) return;
    ({ report, stderr } = await run(["--allow-wider"]));
  }
  if (report === undefined) throw new CallFailed(stderr);
  reports.show({ title: "Install", markdown: inMarkdown(report, artifact, folder), json: report });
}

async function pickFolder(): Promise<vscode.Uri | undefined> {
  const folders = await vscode.window.showOpenDialog({
    canSelectFolders: true,
    canSelectFiles: false,
    title: "The folder of installed skills",
    openLabel: "Install Here",
  });
  return folders?.[0];
}

function inMarkdown({ entry, error, quarantined, previous_version, changes, findings }: Installed, artifact: vscode.Uri, folder: vscode.Uri): string {
  const out: string[] = [];
  if (entry === null) {
    out.push(`## ${code(path.basename(artifact.fsPath))} is not installed`, code(error ?? "The reason is not said."));
  } else {
    const instead = previous_version === null ? "" : `, in place of ${code(previous_version)}`;
    out.push(`## ${code(`${entry.skill_id} ${entry.version}`)} is installed${instead}`, `- Folder: ${code(folder.fsPath)}\n- Trust: ${code(entry.trust_decision)}`);
    if (quarantined) out.push("It is in **quarantine**, since its audit does not pass: no daemon runs it until a person enables it.");
    const missing = entry.missing_secrets.map(({ scope, key }) => `- ${code(`${scope}/${key}`)}`);
    if (missing.length > 0) out.push("### Secrets that are not there yet", missing.join("\n"));
  }
  if (changes !== null && changes.length > 0) out.push("### Beside the version before", changesInMarkdown(changes));
  if (findings.length > 0) {
    const url = (rule: string) => `https://skillyard.dev/rules/${rule}`;
    out.push("### Findings", findings.map((one) => `- **${one.severity}** [${one.code}](${url(one.code)}): ${code(one.message)}`).join("\n"));
  }
  return out.join("\n\n");
}
