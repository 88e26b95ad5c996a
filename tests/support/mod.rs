//! What the end-to-end tests stand on: temporary homes, the real agent, the real sshd, a person who answers questions.
//!
//! Nothing here is a mock of a tool. Every part ends and reaps what it started when it is dropped, so that any
//! number of tests run side by side; a part that fails shows the log of the program it drives.

mod agent;
pub(crate) mod client;
pub(crate) mod home;
pub(crate) mod keepass;
mod keys;
pub(crate) mod others;
pub(crate) mod person;
#[expect(dead_code, reason = "the other tests use what these do not")]
#[expect(clippy::unwrap_used, reason = "a broken fixture is a failed test")]
pub(crate) mod secret_service;
pub(crate) mod server;
mod sshd;
mod terminal;
pub(crate) mod users;

pub(crate) use agent::Agent;
pub(crate) use client::Client;
pub(crate) use home::Home;
pub(crate) use keys::{Key, KeyKind};
pub(crate) use person::Person;
pub(crate) use sshd::Sshd;
pub(crate) use terminal::Terminal;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// Longer than anything takes on a loaded machine; only a failing test waits this long.
pub(crate) const LIMIT: Duration = Duration::from_secs(90);

/// Polls for a state that announces itself by no event (another process's, or the kernel's).
pub(crate) fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + LIMIT;
    while !holds() {
        assert!(Instant::now() < end, "in vain waited until {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Both output streams as one text, for messages and searches.
pub(crate) fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// Runs it and panics, with what it said, unless it succeeds; returns its standard output.
pub(crate) fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}",
        output.status,
        text(&output)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Sends a signal by name ("TERM") to a process.
pub(crate) fn signal(pid: u32, name: &str) {
    let status = Command::new("sh")
        .args(["-c", &format!("kill -{name} {pid}")])
        .status();
    assert!(status.is_ok_and(|s| s.success()), "kill -{name} {pid}");
}

/// A command that runs with root's rights: directly, or through sudo.
pub(crate) fn as_root(program: &str) -> Command {
    if is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("sudo");
    command.args(["-n", program]);
    command
}

/// Whether what needs root can be tested here; tests/run says so aloud when it cannot.
pub(crate) fn has_root() -> bool {
    is_possible("root")
}

/// Whether root may look into other processes here: some containers forbid it.
pub(crate) fn can_trace() -> bool {
    is_possible("root") && is_possible("trace")
}

/// Whether a systemd user manager of the tests' own can run here: that takes mounts and cgroups.
pub(crate) fn has_user_manager() -> bool {
    is_possible("root") && is_possible("user-manager")
}

/// The provider of Debian's openssh-tests that computes what a security key would; tests/run downloads it.
pub(crate) fn sk_dummy() -> Option<PathBuf> {
    let library = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/sk-dummy/sk-dummy.so");
    if !is_possible("sk-dummy") {
        return None;
    }
    assert!(
        library.exists(),
        "{}: run tests/run once, which downloads it",
        library.display()
    );
    Some(library)
}

fn is_possible(what: &str) -> bool {
    #[expect(clippy::disallowed_methods, reason = "the test run's own switch")]
    let without = std::env::var("CLAVIGER_TEST_WITHOUT").unwrap_or_default();
    let possible = !without.split(' ').any(|word| word == what);
    if !possible {
        println!("NOT TESTED: CLAVIGER_TEST_WITHOUT says that this machine has no {what}");
    }
    possible
}

pub(crate) fn is_root() -> bool {
    succeed(Command::new("id").arg("-u")).trim() == "0"
}

/// The name of the user who runs the tests, and whom the tests' sshd lets in.
pub(crate) fn user() -> String {
    succeed(Command::new("id").arg("-un")).trim().to_owned()
}

/// `claviger status --json`.
pub(crate) fn status(home: &Home) -> serde_json::Value {
    let text = succeed(&mut home.claviger(&["status", "--json"]));
    serde_json::from_str(&text).expect("JSON")
}

/// `claviger list --json`.
pub(crate) fn list(home: &Home) -> Vec<serde_json::Value> {
    let text = succeed(&mut home.claviger(&["list", "--json"]));
    serde_json::from_str(&text).expect("JSON")
}
