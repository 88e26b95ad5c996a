//! Keys of every format as attachments, what their entries' passwords may be, and databases of every kind.

use super::*;
use crate::support::keepass::{Kind, utf16};
use std::path::Path;
use std::process::Command;

/// Adds an entry with these bytes as its key.
fn add(home: &Home, database: &Database, title: &str, password: &str, key: &[u8]) {
    database.add(title, password);
    database.attach(home, title, "id", key);
    database.attach(
        home,
        title,
        "KeeAgent.settings",
        &utf16(&Settings::attachment("id").xml()),
    );
}

/// The bytes that a command wrote to `path`.
fn written(command: &mut Command, path: &Path) -> Vec<u8> {
    succeed(command);
    std::fs::read(path).expect("what it wrote")
}

#[test]
fn a_key_of_any_format_is_listed_and_signs() {
    let home = Home::new();
    let database = Database::make(&home, "keys.kdbx");
    let keys: Vec<Key> = (0..4).map(|number| key(&home, &format!("id_{number}"))).collect();
    let pass = home.write("pass", keys[1].passphrase.as_bytes(), 0o600);
    let ppk = home.path("key.ppk");
    let mut putty = home.command("puttygen");
    putty.arg(&keys[1].path).args(["-O", "private", "-o"]).arg(&ppk);
    putty
        .arg("--old-passphrase")
        .arg(&pass)
        .arg("--new-passphrase")
        .arg(&pass);
    add(
        &home,
        &database,
        "PuTTY",
        &keys[1].passphrase,
        &written(&mut putty, &ppk),
    );
    // Nothing of it is in clear: its public half shows only once the database is open.
    let rsa = home.path("elsewhere/id_rsa");
    let mut made = home.command("ssh-keygen");
    made.args([
        "-q",
        "-t",
        "rsa",
        "-b",
        "2048",
        "-m",
        "PKCS8",
        "-N",
        "geheim ü",
        "-C",
        "",
        "-f",
    ])
    .arg(&rsa);
    add(&home, &database, "PKCS#8", "geheim ü", &written(&mut made, &rsa));
    add(
        &home,
        &database,
        "OpenSSH",
        &keys[0].passphrase,
        &std::fs::read(&keys[0].path).expect("the key"),
    );
    home.configure(&database.table());
    let _agent = Agent::start_with(&home, &owner(&home));
    unlock(&home, "keys.kdbx");
    assert_eq!(list(&home).len(), 3, "{:?}", problems(&home, ""));
    assert!(signs(&home, &keys[0]) && signs(&home, &keys[1]));
    succeed(
        home.command("ssh-add")
            .arg("-T")
            .arg(home.path("elsewhere/id_rsa.pub")),
    );
}

#[test]
fn passwords_may_be_references_or_empty_or_of_any_letters() {
    let home = Home::new();
    let database = Database::make(&home, "keys.kdbx");
    let plain = Key::make_with(&home, "plain", KeyKind::Quick, "").moved(&home, "elsewhere");
    let wide = Key::make_with(&home, "wide", KeyKind::Quick, "пароль 鍵 <&>\"é").moved(&home, "elsewhere");
    let shared = key(&home, "shared");
    let braces =
        Key::make_with(&home, "braces", KeyKind::Quick, "{TITLE} as it is").moved(&home, "elsewhere");
    database.add("Shared password", &shared.passphrase);
    for (title, password, key) in [
        ("plain", "not needed", &plain),
        ("wide", wide.passphrase.as_str(), &wide),
        ("referring", "{REF:P@T:Shared password}", &shared),
        ("braces", braces.passphrase.as_str(), &braces),
    ] {
        add(
            &home,
            &database,
            title,
            password,
            &std::fs::read(&key.path).expect("the key"),
        );
    }
    home.configure(&database.table());
    let _agent = Agent::start_with(&home, &owner(&home));
    unlock(&home, "keys.kdbx");
    for key in [&plain, &wide, &shared, &braces] {
        assert!(signs(&home, key), "{}", key.arg());
    }
}

#[test]
fn certificates_attached_beside_a_key_are_listed_with_it() {
    let home = Home::new();
    let (key, authority) = (key(&home, "id_test"), self::key(&home, "authority"));
    key.certify(&home, &authority, "me");
    let database = Database::make(&home, "keys.kdbx");
    database.add_key(&home, "My key", &key);
    let certificate = std::fs::read(key.beside("-cert.pub")).expect("the certificate");
    database.attach(&home, "My key", "id-cert.pub", &certificate);
    home.configure(&database.table());
    let _agent = Agent::start_with(&home, &owner(&home));
    unlock(&home, "keys.kdbx");
    assert_eq!(list(&home)[0]["certificate"], true);
    succeed(home.command("ssh-add").arg("-T").arg(key.beside("-cert.pub")));
}

#[test]
fn private_keys_attached_to_plain_entries_are_keys_if_the_table_says_so() {
    let home = Home::new();
    let key = key(&home, "id_test");
    let database = Database::make(&home, "keys.kdbx");
    database.add("Plain", &key.passphrase);
    database.attach(
        &home,
        "Plain",
        "backup of id",
        &std::fs::read(&key.path).expect("the key"),
    );
    database.attach(&home, "Plain", "note.txt", b"not a key");
    home.configure(&database.table());
    let _agent = Agent::start_with(&home, &owner(&home));
    unlock(&home, "keys.kdbx");
    assert!(list(&home).is_empty());
    home.configure(&format!("{}attachments = true\n", database.table()));
    let other = Key::make_with(&home, "other", KeyKind::Quick, "").moved(&home, "elsewhere");
    // Has the configuration read again.
    succeed(&mut home.claviger(&["add", other.arg()]));
    unlock(&home, "keys.kdbx");
    assert_eq!(list(&home).len(), 2);
    assert!(signs(&home, &key));
}

#[test]
fn databases_of_every_cipher_and_derivation_are_read() {
    for kind in Kind::ALL {
        let home = Home::new();
        let key = key(&home, "id_test");
        let database = Database::make_as(&home, "keys.kdbx", kind);
        database.add_key(&home, "My key", &key);
        let version = std::fs::read(&database.path).expect("the database")[10];
        assert_eq!(
            version,
            if matches!(kind, Kind::Kdbx3) { 3 } else { 4 },
            "{kind:?}"
        );
        home.configure(&database.table());
        let _agent = Agent::start_with(&home, &owner(&home));
        unlock(&home, "keys.kdbx");
        assert!(signs(&home, &key), "{kind:?}");
    }
}

#[test]
fn a_derivation_that_would_exhaust_the_machine_is_refused_with_its_number() {
    let (home, _key, database) = prepared();
    let person = owner(&home);
    let _agent = Agent::start_with(&home, &person);
    let refusal = || text(&home.claviger(&["unlock", "keys.kdbx"]).output().expect("its end"));
    for (kind, number, asked) in [
        // Field 6: eight bytes of rounds. "M" and "R": numbers of eight bytes in the header's dictionary.
        (Kind::Kdbx3, &b"\x06\x08\x00"[..], "1000000000000 rounds"),
        (
            Kind::Argon2,
            b"\x05\x01\x00\x00\x00M\x08\x00\x00\x00",
            "953675 MiB of memory",
        ),
        (
            Kind::Aes,
            b"\x05\x01\x00\x00\x00R\x08\x00\x00\x00",
            "1000000000000 rounds",
        ),
    ] {
        std::fs::remove_file(&database.path).expect("removed");
        Database::make_as(&home, "keys.kdbx", kind);
        let mut bytes = std::fs::read(&database.path).expect("the database");
        let at = bytes.windows(number.len()).position(|window| window == number);
        let at = at.expect("the number") + number.len();
        bytes[at..at + 8].copy_from_slice(&1_000_000_000_000u64.to_le_bytes());
        std::fs::write(&database.path, &bytes).expect("written");
        assert!(refusal().contains(asked), "{}", refusal());
    }
    assert!(person.asked().is_empty());
}

#[test]
fn expired_entries_are_no_keys_unless_the_database_says_so() {
    let home = Home::new();
    let key = key(&home, "id_test");
    let database = Database::make(&home, "keys.kdbx");
    database.add_key(&home, "My key", &key);
    home.configure(&database.table());
    database.edit_xml(|xml| {
        let expired = xml.replace("<Expires>False</Expires>", "<Expires>True</Expires>");
        assert_ne!(expired, xml);
        expired
    });
    let _agent = Agent::start_with(&home, &owner(&home));
    unlock(&home, "keys.kdbx");
    assert!(list(&home).is_empty());
    let reasons = problems(&home, "entry \"My key\"");
    assert!(reasons[0].contains("expired"), "{reasons:?}");
    let flag = "&lt;DatabaseSettings&gt;&lt;AllowAutoLoadExpiredEntryKey&gt;true&lt;/AllowAutoLoadExpiredEntryKey&gt;\
                &lt;/DatabaseSettings&gt;";
    let item = format!("<Item><Key>KeeAgent.Settings</Key><Value>{flag}</Value></Item>");
    database.edit_xml(|xml| xml.replacen("</Meta>", &format!("<CustomData>{item}</CustomData></Meta>"), 1));
    succeed(&mut home.claviger(&["lock"]));
    unlock(&home, "keys.kdbx");
    assert!(signs(&home, &key));
}
