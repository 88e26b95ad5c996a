//! Several writers at a time, and writers killed at any moment.

use super::*;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

#[test]
fn concurrent_writers_lose_nothing() {
    let home = tempfile::tempdir().unwrap();
    let vault = made(&home);
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let vault = &vault;
            scope.spawn(move || {
                for n in 0..5 {
                    vault
                        .put(MASTER, &format!("SHA256:{writer}-{n}"), "title", b"value")
                        .unwrap();
                }
            });
        }
    });
    for writer in 0..4 {
        for n in 0..5 {
            assert!(
                read(&vault, &format!("SHA256:{writer}-{n}")).is_some(),
                "{writer}-{n} is lost"
            );
        }
    }
}

/// Where [`killed_writers_leave_a_whole_vault`] tells its writer to write; alone, the writer writes a few and ends.
const WRITER_HOME: &str = "CLAVIGER_TEST_WRITER_HOME";

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "how the parent names the place to this process"
)]
fn writer() {
    let own = tempfile::tempdir().unwrap();
    let (path, rounds) = match std::env::var_os(WRITER_HOME) {
        Some(path) => (PathBuf::from(path), usize::MAX),
        None => (made(&own).path().to_owned(), 3),
    };
    let vault = Vault::new(path, KdfCost::CHEAP, crate::key::KdfLimits::DEFAULT);
    let first = (0..)
        .find(|n| read(&vault, &format!("SHA256:{n}")).is_none())
        .unwrap();
    for n in first..rounds {
        vault
            .put(
                MASTER,
                &format!("SHA256:{n}"),
                "title",
                format!("value {n}").as_bytes(),
            )
            .unwrap();
        println!("stored {n}");
    }
    assert!(read(&vault, "SHA256:0").is_some());
}

#[test]
fn killed_writers_leave_a_whole_vault() {
    let home = tempfile::tempdir().unwrap();
    let vault = made(&home);
    let mut stored = 0;
    for round in 0..30u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["unlock::vault::tests::writers::writer", "--exact", "--nocapture"])
            .env(WRITER_HOME, vault.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap())
            .lines()
            .map_while(Result::ok);
        let mut acknowledged = || lines.find_map(|line| line.rsplit_once("stored ")?.1.parse::<usize>().ok());
        stored = stored.max(acknowledged().unwrap() + 1);
        // Anywhere between two acknowledgements: the delays sweep over the few milliseconds of one write.
        std::thread::sleep(Duration::from_micros(round * 397 % 6000));
        child.kill().unwrap();
        child.wait().unwrap();
        while let Some(n) = acknowledged() {
            stored = stored.max(n + 1);
        }
        for n in 0..stored {
            assert_eq!(
                read(&vault, &format!("SHA256:{n}")).unwrap(),
                format!("value {n}").as_bytes()
            );
        }
    }
    assert!(stored >= 30);
    vault.put(MASTER, "SHA256:last", "title", b"value").unwrap();
    let beside = std::fs::read_dir(vault.path().parent().unwrap()).unwrap();
    assert_eq!(
        beside.count(),
        2,
        "besides the vault only its lock: no half-written files are left behind"
    );
}
