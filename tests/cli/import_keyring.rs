//! `import keyring`: items with the attributes that gcr's agent and ksshaskpass give them, in a real gnome-keyring.
use crate::home::{Home, KEY, MASTER, text};
use crate::ran::Ran;
use crate::secret_service::SecretService;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// A keyring in a folder whose name a bus's address can hold.
fn keyring() -> (TempDir, SecretService) {
    let folder = TempDir::with_prefix_in("cl-", "/tmp").unwrap();
    let service = SecretService::start(folder.path());
    (folder, service)
}

/// Stores as another program would.
fn store(service: &SecretService, secret: &str, attributes: &[&str]) {
    let mut tool = Command::new("secret-tool")
        .args(["store", "--label=Unlock password for: test"])
        .args(attributes)
        .envs(service.env())
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    tool.stdin.take().unwrap().write_all(secret.as_bytes()).unwrap();
    assert!(tool.wait().unwrap().success());
}

fn gcr(service: &SecretService, key: &Path, secret: &str) {
    let unique = format!("ssh-store:{}", text(key));
    store(
        service,
        secret,
        &["unique", &unique, "xdg:schema", "org.freedesktop.Secret.Generic"],
    );
}

fn kwallet(service: &SecretService, key: &Path, secret: &str) {
    let attributes = [
        "server",
        "ksshaskpass",
        "type",
        "plaintext",
        "xdg:schema",
        "org.qt.keychain",
    ];
    store(service, secret, &[&attributes[..], &["user", text(key)]].concat());
}

/// Where the keyring of this service is, and nobody to ask.
fn import(home: &Home, service: &SecretService, args: &[&str]) -> Ran {
    let args = [&["import", "keyring", "--vault-passphrase-fd", "4"], args].concat();
    let mut command = home.command(&args, "", MASTER);
    let bus = service
        .env()
        .into_iter()
        .filter(|(name, _)| name == "DBUS_SESSION_BUS_ADDRESS");
    command.envs(bus).output().unwrap().into()
}

fn fingerprint(key: &Path) -> String {
    let shown = Command::new("ssh-keygen").arg("-lf").arg(key).output().unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    shown.split(' ').nth(1).unwrap().to_owned()
}

#[test]
fn what_desktops_stored_is_proven_and_stored() {
    let home = Home::new();
    let (_folder, service) = keyring();
    let [gnome, kde, wrong, unknown, plain] = ["gnome", "kde", "wrong", "unknown", "plain"].map(|name| {
        let passphrase = if name == "plain" { "" } else { KEY };
        home.keygen(&format!(".ssh/{name}"), passphrase)
    });
    gcr(&service, &gnome, KEY);
    kwallet(&service, &kde, KEY);
    gcr(&service, &wrong, "not it");
    gcr(&service, &plain, KEY);
    let shown = import(&home, &service, &["--dry-run"]).done().out;
    assert!(
        shown.contains("2 passphrases would be stored, 1 did not fit, 1 protected"),
        "{shown}"
    );
    assert_eq!(service.lookup(&fingerprint(&gnome)), None);

    let said = import(&home, &service, &[]).done().out;
    for told in [
        format!(
            "{}: the passphrase that gnome-keyring stored opens it; stored in the OS keyring",
            text(&gnome)
        ),
        format!("{}: the passphrase that ksshaskpass stored opens it", text(&kde)),
        format!(
            "{}: what gnome-keyring stored does not open it; left",
            text(&wrong)
        ),
        "2 passphrases stored, 1 did not fit, 1 protected".to_owned(),
    ] {
        assert!(said.contains(&told), "{told:?} is not in: {said}");
    }
    for key in [&gnome, &kde] {
        assert_eq!(service.lookup(&fingerprint(key)).unwrap(), KEY.as_bytes());
    }
    for key in [&wrong, &unknown, &plain] {
        assert_eq!(service.lookup(&fingerprint(key)), None, "{}", text(key));
    }
}

#[test]
fn json_tells_what_became_of_each() {
    let home = Home::new();
    let (_folder, service) = keyring();
    let [good, wrong] = ["good", "wrong"].map(|name| home.keygen(&format!(".ssh/{name}"), KEY));
    home.keygen(".ssh/unknown", KEY);
    gcr(&service, &good, KEY);
    gcr(&service, &wrong, "not it");
    for (options, result) in [(&["--dry-run"][..], "would_import"), (&[], "imported")] {
        let told = import(&home, &service, &[&["--json"], options].concat())
            .done()
            .out;
        assert!(!told.contains(KEY) && !told.contains("not it"), "{told}");
        let told: serde_json::Value = serde_json::from_str(&told).unwrap();
        let of = |key: &Path| {
            let items = told.as_array().unwrap().iter();
            let mut items = items.filter(|item| item["source"] == text(key));
            let item = items.next().unwrap_or_else(|| panic!("{told}")).clone();
            assert!(items.next().is_none() && item["detail"].is_string(), "{told}");
            item
        };
        assert_eq!(of(&good)["result"], result, "{told}");
        assert_eq!(of(&good)["fingerprint"], fingerprint(&good), "{told}");
        assert_eq!(of(&wrong)["result"], "passed_over", "{told}");
    }
}

#[test]
fn the_first_store_of_the_order_gets_it() {
    let home = Home::new();
    let (_folder, service) = keyring();
    let key = home.keygen(".ssh/id_test", KEY);
    gcr(&service, &key, KEY);
    home.configure("[vault]\norder = [\"embedded\", \"os\", \"prompt\"]\n");
    let said = import(&home, &service, &[]).done().out;
    assert!(said.contains(text(&home.vault())), "{said}");
    assert_eq!(service.lookup(&fingerprint(&key)), None);
}

#[test]
fn a_locked_keyring_is_named_and_not_made_to_prompt() {
    let home = Home::new();
    let (_folder, service) = keyring();
    let key = home.keygen(".ssh/id_test", KEY);
    gcr(&service, &key, KEY);
    service.lock();
    let calls = service.calls_during(|| {
        import(&home, &service, &[]).failed(&["keyring is locked"]);
    });
    assert!(
        calls.contains("member=ReadAlias") && !calls.contains("member=Unlock"),
        "{calls}"
    );
    assert!(!calls.contains("member=Prompt"), "{calls}");
    assert!(!home.vault().exists());
}
