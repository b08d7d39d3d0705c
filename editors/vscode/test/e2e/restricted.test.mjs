// A workspace that nobody trusts yet.

import assert from "node:assert/strict";
import { chmodSync, existsSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { COMMAND, GUEST, MISTAKEN } from "./skills.mjs";
import { open } from "./world.mjs";

let editor;
let page;
const TOUCHED = "touched";

before(async () => {
  editor = await open({
    name: "restricted",
    trust: true,
    files: {
      "echo/skill.toml": MISTAKEN,
      "guest/skill.toml": GUEST,
      "guest/module.wasm": COMMAND,
      "guest/tests/echo.json": JSON.stringify({ tool: "acme.echo", input: { n: 3 }, approve: true, expect: { output: { n: 3 } } }),
      // What a workspace would like.
      "evil.sh": `#!/bin/sh\ntouch "$(dirname "$0")/${TOUCHED}"\nexec skillyard "$@"\n`,
      ".vscode/settings.json": JSON.stringify({
        "skillyard.serverPath": "EVIL",
        "skillyard.rules": { "*": "allow", "operator/missing-operator-metadata": "allow" },
      }),
    },
    prepare: ({ workspace, write }) => {
      chmodSync(join(workspace, "evil.sh"), 0o755);
      write(".vscode/settings.json", (text) => text.replace("EVIL", join(workspace, "evil.sh")));
    },
  });
  ({ page } = editor);
});

after(() => editor?.close());

const dialog = () => page.locator(".monaco-dialog-box");

test("a workspace in Restricted Mode is checked, and nothing of it is run", async () => {
  try {
    await dialog().locator(".monaco-button", { hasText: "No" }).first().click();
    await dialog().waitFor({ state: "detached" });
    await editor.file("echo/skill.toml");
    await page.locator(".squiggly-error").first().waitFor();
    // What a workspace would allow itself is found all the same.
    await page.locator(".squiggly-warning").first().waitFor();
    await editor.file("guest/skill.toml");
    await page.locator(".editor-group-container.active .view-line", { hasText: "acme.guest" }).first().waitFor();
    // The skills stand there by name, and no more is found out about them.
    await editor.command("Focus on Skills View");
    const skills = page.locator(".pane", { has: page.locator('.pane-header[aria-label^="Skills"]') }).locator(".monaco-list-row");
    await skills.filter({ hasText: "guest" }).first().waitFor();
    assert.deepEqual((await skills.allInnerTexts()).map((text) => text.trim()), ["echo", "guest"]);
    assert.equal(await skills.locator(".monaco-tl-twistie.collapsible").count(), 0);
    // Nothing is offered.
    await page.keyboard.press("F1");
    await page.locator(".quick-input-box input").first().fill(">Skillyard: ");
    await editor.row("Show Log").waitFor();
    const offered = await page.locator(".quick-input-list .monaco-list-row").allInnerTexts();
    for (const title of ["Package", "Run Tool", "Audit", "Verify", "Install"]) {
      assert.ok(!offered.some((row) => row.includes(title)), `${title} in ${offered}`);
    }
    await editor.shot("palette");
    await page.keyboard.press("Escape");
    assert.equal(await page.locator(".codelens-decoration a").count(), 0);
    // The cases of a skill are listed, and none is run.
    await editor.command("Focus on Test Explorer View");
    await page.locator(".test-explorer .monaco-list-row", { hasText: "guest" }).first().waitFor();
    await editor.command("Test: Run All Tests");
    // The editor asks by itself before it has anything run.
    await dialog().waitFor();
    assert.match(await dialog().innerText(), /trust/i);
    await editor.shot("tests");
    await dialog().locator(".monaco-button", { hasText: "Cancel" }).first().click();
    await dialog().waitFor({ state: "detached" });
    assert.equal(await page.locator(".test-explorer .codicon-testing-passed-icon").count(), 0);
    // What is called all the same is refused with what to do.
    await editor.command("Skillyard: New Skill");
    const refused = page.locator(".notifications-toasts .notification-list-item", { hasText: "Restricted Mode" }).first();
    await refused.waitFor();
    await editor.shot("refused");
    await refused.locator(".monaco-button", { hasText: "Manage Workspace Trust" }).click();
    await page.locator(".workspace-trust-editor").waitFor();
    assert.equal(existsSync(join(editor.workspace, TOUCHED)), false, "no setting of the workspace names a program");

    await page.locator(".workspace-trust-editor .monaco-button", { hasText: "Trust" }).first().click();
    await editor.file("guest/skill.toml");
    await page.locator(".codelens-decoration a", { hasText: "Run Tool acme.echo" }).waitFor();
    assert.equal(existsSync(join(editor.workspace, TOUCHED)), false, "nor does one of a trusted workspace");
    await editor.shot("trusted");
  } catch (error) {
    await editor.shot("failed");
    throw error;
  }
});
