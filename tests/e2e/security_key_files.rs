//! Files of security keys: found in `~/.ssh` as other key files are, opened with their passphrase, signing on the token.

use crate::security_keys::{PIN, agent, library_with_pin, sk_key, test_signature};
use crate::support::keepass::{Database, MASTER};
use crate::support::{Home, Key, Person, Sshd, list, sk_dummy, status, succeed, text};
use std::fs;
use std::path::Path;

const KINDS: [(&str, &str); 2] = [
    ("ed25519-sk", "sk-ssh-ed25519@openssh.com"),
    ("ecdsa-sk", "sk-ecdsa-sha2-nistp256@openssh.com"),
];

fn protected(home: &Home, library: &Path, name: &str, kind: &str) -> Key {
    let mut key = sk_key(home, library, name, kind);
    key.change_passphrase(home, &format!("open {name} with this"));
    key
}

#[test]
fn files_of_both_types_are_listed_by_themselves_and_log_in() {
    let Some(library) = sk_dummy() else { return };
    let provider = [("SSH_SK_PROVIDER", library.to_str().expect("UTF-8"))];
    for (kind, name) in KINDS {
        let home = Home::new();
        let plain = sk_key(&home, &library, ".ssh/id_plain", kind);
        let sealed = protected(&home, &library, ".ssh/id_sealed", kind);
        let person = Person::new(&home).knows("passphrase for key", &sealed.passphrase);
        let agent = agent(&home, &[], &person, &provider);
        let listed = list(&home);
        assert_eq!(listed.len(), 2, "{listed:?} {}", status(&home)["problems"]);
        for (report, protected) in listed.iter().zip([false, true]) {
            assert_eq!(report["type"], name);
            assert_eq!(report["state"], "token");
            assert_eq!(report["source"], "file");
            assert_eq!(report["protected"], protected);
        }
        for key in [&plain, &sealed] {
            succeed(&mut test_signature(&home, key));
            let server_home = Home::new();
            let server = Sshd::start(&server_home, &[key]);
            succeed(&mut server.login(&home, "true"));
        }
        let asked = person.asked();
        let passphrases = asked
            .iter()
            .filter(|question| question.contains("passphrase for key"));
        assert_eq!(
            passphrases.count(),
            1,
            "opened once, then used as it is: {asked:?}"
        );
        succeed(&mut home.claviger(&["lock"]));
        succeed(&mut test_signature(&home, &sealed));
        let asked = person.asked();
        let passphrases = asked
            .iter()
            .filter(|question| question.contains("passphrase for key"));
        assert_eq!(passphrases.count(), 2, "{asked:?}");
        assert!(!agent.log().contains("WARN not signed"), "{}", agent.log());
    }
}

#[test]
fn a_file_s_passphrase_comes_first_then_the_touch_then_the_pin() {
    let Some(dummy) = sk_dummy() else { return };
    let home = Home::new();
    let library = library_with_pin(&home, &dummy);
    let key = protected(&home, &dummy, ".ssh/id_sk", "ed25519-sk");
    let person = Person::new(&home)
        .knows("passphrase for key", &key.passphrase)
        .knows(
            "Enter PIN and confirm user presence for ED25519-SK key SHA256:",
            PIN,
        );
    let env = [
        ("SSH_SK_PROVIDER", library.to_str().expect("UTF-8")),
        ("SK_TEST_PIN", PIN),
    ];
    let _agent = agent(&home, &[], &person, &env);
    succeed(&mut test_signature(&home, &key));
    let fingerprint = key.fingerprint(&home);
    let asked = person.asked();
    let [passphrase, touch, pin] = &asked[..3] else {
        panic!("{asked:?}")
    };
    assert!(passphrase.contains("passphrase for key"), "{asked:?}");
    assert_eq!(
        *touch,
        format!("Confirm user presence for key ED25519-SK {fingerprint}")
    );
    assert!(
        pin.starts_with("Enter PIN and confirm user presence"),
        "{asked:?}"
    );
}

#[test]
fn add_pubkey_and_import_take_such_files_as_any_other() {
    let Some(library) = sk_dummy() else { return };
    let home = Home::new();
    let key = protected(&home, &library, "sk", "ed25519-sk");
    let line = succeed(&mut home.claviger(&["pubkey", key.arg()]));
    assert_eq!(line.trim(), key.public_line().trim());
    let person = Person::new(&home)
        .knows("passphrase for key", &key.passphrase)
        .knows_master();
    let imported = succeed(person.sits_at(&mut home.claviger(&["import", key.arg(), "--name", "id_copy"])));
    assert!(imported.contains("passphrase stored"), "{imported}");
    let copy = home.path(".ssh/id_copy");
    assert_eq!(
        fs::read(&copy).expect("the copy"),
        fs::read(key.arg()).expect("the key")
    );
    let provider = [("SSH_SK_PROVIDER", library.to_str().expect("UTF-8"))];
    let person = Person::new(&home).knows_master();
    let _agent = agent(&home, &[], &person, &provider);
    succeed(&mut test_signature(&home, &key));

    let other = protected(&home, &library, "other", "ecdsa-sk");
    let wrong = Person::new(&home).knows("passphrase for key", "not this");
    let refused = wrong.sits_at(&mut home.claviger(&["add", other.arg()])).output();
    let refused = refused.expect("an end");
    assert!(
        text(&refused).contains("did not fit 3 times"),
        "{}",
        text(&refused)
    );
    let person = Person::new(&home)
        .knows("passphrase for key", &other.passphrase)
        .knows_master();
    succeed(person.sits_at(&mut home.claviger(&["add", other.arg()])));
    succeed(&mut test_signature(&home, &other));
}

#[test]
fn convert_changes_such_a_file_s_passphrase_and_names_what_has_no_place_for_it() {
    let Some(library) = sk_dummy() else { return };
    let home = Home::new();
    for (kind, name) in KINDS {
        let key = protected(&home, &library, kind, kind);
        let person = Person::new(&home)
            .knows("passphrase for key", &key.passphrase)
            .knows("Enter the new passphrase", "another")
            .knows("Enter it again", "another");
        let new = home.path(&format!("new-{kind}"));
        let output = new.to_str().expect("UTF-8");
        let convert = |to: &'static str| {
            let mut command = home.claviger(&["convert", key.arg(), "--to", to, "-o", output]);
            command.arg("--new-passphrase");
            command
        };
        for (to, word) in [
            ("ppk", "PuTTY's format has no place"),
            ("pkcs8", "PKCS#8 has no place"),
        ] {
            let refused = person.sits_at(&mut convert(to)).output().expect("an end");
            let said = text(&refused);
            assert!(!refused.status.success() && said.contains(word), "{said}");
            assert!(said.contains(name) && said.contains("--to openssh"), "{said}");
            assert!(!new.exists());
        }
        succeed(person.sits_at(&mut convert("openssh")));
        let mut keygen = home.command("ssh-keygen");
        let line = succeed(keygen.args(["-y", "-P", "another", "-f", output]));
        assert_eq!(line.split(' ').nth(1), key.public_line().split(' ').nth(1));
        let again = Key {
            path: new.clone(),
            passphrase: "another".into(),
        };
        let server_home = Home::new();
        let server = Sshd::start(&server_home, &[&key]);
        let person = Person::new(&home).knows("passphrase for key", &again.passphrase);
        fs::copy(&new, home.path(".ssh/id_moved")).expect("a copy");
        let provider = [("SSH_SK_PROVIDER", library.to_str().expect("UTF-8"))];
        let _agent = agent(&home, &[], &person, &provider);
        succeed(&mut server.login(&home, "true"));
        fs::remove_file(home.path(".ssh/id_moved")).expect("removed");
    }
}

#[test]
fn a_database_keeps_such_a_file_too() {
    let Some(library) = sk_dummy() else { return };
    let home = Home::new();
    let database = Database::make(&home, "keys.kdbx");
    home.configure(&database.table());
    let key = protected(&home, &library, "token", "ed25519-sk");
    let person = Person::new(&home)
        .knows("passphrase for key", &key.passphrase)
        .knows("master password of the database", MASTER);
    let put = ["vault", "put", key.arg(), "--into", "keys.kdbx"];
    succeed(person.sits_at(&mut home.claviger(&put)));
    let show = ["vault", "get-public", "token", "--in", "keys.kdbx"];
    let line = succeed(person.sits_at(&mut home.claviger(&show)));
    assert_eq!(line.split(' ').nth(1), key.public_line().split(' ').nth(1));
    fs::remove_file(&key.path).expect("removed");
    let provider = [("SSH_SK_PROVIDER", library.to_str().expect("UTF-8"))];
    let agent = agent(&home, &[], &person, &provider);
    succeed(person.sits_at(&mut home.claviger(&["unlock", "keys.kdbx"])));
    let listed = list(&home);
    assert_eq!(
        (&listed[0]["source"], &listed[0]["state"]),
        (&"kdbx".into(), &"token".into())
    );
    succeed(&mut test_signature(&home, &key));
    let server_home = Home::new();
    let server = Sshd::start(&server_home, &[&key]);
    succeed(&mut server.login(&home, "true"));
    assert!(!agent.log().contains("WARN not signed"), "{}", agent.log());
}

#[test]
fn a_client_that_names_another_library_uses_the_file_by_itself() {
    let Some(library) = sk_dummy() else { return };
    let name = library.to_str().expect("UTF-8");
    let home = Home::new();
    let key = sk_key(&home, &library, ".ssh/id_ed25519_sk", "ed25519-sk");
    let server_home = Home::new();
    let server = Sshd::start(&server_home, &[&key]);
    // The agent knows of no library: its signature would fail for want of a token.
    let agent = agent(&home, &[], &Person::new(&home), &[]);
    for provider in [name, "$LIBRARY"] {
        let login = server.login(&home, "true");
        let option = format!("-oSecurityKeyProvider={provider}");
        let args: Vec<_> = login.get_args().map(ToOwned::to_owned).collect();
        let at = args.iter().position(|arg| arg == "ssh").expect("ssh");
        let mut named = home.command("ssh");
        // Without an agent this is all that ssh needs.
        named.env("LIBRARY", name).arg(option).args(["-i", key.arg()]);
        named.args(&args[at + 1..]);
        succeed(&mut named);
    }
    home.write("message", b"text", 0o600);
    let mut sign = home.command("ssh-keygen");
    sign.env("SSH_SK_PROVIDER", name);
    succeed(sign.args(["-Y", "sign", "-n", "file", "-f", key.arg(), "message"]));
    assert!(home.path("message.sig").exists());
    // Nobody else's list is another for that, and the key itself is there as before.
    let all = succeed(home.command("ssh-add").env("SSH_SK_PROVIDER", name).arg("-L"));
    assert!(all.contains(key.public_line().trim()), "{all}");
    assert_eq!(list(&home).len(), 1);
    assert!(!agent.log().contains("WARN not signed"), "{}", agent.log());
    let refused = server.login(&home, "true").output().expect("an end");
    assert!(
        !refused.status.success() && agent.log().contains("not signed"),
        "{}",
        text(&refused)
    );
}
