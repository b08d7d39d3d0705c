// Makes a tool component of tool.js. Arguments: where componentize-js is installed, and where the component goes.
import { writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [from, to] = process.argv.slice(2);
const library = `${from}/node_modules/@bytecodealliance/componentize-js/src/componentize.js`;
const { componentize } = await import(pathToFileURL(library));
const { component } = await componentize({
  sourcePath: new URL("tool.js", import.meta.url).pathname,
  witPath: new URL("../../schema/wit", import.meta.url).pathname,
  worldName: "skill",
  disableFeatures: ["stdio", "random", "clocks", "http", "fetch-event"],
});
writeFileSync(to, component);
