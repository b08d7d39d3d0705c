/** The life of the language server: started, watched, started again with growing pauses, stopped. */

import { homedir } from "node:os";
import * as vscode from "vscode";
import {
  CloseAction,
  ErrorAction,
  ExecuteCommandRequest,
  LanguageClient,
  type LanguageClientOptions,
  MessageType,
  type ServerOptions,
  ShowMessageNotification,
  ShowMessageRequest,
  type StaticFeature,
  type DynamicFeature,
  State as ClientState,
  WorkDoneProgress,
} from "vscode-languageclient/node";

import { explainActions } from "./commands/explainRule";
import { findProgram, NoProgram, type Program } from "./program";
import { ask } from "./question";

/** What the server is doing. */
export type State =
  | { readonly kind: "starting" }
  | { readonly kind: "running"; readonly program: Program; readonly version: string; readonly pid: number | undefined }
  | { readonly kind: "waiting"; readonly why: string; readonly seconds: number }
  | { readonly kind: "stopped"; readonly why: string }
  | { readonly kind: "missing"; readonly why: string };

/** The files that the server looks at. */
const DOCUMENTS = [
  { scheme: "file", language: "skill-manifest" },
  { scheme: "untitled", language: "skill-manifest" },
  { scheme: "file", pattern: "**/skill.toml" },
  { scheme: "file", pattern: "**/skillyard.toml" },
];

/** Seconds before the first, second, … start again. After the last one a person has to say so. */
const PAUSES = [0.5, 1, 2, 4, 8, 16];
/** A server that ran this long has recovered. */
const RECOVERED_MS = 60_000;

/** Our commands are there before the server is, so that the client must not register them a second time. */
class Client extends LanguageClient {
  public override registerFeature(feature: StaticFeature | DynamicFeature<unknown>): void {
    const registers = "registrationType" in feature ? feature.registrationType.method : undefined;
    if (registers !== ExecuteCommandRequest.type.method) super.registerFeature(feature);
  }
}

/** A command could not be given to the server, or ended in an error. */
export class Refused extends Error {}

export class Server implements vscode.Disposable {
  #client: Client | undefined;
  #state: State = { kind: "stopped", why: "not started yet" };
  #failures = 0;
  #since = 0;
  #timer: NodeJS.Timeout | undefined;
  /** Goes up with each start and stop, so that what was awaited meanwhile notices. */
  #turn = 0;
  #busy = 0;
  #known: Program | undefined;
  readonly #changed = new vscode.EventEmitter<State>();
  readonly onDidChangeState = this.#changed.event;

  public constructor(
    private readonly context: vscode.ExtensionContext,
    private readonly log: vscode.LogOutputChannel,
  ) {}

  public get state(): State {
    return this.#state;
  }

  /** The program, for calls apart from the server. */
  public async program(): Promise<Program> {
    this.#known ??= await findProgram(this.context);
    return this.#known;
  }

  /** Starts it now, whatever it was doing. */
  public async restart(): Promise<void> {
    this.#failures = 0;
    await this.stop("restarting");
    await this.#start();
  }

  public async stop(why: string): Promise<void> {
    this.#turn += 1;
    clearTimeout(this.#timer);
    const client = this.#client;
    this.#client = undefined;
    this.#set({ kind: "stopped", why });
    if (client !== undefined) await end(client, this.log);
  }

  public dispose(): void {
    void this.stop("the extension ended");
    this.#changed.dispose();
  }

  async #start(): Promise<void> {
    this.#turn += 1;
    const turn = this.#turn;
    this.#set({ kind: "starting" });
    let program: Program;
    try {
      program = await findProgram(this.context);
    } catch (error) {
      if (turn !== this.#turn) return;
      this.#known = undefined;
      this.#missing(error instanceof NoProgram ? error.message : String(error));
      return;
    }
    if (turn !== this.#turn) return;
    this.#known = program;
    this.log.info(`${program.path} (${program.origin}), version ${program.version}`);
    const client = this.#make(program, turn);
    this.#client = client;
    try {
      await client.start();
    } catch (error) {
      this.log.error(`The server did not start: ${String(error)}`);
      if (turn === this.#turn) this.#again("it did not start");
      return;
    }
    if (turn !== this.#turn) {
      await end(client, this.log);
      return;
    }
    this.#since = Date.now();
    const version = client.initializeResult?.serverInfo?.version ?? program.version;
    this.#set({ kind: "running", program, version, pid: client.serverProcess?.pid });
  }

  #make(program: Program, turn: number): Client {
    const run: ServerOptions = { command: program.path, args: ["lsp"], options: { cwd: homedir() } };
    const options: LanguageClientOptions = {
      documentSelector: DOCUMENTS,
      outputChannel: this.log,
      initializationOptions: vscode.workspace.getConfiguration("skillyard"),
      errorHandler: {
        error: () => ({ action: ErrorAction.Continue }),
        closed: () => {
          if (turn === this.#turn) this.#again("it ended by itself");
          return { action: CloseAction.DoNotRestart, handled: true };
        },
      },
      initializationFailedHandler: () => false,
      middleware: {
        // What cannot be done is not offered.
        provideCodeLenses: async (document, token, next) =>
          vscode.workspace.isTrusted ? next(document, token) : [],
        provideCodeActions: async (document, range, context, token, next) => {
          const offered = (await next(document, range, context, token)) ?? [];
          const able = vscode.workspace.isTrusted ? offered : offered.filter((action) => !("command" in action && typeof action.command === "object"));
          return [...able, ...explainActions(context)];
        },
      },
    };
    const client = new Client("skillyard", "Skillyard", run, options);
    client.onRequest(ShowMessageRequest.type, (params) => ask(params));
    client.onNotification(ShowMessageNotification.type, ({ type, message }) => {
      this.log.info(message);
      if (type === MessageType.Error) void vscode.window.showErrorMessage(message);
      else if (type === MessageType.Warning) void vscode.window.showWarningMessage(message);
      // What a command came to is in its report, which opens by itself.
      else if (this.#busy === 0) void vscode.window.showInformationMessage(message);
    });
    client.onDidChangeState(({ newState }) => {
      if (newState === ClientState.Stopped && client === this.#client) this.#client = undefined;
    });
    return client;
  }

  /** Starts it again after a pause that grows with each failure. */
  #again(why: string): void {
    if (Date.now() - this.#since > RECOVERED_MS) this.#failures = 0;
    this.#since = Date.now();
    this.#client = undefined;
    const seconds = PAUSES[this.#failures];
    this.#failures += 1;
    this.#turn += 1;
    if (seconds === undefined) {
      this.log.error(`The server is not started again: ${why}, ${PAUSES.length} times in a row.`);
      this.#set({ kind: "stopped", why });
      const message = `Skillyard's server stopped: ${why}, again and again. The log may say why.`;
      void vscode.window.showErrorMessage(message, "Show Log", "Restart Server").then((chosen) => {
        if (chosen === "Show Log") this.log.show();
        if (chosen === "Restart Server") void this.restart();
      });
      return;
    }
    this.log.warn(`The server is started again in ${seconds} s: ${why}.`);
    this.#set({ kind: "waiting", why, seconds });
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#start(), seconds * 1000);
  }

  #missing(why: string): void {
    this.log.error(why);
    this.#set({ kind: "missing", why });
    void vscode.window.showErrorMessage(why, "Open Settings", "Try Again").then((chosen) => {
      if (chosen === "Open Settings") {
        void vscode.commands.executeCommand("workbench.action.openSettings", "skillyard.serverPath");
      }
      if (chosen === "Try Again") void this.restart();
    });
  }

  #set(state: State): void {
    this.#state = state;
    this.#changed.fire(state);
  }

  /** The commands that the server has. */
  public get commands(): readonly string[] {
    return this.#client?.initializeResult?.capabilities.executeCommandProvider?.commands ?? [];
  }

  /** Whether the server has a command. */
  public has(command: string): boolean {
    return this.commands.includes(command);
  }

  /** Asks the server something. */
  public async request<T>(method: string, params: unknown): Promise<T> {
    const client = this.#running();
    try {
      return await client.sendRequest<T>(method, params);
    } catch (error) {
      throw new Refused(error instanceof Error ? error.message : String(error));
    }
  }

  /** Has the server execute a command, under a progress that a person can end. `undefined` where one did. */
  public async execute<T>(command: string, title: string, argument: unknown): Promise<T | undefined> {
    const client = this.#running();
    const location = vscode.ProgressLocation.Notification;
    this.#busy += 1;
    try {
      return await vscode.window.withProgress({ location, title, cancellable: true }, async (progress, cancelled) => {
        const workDoneToken = `skillyard-vscode/${++tokens}`;
        let shown = 0;
        const heard = client.onProgress(WorkDoneProgress.type, workDoneToken, (value) => {
          if (value.kind !== "report") return;
          const percentage = value.percentage ?? shown;
          progress.report({ message: value.message ?? "", increment: percentage - shown });
          shown = percentage;
        });
        try {
          const params = { command, arguments: [argument], workDoneToken };
          return (await client.sendRequest(ExecuteCommandRequest.type, params, cancelled)) as T;
        } catch (error) {
          if (cancelled.isCancellationRequested || isCancellation(error)) return undefined;
          throw new Refused(error instanceof Error ? error.message : String(error));
        } finally {
          heard.dispose();
        }
      });
    } finally {
      this.#busy -= 1;
    }
  }

  #running(): Client {
    const client = this.#client;
    if (client !== undefined && this.#state.kind === "running") return client;
    const state = this.#state;
    const why = "why" in state ? `: ${state.why}` : "";
    throw new Refused(state.kind === "missing" ? state.why : `Skillyard's server does not run yet${why}. Try again.`);
  }

  /** Asks for lenses again, after what is offered has changed. */
  public refreshLenses(): void {
    const feature = this.#client?.getFeature("textDocument/codeLens");
    for (const document of vscode.workspace.textDocuments) {
      feature?.getProvider(document)?.onDidChangeCodeLensEmitter.fire();
    }
  }
}

let tokens = 0;

/** The protocol's code for a request that was cancelled. */
const REQUEST_CANCELLED = -32800;

function isCancellation(error: unknown): boolean {
  return error instanceof vscode.CancellationError || (error as { code?: unknown }).code === REQUEST_CANCELLED;
}

async function end(client: Client, log: vscode.LogOutputChannel): Promise<void> {
  try {
    await client.dispose(2000);
  } catch (error) {
    log.debug(`The server's end: ${String(error)}`);
  }
}
