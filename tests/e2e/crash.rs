//! `claviger add` killed at any moment leaves the vault and the configuration whole.

use crate::support::person::MASTER;
use crate::support::{Home, Key, KeyKind, succeed, text};
use std::collections::BTreeSet;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::Instant;

/// `claviger add` with both passphrases by descriptor, so that nothing else has to be ended.
fn add(home: &Home, key: &Key) -> Child {
    let passphrases = [("key", key.passphrase.as_str()), ("master", MASTER)];
    for (name, text) in passphrases {
        home.write(name, format!("{text}\n").as_bytes(), 0o600);
    }
    let mut command = home.command("sh");
    command
        .args(["-c", r#"exec 3<key 4<master; exec "$@""#, "sh"])
        .arg(crate::support::home::claviger());
    command.args([
        "add",
        "--passphrase-fd",
        "3",
        "--vault-passphrase-fd",
        "4",
        key.arg(),
    ]);
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("add starts")
}

fn finish(child: Child) {
    let output = child.wait_with_output().expect("its end");
    assert!(output.status.success(), "{}", text(&output));
}

/// The vault's entries as KeePassXC lists them: another program's judgement of the file.
fn keepassxc_ls(home: &Home) -> Output {
    let mut command: Command = home.command("keepassxc-cli");
    command
        .args(["ls", "-q", "-R"])
        .arg(home.vault())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("keepassxc-cli");
    let mut input = child.stdin.take().expect("its input");
    input
        .write_all(format!("{MASTER}\n").as_bytes())
        .expect("the passphrase");
    drop(input);
    child.wait_with_output().expect("its end")
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

/// How many runs are killed. 200 take several minutes: `CLAVIGER_TEST_KILLS=200` asks for them.
fn runs() -> u32 {
    #[expect(clippy::disallowed_methods, reason = "the test run's own switch")]
    let asked = std::env::var("CLAVIGER_TEST_KILLS")
        .ok()
        .and_then(|count| count.parse().ok());
    asked.unwrap_or(60)
}

#[test]
fn killed_at_random_moments_it_leaves_everything_whole() {
    let home = Home::new();
    // Outside of keys.dirs, so that the configuration is written too.
    let elsewhere = Key::make(&home, "id_moved", KeyKind::Quick).moved(&home, "elsewhere");
    let first = Key::make(&home, "id_first", KeyKind::Quick);
    let started = Instant::now();
    finish(add(&home, &first));
    let whole_run = started.elapsed();
    let random = RandomState::new();
    let (mut seen, mut changed) = (fs::read(home.vault()).expect("the vault"), 0);
    for run in 0..runs() {
        // Every fourth time the vault is not there yet: its making must be as whole as its change.
        if run % 4 == 3 {
            fs::remove_file(home.vault()).expect("removed");
            seen = Vec::new();
        }
        let mut child = add(&home, &elsewhere);
        let part = (random.hash_one(run) % 1200) as u32;
        sleep(whole_run * part / 1000);
        child.kill().expect("killed");
        child.wait().expect("reaped");
        let now = fs::read(home.vault()).unwrap_or_default();
        if now != seen {
            let judged = keepassxc_ls(&home);
            assert!(
                judged.status.success(),
                "run {run}, killed at {part}/1000: {}",
                text(&judged)
            );
            (seen, changed) = (now, changed + 1);
        }
        succeed(&mut home.claviger(&["config", "check"]));
        if seen.is_empty() {
            finish(add(&home, &first));
            seen = fs::read(home.vault()).expect("the vault");
        }
    }
    println!(
        "{} runs killed, {changed} of them after the vault was replaced",
        runs()
    );
    finish(add(&home, &elsewhere));
    assert!(keepassxc_ls(&home).status.success());
}

#[test]
fn killed_between_write_and_rename_it_leaves_the_old_vault_and_the_next_run_tidies_up() {
    let home = Home::new();
    let (first, second) = (
        Key::make(&home, "id_first", KeyKind::Quick),
        Key::make(&home, "id_second", KeyKind::Quick),
    );
    finish(add(&home, &first));
    let folder = home.vault().parent().expect("a folder").to_owned();
    let (old, usual) = (fs::read(home.vault()).expect("the vault"), names(&folder));
    let mut caught = false;
    while !caught {
        let mut child = add(&home, &second);
        // The temporary file lives for a few milliseconds only: no time to wait politely.
        while child.try_wait().expect("its state").is_none() {
            if names(&folder).difference(&usual).next().is_some() {
                child.kill().expect("killed");
                break;
            }
        }
        child.wait().expect("reaped");
        caught = names(&folder).difference(&usual).next().is_some();
        if caught {
            assert_eq!(
                fs::read(home.vault()).expect("the vault"),
                old,
                "the old vault is still there"
            );
        } else {
            fs::write(home.vault(), &old).expect("back to the beginning");
        }
    }
    finish(add(&home, &second));
    assert_eq!(names(&folder), usual, "what the killed run left is gone");
    let listed = text(&keepassxc_ls(&home));
    assert!(
        listed.contains("id_first") && listed.contains("id_second"),
        "{listed}"
    );
}
