/** What a skill may do, as `skillyard capabilities` reports it. */

import * as vscode from "vscode";

import { call } from "./cli";
import type { Server } from "./server";

/** One difference to an older version. */
export interface Change {
  readonly change: "added" | "removed" | "changed";
  readonly kind: string;
  readonly name: string;
  readonly before: unknown;
  readonly after: unknown;
  readonly widens: boolean;
}

/** The report; see schema/capabilities-report.schema.json. */
export interface Capabilities {
  readonly skill_id: string;
  readonly publisher: string;
  readonly version: string;
  readonly grants: {
    readonly http_hosts: readonly string[];
    readonly secret_keys: readonly string[];
    readonly storage_prefixes: readonly string[];
    readonly channels: readonly string[];
  };
  readonly policy_bindings: readonly {
    readonly action: string;
    readonly resource: string;
    readonly requires_approval: boolean;
  }[];
  readonly read_roots: readonly string[];
  readonly device_capabilities: readonly string[];
  readonly node_capabilities: readonly string[];
  /** Text where a double does not hold the number. */
  readonly quotas: Readonly<Record<string, number | string>>;
  readonly against: { readonly skill_id: string; readonly version: string; readonly widens: boolean; readonly changes: readonly Change[] } | null;
}

/** A tool, and whether each call of it waits for a person. */
export interface Tool {
  readonly id: string;
  readonly needsApproval: boolean;
}

/** Asks for them; `undefined` with the reason where a daemon refuses the manifest. */
export async function capabilities(
  server: Server,
  target: string,
  token?: vscode.CancellationToken,
  against?: string,
): Promise<{ report: Capabilities | undefined; json: string; why: string }> {
  const { path } = await server.program();
  const more = against === undefined ? [] : ["--against", against];
  const { report, json, stderr } = await call<Capabilities>(path, ["capabilities", target, ...more], token);
  return { report, json, why: stderr };
}

/** The tools among them. What the whole skill may touch only with an approval, each call of each tool waits for. */
export function tools({ policy_bindings }: Capabilities): Tool[] {
  const whole = policy_bindings.some(({ resource, requires_approval }) => resource.startsWith("skill:") && requires_approval);
  return policy_bindings
    .filter(({ action, resource }) => action === "tool.execute" && resource.startsWith("tool:"))
    .map(({ resource, requires_approval }) => ({ id: resource.slice("tool:".length), needsApproval: whole || requires_approval }));
}
