//! `claviger doctor`: a home with each fault, told and where possible mended. ssh takes its own home from the list of users, so
//! these homes have a list of their own.

mod agents;
mod files;
mod keys;
mod surroundings;

use crate::support::{Home, succeed, text};
use serde_json::Value;
use std::process::Command;

/// A command that sees this home, also as the one that the list of users names.
fn at_home(home: &Home, mut command: Command) -> Command {
    let [uid, gid] = ["-u", "-g"].map(|what| succeed(Command::new("id").arg(what)));
    let (uid, gid) = (uid.trim(), gid.trim());
    let users = format!("me:x:{uid}:{gid}::{}:/bin/sh\n", home.path("").display());
    home.write("users", users.as_bytes(), 0o600);
    home.write("groups", format!("me:x:{gid}:\n").as_bytes(), 0o600);
    command
        .env("LD_PRELOAD", "libnss_wrapper.so")
        .env("NSS_WRAPPER_PASSWD", home.path("users"))
        .env("NSS_WRAPPER_GROUP", home.path("groups"));
    command
}

/// What it found.
struct Found {
    code: i32,
    report: Value,
}

impl Found {
    /// Examines the home.
    fn of(home: &Home, args: &[&str]) -> Self {
        Self::with(home, args, |command| command)
    }

    /// The same in other surroundings.
    fn with(home: &Home, args: &[&str], change: impl FnOnce(&mut Command) -> &mut Command) -> Self {
        let args = [&["doctor", "--json"], args].concat();
        let mut command = at_home(home, home.claviger(&args));
        change(&mut command);
        let output = command.output().expect("the doctor");
        let report = serde_json::from_slice(&output.stdout);
        Self {
            code: output.status.code().expect("an exit status"),
            report: report.unwrap_or_else(|_| panic!("{}", text(&output))),
        }
    }

    fn all(&self) -> &[Value] {
        self.report["findings"].as_array().expect("findings")
    }

    /// The codes, in their order.
    fn codes(&self) -> Vec<&str> {
        self.all().iter().filter_map(|one| one["code"].as_str()).collect()
    }

    /// The finding with this code; more than one is a failure.
    fn the(&self, code: &str) -> &Value {
        let mut found = self.all().iter().filter(|one| one["code"] == code);
        let one = found.next();
        assert!(found.next().is_none(), "{code} more than once: {:#}", self.report);
        one.unwrap_or_else(|| panic!("no {code}: {:#}", self.report))
    }

    /// Asserts that the code was found with these words, and a remedy with the last of them.
    fn says(&self, code: &str, subject: &str, words: &[&str], remedy: &str) {
        let one = self.the(code);
        let has = |field: &str, word: &str| one[field].as_str().is_some_and(|text| text.contains(word));
        assert!(has("subject", subject), "{subject}: {one:#}");
        assert!(has("remedy", remedy), "{remedy}: {one:#}");
        for word in words {
            assert!(has("message", word), "{word}: {one:#}");
        }
        let worse = one["severity"] != "info";
        assert!(!worse || self.code == 1, "exit status {}", self.code);
    }

    fn lacks(&self, code: &str) {
        assert!(!self.codes().contains(&code), "{:#}", self.report);
    }
}

#[test]
fn every_code_has_a_test_that_names_it() {
    let tests = [
        include_str!("agents.rs"),
        include_str!("files.rs"),
        include_str!("keys.rs"),
        include_str!("surroundings.rs"),
    ];
    let documented = include_str!("../../../docs/doctor.md");
    let codes = documented
        .lines()
        .filter_map(|line| line.strip_prefix("### `")?.split('`').next());
    let untested: Vec<&str> = codes
        .filter(|code| !tests.concat().contains(&format!("\"{code}\"")))
        .collect();
    assert!(untested.is_empty(), "{untested:?}");
}
