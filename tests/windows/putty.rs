//! PuTTY's own programs find the agent where they look for Pageant, add a key to it, and log in to a real server; and a
//! real Pageant stands behind claviger.
//!
//! `CLAVIGER_TEST_PUTTY` names the folder of plink.exe and pageant.exe, `CLAVIGER_TEST_SSHD` the folder of a running
//! sshd: files `port`, `user` and `fingerprint`, and `authorized_keys`, which it reads at each login. `.ci/windows.sh`
//! makes both.

use super::support::{Agent, raw, signs};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A session has one Pageant, and one pipe of OpenSSH's.
static PLACES: Mutex<()> = Mutex::new(());
const OPENSSH: &str = "//./pipe/openssh-ssh-agent";
/// Nothing here takes longer; a test that waits for what does not come fails.
const SOON: Duration = Duration::from_secs(60);

const FILE: &str = "PuTTY-User-Key-File-3: ssh-ed25519
Encryption: none
Comment: from PuTTY
Public-Lines: 2
AAAAC3NzaC1lZDI1NTE5AAAAIAs8wyTqY4SsqX80N90nwx/03qEXaFReSh1MmooR
0K7I
Private-Lines: 1
AAAAIPlUPt6wekvgV+MyoaDK732mkjyWUE/OOXwYexR8soJ6
Private-MAC: 533482ebb6195b2bf81522ff2177060434fb1f1414d02051fe65cbbac94aa4b6
";
const PUBLIC: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAs8wyTqY4SsqX80N90nwx/03qEXaFReSh1MmooR0K7I from PuTTY\n";

fn places() -> MutexGuard<'static, ()> {
    PLACES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A folder that the environment names; without it that is said, past the test harness, which shows nothing of what passes.
fn given(variable: &str) -> Option<PathBuf> {
    #[expect(
        clippy::disallowed_methods,
        reason = "a test is told where other programs are"
    )]
    let folder = std::env::var_os(variable).map(PathBuf::from);
    if folder.is_none() {
        let text = format!("!! NOT CHECKED: PuTTY's programs, as {variable} names no folder\n");
        std::io::stderr().write_all(text.as_bytes()).unwrap();
    }
    folder
}

/// A login by plink, whose keys are the agent's only; what the server's shell said, or what plink did.
fn login(putty: &Path, server: &Path) -> Result<String, String> {
    let told = |name| fs::read_to_string(server.join(name)).unwrap().trim().to_owned();
    let output = Command::new(putty.join("plink.exe"))
        .args([
            "-ssh",
            "-batch",
            "-agent",
            "-noshare",
            "-hostkey",
            &told("fingerprint"),
        ])
        .args(["-P", &told("port"), &format!("{}@127.0.0.1", told("user"))])
        .arg("echo logged in")
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8_lossy(bytes).trim().to_owned();
    match output.status.success() {
        true => Ok(text(&output.stdout)),
        false => Err(text(&output.stderr)),
    }
}

#[test]
fn plink_logs_in_with_a_key_that_pageant_added_and_with_one_that_has_to_be_opened() {
    let (Some(putty), Some(server)) = (given("CLAVIGER_TEST_PUTTY"), given("CLAVIGER_TEST_SSHD")) else {
        return;
    };
    let _places = places();
    let agent = Agent::at(OPENSSH);
    let authorized = server.join("authorized_keys");

    // Pageant finds that there is a Pageant, gives it the key, and ends.
    let file = agent.home.path().join("added.ppk");
    fs::write(&file, FILE).unwrap();
    let added = Command::new(putty.join("pageant.exe"))
        .arg(&file)
        .status()
        .unwrap();
    assert!(added.success());
    assert!(agent.said(&["list"]).contains("from PuTTY"));
    fs::write(&authorized, PUBLIC).unwrap();
    assert_eq!(login(&putty, &server).as_deref(), Ok("logged in"));

    // Its passphrase is in Credential Manager, and nothing of it is open.
    let file = agent.home.path().join(".ssh").join("id_ed25519");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    agent.said(&[
        "keygen",
        "-f",
        file.to_str().unwrap(),
        "-C",
        "sealed",
        "--generate",
    ]);
    agent.said(&["lock"]);
    fs::copy(file.with_extension("pub"), &authorized).unwrap();
    assert_eq!(login(&putty, &server).as_deref(), Ok("logged in"));

    fs::write(&authorized, "").unwrap();
    let refused = login(&putty, &server).unwrap_err();
    assert!(
        refused.contains("No supported authentication methods"),
        "{refused}"
    );
    agent.said(&["remove", "sealed"]);
}

/// A running Pageant with the key, and the pipe that it tells ssh of.
struct Pageant {
    child: Child,
    pipe: String,
}

impl Pageant {
    fn start(putty: &Path, home: &Path) -> Self {
        let (file, told) = (home.join("key.ppk"), home.join("pageant.conf"));
        fs::write(&file, FILE).unwrap();
        let child = Command::new(putty.join("pageant.exe"))
            .arg("--openssh-config")
            .args([&told, &file])
            .spawn()
            .unwrap();
        let end = Instant::now() + SOON;
        let pipe = loop {
            assert!(Instant::now() < end, "Pageant does not start");
            let text = fs::read_to_string(&told).unwrap_or_default();
            if let Some((line, _)) = text.split_once('\n') {
                let pipe = line.trim().strip_prefix("IdentityAgent").unwrap();
                break pipe.trim().trim_matches('"').to_owned();
            }
            std::thread::yield_now();
        };
        Self { child, pipe }
    }
}

impl Drop for Pageant {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_pageant_behind_claviger_is_listed_and_signs() {
    let Some(putty) = given("CLAVIGER_TEST_PUTTY") else {
        return;
    };
    let _places = places();
    let home = tempfile::tempdir().unwrap();
    let pageant = Pageant::start(&putty, home.path());
    let agent = Agent::configured(|_| format!("[[upstream]]\nsocket = '{}'\n", pageant.pipe));
    let end = Instant::now() + SOON;
    // It serves its pipe before it has read its keys.
    while !agent.said(&["list"]).contains("from PuTTY") {
        assert!(Instant::now() < end, "Pageant's key is not listed");
    }
    signs(&agent.pipe, "from PuTTY");
    // Pageant keeps its own places; who wants claviger there is told, and everybody else served.
    let usual = Agent::at(OPENSSH);
    assert_eq!(raw(&usual.pipe, &[11]), [12, 0, 0, 0, 0]);
    drop(pageant);
    assert!(!agent.said(&["list"]).contains("from PuTTY"));
}
