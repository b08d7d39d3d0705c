/**
 * The Markdown of the server's reports and of the rules' pages as HTML.
 *
 * Only what they are made of: headings, paragraphs, lists, tables, fences, and in a line code, strong, struck and links.
 * Everything else is text, and all text is escaped, so that no markup of others comes alive.
 */

import { html, shown, shownLines } from "../shown";

/** Markdown as HTML. Links to rules become buttons that the view answers; other links only go to https. */
export function rendered(markdown: string): string {
  const lines = shownLines(markdown).split("\n");
  const out: string[] = [];
  let at = 0;
  const line = () => lines[at] ?? "";
  while (at < lines.length) {
    const fence = /^(`{3,})(\w*)$/.exec(line());
    const heading = /^(#{1,4}) (.*)$/.exec(line());
    if (fence !== null) {
      const end = lines.indexOf(fence[1] ?? "", at + 1);
      const last = end === -1 ? lines.length : end;
      out.push(`<pre tabindex="0"><code>${html(lines.slice(at + 1, last).join("\n"))}</code></pre>`);
      at = last + 1;
    } else if (heading !== null) {
      const level = heading[1]?.length ?? 1;
      out.push(`<h${level}>${inline(heading[2] ?? "")}</h${level}>`);
      at += 1;
    } else if (line().startsWith("|") && /^\|[ :|-]+\|$/.test(lines[at + 1] ?? "")) {
      const start = at;
      while (line().startsWith("|")) at += 1;
      out.push(table(lines.slice(start, at)));
    } else if (/^([-*]|\d+\.) /.test(line())) {
      const tag = /^\d/.test(line()) ? "ol" : "ul";
      out.push(`<${tag}>`);
      while (/^([-*]|\d+\.) /.test(line())) {
        const item = [line().replace(/^([-*]|\d+\.) /, "")];
        at += 1;
        while (/^ {2,}\S/.test(line())) {
          item.push(line().trim());
          at += 1;
        }
        out.push(`<li>${inline(item.join(" "))}</li>`);
      }
      out.push(`</${tag}>`);
    } else if (line().trim() === "") {
      at += 1;
    } else {
      const paragraph: string[] = [];
      while (line().trim() !== "" && !/^(#{1,4} |`{3,}|\||[-*] )/.test(line())) {
        paragraph.push(line());
        at += 1;
      }
      if (paragraph.length === 0) {
        // A line that looked like more than text and is not.
        paragraph.push(line());
        at += 1;
      }
      out.push(`<p>${inline(paragraph.join(" "))}</p>`);
    }
  }
  return out.join("\n");
}

/** A code span of any text, as the server writes it. */
export function code(text: string): string {
  const line = shown(text);
  const longest = Math.max(0, ...(line.match(/`+/g) ?? []).map((run) => run.length));
  const fence = "`".repeat(longest + 1);
  const edge = line.trim() === "" || /^[` ]|[` ]$/.test(line) ? " " : "";
  return `${fence}${edge}${line}${edge}${fence}`.replaceAll("|", "\\|");
}

function table(lines: string[]): string {
  const [head, rule, ...rows] = lines;
  const names = cells(head ?? "");
  const right = cells(rule ?? "").map((cell) => cell.endsWith(":"));
  const attribute = (at: number) => (right[at] === true ? ' class="number"' : "");
  // What was used of what there was is also drawn.
  const bars = names.length === 3 && names[1] === "used" && names[2] === "of";
  const cell = (text: string, at: number) =>
    at === 0 && bars
      ? `<th scope="row">${inline(text)}</th>`
      : `<td${attribute(at)}>${inline(text)}</td>`;
  const row = (text: string) => {
    const all = cells(text);
    const bar = bars ? `<td class="bar">${meter(all)}</td>` : "";
    return `<tr>${all.map(cell).join("")}${bar}</tr>`;
  };
  const more = bars ? '<th scope="col"><span class="spoken">share</span></th>' : "";
  const heading = (name: string, at: number) => (name === "" ? "<td></td>" : `<th scope="col"${attribute(at)}>${inline(name)}</th>`);
  const header = names.map(heading).join("") + more;
  return `<div class="table"><table><thead><tr>${header}</tr></thead><tbody>${rows.map(row).join("")}</tbody></table></div>`;
}

function meter([name, used, of]: string[]): string {
  const [value, most] = [used, of].map((text) => Number.parseFloat(text ?? ""));
  if (value === undefined || most === undefined || !(most > 0) || !(value >= 0)) return "";
  const percent = Math.round((value / most) * 1000) / 10;
  const little = value > 0 && value < most / 100;
  const label = html(`${name}: ${little ? "<1" : percent} % used`);
  // Something used is something seen.
  const drawn = little ? most / 100 : value;
  return `<meter min="0" max="${most}" high="${most * 0.8}" value="${drawn}" aria-label="${label}" title="${label}"></meter>`;
}

/** The cells of a row; a bar behind a backslash ends none. */
function cells(row: string): string[] {
  const inner = row.trim().replace(/^\||\|$/g, "");
  const all: string[] = [];
  let cell = "";
  for (let at = 0; at < inner.length; at += 1) {
    const c = inner[at] ?? "";
    if (c === "\\" && inner[at + 1] === "|") {
      cell += "|";
      at += 1;
    } else if (c === "|") {
      all.push(cell.trim());
      cell = "";
    } else {
      cell += c;
    }
  }
  all.push(cell.trim());
  return all;
}

/** What stands in a line. */
function inline(text: string): string {
  let out = "";
  let at = 0;
  while (at < text.length) {
    const rest = text.slice(at);
    const escaped = /^\\([!-/:-@[-`{-~])/.exec(rest);
    const span = /^(`+)(.*?[^`])\1(?!`)/.exec(rest) ?? /^(`+)( `+ )\1(?!`)/.exec(rest);
    const strong = /^\*\*(.+?)\*\*/.exec(rest);
    const struck = /^~~(.+?)~~/.exec(rest);
    const link = /^\[((?:\\.|[^\]\\])*)\]\((https:\/\/[^\s()<>"]+)\)/.exec(rest);
    if (escaped !== null) {
      out += html(escaped[1] ?? "");
      at += 2;
    } else if (span !== null) {
      const inner = span[2] ?? "";
      out += `<code>${html(/^ .*[^ ].* $/.test(inner) ? inner.slice(1, -1) : inner)}</code>`;
      at += span[0].length;
    } else if (strong !== null) {
      const word = strong[1] ?? "";
      out += `<strong class="${/^(error|warning)$/.test(word) ? word : "plain"}">${inline(word)}</strong>`;
      at += strong[0].length;
    } else if (struck !== null) {
      out += `<s>${inline(struck[1] ?? "")}</s>`;
      at += struck[0].length;
    } else if (link !== null) {
      out += linked(link[1] ?? "", link[2] ?? "");
      at += link[0].length;
    } else {
      out += html(text[at] ?? "");
      at += 1;
    }
  }
  return out;
}

function linked(words: string, url: string): string {
  const rule = /^https:\/\/skillyard\.dev\/rules\/([a-z0-9-]+\/[a-z0-9-]+)$/.exec(url)?.[1];
  return rule === undefined
    ? `<a href="${html(url)}">${inline(words)}</a>`
    : `<button class="link" data-rule="${html(rule)}">${inline(words)}</button>`;
}
