//! The real sshd on a loopback port, with its own host key and configuration; works as root and as an ordinary user.

use super::{Home, Key, LIMIT, succeed, user, users};
use std::fs::{self, DirBuilder, File};
use std::net::TcpListener;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running sshd that lets in the user who runs the tests; ended and reaped when dropped.
pub(crate) struct Sshd {
    child: Child,
    port: u16,
    known_hosts: PathBuf,
    log: PathBuf,
}

impl Sshd {
    /// Lets in whoever holds one of `keys`.
    pub(crate) fn start(home: &Home, keys: &[&Key]) -> Self {
        Self::knowing(
            home,
            &keys.iter().map(|key| key.public_line()).collect::<String>(),
        )
    }

    /// Lets in whoever holds a key of these lines.
    pub(crate) fn knowing(home: &Home, authorized: &str) -> Self {
        home.write("authorized_keys", authorized.as_bytes(), 0o600);
        Self::with_line(
            home,
            &format!("AuthorizedKeysFile {}", home.path("authorized_keys").display()),
            None,
        )
    }

    /// As [`Sshd::start`], and shows itself with a certificate by `authority`, which alone its known_hosts names.
    pub(crate) fn certified(home: &Home, keys: &[&Key], authority: &Key) -> Self {
        let lines: String = keys.iter().map(|key| key.public_line()).collect();
        home.write("authorized_keys", lines.as_bytes(), 0o600);
        let line = format!(
            "AuthorizedKeysFile {}\nHostCertificate {}",
            home.path("authorized_keys").display(),
            home.path("host_key-cert.pub").display()
        );
        Self::with_line(home, &line, Some(authority))
    }

    /// Its users live in `home`: it lets in whoever holds one of `keys`, or is in `.ssh/authorized_keys` there later.
    pub(crate) fn of_users_in(home: &Home, keys: &[&Key]) -> Self {
        let lines: String = keys.iter().map(|key| key.public_line()).collect();
        home.write(".ssh/authorized_keys", lines.as_bytes(), 0o600);
        let (keys, home_dir) = (home.path(".ssh/authorized_keys"), home.path(""));
        let line = format!(
            "AuthorizedKeysFile {}\nSetEnv HOME={}",
            keys.display(),
            home_dir.display()
        );
        Self::with_line(home, &line, None)
    }

    /// Its users live in `home`, and `line` says the rest.
    pub(crate) fn of_users_elsewhere(home: &Home, line: &str) -> Self {
        Self::with_line(
            home,
            &format!("{line}\nSetEnv HOME={}", home.path("").display()),
            None,
        )
    }

    /// From now on it takes connections and says nothing, like a machine that hangs; until "CONT".
    pub(crate) fn send(&self, signal: &str) {
        super::signal(self.child.id(), signal);
    }

    /// Lets in whoever has a certificate by `authority`, and no plain key.
    pub(crate) fn trusting(home: &Home, authority: &Key) -> Self {
        let line = format!(
            "AuthorizedKeysFile none\nTrustedUserCAKeys {}",
            authority.beside(".pub").display()
        );
        Self::with_line(home, &line, None)
    }

    /// As [`Sshd::start`]; `line` goes before all else, and sshd takes the first word on anything.
    pub(crate) fn saying(home: &Home, keys: &[&Key], line: &str) -> Self {
        let lines: String = keys.iter().map(|key| key.public_line()).collect();
        home.write("authorized_keys", lines.as_bytes(), 0o600);
        let keys = home.path("authorized_keys");
        Self::with_line(
            home,
            &format!("{line}\nAuthorizedKeysFile {}", keys.display()),
            None,
        )
    }

    /// Lets in [`users::NAME`] with this password, and nobody with a key.
    pub(crate) fn with_password(home: &Home, password: &str, line: &str) -> Self {
        users::make(home, password);
        Self::saying(home, &[], &format!("{line}\nPasswordAuthentication yes"))
    }

    fn with_line(home: &Home, line: &str, authority: Option<&Key>) -> Self {
        privilege_separation_directory();
        host_key(home);
        // Another test may take a free port between its choice and its use: then another one is chosen.
        for _ in 0..20 {
            if let Some(sshd) = Self::try_start(home, line, authority) {
                return sshd;
            }
        }
        panic!(
            "sshd does not start:\n{}",
            fs::read_to_string(home.path("sshd.log")).unwrap_or_default()
        );
    }

    fn try_start(home: &Home, line: &str, authority: Option<&Key>) -> Option<Self> {
        let port = TcpListener::bind(("127.0.0.1", 0))
            .and_then(|l| l.local_addr())
            .expect("a free port")
            .port();
        let host_key = home.path("host_key");
        let config = format!(
            "{line}\nListenAddress 127.0.0.1:{port}\nHostKey {}\nPidFile none\nUsePAM no\nStrictModes no\nPermitRootLogin yes\n\
             PasswordAuthentication no\nKbdInteractiveAuthentication no\nMaxStartups 200\nMaxAuthTries 20\n\
             LogLevel VERBOSE\nSubsystem sftp internal-sftp\n",
            host_key.display()
        );
        let config = home.write("sshd_config", config.as_bytes(), 0o600);
        let public = fs::read_to_string(home.path("host_key.pub")).expect("the host key");
        let known = match authority {
            Some(authority) => {
                let mut sign = home.command("ssh-keygen");
                // The name that ssh asks for, and the one by which known_hosts and restrictions know it.
                let names = format!("127.0.0.1,[127.0.0.1]:{port}");
                sign.args(["-q", "-h", "-I", "host", "-n", &names, "-s"]);
                succeed(sign.arg(&authority.path).arg(home.path("host_key.pub")));
                format!("@cert-authority [127.0.0.1]:{port} {}", authority.public_line())
            }
            None => format!("[127.0.0.1]:{port} {public}"),
        };
        let known_hosts = home.write("known_hosts", known.as_bytes(), 0o600);
        let log = home.path("sshd.log");
        let stderr = File::create(&log).expect("a log");
        // sshd insists on its absolute path: it starts itself anew for each connection.
        let path = ["/usr/sbin/sshd", "/usr/bin/sshd", "/usr/local/sbin/sshd"]
            .into_iter()
            .find(|p| fs::exists(p).unwrap_or(false));
        let mut command = home.command(path.expect("sshd is installed"));
        users::live_at(home, &mut command);
        let child = command
            .args(["-D", "-e", "-f"])
            .arg(config)
            .stdout(Stdio::null())
            .stderr(stderr)
            .spawn();
        let mut sshd = Self {
            child: child.expect("sshd starts"),
            port,
            known_hosts,
            log,
        };
        sshd.is_ready().then_some(sshd)
    }

    fn is_ready(&mut self) -> bool {
        let end = Instant::now() + LIMIT;
        while Instant::now() < end {
            if self.child.try_wait().expect("its state").is_some() {
                return false;
            }
            if self.log().contains("Server listening on") {
                return true;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        false
    }

    /// `ssh … user@127.0.0.1`: an ssh that knows this host and no key file, config or password, as arguments.
    pub(crate) fn ssh(&self) -> Vec<String> {
        let known = format!("UserKnownHostsFile={}", self.known_hosts.display());
        let options = [
            "GlobalKnownHostsFile=none",
            "StrictHostKeyChecking=yes",
            "IdentityFile=none",
            "BatchMode=yes",
            &known,
        ];
        let mut words = vec!["ssh".to_owned(), "-F".into(), "none".into()];
        words.extend(options.iter().flat_map(|o| ["-o".to_owned(), (*o).to_owned()]));
        words.extend([
            "-p".to_owned(),
            self.port.to_string(),
            format!("{}@127.0.0.1", user()),
        ]);
        words
    }

    /// Where it listens on 127.0.0.1.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Its host key as `TYPE BASE64`.
    pub(crate) fn host_key(&self) -> String {
        let known = fs::read_to_string(&self.known_hosts).expect("known hosts");
        let fields: Vec<&str> = known.split_whitespace().skip(1).take(2).collect();
        fields.join(" ")
    }

    /// Its name in [`known_hosts`](Self::known_hosts).
    pub(crate) fn host(&self) -> String {
        format!("[127.0.0.1]:{}", self.port)
    }

    /// The file that knows its host key.
    pub(crate) fn known_hosts(&self) -> &Path {
        &self.known_hosts
    }

    /// A login through the agent that `SSH_AUTH_SOCK` names, which runs `remote`.
    pub(crate) fn login(&self, home: &Home, remote: &str) -> Command {
        let words = self.ssh();
        let mut command = home.command(&words[0]);
        command.args(&words[1..]).arg(remote);
        command
    }

    /// What it logged so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            println!("--- {}\n{}", self.log.display(), self.log());
        }
    }
}

/// The home's host key, made when it is first asked for.
fn host_key(home: &Home) -> PathBuf {
    let path = home.path("host_key");
    if !path.exists() {
        let mut keygen = home.command("ssh-keygen");
        succeed(keygen.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&path));
    }
    path
}

/// As root, sshd wants its empty directory; a system whose sshd was never started as a service lacks it.
fn privilege_separation_directory() {
    if super::is_root() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o755)
            .create("/run/sshd")
            .expect("/run/sshd");
    }
}
