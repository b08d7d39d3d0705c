/** The server's state, beside the language of a manifest. */

import * as vscode from "vscode";

import type { Server, State } from "./server";
import { shownInNotification } from "./shown";

export function showStatus(server: Server): vscode.Disposable {
  const selector = [{ language: "skill-manifest" }, { language: "skillyard-config" }, { pattern: "**/skill.toml" }];
  const item = vscode.languages.createLanguageStatusItem("skillyard.server", selector);
  item.name = "Skillyard";
  const show = (state: State) => {
    item.busy = state.kind === "starting" || state.kind === "waiting";
    item.severity = severity(state);
    item.text = text(state);
    item.detail = detail(state);
    item.command =
      state.kind === "running"
        ? { command: "skillyard.showLog", title: "Show Log" }
        : { command: "skillyard.restart", title: "Restart Server" };
    const spoken = item.detail === "" ? item.text : `${item.text}, ${item.detail}`;
    item.accessibilityInformation = { label: spoken };
  };
  show(server.state);
  return vscode.Disposable.from(item, server.onDidChangeState(show));
}

function severity(state: State): vscode.LanguageStatusSeverity {
  switch (state.kind) {
    case "starting":
    case "running":
      return vscode.LanguageStatusSeverity.Information;
    case "waiting":
      return vscode.LanguageStatusSeverity.Warning;
    case "stopped":
    case "missing":
      return vscode.LanguageStatusSeverity.Error;
  }
}

function text(state: State): string {
  switch (state.kind) {
    case "starting":
      return "Skillyard is starting";
    case "running":
      return `Skillyard ${state.version}`;
    case "waiting":
      return "Skillyard is started again";
    case "stopped":
      return "Skillyard is stopped";
    case "missing":
      return "Skillyard is missing";
  }
}

function detail(state: State): string {
  switch (state.kind) {
    case "starting":
      return "";
    case "running": {
      const where = { setting: "from the settings", bundled: "of the extension", path: "from the PATH" };
      const pid = state.pid === undefined ? "" : `, process ${state.pid}`;
      return where[state.program.origin] + pid;
    }
    case "waiting":
      return `${shownInNotification(state.why)}; in ${state.seconds} s`;
    case "stopped":
    case "missing":
      return shownInNotification(state.why);
  }
}
