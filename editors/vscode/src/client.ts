/**
 * The client of the protocol, in a bundle of its own: it is large, and the editor need not wait until it is read.
 */

import { homedir } from "node:os";
import * as vscode from "vscode";
import {
  CloseAction,
  DiagnosticCollectionSource,
  type DynamicFeature,
  ErrorAction,
  ExecuteCommandRequest,
  LanguageClient,
  MessageType,
  ShowMessageNotification,
  ShowMessageRequest,
  type StaticFeature,
  WorkDoneProgress,
} from "vscode-languageclient/node";

import { explainActions } from "./commands/explainRule";
import { ask } from "./question";
import { shownInNotification } from "./shown";

/** The files that the server looks at. */
const DOCUMENTS = [
  { scheme: "file", language: "skill-manifest" },
  { scheme: "untitled", language: "skill-manifest" },
  { scheme: "file", language: "skillyard-config" },
  { scheme: "file", pattern: "**/skill.toml" },
  { scheme: "file", pattern: "**/skillyard.toml" },
];

/** Our commands are there before the server is, so that the client must not register them a second time. */
export class Client extends LanguageClient {
  public override registerFeature(feature: StaticFeature | DynamicFeature<unknown>): void {
    const registers = "registrationType" in feature ? feature.registrationType.method : undefined;
    if (registers !== ExecuteCommandRequest.type.method) super.registerFeature(feature);
  }

  /** Into the log alone: what a person has to know we tell once, and a notification for each try would cover it. */
  public override error(message: string, data?: unknown): void {
    super.error(message, data, false);
  }
}

/** What the one who has a client made wants to hear of it. */
export interface Listener {
  /** The server ended, and nobody asked it to. */
  closed(): void;
  /** What is told besides errors and warnings, which are shown; as a notification may show it. */
  told(message: string): void;
}

/** A client for `program`, which is not started yet. */
export function makeClient(program: string, log: vscode.LogOutputChannel, listener: Listener): Client {
  const run = { command: program, args: ["lsp"], options: { cwd: homedir() } };
  const client = new Client("skillyard", "Skillyard", run, {
    documentSelector: DOCUMENTS,
    outputChannel: log,
    initializationOptions: vscode.workspace.getConfiguration("skillyard"),
    errorHandler: {
      error: () => ({ action: ErrorAction.Continue, handled: true }),
      closed: () => {
        listener.closed();
        return { action: CloseAction.DoNotRestart, handled: true };
      },
    },
    initializationFailedHandler: () => false,
    diagnosticCollectionProvider: {
      // What the server pushes of files that are not open the task finds too: the owner of its problem matcher has each once.
      create: (_name, source) => vscode.languages.createDiagnosticCollection(source === DiagnosticCollectionSource.push ? "skillyard" : "skillyard.open"),
      dispose: (collection) => collection.dispose(),
    },
    middleware: {
      // What cannot be done is not offered.
      provideCodeLenses: async (document, token, next) => (vscode.workspace.isTrusted ? next(document, token) : []),
      provideCodeActions: async (document, range, context, token, next) => {
        const offered = (await next(document, range, context, token)) ?? [];
        const able = vscode.workspace.isTrusted ? offered : offered.filter((action) => !isCommand(action));
        return [...able, ...explainActions(context)];
      },
    },
  });
  client.onRequest(ShowMessageRequest.type, (params) => ask(params));
  client.onNotification(ShowMessageNotification.type, ({ type, message }) => {
    log.info(message);
    const text = shownInNotification(message);
    if (type === MessageType.Error) void vscode.window.showErrorMessage(text);
    else if (type === MessageType.Warning) void vscode.window.showWarningMessage(text);
    else listener.told(text);
  });
  return client;
}

function isCommand(action: vscode.Command | vscode.CodeAction): boolean {
  return action.command !== undefined;
}

let tokens = 0;

/** Has the server execute a command. `undefined` where a person ended it. */
export async function execute<T>(
  client: Client,
  command: string,
  argument: unknown,
  progress: vscode.Progress<{ message: string; increment: number }>,
  cancelled: vscode.CancellationToken,
): Promise<T | undefined> {
  const workDoneToken = `skillyard-vscode/${++tokens}`;
  let shown = 0;
  const heard = client.onProgress(WorkDoneProgress.type, workDoneToken, (value) => {
    if (value.kind !== "report") return;
    const percentage = value.percentage ?? shown;
    progress.report({ message: shownInNotification(value.message ?? ""), increment: percentage - shown });
    shown = percentage;
  });
  try {
    return (await client.sendRequest(ExecuteCommandRequest.type, { command, arguments: [argument], workDoneToken }, cancelled)) as T;
  } catch (error) {
    if (cancelled.isCancellationRequested || isCancellation(error)) return undefined;
    throw error;
  } finally {
    heard.dispose();
  }
}

/** The protocol's code for a request that was cancelled. */
const REQUEST_CANCELLED = -32800;

function isCancellation(error: unknown): boolean {
  return error instanceof vscode.CancellationError || (error as { code?: unknown }).code === REQUEST_CANCELLED;
}
