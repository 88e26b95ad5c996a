//! Rules about hosts, pins and forgetting, without an agent; known_hosts as ssh-keygen writes it.
use crate::home::{Home, KEY, MASTER, text};
use crate::ran::Ran;
use claviger::history::{History, Login};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

/// Fingerprint of the key in FILE, as ssh-keygen says.
fn fingerprint(home: &Home, file: &str) -> String {
    let ran = Command::new("ssh-keygen")
        .arg("-lf")
        .arg(home.path(file))
        .output()
        .unwrap();
    let line = String::from_utf8(ran.stdout).unwrap();
    line.split(' ').nth(1).unwrap().to_owned()
}

/// Writes known_hosts: these names for a new host key each, hashed if asked for. Returns the host keys' fingerprints.
fn know(home: &Home, names: &[&str], hashed: bool) -> Vec<String> {
    let mut lines = String::new();
    let mut fingerprints = Vec::new();
    for (number, name) in names.iter().enumerate() {
        let key = home.keygen(&format!("hostkeys/{number}"), "");
        let public = fs::read_to_string(key.with_extension("pub")).unwrap();
        lines += &format!("{name} {public}");
        fingerprints.push(fingerprint(home, &format!("hostkeys/{number}")));
    }
    let file = home.path(".ssh/known_hosts");
    fs::write(&file, lines).unwrap();
    if hashed {
        let done = Command::new("ssh-keygen")
            .args(["-q", "-H", "-f"])
            .arg(&file)
            .output();
        assert!(done.unwrap().status.success());
        fs::remove_file(home.path(".ssh/known_hosts.old")).unwrap();
    }
    fingerprints
}

/// As an agent would have learnt it.
fn learn(home: &Home, uses: &[(&str, &str, &str)]) {
    let file = home.path("state/history.sqlite3");
    let (history, _) = History::open(&file).unwrap();
    for (number, (host, key, user)) in uses.iter().enumerate() {
        let login = Login {
            host,
            authority: None,
            names: &[],
            key,
            user,
            path: "",
        };
        history.worked(&login, 1_700_000_000 + number as u64);
    }
    history.settle();
}

fn learnt(home: &Home) -> Vec<serde_json::Value> {
    serde_json::from_str(&home.run(&["hosts", "--json"]).done().out).unwrap()
}

#[test]
fn a_pin_is_written_by_fingerprint_and_taken_away_without_a_trace() {
    let home = Home::new();
    let own = "# mine\n[lock]\nidle = \"1h\" # long\n\n[[host]]\nmatch = [\"*\"] # the rest\nmax = 2\n";
    home.configure(own);
    home.keygen(".ssh/id_work", "");
    home.keygen(".ssh/id_other", "");
    know(&home, &["git.example.net"], true);
    let ran = home
        .run(&["hosts", "pin", "git.example.net", "id_work", ".ssh/id_other"])
        .done();
    let (work, other) = (
        fingerprint(&home, ".ssh/id_work"),
        fingerprint(&home, ".ssh/id_other"),
    );
    assert!(ran.out.contains(&work), "{}", ran.out);
    let new = fs::read_to_string(home.config()).unwrap();
    let pin = format!("[[host]]\nmatch = [\"git.example.net\"]\nkeys = [\"{work}\", \"{other}\"]\n");
    assert!(
        new.contains(&pin) && new.find(&pin) < new.find("# the rest"),
        "{new}"
    );
    assert!(
        home.run(&["hosts", "pin", "git.example.net", &work, &other])
            .done()
            .out
            .contains("already")
    );
    home.run(&["hosts", "unpin", "me@git.example.net"]).done();
    assert_eq!(fs::read_to_string(home.config()).unwrap(), own);
    home.run(&["hosts", "unpin", "git.example.net"])
        .failed(&["not pinned", "config.toml"]);
}

#[test]
fn a_pin_that_cannot_be_meant_is_refused_and_a_new_hosts_is_told_of() {
    let home = Home::new();
    home.keygen(".ssh/id_work", "");
    home.run(&["hosts", "pin", "*.example.net", "id_work"])
        .failed(&["no single host"]);
    home.run(&["hosts", "pin", "host.example.net", "id_wrok"])
        .failed(&["id_wrok", "claviger list"]);
    assert!(!home.config().exists());
    let ran = home.run(&["hosts", "pin", "[host.example.net]:2222", "id_work"]);
    assert_eq!(ran.code, 0);
    assert!(ran.err.contains("first login"), "{}", ran.err);
    assert_eq!(home.run(&["hosts", "pin", "host"]).code, 2);
    assert_eq!(home.run(&["hosts", "forget"]).code, 2);
    assert_eq!(home.run(&["hosts", "forget", "--all", "host"]).code, 2);
    home.configure("[[hots]]\n");
    home.run(&["hosts", "pin", "host", "id_work"]).failed(&[":1:3: "]);
}

#[test]
fn rules_that_do_nothing_are_reported() {
    let home = Home::new();
    home.keygen(".ssh/id_work", "");
    know(&home, &["one.example.net", "[two.example.net]:2222"], true);
    home.configure(
        "[[host]]\nmatch = ['one.example.net']\nkeys = ['id_w*']\n\
         [[host]]\nmatch = ['[two.example.net]:2222']\nconfirm = true\n",
    );
    assert!(!home.run(&["config", "check"]).done().out.contains("warning"));
    home.configure(
        "[[host]]\nmatch = ['oen.example.net']\nmax = 1\n[[host]]\nmatch = ['one.example.net']\nkeys = ['id_wrok', 'id_work']\n",
    );
    let ran = home.run(&["config", "check"]).done();
    let warnings: Vec<&str> = ran
        .out
        .lines()
        .filter(|line| line.starts_with("warning: "))
        .collect();
    assert_eq!(warnings.len(), 2, "{}", ran.out);
    assert!(
        warnings[0].contains("oen.example.net") && warnings[0].contains("log in there"),
        "{}",
        ran.out
    );
    assert!(
        warnings[1].contains("\"id_wrok\"") && warnings[1].contains("correct it"),
        "{}",
        ran.out
    );
    let json: serde_json::Value =
        serde_json::from_str(&home.run(&["config", "check", "--json"]).done().out).unwrap();
    assert_eq!(
        (&json["valid"], json["warnings"].as_array().unwrap().len()),
        (&true.into(), 2)
    );
}

#[test]
fn one_host_is_forgotten_by_its_hashed_name_and_all_of_them_without_a_trace() {
    let home = Home::new();
    let hosts = know(&home, &["one.example.net", "two.example.net"], true);
    learn(
        &home,
        &[
            (&hosts[0], "SHA256:key-of-mine", "somebody"),
            (&hosts[1], "SHA256:key-of-mine", "somebody"),
            ("SHA256:nameless-host", "SHA256:key-of-mine", "else"),
        ],
    );
    assert_eq!(learnt(&home).len(), 3);
    home.run(&["hosts", "forget", "three.example.net"])
        .failed(&["three.example.net", "fingerprint"]);
    home.run(&["hosts", "forget", "one.example.net"]).done();
    home.run(&["hosts", "forget", "SHA256:nameless"]).done();
    let left = learnt(&home);
    assert_eq!((left.len(), &left[0]["host_key"]), (1, &hosts[1].as_str().into()));
    fs::write(home.path("state/history.sqlite3.damaged"), "somebody").unwrap();
    let ran = home.run(&["hosts", "forget", "--all"]).done();
    assert!(ran.out.contains("one entry forgotten"), "{}", ran.out);
    for entry in fs::read_dir(home.path("state")).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        for trace in [
            hosts[0].as_str(),
            &hosts[1],
            "key-of-mine",
            "nameless-host",
            "somebody",
        ] {
            let found = bytes.windows(trace.len()).any(|seen| seen == trace.as_bytes());
            assert!(!found, "{trace} is in {}", text(&path));
        }
    }
    assert_eq!(learnt(&home).len(), 0);
    assert!(
        home.run(&["hosts", "forget", "--all"])
            .done()
            .out
            .contains("nothing was learnt")
    );
}

#[test]
fn the_other_keys_of_a_host_are_forgotten_with_it() {
    let home = Home::new();
    let hosts = know(&home, &["one.example.net", "one.example.net,192.0.2.1"], false);
    learn(
        &home,
        &[(&hosts[0], "SHA256:a", "me"), (&hosts[1], "SHA256:b", "me")],
    );
    home.run(&["hosts", "forget", "192.0.2.1"]).done();
    assert_eq!(learnt(&home).len(), 0);
}

#[test]
fn an_alias_of_sshs_configuration_names_its_host() {
    let home = Home::new();
    let hosts = know(&home, &["[real.example.net]:2222"], true);
    learn(&home, &[(&hosts[0], "SHA256:a", "me")]);
    // ssh takes the home from the user database, so that it has to be told where this one is.
    fs::write(
        home.path(".ssh/config"),
        "Host short\nHostName real.example.net\nPort 2222\n",
    )
    .unwrap();
    fs::create_dir(home.path("bin")).unwrap();
    let script = "#!/bin/sh\nPATH=${PATH#*:}\nexec ssh -F \"$HOME/.ssh/config\" \"$@\"\n";
    fs::write(home.path("bin/ssh"), script).unwrap();
    fs::set_permissions(home.path("bin/ssh"), fs::Permissions::from_mode(0o700)).unwrap();
    let mut command = home.command(&["hosts", "forget", "me@short"], KEY, MASTER);
    command.env(
        "PATH",
        format!("{}:/usr/local/bin:/usr/bin:/bin", text(&home.path("bin"))),
    );
    Ran::from(command.output().unwrap()).done();
    assert_eq!(learnt(&home).len(), 0);
}

#[test]
fn the_picture_shows_what_each_key_opens() {
    let home = Home::new();
    home.keygen(".ssh/id_work", "");
    home.keygen(".ssh/id_idle", "");
    let work = fingerprint(&home, ".ssh/id_work");
    let hosts = know(&home, &["one.example.net"], false);
    learn(
        &home,
        &[(&hosts[0], &work, "me"), (&hosts[0], "SHA256:gone", "you")],
    );
    let table = home.run(&["hosts", "--graph"]).done().out;
    let line = |name: &str| table.lines().find(|line| line.contains(name)).unwrap().to_owned();
    assert!(line(".ssh/id_work").contains("one.example.net"), "{table}");
    assert!(!line(".ssh/id_idle").contains("example"), "{table}");
    assert!(line("SHA256:gone").contains("you"), "{table}");
    let dot = home.run(&["hosts", "--dot"]).done().out;
    assert!(
        dot.starts_with("digraph") && dot.contains("one.example.net") && dot.contains("-> h0"),
        "{dot}"
    );
}
