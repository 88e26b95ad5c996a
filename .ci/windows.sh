#!/usr/bin/env bash
# windows.sh [CARGO-COMMAND…]: claviger for x86_64-pc-windows-gnu, run under Wine; without a command, the whole lane.
# Installs (Debian, as root) the compiler, the assembler and Wine; all else is kept in target/cross.
# Wine enforces neither a pipe's access list nor its first-instance flag, and shows no dialog without a display: what
# hangs on these is checked by a real Windows only (.github/workflows). Exit status 77: cannot be checked here at all.
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
    apt-get update -qq
    # shellcheck disable=SC2086 # a list of words on purpose
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages >/dev/null
}

# Wine 8 lacks the one function from which Rust's standard library has its randomness.
make_prefix() {
    local system=$WINEPREFIX/drive_c/windows/system32
    [ ! -e "$WINEPREFIX/.ready" ] || return 0
    rm -rf "$WINEPREFIX"
    timeout 180 wineboot -i >/dev/null 2>&1
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
        "$@" "${settings[@]}" --target "$target"
        return
    fi
    cargo clippy --workspace --lib --bins --test windows --locked "${settings[@]}" --target "$target" -- -D warnings
    make_prefix
    trap 'timeout 60 wineserver -k || true' EXIT
    cargo test -p claviger-platform --lib --locked "${settings[@]}" --target "$target"
    cargo test -p claviger --test windows --locked "${settings[@]}" --target "$target"
}

main "$@"
