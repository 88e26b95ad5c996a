//! `import` beside a running agent: what was taken over logs in at once.

use super::support::{Agent, Home, Key, KeyKind, Person, Sshd, list, succeed, text, user};
use std::fs;

const PASSPHRASE: &str = "what PuTTY was told";

#[test]
fn a_session_of_putty_logs_in_through_ssh_with_its_own_key() {
    let home = Home::new();
    let ppk = home.path("lab.ppk");
    let secret = home.write("secret", PASSPHRASE.as_bytes(), 0o600);
    let mut puttygen = home.command("puttygen");
    puttygen.args(["-q", "-t", "ed25519", "-C", "lab", "--new-passphrase"]);
    succeed(puttygen.arg(&secret).arg("-o").arg(&ppk));
    let line = succeed(home.command("puttygen").arg("-L").arg(&ppk));
    let sshd = Sshd::knowing(&home, &line);
    fs::create_dir_all(home.path(".putty/sessions")).expect("a folder");
    let session = format!(
        "Present=1\nHostName={}@127.0.0.1\nProtocol=ssh\nPortNumber={}\nUserName=\nPublicKeyFile={}\nProxyMethod=0\n",
        user(),
        sshd.port(),
        ppk.display()
    );
    fs::write(home.path(".putty/sessions/lab"), session).expect("a session");
    let person = Person::new(&home).knows("passphrase for key", PASSPHRASE);
    let _agent = Agent::start_with(&home, &person);
    succeed(&mut home.claviger(&["import", "putty"]));

    let mut ssh = home.command("ssh");
    ssh.arg("-F").arg(home.path(".ssh/claviger.config"));
    ssh.args(["-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o"])
        .arg(format!("UserKnownHostsFile={}", sshd.known_hosts().display()));
    let output = ssh.args(["lab", "echo in"]).output().expect("ssh");
    assert!(output.status.success(), "{}\n{}", text(&output), sshd.log());
    assert_eq!(person.asked().len(), 1, "{:?}", person.asked());
}

#[test]
fn an_imported_file_is_listed_at_once_and_opens_without_a_question() {
    let home = Home::new();
    let key = Key::make(&home, "work", KeyKind::Quick).moved(&home, "stick");
    let sshd = Sshd::start(&home, &[&key]);
    let person = Person::new(&home)
        .knows("passphrase for key", &key.passphrase)
        .knows_master();
    let _agent = Agent::start_with(&home, &person);
    assert!(list(&home).is_empty());
    succeed(person.sits_at(&mut home.claviger(&["import", key.arg()])));
    let listed = list(&home);
    assert_eq!(listed.len(), 1, "{listed:?}");
    assert_eq!(listed[0]["path"], home.path(".ssh/work").to_str().expect("UTF-8"));
    let output = sshd.login(&home, "true").output().expect("ssh");
    assert!(output.status.success(), "{}\n{}", text(&output), sshd.log());
    let asked = person.asked();
    let of_keys = asked.iter().filter(|question| question.contains("for key"));
    assert_eq!(of_keys.count(), 1, "{asked:?}");
}

#[test]
fn what_was_imported_is_told_as_json_too() {
    let home = Home::new();
    let key = Key::make_with(&home, "work", KeyKind::Quick, "").moved(&home, "stick");
    let json = |args: &[&str], success: bool| {
        let output = home.claviger(&[&["import"], args, &["--json"]].concat()).output();
        let output = output.expect("an end");
        assert_eq!(output.status.success(), success, "{}", text(&output));
        serde_json::from_slice::<serde_json::Value>(&output.stdout).expect("JSON")
    };
    let missing = home.path("missing");
    let done = json(&[key.arg(), missing.to_str().expect("UTF-8")], false);
    assert_eq!(done[0]["source"], key.arg());
    assert_eq!(done[0]["result"], "imported");
    assert_eq!(done[0]["path"], home.path(".ssh/work").to_str().expect("UTF-8"));
    assert_eq!(done[0]["fingerprint"], key.fingerprint(&home));
    assert_eq!(done[1]["result"], "failed");
    assert!(
        done[1]["detail"]
            .as_str()
            .is_some_and(|why| why.contains("no such file")),
        "{done}"
    );
    assert_eq!(json(&[key.arg()], true)[0]["result"], "present");

    fs::create_dir_all(home.path(".putty/sessions")).expect("a folder");
    for (name, protocol) in [("lab", "ssh"), ("modem", "serial")] {
        let session = format!("Present=1\nHostName=lab.example\nProtocol={protocol}\n");
        fs::write(home.path(".putty/sessions").join(name), session).expect("a session");
    }
    let sessions = json(&["putty", "--dry-run"], true);
    assert_eq!(
        (&sessions[0]["source"], &sessions[0]["result"]),
        (&"lab".into(), &"would_import".into())
    );
    assert_eq!(sessions[1]["result"], "passed_over");
    assert_eq!(json(&["putty"], true)[0]["result"], "imported");
    assert_eq!(json(&["putty"], true)[0]["result"], "present");
}
