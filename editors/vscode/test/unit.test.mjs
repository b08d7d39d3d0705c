// Parts that need no editor: `node test/unit.test.mjs`.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { build } from "esbuild";

/** A module of the sources, as it is bundled. */
async function source(path) {
  const entryPoints = [join(import.meta.dirname, "../src", path)];
  const { outputFiles } = await build({ entryPoints, bundle: true, format: "esm", write: false, charset: "utf8" });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].text).toString("base64")}`);
}

test("a number that would reach the tool as another one is found", async () => {
  const { inexact, whyNot } = await source("input/numbers.ts");
  for (const number of ["9007199254740993", "-9007199254740993", "9007199254740992", "18446744073709551615", "9007199254740993.0", "1e400", "1e-400", "0.1000000000000000055511151231257827"]) {
    assert.equal(inexact(`{"a": [1, ${number}]}`), number);
    assert.equal(inexact(number), number);
  }
  for (const text of ["9007199254740991", "-9007199254740991", "0", "-0", "0.0", "1.50", "1e3", "1E+21", "1.5e-7", "123456.7e2", '"9007199254740993"', '{"\\"9007199254740993": "\\\\"}', '{"a9007199254740993": 1}', "[]"]) {
    assert.equal(inexact(text), undefined, text);
  }
  assert.match(whyNot("9007199254740993"), /9007199254740993 .*skillyard run --input/);
});

test("a tool's log does nothing in a terminal", async () => {
  const { shownInTerminal } = await source("shown.ts");
  assert.equal(shownInTerminal("one\ntwo\r\n\tthree\rfour"), "one\r\ntwo\r\n\tthree\r\nfour\r\n");
  // A title, a clipboard, a link, a bell, a turn around: written out.
  const hostile = "\u001b]0;title\u0007\u001b]52;c;AAAA\u001b\\\u009b2J\u202edcba\u0000";
  const said = shownInTerminal(hostile);
  assert.doesNotMatch(said.slice(0, -2), /[\p{Cc}\p{Cf}]/u);
  assert.ok(said.startsWith("\\u{1b}]0;title\\u{7}"), said);
});
