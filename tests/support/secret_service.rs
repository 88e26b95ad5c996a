//! A real Secret Service for tests: a private session bus and gnome-keyring on a home of its own, killed on drop.
//!
//! Several can run at a time. What is under test finds it through [`SecretService::environment`].

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// What the login keyring is opened with.
pub(crate) const PASSWORD: &str = "the login password";

const BUS_CONFIG: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=SOCKET</listen>
  <servicedir>SERVICES</servicedir>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#;

/// A session bus, with or without a keyring on it.
pub(crate) struct SecretService {
    home: PathBuf,
    bus: Child,
    keyring: Option<Child>,
}

impl SecretService {
    /// Starts the bus and an unlocked keyring with an empty default collection (or the one that `home` has already).
    pub(crate) fn start(home: &Path) -> Self {
        let mut session = Self::start_bus(home);
        session.start_keyring();
        session
    }

    /// Starts only the bus; services can be made activatable in `<home>/services` before.
    pub(crate) fn start_bus(home: &Path) -> Self {
        let services = home.join("services");
        for dir in [&services, &home.join("run"), &home.join("data")] {
            std::fs::create_dir_all(dir).unwrap();
        }
        let config = home.join("bus.conf");
        let text = BUS_CONFIG
            .replace("SOCKET", bus_socket(home).to_str().unwrap())
            .replace("SERVICES", services.to_str().unwrap());
        std::fs::write(&config, text).unwrap();
        let mut bus = Command::new("dbus-daemon")
            .arg("--config-file")
            .arg(&config)
            .args(["--nofork", "--nopidfile", "--print-address=1"])
            .envs(Self::environment(home))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // It prints its address once it listens.
        let mut address = String::new();
        BufReader::new(bus.stdout.take().unwrap())
            .read_line(&mut address)
            .unwrap();
        assert!(address.starts_with("unix:path="), "dbus-daemon did not start");
        Self {
            home: home.to_owned(),
            bus,
            keyring: None,
        }
    }

    /// Starts gnome-keyring, unlocked, and waits until it is on the bus.
    pub(crate) fn start_keyring(&mut self) {
        self.spawn_keyring(&["--unlock"]);
    }

    /// Starts gnome-keyring as nobody has ever logged in to it: it has no default collection.
    pub(crate) fn start_keyring_without_login(&mut self) {
        self.spawn_keyring(&[]);
    }

    fn spawn_keyring(&mut self, options: &[&str]) {
        let mut keyring = Command::new("gnome-keyring-daemon")
            .args(["--foreground", "--components=secrets"])
            .args(options)
            .envs(self.env())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        keyring
            .stdin
            .take()
            .unwrap()
            .write_all(PASSWORD.as_bytes())
            .unwrap();
        self.keyring = Some(keyring);
        let wait = ["wait", "--session", "--timeout", "60", "org.freedesktop.secrets"];
        assert!(
            self.run("gdbus", &wait).status.success(),
            "gnome-keyring did not start"
        );
    }

    /// Kills the keyring; what it stored stays in the home.
    pub(crate) fn stop_keyring(&mut self) {
        if let Some(mut keyring) = self.keyring.take() {
            let _ = keyring.kill();
            let _ = keyring.wait();
        }
    }

    /// The variables with which a program finds this bus and this home.
    pub(crate) fn env(&self) -> Vec<(String, String)> {
        Self::environment(&self.home)
    }

    /// The same for a bus that may not run yet.
    pub(crate) fn environment(home: &Path) -> Vec<(String, String)> {
        let inside = |name: &str| home.join(name).to_str().unwrap().to_owned();
        vec![
            ("HOME".to_owned(), inside("")),
            ("XDG_RUNTIME_DIR".to_owned(), inside("run")),
            ("XDG_DATA_HOME".to_owned(), inside("data")),
            (
                "DBUS_SESSION_BUS_ADDRESS".to_owned(),
                format!("unix:path={}", bus_socket(home).display()),
            ),
        ]
    }

    /// Locks the default collection.
    pub(crate) fn lock(&self) {
        let locked = self.run(
            "dbus-send",
            &[
                "--session",
                "--print-reply",
                "--dest=org.freedesktop.secrets",
                "/org/freedesktop/secrets",
                "org.freedesktop.Secret.Service.Lock",
                "array:objpath:/org/freedesktop/secrets/collection/login",
            ],
        );
        assert!(locked.status.success(), "the keyring could not be locked");
    }

    /// Stops the keyring's process in its tracks: it keeps its name on the bus and answers nothing.
    pub(crate) fn freeze(&self) {
        self.signal("-STOP");
    }

    /// Lets a frozen keyring go on.
    pub(crate) fn thaw(&self) {
        self.signal("-CONT");
    }

    /// What `secret-tool lookup` prints for our item of `account`, if there is one.
    pub(crate) fn lookup(&self, account: &str) -> Option<Vec<u8>> {
        let found = self.run(
            "secret-tool",
            &["lookup", "service", "claviger", "username", account],
        );
        found.status.success().then_some(found.stdout)
    }

    /// Stores an item as another program would, with one more attribute than ours have.
    pub(crate) fn store_duplicate(&self, account: &str, secret: &str) {
        let mut tool = Command::new("secret-tool")
            .args([
                "store",
                "--label=duplicate",
                "service",
                "claviger",
                "username",
                account,
            ])
            .args(["made-by", "test"])
            .envs(self.env())
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        tool.stdin.take().unwrap().write_all(secret.as_bytes()).unwrap();
        assert!(tool.wait().unwrap().success());
    }

    /// All method calls on the bus while `act` runs, as dbus-monitor prints them.
    pub(crate) fn calls_during(&self, act: impl FnOnce()) -> String {
        let mut monitor = Command::new("dbus-monitor")
            .args(["--session", "type='method_call'", "type='signal'"])
            .envs(self.env())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(monitor.stdout.take().unwrap()).lines();
        let mut seen = String::new();
        // It has become a monitor when it lost its name; the marker says that all before it was printed.
        for line in lines.by_ref() {
            if line.unwrap().contains("member=NameLost") {
                break;
            }
        }
        act();
        self.run("dbus-send", &["--session", "/test", "test.Marker.Done"]);
        for line in lines {
            let line = line.unwrap();
            if line.contains("test.Marker") {
                break;
            }
            seen.push_str(&line);
            seen.push('\n');
        }
        let _ = monitor.kill();
        let _ = monitor.wait();
        seen
    }

    fn run(&self, program: &str, args: &[&str]) -> Output {
        Command::new(program)
            .args(args)
            .envs(self.env())
            .output()
            .unwrap()
    }

    fn signal(&self, name: &str) {
        let pid = self.keyring.as_ref().unwrap().id().to_string();
        assert!(self.run("kill", &[name, &pid]).status.success());
    }
}

impl Drop for SecretService {
    fn drop(&mut self) {
        self.stop_keyring();
        let _ = self.bus.kill();
        let _ = self.bus.wait();
    }
}

fn bus_socket(home: &Path) -> PathBuf {
    home.join("run/bus")
}
