//! The real program, in temporary homes, as far as no agent is needed: configuration, `add`, `remove`, and what
//! is said when something is missing or wrong. Every home has a space, a quote and a letter outside of ASCII.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(
    clippy::disallowed_methods,
    reason = "the tools of the tests are found in PATH"
)]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const KEY: &str = "correct horse";
const MASTER: &str = "battery staple é";

struct Home {
    dir: tempfile::TempDir,
}

struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Home {
    fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("Zoë's home ").tempdir().unwrap();
        let home = Self { dir };
        fs::create_dir(home.path(".ssh")).unwrap();
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn config(&self) -> PathBuf {
        self.path("config/config.toml")
    }

    fn configure(&self, text: impl AsRef<[u8]>) {
        fs::create_dir_all(self.path("config")).unwrap();
        fs::write(self.config(), text).unwrap();
    }

    /// No session bus, no askpass, no terminal (a session of its own), and both passphrases waiting at descriptors
    /// 3 and 4.
    fn command(&self, args: &[&str], key: &str, master: &str) -> Command {
        fs::write(self.path("key-passphrase"), format!("{key}\n")).unwrap();
        fs::write(self.path("master-passphrase"), format!("{master}\n")).unwrap();
        let mut command = Command::new("setsid");
        command
            .args([
                "-w",
                "sh",
                "-c",
                "exec \"$@\" 3<key-passphrase 4<master-passphrase",
                "sh",
            ])
            .arg(env!("CARGO_BIN_EXE_claviger"))
            .args(args)
            .current_dir(self.dir.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.dir.path())
            .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/dev/null")
            .env("CLAVIGER_CONFIG", self.config())
            .env("CLAVIGER_STATE_DIR", self.path("state"))
            .env("CLAVIGER_DATA_DIR", self.path("data"))
            .env("CLAVIGER_SOCKET", self.path("run/agent.sock"))
            .stdin(Stdio::null());
        command
    }

    fn run(&self, args: &[&str]) -> Ran {
        self.command(args, KEY, MASTER).output().unwrap().into()
    }

    fn add(&self, files: &[&str]) -> Ran {
        self.run(
            &[
                &["add", "--passphrase-fd", "3", "--vault-passphrase-fd", "4"],
                files,
            ]
            .concat(),
        )
    }

    fn keygen(&self, file: &str, passphrase: &str) -> PathBuf {
        let path = self.path(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let made = Command::new("ssh-keygen")
            .args([
                "-q", "-t", "ed25519", "-a", "1", "-C", file, "-N", passphrase, "-f",
            ])
            .arg(&path)
            .status();
        assert!(made.unwrap().success());
        path
    }

    fn vault(&self) -> PathBuf {
        self.path("data/vault.kdbx")
    }
}

impl Ran {
    #[track_caller]
    fn done(self) -> Self {
        assert_eq!((self.code, self.err.as_str()), (0, ""), "stdout: {}", self.out);
        self
    }

    #[track_caller]
    fn failed(self, names: &[&str]) -> Self {
        assert_eq!(self.code, 1, "stdout: {}\nstderr: {}", self.out, self.err);
        for name in names {
            assert!(self.err.contains(name), "{name:?} is not in: {}", self.err);
        }
        assert!(self.err.starts_with("claviger: "), "{}", self.err);
        self
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn without_a_file_the_defaults_hold() {
    let home = Home::new();
    assert_eq!(
        home.run(&["config", "path"]).done().out.trim_end(),
        text(&home.config())
    );
    assert!(home.run(&["config", "check"]).done().out.contains("no such file"));
    let shown = home.run(&["config", "show"]).done().out;
    assert!(
        shown.contains(&format!("{}/.ssh", text(home.dir.path()))),
        "{shown}"
    );
    let shown: serde_json::Value =
        serde_json::from_str(&home.run(&["config", "show", "--json"]).done().out).unwrap();
    assert_eq!(shown["lock"]["idle"], "15m");
    assert_eq!(
        shown["vault"]["order"],
        serde_json::json!(["os", "kdbx", "embedded", "prompt"])
    );
}

#[test]
fn a_bad_configuration_is_refused_with_its_place() {
    let home = Home::new();
    home.configure("[keys]\ndirs = []\ndri = []\n");
    let place = format!("{}:3:1: ", text(&home.config()));
    home.run(&["config", "check"]).failed(&[&place, "dri", "dirs"]);
    home.run(&["config", "show"]).failed(&[&place]);
    home.run(&["add"]).failed(&[&place]);
    let checked = home.run(&["config", "check", "--json"]);
    assert_eq!(checked.code, 1);
    let checked: serde_json::Value = serde_json::from_str(&checked.out).unwrap();
    assert_eq!((&checked["line"], &checked["column"]), (&3.into(), &1.into()));
    assert_eq!(checked["valid"], false);

    home.configure(b"[lock]\nidle = \"caf\xe9\"\n");
    home.run(&["config", "check"]).failed(&[":2:12: ", "UTF-8"]);
    fs::remove_file(home.config()).unwrap();
    fs::create_dir(home.config()).unwrap();
    home.run(&["config", "check"]).failed(&["a directory"]);
}

#[test]
fn another_configuration_can_be_named() {
    let home = Home::new();
    fs::write(home.path("other.toml"), "lock.idle = 'never'").unwrap();
    let shown = home.run(&["--config", "other.toml", "config", "show"]).done().out;
    assert!(shown.contains("never"), "{shown}");
    let path = home.run(&["config", "path", "--config", "other.toml"]).done().out;
    assert_eq!(path.trim_end(), text(&home.path("other.toml")));
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let home = Home::new();
    let mut command = home.command(&["config", "show"], KEY, MASTER);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    Ran::from(child.wait_with_output().unwrap()).done();
}

#[test]
fn wrong_usage_ends_with_2() {
    let home = Home::new();
    for args in [
        &[][..],
        &["frobnicate"],
        &["add", "--passphrase", "x"],
        &["agent", "-t", "5", "true"],
    ] {
        assert_eq!(home.run(args).code, 2, "{args:?}");
    }
}

#[test]
fn without_an_agent_the_way_to_start_one_is_named() {
    let home = Home::new();
    let socket = home.path("run/agent.sock");
    for verb in ["list", "lock", "unlock"] {
        home.run(&[verb]).failed(&[text(&socket), "claviger agent"]);
    }
    let status = home.run(&["status"]);
    assert_eq!(status.code, 1);
    for name in [&socket, &home.config(), &home.vault()] {
        assert!(status.out.contains(text(name)), "{}", status.out);
    }
    let status = home.run(&["status", "--json"]);
    let status: serde_json::Value = serde_json::from_str(&status.out).unwrap();
    assert_eq!(status["running"], false);
}

#[test]
fn add_stores_what_opens_the_key() {
    let home = Home::new();
    let key = home.keygen(".ssh/id_ed25519", KEY);
    let added = home.add(&[text(&key)]).done().out;
    assert!(
        added.contains(text(&key)) && added.contains(text(&home.vault())),
        "{added}"
    );
    assert_eq!(
        fs::metadata(home.vault()).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert!(
        !home.config().exists(),
        "a key in ~/.ssh needs no line in the configuration"
    );
    home.add(&[text(&key)]).done();
}

#[test]
fn a_wrong_passphrase_stores_nothing() {
    let home = Home::new();
    let key = home.keygen(".ssh/id_ed25519", "another one");
    home.add(&[text(&key)]).failed(&[text(&key), "does not fit"]);
    assert!(!home.vault().exists());
}

#[test]
fn a_wrong_master_passphrase_leaves_the_vault_as_it_was() {
    let home = Home::new();
    let key = home.keygen(".ssh/id_ed25519", KEY);
    home.add(&[text(&key)]).done();
    let before = fs::read(home.vault()).unwrap();
    let args = [
        "add",
        "--passphrase-fd",
        "3",
        "--vault-passphrase-fd",
        "4",
        text(&key),
    ];
    let ran: Ran = home.command(&args, KEY, "not it").output().unwrap().into();
    ran.failed(&[text(&key), "given on the command line does not fit"]);
    assert_eq!(fs::read(home.vault()).unwrap(), before);
}

#[test]
fn a_file_elsewhere_is_named_in_the_configuration_once() {
    let home = Home::new();
    home.configure("# mine\n[lock]\nidle = \"1h\" # long\n");
    let key = home.keygen("work keys/clé", KEY);
    for _ in 0..2 {
        home.add(&["work keys/../work keys/clé"]).done();
    }
    let config = fs::read_to_string(home.config()).unwrap();
    assert!(
        config.starts_with("# mine\n[lock]\nidle = \"1h\" # long\n"),
        "{config}"
    );
    assert_eq!(config.matches("~/work keys/clé").count(), 1, "{config}");

    let removed = home
        .run(&["remove", "--vault-passphrase-fd", "4", text(&key)])
        .done()
        .out;
    assert!(
        removed.contains(text(&home.vault())) && removed.contains(text(&home.config())),
        "{removed}"
    );
    assert!(!fs::read_to_string(home.config()).unwrap().contains("work keys"));
    assert!(key.exists(), "a key file is never deleted");
    home.run(&["remove", text(&key)]).failed(&["no key is called"]);
}

#[test]
fn each_file_is_judged_by_itself() {
    let home = Home::new();
    let good = home.keygen(".ssh/good", KEY);
    let plain = home.keygen(".ssh/plain", "");
    let open = home.keygen(".ssh/open", KEY);
    fs::set_permissions(&open, Permissions::from_mode(0o644)).unwrap();
    fs::write(home.path(".ssh/noise"), [0xff; 512]).unwrap();
    let public = home.path(".ssh/good.pub");
    let added = home.add(&[
        ".ssh/absent",
        ".ssh",
        text(&public),
        text(&open),
        ".ssh/noise",
        text(&plain),
        text(&good),
    ]);
    let added = added.failed(&[
        ".ssh/absent: no such file",
        "a directory",
        "chmod 600",
        "not a private key",
    ]);
    assert!(
        added
            .err
            .contains(&format!("public half; give the private one: {}", text(&good))),
        "{}",
        added.err
    );
    assert!(
        added
            .out
            .contains(&format!("{}: has no passphrase", text(&plain))),
        "{}",
        added.out
    );
    assert!(
        added.out.contains(&format!("{}: passphrase stored", text(&good))),
        "{}",
        added.out
    );
    assert_eq!(added.err.lines().count(), 5, "{}", added.err);
}

#[test]
fn without_a_file_every_protected_key_is_added() {
    let home = Home::new();
    home.run(&["add"]).failed(&["no passphrase-protected key"]);
    home.keygen(".ssh/id_a", KEY);
    home.keygen(".ssh/id_b", KEY);
    home.keygen(".ssh/id_plain", "");
    let added = home.add(&[]).done().out;
    assert!(
        added.contains("id_a: passphrase stored") && added.contains("id_b: passphrase stored"),
        "{added}"
    );
    assert!(!added.contains("id_plain"), "{added}");
}

#[test]
fn askpass_is_asked_until_it_fits() {
    let home = Home::new();
    let key = home.keygen(".ssh/id_ed25519", KEY);
    let askpass = home.path("askpass");
    let script = format!(
        "#!/bin/sh\necho \"$1\" >> asked\n[ $(wc -l < asked) -ge 2 ] && echo '{KEY}' || echo wrong\n"
    );
    fs::write(&askpass, script).unwrap();
    fs::set_permissions(&askpass, Permissions::from_mode(0o700)).unwrap();
    let mut command = home.command(&["add", "--vault-passphrase-fd", "4", text(&key)], KEY, MASTER);
    command
        .env("SSH_ASKPASS", &askpass)
        .env("SSH_ASKPASS_REQUIRE", "force");
    Ran::from(command.output().unwrap()).done();
    let asked = fs::read_to_string(home.path("asked")).unwrap();
    assert_eq!(
        asked
            .matches(&format!("passphrase for key {}", text(&key)))
            .count(),
        2,
        "{asked}"
    );
}

#[test]
fn with_nobody_to_ask_the_way_out_is_named() {
    let home = Home::new();
    let key = home.keygen(".ssh/id_ed25519", KEY);
    home.run(&["add", text(&key)])
        .failed(&[text(&key), "--passphrase-fd"]);
    home.run(&["add", "--no-store", text(&key)])
        .failed(&["no agent answers"]);
    let same = [
        "add",
        "--passphrase-fd",
        "3",
        "--vault-passphrase-fd",
        "3",
        text(&key),
    ];
    home.run(&same).failed(&["same descriptor"]);
    home.run(&["add", "--passphrase-fd", "77", text(&key)])
        .failed(&["77"]);
    assert!(!home.vault().exists());
}
