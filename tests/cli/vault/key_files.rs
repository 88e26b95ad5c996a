//! Databases that a key file opens, with a master password or alone: every verb, for every form that KeePass knows.
use super::*;

const V1: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<KeyFile><Meta><Version>1.00</Version></Meta>\
    <Key><Data>NHN4B/d0fi5ohfRvE0LDvvlVmOvdTHQmmV1NCVvhqvk=</Data></Key></KeyFile>";
const V2: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<KeyFile>\n\t<Meta>\n\t\t<Version>2.0</Version>\n\t</Meta>\n\t<Key>\n\
    \t\t<Data Hash=\"4773D12E\">\n\t\t\t00112233 44556677 8899AABB CCDDEEFF\n\t\t\t00112233 44556677 8899AABB CCDDEEFF\n\
    \t\t</Data>\n\t</Key>\n</KeyFile>\n";
const HEX: &str = "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF";

/// A verb of keepassxc-cli on `keys.kdbx`, which the key file opens with `master`, or alone.
fn with_key_file(home: &Home, verb: &str, master: Option<&str>, rest: &[&str]) -> String {
    let mut args = vec![verb, "-q", "-k", "key file"];
    if master.is_none() {
        args.push("--no-password");
    }
    args.push("keys.kdbx");
    args.extend(rest);
    String::from_utf8(typed(home, &args, master.as_slice())).unwrap()
}

/// Puts a key in, and finds it by show and get-public.
fn takes_a_key(home: &Home, options: &[&str]) {
    let public = std::fs::read_to_string(home.keygen("id_web", KEY).with_extension("pub")).unwrap();
    let run = |args: &[&str]| home.run(&[&["vault"], args, &["--key-file", "key file"], options].concat());
    let put = run(&["put", "id_web", "--into", "keys.kdbx", "--passphrase-fd", "3"]);
    assert_eq!(put.code, 0, "{}", put.err);
    let shown = run(&["show", "id_web", "--in", "keys.kdbx"]).done().out;
    assert!(shown.contains("SHA256:"), "{shown}");
    let got = run(&["get-public", "id_web", "--in", "keys.kdbx"]).done().out;
    assert_eq!(got, public);
}

#[test]
fn every_form_of_key_file_makes_and_opens_a_database_with_a_password() {
    for content in [
        &[7; 32][..],
        HEX.as_bytes(),
        V1.as_bytes(),
        b"any file at all\n",
        b"x",
    ] {
        let home = Home::new();
        std::fs::write(home.path("key file"), content).unwrap();
        vault(&home, &["create", "keys.kdbx", "--key-file", "key file"]).done();
        takes_a_key(&home, &["--vault-passphrase-fd", "4"]);
        let listed = with_key_file(&home, "ls", Some(MASTER), &[]);
        assert!(listed.contains("id_web"), "{content:?}: {listed}");
        vault(&home, &["list", "keys.kdbx"]).failed(&["keys.kdbx", "does not fit"]);
    }
}

#[test]
fn a_key_file_alone_opens_what_keepassxc_made_and_nobody_is_asked() {
    for content in [
        &[7; 32][..],
        HEX.as_bytes(),
        V1.as_bytes(),
        V2.as_bytes(),
        b"any\n",
    ] {
        let home = Home::new();
        std::fs::write(home.path("key file"), content).unwrap();
        let make = [
            "db-create",
            "-q",
            "-t",
            "100",
            "--set-key-file",
            "key file",
            "keys.kdbx",
        ];
        typed(&home, &make, &[]);
        takes_a_key(&home, &[]);
        let listed = with_key_file(&home, "ls", None, &[]);
        assert!(listed.contains("id_web"), "{content:?}: {listed}");
    }
}

#[test]
fn an_empty_key_file_which_keepassxc_refuses_makes_no_database() {
    let home = Home::new();
    std::fs::write(home.path("key file"), "").unwrap();
    let made = vault(&home, &["create", "keys.kdbx", "--key-file", "key file"]);
    made.failed(&["keys.kdbx", "key file is empty", "content"]);
    assert!(!home.path("keys.kdbx").exists());
}

#[test]
fn an_empty_master_password_is_one_with_a_key_file_and_alone() {
    for options in [&["-k", "key file"][..], &[]] {
        let home = Home::new();
        std::fs::write(home.path("key file"), "any\n").unwrap();
        let made: &[&str] = match options {
            [] => &["db-create", "-t", "100", "-p", "keys.kdbx"],
            _ => &[
                "db-create",
                "-t",
                "100",
                "-p",
                "--set-key-file",
                "key file",
                "keys.kdbx",
            ],
        };
        typed(&home, made, &["", "y"]);
        home.keygen("id_web", "");
        let put = match options {
            [] => home.command(&PUT[..5], "", "").output().unwrap(),
            _ => home
                .command(&[&PUT[..5], &["--key-file", "key file"]].concat(), "", "")
                .output()
                .unwrap(),
        };
        let put = Ran::from(put);
        if options.is_empty() {
            put.failed(&["keys.kdbx", "master passphrase"]);
            let put = Ran::from(home.command(&PUT, "", "").output().unwrap());
            assert_eq!(put.code, 0, "{}", put.err);
        } else {
            assert_eq!(put.code, 0, "nobody is asked: {}", put.err);
        }
        let listed = typed(&home, &[&["ls", "-q"], options, &["keys.kdbx"]].concat(), &[""]);
        assert!(String::from_utf8(listed).unwrap().contains("id_web"));
    }
}

#[test]
fn a_master_password_is_put_beside_a_key_file_that_was_alone() {
    let home = Home::new();
    std::fs::write(home.path("key file"), HEX).unwrap();
    typed(
        &home,
        &[
            "db-create",
            "-q",
            "-t",
            "100",
            "--set-key-file",
            "key file",
            "keys.kdbx",
        ],
        &[],
    );
    let passwd = [
        "vault",
        "passwd",
        "keys.kdbx",
        "--key-file",
        "key file",
        "--new-passphrase-fd",
        "4",
    ];
    assert_eq!(home.run(&passwd).code, 0);
    with_key_file(&home, "ls", Some(MASTER), &[]);
    let list = ["vault", "list", "keys.kdbx", "--key-file", "key file"];
    home.run(&list).failed(&["its key file alone does not open it"]);
}

#[test]
fn a_damaged_key_file_is_named_and_a_wrong_one_opens_nothing() {
    let home = Home::new();
    std::fs::write(home.path("key file"), HEX).unwrap();
    vault(&home, &["create", "keys.kdbx", "--key-file", "key file"]).done();
    std::fs::write(home.path("key file"), HEX.replace('f', "e")).unwrap();
    let list = ["list", "keys.kdbx", "--key-file", "key file"];
    vault(&home, &list).failed(&["keys.kdbx", "does not fit"]);
    std::fs::remove_file(home.path("key file")).unwrap();
    vault(&home, &list).failed(&["keys.kdbx", "key file"]);
}
