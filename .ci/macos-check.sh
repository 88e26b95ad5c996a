#!/usr/bin/env bash
# macos-check.sh: claviger and its tests for aarch64-apple-darwin, type-checked and linted. Nothing of it can be run or linked here:
# how keychain, launchd and peer credentials behave is seen on a real macOS only (.github/workflows).
# Zig compiles the C of aws-lc and SQLite; it comes from PyPI. Exit status 77: cannot be checked here at all.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly cross=$PWD/target/cross
readonly target=aarch64-apple-darwin
readonly zig=$cross/zig

main() {
    mkdir -p "$cross"
    .ci/cross-std.sh "$cross" "$target"
    if [ ! -e "$zig/.ready" ]; then
        if ! { python3 -m venv "$zig" && "$zig/bin/pip" -q install ziglang==0.17.1 cargo-zigbuild==0.24.0; }; then
            echo "macos-check.sh: ziglang and cargo-zigbuild cannot be installed by python3 -m venv and pip" >&2
            exit 77
        fi
        touch "$zig/.ready"
    fi
    export CARGO_TARGET_AARCH64_APPLE_DARWIN_RUSTFLAGS="--sysroot=$cross/sysroot"
    export PATH="$zig/bin:$PATH"
    export CARGO_ZIGBUILD_CACHE_DIR=$cross/zigcache ZIG_GLOBAL_CACHE_DIR=$cross/zigcache ZIG_LOCAL_CACHE_DIR=$cross/zigcache
    # Nothing is run: the C is compiled as fast as it can be.
    cargo-zigbuild clippy --workspace --all-targets --locked --config 'profile.dev.package."*".opt-level=0' --target "$target" "$@" -- -D warnings
}

main "$@"
