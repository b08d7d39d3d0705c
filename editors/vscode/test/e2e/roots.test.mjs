// A workspace of several folders.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { GUEST, MISTAKEN } from "./skills.mjs";
import { open } from "./world.mjs";

let editor;
let page;

before(async () => {
  editor = await open({
    name: "roots",
    roots: ["one", "two"],
    files: {
      "one/echo/skill.toml": MISTAKEN,
      "two/guest/skill.toml": GUEST,
      "two/again/skill.toml": MISTAKEN,
      // What one folder says of a rule does not hold in the other.
      "two/skillyard.toml": '[rules]\n"operator/missing-operator-metadata" = "allow"\n',
      "outside/skill.toml": GUEST,
    },
  });
  ({ page } = editor);
});

after(() => editor?.close());

const active = (selector) => page.locator(`.editor-group-container.active ${selector}`);

test("each folder of a workspace has its skills, and what it says of rules", async () => {
  try {
    await editor.file("echo/skill.toml");
    await active(".squiggly-error").first().waitFor();
    await editor.file("again/skill.toml");
    await active(".squiggly-error").first().waitFor();
    // The same skill is in both, and each is told of the other.
    await editor.command("Problems: Focus on Problems View");
    const problems = page.locator(".markers-panel .monaco-list-row");
    for (const other of ["two/again/skill.toml", "one/echo/skill.toml"]) {
      await problems.filter({ hasText: `is also the id of the skill in ../../${other}` }).waitFor();
    }
    assert.equal(await problems.filter({ hasText: "operator/missing-operator-metadata" }).count(), 1);
    await editor.command("Focus on Skills View");
    const skills = page.locator(".pane", { has: page.locator('.pane-header[aria-label^="Skills"]') }).locator(".monaco-list-row");
    await skills.filter({ hasText: "guest" }).first().waitFor();
    await skills.filter({ hasText: "again" }).first().waitFor();
    await skills.filter({ hasText: "echo" }).first().waitFor();
    const names = (await skills.allInnerTexts()).map((text) => text.replaceAll("\n", " ").trim()).sort();
    assert.equal(names.length, 3, `${names}`);
    for (const name of ["again", "echo", "guest"]) assert.ok(names.some((text) => text.includes(name)), `${names}`);
    await editor.shot("skills");
  } catch (error) {
    await editor.shot("failed");
    throw error;
  }
});
