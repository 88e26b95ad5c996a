//! `[limits]`: a key derivation that would cost too much is refused before it runs, with its numbers and the setting's name;
//! with the setting raised the same file works.

use crate::support::{Agent, Home, Key, KeyKind, Person, list, status, succeed, text};
use std::fs;
use std::process::Command;

/// What a verb says that has to fail.
fn refused(command: &mut Command) -> String {
    let output = command.output().expect("an end");
    assert!(!output.status.success(), "{}", text(&output));
    text(&output)
}

#[test]
fn a_key_file_beyond_the_limits_is_named_with_its_rounds_and_opens_once_they_are_raised() {
    let home = Home::new();
    home.configure("[limits]\nkdf_time = '1s'\n");
    let mut key = Key::make(&home, "id_dear", KeyKind::Quick);
    let new = key.passphrase.clone();
    let mut keygen = home.command("ssh-keygen");
    keygen.args(["-q", "-p", "-a", "256", "-P", &key.passphrase, "-N", &new, "-f"]);
    succeed(keygen.arg(key.arg()));
    key.passphrase = new;
    let person = Person::new(&home)
        .knows("passphrase for key", &key.passphrase)
        .knows_master();
    let _agent = Agent::start_with(&home, &person);
    assert_eq!(list(&home), [] as [serde_json::Value; 0]);
    let problems = status(&home)["problems"].to_string();
    for word in ["256 rounds", "kdf_time", "[limits]"] {
        assert!(problems.contains(word), "{word}: {problems}");
    }
    // Its public half costs nothing.
    let line = succeed(&mut home.claviger(&["pubkey", key.arg()]));
    assert_eq!(line.split(' ').nth(1), key.public_line().split(' ').nth(1));
    let elsewhere = home.path("elsewhere");
    fs::create_dir(&elsewhere).expect("a folder");
    fs::copy(key.arg(), elsewhere.join("id_other")).expect("a copy");
    let (copy, new) = (elsewhere.join("id_other"), elsewhere.join("new"));
    let (copy, new) = (copy.to_str().expect("UTF-8"), new.to_str().expect("UTF-8"));
    let verbs = [
        &["add", key.arg()][..],
        &["convert", key.arg(), "--to", "pkcs8", "-o", new],
        &["import", copy],
    ];
    for verb in verbs {
        let said = refused(person.sits_at(&mut home.claviger(verb)));
        for word in ["256 rounds", "allows 100", "kdf_time"] {
            assert!(said.contains(word), "{verb:?}: {said}");
        }
    }
    assert_eq!(person.asked(), [] as [String; 0], "nobody is asked in vain");

    home.configure("[limits]\nkdf_time = '1m'\n");
    succeed(person.sits_at(&mut home.claviger(&["add", key.arg()])));
    assert_eq!(list(&home).len(), 1);
    succeed(home.command("ssh-add").arg("-T").arg(key.beside(".pub")));
}

#[test]
fn by_default_a_key_of_ten_thousand_rounds_is_listed_and_one_of_a_million_is_not() {
    let home = Home::new();
    for (name, rounds) in [("id_many", 10_000_u32), ("id_absurd", 1_000_000)] {
        let key = Key::make(&home, name, KeyKind::Quick);
        let parsed = pem::parse(fs::read(key.arg()).expect("the key")).expect("PEM");
        let mut bytes = parsed.contents().to_vec();
        // Behind the cipher's and the derivation's name: length of the options, length of the salt, the salt.
        let at = bytes
            .windows(6)
            .position(|name| name == b"bcrypt")
            .expect("bcrypt")
            + 6
            + 8
            + 16;
        bytes[at..at + 4].copy_from_slice(&rounds.to_be_bytes());
        fs::write(key.arg(), pem::encode(&pem::Pem::new(parsed.tag(), bytes))).expect("written");
    }
    let _agent = Agent::start(&home);
    let listed = list(&home);
    assert_eq!(listed.len(), 1, "{listed:?}");
    assert!(
        listed[0]["path"]
            .as_str()
            .is_some_and(|path| path.ends_with("id_many"))
    );
    let problems = status(&home)["problems"].to_string();
    assert!(problems.contains("1000000 rounds"), "{problems}");
}

#[test]
fn a_database_and_a_vault_beyond_the_limits_are_refused_before_anybody_is_asked() {
    let home = Home::new();
    let key = Key::make(&home, "id_test", KeyKind::Quick).moved(&home, "keys");
    let person = Person::new(&home)
        .knows("passphrase for key", &key.passphrase)
        .knows_master();
    succeed(person.sits_at(&mut home.claviger(&["add", key.arg()])));
    let asked = person.asked().len();
    // A vault is a KeePass database under another name.
    let database = home.path("Dear.kdbx");
    fs::copy(home.vault(), &database).expect("a copy");
    home.configure("[limits]\nkdf_memory = '63MiB'\n");
    for (name, path) in [
        ("vault", home.vault()),
        (database.to_str().expect("UTF-8"), database.clone()),
    ] {
        let said = refused(person.sits_at(&mut home.claviger(&["vault", "list", name])));
        let path = path.display().to_string();
        for word in ["64 MiB", "allows 63", "kdf_memory", &path] {
            assert!(said.contains(word), "{word}: {said}");
        }
    }
    assert_eq!(person.asked().len(), asked);
}
