//! `add` and `remove` without an agent: what is stored, what is refused, and what is left alone.
use crate::home::{Home, KEY, MASTER, killed_after, text};
use crate::ran::Ran;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::time::Instant;

/// How many moments of one `add` are tried.
const MOMENTS: u32 = 6;

#[test]
fn add_stores_what_opens_the_key() {
    let home = Home::new();
    let key = home.keygen(".ssh/id_ed25519", KEY);
    let added = home.add(&[text(&key)]).done().out;
    assert!(
        added.contains(text(&key)) && added.contains(text(&home.vault())),
        "{added}"
    );
    assert_eq!(
        fs::metadata(home.vault()).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert!(
        !home.config().exists(),
        "a key in ~/.ssh needs no line in the configuration"
    );
    home.add(&[text(&key)]).done();
}

#[test]
fn a_wrong_passphrase_stores_nothing() {
    let home = Home::new();
    let key = home.keygen(".ssh/id_ed25519", "another one");
    home.add(&[text(&key)]).failed(&[text(&key), "does not fit"]);
    assert!(!home.vault().exists());
}

#[test]
fn a_wrong_master_passphrase_leaves_the_vault_as_it_was() {
    let home = Home::new();
    let key = home.keygen(".ssh/id_ed25519", KEY);
    home.add(&[text(&key)]).done();
    let before = fs::read(home.vault()).unwrap();
    let args = [
        "add",
        "--passphrase-fd",
        "3",
        "--vault-passphrase-fd",
        "4",
        text(&key),
    ];
    let ran: Ran = home.command(&args, KEY, "not it").output().unwrap().into();
    ran.failed(&[text(&key), "given on the command line does not fit"]);
    assert_eq!(fs::read(home.vault()).unwrap(), before);
}

#[test]
fn a_file_elsewhere_is_named_in_the_configuration_once() {
    let home = Home::new();
    home.configure("# mine\n[lock]\nidle = \"1h\" # long\n");
    let key = home.keygen("work keys/clé", KEY);
    for _ in 0..2 {
        home.add(&["work keys/../work keys/clé"]).done();
    }
    let config = fs::read_to_string(home.config()).unwrap();
    assert!(
        config.starts_with("# mine\n[lock]\nidle = \"1h\" # long\n"),
        "{config}"
    );
    assert_eq!(config.matches("~/work keys/clé").count(), 1, "{config}");

    let removed = home
        .run(&["remove", "--vault-passphrase-fd", "4", text(&key)])
        .done()
        .out;
    assert!(
        removed.contains(text(&home.vault())) && removed.contains(text(&home.config())),
        "{removed}"
    );
    assert!(!fs::read_to_string(home.config()).unwrap().contains("work keys"));
    assert!(key.exists(), "a key file is never deleted");
    home.run(&["remove", text(&key)]).failed(&["no key is called"]);
}

#[test]
fn each_file_is_judged_by_itself() {
    let home = Home::new();
    let good = home.keygen(".ssh/good", KEY);
    let plain = home.keygen(".ssh/plain", "");
    let open = home.keygen(".ssh/open", KEY);
    fs::set_permissions(&open, Permissions::from_mode(0o644)).unwrap();
    fs::write(home.path(".ssh/noise"), [0xff; 512]).unwrap();
    let public = home.path(".ssh/good.pub");
    let added = home.add(&[
        ".ssh/absent",
        ".ssh",
        text(&public),
        text(&open),
        ".ssh/noise",
        text(&plain),
        text(&good),
    ]);
    let added = added.failed(&[
        ".ssh/absent: no such file",
        "a directory",
        "chmod 600",
        "not a private key",
    ]);
    assert!(
        added
            .err
            .contains(&format!("public half; give the private one: {}", text(&good))),
        "{}",
        added.err
    );
    assert!(
        added
            .out
            .contains(&format!("{}: has no passphrase", text(&plain))),
        "{}",
        added.out
    );
    assert!(
        added.out.contains(&format!("{}: passphrase stored", text(&good))),
        "{}",
        added.out
    );
    assert_eq!(added.err.lines().count(), 5, "{}", added.err);
}

#[test]
fn without_a_file_every_protected_key_is_added() {
    let home = Home::new();
    home.run(&["add"]).failed(&["no passphrase-protected key"]);
    home.keygen(".ssh/id_a", KEY);
    home.keygen(".ssh/id_b", KEY);
    home.keygen(".ssh/id_plain", "");
    let added = home.add(&[]).done().out;
    assert!(
        added.contains("id_a: passphrase stored") && added.contains("id_b: passphrase stored"),
        "{added}"
    );
    assert!(!added.contains("id_plain"), "{added}");
}

#[test]
fn askpass_is_asked_until_it_fits() {
    let home = Home::new();
    let key = home.keygen(".ssh/id_ed25519", KEY);
    let askpass = home.path("askpass");
    let script = format!(
        "#!/bin/sh\necho \"$1\" >> asked\n[ $(wc -l < asked) -ge 2 ] && echo '{KEY}' || echo wrong\n"
    );
    fs::write(&askpass, script).unwrap();
    fs::set_permissions(&askpass, Permissions::from_mode(0o700)).unwrap();
    let mut command = home.command(&["add", "--vault-passphrase-fd", "4", text(&key)], KEY, MASTER);
    command
        .env("SSH_ASKPASS", &askpass)
        .env("SSH_ASKPASS_REQUIRE", "force");
    Ran::from(command.output().unwrap()).done();
    let asked = fs::read_to_string(home.path("asked")).unwrap();
    assert_eq!(
        asked
            .matches(&format!("passphrase for key {}", text(&key)))
            .count(),
        2,
        "{asked}"
    );
}

#[test]
fn with_nobody_to_ask_the_way_out_is_named() {
    let home = Home::new();
    let key = home.keygen(".ssh/id_ed25519", KEY);
    home.run(&["add", text(&key)])
        .failed(&[text(&key), "--passphrase-fd"]);
    home.run(&["add", "--no-store", text(&key)])
        .failed(&["no agent answers"]);
    let same = [
        "add",
        "--passphrase-fd",
        "3",
        "--vault-passphrase-fd",
        "3",
        text(&key),
    ];
    home.run(&same).failed(&["same descriptor"]);
    home.run(&["add", "--passphrase-fd", "77", text(&key)])
        .failed(&["77"]);
    assert!(!home.vault().exists());
}

#[test]
fn killed_at_any_moment_it_leaves_vault_and_configuration_whole() {
    let home = Home::new();
    let started = Instant::now();
    home.add(&[text(&home.keygen("first/id", KEY))]).done();
    let takes = started.elapsed();
    for moment in 0..MOMENTS {
        let key = home.keygen(&format!("killed {moment}/id"), KEY);
        let args = [
            "add",
            "--passphrase-fd",
            "3",
            "--vault-passphrase-fd",
            "4",
            text(&key),
        ];
        killed_after(home.command(&args, KEY, MASTER), takes * moment / MOMENTS);
        home.run(&["config", "check"]).done();
    }
    // What one of them had left broken or locked would refuse this; what it had lost would be missed.
    home.add(&[text(&home.keygen("last/id", KEY))]).done();
    for name in ["first/id", "last/id"] {
        let removed = home
            .run(&["remove", "--vault-passphrase-fd", "4", name])
            .done()
            .out;
        assert!(removed.contains(text(&home.vault())), "{removed}");
    }
}
