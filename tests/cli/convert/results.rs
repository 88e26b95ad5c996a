//! What comes out: each format under each protection, read by its tool.
use super::{FORMATS, convert, ecdsa, key_of, pub_of, public_by_tool, tool};
use crate::home::{Home, KEY, MASTER, text};
use base64ct::{Base64, Encoding as _};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn every_format_becomes_every_format_under_the_same_passphrase() {
    let home = Home::new();
    let key = ecdsa(&home, ".ssh/id", KEY);
    let expected = key_of(&fs::read_to_string(pub_of(&key)).unwrap());
    let mut source = key;
    for round in 0..2 {
        for format in FORMATS {
            let out = home.path(&format!("key {round} {format}"));
            let done = convert(&home, &source, format, text(&out), &["--passphrase-fd", "3"])
                .done()
                .out;
            assert!(
                done.contains(text(&out)) && done.contains("the same passphrase"),
                "{done}"
            );
            assert_eq!(public_by_tool(&home, &out, format, KEY), expected, "{format}");
            assert_eq!((mode(&out), mode(&pub_of(&out))), (0o600, 0o644));
            let line = fs::read_to_string(pub_of(&out)).unwrap();
            assert_eq!(line, format!("{expected} me at home\n"), "{format}");
            source = out;
        }
    }
}

#[test]
fn what_protects_the_new_file_is_what_was_asked_for() {
    let home = Home::new();
    let sealed = ecdsa(&home, ".ssh/sealed", KEY);
    let plain = ecdsa(&home, ".ssh/plain", "");
    let old = ["--passphrase-fd", "3"];
    let new = ["--new-passphrase-fd", "4"];
    let none = ["--no-passphrase", "--unprotected"];
    for format in FORMATS {
        for (name, file, options, passphrase, said) in [
            ("changed", &sealed, [old, new].concat(), MASTER, "new passphrase"),
            ("added", &plain, new.to_vec(), MASTER, "new passphrase"),
            ("kept", &plain, vec![], "", "not protected, as"),
            ("removed", &sealed, [old, none].concat(), "", "NOT protected"),
        ] {
            let out = home.path(&format!("{name}-{format}"));
            let done = convert(&home, file, format, text(&out), &options).done().out;
            assert!(done.contains(said), "{done}");
            let expected = key_of(&fs::read_to_string(pub_of(file)).unwrap());
            assert_eq!(
                public_by_tool(&home, &out, format, passphrase),
                expected,
                "{name} {format}"
            );
        }
    }
}

#[test]
fn the_stores_know_the_passphrase() {
    let home = Home::new();
    let key = home.keygen(".ssh/id", KEY);
    home.add(&[text(&key)]).done();
    convert(&home, &key, "ppk", "out.ppk", &["--vault-passphrase-fd", "4"]).done();
    let line = fs::read_to_string(pub_of(&key)).unwrap();
    assert_eq!(
        public_by_tool(&home, &home.path("out.ppk"), "ppk", KEY),
        key_of(&line)
    );
}

#[test]
fn a_sealed_file_that_shows_nothing_is_opened_all_the_same() {
    let home = Home::new();
    let key = ecdsa(&home, "id", KEY);
    convert(&home, &key, "pkcs8", "alone", &["--passphrase-fd", "3"]).done();
    fs::remove_file(home.path("alone.pub")).unwrap();
    let alone = home.path("alone");
    convert(&home, &alone, "openssh", "again", &["--passphrase-fd", "3"]).done();
    let line = fs::read_to_string(pub_of(&key)).unwrap();
    assert_eq!(
        public_by_tool(&home, &home.path("again"), "openssh", KEY),
        key_of(&line)
    );
    convert(&home, &alone, "openssh", "third", &[]).failed(&[text(&alone), "--passphrase-fd"]);
}

#[test]
fn comments_are_kept_or_changed() {
    let home = Home::new();
    let key = ecdsa(&home, "id", "");
    for format in FORMATS {
        let out = format!("kept-{format}");
        convert(&home, &key, format, &out, &["--comment", "someone else"]).done();
        assert!(
            fs::read_to_string(home.path(&format!("{out}.pub")))
                .unwrap()
                .ends_with(" someone else\n")
        );
        // From there on the file's own, or its .pub's.
        convert(&home, &home.path(&out), "openssh", &format!("{out}-again"), &[]).done();
        let line = tool(
            "ssh-keygen",
            &["-y", "-f", text(&home.path(&format!("{out}-again")))],
        );
        assert!(line.ends_with(" someone else\n"), "{format}: {line}");
    }
}

#[test]
fn rounds_are_openssh_s() {
    let home = Home::new();
    let key = ecdsa(&home, "id", KEY);
    for (options, rounds) in [
        (&["--passphrase-fd", "3"][..], 24_u32),
        (&["--passphrase-fd", "3", "--rounds", "5"], 5),
    ] {
        let out = format!("out{rounds}");
        convert(&home, &key, "openssh", &out, options).done();
        let file = fs::read_to_string(home.path(&out)).unwrap();
        let base64: String = file.lines().filter(|line| !line.starts_with('-')).collect();
        let bytes = Base64::decode_vec(&base64).unwrap();
        let at = bytes.windows(6).position(|window| window == b"bcrypt").unwrap();
        // Behind the name: length of the options, length of the salt, salt.
        let at = at + 6 + 4 + 4 + 16;
        assert_eq!(bytes[at..at + 4], rounds.to_be_bytes());
    }
    convert(
        &home,
        &key,
        "ppk",
        "out",
        &["--rounds", "5", "--passphrase-fd", "3"],
    )
    .failed(&["--rounds"]);
    assert_eq!(convert(&home, &key, "openssh", "out", &["--rounds", "0"]).code, 2);
}
