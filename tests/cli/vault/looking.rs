//! What is shown, and that no secret is.
use super::*;

#[test]
fn listings_have_all_but_secrets() {
    let home = with_database();
    let key = home.keygen("id_web", KEY);
    put(&home, &["id_web", "--into", "keys.kdbx", "--group", "Servers"]);
    let json = vault(&home, &["list", "keys.kdbx", "--json"]).done().out;
    let entries: serde_json::Value = serde_json::from_str(&json).unwrap();
    let entries = entries.as_array().unwrap();
    assert_eq!(entries.len(), 3, "{json}");
    let one = entries.iter().find(|entry| entry["title"] == "one").unwrap();
    assert_eq!(one["group"], "Servers/web");
    assert_eq!(
        (&one["user"], &one["url"]),
        (&"Zoë".into(), &"https://a.example".into())
    );
    let web = entries.iter().find(|entry| entry["title"] == "id_web").unwrap();
    assert_eq!(web["key"]["type"], "ssh-ed25519");
    assert_eq!(web["settings"]["allowed"], true);
    let fingerprint = web["key"]["fingerprint"].as_str().unwrap();
    let line = std::fs::read_to_string(key.with_extension("pub")).unwrap();
    for name in ["id_web", "Servers/id_web", fingerprint, &fingerprint[..20]] {
        let public = vault(&home, &["get-public", name, "--in", "keys.kdbx"])
            .done()
            .out;
        assert_eq!(public, line, "{name}");
    }
    let shown = vault(&home, &["show", "id_web", "--in", "keys.kdbx"]).done().out;
    let listed = vault(&home, &["list", "keys.kdbx"]).done().out;
    for said in [&json, &shown, &listed] {
        for secret in [KEY, "second", "third", "fourth", "PRIVATE", "<a> & b"] {
            assert!(!said.contains(secret), "{secret} is in {said}");
        }
    }
    assert!(shown.contains(fingerprint) && listed.contains(fingerprint));
}

#[test]
fn a_name_that_means_none_or_several_is_refused() {
    let home = with_database();
    keepassxc(&home, &["add", "-p"], &["Servers/two"], &["x"]);
    vault(&home, &["show", "none", "--in", "keys.kdbx"]).failed(&["keys.kdbx", "no entry", "none"]);
    vault(&home, &["get-public", "one", "--in", "keys.kdbx"]).failed(&["Servers/web/one", "no key"]);
    vault(&home, &["show", "gone", "--in", "keys.kdbx"]).failed(&["no entry"]);
    let shown = vault(&home, &["show", "Servers/two", "--in", "keys.kdbx"])
        .done()
        .out;
    assert!(shown.contains("group: Servers"), "{shown}");
}

#[test]
fn settings_that_are_not_read_are_told_with_the_key() {
    let home = with_database();
    home.keygen("id_web", KEY);
    let name = "KeeAgent.settings";
    let broken = [
        (&b"<EntrySettings><Allow"[..], "not the XML of KeeAgent"),
        (b"\xff\xfe\x00", "neither UTF-8 nor UTF-16"),
    ];
    for (entry, (bytes, _)) in ["two", "Servers/web/one"].iter().zip(broken) {
        std::fs::write(home.path("settings"), bytes).unwrap();
        keepassxc(&home, &["attachment-import"], &[entry, "id_web", "id_web"], &[]);
        keepassxc(&home, &["attachment-import"], &[entry, name, "settings"], &[]);
    }
    for (entry, (_, reason)) in ["two", "Servers/web/one"].iter().zip(broken) {
        let shown = vault(&home, &["show", entry, "--in", "keys.kdbx"]).done().out;
        for told in ["key: SHA256:", "settings: its settings are not read", reason] {
            assert!(shown.contains(told), "{told:?} is not in {shown}");
        }
        assert!(!shown.contains("<Allow"), "{shown}");
        let listed = vault(&home, &["list", "keys.kdbx"]).done().out;
        assert!(listed.contains(reason), "{listed}");
    }
}

#[test]
fn a_key_that_keepassxc_does_not_read_is_told_of() {
    let home = with_database();
    home.keygen("id_web", KEY);
    let convert = ["convert", "id_web", "--passphrase-fd", "3", "--to"];
    for (format, told) in [("openssh", false), ("pkcs8", true), ("ppk", true)] {
        let name = format!("of_{format}");
        assert_eq!(home.run(&[&convert[..], &[format, "-o", &name]].concat()).code, 0);
        let done = put(&home, &[&name, "--into", "keys.kdbx"]);
        assert_eq!(
            (done.code, done.err.contains("KeePassXC does not read")),
            (0, told),
            "{}",
            done.err
        );
        vault(&home, &["remove", &name, "--in", "keys.kdbx"]).done();
    }
}
