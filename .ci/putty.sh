#!/usr/bin/env bash
# putty.sh DIR: PuTTY's plink.exe and pageant.exe in DIR/putty/bin, for tests under Wine with programs that are not ours.
# Built once, from the source of Debian's package as its signed index knows it (SHA-256). Installs cmake (Debian, as root).
# Exit status 77: this machine cannot have them, and why was said.
set -euo pipefail

cannot() { echo "putty.sh: $*" >&2; exit 77; }

dir=$(realpath -m "$1")/putty
readonly dir suite=trixie

# The file that holds the source; what else the package has is Debian's and not for Windows.
fetch_source() {
    local apt=$dir/apt mirror options uri name digest
    mkdir -p "$apt/lists/partial" "$apt/parts"
    mirror=$(sed -n 's/^URIs: *//p' /etc/apt/sources.list.d/debian.sources 2>/dev/null | grep -v security | head -n 1)
    echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${mirror:-http://deb.debian.org/debian} $suite main" >"$apt/sources.list"
    options=(-o Dir::Etc::SourceList="$apt/sources.list" -o Dir::Etc::SourceParts="$apt/parts"
        -o Dir::State::Lists="$apt/lists" -o Dir::Cache="$apt" -o APT::Sandbox::User=root)
    apt-get "${options[@]}" -qq update || cannot "Debian's $suite cannot be reached"
    read -r uri name digest < <(apt-get "${options[@]}" --print-uris -qq source putty \
        | sed -n "s/^'\(.*\.orig\.tar\.gz\)' \([^ ]*\) [0-9]* \(SHA256:[0-9a-f]*\)\$/\1 \2 \3/p") \
        || cannot "Debian's $suite has no source of putty"
    /usr/lib/apt/apt-helper "${options[@]}" -qq download-file "$uri" "$dir/$name" "$digest" || cannot "$uri cannot be had"
    mkdir -p "$dir/source"
    tar -xz -f "$dir/$name" -C "$dir/source" --strip-components=1
}

main() {
    [ ! -e "$dir/bin/.ready" ] || return 0
    [ -e /etc/debian_version ] && [ "$(id -u)" = 0 ] || cannot "needs Debian's source of putty and root the first time"
    if ! type -P cmake >/dev/null; then
        echo "installing: cmake"
        apt-get update -qq || cannot "no package lists"
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends cmake make >/dev/null || cannot "no cmake"
    fi
    rm -rf "$dir"
    mkdir -p "$dir/build" "$dir/bin"
    fetch_source
    cat >"$dir/mingw.cmake" <<'CMAKE'
set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_C_COMPILER x86_64-w64-mingw32-gcc)
set(CMAKE_RC_COMPILER x86_64-w64-mingw32-windres)
CMAKE
    (cd "$dir/build"
        cmake ../source -DCMAKE_TOOLCHAIN_FILE="$dir/mingw.cmake" -DCMAKE_BUILD_TYPE=Release >cmake.log
        make -j "$(nproc)" plink pageant >make.log 2>&1 || { tail -n 20 make.log >&2; exit 1; })
    cp "$dir/build/plink.exe" "$dir/build/pageant.exe" "$dir/bin/"
    rm -rf "$dir/build" "$dir/source" "$dir/apt"
    touch "$dir/bin/.ready"
}

main
