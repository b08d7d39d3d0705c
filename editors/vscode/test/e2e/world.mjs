// A real VS Code for tests: code-server with the packaged extension, and Chromium in front of it.

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { chromium } from "playwright-core";

import { zip } from "../../scripts/zip.mjs";

const need = (name) => {
  const value = process.env[name];
  if (value === undefined || value === "") throw new Error(`${name} is not set; \`cargo xtask test\` sets it`);
  return resolve(value);
};

/** The program under test. */
export const SKILLYARD = need("SKILLYARD_TEST_PROGRAM");
/** code-server's entry point. */
const CODE_SERVER = need("SKILLYARD_TEST_CODE_SERVER");
/** The folder with the packaged extension. */
const PACKAGES = need("SKILLYARD_TEST_VSIX");
const { version } = JSON.parse(readFileSync(join(import.meta.dirname, "../../package.json"), "utf8"));
const UNIVERSAL = join(PACKAGES, `skillyard-${version}.vsix`);
/** Where screenshots and logs are kept. */
const KEPT = need("SKILLYARD_TEST_KEPT");
export const ROOT = resolve(import.meta.dirname, "../../../..");

/** How long something that has to happen may take. */
export const PATIENCE = 120_000;

/** How long what is already there takes to show; after it the way there is gone again. Milliseconds. */
const SOON = 15_000;

const SETTINGS = {
  "workbench.startupEditor": "none",
  "workbench.tips.enabled": false,
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "window.menuBarVisibility": "compact",
  "editor.minimap.enabled": false,
  "editor.accessibilitySupport": "off",
  "explorer.confirmDragAndDrop": false,
  "files.autoSave": "off",
  "extensions.ignoreRecommendations": true,
  "chat.commandCenter.enabled": false,
  "security.workspace.trust.banner": "never",
  "telemetry.telemetryLevel": "off",
};

const installed = new Map();

/** A folder of extensions with a package in it and, from its folder, one of somebody else beside it. Made once. */
function extensions(vsix, beside) {
  const key = JSON.stringify([vsix, beside]);
  if (!installed.has(key)) {
    const folder = mkdtempSync(join(tmpdir(), "skillyard-extensions-"));
    const user = mkdtempSync(join(tmpdir(), "skillyard-user-"));
    process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
    const folders = ["--extensions-dir", folder, "--user-data-dir", user, "--config", join(user, "cfg.yaml")];
    const packages = beside === undefined ? [vsix] : [vsix, packed(beside, user)];
    const install = packages.flatMap((path) => ["--install-extension", path]);
    const { status, stdout, stderr } = spawnSync(process.execPath, [CODE_SERVER, ...folders, ...install], {
      env: { ...process.env, ...QUIET },
      encoding: "utf8",
    });
    rmSync(user, { recursive: true, force: true });
    if (status !== 0) throw new Error(`the extension does not install: ${stdout}${stderr}`);
    installed.set(key, folder);
  }
  return installed.get(key);
}

/** An extension as a package: code-server starts none from its plain folder. */
function packed(folder, into) {
  const names = readdirSync(folder, { recursive: true }).filter((name) => statSync(join(folder, name)).isFile());
  const files = names.map((name) => ({ name: `extension/${name}`, bytes: readFileSync(join(folder, name)), executable: false }));
  const path = join(into, `${basename(folder)}.vsix`);
  writeFileSync(path, zip(files));
  return path;
}

// Who ends the test ends the editors too.
const running = new Set();
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));
process.on("exit", () => running.forEach((end) => end()));

const QUIET = {
  EXTENSIONS_GALLERY: JSON.stringify({ serviceUrl: "http://127.0.0.1:9/none", itemUrl: "", controlUrl: "", nlsBaseUrl: "" }),
};

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/**
 * Starts an editor. `skills` are folders to copy into the workspace, by their names there; `trust` asks for trust as VS Code
 * does out of the box; `program` false leaves the PATH without ours; `settings` go over the usual ones; `prepare` has the last hand at the
 * workspace; `vsix` is another package than the one for every platform; `beside` is the folder of one more extension; `roots` are
 * the folders of a workspace that has several, below the one with all files.
 */
export async function open({ name, skills = {}, files = {}, trust = false, program = true, settings = {}, prepare, vsix, beside, roots }) {
  const home = mkdtempSync(join(tmpdir(), "skillyard-home-"));
  const workspace = join(home, "workspace");
  mkdirSync(workspace);
  for (const [into, from] of Object.entries(skills)) cpSync(from, join(workspace, into), { recursive: true });
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(workspace, path)), { recursive: true });
    writeFileSync(join(workspace, path), text);
  }
  prepare?.({
    workspace,
    write: (path, change) => writeFileSync(join(workspace, path), change(readFileSync(join(workspace, path), "utf8"))),
  });
  const user = join(home, "user");
  mkdirSync(join(user, "User"), { recursive: true });
  writeFileSync(join(user, "User", "settings.json"), JSON.stringify({ ...SETTINGS, ...settings }));
  const connections = join(home, "connections.log");
  const port = await freePort();
  const without = (process.env.PATH ?? "").split(":").filter((folder) => !existsSync(join(folder, "skillyard")));
  const path = [...(program ? [dirname(SKILLYARD)] : []), ...without].join(":");
  // The editor asks a login shell for the environment of the person, as on a desktop.
  writeFileSync(join(home, ".profile"), `export PATH='${path}'\n`);
  const env = {
    ...process.env,
    ...QUIET,
    HOME: home,
    SHELL: "/bin/bash",
    XDG_CONFIG_HOME: join(home, "config"),
    XDG_STATE_HOME: join(home, "state"),
    XDG_DATA_HOME: join(home, "data"),
    XDG_CACHE_HOME: join(home, "cache"),
    SKILLYARD_NO_CREDENTIAL_STORE: "1",
    PATH: path,
    NODE_OPTIONS: `--require ${join(import.meta.dirname, "connections.cjs")}`,
    SKILLYARD_TEST_CONNECTIONS: connections,
  };
  for (const gone of ["PALYRA_SKILLS_TRUST_STORE", "DBUS_SESSION_BUS_ADDRESS", "SKILLYARD_HOME", "VSCODE_IPC_HOOK_CLI"]) delete env[gone];
  const args = [
    CODE_SERVER, "--bind-addr", `127.0.0.1:${port}`, "--auth", "none", "--disable-telemetry", "--disable-update-check",
    "--disable-getting-started-override", ...(trust ? [] : ["--disable-workspace-trust"]), "--user-data-dir", user,
    "--extensions-dir", extensions(vsix ?? UNIVERSAL, beside), "--config", join(user, "cfg.yaml"), workspace,
  ];
  const server = spawn(process.execPath, args, { env, cwd: home, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  const kill = () => {
    if (server.exitCode === null && server.signalCode === null) process.kill(-server.pid, "SIGKILL");
  };
  running.add(kill);
  mkdirSync(KEPT, { recursive: true });
  const log = join(KEPT, `${name}.log`);
  rmSync(log, { force: true });
  // A picture of an earlier run would pass for one of this.
  for (const kept of readdirSync(KEPT)) if (kept.startsWith(`${name}-`) && kept.endsWith(".png")) rmSync(join(KEPT, kept));
  const listening = new Promise((done, fail) => {
    const hear = (chunk) => {
      appendFileSync(log, chunk);
      if (String(chunk).includes("HTTP server listening")) done();
    };
    server.stdout.on("data", hear);
    server.stderr.on("data", hear);
    server.on("exit", (code) => fail(new Error(`code-server ended with ${code}; see ${log}`)));
  });
  await listening;
  const browser = await chromium.launch({
    executablePath: process.env.SKILLYARD_TEST_CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  const context = await browser.newContext({ viewport: { width: 1360, height: 860 } });
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  const requests = [];
  context.on("request", (request) => requests.push(request.url()));
  const origin = `http://127.0.0.1:${port}`;
  const editor = new Editor({ page, workspace, home, name, requests, origin, connections, log });
  const several = join(home, "several.code-workspace");
  if (roots) writeFileSync(several, JSON.stringify({ folders: roots.map((root) => ({ path: join(workspace, root) })) }));
  const shown = roots ? `workspace=${encodeURIComponent(several)}` : `folder=${encodeURIComponent(workspace)}`;
  await page.goto(`${origin}/?${shown}`);
  await page.locator(".monaco-workbench .explorer-folders-view").first().waitFor();
  editor.close = async () => {
    await browser.close();
    server.removeAllListeners("exit");
    if (server.exitCode === null) {
      process.kill(-server.pid, "SIGTERM");
      await Promise.race([once(server, "exit"), new Promise((done) => setTimeout(done, 5000).unref())]);
    }
    kill();
    running.delete(kill);
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  };
  return editor;
}

/** What a person does at the editor. */
class Editor {
  #shots = 0;

  constructor(parts) {
    Object.assign(this, parts);
  }

  /** Keeps a picture. */
  async shot(what) {
    this.#shots += 1;
    await this.page.screenshot({ path: join(KEPT, `${this.name}-${String(this.#shots).padStart(2, "0")}-${what}.png`) });
  }

  /**
   * Opens the quick input by a key, types, and does what follows. Once more where the input went away meanwhile: one that is
   * closing takes the next one with it, and a view that is gone takes the keyboard's focus.
   */
  async #quick(key, text, then) {
    const { page } = this;
    const input = page.locator(".quick-input-box input").first();
    const deadline = Date.now() + PATIENCE;
    for (let attempt = 0; ; attempt += 1) {
      try {
        if (attempt % 2 === 0) await page.keyboard.press(key);
        else await page.locator(".command-center .command-center-center").first().click({ timeout: 5000 });
        await input.fill(text, { timeout: 3000 });
        return await then(input);
      } catch (error) {
        if (Date.now() > deadline) throw error;
        await page.keyboard.press("Escape");
      }
    }
  }

  /** Runs a command of the palette by its title. */
  async command(title) {
    await this.#quick("F1", `>${title}`, () => this.pick(title, SOON));
  }

  /** Takes a row of what the quick input offers. Once more where the list was drawn anew under the pointer. */
  async pick(words, timeout = PATIENCE) {
    const row = this.row(words);
    for (let attempt = 1; ; attempt += 1) {
      await row.click({ timeout });
      try {
        return await row.waitFor({ state: "hidden", timeout: 5000 });
      } catch (error) {
        if (attempt === 3) throw error;
      }
    }
  }

  /** Sets how much a channel logs. Once more where the first list, as it closed, took the next one with it. */
  async logLevel(channel, level) {
    const deadline = Date.now() + PATIENCE;
    for (;;) {
      try {
        await this.command("Developer: Set Log Level...");
        await this.page.locator(".quick-input-box input").first().fill(channel, { timeout: SOON });
        await this.pick(channel, SOON);
        return await this.pick(level, SOON);
      } catch (error) {
        if (Date.now() > deadline) throw error;
        await this.page.keyboard.press("Escape");
      }
    }
  }

  /** A row of what the quick input offers. */
  row(words) {
    return this.page.locator(".quick-input-list .monaco-list-row", { hasText: words }).first();
  }

  /** Opens a file of the workspace. */
  async file(path) {
    // What was there before what was typed is found is another file's.
    const [name, folder] = [basename(path), dirname(path)];
    const rows = this.page.locator(".quick-input-list .monaco-list-row", { hasText: name });
    const row = (folder === "." ? rows : rows.filter({ hasText: folder })).first();
    const shown = this.page.locator(".editor-group-container.active .breadcrumbs-control", { hasText: name });
    const there = shown.filter({ hasText: folder === "." ? "" : folder });
    await this.#quick("Control+p", path, async () => {
      await row.click({ timeout: 10_000 });
      await there.waitFor({ timeout: 10_000 });
    });
    await this.page.locator(".editor-group-container.active .monaco-editor .view-line").first().waitFor();
  }

  /** Puts the cursor at a line and column, both from 1. */
  async goto(line, column = 1) {
    await this.#quick("Control+g", `:${line}:${column}`, async (input) => {
      await this.page.keyboard.press("Enter");
      await input.waitFor({ state: "hidden", timeout: 10_000 });
    });
  }

  /** The inner frame of the view with a title, and its page. */
  async view(selector) {
    const deadline = Date.now() + PATIENCE;
    while (Date.now() < deadline) {
      for (const frame of this.page.frames()) {
        if ((await frame.locator(selector).count().catch(() => 0)) > 0) return frame;
      }
      await this.page.waitForTimeout(50);
    }
    throw new Error(`no view has ${selector}`);
  }

  read(path) {
    return readFileSync(join(this.workspace, path), "utf8");
  }

  /** The addresses that the editor's side connected to. */
  connected() {
    return existsSync(this.connections) ? readFileSync(this.connections, "utf8").split("\n").filter(Boolean) : [];
  }
}
