//! The walk, the vault's session and the offers with what they meet in life: askpass programs, a real Secret Service,
//! KDBX files, a terminal.
//!
//! Both the bus and the ways to ask are named by the environment, which is one per process: each test runs again in a
//! child of its own.

use super::vault::{KdfCost, Vault};
use super::*;
use claviger_platform::files;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

mod kept;
mod keyring;
mod master;
mod offer;
#[expect(dead_code, reason = "the other tests use what these do not")]
#[path = "../../../tests/support/secret_service.rs"]
mod secret_service;
mod walk;

use secret_service::SecretService;

const HOME: &str = "CLAVIGER_TEST_HOME";
const MASTER: &str = "the master";
const LIMIT: Duration = Duration::from_secs(20);

/// Runs `body` in a child process with a home, an askpass program and (unless the test starts one) no bus.
fn isolated<B: AsyncFnOnce(&Home)>(body: B) {
    if run_inside(body) {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let askpass = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/askpass_in_turn.sh");
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", &test_of::<B>(), "--nocapture"]);
    child
        .env("SSH_ASKPASS", askpass)
        .env("SSH_ASKPASS_REQUIRE", "force");
    let output = in_home(&mut child, home.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let passed = output.status.success() && said.contains("1 passed");
    assert!(passed, "{said}{}", String::from_utf8_lossy(&output.stderr));
}

/// Runs `body` in a child process on a terminal of its own, without askpass. Where the terminal shows the first of a
/// pair, after what was answered before, the person types the second.
fn on_terminal<B: AsyncFnOnce(&Home)>(dialog: &[(&str, &str)], body: B) {
    if run_inside(body) {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let program = std::env::current_exe().unwrap();
    let command = format!("'{}' --exact {} --nocapture", program.display(), test_of::<B>());
    let mut script = Command::new("script");
    script.args(["-q", "-e", "-f", "-c", &command, "/dev/null"]);
    script
        .env("SHELL", "/bin/sh")
        .env_remove("SSH_ASKPASS")
        .env_remove("SSH_ASKPASS_REQUIRE");
    script.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = in_home(&mut script, home.path()).spawn().unwrap();
    let mut screen = child.stdout.take().unwrap();
    let mut keyboard = child.stdin.take().unwrap();
    let (mut shown, mut answered, mut dialog) = (Vec::new(), 0, dialog.iter().peekable());
    let mut chunk = [0; 1024];
    while let Ok(count @ 1..) = screen.read(&mut chunk) {
        shown.extend_from_slice(&chunk[..count]);
        let text = String::from_utf8_lossy(&shown[answered..]).into_owned();
        if let Some((_, answer)) = dialog.next_if(|(question, _)| text.contains(question)) {
            answered = shown.len();
            writeln!(keyboard, "{answer}").unwrap();
        }
    }
    let passed = child.wait().unwrap().success() && dialog.next().is_none();
    assert!(passed, "{}", String::from_utf8_lossy(&shown));
}

/// The name of the test that has a body of this type, as the test runner knows it.
fn test_of<B>() -> String {
    let name = std::any::type_name::<B>().trim_end_matches("::{{closure}}");
    name.split_once("::").unwrap().1.to_owned()
}

/// In the child: runs `body` and returns true.
#[expect(
    clippy::disallowed_methods,
    reason = "the child is told its home by a variable"
)]
fn run_inside(body: impl AsyncFnOnce(&Home)) -> bool {
    let Some(home) = std::env::var_os(HOME) else {
        return false;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    runtime.unwrap().block_on(body(&Home(home.into())));
    true
}

fn in_home<'a>(command: &'a mut Command, home: &Path) -> &'a mut Command {
    command.envs(SecretService::environment(home)).env(HOME, home)
}

struct Home(PathBuf);

impl Home {
    /// What the person will answer, question by question.
    fn answers(&self, answers: &[&str]) {
        std::fs::write(self.0.join("askpass.answers"), answers.join("\n") + "\n").unwrap();
        std::fs::write(self.0.join("askpass.asked"), "").unwrap();
    }

    fn questions(&self) -> Vec<String> {
        let asked = std::fs::read_to_string(self.0.join("askpass.asked")).unwrap_or_default();
        asked.lines().map(str::to_owned).collect()
    }

    fn unlocker(&self, order: &[Source]) -> Unlocker {
        self.unlocker_given(order, None)
    }

    fn unlocker_given(&self, order: &[Source], master: Option<&str>) -> Unlocker {
        Unlocker::with_habits(self.settings(order, master), KdfCost::CHEAP, || true)
    }

    fn settings(&self, order: &[Source], master: Option<&str>) -> Settings {
        Settings {
            order: order.to_vec(),
            vault: self.path(),
            state: self.0.join("state"),
            databases: Vec::new(),
            home: self.0.clone(),
            limits: KdfLimits::DEFAULT,
            means: Arc::new(Means::from_environment()),
            keyring: Arc::new(Keyring::new(LIMIT)),
            master: master.map(|master| Secret::copy_of(master.as_bytes())),
        }
    }

    fn path(&self) -> PathBuf {
        self.0.join("share/vault.kdbx")
    }

    fn vault(&self) -> Vault {
        Vault::new(self.path(), KdfCost::CHEAP, crate::key::KdfLimits::DEFAULT)
    }

    /// A vault that holds `passphrase` for the key `name`.
    fn vault_with(&self, name: &str, passphrase: &str) -> Vault {
        let vault = self.vault();
        if !vault.exists() {
            vault.make(MASTER.as_bytes()).unwrap();
        }
        vault
            .put(
                MASTER.as_bytes(),
                &key(name).fingerprint,
                name,
                passphrase.as_bytes(),
            )
            .unwrap();
        vault
    }

    fn stored(&self, name: &str) -> Option<Vec<u8>> {
        let opened = self.vault().open(MASTER.as_bytes()).unwrap();
        let found = opened.passphrase(&key(name).fingerprint);
        found.map(|secret| secret.to_vec())
    }
}

fn key(name: &str) -> Wanted {
    let path = Path::new("/home/u/.ssh").join(name);
    Wanted {
        fingerprint: format!("SHA256:{name}"),
        path,
        comment: String::new(),
    }
}

fn secret(text: &str) -> Arc<Secret> {
    Arc::new(Secret::copy_of(text.as_bytes()))
}

/// A key that `right` opens.
fn opens_with(right: &'static str) -> impl Fn(&[u8]) -> Result<(), KeyError> + Send + Sync + 'static {
    move |tried| {
        if tried == right.as_bytes() {
            Ok(())
        } else {
            Err(KeyError::WrongPassphrase)
        }
    }
}

/// The reasons of an unlock that found nothing.
fn reasons<T>(outcome: Result<T, UnlockError>) -> Vec<String> {
    match outcome {
        Err(UnlockError::Exhausted { reasons, .. }) => reasons,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was unlocked"),
    }
}

const ALL: &[Source] = &[Source::Os, Source::Kdbx, Source::Embedded, Source::Prompt];
const VAULT: &[Source] = &[Source::Embedded, Source::Prompt];
