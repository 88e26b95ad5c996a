//! `config sync`: programs that show an agent no host get in, by what was learnt through ssh.

use crate::support::{Agent, Home, Key, KeyKind, Sshd, succeed, user, wait_until};
use std::fs;
use std::process::{Child, Command, Stdio};

/// Forty keys of which the last one opens the server, which gives up after six.
fn learnt(home: &Home, server: &Home) -> (Vec<Key>, Sshd, Agent) {
    let keys: Vec<Key> = (1..=40)
        .map(|number| Key::make_with(home, &format!("key_{number:02}"), KeyKind::Quick, ""))
        .collect();
    let sshd = Sshd::saying(server, &[&keys[39]], "MaxAuthTries 6");
    let known = fs::read(sshd.known_hosts()).expect("known_hosts");
    home.write(".ssh/known_hosts", &known, 0o600);
    let agent = Agent::start(home);
    let mut named = sshd.login(home, "true");
    assert!(
        !named.output().expect("ssh").status.success(),
        "the last key is not among the first"
    );
    wait_until("a key is taken", || {
        sshd.login(home, "true").output().expect("ssh").status.success()
    });
    wait_until("it is written", || {
        succeed(&mut home.claviger(&["hosts", "--json"])).contains("times")
    });
    (keys, sshd, agent)
}

/// An agent of OpenSSH's own with these keys; ended on drop.
struct Other(Child);

impl Other {
    fn start(home: &Home, socket: &std::path::Path, keys: &[Key]) -> Self {
        let mut command = home.command("ssh-agent");
        let child = command
            .arg("-D")
            .arg("-a")
            .arg(socket)
            .stdout(Stdio::null())
            .spawn();
        let other = Self(child.expect("ssh-agent"));
        wait_until("ssh-agent listens", || socket.exists());
        let mut add = home.command("ssh-add");
        add.env("SSH_AUTH_SOCK", socket).arg("-q");
        succeed(add.args(keys.iter().map(Key::arg)));
        other
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// ssh through an agent that knows nothing of hosts, with this configuration.
fn through(home: &Home, sshd: &Sshd, agent: &std::path::Path, config: &str) -> Command {
    let known = format!("UserKnownHostsFile={}", sshd.known_hosts().display());
    let mut ssh = home.command("ssh");
    ssh.env("SSH_AUTH_SOCK", agent)
        .args(["-F", config, "-p", &sshd.port().to_string()]);
    ssh.args([
        "-o",
        "BatchMode=yes",
        "-o",
        &known,
        "-l",
        &user(),
        "127.0.0.1",
        "echo in",
    ]);
    ssh
}

#[test]
fn programs_that_show_no_host_get_in_with_forty_keys() {
    let (home, server) = (Home::new(), Home::new());
    let (keys, sshd, _agent) = learnt(&home, &server);
    let line = home.write("known.pub", sshd.host_key().as_bytes(), 0o600);
    let shown = succeed(home.command("ssh-keygen").arg("-lf").arg(line));
    let fingerprint = shown.split(' ').nth(1).expect("a fingerprint").to_owned();
    let port = sshd.port().to_string();
    let plink = |args: &[&str]| {
        let mut plink = home.command("plink");
        plink
            .args(["-batch", "-agent", "-hostkey", &fingerprint])
            .args(args);
        plink.arg("echo in");
        plink
    };
    let by_itself = plink(&["-ssh", "-P", &port, "-l", &user(), "127.0.0.1"]).output();
    assert!(
        !by_itself.expect("plink").status.success(),
        "forty keys are too many"
    );

    let told = succeed(&mut home.claviger(&["config", "sync", "--putty"]));
    assert!(
        told.contains("127.0.0.1") && told.contains(&keys[39].fingerprint(&home)),
        "{told}"
    );
    assert_eq!(
        succeed(&mut plink(&["-load", &format!("127.0.0.1:{port}")])),
        "in\n"
    );

    // The blocks alone, with an agent that chooses nothing.
    let socket = home.path("other.sock");
    let _other = Other::start(&home, &socket, &keys);
    assert!(
        !through(&home, &sshd, &socket, "none")
            .output()
            .expect("ssh")
            .status
            .success()
    );
    let hosts = home.path(".ssh/claviger/hosts.conf");
    let hosts = hosts.to_str().expect("UTF-8");
    assert_eq!(succeed(&mut through(&home, &sshd, &socket, hosts)), "in\n");
    // And with claviger, which takes the stubs for what they are: its own.
    assert_eq!(succeed(&mut through(&home, &sshd, &home.socket(), hosts)), "in\n");

    // A second call changes nothing; one after everything was forgotten leaves nothing.
    let again = succeed(&mut home.claviger(&["config", "sync", "--putty"]));
    assert!(again.contains("is there already"), "{again}");
    succeed(&mut home.claviger(&["hosts", "forget", "--all"]));
    succeed(&mut home.claviger(&["config", "sync", "--putty"]));
    assert!(!fs::read_to_string(hosts).expect("the file").contains("Host "));
    for folder in [".ssh/claviger/keys", ".putty/sessions"] {
        let left = fs::read_dir(home.path(folder)).expect("the folder").count();
        assert_eq!(left, 0, "{folder}");
    }
}
