//! Terms that KeeAgent's settings set: confirmation, lifetime, destinations.

use super::*;
use crate::support::keepass::utf16;
use crate::support::wait_until;

fn prepared_with(settings: &Settings) -> (Home, Key, Database) {
    let home = Home::new();
    let key = key(&home, "id_test");
    let database = Database::make(&home, "keys.kdbx");
    database.add_key_with(&home, "My key", &key, settings);
    home.configure(&database.table());
    (home, key, database)
}

#[test]
fn a_key_that_is_to_be_confirmed_is_confirmed_at_each_use() {
    let settings = Settings {
        confirm: true,
        ..Settings::attachment("id")
    };
    let (home, key, database) = prepared_with(&settings);
    let person = owner(&home).knows("Allow use of key", "yes");
    let mut agent = Agent::start_with(&home, &person);
    unlock(&home, "keys.kdbx");
    assert!(signs(&home, &key));
    let asked = person.asked();
    assert!(
        asked
            .iter()
            .any(|question| question.contains("Allow use of key My key in")),
        "{asked:?}"
    );
    agent.end_by("TERM");
    // Nobody who says yes: also where the terms are only remembered.
    let person = owner(&home);
    let _agent = Agent::start_with(&home, &person);
    assert_eq!(list(&home).len(), 1);
    assert!(!signs(&home, &key));
    assert!(!person.asked().iter().any(|question| question.contains(QUESTION)));
    assert!(database.path.exists());
}

#[test]
fn confirmation_that_was_switched_on_meanwhile_holds_at_once() {
    let (home, key, database) = prepared_with(&Settings::attachment("id"));
    let person = owner(&home);
    let mut agent = Agent::start_with(&home, &person);
    unlock(&home, "keys.kdbx");
    assert!(signs(&home, &key));
    let confirm = Settings {
        confirm: true,
        ..Settings::attachment("id")
    };
    database.attach(&home, "My key", "KeeAgent.settings", &utf16(&confirm.xml()));
    assert!(!signs(&home, &key), "nobody confirms");
    // Remembered as it is now; then changed back and forth while no agent runs.
    agent.end_by("TERM");
    database.attach(
        &home,
        "My key",
        "KeeAgent.settings",
        &utf16(&Settings::attachment("id").xml()),
    );
    let yes = owner(&home).knows("Allow use of key", "yes");
    let mut agent = Agent::start_with(&home, &yes);
    assert!(signs(&home, &key));
    agent.end_by("TERM");
    database.attach(&home, "My key", "KeeAgent.settings", &utf16(&confirm.xml()));
    let _agent = Agent::start_with(&home, &owner(&home));
    assert!(!signs(&home, &key), "what was remembered is not what counts");
}

#[test]
fn a_lifetime_counts_from_the_opening_of_the_database() {
    let settings = Settings {
        lifetime: Some(2),
        ..Settings::attachment("id")
    };
    let (home, key, _database) = prepared_with(&settings);
    let _agent = Agent::start_with(&home, &owner(&home));
    unlock(&home, "keys.kdbx");
    wait_until("its lifetime is over", || list(&home).is_empty());
    assert!(!signs(&home, &key));
    succeed(&mut home.claviger(&["lock"]));
    assert_eq!(list(&home).len(), 1, "the database is closed");
}

#[test]
fn destinations_limit_where_a_key_is_used() {
    let home = Home::new();
    let key = key(&home, "id_test");
    let sshd = Sshd::start(&home, &[&key]);
    let database = Database::make(&home, "keys.kdbx");
    let to = |host_key: &str| Settings {
        more: format!(
            "  <UseDestinationConstraintWhenAdding>true</UseDestinationConstraintWhenAdding>\n  \
             <DestinationConstraints>\n    <Constraint>\n      <FromHost />\n      <FromHostKeys />\n      \
             <ToUser />\n      <ToHost>127.0.0.1</ToHost>\n      <ToHostKeys>\n        <KeySpec>\n          \
             <HostKey>{host_key}</HostKey>\n          <IsCA>false</IsCA>\n        </KeySpec>\n      \
             </ToHostKeys>\n    </Constraint>\n  </DestinationConstraints>"
        ),
        ..Settings::attachment("id")
    };
    database.add_key_with(&home, "My key", &key, &to(&sshd.host_key()));
    home.configure(&database.table());
    let _agent = Agent::start_with(&home, &owner(&home));
    unlock(&home, "keys.kdbx");
    let login = || {
        let mut login = home.command("ssh");
        login.args(&sshd.ssh()[1..]).arg("true");
        login.output().expect("ssh").status.success()
    };
    assert!(login());
    assert!(!signs(&home, &key), "no login to that host");
    let other = key.public_line();
    database.attach(
        &home,
        "My key",
        "KeeAgent.settings",
        &utf16(&to(other.trim()).xml()),
    );
    assert!(!login());
    let none = to("no key at all");
    database.attach(&home, "My key", "KeeAgent.settings", &utf16(&none.xml()));
    wait_until("the entry is reported", || {
        problems(&home, "My key")
            .iter()
            .any(|reason| reason.contains("destinations"))
    });
    assert!(list(&home).is_empty());
}
