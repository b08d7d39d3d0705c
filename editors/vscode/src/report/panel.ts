/** Reports, each in a view beside the editor. The page has no rights: no network, no inline script, only our own files. */

import { randomBytes } from "node:crypto";
import * as vscode from "vscode";

import { html } from "../shown";
import type { Told } from "../told";
import { showJson } from "./json";
import { rendered } from "./markdown";

/** What is shown. */
export interface Report {
  /** The title of the view, also what tells views apart: a new report takes the place of the last one with its title. */
  readonly title: string;
  readonly markdown: string;
  /** The same for programs, as JSON, if there is such. */
  readonly json?: string;
}

export class Reports {
  readonly #open = new Map<string, { readonly panel: vscode.WebviewPanel; report: Report }>();

  public constructor(
    private readonly extension: vscode.Uri,
    private readonly told: Told,
  ) {}

  public show(report: Report): void {
    const there = this.#open.get(report.title);
    if (there !== undefined) {
      there.report = report;
      there.panel.webview.html = this.#page(there.panel.webview, report);
      there.panel.reveal(undefined, true);
      return;
    }
    const column = { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true };
    const panel = vscode.window.createWebviewPanel("skillyard.report", report.title, column, {
      enableScripts: true,
      enableFindWidget: true,
      localResourceRoots: [vscode.Uri.joinPath(this.extension, "media"), vscode.Uri.joinPath(this.extension, "dist")],
    });
    const entry = { panel, report };
    this.#open.set(report.title, entry);
    panel.iconPath = icon(this.extension);
    panel.onDidDispose(() => this.#open.delete(report.title));
    panel.webview.onDidReceiveMessage((message: { readonly json?: unknown; readonly rule?: unknown }) => {
      const { title, json } = entry.report;
      if (message.json === true && json !== undefined) void this.told(() => showJson(title, json));
      else if (typeof message.rule === "string") void vscode.commands.executeCommand("skillyard.explainRule", message.rule);
    });
    panel.webview.html = this.#page(panel.webview, report);
  }

  #page(webview: vscode.Webview, report: Report): string {
    return page(webview, this.extension, "report", report.title, reportHtml(report));
  }
}

/** The icon of our views. */
export function icon(extension: vscode.Uri): { light: vscode.Uri; dark: vscode.Uri } {
  const image = (name: string) => vscode.Uri.joinPath(extension, "images", name);
  return { light: image("manifest-light.svg"), dark: image("manifest-dark.svg") };
}

/** A report as HTML; its button `json` asks for the same for programs. */
export function reportHtml({ markdown, json }: Report): string {
  return `<main>${rendered(markdown)}</main>${json === undefined ? "" : '<button id="json">Show as JSON</button>'}`;
}

/** A page with the script `dist/NAME.js` and the style of the reports. */
export function page(webview: vscode.Webview, extension: vscode.Uri, name: string, title: string, body: string): string {
  const nonce = randomBytes(16).toString("base64");
  const at = (...parts: string[]) => webview.asWebviewUri(vscode.Uri.joinPath(extension, ...parts)).toString();
  const policy = `default-src 'none'; style-src ${webview.cspSource}; script-src 'nonce-${nonce}'; form-action 'none'; base-uri 'none'`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<link rel="stylesheet" href="${at("media", "view.css")}">
<title>${html(title)}</title>
</head>
<body>
${body}
<script nonce="${nonce}" src="${at("dist", `${name}.js`)}"></script>
</body>
</html>`;
}
