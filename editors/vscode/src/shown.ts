/** Text of others before a person's eyes: what cannot be seen, or turns what follows around, is written out. */

// Control and format characters, line separators, variation selectors, fillers, blanks and tags: what the server escapes too.
const UNSEEN =
  /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\uffa0\ufe00-\ufe0f\ufff0-\ufff8\u{e0000}-\u{e0fff}]/gu;

/** `text` on one line, at most `most` characters. */
export function shown(text: string, most = 300): string {
  const whole = text.replace(UNSEEN, (c) => `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`);
  const characters = [...whole];
  return characters.length <= most ? whole : `${characters.slice(0, most).join("")}…`;
}

/** The same, but for line ends and tabs, which stay. */
export function shownLines(text: string): string {
  return text
    .replace(/\r\n?/g, "\n")
    .split(/(\n|\t)/)
    .map((part) => (part === "\n" || part === "\t" ? part : shown(part, Infinity)))
    .join("");
}

/**
 * The same for a notification or a status, whose text the editor reads for links: one written by others must not run a
 * command of the editor when it is clicked.
 */
export function shownInNotification(text: string): string {
  return shownLines(text).replaceAll("](", "] (");
}

/** `text` in a list to pick from, where some of it could be an icon. */
export function shownInList(text: string): string {
  return shown(text).replaceAll("$(", "\\$(");
}

/** Lines for a terminal: no sequence in it does anything there. */
export function shownInTerminal(text: string): string {
  return `${shownLines(text).replaceAll("\n", "\r\n")}\r\n`;
}

const HTML: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** `text` as HTML that is nothing but text. */
export function html(text: string): string {
  return text.replace(/[&<>"']/g, (c) => HTML[c] ?? "");
}
