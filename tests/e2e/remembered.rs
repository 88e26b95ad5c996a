//! Key files whose public half only their passphrase shows: listed from when they were first opened.

use crate::support::{Agent, Home, Key, KeyKind, Person, list, status, succeed};

/// An encrypted PKCS#8 key in `.ssh` whose `.pub` is elsewhere.
fn hidden(home: &Home) -> Key {
    let mut key = Key::make_with(home, "id_ec", KeyKind::Ecdsa384, "one for all");
    let mut convert = home.command("ssh-keygen");
    convert.args([
        "-q",
        "-p",
        "-m",
        "PKCS8",
        "-P",
        "one for all",
        "-N",
        "one for all",
        "-f",
    ]);
    succeed(convert.arg(&key.path));
    let public = home.path("public.pub");
    std::fs::rename(key.beside(".pub"), &public).expect("moved");
    key.path = home.path(".ssh/id_ec");
    key
}

fn is_listed(home: &Home) -> bool {
    list(home)
        .iter()
        .any(|key| key["path"].as_str().is_some_and(|path| path.ends_with("id_ec")))
}

fn signs(home: &Home) -> bool {
    let mut test = home.command("ssh-add");
    test.arg("-T").arg(home.path("public.pub"));
    test.output().expect("ssh-add").status.success()
}

#[test]
fn add_makes_it_known_for_good() {
    let home = Home::new();
    let key = hidden(&home);
    let person = Person::new(&home)
        .knows("passphrase for key", &key.passphrase)
        .knows_master();
    let mut agent = Agent::start_with(&home, &person);
    assert!(!is_listed(&home));
    let problem = status(&home)["problems"][0]["reason"]
        .as_str()
        .expect("text")
        .to_owned();
    assert!(problem.contains("claviger add FILE"), "{problem}");
    succeed(person.sits_at(&mut home.claviger(&["add", key.arg()])));
    let asked = person
        .asked()
        .iter()
        .filter(|question| question.contains("passphrase for key"))
        .count();
    assert_eq!(asked, 1, "{:?}", person.asked());
    assert!(is_listed(&home) && signs(&home));
    agent.end_by("TERM");
    let _agent = Agent::start_with(&home, &person);
    assert!(is_listed(&home) && signs(&home));
}

#[test]
fn unlock_does_too_and_another_content_is_another_file() {
    let home = Home::new();
    let key = hidden(&home);
    let person = Person::new(&home).knows("passphrase for key", &key.passphrase);
    let _agent = Agent::start(&home);
    succeed(person.sits_at(&mut home.claviger(&["unlock", key.arg()])));
    assert!(is_listed(&home) && signs(&home));
    assert_eq!(person.asked().len(), 1);
    let mut change = home.command("ssh-keygen");
    change.args([
        "-q",
        "-p",
        "-m",
        "PKCS8",
        "-P",
        &key.passphrase,
        "-N",
        "another",
        "-f",
    ]);
    succeed(change.arg(&key.path));
    assert!(!is_listed(&home), "the file was written anew");
}
