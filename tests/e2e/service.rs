//! The service as systemd runs it: under a real user manager, in its sandbox; and its start line with the socket handed over.

use crate::support::{Home, Key, KeyKind, as_root, has_user_manager, succeed, wait_until};
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Beside which user the manager runs: another one, if the tests are root's.
fn ids() -> [String; 2] {
    let of = |option: &str| succeed(Command::new("id").arg(option)).trim().to_owned();
    let ids = [of("-u"), of("-g")];
    if ids[0] == "0" {
        ["65534", "65534"].map(str::to_owned)
    } else {
        ids
    }
}

#[test]
fn a_user_manager_starts_it_in_its_sandbox_and_it_goes_without_a_trace() {
    if !has_user_manager() {
        return;
    }
    let home = Home::new();
    let (inner, [uid, gid]) = (home.path("inner home"), ids());
    fs::create_dir(&inner).expect("a directory");
    fs::copy(crate::support::home::claviger(), inner.join("claviger")).expect("the program");
    succeed(
        as_root("chown")
            .arg("-R")
            .arg(format!("{uid}:{gid}"))
            .arg(home.path("")),
    );
    let script = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/service.sh"));
    let manager = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/user_manager.sh");
    let output = as_root("unshare")
        .arg("-m")
        .arg(manager)
        .args([&uid, &gid])
        .arg(&inner)
        .arg(format!("set -x\n{}", script.expect("the script")))
        .env_remove("SSH_AUTH_SOCK")
        .output()
        .expect("unshare");
    let said = crate::support::text(&output);
    assert!(output.status.success(), "{said}");
    let lines = |name: &Path| fs::read_to_string(name).expect("a list");
    let before = lines(&inner.join("before"))
        .lines()
        .filter(|line| !line.contains("/tokens/"))
        .map(str::to_owned)
        .collect::<Vec<_>>();
    let after: Vec<_> = lines(&home.path("after")).lines().map(str::to_owned).collect();
    assert_eq!(after, before, "{said}");
}

/// Ended when dropped.
struct Activated(Child);

impl Drop for Activated {
    fn drop(&mut self) {
        // Both fail only for one that has ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn its_start_line_takes_the_socket_that_systemd_hands_over() {
    let home = Home::new();
    let key = Key::make(&home, "id_ed25519", KeyKind::Ed25519);
    let shown = succeed(&mut home.claviger(&["service", "install", "--dry-run"]));
    let line = shown
        .lines()
        .find_map(|line| line.strip_prefix("ExecStart=:"))
        .expect("a start line");
    let words = shlex::split(line).expect("words without anything odd in this test");
    assert!(
        Path::new(&words[0]) == crate::support::home::claviger() && words[1..] == ["agent", "-D"],
        "{line}"
    );
    let mut command = home.command("systemd-socket-activate");
    command.arg("-l").arg(home.socket());
    for name in [
        "HOME",
        "PATH",
        "CLAVIGER_CONFIG",
        "CLAVIGER_STATE_DIR",
        "CLAVIGER_DATA_DIR",
    ] {
        command.args(["-E", name]);
    }
    let activated = command
        .args(&words)
        .stderr(Stdio::null())
        .spawn()
        .expect("systemd-socket-activate");
    let _activated = Activated(activated);
    wait_until("systemd listens", || home.socket().exists());
    let list = succeed(home.command("ssh-add").arg("-L"));
    let blob = key.public_line();
    let blob = blob.split(' ').nth(1).expect("its public half");
    assert!(list.contains(blob), "{list}");
}
