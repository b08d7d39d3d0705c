/** The view *Skills* in the explorer: each skill of the workspace with its tools, what it may touch, and its artifacts. */

import * as path from "node:path";
import * as vscode from "vscode";

import { type Capabilities, capabilities, type Tool, tools } from "./capabilities";
import type { Server } from "./server";
import { shown } from "./shown";
import { artifacts, folderOf, manifests, shownFolder } from "./skill";

type Node =
  | { readonly kind: "skill"; readonly manifest: vscode.Uri; readonly about: Capabilities | undefined; readonly why: string }
  | { readonly kind: "group"; readonly label: string; readonly icon: string; readonly children: readonly Node[] }
  | { readonly kind: "tool"; readonly manifest: vscode.Uri; readonly tool: string; readonly of: Tool }
  | { readonly kind: "fact"; readonly label: string; readonly description: string; readonly icon: string }
  | { readonly kind: "artifact"; readonly manifest: vscode.Uri; readonly artifact: vscode.Uri };

/** As many programs at a time look at skills. */
const AT_ONCE = 4;
const SETTLED_MS = 300;

export function registerSkills(context: vscode.ExtensionContext, server: Server): void {
  const skills = new Skills(server);
  const view = vscode.window.createTreeView("skillyard.skills", { treeDataProvider: skills, showCollapseAll: true });
  let timer: NodeJS.Timeout | undefined;
  const refresh = () => {
    clearTimeout(timer);
    timer = setTimeout(() => void skills.refresh(), SETTLED_MS);
  };
  const watchers = ["**/skill.toml", "**/dist/*.palyra-skill"].map((glob) => {
    const watcher = vscode.workspace.createFileSystemWatcher(glob);
    watcher.onDidCreate(refresh);
    watcher.onDidChange(refresh);
    watcher.onDidDelete(refresh);
    return watcher;
  });
  context.subscriptions.push(
    view,
    skills,
    ...watchers,
    { dispose: () => clearTimeout(timer) },
    vscode.workspace.onDidChangeWorkspaceFolders(refresh),
    vscode.workspace.onDidGrantWorkspaceTrust(refresh),
    server.onDidChangeState(({ kind }) => {
      if (kind === "running") refresh();
    }),
    vscode.commands.registerCommand("skillyard.refreshSkills", () => skills.refresh()),
  );
  void skills.refresh();
}

class Skills implements vscode.TreeDataProvider<Node>, vscode.Disposable {
  #roots: readonly vscode.Uri[] = [];
  readonly #changed = new vscode.EventEmitter<undefined>();
  public readonly onDidChangeTreeData = this.#changed.event;

  public constructor(private readonly server: Server) {}

  public dispose(): void {
    this.#changed.dispose();
  }

  public async refresh(): Promise<void> {
    this.#roots = await manifests();
    await vscode.commands.executeCommand("setContext", "skillyard.hasSkills", this.#roots.length > 0);
    this.#changed.fire(undefined);
  }

  public async getChildren(node?: Node): Promise<Node[]> {
    if (node === undefined) return this.#skills();
    if (node.kind === "group") return [...node.children];
    return node.kind === "skill" ? parts(node) : [];
  }

  async #skills(): Promise<Node[]> {
    const out: Node[] = [];
    for (let at = 0; at < this.#roots.length; at += AT_ONCE) {
      const some = this.#roots.slice(at, at + AT_ONCE).map(async (manifest): Promise<Node> => {
        try {
          const { report, why } = await capabilities(this.server, folderOf(manifest));
          return { kind: "skill", manifest, about: report, why };
        } catch (error) {
          return { kind: "skill", manifest, about: undefined, why: error instanceof Error ? error.message : String(error) };
        }
      });
      out.push(...(await Promise.all(some)));
    }
    return out;
  }

  public getTreeItem(node: Node): vscode.TreeItem {
    const item = made(node);
    item.contextValue = node.kind;
    const label = typeof item.label === "string" ? item.label : "";
    const description = typeof item.description === "string" ? `, ${item.description}` : "";
    item.accessibilityInformation = { label: `${label}${description}` };
    return item;
  }
}

function made(node: Node): vscode.TreeItem {
  const { Collapsed, Expanded, None } = vscode.TreeItemCollapsibleState;
  switch (node.kind) {
    case "skill": {
      const { manifest, about, why } = node;
      const item = new vscode.TreeItem(about === undefined ? shownFolder(manifest) : shown(about.skill_id, 80), Collapsed);
      item.description = about === undefined ? "has errors" : shown(about.version, 40);
      item.tooltip = about === undefined ? shown(why, 2000) : folderOf(manifest);
      item.iconPath = new vscode.ThemeIcon(about === undefined ? "warning" : "package");
      item.id = manifest.toString();
      item.command = { command: "vscode.open", title: "Open Manifest", arguments: [manifest] };
      return item;
    }
    case "group": {
      const item = new vscode.TreeItem(node.label, node.label === "Tools" ? Expanded : Collapsed);
      item.iconPath = new vscode.ThemeIcon(node.icon);
      return item;
    }
    case "tool": {
      const item = new vscode.TreeItem(shown(node.tool, 80), None);
      item.description = node.of.needsApproval ? "needs approval" : "";
      item.iconPath = new vscode.ThemeIcon(node.of.needsApproval ? "shield" : "symbol-method");
      return item;
    }
    case "fact": {
      const item = new vscode.TreeItem(shown(node.label, 80), None);
      item.description = shown(node.description, 80);
      item.iconPath = new vscode.ThemeIcon(node.icon);
      return item;
    }
    case "artifact": {
      const item = new vscode.TreeItem(node.artifact, None);
      item.label = path.basename(node.artifact.fsPath);
      item.iconPath = new vscode.ThemeIcon("file-zip");
      return item;
    }
  }
}

async function parts(skill: Extract<Node, { kind: "skill" }>): Promise<Node[]> {
  const { manifest, about } = skill;
  const group = (label: string, icon: string, children: readonly Node[]): Node[] =>
    children.length === 0 ? [] : [{ kind: "group", label, icon, children }];
  const packaged = (await artifacts(manifest)).map((artifact): Node => ({ kind: "artifact", manifest, artifact }));
  if (about === undefined) return group("Artifacts", "archive", packaged);
  return [
    ...group("Tools", "tools", tools(about).map((of): Node => ({ kind: "tool", manifest, tool: of.id, of }))),
    ...group("Capabilities", "key", facts(about)),
    ...group("Artifacts", "archive", packaged),
  ];
}

function facts({ grants, read_roots, device_capabilities, node_capabilities, quotas }: Capabilities): Node[] {
  const all = (labels: readonly string[], description: string, icon: string) =>
    labels.map((label): Node => ({ kind: "fact", label, description, icon }));
  return [
    ...all(grants.http_hosts, "host", "globe"),
    ...all(grants.secret_keys, "secret", "lock"),
    ...all(grants.storage_prefixes, "writes", "edit"),
    ...all(read_roots, "reads", "eye"),
    ...all(grants.channels, "channel", "broadcast"),
    ...all(device_capabilities, "device", "device-mobile"),
    ...all(node_capabilities, "node", "server"),
    ...Object.entries(quotas).map(
      ([name, value]): Node => ({ kind: "fact", label: name.replaceAll("_", " "), description: value.toLocaleString("en"), icon: "dashboard" }),
    ),
  ];
}
