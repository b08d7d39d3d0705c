/** The life of the language server: started, watched, started again with growing pauses, stopped. */

import * as vscode from "vscode";

import type * as clients from "./client";
import { CallCancelled } from "./cli";
import { findProgram, NoProgram, type Program } from "./program";
import { shownInNotification } from "./shown";

type Client = clients.Client;

/** What the server is doing. */
export type State =
  | { readonly kind: "starting" }
  | { readonly kind: "running"; readonly program: Program; readonly version: string; readonly pid: number | undefined }
  | { readonly kind: "waiting"; readonly why: string; readonly seconds: number }
  | { readonly kind: "stopped"; readonly why: string }
  | { readonly kind: "missing"; readonly why: string };

/** Seconds before the first, second, … start again. After the last one a person has to say so. */
const PAUSES = [0.5, 1, 2, 4, 8, 16];
/** A server that ran this long has recovered. */
const RECOVERED_MS = 60_000;

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
    return this.#known ?? findProgram(this.context);
  }

  /** Starts it now, whatever it was doing. */
  public async restart(): Promise<void> {
    this.#failures = 0;
    const ended = this.#end({ kind: "starting" });
    const turn = this.#turn;
    await ended;
    // A server that hangs takes a while to end, and whoever asked again meanwhile has started the next one.
    if (turn === this.#turn) await this.#start();
  }

  public async stop(why: string): Promise<void> {
    await this.#end({ kind: "stopped", why });
  }

  /** Ends what runs; `next` is how it stands from now on. */
  async #end(next: State): Promise<void> {
    this.#turn += 1;
    clearTimeout(this.#timer);
    const client = this.#client;
    this.#client = undefined;
    this.#known = undefined;
    this.#set(next);
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
      this.#missing(error instanceof NoProgram ? error.message : String(error));
      return;
    }
    if (turn !== this.#turn) return;
    this.#known = program;
    this.log.info(`${program.path} (${program.origin}), version ${program.version}`);
    const listener = {
      closed: () => {
        if (turn === this.#turn) this.#again("it ended by itself");
      },
      told: (message: string) => {
        // What a command came to is in its report, which opens by itself.
        if (this.#busy === 0) void vscode.window.showInformationMessage(message);
      },
    };
    let client: Client;
    try {
      const { makeClient } = await import("./client.js");
      if (turn !== this.#turn) return;
      client = makeClient(program.path, this.log, listener);
      this.#client = client;
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
      const message = shownInNotification(`Skillyard's server stopped: ${why}, again and again. The log may say why.`);
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
    void vscode.window.showErrorMessage(shownInNotification(why), "Open Settings", "Try Again").then((chosen) => {
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

  /** Asks the server something. */
  public async request<T>(method: string, params: unknown, token: vscode.CancellationToken): Promise<T> {
    const client = await this.#running(token);
    try {
      return await client.sendRequest<T>(method, params, token);
    } catch (error) {
      throw new Refused(error instanceof Error ? error.message : String(error));
    }
  }

  /** Has the server execute a command, under a progress that a person can end. `undefined` where one did. */
  public async execute<T>(command: string, title: string, argument: unknown): Promise<T | undefined> {
    const location = vscode.ProgressLocation.Notification;
    this.#busy += 1;
    try {
      const { execute } = await import("./client.js");
      return await vscode.window.withProgress({ location, title, cancellable: true }, async (progress, cancelled) =>
        execute<T>(await this.#running(cancelled), command, argument, progress, cancelled),
      );
    } catch (error) {
      if (error instanceof CallCancelled) return undefined;
      throw new Refused(error instanceof Error ? error.message : String(error));
    } finally {
      this.#busy -= 1;
    }
  }

  /** The client, once the server runs. Where it starts by itself a person need not ask again. */
  async #running(token: vscode.CancellationToken): Promise<Client> {
    while (this.#state.kind === "starting" || this.#state.kind === "waiting") await this.#change(token);
    const state = this.#state;
    if (this.#client !== undefined && state.kind === "running") return this.#client;
    const why = "why" in state ? state.why : state.kind;
    throw new Refused(state.kind === "missing" ? why : `Skillyard's server does not run: ${why}. The command Restart Server starts it.`);
  }

  /** Waits until it does something else than now. */
  async #change(token: vscode.CancellationToken): Promise<void> {
    const heard: vscode.Disposable[] = [];
    try {
      await new Promise<void>((changed, reject) => {
        heard.push(this.onDidChangeState(() => changed()));
        heard.push(token.onCancellationRequested(() => reject(new CallCancelled("cancelled"))));
      });
    } finally {
      heard.forEach((one) => one.dispose());
    }
  }

  /** Asks for lenses again, after what is offered has changed. */
  public refreshLenses(): void {
    const feature = this.#client?.getFeature("textDocument/codeLens");
    for (const document of vscode.workspace.textDocuments) {
      feature?.getProvider(document)?.onDidChangeCodeLensEmitter.fire();
    }
  }
}

async function end(client: Client, log: vscode.LogOutputChannel): Promise<void> {
  try {
    await client.dispose(2000);
  } catch (error) {
    log.debug(`The server's end: ${String(error)}`);
  }
}
