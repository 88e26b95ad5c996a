//! With an account of the test's own, because ssh looks for `~/.ssh/id_ed25519` in the home that the system's list of users
//! names, and because a password is an account's: what a person with many keys and one usual key file meets.

use crate::support::{Home, Key, KeyKind, Sshd, is_root, succeed};
use std::fs;
use std::process::Command;

/// A user whose home is the test's; removed when dropped.
struct Account(String);

impl Account {
    fn new(home: &Home) -> Self {
        let name = format!("claviger-{}", std::process::id());
        let mut add = Command::new("useradd");
        succeed(
            add.args(["-M", "-s", "/bin/sh", "-d"])
                .arg(home.path(""))
                .arg(&name),
        );
        let account = Self(name);
        let mut password = Command::new("usermod");
        // Of "sesame", as `openssl passwd -6` writes it.
        let hash = succeed(Command::new("openssl").args(["passwd", "-6", "sesame"]));
        succeed(password.args(["-p", hash.trim(), &account.0]));
        account
    }

    /// Has it run `script`, which sees its own home and nothing else; what it printed.
    fn run(&self, home: &Home, script: &str) -> String {
        fs::copy(env!("CARGO_BIN_EXE_claviger"), home.path("claviger")).expect("a copy");
        succeed(
            Command::new("chown")
                .arg("-R")
                .arg(format!("{0}:", self.0))
                .arg(home.path("")),
        );
        let mut command = home.command("runuser");
        command.args(["-u", &self.0, "--", "sh", "-c", script]);
        succeed(command.env("HOME", home.path("")).env("USER", &self.0))
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        let _ = Command::new("userdel").arg(&self.0).output();
    }
}

/// Logs in so many times; a line for each: its status, how many keys were shown, and whether they were too many.
fn logins(sshd: &Sshd, count: usize, options: &str) -> String {
    format!(
        "for login in $(seq {count}); do ssh -v {options} -p {} 127.0.0.1 true 2>err; status=$?
         echo $status $(grep -c 'Offering public key' err) $(grep -c 'Too many authentication failures' err); done\n",
        sshd.port()
    )
}

#[test]
fn with_a_usual_key_file_the_right_key_is_found_soon_and_a_password_works_where_none_is() {
    if !is_root() {
        println!("NOT TESTED: making an account needs root");
        return;
    }
    let (home, [with_key, with_password]) = (Home::new(), [Home::new(), Home::new()]);
    let account = Account::new(&home);
    let keys: Vec<Key> = (1..=39)
        .map(|number| Key::make_with(&home, &format!("key_{number:02}"), KeyKind::Quick, ""))
        .collect();
    let _usual = Key::make_with(&home, "id_ed25519", KeyKind::Quick, "");
    // sshd reads it as the account, which sees its own home only.
    let right = home.write(".ssh/authorized_keys", keys[38].public_line().as_bytes(), 0o600);
    let words = format!("MaxAuthTries 6\nAuthorizedKeysFile {}", right.display());
    let keyed = Sshd::saying(&with_key, &[], &words);
    let words = "MaxAuthTries 6\nPasswordAuthentication yes\nAuthorizedKeysFile none";
    let open = Sshd::saying(&with_password, &[], words);
    let known = [&keyed, &open].map(|sshd| fs::read_to_string(sshd.known_hosts()).expect("known_hosts"));
    home.write(".ssh/known_hosts", known.concat().as_bytes(), 0o600);
    home.write("askpass", b"#!/bin/sh\necho sesame\n", 0o700);
    let script = format!(
        "cd; export SSH_ASKPASS=$PWD/askpass SSH_ASKPASS_REQUIRE=force; eval $(./claviger agent) >/dev/null\n{}{}./claviger agent -k >/dev/null\n",
        logins(&keyed, 11, "-o BatchMode=yes"),
        logins(&open, 4, "-o NumberOfPasswordPrompts=1"),
    );
    let told = account.run(&home, &script);
    let lines: Vec<&str> = told.lines().collect();
    let found = lines
        .iter()
        .position(|line| line.starts_with("0 "))
        .expect("a login");
    assert!(found < 8, "{told}");
    assert_eq!(lines[found + 1..11], vec!["0 1 0"; 10 - found], "{told}");
    assert_eq!(lines[11..], ["0 5 0"; 4], "{told}");
}
