// A machine without the server.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, test } from "node:test";

import { MISTAKEN } from "./skills.mjs";
import { open, PATIENCE, ROOT, SKILLYARD } from "./world.mjs";

let editor;
let page;

async function begin(options) {
  editor = await open({ program: false, files: { "skill.toml": MISTAKEN }, ...options });
  ({ page } = editor);
}

afterEach(() => editor?.close());

/** Waits for what a program does. */
async function until(condition) {
  const deadline = Date.now() + PATIENCE;
  while (!condition()) {
    assert.ok(Date.now() < deadline, String(condition));
    await page.waitForTimeout(50);
  }
}

test("a missing server is said with what to do, and found once the setting names it", async () => {
  await begin({ name: "missing" });
  const toast = (words) => page.locator(".notifications-toasts .notification-list-item", { hasText: words }).first();
  // A setting of the machine is what the settings of the machine say, and nobody else.
  const folder = join(editor.home, "user/Machine");
  const set = (path) => {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "settings.json"), JSON.stringify({ "skillyard.serverPath": path }));
  };
  const script = (name, text) => {
    const path = join(editor.home, name);
    writeFileSync(path, `#!/bin/sh\n${text}\n`);
    chmodSync(path, 0o755);
    return path;
  };
  try {
    await editor.file("skill.toml");
    const said = await toast("skillyard was not found").innerText();
    for (const part of ["cargo install", "skillyard.serverPath"]) assert.ok(said.includes(part), said);
    // Without it the manifest is still a coloured one.
    await page.locator(".editor-group-container.active .view-line span[class*=mtk]").first().waitFor();
    await editor.shot("missing");
    set("bin/skillyard");
    await toast("write an absolute path").waitFor();
    set("/bin/cat");
    await toast("is not Skillyard").waitFor();
    const old = script("old", 'echo "skillyard 0.0.9"');
    set(old);
    const told = await toast("is Skillyard 0.0.9").innerText();
    for (const part of [old, "needs 0.1.0 or newer", "Change the setting skillyard.serverPath"]) assert.ok(told.includes(part), told);
    // One that ends whenever it is to serve is started again a few times, and then left to a person.
    set(script("ends", '[ "$1" = --version ] && echo "skillyard 0.1.0"'));
    const ended = toast("again and again");
    await ended.waitFor();
    for (const button of ["Show Log", "Restart Server"]) {
      await ended.locator(".monaco-button", { hasText: button }).waitFor();
    }
    // Said once, and not with each try.
    assert.equal(await page.locator(".notifications-toasts .notification-list-item", { hasText: "onnection" }).count(), 0);
    await editor.shot("given-up");
    set(SKILLYARD);
    await page.locator(".squiggly-error").first().waitFor();
    await editor.shot("found");
    await editor.command("Notifications: Clear All Notifications");
    // What takes long is seen, and ends with who no longer wants it.
    const started = join(editor.home, "started");
    const asked = join(editor.home, "asked");
    set(script("slow", `[ "$1" = lsp ] && touch '${started}'\n[ "$1" = explain ] && echo $$ >'${asked}' && exec sleep 600\nexec '${SKILLYARD}' "$@"`));
    await until(() => existsSync(started));
    await editor.command("Skillyard: Explain Rule");
    const progress = toast("Explain Rule");
    await progress.locator(".monaco-button", { hasText: "Cancel" }).waitFor();
    await until(() => existsSync(asked) && readFileSync(asked, "utf8").endsWith("\n"));
    const pid = readFileSync(asked, "utf8").trim();
    assert.ok(existsSync(`/proc/${pid}`));
    await editor.shot("slow");
    await progress.locator(".monaco-button", { hasText: "Cancel" }).click();
    await progress.waitFor({ state: "detached" });
    await until(() => !existsSync(`/proc/${pid}`));
    assert.equal(await page.locator(".notifications-toasts .notification-list-item").count(), 0);
  } catch (error) {
    await editor.shot("failed");
    throw error;
  }
});

test("a package for the platform needs nothing on the machine", async () => {
  const scratch = mkdtempSync(join(tmpdir(), "skillyard-bundled-"));
  try {
    // What is in the package is a way to the program, which is too large to be packed for a test.
    const program = join(scratch, "skillyard");
    writeFileSync(program, `#!/bin/sh\nexec '${SKILLYARD}' "$@"\n`);
    chmodSync(program, 0o755);
    const script = join(ROOT, "editors/vscode/scripts/package.mjs");
    const target = `linux-${process.arch}`;
    execFileSync(process.execPath, [script, "--out", join(scratch, "vsix"), "--target", target, "--binary", program]);
    const [vsix] = readdirSync(join(scratch, "vsix"));
    const settings = { "workbench.colorTheme": "Default High Contrast" };
    await begin({ name: "bundled", vsix: join(scratch, "vsix", vsix), settings });
    await editor.file("skill.toml");
    await page.locator(".squiggly-error").first().waitFor();
    await page.locator('.statusbar-item[id="status.languageStatus"]').first().click();
    await page.locator(".hover-language-status", { hasText: "of the extension" }).first().waitFor();
    await editor.shot("status");
    // How a page looks in high contrast.
    await editor.command("Skillyard: Explain Rule");
    await page.locator(".quick-input-box input").first().fill("tool/not-namespaced");
    await editor.pick("tool/not-namespaced");
    await editor.view("main h1");
    await editor.shot("contrast");
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
});
