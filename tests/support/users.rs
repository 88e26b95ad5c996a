//! Users whom one server alone knows (through nss_wrapper), so that a password can be tried without touching the machine's.

use super::{Home, succeed};
use std::process::Command;

/// A user who is really the one who runs the tests.
pub(crate) const NAME: &str = "claviger-test";

/// In the server's home.
const USERS: &str = "passwd";
const GROUPS: &str = "group";

/// Makes [`NAME`], with this password.
pub(super) fn make(home: &Home, password: &str) {
    let hash = succeed(home.command("openssl").args(["passwd", "-6", password]));
    let [uid, gid] = ["-u", "-g"].map(|what| succeed(home.command("id").arg(what)));
    let ids = format!("{}:{}", uid.trim(), gid.trim());
    let line = |name: &str, hash: &str, ids: &str| {
        format!("{name}:{hash}:{ids}::{}:/bin/sh\n", home.path("").display())
    };
    // sshd wants its own user too, where it runs as root.
    let users = line(NAME, hash.trim(), &ids) + &line("sshd", "*", "65534:65534");
    home.write(USERS, users.as_bytes(), 0o600);
    home.write(GROUPS, format!("{NAME}:x:{}:\n", gid.trim()).as_bytes(), 0o600);
}

/// Has a server see them and no others, if there are any.
pub(super) fn live_at(home: &Home, sshd: &mut Command) {
    if home.path(USERS).exists() {
        sshd.env("LD_PRELOAD", "libnss_wrapper.so")
            .env("NSS_WRAPPER_PASSWD", home.path(USERS))
            .env("NSS_WRAPPER_GROUP", home.path(GROUPS));
    }
}
