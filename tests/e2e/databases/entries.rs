//! Which entries are keys: KeeAgent's settings in every form that is found, and what stands beside them.

use super::*;
use crate::support::keepass::utf16;

/// The titles that are listed.
fn titles(home: &Home) -> Vec<String> {
    let keys = list(home);
    let mut titles: Vec<String> = keys
        .iter()
        .map(|key| key["comment"].as_str().expect("text").to_owned())
        .collect();
    titles.sort();
    titles
}

#[test]
fn settings_are_read_in_every_encoding_and_malformed_ones_are_reported() {
    let home = Home::new();
    let database = Database::make(&home, "keys.kdbx");
    let xml = Settings::attachment("id").xml();
    let big: Vec<u8> = xml.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let little = utf16(&xml);
    let old = "<EntrySettings>\n<AllowUseOfSshKey>true</AllowUseOfSshKey>\n<Location>\n\
               <SelectedType>attachment</SelectedType>\n<AttachmentName>id</AttachmentName>\n</Location>\n\
               </EntrySettings>";
    let nil = xml.replace(
        "<SelectedType>attachment</SelectedType>",
        "<SelectedType xsi:nil=\"true\" />",
    );
    let variants: [(&str, Vec<u8>); 11] = [
        ("utf-8", xml.clone().into_bytes()),
        ("utf-8 marked", [b"\xef\xbb\xbf", xml.as_bytes()].concat()),
        ("utf-16le", little.clone()),
        ("utf-16le marked", [b"\xff\xfe", &little[..]].concat()),
        ("utf-16be", big.clone()),
        ("utf-16be marked", [b"\xfe\xff", &big[..]].concat()),
        ("missing elements", old.as_bytes().to_vec()),
        (
            "unknown elements",
            utf16(&xml.replace("<Location>", "<New><A b=\"c\"/></New>\n<Location>")),
        ),
        ("nil", utf16(&nil)),
        ("malformed", utf16(&xml[..xml.len() / 2])),
        ("not allowed", utf16(&xml.replacen("true", "false", 1))),
    ];
    for (title, settings) in &variants {
        let key = key(&home, &format!("id {title}"));
        database.add(title, &key.passphrase);
        database.attach(&home, title, "id", &std::fs::read(&key.path).expect("the key"));
        database.attach(&home, title, "KeeAgent.settings", settings);
    }
    home.configure(&database.table());
    let _agent = Agent::start_with(&home, &owner(&home));
    unlock(&home, "keys.kdbx");
    assert_eq!(
        titles(&home),
        [
            "missing elements",
            "unknown elements",
            "utf-16be",
            "utf-16be marked",
            "utf-16le",
            "utf-16le marked",
            "utf-8",
            "utf-8 marked"
        ]
    );
    assert!(problems(&home, "entry \"malformed\"")[0].contains("not the XML of KeeAgent"));
    assert!(problems(&home, "entry \"nil\"")[0].contains("neither an attachment nor a file"));
    assert_eq!(problems(&home, "keys.kdbx").len(), 2);
}

#[test]
fn a_key_may_be_in_a_file_that_the_entry_names() {
    let home = Home::new();
    let key = key(&home, "id_test");
    let database = Database::make(&home, "keys.kdbx");
    for (title, name) in [
        ("by path", key.path.as_path()),
        ("from here", "elsewhere/id_test".as_ref()),
    ] {
        database.add(title, &key.passphrase);
        database.attach(
            &home,
            title,
            "KeeAgent.settings",
            &utf16(&Settings::file(name).xml()),
        );
    }
    home.configure(&database.table());
    let _agent = Agent::start_with(&home, &owner(&home));
    unlock(&home, "keys.kdbx");
    assert_eq!(titles(&home).len(), 1);
    assert!(signs(&home, &key));
    let twice = problems(&home, "keys.kdbx");
    assert!(twice[0].contains("another entry has the same key"), "{twice:?}");
}
