/**
 * The view *Skills* in the explorer: each skill of the workspace with its tools, what it may touch, and its artifacts.
 *
 * The skills are listed by their folders alone. What is in one the program is asked when a person expands it, and never in a
 * workspace that they do not trust.
 */

import * as path from "node:path";
import * as vscode from "vscode";

import { type Capabilities, capabilities, type Tool, tools } from "./capabilities";
import { watchFolders } from "./folders";
import type { Server } from "./server";
import { shown } from "./shown";
import { artifacts, folderOf, MANIFEST, manifests, shownFolder } from "./skill";

/** What was found out about a skill; without the report the reason why there is none. */
interface Looked {
  readonly about: Capabilities | undefined;
  readonly why: string;
}

/** What changed in the folder of a skill. */
type Change = "manifest" | "artifacts";

/** A skill. It is looked at once it is expanded, and anew only when its manifest changed since. */
interface Skill {
  readonly kind: "skill";
  readonly manifest: vscode.Uri;
  looked?: Promise<Looked> | undefined;
}

type Node =
  | Skill
  | { readonly kind: "group"; readonly label: string; readonly icon: string; readonly children: readonly Node[] }
  | { readonly kind: "tool"; readonly manifest: vscode.Uri; readonly tool: string; readonly of: Tool }
  | { readonly kind: "fact"; readonly label: string; readonly description: string; readonly tooltip?: string; readonly icon: string }
  | { readonly kind: "artifact"; readonly manifest: vscode.Uri; readonly artifact: vscode.Uri };

/** As many programs at a time look at skills. */
const AT_ONCE = 4;
const SETTLED_MS = 300;

export function registerSkills(context: vscode.ExtensionContext, server: Server): void {
  const skills = new Skills(server);
  const view = vscode.window.createTreeView("skillyard.skills", { treeDataProvider: skills, showCollapseAll: true });
  let timer: NodeJS.Timeout | undefined;
  // What is to be done once it is quiet.
  let list = false;
  const folders = new Map<string, Change>();
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      void skills.changed([...folders], list);
      folders.clear();
      list = false;
    }, SETTLED_MS);
  };
  const listLater = () => {
    list = true;
    later();
  };
  const changed = (folder: string, manifest: boolean) => {
    folders.set(folder, manifest ? "manifest" : (folders.get(folder) ?? "artifacts"));
    later();
  };
  const manifest = vscode.workspace.createFileSystemWatcher(`**/${MANIFEST}`);
  manifest.onDidChange((uri) => changed(folderOf(uri), true));
  manifest.onDidCreate((uri) => {
    list = true;
    changed(folderOf(uri), true);
  });
  manifest.onDidDelete(listLater);
  const parents = watchFolders(() => skills.dists(), listLater);
  const artifact = vscode.workspace.createFileSystemWatcher("**/dist/*.palyra-skill");
  const made = (uri: vscode.Uri) => changed(path.dirname(path.dirname(uri.fsPath)), false);
  artifact.onDidCreate(made);
  artifact.onDidChange(made);
  artifact.onDidDelete(made);
  context.subscriptions.push(
    view,
    skills,
    manifest,
    parents,
    artifact,
    { dispose: () => clearTimeout(timer) },
    vscode.workspace.onDidChangeWorkspaceFolders(listLater),
    vscode.workspace.onDidGrantWorkspaceTrust(listLater),
    server.onDidChangeState(({ kind }) => {
      // It may be another program than before.
      if (kind === "running") void skills.refresh();
    }),
    vscode.commands.registerCommand("skillyard.refreshSkills", () => skills.refresh()),
  );
  void skills.list();
}

export class Skills implements vscode.TreeDataProvider<Node>, vscode.Disposable {
  /** By their folders. */
  #skills = new Map<string, Skill>();
  #listing = 0;
  readonly #one = limit(AT_ONCE);
  readonly #changed = new vscode.EventEmitter<Node | undefined>();
  public readonly onDidChangeTreeData = this.#changed.event;

  public constructor(private readonly server: Server) {}

  public dispose(): void {
    this.#changed.dispose();
  }

  /** Finds the skills that are there, and keeps what is known of those that were. */
  public async list(): Promise<void> {
    const listing = (this.#listing += 1);
    const there = await manifests();
    // Whoever asked since finds what is there now.
    if (listing !== this.#listing) return;
    const before = this.#skills;
    const found = there.map((manifest): [string, Skill] => {
      const folder = folderOf(manifest);
      return [folder, before.get(folder) ?? { kind: "skill", manifest }];
    });
    this.#skills = new Map(found);
    await vscode.commands.executeCommand("setContext", "skillyard.hasSkills", found.length > 0);
    this.#changed.fire(undefined);
  }

  /** Where the artifacts of each skill are: this folder goes with the skill's own, and also alone. */
  public dists(): string[] {
    return [...this.#skills.keys()].map((folder) => path.join(folder, "dist"));
  }

  /** Something changed in these folders; `list` where there may be other skills than before. */
  public async changed(folders: readonly (readonly [string, Change])[], list: boolean): Promise<void> {
    const seen = folders.flatMap(([folder, change]) => {
      const skill = this.#skills.get(folder);
      if (skill?.looked === undefined) return [];
      if (change === "manifest") skill.looked = undefined;
      return [skill];
    });
    // Drawing all anew asks for what is expanded by itself.
    if (list) return this.list();
    await Promise.all(
      seen.map(async (skill) => {
        // Drawn once, when it is known: the editor mixes up two drawings at a time.
        const looked = this.#look(skill);
        await looked;
        if (skill.looked === looked) this.#changed.fire(skill);
      }),
    );
  }

  /** Finds the skills anew, and forgets what is known of them. */
  public async refresh(): Promise<void> {
    for (const skill of this.#skills.values()) skill.looked = undefined;
    await this.list();
  }

  public async getChildren(node?: Node): Promise<Node[]> {
    if (node === undefined) return [...this.#skills.values()];
    if (node.kind === "group") return [...node.children];
    if (node.kind !== "skill" || !vscode.workspace.isTrusted) return [];
    return parts(node.manifest, await this.#look(node));
  }

  /** What a skill may do, found out by the program unless it is known. */
  #look(skill: Skill): Promise<Looked> {
    skill.looked ??= this.#one(async () => {
      try {
        const { report, why } = await capabilities(this.server, folderOf(skill.manifest));
        return { about: report, why };
      } catch (error) {
        return { about: undefined, why: error instanceof Error ? error.message : String(error) };
      }
    });
    return skill.looked;
  }

  public getTreeItem(node: Node): vscode.TreeItem {
    const item = made(node);
    item.contextValue = node.kind;
    const label = typeof item.label === "string" ? item.label : "";
    const description = typeof item.description === "string" ? item.description : "";
    item.accessibilityInformation = { label: description === "" ? label : `${label}, ${description}` };
    return item;
  }
}

function made(node: Node): vscode.TreeItem {
  const { Collapsed, Expanded, None } = vscode.TreeItemCollapsibleState;
  switch (node.kind) {
    case "skill": {
      const { manifest } = node;
      const item = new vscode.TreeItem(shown(shownFolder(manifest), 80), vscode.workspace.isTrusted ? Collapsed : None);
      item.tooltip = shown(folderOf(manifest), 2000);
      item.iconPath = new vscode.ThemeIcon("package");
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
      item.tooltip = shown(node.tooltip ?? `${node.label} ${node.description}`, 2000);
      item.iconPath = new vscode.ThemeIcon(node.icon);
      return item;
    }
    case "artifact": {
      const item = new vscode.TreeItem(node.artifact, None);
      item.label = shown(path.basename(node.artifact.fsPath));
      item.iconPath = new vscode.ThemeIcon("file-zip");
      return item;
    }
  }
}

/** Runs at most so many at a time; the others wait for their turn. */
function limit(most: number) {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async <T>(run: () => Promise<T>): Promise<T> => {
    if (running < most) running += 1;
    else await new Promise<void>((go) => waiting.push(go));
    try {
      return await run();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}

async function parts(manifest: vscode.Uri, { about, why }: Looked): Promise<Node[]> {
  const group = (label: string, icon: string, children: readonly Node[]): Node[] =>
    children.length === 0 ? [] : [{ kind: "group", label, icon, children }];
  const packaged = (await artifacts(manifest)).map((artifact): Node => ({ kind: "artifact", manifest, artifact }));
  if (about === undefined) {
    // There is little room, and the path is the skill's.
    const reason = why.replace(/^.*?skill\.toml:(?=\d+:\d+: )/, "");
    return [{ kind: "fact", label: "has errors", description: reason, tooltip: why, icon: "warning" }, ...group("Artifacts", "archive", packaged)];
  }
  return [
    { kind: "fact", label: `${about.skill_id} ${about.version}`, description: "", icon: "tag" },
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
      ([name, value]): Node => ({ kind: "fact", label: name.replaceAll("_", " "), description: BigInt(value).toLocaleString("en"), icon: "dashboard" }),
    ),
  ];
}
