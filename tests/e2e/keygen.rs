//! `claviger keygen` with the agent, ssh's own reading of its configuration, a terminal, and a login.

use crate::support::person::MASTER;
use crate::support::{Agent, Home, Person, Sshd, Terminal, list, succeed, text};
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::Command;

/// With the key's and the vault's passphrase at descriptors 3 and 4.
fn keygen(home: &Home, args: &[&str]) -> Command {
    home.write("key", b"typed by a person\n", 0o600);
    home.write("master", format!("{MASTER}\n").as_bytes(), 0o600);
    let mut command = home.command("sh");
    command
        .args(["-c", r#"exec 3<key 4<master; exec "$@""#, "sh"])
        .arg(crate::support::home::claviger())
        .args(["keygen", "-a", "1", "--vault-passphrase-fd", "4"])
        .args(args);
    command
}

fn authorized(home: &Home, name: &str) -> String {
    fs::read_to_string(home.path(".ssh").join(name)).expect("the public half")
}

#[test]
fn a_generated_key_logs_in_at_once_and_nobody_is_asked_for_its_passphrase() {
    let home = Home::new();
    let person = Person::new(&home).knows_master();
    let _agent = Agent::start_with(&home, &person);
    let said = succeed(&mut keygen(&home, &["--generate", "--for", "web"]));
    assert!(said.contains("lists the key, sealed"), "{said}");
    let keys = list(&home);
    assert_eq!(keys.len(), 1);
    assert_eq!(keys[0]["state"], "sealed");
    let sshd = Sshd::knowing(&home, &authorized(&home, "id_ed25519_web.pub"));
    assert_eq!(succeed(&mut sshd.login(&home, "echo in")), "in\n");
    let asked = person.asked();
    assert!(
        asked
            .iter()
            .all(|question| question.contains("master passphrase")),
        "{asked:?}"
    );
}

#[test]
fn a_typed_key_is_open_in_the_agent_and_every_type_logs_in() {
    let home = Home::new();
    let _agent = Agent::start(&home);
    let mut lines = String::new();
    for (kind, bits, name) in [
        ("ed25519", "256", "a"),
        ("ecdsa", "384", "b"),
        ("ecdsa", "521", "c"),
        ("rsa", "2048", "d"),
    ] {
        let said = succeed(&mut keygen(
            &home,
            &["--passphrase-fd", "3", "-t", kind, "-b", bits, name],
        ));
        assert!(said.contains("lists the key, open"), "{said}");
        lines += &authorized(&home, &format!("{name}.pub"));
    }
    assert!(list(&home).iter().all(|key| key["state"] == "open"));
    let sshd = Sshd::knowing(&home, &lines);
    for name in ["a", "b", "c", "d"] {
        let mut words = sshd.ssh();
        let none = words
            .iter()
            .position(|word| word == "IdentityFile=none")
            .expect("its place");
        words[none] = format!(
            "IdentityFile={}",
            home.path(".ssh").join(format!("{name}.pub")).display()
        );
        words.splice(1..1, ["-o".to_owned(), "IdentitiesOnly=yes".into()]);
        let output = succeed(home.command(&words[0]).args(&words[1..]).arg("echo in"));
        assert_eq!(output, "in\n", "{name}");
    }
}

#[test]
fn a_passphrase_is_typed_twice_and_progress_is_shown_on_a_terminal_only() {
    let home = Home::new();
    let command = home.claviger(&["keygen", "-a", "400", "slow"]);
    let mut terminal = Terminal::run(&home, &command);
    terminal.wait_for("new key").type_line("first try");
    terminal.wait_for("same passphrase again").type_line("another");
    terminal
        .wait_for("differ")
        .wait_for("new key")
        .type_line("the one");
    terminal
        .wait_for("again")
        .type_line("the one")
        .wait_for("Sealing it");
    let (status, shown) = terminal.end();
    assert!(status.success() && shown.contains("SHA256:"), "{shown}");
    assert!(!shown.contains('\u{1b}') && !shown.contains("the one"), "{shown}");
    let mut open = home.command("ssh-keygen");
    succeed(
        open.args(["-y", "-P", "the one", "-f"])
            .arg(home.path(".ssh/slow")),
    );
    let quiet = keygen(&home, &["--passphrase-fd", "3", "-t", "rsa"])
        .output()
        .expect("it ran");
    assert!(
        quiet.status.success() && quiet.stderr.is_empty(),
        "{}",
        text(&quiet)
    );
}

/// What ssh makes of its configuration for this host, as `keyword value` lines.
fn resolved(home: &Home, file: &str, host: &str) -> Vec<String> {
    let mut ssh = home.command("ssh");
    let output = succeed(ssh.arg("-G").arg("-F").arg(home.path(file)).arg(host));
    output.lines().map(str::to_owned).collect()
}

#[track_caller]
fn has(lines: &[String], wanted: &[&str]) {
    for line in wanted {
        assert!(
            lines.iter().any(|found| found == line),
            "{line} is not in {lines:#?}"
        );
    }
}

#[test]
fn ssh_reads_the_host_blocks() {
    let home = Home::new();
    let make = |name: &str, args: &[&str]| {
        let base = ["--passphrase-fd", "3", "--for", name, "--ssh-config"];
        succeed(&mut keygen(&home, &[&base, args].concat()))
    };
    make(
        "web",
        &[
            "--hostname",
            "web.example.net",
            "--user",
            "deploy",
            "--port",
            "2222",
        ],
    );
    let said = make("2001:db8::7", &["odd % name"]);
    assert!(said.contains("--include"), "{said}");
    let own = ".ssh/claviger.config";
    let key = |name: &str| format!("identityfile {}", home.path(".ssh").join(name).display());
    has(
        &resolved(&home, own, "web"),
        &[
            "hostname web.example.net",
            "user deploy",
            "port 2222",
            "identitiesonly yes",
            &key("id_ed25519_web"),
        ],
    );
    has(
        &resolved(&home, own, "2001:db8::7"),
        &["port 22", "hostname 2001:db8::7"],
    );
    // ssh expands the path when it uses it, and shows it as written.
    let other = resolved(&home, own, "other");
    assert!(
        !other
            .iter()
            .any(|line| line.contains("claviger") || line.contains("id_ed25519_web")),
        "{other:?}"
    );

    // A second key for the host takes the first one's place.
    make("web", &["newer"]);
    let web = resolved(&home, own, "web");
    has(&web, &["hostname web", "port 22", &key("newer")]);
    assert!(!web.contains(&key("id_ed25519_web")), "{web:?}");
    assert_eq!(
        fs::metadata(home.path(own)).expect("the file").mode() & 0o7777,
        0o600
    );
    assert!(!home.path(".ssh/config").exists());
}

#[test]
fn the_persons_configuration_gets_one_line_after_a_backup() {
    let home = Home::new();
    let theirs = "# mine\r\nHost web\n  Port 7\n\nHost *\n  User \u{e9}";
    let config = home.write(".ssh/config", theirs.as_bytes(), 0o640);
    let make = |host: &str| {
        let args = [
            "--passphrase-fd",
            "3",
            "--for",
            host,
            "--ssh-config",
            "--include",
            "--json",
        ];
        let said = succeed(&mut keygen(&home, &args));
        serde_json::from_str::<serde_json::Value>(&said).expect("JSON")
    };
    home.write(".ssh/config.claviger-backup", b"older", 0o600);
    let first = make("web");
    let backup = home.path(".ssh/config.claviger-backup.1");
    assert_eq!(first["ssh_config"]["backup"], backup.to_str().expect("UTF-8"));
    assert_eq!(fs::read_to_string(&backup).expect("the backup"), theirs);
    assert_eq!(
        fs::read(home.path(".ssh/config.claviger-backup")).expect("the older one"),
        b"older"
    );
    let after = fs::read_to_string(&config).expect("the file");
    let (line, rest) = after.split_once('\n').expect("lines");
    assert!(
        line.starts_with("Include ") && line.ends_with("claviger.config"),
        "{line}"
    );
    assert_eq!(rest, theirs);
    assert_eq!(fs::metadata(&config).expect("the file").mode() & 0o7777, 0o640);
    let key = home.path(".ssh/id_ed25519_web");
    has(
        &resolved(&home, ".ssh/config", "web"),
        &["port 7", &format!("identityfile {}", key.display())],
    );

    let second = make("db");
    assert_eq!(
        (&second["ssh_config"]["included"], &second["ssh_config"]["backup"]),
        (&true.into(), &serde_json::Value::Null)
    );
    assert_eq!(fs::read_to_string(&config).expect("the file"), after);
    assert!(!home.path(".ssh/config.claviger-backup.2").exists());
}

#[test]
fn a_key_is_told_of_even_when_the_configuration_cannot_be_written() {
    let home = Home::new();
    fs::create_dir(home.path(".ssh/config")).expect("a directory");
    fs::set_permissions(home.path(".ssh/config"), Permissions::from_mode(0o700)).expect("its mode");
    let args = [
        "--passphrase-fd",
        "3",
        "--for",
        "web",
        "--ssh-config",
        "--include",
    ];
    let output = keygen(&home, &args).output().expect("it ran");
    let said = text(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("SHA256:") && said.contains("the key was made, but"),
        "{said}"
    );
    assert!(home.path(".ssh/id_ed25519_web").exists());

    // Our own file is judged before a key is made.
    home.write(".ssh/claviger.config", b"# claviger: begin db\n", 0o600);
    let args = ["--passphrase-fd", "3", "--for", "db", "--ssh-config"];
    let output = keygen(&home, &args).output().expect("it ran");
    assert!(
        text(&output).contains("claviger.config: the marks"),
        "{}",
        text(&output)
    );
    assert!(!home.path(".ssh/id_ed25519_db").exists());
}
