//! Databases that KeePassXC changes while claviger has them open, that disappear, and that come back.

use super::*;
use crate::support::wait_until;

#[test]
fn what_keepassxc_saved_counts_at_the_next_signature() {
    let (home, key, database) = prepared();
    let person = owner(&home);
    let _agent = Agent::start_with(&home, &person);
    unlock(&home, "keys.kdbx");
    assert!(signs(&home, &key));
    let other = self::key(&home, "id_other");
    database.add_key(&home, "Other", &other);
    assert!(signs(&home, &key));
    assert!(signs(&home, &other), "a key that came with the change");
    database.run("rm", &[], &["My key"], &[]);
    assert!(!signs(&home, &key), "its entry is in the recycle bin");
    assert_eq!(list(&home).len(), 1);
    assert_eq!(person.asked().len(), 1, "{:?}", person.asked());
}

#[test]
fn an_entry_whose_key_or_password_was_replaced_is_read_again() {
    let (home, key, database) = prepared();
    let person = owner(&home);
    let _agent = Agent::start_with(&home, &person);
    unlock(&home, "keys.kdbx");
    let new = Key::make_with(&home, "id_new", KeyKind::Quick, "another passphrase").moved(&home, "elsewhere");
    database.attach(&home, "My key", "id", &std::fs::read(&new.path).expect("the key"));
    wait_until("the new key is listed", || {
        list(&home)[0]["fingerprint"] == new.fingerprint(&home).as_str()
    });
    assert!(!signs(&home, &key));
    assert!(!signs(&home, &new), "the entry still has the old password");
    database.run("edit", &["-p"], &["My key"], &["another passphrase"]);
    assert!(signs(&home, &new));
}

#[test]
fn a_master_password_that_was_changed_is_asked_for_anew() {
    let (home, key, database) = prepared();
    let person = owner(&home).knows("never", "asked");
    let _agent = Agent::start_with(&home, &person);
    unlock(&home, "keys.kdbx");
    assert!(signs(&home, &key));
    database.run("db-edit", &["-p"], &[], &["another", "another"]);
    wait_until("it is closed", || kdbx_state(&home) == "closed");
    assert_eq!(list(&home)[0]["state"], "sealed");
    assert!(!signs(&home, &key), "nobody knows the new one");
}

#[test]
fn a_database_that_is_gone_for_a_while_costs_its_keys_nothing_that_are_open() {
    let (home, key, database) = prepared();
    let file = Key::make_with(&home, "id_file", KeyKind::Quick, "");
    let _agent = Agent::start_with(&home, &owner(&home));
    unlock(&home, "keys.kdbx");
    assert!(signs(&home, &key));
    let away = home.path("away.kdbx");
    std::fs::rename(&database.path, &away).expect("moved");
    assert!(signs(&home, &key));
    succeed(&mut home.claviger(&["lock"]));
    assert_eq!(kdbx_state(&home), "absent");
    assert_eq!(list(&home).len(), 2);
    assert!(!signs(&home, &key));
    let failed = home.claviger(&["unlock", "keys.kdbx"]).output().expect("its end");
    assert!(text(&failed).contains("is not there"), "{}", text(&failed));
    assert!(signs(&home, &file));
    std::fs::rename(&away, &database.path).expect("moved");
    assert!(signs(&home, &key));
}
