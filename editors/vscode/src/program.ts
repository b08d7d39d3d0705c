/** Finding the `skillyard` program: the setting, the one in the extension, the PATH. Never anything in a workspace. */

import { execFile } from "node:child_process";
import { access, constants, realpath, stat } from "node:fs/promises";
import { homedir } from "node:os";
import * as path from "node:path";
import * as vscode from "vscode";

/** Where a program was found. */
export type Origin = "setting" | "bundled" | "path";

/** A program that answered as Skillyard. */
export interface Program {
  readonly path: string;
  readonly version: string;
  readonly origin: Origin;
}

/** Why there is none; the text says what to do. */
export class NoProgram extends Error {}

const NAME = process.platform === "win32" ? "skillyard.exe" : "skillyard";
const ANSWERS_WITHIN_MS = 10_000;

/** The program that counts, asked for its version. */
export async function findProgram(context: vscode.ExtensionContext): Promise<Program> {
  const found = await candidate(context);
  const version = await versionOf(found.path, found.origin);
  const minimum = minimumServer(context);
  if (older(version, minimum)) {
    throw new NoProgram(
      `${found.path} is Skillyard ${version}, and this extension needs ${minimum} or newer. ${remedy(found.origin)}`,
    );
  }
  return { ...found, version };
}

/** The oldest server that has what the extension asks for. */
function minimumServer(context: vscode.ExtensionContext): string {
  return String(context.extension.packageJSON["minimumServer"]);
}

async function candidate(context: vscode.ExtensionContext): Promise<Omit<Program, "version">> {
  // What a workspace says is not looked at, whatever VS Code makes of the setting's scope.
  const setting = vscode.workspace.getConfiguration("skillyard").inspect<unknown>("serverPath")?.globalValue;
  const named = typeof setting === "string" ? setting.trim() : "";
  if (named !== "") {
    if (!path.isAbsolute(named)) {
      throw new NoProgram(`The setting skillyard.serverPath is “${named}”; write an absolute path, or leave it empty.`);
    }
    if (!(await isProgram(named))) {
      throw new NoProgram(`The setting skillyard.serverPath names ${named}, which is no program. ${remedy("setting")}`);
    }
    return { path: named, origin: "setting" };
  }
  const bundled = context.asAbsolutePath(path.join("bin", NAME));
  if (await isProgram(bundled)) return { path: bundled, origin: "bundled" };
  const onPath = await first((await pathFolders()).map((folder) => path.join(folder, NAME)));
  if (onPath !== undefined) return { path: onPath, origin: "path" };
  throw new NoProgram(
    "The program skillyard was not found: this build of the extension carries none, and none is on the PATH. " +
      "Install it (in a clone of Skillyard: cargo install --path .), or name it in the setting skillyard.serverPath.",
  );
}

/** The folders of the PATH that cannot be the workspace's: absolute, and outside of it, whatever links lead there. */
async function pathFolders(): Promise<string[]> {
  const roots = (vscode.workspace.workspaceFolders ?? []).map((folder) => folder.uri.fsPath);
  const workspace = await Promise.all(roots.map(real));
  const folders = (process.env["PATH"] ?? "").split(path.delimiter).filter((folder) => path.isAbsolute(folder));
  const outside = await Promise.all(
    folders.map(async (folder) => {
      const at = await real(folder);
      return !workspace.some((outer) => isWithin(at, outer));
    }),
  );
  return folders.filter((_, at) => outside[at]);
}

/** Where a path leads; the path itself where it leads nowhere. */
async function real(file: string): Promise<string> {
  try {
    return await realpath(file);
  } catch {
    return file;
  }
}

function isWithin(inner: string, outer: string): boolean {
  const relative = path.relative(outer, inner);
  return relative !== ".." && !relative.startsWith(`..${path.sep}`) && !path.isAbsolute(relative);
}

async function isProgram(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return (await stat(file)).isFile();
  } catch {
    return false;
  }
}

async function first(files: string[]): Promise<string | undefined> {
  for (const file of files) {
    if (await isProgram(file)) return file;
  }
  return undefined;
}

async function versionOf(program: string, origin: Origin): Promise<string> {
  const said = await new Promise<string>((resolve, reject) => {
    // Not in the workspace's folder: some systems look for libraries there.
    const options = { timeout: ANSWERS_WITHIN_MS, maxBuffer: 64 * 1024, cwd: homedir(), windowsHide: true };
    execFile(program, ["--version"], options, (error, stdout) => {
      if (error === null) resolve(stdout);
      else reject(new NoProgram(`${program} does not start: ${error.message.split("\n")[0]}. ${remedy(origin)}`));
    });
  });
  const version = /^skillyard (\d+\.\d+\.\d+)/.exec(said)?.[1];
  if (version === undefined) throw new NoProgram(`${program} is not Skillyard. ${remedy(origin)}`);
  return version;
}

function remedy(origin: Origin): string {
  switch (origin) {
    case "setting":
      return "Change the setting skillyard.serverPath, or leave it empty.";
    case "bundled":
      return "Install the extension again, or name another program in the setting skillyard.serverPath.";
    case "path":
      return "Install a newer one (in a clone of Skillyard: cargo install --path .), or name it in skillyard.serverPath.";
  }
}

function older(one: string, other: string): boolean {
  const [a, b] = [one, other].map((version) => version.split(".").map(Number));
  for (let at = 0; at < 3; at += 1) {
    const difference = (a?.[at] ?? 0) - (b?.[at] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}
