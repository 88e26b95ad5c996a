#!/bin/sh
# Runs `sh -c SCRIPT` beside a real systemd user manager of its own, in a place where no systemd runs:
#   unshare -m user_manager.sh UID GID HOME SCRIPT     (as root)
# In a mount namespace of its own, /run and the cgroups are new, and the manager is told that the system runs systemd.
set -eu
uid=$1 gid=$2 HOME=$3 script=$4
export HOME XDG_RUNTIME_DIR=/run/user/$uid SYSTEMD_PAGER=
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/systemd/system "$XDG_RUNTIME_DIR"
chown "$uid:$gid" "$XDG_RUNTIME_DIR"
chmod 700 "$XDG_RUNTIME_DIR"
mount -t cgroup2 none /sys/fs/cgroup
group=/sys/fs/cgroup/claviger-test-$$
mkdir "$group"
echo $$ >"$group/cgroup.procs"
chown -R "$uid" "$group"

as_user() {
    setpriv --reuid="$uid" --regid="$gid" --clear-groups env -u DBUS_SESSION_BUS_ADDRESS -u SSH_AUTH_SOCK "$@"
}

as_user /usr/lib/systemd/systemd --user &
manager=$!
end() {
    as_user systemctl --user exit || true
    wait "$manager" || true
    echo $$ >/sys/fs/cgroup/cgroup.procs
    find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || true
}
trap end EXIT
# Its targets are reached once it serves: then this returns.
tries=0
until as_user systemctl --user is-system-running --wait >/dev/null 2>&1 || [ -S "$XDG_RUNTIME_DIR/systemd/private" ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || { echo "the user manager did not start" >&2; exit 1; }
    sleep 0.1
done
as_user sh -euc "$script"
