#!/usr/bin/env bash
# windows.sh [COMMAND…]: claviger for x86_64-pc-windows-gnu, run under Wine; without a command, the whole lane.
# Installs (Debian, as root) the compiler, the assembler and Wine; all else is kept in target/cross.
# Wine enforces neither a pipe's access list nor its first-instance flag: what hangs on these is checked by a real Windows
# only (.github/workflows). Exit status 77: cannot be checked here at all.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly cross=$PWD/target/cross
readonly target=x86_64-pc-windows-gnu
readonly packages="gcc-mingw-w64-x86-64-posix wine wine64 nasm"

install_tools() {
    local program
    for program in x86_64-w64-mingw32-gcc wine nasm; do
        type -P "$program" >/dev/null || set -- "$@" "$program"
    done
    [ $# -gt 0 ] || return 0
    if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
        echo "windows.sh: $* missing, and only root on Debian can install them: apt-get install --no-install-recommends $packages" >&2
        exit 77
    fi
    echo "installing: $packages"
    # shellcheck disable=SC2086 # a list of words on purpose
    if ! { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages >/dev/null; }; then
        echo "windows.sh: $packages cannot be installed" >&2
        exit 77
    fi
}

# Wine 8 lacks the one function from which Rust's standard library has its randomness.
make_prefix() {
    local system=$WINEPREFIX/drive_c/windows/system32
    [ ! -e "$WINEPREFIX/.ready" ] || return 0
    rm -rf "$WINEPREFIX"
    if ! timeout 180 wineboot -i >/dev/null 2>&1; then
        echo "windows.sh: Wine does not start here" >&2
        exit 77
    fi
    cat >"$cross/prng.c" <<'C'
#include <windows.h>
#include <ntsecapi.h>
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE p, SIZE_T n) {
    while (n) { ULONG k = n > 0x10000000 ? 0x10000000 : (ULONG)n; if (!RtlGenRandom(p, k)) return FALSE; p += k; n -= k; }
    return TRUE;
}
C
    [ -e "$system/bcryptprimitives.dll" ] \
        || x86_64-w64-mingw32-gcc -O2 -shared -s -o "$system/bcryptprimitives.dll" "$cross/prng.c" -ladvapi32
    timeout 60 wine winecfg -v win10
    # Windows and their messages without a display.
    timeout 60 wine reg add 'HKCU\Software\Wine\Drivers' /v Graphics /d null /f >/dev/null
    timeout 60 wineserver -w
    touch "$WINEPREFIX/.ready"
}

# A server on this machine for PuTTY's plink to log in to. What the tests have to know of it is in the files of a folder.
start_sshd() {
    local sshd port line attempt
    sshd=$(PATH=$PATH:/usr/sbin type -P sshd) || return 1
    server=$(mktemp -d)
    ssh-keygen -q -t ed25519 -N '' -f "$server/host_key"
    ssh-keygen -l -f "$server/host_key.pub" | cut -d ' ' -f 2 >"$server/fingerprint"
    id -un >"$server/user"
    [ "$(id -u)" != 0 ] || mkdir -p -m 0755 /run/sshd
    # A port may be somebody's: then it ends at once, and another one is tried.
    for attempt in {1..20}; do
        port=$((RANDOM % 20000 + 20000 + attempt))
        printf '%s\n' "ListenAddress 127.0.0.1:$port" "HostKey $server/host_key" "AuthorizedKeysFile $server/authorized_keys" \
            "PidFile none" "UsePAM no" "StrictModes no" "PermitRootLogin yes" \
            "PasswordAuthentication no" "KbdInteractiveAuthentication no" >"$server/config"
        exec {sshd_log}< <(exec "$sshd" -D -e -f "$server/config" 2>&1)
        sshd_pid=$!
        while read -r -u "$sshd_log" line; do
            case $line in *"Server listening on"*) echo "$port" >"$server/port"; return 0 ;; esac
        done
    done
    return 1
}

# Programs that are not ours, for tests that are told of them by these variables. Wine's drive Z: is this machine's root.
find_foreign() {
    local status=0
    .ci/putty.sh "$cross" || status=$?
    [ "$status" = 0 ] || [ "$status" = 77 ] || return "$status"
    if [ "$status" = 77 ] || ! start_sshd; then
        echo "!! NOT CHECKED: logins by PuTTY's programs under Wine: no PuTTY or no sshd to be had (see above)"
        return 0
    fi
    export CLAVIGER_TEST_PUTTY=Z:$cross/putty/bin CLAVIGER_TEST_SSHD=Z:$server
}

# One program of tests, which must not eat the list of the others.
run() {
    echo "running: $*"
    timeout 600 wine "$@" </dev/null
}

finish() {
    timeout 60 wineserver -k || true
    [ -z "${sshd_pid-}" ] || kill "$sshd_pid" 2>/dev/null || true
    [ -z "${server-}" ] || rm -rf "$server"
}

main() {
    install_tools
    mkdir -p "$cross"
    .ci/cross-std.sh "$cross" "$target"
    # A prefix of its own for each run that is told so: several may run at once.
    export WINEPREFIX=${CLAVIGER_WINEPREFIX:-$cross/prefix} WINEDEBUG=${WINEDEBUG:--all}
    export WINEDLLOVERRIDES="mscoree,mshtml,winedbg.exe="
    export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUSTFLAGS="--sysroot=$cross/sysroot"
    export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUSTDOCFLAGS="--sysroot=$cross/sysroot"
    export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER="timeout 600 wine"
    # Half the time of building them as for a release; the tests do not notice.
    local settings=(--config 'profile.dev.package."*".opt-level=1')
    if [ $# -gt 0 ]; then
        make_prefix
        # Before a "--", behind which cargo would pass them on.
        [ "$1" != cargo ] || set -- cargo "$2" "${settings[@]}" --target "$target" "${@:3}"
        "$@"
        return
    fi
    # One set of features for all of it, so that each crate is built once.
    local built what=(--workspace --lib --test windows --locked "${settings[@]}" --target "$target")
    cargo clippy --bins "${what[@]}" -- -D warnings
    make_prefix
    trap finish EXIT
    find_foreign
    cargo test "${what[@]}" --no-run --message-format=json-render-diagnostics \
        | sed -n 's/.*"executable":"\([^"]*\.exe\)".*/\1/p' >"target/$target/tests.list"
    while read -r built; do
        case $built in
            # Of the library's tests those that need no program and no path of Unix.
            */deps/claviger-*) run "$built" wire:: policy:: key:: history:: session:: token:: --skip key::whole --skip key::fingerprint ;;
            */deps/*) run "$built" ;;
        esac
    done <"target/$target/tests.list"
}

main "$@"
