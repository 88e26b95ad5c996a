//! What is changed, and that nothing else is.
use super::*;
use crate::home::killed_after;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::Instant;

/// How many moments of one `put` are tried.
const MOMENTS: u32 = 8;

#[test]
fn a_key_is_put_as_keepassxc_reads_it_and_all_else_stays() {
    let home = with_database();
    let key = home.keygen("id_web", KEY);
    let before = exported(&home);
    put(
        &home,
        &[
            "id_web",
            "--into",
            "keys.kdbx",
            "--group",
            "Servers/new",
            "--confirm",
        ],
    );
    let entry = "Servers/new/id_web";
    assert_eq!(attachment(&home, entry, "id_web"), bytes(&key));
    assert_eq!(
        attachment(&home, entry, "id_web.pub"),
        bytes(&key.with_extension("pub"))
    );
    assert_eq!(password(&home, entry), KEY);
    let settings = attachment(&home, entry, "KeeAgent.settings");
    assert_eq!(&settings[..4], b"<\0?\0");
    let units: Vec<u16> = settings
        .chunks(2)
        .map(|unit| u16::from_le_bytes([unit[0], unit[1]]))
        .collect();
    let settings = String::from_utf16(&units).unwrap();
    for line in [
        "<AllowUseOfSshKey>true</AllowUseOfSshKey>",
        "<AddAtDatabaseOpen>true</AddAtDatabaseOpen>",
        "<UseConfirmConstraintWhenAdding>true</UseConfirmConstraintWhenAdding>",
        "<AttachmentName>id_web</AttachmentName>",
    ] {
        assert!(settings.contains(line), "{line} is not in {settings}");
    }
    let added = added(&before, &exported(&home));
    assert_eq!(
        added.iter().filter(|line| *line == "<Entry>").count(),
        1,
        "{added:?}"
    );
    assert_eq!(password(&home, "Servers/web/one"), "second");
    assert_eq!(attachment(&home, "two", "note"), b"shared");
}

#[test]
fn a_key_that_is_there_is_replaced_only_when_told_and_its_old_version_stays() {
    let home = with_database();
    home.keygen("id_web", KEY);
    let id = ["id_web", "--into", "keys.kdbx"];
    put(&home, &id);
    let whole = bytes(&home.path("keys.kdbx"));
    put(&home, &id).failed(&["id_web", "has this key already", "--replace"]);
    assert_eq!(bytes(&home.path("keys.kdbx")), whole);
    let before = exported(&home);
    let again = [
        "id_web",
        "--into",
        "keys.kdbx",
        "--replace",
        "--title",
        "new name",
        "--lifetime",
        "10m",
    ];
    assert_eq!(put(&home, &again).code, 0);
    let shown = vault(&home, &["show", "new name", "--in", "keys.kdbx", "--json"])
        .done()
        .out;
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["settings"]["lifetime"], 600);
    assert_eq!(shown["history"], 1);
    let after = exported(&home);
    let count = |lines: &[String], wanted: &str| lines.iter().filter(|line| *line == wanted).count();
    let attachments = |lines: &[String]| count(lines, "attachment");
    assert_eq!(attachments(&after), attachments(&before) + 3);
    // The key's comment is the user name of both versions, its file's name the title of the old one.
    assert_eq!(count(&before, "<Value>id_web</Value>"), 2);
    assert_eq!(count(&after, "<Value>id_web</Value>"), 3);
}

#[test]
fn an_old_file_becomes_a_new_one_and_keeps_all() {
    let home = Home::new();
    typed(
        &home,
        &["db-create", "-q", "-t", "100", "-p", "keys.kdbx"],
        &[MASTER, MASTER],
    );
    keepassxc(
        &home,
        &["add", "-u", "Zoë", "--notes", "<a> & b", "-p"],
        &["one"],
        &["first & <one>"],
    );
    keepassxc(&home, &["edit", "-p"], &["one"], &["second"]);
    std::fs::write(home.path("note"), "a note").unwrap();
    keepassxc(&home, &["attachment-import"], &["one", "note", "note"], &[]);
    assert_eq!(
        bytes(&home.path("keys.kdbx"))[8..12],
        [1, 0, 3, 0],
        "KeePassXC wrote KDBX 3.1"
    );
    let before = exported(&home);
    home.keygen("id_web", KEY);
    let done = put(&home, &["id_web", "--into", "keys.kdbx"]);
    assert!(done.err.contains("KDBX 4.1"), "{}", done.err);
    assert_eq!(attachment(&home, "one", "note"), b"a note");
    assert_eq!(password(&home, "one"), "second");
    assert_eq!(password(&home, "id_web"), KEY);
    // Times are written in another form, and attachments outside of the XML.
    let kept = |lines: &[String]| -> Vec<String> {
        let moved = |line: &&String| {
            !["Time>", "Changed>", "Binar", "attachment"]
                .iter()
                .any(|part| line.contains(part))
        };
        lines.iter().filter(moved).cloned().collect()
    };
    added(&kept(&before), &kept(&exported(&home)));
}

#[test]
fn a_new_master_makes_an_old_file_a_new_one_and_says_so() {
    let home = Home::new();
    typed(
        &home,
        &["db-create", "-q", "-t", "100", "-p", "keys.kdbx"],
        &[MASTER, MASTER],
    );
    let done = vault(&home, &["passwd", "keys.kdbx", "--new-passphrase-fd", "3"]);
    assert_eq!(done.code, 0, "{}", done.err);
    for said in [
        "saved as KDBX 4.1",
        "KeePass 2.48",
        "KeePassXC 2.7",
        "older version",
    ] {
        assert!(done.err.contains(said), "{}", done.err);
    }
    assert_eq!(bytes(&home.path("keys.kdbx"))[8..12], [1, 0, 4, 0]);
}

#[test]
fn removing_goes_to_the_bin_and_takes_nothing_of_others() {
    let home = with_database();
    let removed = vault(&home, &["remove", "Servers/web/one", "--in", "keys.kdbx"]).done();
    assert!(
        removed.out.contains("Servers/web/one: moved to the recycle bin"),
        "{}",
        removed.out
    );
    assert_eq!(password(&home, "Recycle Bin/one"), "second");
    assert_eq!(attachment(&home, "two", "note"), b"shared");
    let listed = vault(&home, &["list", "keys.kdbx"]).done().out;
    assert!(!listed.contains("one") && listed.contains("two"), "{listed}");
}

#[test]
fn a_new_master_opens_it_and_the_old_one_no_longer() {
    let home = with_database();
    let new = ["passwd", "keys.kdbx", "--new-passphrase-fd", "3"];
    vault(&home, &new).done();
    let listed = typed(&home, &["ls", "-q", "-R", "keys.kdbx"], &[KEY]);
    assert!(String::from_utf8(listed).unwrap().contains("one"));
    vault(&home, &["list", "keys.kdbx"]).failed(&["keys.kdbx", "does not fit"]);
}

#[test]
fn a_new_database_and_a_new_vault_are_keepassxcs_too() {
    let home = Home::new();
    vault(&home, &["create", "keys.kdbx"]).done();
    let info = String::from_utf8(keepassxc(&home, &["db-info"], &[], &[])).unwrap();
    assert!(info.contains("Argon2id (10 rounds, 65536 KB)"), "{info}");
    let whole = bytes(&home.path("keys.kdbx"));
    vault(&home, &["create", "keys.kdbx"]).failed(&["keys.kdbx", "exists already"]);
    assert_eq!(bytes(&home.path("keys.kdbx")), whole);
    vault(&home, &["create"]).done();
    let key = home.keygen("id_one", KEY);
    home.add(&[text(&key)]).done();
    let listed = vault(&home, &["list"]).done().out;
    assert!(listed.contains("SHA256:"), "{listed}");
    assert_eq!(
        std::fs::metadata(home.vault()).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

#[test]
fn mode_and_link_stay() {
    let home = with_database();
    home.keygen("id_web", KEY);
    let (real, link) = (home.path("real.kdbx"), home.path("keys.kdbx"));
    std::fs::rename(&link, &real).unwrap();
    std::fs::set_permissions(&real, PermissionsExt::from_mode(0o640)).unwrap();
    symlink("real.kdbx", &link).unwrap();
    put(&home, &["id_web", "--into", "keys.kdbx"]);
    assert!(link.symlink_metadata().unwrap().is_symlink());
    assert_eq!(real.metadata().unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(password(&home, "id_web"), KEY);
    assert!(!home.path("keys.kdbx.lock").exists());
}

#[test]
fn a_kill_leaves_the_old_file_or_the_new_one() {
    let home = with_database();
    home.keygen("id_web", KEY);
    let old = bytes(&home.path("keys.kdbx"));
    let start = Instant::now();
    put(&home, &PUT[2..5]);
    let whole = start.elapsed();
    for moment in 0..MOMENTS {
        std::fs::write(home.path("keys.kdbx"), &old).unwrap();
        killed_after(home.command(&PUT, KEY, MASTER), whole * moment / MOMENTS);
        let listed = keepassxc(&home, &["ls", "-R"], &[], &[]);
        assert!(String::from_utf8(listed).unwrap().contains("one"));
    }
    assert_eq!(
        put(&home, &["id_web", "--into", "keys.kdbx", "--replace"]).code,
        0
    );
    assert_eq!(password(&home, "id_web"), KEY);
}
