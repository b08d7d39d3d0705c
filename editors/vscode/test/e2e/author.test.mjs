// An author's day, in the order in which it goes.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { isDeepStrictEqual } from "node:util";

import { COMMAND, GREETER, GUEST, MISTAKE, MISTAKEN } from "./skills.mjs";
import { open, PATIENCE, ROOT, SKILLYARD } from "./world.mjs";

let editor;
let page;

before(async () => {
  editor = await open({
    name: "author",
    // Who writes TOML has an extension for it already: the whole day goes beside one.
    beside: join(import.meta.dirname, "neighbour"),
    skills: { greeter: GREETER },
    files: {
      "echo/skill.toml": MISTAKEN,
      "guest/skill.toml": GUEST,
      "guest/module.wasm": COMMAND,
      "closed/skill.toml": MISTAKEN,
    },
  });
  ({ page } = editor);
});

after(async () => {
  const home = editor?.home;
  await editor?.close();
  assert.deepEqual(await gone(home), [], "no server outlives the editor");
});

// A picture of where it stood.
const step = (what, run) =>
  test(what, async () => {
    try {
      await run();
    } catch (error) {
      await editor.shot("failed");
      throw error;
    }
  });

/** The processes of the program under test that belong to a home. */
function servers(home) {
  return readdirSync("/proc")
    .filter((pid) => /^\d+$/.test(pid))
    .filter((pid) => {
      try {
        if (!readlinkSync(`/proc/${pid}/exe`).startsWith(SKILLYARD)) return false;
        return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").includes(`HOME=${home}`);
      } catch {
        return false;
      }
    })
    .map(Number);
}

async function gone(home) {
  const deadline = Date.now() + PATIENCE;
  while (servers(home).length > 0 && Date.now() < deadline) await new Promise((done) => setTimeout(done, 50));
  return servers(home);
}

/** Waits for a condition; `state` says how it stands where that takes too long. */
async function until(what, condition, state) {
  const deadline = Date.now() + PATIENCE;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > deadline) {
      const stood = state === undefined ? "" : `; ${JSON.stringify(await state())}`;
      throw new Error(`not within ${PATIENCE} ms: ${what}${stood}`);
    }
    await page.waitForTimeout(50);
  }
}

const squiggles = () => page.locator(".editor-group-container.active .squiggly-error");
const lens = (words) => page.locator(".codelens-decoration a", { hasText: words }).first();
const dialog = () => page.locator(".monaco-dialog-box");
const choose = (words) => dialog().locator(".monaco-button", { hasText: words }).click();
const toast = (words) => page.locator(".notifications-toasts .notification-list-item", { hasText: words }).first();
const suggested = (words) => page.locator(".suggest-widget.visible .monaco-list-row", { hasText: words }).first();
const closeAll = async () => {
  await editor.command("Notifications: Clear All Notifications");
  await editor.command("View: Close All Editors");
};

step("nothing is sent over the network at the start, and the editor is not disturbed", async () => {
  await editor.file("echo/skill.toml");
  await squiggles().first().waitFor();
  const outside = editor.requests.filter((url) => !/^(data|blob):/.test(url) && !url.startsWith(editor.origin));
  assert.deepEqual(outside, []);
  assert.deepEqual(editor.connected().filter((line) => line.startsWith("ours")), []);
  for (const pid of servers(editor.home)) {
    const open = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
    const sockets = open.map((to) => /^socket:\[(\d+)\]$/.exec(to)?.[1]).filter((inode) => inode !== undefined);
    const inet = ["tcp", "tcp6", "udp", "udp6"].flatMap((kind) => readFileSync(`/proc/${pid}/net/${kind}`, "utf8").split("\n"));
    const inodes = new Set(inet.map((line) => line.trim().split(/\s+/)[9]));
    assert.deepEqual(sockets.filter((inode) => inodes.has(inode)), []);
  }
  assert.equal(await page.locator(".notifications-toasts .notification-list-item").count(), 0);
  // Measured by the editor, from the first line of our code that it loads.
  await editor.command("Developer: Show Running Extensions");
  const row = page.locator(".runtime-extensions-editor .monaco-list-row", { hasText: "Skillyard" }).first();
  await row.locator(".activation-time").waitFor();
  const measured = (await row.locator(".activation-time").innerText()).trim();
  const own = /active after ([\d.]+) ms/.exec(await logged());
  // Told and not judged: both count what else the machine does. They are for a quiet machine, and in the picture.
  assert.ok(own, `${measured}; the log has no time of its own`);
  console.log(`  ${measured}; ${own[0]}`);
  await editor.shot("running");
  await page.keyboard.press("Control+w");
});

/** What our output channel holds. */
async function logged() {
  const folders = readdirSync(join(editor.home, "user"), { recursive: true }).map(String);
  const file = folders.find((path) => path.endsWith("Skillyard.log"));
  return file === undefined ? "" : readFileSync(join(editor.home, "user", file), "utf8");
}

/** What everything from the extension beside ours says. */
const NEIGHBOUR = "neighbour";

/** The problems of each file, as the places of its errors and who says so. */
async function problems() {
  const rows = await page.locator(".markers-panel .monaco-list-row").evaluateAll((all) =>
    all
      .sort((one, other) => one.dataset.index - other.dataset.index)
      .map((row) => ({
        file: row.querySelector(".resource-label-container .monaco-icon-label")?.getAttribute("aria-label"),
        error: row.querySelector(".marker-icon.error") !== null,
        said: [".marker-source", ".marker-line"].map((part) => row.querySelector(part)?.textContent).join(" "),
      })),
  );
  const found = {};
  let last;
  for (const { file, error, said } of rows) {
    if (file) found[file.slice(file.lastIndexOf("/") + 1)] = last = [];
    else if (error) last.push(said);
  }
  return found;
}

step("an extension for TOML and ours keep to their own files", async () => {
  const folder = join(editor.workspace, "beside");
  mkdirSync(folder);
  writeFileSync(join(folder, "skill.toml"), MISTAKEN.replaceAll("echo", "beside").replace('"Echo"', ""));
  writeFileSync(join(folder, "skillyard.toml"), "palyra =\n");
  writeFileSync(join(folder, "other.toml"), "half =\n");
  const language = page.locator('.statusbar-item[id="status.editor.mode"]');
  await closeAll();
  // Ours first: the other extension starts with its first file, and looks at all that is open then.
  for (const [name, expected] of [["skill.toml", "Skill Manifest"], ["skillyard.toml", "Skillyard Configuration"], ["other.toml", "TOML"]]) {
    await editor.file(`beside/${name}`);
    await language.filter({ hasText: expected }).waitFor();
  }
  await editor.command("Problems: Focus on Problems View");
  await page.locator(".markers-panel .monaco-list-row", { hasText: NEIGHBOUR }).first().waitFor();
  const theirs = `${NEIGHBOUR} [Ln 1, Col 1]`;
  const manifest = ["skillyard [Ln 4, Col 7]", "skillyard [Ln 9, Col 6]"];
  const config = ["skillyard [Ln 1, Col 9]"];
  const once = { "skill.toml": manifest, "skillyard.toml": config, "other.toml": [theirs] };
  await until("each has its own", async () => isDeepStrictEqual(await problems(), once), problems);
  await editor.shot("beside");
  // The other one is awake and does all that it can for a file of its own.
  await editor.file("beside/other.toml");
  await editor.command("Format Document");
  await page.locator(".editor-group-container.active .view-line", { hasText: `# ${NEIGHBOUR}` }).first().waitFor();
  await page.locator(".editor-group-container.active .monaco-editor.focused").first().waitFor();
  await page.keyboard.press("Control+End");
  await page.keyboard.type("max_pal");
  await page.keyboard.press("Control+Space");
  await suggested(NEIGHBOUR).waitFor();
  assert.equal(await suggested("max_palyra_version").count(), 0);
  await page.keyboard.press("Escape");
  await editor.command("File: Revert File");

  // Who gives every file to TOML has both look at ours, until they are named as our page says.
  const settings = join(editor.workspace, ".vscode");
  mkdirSync(settings);
  const advice = /^"files\.associations": \{[^}]*\}/m.exec(readFileSync(join(ROOT, "editors/vscode/README.md"), "utf8"))[0];
  await editor.file("beside/skill.toml");
  writeFileSync(join(settings, "settings.json"), '{ "files.associations": { "*.toml": "toml" } }');
  await language.filter({ hasText: /^TOML$/ }).waitFor();
  const twice = { ...once, "skill.toml": [theirs, ...manifest], "skillyard.toml": [theirs, ...config] };
  await until("both look at ours", async () => isDeepStrictEqual(await problems(), twice), problems);
  writeFileSync(join(settings, "settings.json"), `{ ${advice} }`);
  await language.filter({ hasText: "Skill Manifest" }).waitFor();
  await until("each has its own again", async () => isDeepStrictEqual(await problems(), once), problems);
  rmSync(settings, { recursive: true });
  rmSync(folder, { recursive: true });
  await editor.command("View: Toggle Panel Visibility");
  await closeAll();
  await editor.file("echo/skill.toml");
  await squiggles().first().waitFor();
});

step("a mistake is underlined at its value, explained in a hover, and fixed", async () => {
  assert.equal(await squiggles().count(), 1);
  // Nothing moves any more under what is shown next.
  await lens("Run Tool echo").waitFor();
  await editor.goto(MISTAKE.line, MISTAKE.column);
  await page.keyboard.press("Control+k");
  await page.keyboard.press("Control+i");
  const hover = page.locator(".monaco-hover:visible", { hasText: "does not start with" }).first();
  await hover.waitFor();
  assert.match(await hover.innerText(), /tool\/not-namespaced/);
  // What the server knows of the key stands below.
  await hover.filter({ hasText: "The tool's identity" }).waitFor();
  await editor.shot("hover");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Control+.");
  const fixes = page.locator(".action-widget .monaco-list-row");
  await fixes.filter({ hasText: "Prefix the tool id" }).first().waitFor();
  assert.equal(await fixes.filter({ hasText: "Explain tool/not-namespaced" }).count(), 1);
  await editor.shot("fixes");
  await page.keyboard.press("Enter");
  await squiggles().first().waitFor({ state: "detached" });
  await page.keyboard.press("Control+s");
  await until("the file is fixed", () => editor.read("echo/skill.toml").includes('id = "acme.echo"'));
});

step("it is formatted as on the command line", async () => {
  // Nobody asks which formatter, and the text is ours alone.
  await editor.command("Format Document");
  await page.locator(".editor-group-container.active .view-line", { hasText: 'version = "1.0.0"' }).first().waitFor();
  // The palette that closes may still have the keyboard; a second key could save what is typed after this.
  await page.locator(".editor-group-container.active .monaco-editor.focused").first().waitFor();
  await page.keyboard.press("Control+s");
  await until("the file is formatted", () => editor.read("echo/skill.toml").includes('version = "1.0.0"'));
  const expected = MISTAKEN.replace("version   =   ", "version = ").replace('id = "echo"', 'id = "acme.echo"');
  assert.equal(editor.read("echo/skill.toml"), expected);
});

step("keys and sections are completed where they are begun", async () => {
  await page.keyboard.press("Control+End");
  await page.keyboard.type("max_pal");
  await page.keyboard.press("Control+Space");
  await suggested("max_palyra_version").waitFor();
  assert.equal(await suggested(NEIGHBOUR).count(), 0);
  await suggested("max_palyra_version").click();
  await page.locator(".editor-group-container.active .view-line", { hasText: "max_palyra_version = " }).first().waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("Control+End");
  await page.keyboard.type("\nquot");
  await page.keyboard.press("Control+Space");
  // A snippet; the server's own sections stand beside it.
  await suggested("[capabilities.quotas]").waitFor();
  await suggested(/^quotas/).waitFor();
  await editor.shot("completion");
  await suggested(/^quotas/).click();
  await page.locator(".editor-group-container.active .view-line", { hasText: "wall_clock_timeout_ms" }).first().waitFor();
  await squiggles().first().waitFor({ state: "detached" });
  await page.keyboard.press("Escape");
  await page.keyboard.press("Escape");
  await editor.command("File: Revert File");
  await closeAll();
});

step("a skill is packaged and signed with a key made on the way, and the command line verifies it", async () => {
  await editor.file("greeter/skill.toml");
  await lens("Package and Sign").click();
  await dialog().waitFor();
  assert.match(await dialog().innerText(), /There is no key to sign with yet/);
  await editor.shot("key");
  await choose("Create a signing key");
  const report = await editor.view("main h2");
  await report.locator("h2", { hasText: "is packaged and signed" }).waitFor();
  await editor.shot("packaged");
  const artifact = join(editor.workspace, "greeter/dist/acme.greeter-0.1.0.palyra-skill");
  assert.ok(existsSync(artifact));
  const env = { ...process.env, HOME: editor.home, SKILLYARD_NO_CREDENTIAL_STORE: "1" };
  for (const [name, folder] of [["XDG_CONFIG_HOME", "config"], ["XDG_STATE_HOME", "state"], ["XDG_DATA_HOME", "data"]]) env[name] = join(editor.home, folder);
  delete env.SKILLYARD_HOME;
  const { status, stdout } = spawnSync(SKILLYARD, ["verify", "--allow-tofu", artifact], { env, encoding: "utf8" });
  assert.equal(status, 0, stdout);
});

step("a report is there as JSON too", async () => {
  const report = await editor.view("#json");
  await report.locator("#json").click();
  await page.locator(".editor-group-container.active .view-line", { hasText: "payload_sha256" }).first().waitFor();
  await closeAll();
});

step("verify and audit give reports", async () => {
  await editor.file("greeter/skill.toml");
  await lens("Verify").click();
  await (await editor.view("main h2")).locator("h2", { hasText: "accepted" }).waitFor();
  await editor.shot("verified");
  await lens("Audit").click();
  const deadline = Date.now() + PATIENCE;
  let found;
  while (found === undefined && Date.now() < deadline) {
    for (const frame of page.frames()) {
      const heading = frame.locator("h2", { hasText: "the audit" });
      if ((await heading.count().catch(() => 0)) > 0) found = heading;
    }
    await page.waitForTimeout(50);
  }
  assert.match(await found.innerText(), /passes the audit|fails the audit/);
  await editor.shot("audited");
  await closeAll();
});

step("a tool's input is checked while it is typed, its call approved, and its result shown", async () => {
  await editor.file("guest/skill.toml");
  await lens("Run Tool acme.echo").click();
  const view = await editor.view("#input");
  const input = view.locator("#input");
  await view.locator("#problems.fine li").waitFor();
  assert.ok(JSON.parse(await input.inputValue()).n >= 3, "it begins with an example");
  await input.fill('{"n": 2}');
  await view.locator("#problems li", { hasText: "/n" }).waitFor();
  assert.equal(await view.locator("#run").isDisabled(), true);
  await editor.shot("input");
  // A number that no double holds.
  await input.fill('{"n": 9007199254740993, "said": "<b>hello</b>"}');
  await view.locator("#format").click();
  assert.equal(await input.inputValue(), '{\n  "n": 9007199254740993,\n  "said": "<b>hello</b>"\n}');
  await view.locator("#problems.fine li").waitFor();

  // Who says no gets nothing.
  await view.locator("#run").click();
  await dialog().waitFor();
  const question = await dialog().innerText();
  for (const part of ["acme.echo", "write in the folders", "out"]) assert.ok(question.includes(part), `${part}: ${question}`);
  await editor.shot("approval");
  await choose("Cancel");
  await dialog().waitFor({ state: "detached" });
  await view.locator("#run:enabled").waitFor();
  assert.equal(await view.locator("#result").innerText(), "");

  await input.press("Control+Enter");
  await choose("Run once");
  await view.locator("#result h2", { hasText: "ok" }).waitFor();
  assert.equal(await view.locator("#result meter").count(), 3);
  assert.match(await view.locator("#result pre").first().innerText(), /<b>hello<\/b>/);
  assert.equal(await view.locator("#result b").count(), 0, "what a tool says is text");
  assert.match(await view.locator("#result pre").first().innerText(), /"n": 9007199254740993\b/);
  await editor.shot("ran");
  await view.locator("#json").click();
  await page.locator(".editor-group-container.active .view-line", { hasText: /"n":\s9007199254740993\b/ }).first().waitFor();
});

step("a tool that needs no approval runs at once, with an example for its input", async () => {
  await closeAll();
  await editor.file("greeter/skill.toml");
  await lens("Run Tool acme.greeter.greet").click();
  const view = await editor.view("#input");
  await view.locator("#problems.fine li").waitFor();
  await view.locator("#input").fill('{\n  "name": "Ada"\n}');
  await view.locator("#run").click();
  await view.locator("#result pre", { hasText: "Hello, Ada!" }).waitFor();
  await toast("Run Tool").waitFor({ state: "detached" });
  await view.locator("h1").scrollIntoViewIfNeeded();
  await editor.shot("greeted");
});

step("the last input comes back", async () => {
  await closeAll();
  await editor.file("guest/skill.toml");
  await lens("Run Tool acme.echo").click();
  const view = await editor.view("#input");
  await view.locator("#origin", { hasText: "last" }).waitFor();
  assert.match(await view.locator("#input").inputValue(), /"n": 9007199254740993\b/);
  await closeAll();
});

step("a tool that never ends is cancelled", async () => {
  await editor.file("guest/skill.toml");
  await lens("Run Tool acme.loop").click();
  let view = await editor.view("#input");
  await view.locator("#run:enabled").click();
  await choose("Run once");
  const progress = toast("Run Tool");
  await progress.filter({ hasText: "running" }).waitFor();
  await editor.shot("progress");
  // A view that was covered begins anew, and still knows of the call.
  await editor.file("echo/skill.toml");
  await until("the view is covered", async () => !page.frames().includes(view));
  await page.locator(".tab", { hasText: "Run acme.loop" }).click();
  view = await editor.view("#input");
  await view.locator("#problems.fine li").waitFor();
  await view.locator("body[aria-busy=true]").waitFor();
  assert.equal(await view.locator("#run").isDisabled(), true);
  await progress.locator(".monaco-button", { hasText: "Cancel" }).click();
  await view.locator("#run:enabled").waitFor();
  await progress.waitFor({ state: "detached" });
  assert.equal(servers(editor.home).length, 1, "the worker is gone");
  await closeAll();
});

step("the skills stand in the explorer with their tools, capabilities and artifacts", async () => {
  // Room for it.
  const files = page.locator('.pane-header[aria-label^="Explorer Section"]');
  await files.click();
  await editor.command("Focus on Skills View");
  const tree = page.locator(".pane", { has: page.locator('.pane-header[aria-label^="Skills"]') });
  const row = (words) => tree.locator(".monaco-list-row", { hasText: words }).first();
  const expand = (words) => row(words).locator(".monaco-tl-twistie").click();
  await row("greeter").waitFor();
  // Nobody asked yet what is in them.
  assert.equal(await tree.locator(".monaco-list-row", { hasText: /acme|errors/ }).count(), 0);
  await expand("guest");
  await row("acme.guest 1.0.0").waitFor();
  await row("acme.loop").waitFor();
  // No tool of it says so: it is what the skill may touch that waits for a person.
  await row("acme.echo").filter({ hasText: "needs approval" }).waitFor();
  await expand("Capabilities");
  await row("writes").waitFor();
  await row("fuel budget").filter({ hasText: "9,007,199,254,740,993" }).waitFor();
  // What changed is looked at anew.
  writeFileSync(join(editor.workspace, "guest/skill.toml"), GUEST.replace("1.0.0", "1.0.1"));
  await row("acme.guest 1.0.1").waitFor();
  await row("writes").waitFor();
  writeFileSync(join(editor.workspace, "guest/skill.toml"), GUEST);
  await row("acme.guest 1.0.0").waitFor();
  await expand("closed");
  await row("has errors").filter({ hasText: /errors\s*9:6: the `id`/ }).waitFor();
  // A folder goes as one, with all that is in it.
  const [folder, moved] = ["closed", "moved"].map((name) => join(editor.workspace, name));
  renameSync(folder, moved);
  await row("moved").waitFor();
  await row("closed").waitFor({ state: "detached" });
  renameSync(moved, folder);
  await row("closed").waitFor();
  await row("moved").waitFor({ state: "detached" });
  await expand("greeter");
  await row("acme.greeter 0.1.0").waitFor();
  await tree.locator(".monaco-list-row", { hasText: "Artifacts" }).first().waitFor();
  assert.equal(await tree.locator('.monaco-list-row[aria-label$=", "]').count(), 0);
  await editor.shot("skills");
  await files.click();
  await closeAll();
});

step("the cases of a skill run in the Testing view", async () => {
  await editor.command("Focus on Test Explorer View");
  const tests = page.locator(".test-explorer");
  const listed = (words) => tests.locator(".monaco-list-row", { hasText: words }).first();
  await listed("greeter").waitFor();
  const [folder, moved] = ["greeter", "moved"].map((name) => join(editor.workspace, name));
  renameSync(folder, moved);
  await listed("moved").waitFor();
  await listed("greeter").waitFor({ state: "detached" });
  renameSync(moved, folder);
  await listed("greeter").waitFor();
  await listed("moved").waitFor({ state: "detached" });
  await editor.command("Test: Run All Tests");
  await page.locator(".test-explorer .codicon-testing-passed-icon").first().waitFor();
  await page.locator(".test-explorer .result-summary, .test-explorer-messages, .testing-explorer-summary", { hasText: "3/3" }).first().waitFor();
  await editor.shot("tests");
  await editor.command("View: Show Explorer");
});

step("the task finds what is wrong in files that are not open", async () => {
  await editor.command("Tasks: Run Task");
  const input = page.locator(".quick-input-box input").first();
  await input.fill("skillyard");
  await editor.row("skillyard").waitFor();
  await page.keyboard.press("Enter");
  await editor.pick("check");
  // The one error is counted.
  await page.locator('.statusbar-item[id="status.problems"] [aria-label*="Errors: 1"]').first().waitFor();
  await editor.command("Focus on Problems View");
  await page.locator(".markers-panel .monaco-list-row", { hasText: "does not start with" }).first().waitFor();
  assert.equal(await page.locator(".markers-panel .monaco-list-row", { hasText: "does not start with" }).count(), 1);
  await editor.shot("problems");
  await editor.command("View: Toggle Panel Visibility");
});

step("the page of a rule is shown", async () => {
  await editor.command("Skillyard: Explain Rule");
  const input = page.locator(".quick-input-box input").first();
  await input.fill("tool/not-namespaced");
  await editor.pick("tool/not-namespaced");
  await (await editor.view("main h1")).locator("h1", { hasText: "tool/not-namespaced" }).waitFor();
  await editor.shot("rule");
  await closeAll();
});

step("what a skill may do beyond an artifact is shown", async () => {
  const wider = '\n[capabilities]\nhttp_egress_allowlist = ["api.acme.example"]\n';
  appendFileSync(join(editor.workspace, "greeter/skill.toml"), wider);
  await editor.file("greeter/skill.toml");
  await editor.command("Skillyard: What May It Do Beyond");
  await editor.pick("palyra-skill");
  const view = await editor.view("main table");
  await view.locator("td", { hasText: "api.acme.example" }).first().waitFor();
  await editor.shot("beyond");
  await closeAll();
});

step("an artifact is installed to a folder once its key is trusted", async () => {
  await editor.command("Skillyard: Install to a Folder");
  await editor.pick("palyra-skill");
  // The dialog for folders, as a box to type in.
  const box = page.locator(".quick-input-widget", { hasText: "The folder of installed skills" }).locator(".quick-input-box input").first();
  const folder = join(editor.home, "installed");
  mkdirSync(folder);
  // It begins with a folder of its own, and lists what is in that.
  await editor.row("..").waitFor();
  await box.fill(`${folder}/`);
  await editor.row("modules").waitFor({ state: "detached" });
  await page.locator(".quick-input-widget").getByText("Install Here").click();
  await dialog().waitFor();
  assert.match(await dialog().innerText(), /Nothing is trusted by itself: the publisher .?acme.? is not known/);
  await editor.shot("trust");
  // Whoever swaps the file while the question stands comes too late.
  const artifact = join(editor.workspace, "greeter/dist/acme.greeter-0.1.0.palyra-skill");
  const agreed = readFileSync(artifact);
  writeFileSync(artifact, "another");
  await choose("Trust This Key");
  await (await editor.view("main h2")).locator("h2", { hasText: "is installed" }).waitFor();
  await editor.shot("installed");
  assert.ok(readFileSync(join(folder, "acme.greeter/0.1.0/artifact.palyra-skill")).equals(agreed));
  writeFileSync(artifact, agreed);
  await closeAll();
});

step("manifests that are not open are checked when asked", async () => {
  await editor.command("Skillyard: Check Workspace");
  const report = await editor.view("main h2");
  await report.locator("h3", { hasText: "closed/skill.toml" }).waitFor();
  await editor.shot("workspace");
  // The task told of it before, and nothing is listed twice.
  await editor.command("Focus on Problems View");
  const row = page.locator(".markers-panel .monaco-list-row", { hasText: "does not start with" });
  await row.first().waitFor();
  assert.equal(await row.count(), 1);
  await editor.command("View: Toggle Panel Visibility");
  await closeAll();
});

step("a new skill is made and opened", async () => {
  await editor.command("Skillyard: New Skill");
  const input = page.locator(".quick-input-box input").first();
  await input.fill("Acme");
  await page.locator(".quick-input-message", { hasText: "dots between" }).waitFor();
  await input.fill("acme.mail");
  await page.keyboard.press("Enter");
  await editor.pick("Rust");
  await editor.pick("workspace");
  await page.locator(".editor-group-container.active .view-line", { hasText: "acme.mail" }).first().waitFor();
  assert.ok(existsSync(join(editor.workspace, "acme.mail/modules/tool.wasm")));
});

step("the walkthrough leads to a first skill", async () => {
  await closeAll();
  await editor.command("Open Walkthrough");
  await page.locator(".quick-input-box input").first().fill("Your First Skill");
  await editor.pick("Your First Skill");
  const steps = page.locator(".gettingStartedContainer .step-title");
  await steps.filter({ hasText: "Make a skill" }).first().waitFor();
  assert.deepEqual(
    (await steps.allInnerTexts()).map((text) => text.trim()),
    ["Make a skill", "Write its manifest", "Run a tool", "Test it", "Package and sign it"],
  );
  await editor.shot("walkthrough");
});

step("at the level Trace the log has what goes between the editor and the server", async () => {
  const sent = "Sending notification 'textDocument/didOpen'";
  assert.ok(!(await logged()).includes(sent));
  await editor.logLevel("Skillyard", "Trace");
  // The level comes to the extension's process later than the list closes, and only what is sent from then on is logged.
  await until("the level holds", async () => (await logged()).includes("Sending notification '$/setTrace'"));
  await closeAll();
  await editor.file("echo/skill.toml");
  await until("the log has it", async () => (await logged()).includes(sent));
});

step("the server that is killed comes back by itself, and its state is shown", async () => {
  const [old] = servers(editor.home);
  process.kill(old, "SIGKILL");
  await until("another server", () => servers(editor.home).some((pid) => pid !== old));
  await closeAll();
  await editor.file("closed/skill.toml");
  await squiggles().first().waitFor();
  await page.locator('.statusbar-item[id="status.languageStatus"]').first().click();
  await page.locator(".hover-language-status", { hasText: "Skillyard 0.1.0" }).first().waitFor();
  await editor.shot("status");
});
