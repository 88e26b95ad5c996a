//! Databases that cannot be opened, or not as they are: each says why, and costs no other key.

use super::*;
use crate::support::keepass::utf16;
use crate::support::wait_until;

/// What `claviger unlock keys.kdbx` fails with.
fn refusal(home: &Home) -> String {
    let output = home.claviger(&["unlock", "keys.kdbx"]).output().expect("its end");
    assert!(!output.status.success());
    text(&output)
}

#[test]
fn a_wrong_master_password_is_asked_for_three_times() {
    let (home, _key, _database) = prepared();
    let file = Key::make_with(&home, "id_file", KeyKind::Quick, "");
    let person = Person::new(&home).knows(QUESTION, "not it");
    let _agent = Agent::start_with(&home, &person);
    let said = refusal(&home);
    assert!(said.contains("3 were typed, none fits"), "{said}");
    assert_eq!(person.asked().len(), 3);
    assert!(signs(&home, &file));
    assert_eq!(person.asked().len(), 3);
}

#[test]
fn a_database_that_is_cut_or_flipped_anywhere_asks_for_nothing_or_fails() {
    let (home, key, database) = prepared();
    let file = Key::make_with(&home, "id_file", KeyKind::Quick, "");
    let whole = std::fs::read(&database.path).expect("the database");
    let person = owner(&home);
    let _agent = Agent::start_with(&home, &person);
    for cut in [0, 7, 100, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&database.path, &whole[..cut]).expect("written");
        let said = refusal(&home);
        assert!(said.contains("keys.kdbx: not read: it "), "{cut}: {said}");
    }
    assert!(person.asked().is_empty(), "{:?}", person.asked());
    for flip in [0, 9, 40, 150, whole.len() / 2, whole.len() - 40] {
        let mut flipped = whole.clone();
        flipped[flip] ^= 0x10;
        std::fs::write(&database.path, &flipped).expect("written");
        refusal(&home);
    }
    assert!(signs(&home, &file));
    std::fs::write(&database.path, &whole).expect("written");
    unlock(&home, "keys.kdbx");
    assert!(signs(&home, &key));
}

#[test]
fn a_file_cut_while_it_is_open_keeps_what_was_read() {
    let (home, key, database) = prepared();
    let _agent = Agent::start_with(&home, &owner(&home));
    unlock(&home, "keys.kdbx");
    assert!(signs(&home, &key));
    let whole = std::fs::read(&database.path).expect("the database");
    std::fs::write(&database.path, &whole[..whole.len() / 2]).expect("written");
    assert!(signs(&home, &key));
    assert_eq!(list(&home).len(), 1);
    std::fs::write(&database.path, &whole).expect("written");
    assert!(signs(&home, &key));
}

#[test]
fn the_same_key_in_two_databases_is_used_from_the_first() {
    let (home, key, first) = prepared();
    let second = Database::make(&home, "second.kdbx");
    second.add_key(&home, "Copy", &key);
    home.configure(&format!("{}{}", first.table(), second.table()));
    let person = owner(&home);
    let _agent = Agent::start_with(&home, &person);
    unlock(&home, "keys.kdbx");
    unlock(&home, "second.kdbx");
    assert_eq!(list(&home).len(), 1);
    assert_eq!(list(&home)[0]["path"], first.arg());
    assert!(problems(&home, "second.kdbx")[0].contains("keys.kdbx has the same key"));
    assert!(signs(&home, &key));
}

#[test]
fn what_is_no_database_or_not_there_is_said() {
    let (home, _key, database) = prepared();
    let _agent = Agent::start_with(&home, &owner(&home));
    std::fs::write(&database.path, "text").expect("written");
    assert!(refusal(&home).contains("not a KeePass file"));
    std::fs::remove_file(&database.path).expect("removed");
    assert!(refusal(&home).contains("is not there"));
    home.configure(&format!(
        "{}key_file = '{}'\n",
        database.table(),
        home.path("no.keyx").display()
    ));
}

#[test]
fn only_the_database_that_holds_the_key_is_opened() {
    let (home, key, first) = prepared();
    let second = Database::make(&home, "second.kdbx");
    let other = self::key(&home, "id_other");
    second.add_key(&home, "Other", &other);
    home.configure(&format!("{}{}", first.table(), second.table()));
    let person = owner(&home);
    let _agent = Agent::start_with(&home, &person);
    unlock(&home, "keys.kdbx");
    unlock(&home, "second.kdbx");
    succeed(&mut home.claviger(&["lock"]));
    let before = person.asked().len();
    assert!(signs(&home, &other));
    let asked = person.asked().split_off(before);
    assert!(asked.len() == 1 && asked[0].contains("second.kdbx"), "{asked:?}");
    assert!(signs(&home, &key));
}

#[test]
fn a_key_file_that_is_not_there_is_named() {
    let (home, _key, database) = prepared();
    home.configure(&format!(
        "{}key_file = '{}'\n",
        database.table(),
        home.path("no.keyx").display()
    ));
    let _agent = Agent::start_with(&home, &owner(&home));
    let said = refusal(&home);
    assert!(
        said.contains("key file is not read") && said.contains("no.keyx"),
        "{said}"
    );
}

#[test]
fn a_key_that_is_also_a_file_is_used_as_the_file_unless_the_database_limits_it() {
    let home = Home::new();
    let key = Key::make_with(&home, "id_test", KeyKind::Quick, "");
    let database = Database::make_as(&home, "keys.kdbx", Kind::Argon2);
    database.add_key(&home, "My key", &key);
    home.configure(&database.table());
    let _agent = Agent::start_with(&home, &owner(&home));
    unlock(&home, "keys.kdbx");
    assert_eq!(list(&home).len(), 1);
    assert_eq!(list(&home)[0]["source"], "file");
    let confirm = Settings {
        confirm: true,
        ..Settings::attachment("id")
    };
    database.attach(&home, "My key", "KeeAgent.settings", &utf16(&confirm.xml()));
    wait_until("the database's terms hold", || list(&home)[0]["source"] == "kdbx");
    assert_eq!(list(&home).len(), 1);
    assert!(!signs(&home, &key), "nobody confirms");
}

#[test]
fn a_database_is_read_only() {
    let (home, key, database) = prepared();
    let before = std::fs::read(&database.path).expect("the database");
    let _agent = Agent::start_with(&home, &owner(&home));
    unlock(&home, "keys.kdbx");
    assert!(signs(&home, &key));
    let removed = home.claviger(&["remove", "My key"]).output().expect("its end");
    assert!(text(&removed).contains("only reads"), "{}", text(&removed));
    succeed(home.command("ssh-add").arg("-d").arg(key.beside(".pub")));
    assert!(list(&home).is_empty());
    succeed(&mut home.claviger(&["lock"]));
    assert_eq!(std::fs::read(&database.path).expect("the database"), before);
}
