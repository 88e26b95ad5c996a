//! `vault put --replace`: which entry has the key, and what of it stays.
use super::*;

/// What KeeAgent noted, and what it may note one day; without the selection.
const OLD: &str = "<?xml version=\"1.0\" encoding=\"utf-16\"?>\r\n<EntrySettings xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
    new=\"1\">\r\n  <AllowUseOfSshKey>true</AllowUseOfSshKey>\r\n  <AddAtDatabaseOpen>true</AddAtDatabaseOpen>\r\n  \
    <UseConfirmConstraintWhenAdding>true</UseConfirmConstraintWhenAdding>\r\n  \
    <UseLifetimeConstraintWhenAdding>true</UseLifetimeConstraintWhenAdding>\r\n  \
    <LifetimeConstraintDuration>90</LifetimeConstraintDuration>\r\n  <!-- mine -->\r\n  \
    <UseDestinationConstraintWhenAdding>true</UseDestinationConstraintWhenAdding>\r\n  <DestinationConstraints>\r\n    \
    <Constraint>\r\n      <FromHost />\r\n      <ToHost>h</ToHost>\r\n      <ToHostKeys><KeySpec><HostKey>HOSTKEY</HostKey>\
    <IsCA>false</IsCA></KeySpec></ToHostKeys>\r\n    </Constraint>\r\n  </DestinationConstraints>\r\n  \
    <UseCertificate a='b'>x</UseCertificate>\r\n  <Location>\r\n    SELECTED\r\n    \
    <SaveAttachmentToTempFile>true</SaveAttachmentToTempFile>\r\n    <FileName>/a</FileName>\r\n  </Location>\r\n</EntrySettings>";
const NIL: &str = "<SelectedType xsi:nil=\"true\" />\r\n    <AttachmentName />";
const SELECTED: &str =
    "<SelectedType>attachment</SelectedType>\r\n    <AttachmentName>id_web</AttachmentName>";

const REPLACE: [&str; 4] = ["id_web", "--into", "keys.kdbx", "--replace"];

fn attach(home: &Home, entry: &str, name: &str, content: &[u8]) {
    std::fs::write(home.path("attachment"), content).unwrap();
    keepassxc(
        home,
        &["attachment-import", "-f"],
        &[entry, name, "attachment"],
        &[],
    );
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// A home with a key, which the entry `two` has attached as `old`.
fn with_key() -> (Home, Vec<u8>) {
    let home = with_database();
    let key = bytes(&home.keygen("id_web", KEY));
    attach(&home, "two", "old", &key);
    (home, key)
}

fn old(home: &Home, selected: &str) -> String {
    let line = std::fs::read_to_string(home.path("id_web.pub")).unwrap();
    OLD.replace("HOSTKEY", line.trim()).replace("SELECTED", selected)
}

#[test]
fn the_settings_of_the_entry_stay_in_their_encoding_but_for_the_selection() {
    for encoded in [utf16, |text: &str| text.as_bytes().to_vec()] {
        let (home, key) = with_key();
        attach(&home, "two", "KeeAgent.settings", &encoded(&old(&home, NIL)));
        let done = put(&home, &REPLACE);
        assert_eq!(done.code, 0, "{}", done.err);
        assert_eq!(attachment(&home, "two", "id_web"), key);
        assert_eq!(
            attachment(&home, "two", "KeeAgent.settings"),
            encoded(&old(&home, SELECTED))
        );
        assert_eq!(password(&home, "two"), KEY);
    }
}

#[test]
fn terms_that_are_asked_for_are_set_among_those_that_stay() {
    let (home, _key) = with_key();
    let settings = old(&home, SELECTED).replace(">id_web<", ">old<");
    attach(&home, "two", "KeeAgent.settings", &utf16(&settings));
    let done = put(&home, &[&REPLACE[..], &["--lifetime", "10m"]].concat());
    assert_eq!(done.code, 0, "{}", done.err);
    let expected = old(&home, SELECTED).replace(">90<", ">600<");
    assert_eq!(attachment(&home, "two", "KeeAgent.settings"), utf16(&expected));
}

#[test]
fn settings_that_keep_the_key_from_agents_stay_and_are_told_of() {
    let (home, _key) = with_key();
    let settings = old(&home, SELECTED).replacen("true", "false", 1);
    attach(&home, "two", "KeeAgent.settings", &utf16(&settings));
    let done = put(&home, &REPLACE);
    assert!(done.err.contains("keep it from agents"), "{}", done.err);
    assert_eq!(attachment(&home, "two", "KeeAgent.settings"), utf16(&settings));
}

#[test]
fn settings_that_cannot_be_kept_are_refused_before_anything_is_written() {
    let (home, _key) = with_key();
    let commented = NIL.replace(
        "<AttachmentName />",
        "<AttachmentName><!-- why --></AttachmentName>",
    );
    for (settings, reason) in [
        (old(&home, NIL)[..300].to_owned(), "not the XML of KeeAgent"),
        (old(&home, &commented), "would get lost"),
    ] {
        attach(&home, "two", "KeeAgent.settings", &utf16(&settings));
        let whole = bytes(&home.path("keys.kdbx"));
        put(&home, &REPLACE).failed(&["keys.kdbx", "\"two\"", "not changed", reason, "KeePassXC"]);
        assert_eq!(bytes(&home.path("keys.kdbx")), whole);
    }
}

#[test]
fn every_private_key_of_every_entry_is_compared() {
    let (home, key) = with_key();
    let first = bytes(&home.keygen("id_first", KEY));
    let put_web = ["id_web", "--into", "keys.kdbx"];
    let refused = |names: &[&str]| {
        let whole = bytes(&home.path("keys.kdbx"));
        put(&home, &put_web).failed(&[&["keys.kdbx", "has this key already"], names].concat());
        assert_eq!(bytes(&home.path("keys.kdbx")), whole);
    };
    refused(&["\"two\""]);
    // Beside the entry's own key.
    attach(&home, "two", "a first", &first);
    refused(&["\"two\""]);
    put(&home, &REPLACE).failed(&["\"two\"", "a first", "old", "one password"]);
    let settings = old(&home, SELECTED).replace(">id_web<", ">a first<");
    attach(&home, "two", "KeeAgent.settings", &utf16(&settings));
    refused(&["\"two\""]);
    // As a file that looks otherwise: the same key with another passphrase.
    keepassxc(&home, &["attachment-rm"], &["two", "old"], &[]);
    let again = home.path("again");
    std::fs::write(&again, &key).unwrap();
    std::fs::set_permissions(&again, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let changed = Command::new("ssh-keygen")
        .args(["-q", "-p", "-P", KEY, "-N", "another", "-f"])
        .arg(&again)
        .status();
    assert!(changed.unwrap().success());
    attach(&home, "Servers/web/one", "spare", &bytes(&again));
    refused(&["\"Servers/web/one\""]);
    keepassxc(&home, &["add"], &["three"], &[]);
    attach(&home, "three", "key", &key);
    put(&home, &REPLACE).failed(&["several", "\"Servers/web/one\"", "\"three\""]);
}

#[test]
fn an_encrypted_key_without_a_public_half_is_known_by_its_bytes() {
    let home = with_database();
    let key = home.path("id_old");
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "rsa", "-b", "2048", "-m", "PKCS8", "-N", KEY, "-f"])
        .arg(&key)
        .status();
    assert!(made.unwrap().success());
    attach(&home, "two", "key", &bytes(&key));
    put(&home, &["id_old", "--into", "keys.kdbx"]).failed(&["\"two\"", "has this key already"]);
}

#[test]
fn a_group_is_for_new_entries() {
    let (home, _key) = with_key();
    let whole = bytes(&home.path("keys.kdbx"));
    let done = put(&home, &[&REPLACE[..], &["--group", "Servers"]].concat());
    assert_eq!(done.code, 2);
    assert!(done.err.contains("--group") && done.err.contains("--replace"));
    assert_eq!(bytes(&home.path("keys.kdbx")), whole);
}
