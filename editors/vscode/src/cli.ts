/** One-off calls of the `skillyard` program: arguments in, JSON out. */

import { spawn } from "node:child_process";
import { homedir } from "node:os";
import type * as vscode from "vscode";

import { parseKeepingDigits } from "./json";

/** What a call came to. */
export interface Said<T> {
  /** 0 fine, 1 there are findings. */
  readonly code: 0 | 1;
  /** The report, where the program gave one; whole numbers that a double does not hold are text in it. */
  readonly report: T | undefined;
  /** The same as it was printed. */
  readonly json: string;
  /** What it said besides. */
  readonly stderr: string;
}

/** The program could not do its work; the text is its own. */
export class CallFailed extends Error {}

/** A person ended the call. */
export class CallCancelled extends Error {}

const MOST_BYTES = 64 * 1024 * 1024;

/** Calls the program with `--format json` and reads its report. */
export async function call<T>(program: string, args: readonly string[], token?: vscode.CancellationToken): Promise<Said<T>> {
  const { code, stdout, stderr } = await output(program, [...args, "--format", "json"], token);
  if (code !== 0 && code !== 1) {
    if (/^error: unrecognized subcommand/.test(stderr)) {
      throw new CallFailed(`This version of Skillyard has no \`skillyard ${args[0]}\`; a newer one has.`);
    }
    throw new CallFailed(words(stderr) || `skillyard ended with ${code}`);
  }
  if (stdout.trim() === "") return { code, report: undefined, json: stdout, stderr: words(stderr) };
  let report: unknown;
  try {
    report = parseKeepingDigits(stdout);
  } catch {
    throw new CallFailed(`skillyard ${args[0]} gave something else than JSON; is another program in its place?`);
  }
  // What was refused has no report, and the document says why.
  if (isRefusal(report)) return { code, report: undefined, json: stdout, stderr: report.error };
  return { code, report: report as T, json: stdout, stderr: words(stderr) };
}

/** What stands where nothing could be reported. A report that says `error` says more than this. */
const REFUSAL = new Set(["schema_version", "error", "error_kind", "findings"]);

function isRefusal(report: unknown): report is { readonly error: string } {
  if (typeof report !== "object" || report === null || !("error" in report)) return false;
  return typeof report.error === "string" && Object.keys(report).every((key) => REFUSAL.has(key));
}

function output(program: string, args: string[], token?: vscode.CancellationToken) {
  return new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve, reject) => {
    const child = spawn(program, args, { cwd: homedir(), stdio: ["ignore", "pipe", "pipe"], windowsHide: true });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    let size = 0;
    const keep = (into: Buffer[]) => (chunk: Buffer) => {
      size += chunk.length;
      if (size > MOST_BYTES) child.kill();
      else into.push(chunk);
    };
    child.stdout.on("data", keep(out));
    child.stderr.on("data", keep(err));
    const cancelled = token?.onCancellationRequested(() => child.kill());
    if (token?.isCancellationRequested === true) child.kill();
    const done = () => cancelled?.dispose();
    child.on("error", (error) => {
      done();
      reject(new CallFailed(`${program} does not start: ${error.message}`));
    });
    child.on("close", (code) => {
      done();
      if (token?.isCancellationRequested === true) reject(new CallCancelled("cancelled"));
      else if (size > MOST_BYTES) reject(new CallFailed(`skillyard ${args[0]} said more than ${MOST_BYTES} bytes`));
      else resolve({ code, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() });
    });
  });
}

function words(stderr: string): string {
  return stderr.trim().replace(/^error: /, "");
}
