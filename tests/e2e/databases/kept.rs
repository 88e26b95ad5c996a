//! Databases with all that the programs of KeePass's family leave in one, made by pykeepass: read, changed by `vault put`,
//! and judged by pykeepass and KeePassXC, neither of which shares code with claviger.

use super::*;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// Runs a verb of the program beside this file, under the distribution's own interpreter; what it says.
fn pykeepass(args: &[&str], lines: &[&str]) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/databases/other_program.py");
    let mut command = Command::new("/usr/bin/python3");
    let child = command.args(["-I", "-W", "ignore"]).arg(script).args(args);
    let child = child
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = child.spawn().expect("python3");
    let mut input = child.stdin.take().expect("its input");
    writeln!(input, "{}", lines.join("\n")).expect("its lines");
    drop(input);
    let output = child.wait_with_output().expect("its end");
    assert!(output.status.success(), "{}", text(&output));
    String::from_utf8(output.stdout).expect("text")
}

/// The lines of KeePassXC's export, with how often each is there; numbers of attachments are places in a list.
fn exported(database: &Database) -> BTreeMap<String, usize> {
    let output = database.try_run("export", &["-f", "xml"], &[], &[]);
    assert!(output.status.success(), "{}", text(&output));
    let mut lines = BTreeMap::new();
    for line in String::from_utf8(output.stdout).expect("text").lines() {
        let line = match line.trim() {
            line if line.starts_with("<Value Ref=") => "an attachment",
            line => line.split_once(" Compressed=").map_or(line, |(_, data)| data),
        };
        *lines.entry(line.to_owned()).or_default() += 1;
    }
    lines
}

/// A database of that kind gives its key, loses nothing by `put`, and goes on being KeePassXC's.
fn is_read_and_kept(version: &str, cipher: &str, derivation: &str) {
    let home = Home::new();
    let key = key(&home, "id_test");
    let database = Database {
        path: home.path("keys.kdbx"),
        master: MASTER.to_owned(),
        key_file: None,
        without_password: false,
    };
    if version == "3.1" {
        database.create();
    }
    let file = key.path.to_str().expect("a path");
    let make = ["make", database.arg(), file, version, cipher, derivation];
    pykeepass(&make, &[MASTER, &key.passphrase]);
    let whole = std::fs::read(&database.path).expect("the database");
    let (major, minor) = version.split_once('.').expect("two numbers");
    assert_eq!(
        (whole[10].to_string(), whole[8].to_string()),
        (major.into(), minor.into())
    );
    home.configure(&database.table());
    let other = self::key(&home, "id_other");
    let person = owner(&home).knows("passphrase for key", &other.passphrase);
    let _agent = Agent::start_with(&home, &person);
    unlock(&home, "keys.kdbx");
    assert!(signs(&home, &key), "{:?}", problems(&home, ""));

    let (old, before) = (home.path("old.kdbx"), exported(&database));
    std::fs::copy(&database.path, &old).expect("copied");
    let mut put = home.claviger(&["vault", "put", other.arg(), "--into", "keys.kdbx"]);
    let said = text(&person.sits_at(&mut put).output().expect("its end"));
    assert!(said.contains("put into"), "{said}");
    assert_eq!(said.contains("saved as KDBX 4.1"), version != "4.1", "{said}");
    let old = old.to_str().expect("a path");
    let lost = pykeepass(&["compare", old, database.arg()], &[MASTER]);
    assert_eq!(lost, "");
    let after = exported(&database);
    // KeePassXC exports the times of 3.1 as text.
    let lost = before.iter().find(|(line, count)| {
        // A group that does not say whether it is unfolded is folded afterwards; KeePassXC adds when it reads.
        let is_own = line.starts_with("<IsExpanded>") || line.ends_with("GMT</Value>");
        !is_own && after.get(*line) < Some(count)
    });
    assert!(version == "3.1" || lost.is_none(), "{lost:?}");

    let both_sign = || {
        assert!(signs(&home, &key), "{:?} {:?}", list(&home), problems(&home, ""));
        assert!(
            signs(&home, &other),
            "{:?} {:?}",
            list(&home),
            problems(&home, "")
        );
    };
    both_sign();
    database.run("edit", &["-u", "somebody"], &["expired"], &[]);
    database.attach(&home, "expired", "new", b"by KeePassXC");
    both_sign();
}

#[test]
fn kdbx_3_1() {
    is_read_and_kept("3.1", "aes", "aes");
    is_read_and_kept("3.1", "twofish", "aes");
}

#[test]
fn kdbx_4_0() {
    is_read_and_kept("4.0", "aes", "argon2d");
    is_read_and_kept("4.0", "chacha20", "aes");
    is_read_and_kept("4.0", "twofish", "argon2id");
}

#[test]
fn kdbx_4_1() {
    is_read_and_kept("4.1", "aes", "argon2id");
    is_read_and_kept("4.1", "chacha20", "argon2d");
    is_read_and_kept("4.1", "twofish", "aes");
}
