//! Passphrases of key files that are entries of a database.

use super::*;

/// A key file in `.ssh`, and a database of which the entry `title` with `url` has its passphrase.
fn named(title: &str, url: &str) -> (Home, Key) {
    let home = Home::new();
    let key = Key::make(&home, "id_work", KeyKind::Quick);
    let fingerprint = key.fingerprint(&home);
    let filled = |text: &str| {
        text.replace(
            "HOME",
            home.path("").to_str().expect("a path").trim_end_matches('/'),
        )
        .replace("FP", &fingerprint)
    };
    let database = Database::make(&home, "keys.kdbx");
    database.add("another", "something else");
    let (title, url) = (filled(title), filled(url));
    database.run(
        "add",
        &["-p"],
        &["--url", &url, &title.replace('/', "SLASH")],
        &[&key.passphrase],
    );
    if title.contains('/') {
        // keepassxc-cli takes a slash for a group's.
        let renamed = title.replace('/', "SLASH");
        database.edit_xml(|xml| xml.replace(&renamed, &title));
    }
    home.configure(&database.table());
    (home, key)
}

fn opens(title: &str, url: &str) {
    let (home, key) = named(title, url);
    let person = owner(&home);
    let _agent = Agent::start_with(&home, &person);
    assert!(signs(&home, &key), "{title} {url}");
    assert_eq!(person.asked().len(), 1, "{:?}", person.asked());
    succeed(home.command("ssh-add").arg("-l"));
    assert_eq!(list(&home)[0]["source"], "file");
}

#[test]
fn an_entry_names_the_file_by_its_name_or_path_or_fingerprint() {
    opens("id_work", "");
    opens("Work", "HOME/.ssh/id_work");
    opens("Work", "file://HOME/.ssh/id_work");
    opens("Work", "~/.ssh/id_work");
    opens("FP", "");
}

#[test]
fn an_entry_that_names_another_file_gives_nothing_and_the_next_source_is_asked() {
    let (home, key) = named("id_other", "~/elsewhere/id_work");
    let person = owner(&home).knows("passphrase for key", &key.passphrase);
    let _agent = Agent::start_with(&home, &person);
    assert!(signs(&home, &key));
    succeed(&mut home.claviger(&["lock"]));
    assert!(signs(&home, &key));
    assert_eq!(person.asked().len(), 4, "{:?}", person.asked());
}

#[test]
fn a_person_who_does_not_open_it_is_not_asked_again_for_files() {
    let (home, key) = named("id_work", "");
    let person = Person::new(&home).knows("passphrase for key", &key.passphrase);
    let _agent = Agent::start_with(&home, &person);
    assert!(signs(&home, &key));
    let first = person.asked().len();
    succeed(&mut home.claviger(&["remove", "--help"]));
    let other = Key::make_with(&home, "id_two", KeyKind::Quick, &key.passphrase);
    assert!(signs(&home, &other));
    let databases = person
        .asked()
        .into_iter()
        .filter(|question| question.contains(QUESTION));
    assert_eq!((databases.count(), first), (1, 2), "{:?}", person.asked());
}

#[test]
fn a_password_that_does_not_fit_is_reported_and_stays_in_the_database() {
    let (home, mut key) = named("id_work", "");
    key.change_passphrase(&home, "a new one");
    let person = owner(&home).knows("passphrase for key", "a new one");
    let agent = Agent::start_with(&home, &person);
    let before = std::fs::read(home.path("keys.kdbx")).expect("the database");
    assert!(signs(&home, &key));
    assert_eq!(person.asked().len(), 2, "{:?}", person.asked());
    assert!(!agent.log().contains("a new one"));
    assert_eq!(
        std::fs::read(home.path("keys.kdbx")).expect("the database"),
        before
    );
}
