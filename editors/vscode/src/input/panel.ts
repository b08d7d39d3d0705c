/** *Run Tool*: the view in which a person writes the input. */

import * as vscode from "vscode";

import { pretty } from "../json";
import { patiently } from "../patience";
import { showJson } from "../report/json";
import { icon, page, type Report, reportHtml } from "../report/panel";
import type { Server } from "../server";
import { html, shown } from "../shown";
import { save } from "../skill";
import type { Told } from "../told";
import type { Came, Opened, Running, Wish } from "./messages";

/** What `skillyard/exampleInput` gives. */
interface ExampleInput {
  /** The input as JSON, with every digit. */
  readonly text: string;
  readonly remembered: boolean;
  readonly schema: unknown;
}

/** Runs a tool of a manifest with an input, as it was typed; `undefined` where a person ended it. */
export type Run = (manifest: vscode.Uri, tool: string, input: string) => Promise<Report | undefined>;

export class Inputs {
  readonly #open = new Map<string, vscode.WebviewPanel>();

  public constructor(
    private readonly extension: vscode.Uri,
    private readonly server: Server,
    private readonly run: Run,
    private readonly show: (report: Report) => void,
    private readonly told: Told,
  ) {}

  /** Opens the view for a tool, or comes back to it. */
  public async ask(manifest: vscode.Uri, tool: string): Promise<void> {
    const key = `${manifest.toString()} ${tool}`;
    // The schema may be another by now.
    const opened = await this.#opened(manifest, tool);
    const there = this.#open.get(key);
    if (there !== undefined) {
      there.reveal();
      await there.webview.postMessage(opened);
      return;
    }
    const media = [vscode.Uri.joinPath(this.extension, "media"), vscode.Uri.joinPath(this.extension, "dist")];
    const title = `Run ${shown(tool, 60)}`;
    const panel = vscode.window.createWebviewPanel("skillyard.input", title, vscode.ViewColumn.Beside, {
      enableScripts: true,
      localResourceRoots: media,
    });
    panel.iconPath = icon(this.extension);
    this.#open.set(key, panel);
    let closed = false;
    panel.onDidDispose(() => {
      closed = true;
      this.#open.delete(key);
    });
    const post = async (message: Opened | Running | Came) => {
      if (!closed) await panel.webview.postMessage(message);
    };
    let last: Report | undefined;
    let running = false;
    const came = () => post({ result: last === undefined ? "" : reportHtml(last) });
    const answer = async (wish: Wish) => {
      if ("ready" in wish) {
        await post(await this.#opened(manifest, tool).catch(() => opened));
        // A view that was hidden begins anew.
        await post({ running });
        return came();
      }
      if ("json" in wish) return last?.json === undefined ? undefined : showJson(last.title, last.json);
      if ("rule" in wish) return vscode.commands.executeCommand("skillyard.explainRule", wish.rule);
      if (running) return;
      running = true;
      last = undefined;
      await post({ running });
      try {
        await save(manifest);
        last = await this.run(manifest, tool, wish.run);
      } finally {
        running = false;
        await post({ running });
        await came();
      }
      // What a call did is told also to who has closed its view meanwhile.
      if (closed && last !== undefined) this.show(last);
    };
    panel.webview.onDidReceiveMessage((wish: Wish) => this.told(() => answer(wish)));
    panel.webview.html = page(panel.webview, this.extension, "input", title, body(tool));
  }

  async #opened(manifest: vscode.Uri, tool: string): Promise<Opened> {
    const params = { uri: manifest.toString(), tool };
    const { text, remembered, schema } = await patiently("Run Tool", async (token) => {
      // The server answers for what is open.
      await vscode.workspace.openTextDocument(manifest);
      return this.server.request<ExampleInput>("skillyard/exampleInput", params, token);
    });
    return { schema, remembered, text: pretty(text) ?? text };
  }
}

function body(tool: string): string {
  const keys = process.platform === "darwin" ? "⌘↵" : "Ctrl+Enter";
  return `<main>
<h1>Run <code>${html(shown(tool))}</code></h1>
<p id="origin" class="hint"></p>
<label for="input">Input, JSON</label>
<textarea id="input" spellcheck="false" autocapitalize="off" aria-describedby="problems"></textarea>
<div role="status" aria-label="What is wrong with the input"><ul id="problems"></ul></div>
<div class="buttons">
<button id="run" title="${keys}">Run</button>
<button id="format" class="second">Format</button>
</div>
<div id="fields" hidden>
<table><thead><tr><th scope="col">field</th><th scope="col">type</th><th scope="col"><span class="spoken">needed</span></th><th scope="col">what it is</th></tr></thead><tbody></tbody></table>
</div>
</main>
<section id="result" aria-live="polite" aria-label="What the call came to"></section>`;
}
