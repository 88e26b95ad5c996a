# Run by sh on a server: adds one key to authorized_keys or removes it there, and touches nothing else.
# Set in front of this text: action (add or remove), dry and force (0 or 1), type, blob, line (what is added).
# Each line of the answer begins with "claviger:".

umask 077
LC_ALL=C
export LC_ALL
PATH=$PATH:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin

say() { printf 'claviger:%s\n' "$*"; }
fail() { say "failed $*"; exit 3; }

# Prints the numbers of the lines with this very key, and how many other keys there are. A line is: options (blanks
# in quotes belong to them), type, blob, comment. A comment line, or a blob that an option quotes, is no key.
find_key() {
    awk -v type="$type" -v blob="$blob" '
        function word(    at, letter, quoted, start) {
            sub(/^[ \t]+/, "", rest)
            for (at = 1; at <= length(rest); at++) {
                letter = substr(rest, at, 1)
                if (letter == "\\" && substr(rest, at + 1, 1) == "\"") { at++; continue }
                if (letter == "\"") quoted = !quoted
                else if (!quoted && (letter == " " || letter == "\t")) break
            }
            start = substr(rest, 1, at - 1)
            rest = substr(rest, at)
            return start
        }
        {
            rest = $0
            sub(/\r$/, "", rest)
            if (rest ~ /^[ \t]*(#|$)/) next
            first = word(); second = word(); third = word()
            if ((first == type && second == blob) || (second == type && third == blob)) found = found " " NR
            else others++
        }
        END { print others + 0 found }
    ' "$1"
}

# Puts the new content in the place of the old: whole, with the old mode and owner; a link stays and its file is replaced.
replace() {
    real=$file
    if [ -h "$file" ]; then
        real=$(readlink -f "$file" 2>/dev/null) || real=
    fi
    if [ -n "$real" ]; then
        mv -f "$new" "$real"
    else
        cat "$new" >"$file" && rm -f "$new"
    fi
}

temporary() {
    where=$file
    if [ -h "$file" ]; then
        where=$(readlink -f "$file" 2>/dev/null) || where=$file
    fi
    new=$where.claviger.$$
    trap 'rm -f "$new"' 0
    trap 'exit 3' 1 2 13 15
    cp -p "$file" "$new" || fail "$file cannot be copied beside itself"
}

relabel() {
    if command -v restorecon >/dev/null 2>&1; then
        restorecon "$dir" "$file" >/dev/null 2>&1
    fi
    return 0
}

add() {
    if [ "$count" -gt 0 ]; then
        say "present $count $others"
        return
    fi
    if [ "$dry" = 1 ]; then
        say "would-add 1 $others"
        return
    fi
    if [ ! -d "$dir" ]; then
        mkdir "$dir" || fail "$dir cannot be made"
        say "made $dir"
    fi
    if [ ! -e "$file" ]; then
        [ ! -h "$file" ] || fail "$file is a link to nothing"
        (set -C && : >"$file") 2>/dev/null || fail "$file cannot be made"
        say "made $file"
    fi
    temporary
    {
        cat "$file"
        if [ -s "$file" ] && [ -n "$(tail -c 1 "$file")" ]; then echo; fi
        printf '%s\n' "$line"
    } >"$new" || fail "$new cannot be written; is the disk full?"
    replace || fail "$file cannot be replaced"
    relabel
    say "added 1 $others"
}

remove() {
    if [ "$count" = 0 ]; then
        say "absent 0 $others"
    elif [ "$others" = 0 ] && [ "$force" = 0 ]; then
        say "last $count 0"
    elif [ "$dry" = 1 ]; then
        say "would-remove $count $others"
    else
        temporary
        set --
        for number in $numbers; do set -- "$@" -e "${number}d"; done
        sed "$@" "$file" >"$new" || fail "$new cannot be written; is the disk full?"
        replace || fail "$file cannot be replaced"
        relabel
        say "removed $count $others"
    fi
}

# Where there is flock, two of these at once do not undo each other. Busybox's does not know how to wait; status 1 is that
# another one has the lock, any other that there are no locks here (as on some network file systems).
lock() {
    exec 9<"$dir"
    tries=0
    while flock -n 9 2>/dev/null; [ $? = 1 ]; do
        tries=$((tries + 1))
        [ "$tries" -lt 10 ] || fail "$dir is locked by another program"
        sleep 1
    done
}

main() {
    [ -n "${HOME:-}" ] && [ -d "$HOME" ] || fail "there is no home directory"
    dir=$HOME/.ssh
    file=$dir/authorized_keys
    command -v awk >/dev/null 2>&1 || fail "there is no awk on the server"
    if [ -e "$dir" ] && [ ! -d "$dir" ]; then fail "$dir is not a directory"; fi
    if [ -e "$file" ] && [ ! -f "$file" ]; then fail "$file is not a regular file"; fi
    if [ "$dry" = 0 ] && [ -d "$dir" ] && command -v flock >/dev/null 2>&1; then lock; fi
    found=0
    if [ -f "$file" ]; then
        found=$(find_key "$file") && [ -n "$found" ] || fail "$file cannot be read"
    fi
    others=${found%% *}
    numbers=${found#"$others"}
    # shellcheck disable=SC2086 # a list of words on purpose
    set -- $numbers
    count=$#
    "$action"
}

main </dev/null
exit 0
