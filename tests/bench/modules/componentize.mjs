// node componentize.mjs quickjs|spidermonkey SOURCE WIT OUTPUT: a component from a JavaScript file.
// It runs where node_modules is; `cargo xtask bench` copies it there.

import { readFile, writeFile } from 'node:fs/promises';

const engines = {
  // The engine's small build, without the component model's async functions, which hosts are only learning.
  async quickjs(jsSource, witPath) {
    const { componentize } = await import('componentize-qjs');
    return componentize({ jsSource, witPath, world: 'skill', stubWasi: true, optSize: true, sync: true });
  },
  async spidermonkey(source, witPath) {
    const { componentize } = await import('@bytecodealliance/componentize-js');
    // A tool without grants asks its host for nothing.
    const disableFeatures = ['stdio', 'random', 'clocks', 'http', 'fetch-event'];
    return componentize(source, { witPath, worldName: 'skill', disableFeatures });
  },
};

const [engine, source, wit, output] = process.argv.slice(2);
const { component } = await engines[engine](await readFile(source, 'utf8'), wit);
await writeFile(output, component);
