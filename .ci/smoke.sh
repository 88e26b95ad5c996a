#!/usr/bin/env bash
# smoke.sh [--service] [CLAVIGER]: an agent as a person uses it, with this system's own OpenSSH: added to, listed, signed
# with, and what the service would be. For systems where tests/run cannot install its tools (macOS); runs on Linux too.
# --service installs and removes the login service of the user who runs this, and asks launchd's socket: for a machine
# that is nobody's (a workflow's runner), on macOS only.
set -euo pipefail
cd "$(dirname "$0")/.."

with_service=
if [ "${1:-}" = --service ]; then with_service=yes; shift; fi
claviger=$(cd "$(dirname "${1:-target/debug/claviger}")" && pwd)/$(basename "${1:-target/debug/claviger}")
readonly claviger with_service

# Short, as a socket's path may have 103 bytes on macOS.
home=$(mktemp -d /tmp/smoke.XXXXXX)
agent=
readonly home
clean_up() {
    [ -z "$agent" ] || kill "$agent" 2>/dev/null || true
    rm -rf "$home"
}
trap clean_up EXIT INT TERM

say() { echo "== $*"; }

in_home() { env HOME="$home" SSH_AUTH_SOCK="$home/agent.sock" CLAVIGER_CONFIG="$home/config.toml" "$@"; }

# An agent that answers, even that it has no keys (1), is there; 2 means that none is.
answers() { local status=0; env SSH_AUTH_SOCK="$1" ssh-add -l >/dev/null 2>&1 || status=$?; [ "$status" -le 1 ]; }

start_agent() {
    # Not through the function: its number would be that of a shell around the agent.
    env HOME="$home" CLAVIGER_CONFIG="$home/config.toml" "$claviger" agent -D -a "$home/agent.sock" >"$home/log" 2>&1 &
    agent=$!
    local left=600
    until answers "$home/agent.sock"; do
        if ! kill -0 "$agent" 2>/dev/null || [ $((left -= 1)) = 0 ]; then
            cat "$home/log" >&2
            return 1
        fi
        sleep 0.1
    done
}

# With the private file gone, only the agent can have signed.
add_list_sign() {
    ssh-keygen -q -t ed25519 -N '' -C smoke@test -f "$home/key"
    in_home ssh-add -q "$home/key"
    in_home ssh-add -l | grep -F smoke@test
    in_home ssh-add -T "$home/key.pub"
    rm "$home/key"
    echo "some text" >"$home/text"
    in_home ssh-keygen -q -Y sign -n file -f "$home/key.pub" "$home/text"
    echo "smoke@test $(cat "$home/key.pub")" >"$home/signers"
    ssh-keygen -Y verify -n file -f "$home/signers" -I smoke@test -s "$home/text.sig" <"$home/text"
    in_home "$claviger" list | grep -F smoke@test
    in_home "$claviger" status
}

show_service() {
    in_home "$claviger" service install --dry-run --program "$claviger" | tee "$home/dry-run"
    [ ! -e "$home/Library" ]
    command -v plutil >/dev/null || return 0
    "$claviger" service install --dry-run --for macos | sed -n '/^<?xml/,/^<\/plist>/p' >"$home/org.claviger.agent.plist"
    plutil -lint "$home/org.claviger.agent.plist"
}

# launchd names the socket that it made in what it prints of the service.
ask_service() {
    "$claviger" service install --program "$claviger"
    plutil -lint ~/Library/LaunchAgents/org.claviger.agent.plist
    "$claviger" service status
    local socket
    socket=$(launchctl print "gui/$(id -u)/org.claviger.agent" | sed -n 's/^.*path = \(.*Listeners\)$/\1/p' | head -n 1)
    local status=0
    answers "$socket" || status=1
    "$claviger" service uninstall
    [ ! -e ~/Library/LaunchAgents/org.claviger.agent.plist ]
    return "$status"
}

say "an agent on a socket"; start_agent
say "add, list, sign"; add_list_sign
say "the service, as it would be"; show_service
if [ -n "$with_service" ]; then say "the service, started by launchd"; ask_service; fi
say "all well"
