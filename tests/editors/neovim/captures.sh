#!/bin/sh
# Takes what a person sees of the reports in Neovim, as text and with colours (.ansi: `cat` shows it), to be looked at.
#
#   tests/editors/neovim/captures.sh NVIM SKILLYARD OUT
#
# NVIM and SKILLYARD are programs, OUT a folder. Needs tmux. Waits for each screen and fails where one does not come.
set -eu

nvim=$(realpath "$1")
skillyard=$(realpath "$2")
mkdir -p "$3"
out=$(realpath "$3")
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)

home=$(mktemp -d)
socket="skillyard-captures-$$"
# Whatever the language of who runs it: the bars of a report are no ASCII.
export LC_ALL=C.UTF-8
tmux() { command tmux -u -L "$socket" -f /dev/null "$@"; }
trap 'tmux kill-server 2>/dev/null || true; rm -rf "$home"' EXIT

mkdir "$home/skill" "$home/bin"
cp "$skillyard" "$home/bin/skillyard"
cp -r "$root/tests/fixtures/greeter/." "$home/skill"
# Something to approve, and something to explain.
sed -i 's/^\[compat\]/[capabilities.filesystem]\nwrite_roots = ["out"]\n\n[compat]/' "$home/skill/skill.toml"

tmux new-session -d -x "${COLUMNS:-110}" -y "${LINES:-34}" -c "$home/skill" \
  env HOME="$home" PATH="$home/bin:$PATH" TERM=tmux-256color COLORTERM=truecolor SKILLYARD_NO_CREDENTIAL_STORE=1 \
  XDG_CONFIG_HOME="$home/config" XDG_STATE_HOME="$home/state" XDG_DATA_HOME="$home/data" XDG_CACHE_HOME="$home/cache" \
  "$nvim" --clean --cmd "set rtp^=$root/editors/neovim" skill.toml

# Waits until the screen shows some words: such as stand in a report, and not in the line below that tells of it.
see() {
  left=2400
  until tmux capture-pane -p | grep -qF -- "$1"; do
    left=$((left - 1))
    if [ "$left" = 0 ]; then
      echo "waited in vain for: $1" >&2
      tmux capture-pane -p >&2
      exit 1
    fi
    sleep 0.05
  done
}
keep() {
  tmux capture-pane -p >"$out/$1.txt"
  tmux capture-pane -pe >"$out/$1.ansi"
}
type() { tmux send-keys -l "$1"; tmux send-keys Enter; }

see 'Run Tool acme'
keep lenses
type ':Skillyard audit'
see 'A daemon'"'"'s checks'
keep audit
tmux send-keys q
type ':Skillyard package'
see 'Create a signing key'
keep package-asks
type 1
see 'provenance.json'
keep package
tmux send-keys q
type ':Skillyard verify'
see 'A daemon alone'
keep verify
tmux send-keys q
type ':Skillyard run'
see 'Input of '
keep run-input
tmux send-keys Enter
see 'Approve it'
keep run-approval
type 1
see 'memory, bytes'
keep run
tmux send-keys zM
see 'more)'
keep run-folded
tmux send-keys q
type ':Skillyard test'
see 'nameless.json'
keep test
tmux send-keys q
type ':let g:skillyard = {"report": "float"} | Skillyard explain egress/port'
see 'A host has a port'
keep explain-float
tmux send-keys q
type ':checkhealth skillyard'
see 'This machine'
keep health
type ':qa!'
