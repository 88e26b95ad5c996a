//! `claviger vault`: what it writes, judged by keepassxc-cli, and what it refuses.

mod changes;
mod disk;
mod key_files;
mod looking;
mod refusals;
mod replacing;

use crate::home::{Home, KEY, MASTER, text};
use crate::ran::Ran;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// The whole command line that puts `id_web` into `keys.kdbx`.
const PUT: [&str; 9] = [
    "vault",
    "put",
    "id_web",
    "--into",
    "keys.kdbx",
    "--passphrase-fd",
    "3",
    "--vault-passphrase-fd",
    "4",
];

/// `claviger vault` with the master passphrase at descriptor 4.
fn vault(home: &Home, args: &[&str]) -> Ran {
    home.run(&[&["vault"], args, &["--vault-passphrase-fd", "4"]].concat())
}

/// `claviger vault put`, with the key's passphrase at descriptor 3.
fn put(home: &Home, args: &[&str]) -> Ran {
    vault(home, &[&["put"], args, &["--passphrase-fd", "3"]].concat())
}

/// Runs keepassxc-cli in the home, with these lines typed; its standard output.
fn typed(home: &Home, args: &[&str], lines: &[&str]) -> Vec<u8> {
    let mut child = Command::new("keepassxc-cli")
        .args(args)
        .current_dir(home.dir.path())
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    for line in lines {
        writeln!(input, "{line}").unwrap();
    }
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

/// A verb of keepassxc-cli on the database `keys.kdbx`.
fn keepassxc(home: &Home, verb: &[&str], rest: &[&str], lines: &[&str]) -> Vec<u8> {
    let args = [verb, &["-q", "keys.kdbx"], rest].concat();
    typed(home, &args, &[&[MASTER], lines].concat())
}

/// A home whose `keys.kdbx` KeePassXC made: groups, a history, attachments (one that two entries share), an entry in the bin.
fn with_database() -> Home {
    let home = Home::new();
    typed(
        &home,
        &["db-create", "-q", "-t", "100", "-p", "keys.kdbx"],
        &[MASTER, MASTER],
    );
    std::fs::write(home.path("note"), "shared").unwrap();
    keepassxc(&home, &["mkdir"], &["Servers"], &[]);
    keepassxc(&home, &["mkdir"], &["Servers/web"], &[]);
    let one = "Servers/web/one";
    let add = [
        "add",
        "-u",
        "Zoë",
        "--url",
        "https://a.example",
        "--notes",
        "<a> & b",
        "-p",
    ];
    keepassxc(&home, &add, &[one], &["first & <one>"]);
    keepassxc(&home, &["edit", "-p"], &[one], &["second"]);
    keepassxc(&home, &["add", "-p"], &["two"], &["third"]);
    for entry in [one, "two"] {
        keepassxc(&home, &["attachment-import"], &[entry, "note", "note"], &[]);
    }
    keepassxc(&home, &["add", "-p"], &["gone"], &["fourth"]);
    keepassxc(&home, &["rm"], &["gone"], &[]);
    home
}

/// The database as KeePassXC exports it, line by line, without numbers of attachments, which are places in a list.
fn exported(home: &Home) -> Vec<String> {
    let xml = String::from_utf8(keepassxc(home, &["export", "-f", "xml"], &[], &[])).unwrap();
    let line = |line: &str| match line.trim().starts_with("<Value Ref=") {
        true => "attachment".to_owned(),
        false => line.trim().to_owned(),
    };
    xml.lines().map(line).collect()
}

/// The lines of `after`, once those of `before` are found in it in their order; panics where one is missing.
#[track_caller]
fn added(before: &[String], after: &[String]) -> Vec<String> {
    let mut rest = before.iter().peekable();
    let mut added = Vec::new();
    for line in after {
        match rest.peek() {
            Some(next) if *next == line => drop(rest.next()),
            _ => added.push(line.clone()),
        }
    }
    assert_eq!(rest.peek(), None, "lost or changed");
    added
}

fn attachment(home: &Home, entry: &str, name: &str) -> Vec<u8> {
    keepassxc(home, &["attachment-export", "--stdout"], &[entry, name], &[])
}

fn password(home: &Home, entry: &str) -> String {
    let shown = keepassxc(home, &["show", "-s", "-a", "Password"], &[entry], &[]);
    String::from_utf8(shown).unwrap().trim_end().to_owned()
}

fn bytes(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap()
}
