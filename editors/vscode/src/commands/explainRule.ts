/** *Explain Rule*: the page of a rule, from the program itself. */

import * as vscode from "vscode";

import { call, CallFailed } from "../cli";
import { patiently } from "../patience";
import type { Reports } from "../report/panel";
import type { Server } from "../server";

interface Rule {
  readonly code: string;
  readonly severity: string;
  readonly daemon: string;
  readonly summary: string;
  readonly page: string;
}

/** Shows the page of `code`, else of the rule that a person picks. */
export async function explainRule(server: Server, reports: Reports, code: unknown): Promise<void> {
  const wanted = typeof code === "string" && /^[a-z0-9-]+\/[a-z0-9-]+$/.test(code) ? [code] : ["--list"];
  const { report, stderr } = await patiently("Explain Rule", async (token) => {
    const { path } = await server.program();
    return call<{ readonly rules: readonly Rule[] }>(path, ["explain", ...wanted], token);
  });
  if (report === undefined) throw new CallFailed(stderr);
  const rule = wanted[0] === "--list" ? await pick(report.rules) : report.rules[0];
  if (rule !== undefined) reports.show({ title: "Rule", markdown: rule.page });
}

async function pick(rules: readonly Rule[]): Promise<Rule | undefined> {
  const items = rules.map((rule) => ({
    label: rule.code,
    description: rule.daemon === "silent" ? rule.severity : `${rule.severity}, a daemon ${rule.daemon}`,
    detail: rule.summary,
    rule,
  }));
  const options = { placeHolder: "Which rule?", matchOnDetail: true };
  return (await vscode.window.showQuickPick(items, options))?.rule;
}

/** An action for each finding under the cursor. */
export function explainActions({ diagnostics }: vscode.CodeActionContext): vscode.CodeAction[] {
  const codes = diagnostics
    .filter(({ source }) => source === "skillyard")
    .map(({ code }) => (typeof code === "object" ? String(code.value) : String(code ?? "")))
    .filter((code) => code.includes("/"));
  return [...new Set(codes)].map((code) => {
    const action = new vscode.CodeAction(`Explain ${code}`, vscode.CodeActionKind.QuickFix);
    action.diagnostics = diagnostics.filter((one) => typeof one.code === "object" && one.code.value === code);
    action.command = { command: "skillyard.explainRule", title: action.title, arguments: [code] };
    return action;
  });
}
