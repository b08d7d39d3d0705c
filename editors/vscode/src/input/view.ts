/**
 * In the page of *Run Tool*: the input, checked against the tool's schema with each key.
 *
 * The check is here and not in the extension since a schema is foreign: a pattern that takes forever holds up this page
 * alone. It says early what the server, which has the last word, would say late.
 */

import { type OutputUnit, type Schema, Validator } from "@cfworker/json-schema";

import { pretty } from "../json";
import { shown } from "../shown";
import type { Came, Opened, Running, Wish } from "./messages";

declare function acquireVsCodeApi(): {
  postMessage(wish: Wish): void;
  getState(): { text: string } | undefined;
  setState(state: { text: string }): void;
};

const editor = acquireVsCodeApi();
const element = <T extends Element>(id: string) => document.getElementById(id) as unknown as T;
const text = element<HTMLTextAreaElement>("input");
const problems = element<HTMLUListElement>("problems");
const run = element<HTMLButtonElement>("run");
const format = element<HTMLButtonElement>("format");
const fields = element<HTMLDivElement>("fields");
const result = element<HTMLElement>("result");
const origin = element<HTMLParagraphElement>("origin");

const MOST_PROBLEMS = 8;
let validator: Validator | undefined;
let running = false;

/** What is wrong with the input. */
function check(): string[] {
  let value: unknown;
  try {
    value = JSON.parse(text.value);
  } catch (error) {
    return [`This is no JSON yet: ${(error as Error).message}`];
  }
  let found: OutputUnit[] = [];
  try {
    const result = validator?.validate(value);
    if (result?.valid === false) found = result.errors;
  } catch {
    // A schema that this check cannot read; the server will say what is wrong with it.
    return [];
  }
  // What a part's own fault says is said; that the whole is then at fault too is not.
  const leaves = found.filter(
    (one) => !found.some((other) => other !== one && other.keywordLocation.startsWith(`${one.keywordLocation}/`)),
  );
  const said = leaves.map(({ instanceLocation, error }) => `${instanceLocation.replace(/^#/, "") || "/"}: ${error}`);
  return [...new Set(said)];
}

function show(): void {
  const faults = check();
  const fine = faults.length === 0;
  problems.className = fine ? "fine" : "";
  const lines = fine ? ["The tool's schema takes it."] : faults.slice(0, MOST_PROBLEMS);
  if (faults.length > MOST_PROBLEMS) lines.push(`… and ${faults.length - MOST_PROBLEMS} more`);
  problems.replaceChildren(
    ...lines.map((line) => {
      const item = document.createElement("li");
      item.textContent = shown(line);
      return item;
    }),
  );
  text.setAttribute("aria-invalid", String(!fine));
  run.disabled = running || !fine;
  format.disabled = pretty(text.value) === undefined;
}

function start(): void {
  if (!run.disabled) editor.postMessage({ run: text.value });
}

/** The fields that the schema names, for a person who does not know them by heart. */
function describe(schema: unknown): void {
  const at = schema as { properties?: Record<string, unknown>; required?: unknown };
  const required = Array.isArray(at.required) ? (at.required as unknown[]) : [];
  const rows = Object.entries(at.properties ?? {}).map(([name, property]) => {
    const { type, description } = (property ?? {}) as { type?: unknown; description?: unknown };
    const row = document.createElement("tr");
    const cell = (tag: string, words: string) => {
      const made = document.createElement(tag);
      made.textContent = shown(words);
      row.append(made);
      return made;
    };
    cell("th", name).setAttribute("scope", "row");
    cell("td", [type].flat().filter((one) => typeof one === "string").join(" or "));
    cell("td", required.includes(name) ? "required" : "");
    cell("td", typeof description === "string" ? description : "");
    return row;
  });
  const table = fields.querySelector("tbody");
  table?.replaceChildren(...rows);
  fields.hidden = rows.length === 0;
}

window.addEventListener("message", ({ data }: MessageEvent<Opened | Running | Came>) => {
  if ("result" in data) {
    result.innerHTML = data.result;
    if (data.result !== "") result.scrollIntoView({ block: "nearest" });
    return;
  }
  if ("running" in data) {
    running = data.running;
    document.body.setAttribute("aria-busy", String(running));
    show();
    return;
  }
  const { schema } = data;
  validator = typeof schema === "object" || typeof schema === "boolean" ? new Validator(schema as Schema, "2020-12", false) : undefined;
  text.value = editor.getState()?.text ?? data.text;
  origin.textContent = data.remembered ? "This is what the tool was called with last." : "This is an example made from the tool's schema.";
  describe(schema);
  show();
  text.focus();
});

text.addEventListener("input", () => {
  editor.setState({ text: text.value });
  show();
});
text.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    start();
  }
});
run.addEventListener("click", start);
format.addEventListener("click", () => {
  text.value = pretty(text.value) ?? text.value;
  text.dispatchEvent(new Event("input"));
});
result.addEventListener("click", ({ target }) => {
  const button = target instanceof Element ? target.closest("button") : null;
  if (button?.id === "json") editor.postMessage({ json: true });
  else if (button?.dataset["rule"] !== undefined) editor.postMessage({ rule: button.dataset["rule"] });
});
editor.postMessage({ ready: true });
