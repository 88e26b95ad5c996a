//! Opening is shared by all who wait, a stale passphrase is forgotten, and an idle key is sealed again.

use crate::support::person::MASTER;
use crate::support::secret_service::SecretService;
use crate::support::{Agent, Home, Key, KeyKind, Person, Sshd, list, succeed, text, wait_until};
use std::process::Stdio;

#[test]
fn twenty_logins_at_once_open_the_key_once() {
    let home = Home::new();
    let service = SecretService::start(&home.path(""));
    let key = Key::make(&home, "id_test", KeyKind::Ed25519);
    let person = Person::new(&home).knows("passphrase for key", &key.passphrase);
    succeed(
        person
            .sits_at(&mut home.claviger(&["add", key.arg()]))
            .envs(service.env()),
    );
    let sshd = Sshd::start(&home, &[&key]);
    let agent = Agent::from_command(&home, home.claviger(&["agent", "-d"]).envs(service.env()));

    let calls = service.calls_during(|| {
        let start = |_| {
            sshd.login(&home, "true")
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .expect("ssh")
        };
        let logins: Vec<_> = (0..20).map(start).collect();
        for login in logins {
            let output = login.wait_with_output().expect("its end");
            assert!(output.status.success(), "{}\n{}", text(&output), sshd.log());
        }
    });
    let reads = calls.matches("member=GetSecret").count();
    assert_eq!(reads, 1, "the keyring was read {reads} times:\n{calls}");
    let opened = agent
        .log()
        .lines()
        .filter(|line| line.contains(" opened key="))
        .count();
    assert_eq!(opened, 1, "{}", agent.log());
}

#[test]
fn a_stored_passphrase_that_no_longer_fits_is_tried_once_and_dropped() {
    let home = Home::new();
    let service = SecretService::start(&home.path(""));
    let mut key = Key::make(&home, "id_test", KeyKind::Quick);
    let first = Person::new(&home).knows("passphrase for key", &key.passphrase);
    succeed(
        first
            .sits_at(&mut home.claviger(&["add", key.arg()]))
            .envs(service.env()),
    );
    let fingerprint = key.fingerprint(&home);
    key.change_passphrase(&home, "quite another passphrase");
    let person = Person::new(&home).knows("passphrase for key", &key.passphrase);
    let mut command = home.claviger(&["agent", "-d"]);
    let agent = Agent::from_command(&home, person.sits_at(command.envs(service.env())));

    succeed(home.command("ssh-add").arg("-T").arg(key.beside(".pub")));
    assert_eq!(
        person.asked().len(),
        1,
        "the next source was asked: {:?}",
        person.asked()
    );
    assert_eq!(
        service.lookup(&fingerprint),
        None,
        "the stale passphrase was dropped"
    );
    assert!(
        agent.log().contains("did not fit and was dropped"),
        "it was reported: {}",
        agent.log()
    );
    assert!(!agent.log().contains(&key.passphrase));
}

#[test]
fn an_idle_key_is_sealed_and_the_next_signature_opens_it_again() {
    let home = Home::new();
    home.configure("[lock]\nidle = \"1s\"\n");
    let key = Key::make(&home, "id_test", KeyKind::Quick);
    let person = Person::new(&home)
        .knows("passphrase for key", &key.passphrase)
        .knows_master();
    succeed(person.sits_at(&mut home.claviger(&["add", key.arg()])));
    let person = Person::new(&home).knows("master passphrase", MASTER);
    let _agent = Agent::start_with(&home, &person);
    let state = || list(&home)[0]["state"].as_str().map(str::to_owned);
    assert_eq!(state().as_deref(), Some("sealed"));
    for _ in 0..2 {
        succeed(home.command("ssh-add").arg("-T").arg(key.beside(".pub")));
        wait_until("the key is sealed", || state().as_deref() == Some("sealed"));
    }
    assert_eq!(
        person.asked().len(),
        1,
        "the vault's master passphrase is asked once per session: {:?}",
        person.asked()
    );
}

#[test]
fn lock_seals_at_once_and_unlock_opens() {
    let home = Home::new();
    let key = Key::make(&home, "id_test", KeyKind::Quick);
    let person = Person::new(&home).knows("passphrase for key", &key.passphrase);
    let _agent = Agent::start_with(&home, &person);
    let state = || list(&home)[0]["state"].as_str().map(str::to_owned);
    succeed(&mut home.claviger(&["unlock", "id_test@test"]));
    assert_eq!(state().as_deref(), Some("open"));
    succeed(&mut home.claviger(&["lock"]));
    assert_eq!(state().as_deref(), Some("sealed"));
    assert_eq!(person.asked().len(), 1);
}
