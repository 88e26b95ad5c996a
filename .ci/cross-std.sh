#!/usr/bin/env bash
# cross-std.sh DIR TARGET...: the standard library for TARGETs, in DIR/sysroot, from Debian's rust-src of the very
# version of the rustc in use. Only for building it is the compiler told to allow unstable features; the project is
# built by plain stable with --sysroot. The toolchain itself is never written to: it may be shared.
# Exit status 77: this machine cannot have it, and why was said.
set -euo pipefail

cannot() { echo "cross-std.sh: $*" >&2; exit 77; }

dir=$(realpath -m "$1"); shift
version=$(rustc -vV | sed -n 's/^release: //p')
source=$dir/src/usr/src/rustc-$version/library

fetch_source() {
    local apt=$dir/apt mirror options
    command -v apt-get >/dev/null && [ -e /etc/debian_version ] || cannot "needs Debian's package rust-src, and this is not Debian"
    [ "$(id -u)" = 0 ] || cannot "needs root the first time, to fetch Debian's package rust-src"
    mkdir -p "$apt/lists/partial" "$apt/parts" "$dir/src"
    mirror=$(sed -n 's/^URIs: *//p' /etc/apt/sources.list.d/debian.sources 2>/dev/null | grep -v security | head -n 1)
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${mirror:-http://deb.debian.org/debian} trixie-backports main" >"$apt/sources.list"
    options=(-o Dir::Etc::SourceList="$apt/sources.list" -o Dir::Etc::SourceParts="$apt/parts"
        -o Dir::State::Lists="$apt/lists" -o Dir::Cache="$apt" -o APT::Sandbox::User=root)
    apt-get "${options[@]}" -qq update || cannot "Debian's trixie-backports cannot be reached"
    (cd "$apt" && apt-get "${options[@]}" -qq download "rust-src=$version*") \
        || cannot "Debian has no rust-src $version (any more); use a rustc of which it has one, or keep target/cross"
    dpkg-deb --fsys-tarfile "$apt"/rust-src_"$version"*.deb | tar -x -C "$dir/src" "./usr/src/rustc-$version/library"
}

build() {
    local target=$1 out=$dir/sysroot/lib/rustlib/$1/lib work
    [ ! -e "$out/.ok-$version" ] || return 0
    work=$(mktemp -d)
    mkdir "$work/src"
    : >"$work/src/lib.rs"
    printf '[package]\nname = "empty"\nversion = "0.0.0"\nedition = "2024"\n' >"$work/Cargo.toml"
    env -u RUSTFLAGS RUSTC_BOOTSTRAP=1 __CARGO_TESTS_ONLY_SRC_ROOT="$source" CARGO_TARGET_DIR="$work/t" \
        CARGO_PROFILE_RELEASE_DEBUG=line-tables-only \
        cargo build -q --release --manifest-path "$work/Cargo.toml" --target "$target" \
        -Z build-std=std,panic_unwind,panic_abort,proc_macro,test
    rm -rf "$out"
    mkdir -p "$out"
    cp "$work/t/$target/release/deps/"*.rlib "$out/"
    rm -f "$out"/libempty-*
    touch "$out/.ok-$version"
    rm -rf "$work"
}

[ -d "$source" ] || fetch_source
for target in "$@"; do build "$target"; done
