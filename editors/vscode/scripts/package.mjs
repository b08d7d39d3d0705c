// Makes a .vsix: `node scripts/package.mjs [--out FOLDER] [--target linux-x64 --binary PATH]`.
//
// Without a target it is for every platform and carries no server; with one it carries the program for it. The same
// sources give the same bytes, whenever and wherever: a .vsix is a ZIP archive of the extension beside two XML files.

import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";

import { build } from "./build.mjs";
import { zip } from "./zip.mjs";

const TARGETS = ["linux-x64", "linux-arm64", "linux-armhf", "alpine-x64", "alpine-arm64", "darwin-x64", "darwin-arm64", "win32-x64", "win32-arm64"];

/** What goes in, from the extension's folder. */
const FILES = ["package.json", "README.md", "language-configuration.json", "dist", "images", "media", "snippets", "syntaxes", "walkthrough"];
const SHARED = ["LICENSE-MIT", "LICENSE-APACHE"];

const TYPES = {
  css: "text/css", js: "application/javascript", json: "application/json", md: "text/markdown", png: "image/png",
  svg: "image/svg+xml", txt: "text/plain", vsixmanifest: "text/xml",
};

const { values } = parseArgs({
  options: { out: { type: "string" }, target: { type: "string" }, binary: { type: "string" } },
});
if ((values.target === undefined) !== (values.binary === undefined)) throw new Error("--target and --binary go together");
if (values.target !== undefined && !TARGETS.includes(values.target)) throw new Error(`--target is one of ${TARGETS.join(", ")}`);
const binary = values.binary === undefined ? undefined : resolve(values.binary);
const out = resolve(values.out ?? join(import.meta.dirname, "..", "..", "..", "target", "vsix"));

await build();
const about = JSON.parse(readFileSync("package.json", "utf8"));
const files = FILES.flatMap(under).map((path) => ({ name: `extension/${path}`, bytes: content(path), executable: false }));
files.push(...SHARED.map((name) => ({ name: `extension/${name}.txt`, bytes: readFileSync(join("..", "..", name)), executable: false })));
if (binary !== undefined) {
  const name = values.target.startsWith("win32") ? "skillyard.exe" : "skillyard";
  files.push({ name: `extension/bin/${name}`, bytes: readFileSync(binary), executable: true });
}
files.push(
  { name: "extension.vsixmanifest", bytes: Buffer.from(manifest()), executable: false },
  { name: "[Content_Types].xml", bytes: Buffer.from(contentTypes(files)), executable: false },
);
mkdirSync(out, { recursive: true });
const path = join(out, `${about.name}-${about.version}${values.target === undefined ? "" : `-${values.target}`}.vsix`);
const archive = zip(files);
writeFileSync(path, archive);
console.log(`${path} ${archive.length}`);

/** The files at or below a path, with slashes. */
function under(path) {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path).sort().flatMap((name) => under(`${path}/${name}`));
}

/** The package file goes in without what only those who build it need. */
function content(path) {
  if (path !== "package.json") return readFileSync(path);
  const { scripts: _1, devDependencies: _2, dependencies: _3, overrides: _4, ...rest } = about;
  return Buffer.from(`${JSON.stringify(rest, null, 2)}\n`);
}

function manifest() {
  const { name, displayName, description, version, publisher, categories, keywords, engines, extensionKind, icon } = about;
  // With the second one the marketplace offers it where an editor runs in a browser alone.
  const tags = [...keywords, ...(about.browser === undefined ? [] : ["__web_extension"])];
  const platform = values.target === undefined ? "" : ` TargetPlatform="${values.target}"`;
  const property = (id, value) => `      <Property Id="Microsoft.VisualStudio.Code.${id}" Value="${xml(value)}"/>`;
  const asset = (type, path) => `    <Asset Type="${type}" Path="extension/${path}" Addressable="true"/>`;
  return `<?xml version="1.0" encoding="utf-8"?>
<PackageManifest Version="2.0.0" xmlns="http://schemas.microsoft.com/developer/vsx-schema/2011">
  <Metadata>
    <Identity Language="en-US" Id="${xml(name)}" Version="${xml(version)}" Publisher="${xml(publisher)}"${platform}/>
    <DisplayName>${xml(displayName)}</DisplayName>
    <Description xml:space="preserve">${xml(description)}</Description>
    <Tags>${xml(tags.join(","))}</Tags>
    <Categories>${xml(categories.join(","))}</Categories>
    <GalleryFlags>Public</GalleryFlags>
    <License>extension/LICENSE-MIT.txt</License>
    <Icon>extension/${xml(icon)}</Icon>
    <Properties>
${[property("Engine", engines.vscode), property("ExtensionDependencies", ""), property("ExtensionPack", ""), property("ExtensionKind", extensionKind.join(",")), property("ExecutesCode", "true")].join("\n")}
    </Properties>
  </Metadata>
  <Installation>
    <InstallationTarget Id="Microsoft.VisualStudio.Code"/>
  </Installation>
  <Dependencies/>
  <Assets>
${[asset("Microsoft.VisualStudio.Code.Manifest", "package.json"), asset("Microsoft.VisualStudio.Services.Content.Details", "README.md"), asset("Microsoft.VisualStudio.Services.Content.License", "LICENSE-MIT.txt"), asset("Microsoft.VisualStudio.Services.Icons.Default", icon)].join("\n")}
  </Assets>
</PackageManifest>
`;
}

function contentTypes(all) {
  const extensions = new Set(["vsixmanifest"]);
  const whole = [];
  for (const { name } of all) {
    const file = basename(name);
    if (file.includes(".")) extensions.add(file.slice(file.lastIndexOf(".") + 1));
    else whole.push(name);
  }
  const type = (extension) => TYPES[extension] ?? "application/octet-stream";
  const defaults = [...extensions].sort().map((one) => `  <Default Extension=".${one}" ContentType="${type(one)}"/>`);
  const overrides = whole.sort().map((one) => `  <Override PartName="/${one}" ContentType="application/octet-stream"/>`);
  return `<?xml version="1.0" encoding="utf-8"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
${[...defaults, ...overrides].join("\n")}
</Types>
`;
}

function xml(text) {
  return String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}
