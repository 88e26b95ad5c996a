//! A key replaced on three real servers, one of which is down at first.

use crate::support::{Agent, Home, Key, KeyKind, Sshd, succeed, text, user};
use std::fs;
use std::process::{Command, Output};

/// Three servers that know the key, and a home that has logged in to each.
struct Fleet {
    home: Home,
    homes: [Home; 3],
    servers: [Sshd; 3],
    old: Key,
}

impl Fleet {
    fn new() -> (Self, Agent) {
        let (home, homes) = (Home::new(), [(); 3].map(|()| Home::new()));
        let old = Key::make_with(&home, "id_old", KeyKind::Quick, "");
        let servers = [0, 1, 2].map(|at| Sshd::of_users_in(&homes[at], &[&old]));
        let agent = Agent::start(&home);
        let mut known = String::new();
        for server in &servers {
            succeed(&mut server.login(&home, "true"));
            known += &fs::read_to_string(server.known_hosts()).expect("known_hosts");
        }
        home.write(".ssh/known_hosts", known.as_bytes(), 0o600);
        let fleet = Self {
            home,
            homes,
            servers,
            old,
        };
        (fleet, agent)
    }

    fn rotate(&self, arguments: &[&str]) -> Output {
        let known = format!(
            "UserKnownHostsFile={}",
            self.home.path(".ssh/known_hosts").display()
        );
        let mut command: Command = self.home.claviger(&["rotate"]);
        command.args(arguments).arg(self.old.arg()).arg("--");
        command.args([
            "-F",
            "none",
            "-o",
            &known,
            "-o",
            "BatchMode=yes",
            "-o",
            "ConnectTimeout=3",
        ]);
        command.output().expect("claviger rotate")
    }

    fn authorized(&self, server: usize) -> String {
        fs::read_to_string(self.homes[server].path(".ssh/authorized_keys")).expect("authorized_keys")
    }
}

#[test]
fn a_key_is_replaced_server_by_server_and_taken_up_again() {
    let (fleet, _agent) = Fleet::new();
    let new = Key::make_with(&fleet.home, "id_new", KeyKind::Quick, "");
    fleet.homes[0].write(
        ".ssh/authorized_keys",
        format!(
            "# mine\nno-pty {}ssh-ed25519 AAAAother other\n",
            fleet.old.public_line()
        )
        .as_bytes(),
        0o600,
    );
    let port = fleet.servers[1].port();
    fleet.servers[1].send("STOP");

    let dry = fleet.rotate(&["--dry-run", "--to", new.arg()]);
    assert!(dry.status.success(), "{}", text(&dry));
    assert_eq!(text(&dry).matches("would deploy").count(), 3, "{}", text(&dry));
    assert!(!fleet.authorized(2).contains("id_new"));

    let first = fleet.rotate(&["--to", new.arg()]);
    let said = text(&first);
    assert_eq!(first.status.code(), Some(1), "{said}");
    assert_eq!(
        said.matches("the new key works, the old one is off").count(),
        2,
        "{said}"
    );
    let missing = format!("{}@[127.0.0.1]:{port}", user());
    assert!(said.contains(&format!("not done: {missing};")), "{said}");
    for server in [0, 2] {
        let keys = fleet.authorized(server);
        assert!(
            keys.contains("id_new@test") && !keys.contains("id_old@test"),
            "{keys}"
        );
    }
    assert!(
        fleet
            .authorized(0)
            .starts_with("# mine\nssh-ed25519 AAAAother other\n"),
        "{}",
        fleet.authorized(0)
    );
    assert!(fleet.authorized(1).contains("id_old@test"));

    fleet.servers[1].send("CONT");
    let second = fleet.rotate(&["--to", new.arg()]);
    let said = text(&second);
    assert!(second.status.success(), "{said}");
    assert_eq!(said.matches("done before").count(), 2, "{said}");
    assert!(said.contains("3 of 3 servers have the new key only"), "{said}");
    let keys = fleet.authorized(1);
    assert!(
        keys.contains("id_new@test") && !keys.contains("id_old@test"),
        "{keys}"
    );
    let left = fs::read_dir(fleet.home.path("state/claviger"))
        .expect("the state")
        .flatten();
    assert!(
        !left
            .into_iter()
            .any(|entry| entry.file_name().to_string_lossy().starts_with("rotation-"))
    );
}

#[test]
fn without_a_new_key_one_is_made_and_an_unknown_key_has_no_servers() {
    let (fleet, _agent) = Fleet::new();
    let passphrase = fleet.home.write("passphrase", b"for the new one\n", 0o600);
    let script = format!(
        "exec claviger rotate --passphrase-fd 3 {} -- -F none -o UserKnownHostsFile={} -o BatchMode=yes 3<{}",
        fleet.old.arg(),
        fleet.home.path(".ssh/known_hosts").display(),
        passphrase.display()
    )
    .replace("claviger", env!("CARGO_BIN_EXE_claviger"));
    let done = fleet
        .home
        .command("sh")
        .args(["-c", &script])
        .output()
        .expect("sh");
    assert!(done.status.success(), "{}", text(&done));
    let made = fs::read_to_string(fleet.home.path(".ssh/id_ed25519_2.pub")).expect("the new key");
    let blob = made.split(' ').nth(1).expect("its blob");
    for server in 0..3 {
        assert!(fleet.authorized(server).contains(blob));
        assert!(!fleet.authorized(server).contains("id_old@test"));
    }

    let stranger = Key::make_with(&fleet.home, "id_stranger", KeyKind::Quick, "");
    let mut command = fleet
        .home
        .claviger(&["rotate", "--to", fleet.old.arg(), stranger.arg()]);
    let refused = command.output().expect("claviger rotate");
    assert!(
        text(&refused).contains("no server is known"),
        "{}",
        text(&refused)
    );
}

#[test]
fn the_report_is_json_where_that_is_asked_for_also_of_a_key_that_is_made() {
    let (fleet, _agent) = Fleet::new();
    let json = |output: &Output| {
        let value = serde_json::from_slice::<serde_json::Value>(&output.stdout);
        value.unwrap_or_else(|error| panic!("{error}: {}", text(output)))
    };
    let dry = json(&fleet.rotate(&["--dry-run", "--json"]));
    assert_eq!(dry["servers"].as_array().map(Vec::len), Some(3), "{dry}");
    assert_eq!(
        (&dry["servers"][0]["result"], &dry["complete"]),
        (&"planned".into(), &false.into())
    );
    let new = Key::make_with(&fleet.home, "id_new", KeyKind::Quick, "");
    fleet.servers[1].send("STOP");
    let first = json(&fleet.rotate(&["--json", "--to", new.arg()]));
    let results = |report: &serde_json::Value| {
        let servers = report["servers"].as_array().expect("servers").clone();
        let mut results: Vec<_> = servers.iter().map(|server| server["result"].clone()).collect();
        results.sort_by_key(ToString::to_string);
        results
    };
    assert_eq!(results(&first), ["done", "done", "failed"], "{first}");
    assert_eq!(
        (&first["complete"], &first["new"]),
        (&false.into(), &new.fingerprint(&fleet.home).into())
    );
    fleet.servers[1].send("CONT");
    let second = json(&fleet.rotate(&["--json", "--to", new.arg()]));
    assert_eq!(
        results(&second),
        ["done", "done_before", "done_before"],
        "{second}"
    );
    assert_eq!(second["complete"], true);
}
