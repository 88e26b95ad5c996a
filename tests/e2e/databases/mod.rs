//! KeePass databases as sources of keys: made and edited by keepassxc-cli, used by the real ssh.

mod changes;
mod entries;
mod files;
mod formats;
mod kept;
mod opening;
mod putting;
mod terms;
mod wrong;

use crate::support::keepass::{Database, Kind, MASTER, Settings};
use crate::support::{Agent, Home, Key, KeyKind, Person, Sshd, list, status, succeed, text};

/// How a question names a database's master password.
const QUESTION: &str = "master password of the database";

/// A key that is nowhere but in databases; its public half stays for ssh.
fn key(home: &Home, name: &str) -> Key {
    Key::make(home, name, KeyKind::Quick).moved(home, "elsewhere")
}

/// A home whose database holds one key, and the configuration that names it.
fn prepared() -> (Home, Key, Database) {
    let home = Home::new();
    let key = key(&home, "id_test");
    let database = Database::make_as(&home, "keys.kdbx", Kind::Argon2);
    database.add_key(&home, "My key", &key);
    home.configure(&database.table());
    (home, key, database)
}

/// Somebody who knows the databases' master password and nothing else.
fn owner(home: &Home) -> Person {
    Person::new(home).knows(QUESTION, MASTER)
}

/// `claviger unlock NAME` succeeds.
fn unlock(home: &Home, name: &str) {
    succeed(&mut home.claviger(&["unlock", name]));
}

/// The state that `status` has of the one database.
fn kdbx_state(home: &Home) -> String {
    let sources = status(home)["sources"].clone();
    let sources = sources.as_array().expect("sources").clone();
    let source = sources.iter().find(|source| source["source"] == "kdbx");
    source.expect("the database")["state"]
        .as_str()
        .expect("text")
        .to_owned()
}

/// The reasons that `status` has for what begins with `path`.
fn problems(home: &Home, path: &str) -> Vec<String> {
    let problems = status(home)["problems"].clone();
    let problems = problems.as_array().expect("problems").iter();
    let own = problems.filter(|problem| problem["path"].as_str().is_some_and(|own| own.contains(path)));
    own.map(|problem| problem["reason"].as_str().expect("text").to_owned())
        .collect()
}

/// Whether the agent signs with the key.
fn signs(home: &Home, key: &Key) -> bool {
    let mut test = home.command("ssh-add");
    test.arg("-T").arg(key.beside(".pub"));
    test.output().expect("ssh-add").status.success()
}
