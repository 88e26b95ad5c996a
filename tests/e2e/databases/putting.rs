//! What `claviger vault` changed, as a running agent sees it.

use super::*;
use crate::support::secret_service::SecretService;

/// `claviger vault`, at which the person sits.
fn vault(home: &Home, person: &Person, args: &[&str]) -> String {
    succeed(person.sits_at(home.claviger(&["vault"]).args(args)))
}

#[test]
fn a_key_that_was_put_logs_in_without_its_file() {
    let home = Home::new();
    let database = Database::make(&home, "keys.kdbx");
    home.configure(&database.table());
    let key = key(&home, "id_put");
    let sshd = Sshd::start(&home, &[&key]);
    let person = owner(&home).knows("passphrase for key", &key.passphrase);
    let _agent = Agent::start_with(&home, &person);
    unlock(&home, "keys.kdbx");
    assert!(list(&home).is_empty());
    let file = key.path.to_str().expect("a path");
    vault(
        &home,
        &person,
        &["put", file, "--into", "keys.kdbx", "--group", "SSH"],
    );
    std::fs::remove_file(&key.path).expect("removed");
    let listed = list(&home);
    assert_eq!(listed.len(), 1, "{listed:?}");
    assert_eq!(listed[0]["source"], "kdbx");
    let mut login = home.command("ssh");
    login.args(&sshd.ssh()[1..]).arg("true");
    succeed(&mut login);

    vault(&home, &person, &["remove", "SSH/id_put", "--in", "keys.kdbx"]);
    assert!(list(&home).is_empty());
}

/// A database that the OS keyring opened.
struct Opened {
    home: Home,
    key: Key,
    service: SecretService,
    /// Under what the keyring has its master password.
    account: String,
    _agent: Agent,
}

fn opened_by_the_keyring() -> Opened {
    let (home, key, database) = prepared();
    let service = SecretService::start(&home.path(""));
    let account = format!("database:{}", database.arg());
    service.store_duplicate(&account, MASTER);
    let mut command = home.claviger(&["agent", "-d"]);
    command.envs(service.env());
    let agent = Agent::from_command(&home, &mut command);
    unlock(&home, "keys.kdbx");
    assert!(signs(&home, &key));
    Opened {
        home,
        key,
        service,
        account,
        _agent: agent,
    }
}

#[test]
fn forgetting_closes_it_in_the_agent_and_drops_what_the_keyring_had() {
    let Opened {
        home,
        key,
        service,
        account,
        _agent,
    } = opened_by_the_keyring();
    let said = succeed(
        home.claviger(&["vault", "forget", "keys.kdbx"])
            .envs(service.env()),
    );
    assert!(
        said.contains("dropped from the OS keyring; closed in the agent"),
        "{said}"
    );
    assert_eq!(service.lookup(&account), None);
    assert_eq!(kdbx_state(&home), "closed");
    assert!(!signs(&home, &key));
}

#[test]
fn a_new_master_password_is_remembered_where_the_old_one_was() {
    let Opened {
        home,
        key,
        service,
        account,
        _agent,
    } = opened_by_the_keyring();
    let new = "noch ein Bund";
    let mut passwd = home.command("sh");
    passwd.envs(service.env()).args([
        "-c",
        &format!("exec \"$0\" vault passwd keys.kdbx --new-passphrase-fd 3 3<<'E'\n{new}\nE\n"),
    ]);
    let said = succeed(passwd.arg(crate::support::home::claviger()));
    assert!(said.contains("in the OS keyring too"), "{said}");
    assert_eq!(service.lookup(&account).as_deref(), Some(new.as_bytes()));
    assert!(signs(&home, &key));
}
