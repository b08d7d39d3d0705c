/** *Run Tool*: the view in which a person writes the input. */

import * as vscode from "vscode";

import { showJson } from "../report/json";
import { icon, page, type Report, reportHtml } from "../report/panel";
import type { Server } from "../server";
import { html, shown } from "../shown";
import { save } from "../skill";
import type { Came, Opened, Running, Wish } from "./messages";

/** What `skillyard/exampleInput` gives. */
interface ExampleInput {
  readonly input: unknown;
  readonly remembered: boolean;
  readonly schema: unknown;
}

/**
 * Runs a tool of a manifest with an input, or with what `skillyard/exampleInput` gave; `undefined` where it came to nothing,
 * which a person has been told.
 */
export type Run = (manifest: vscode.Uri, tool: string, input: { readonly value: unknown } | undefined) => Promise<Report | undefined>;

export class Inputs {
  readonly #open = new Map<string, vscode.WebviewPanel>();

  public constructor(
    private readonly extension: vscode.Uri,
    private readonly server: Server,
    private readonly run: Run,
    private readonly show: (report: Report) => void,
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
    let last: Report | undefined;
    let running = false;
    panel.webview.onDidReceiveMessage(async (wish: Wish) => {
      if ("ready" in wish) {
        await panel.webview.postMessage(await this.#opened(manifest, tool).catch(() => opened));
        // A view that was hidden begins anew.
        await panel.webview.postMessage({ running } satisfies Running);
        if (last !== undefined) await panel.webview.postMessage({ result: reportHtml(last) } satisfies Came);
        return;
      }
      if ("json" in wish) return last === undefined ? undefined : showJson(last);
      if ("rule" in wish) return vscode.commands.executeCommand("skillyard.explainRule", wish.rule);
      if (running) return;
      running = true;
      await panel.webview.postMessage({ running } satisfies Running);
      try {
        await save(manifest);
        last = await this.run(manifest, tool, wish.run === null ? undefined : { value: JSON.parse(wish.run) });
      } finally {
        running = false;
        if (!closed) await panel.webview.postMessage({ running } satisfies Running);
      }
      // What a call did is told also to who has closed its view meanwhile.
      if (closed) return last === undefined ? undefined : this.show(last);
      const result = last === undefined ? "" : reportHtml(last);
      await panel.webview.postMessage({ result } satisfies Came);
    });
    panel.webview.html = page(panel.webview, this.extension, "input", title, body(tool));
  }

  async #opened(manifest: vscode.Uri, tool: string): Promise<Opened> {
    // The server answers for what is open.
    await vscode.workspace.openTextDocument(manifest);
    const { input, remembered, schema } = await this.server.request<ExampleInput>("skillyard/exampleInput", {
      uri: manifest.toString(),
      tool,
    });
    return { schema, remembered, text: JSON.stringify(input, null, 2) };
  }
}

function body(tool: string): string {
  const keys = process.platform === "darwin" ? "⌘↵" : "Ctrl+Enter";
  return `<main>
<h1>Run <code>${html(shown(tool))}</code></h1>
<p id="origin" class="hint"></p>
<label for="input">Input, JSON</label>
<textarea id="input" spellcheck="false" autocapitalize="off" aria-describedby="problems"></textarea>
<ul id="problems" role="status" aria-live="polite" aria-label="What is wrong with the input"></ul>
<div class="buttons">
<button id="run" title="${keys}">Run</button>
<button id="format" class="second">Format</button>
</div>
<div id="fields" hidden>
<table><thead><tr><th scope="col">field</th><th scope="col">type</th><th scope="col"></th><th scope="col">what it is</th></tr></thead><tbody></tbody></table>
</div>
</main>
<section id="result" aria-live="polite" aria-label="What the call came to"></section>`;
}
