//! How a database is opened: by whom it is asked for, when, and how often.

use super::*;
use crate::support::secret_service::SecretService;
use crate::support::wait_until;

#[test]
fn a_login_opens_the_database_and_later_ones_ask_nothing() {
    let (home, key, database) = prepared();
    let sshd = Sshd::start(&home, &[&key]);
    let person = owner(&home);
    let _agent = Agent::start_with(&home, &person);
    unlock(&home, "keys.kdbx");
    let listed = list(&home);
    assert_eq!(listed.len(), 1, "{listed:?}");
    assert_eq!(listed[0]["source"], "kdbx");
    assert_eq!(listed[0]["path"], database.arg());
    assert_eq!(listed[0]["comment"], "My key");
    assert_eq!(listed[0]["state"], "sealed");
    let mut login = home.command("ssh");
    login.args(&sshd.ssh()[1..]).arg("true");
    succeed(&mut login);
    assert_eq!(list(&home)[0]["state"], "open");
    let asked = person.asked();
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert!(
        asked[0].contains(QUESTION) && asked[0].contains(database.arg()),
        "{asked:?}"
    );
    succeed(&mut home.claviger(&["lock"]));
    assert_eq!(list(&home)[0]["state"], "sealed");
    assert!(signs(&home, &key));
    assert_eq!(person.asked().len(), 2);
}

#[test]
fn the_list_works_while_the_database_is_closed_and_never_asks() {
    let (home, key, database) = prepared();
    let person = owner(&home);
    let mut agent = Agent::start_with(&home, &person);
    assert!(list(&home).is_empty());
    unlock(&home, database.arg());
    wait_until("the note is written", || {
        home.path("state/claviger/remembered.json").exists()
    });
    agent.end_by("TERM");
    let asked = person.asked().len();

    let person = owner(&home);
    let _agent = Agent::start_with(&home, &person);
    assert_eq!(list(&home).len(), 1);
    assert_eq!(kdbx_state(&home), "closed");
    assert!(succeed(home.command("ssh-add").arg("-L")).contains("My key"));
    assert_eq!((asked, person.asked().len()), (1, 0));
    assert!(signs(&home, &key));
    assert_eq!(person.asked().len(), 1);
    assert_eq!(kdbx_state(&home), "ready");
    let note = std::fs::read_to_string(home.path("state/claviger/remembered.json")).expect("the note");
    assert!(
        !note.contains(&key.passphrase) && !note.contains(MASTER),
        "{note}"
    );
    let mode = succeed(
        home.command("stat")
            .args(["-c", "%a"])
            .arg(home.path("state/claviger/remembered.json")),
    );
    assert_eq!(mode.trim(), "600");
}

#[test]
fn a_database_that_is_not_to_be_remembered_is_listed_once_it_is_open() {
    let (home, key, database) = prepared();
    home.configure(&format!("{}remember_public = false\n", database.table()));
    let person = owner(&home);
    let mut agent = Agent::start_with(&home, &person);
    unlock(&home, "keys.kdbx");
    assert!(signs(&home, &key));
    agent.end_by("TERM");
    let note = std::fs::read_to_string(home.path("state/claviger/remembered.json")).unwrap_or_default();
    assert!(!note.contains("entry"), "{note}");
    let _agent = Agent::start_with(&home, &person);
    assert!(list(&home).is_empty());
}

#[test]
fn many_logins_at_once_ask_once() {
    let (home, key, database) = prepared();
    let other = self::key(&home, "id_other");
    database.add_key(&home, "Other", &other);
    let person = owner(&home);
    let mut agent = Agent::start_with(&home, &person);
    unlock(&home, "keys.kdbx");
    assert_eq!(list(&home).len(), 2);
    wait_until("the note is written", || {
        home.path("state/claviger/remembered.json").exists()
    });
    agent.end_by("TERM");
    let person = owner(&home);
    let _agent = Agent::start_with(&home, &person);
    std::thread::scope(|scope| {
        for key in [&key, &other, &key, &other, &key, &other] {
            let home = &home;
            scope.spawn(move || assert!(signs(home, key)));
        }
    });
    assert_eq!(person.asked().len(), 1, "{:?}", person.asked());
}

#[test]
fn the_os_keyring_has_the_master_password() {
    let (home, key, database) = prepared();
    let service = SecretService::start(&home.path(""));
    service.store_duplicate(&format!("database:{}", database.arg()), MASTER);
    let mut command = home.claviger(&["agent", "-d"]);
    command.envs(service.env());
    let _agent = Agent::from_command(&home, &mut command);
    unlock(&home, "keys.kdbx");
    assert!(signs(&home, &key));
}

#[test]
fn a_descriptor_gives_the_master_password_to_unlock_and_to_the_agent() {
    let (home, key, database) = prepared();
    let with_master = |words: &str| {
        let mut command = home.command("sh");
        command.args([
            "-c",
            &format!("printf '%s\\n' '{MASTER}' | {{ exec 3<&0 </dev/null; {words}; }}"),
            "sh",
        ]);
        command.arg(crate::support::home::claviger());
        command
    };
    {
        let _agent = Agent::start(&home);
        succeed(&mut with_master(
            "\"$1\" unlock --vault-passphrase-fd 3 keys.kdbx",
        ));
        assert!(signs(&home, &key));
        wait_until("the note is written", || {
            home.path("state/claviger/remembered.json").exists()
        });
    }
    let _ = std::fs::remove_file(home.socket());
    let test = key.beside(".pub");
    let words = format!(
        "\"$1\" agent --vault-passphrase-fd 3 ssh-add -T '{}'",
        test.display()
    );
    succeed(&mut with_master(&words));
    assert!(database.path.exists());
}

#[test]
fn a_key_file_opens_it_alone_or_with_the_password() {
    for with_password in [false, true] {
        let home = Home::new();
        let key = key(&home, "id_test");
        let path = home.path("keys.kdbx");
        let key_file = home.path("keys.keyx");
        let key_file = key_file.to_str().expect("a path");
        let database = Database {
            path,
            master: MASTER.to_owned(),
            key_file: Some(key_file.to_owned()),
            without_password: !with_password,
        };
        database.create();
        database.add_key(&home, "My key", &key);
        home.configure(&format!("{}key_file = '{key_file}'\n", database.table()));
        let person = owner(&home);
        let _agent = Agent::start_with(&home, &person);
        unlock(&home, "keys.kdbx");
        assert!(signs(&home, &key));
        assert_eq!(person.asked().len(), usize::from(with_password));
    }
}

#[test]
fn every_kind_of_key_file_opens_it() {
    let hex = "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF";
    let xml = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<KeyFile><Meta><Version>1.00</Version></Meta>\
               <Key><Data>NHN4B/d0fi5ohfRvE0LDvvlVmOvdTHQmmV1NCVvhqvk=</Data></Key></KeyFile>";
    for (name, content) in [
        ("binary", &[7; 32][..]),
        ("hex", hex.as_bytes()),
        ("xml 1", xml.as_bytes()),
        ("any", b"any file at all\n"),
        ("picture", &[0x89; 3000]),
    ] {
        let home = Home::new();
        let key = key(&home, "id_test");
        let key_file = home.write(name, content, 0o644);
        let database = Database {
            path: home.path("keys.kdbx"),
            master: MASTER.to_owned(),
            key_file: Some(key_file.to_str().expect("a path").to_owned()),
            without_password: true,
        };
        database.create();
        database.add_key(&home, "My key", &key);
        home.configure(&format!(
            "{}key_file = '{}'\n",
            database.table(),
            key_file.display()
        ));
        let _agent = Agent::start(&home);
        unlock(&home, "keys.kdbx");
        assert!(signs(&home, &key), "{name}");
    }
}
