//! Configurations, sources of passphrases, ssh's configuration, the login, memory.

use super::Found;
use crate::support::others::{MadeUp, OpenSsh, reply};
use crate::support::secret_service::SecretService;
use crate::support::{Agent, Home, Key, KeyKind};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

/// An agent that says this of itself, beside what is in order.
fn says(home: &Home, change: impl FnOnce(&mut Value)) -> MadeUp {
    let mut status = json!({
        "version": env!("CARGO_PKG_VERSION"), "pid": 7, "socket": "x", "keys": 0, "open": 0, "idle_seconds": null,
        "clients": 1, "sources": [], "upstreams": [], "problems": [],
        "memory": {"secret_memory": true, "locked": true, "weaknesses": []},
    });
    change(&mut status);
    let name = b"status@claviger";
    let length = u32::try_from(name.len()).expect("a length").to_be_bytes();
    let body = [&[29][..], &length, name, status.to_string().as_bytes()].concat();
    MadeUp::start(home, "run/agent.sock", move |_| reply(&body))
}

#[test]
fn a_broken_configuration_is_a_finding_and_the_rest_is_looked_at_all_the_same() {
    let home = Home::new();
    let key = Key::make(&home, "id_a", KeyKind::Quick);
    fs::set_permissions(&key.path, fs::Permissions::from_mode(0o644)).expect("its mode");
    home.configure("[offer]\nmaximum = 3\n");
    let found = Found::of(&home, &[]);
    found.says(
        "config-invalid",
        "config.toml",
        &["config.toml:2:1", "maximum"],
        "claviger config check",
    );
    found.the("key-exposed");
    home.configure("[offer]\nmax = 3\n");
    Found::of(&home, &[]).lacks("config-invalid");
}

#[test]
fn rules_that_do_nothing_are_told() {
    let home = Home::new();
    home.configure("[[host]]\nmatch = [\"*.example.net\"]\nkeys = [\"wrok\"]\n");
    let found = Found::of(&home, &[]);
    let rules: Vec<_> = found
        .all()
        .iter()
        .filter(|one| one["code"] == "rule-idle")
        .collect();
    assert_eq!(rules.len(), 2, "{:#}", found.report);
    assert!(
        rules[1]["message"]
            .as_str()
            .is_some_and(|text| text.contains("wrok"))
    );
    // The same through an agent.
    let _agent = Agent::start(&home);
    let told = Found::of(&home, &[]);
    assert_eq!(
        told.all().iter().filter(|one| one["code"] == "rule-idle").count(),
        2
    );
}

#[test]
fn vaults_and_databases_that_cannot_be_had_are_told() {
    let home = Home::new();
    home.configure(
        "[[kdbx]]\npath = \"~/gone.kdbx\"\n[[kdbx]]\npath = \"~/dir.kdbx\"\nkey_file = \"~/gone.key\"\n",
    );
    for dir in ["dir.kdbx", "share", "share/claviger", "share/claviger/vault.kdbx"] {
        fs::create_dir(home.path(dir)).expect("a directory");
        fs::set_permissions(home.path(dir), fs::Permissions::from_mode(0o700)).expect("its mode");
    }
    let found = Found::of(&home, &[]);
    let missing = found.all().iter().filter(|one| one["code"] == "database-missing");
    let missing: Vec<&str> = missing.filter_map(|one| one["subject"].as_str()).collect();
    assert!(
        missing.len() == 2 && missing[0].ends_with("gone.kdbx") && missing[1].ends_with("gone.key"),
        "{missing:?}"
    );
    found.says("database-unreadable", "dir.kdbx", &["a directory"], "[[kdbx]]");
    found.says("vault-unreadable", "vault.kdbx", &["a directory"], "backup");
}

#[test]
fn a_keyring_that_is_not_there_or_hangs_is_told_apart() {
    let home = Home::new();
    let bus = SecretService::start(&home.path(""));
    let look = || Found::with(&home, &[], |command| command.envs(bus.env()));
    let found = look();
    found.lacks("keyring-absent");
    found.lacks("keyring-unreachable");
    bus.freeze();
    look().says(
        "keyring-unreachable",
        "OS keyring",
        &["did not answer"],
        "vault.order",
    );
    bus.thaw();
    // Another home, as a bus in the runtime directory is found without a variable.
    let home = Home::new();
    Found::of(&home, &[]).says(
        "keyring-absent",
        "OS keyring",
        &["embedded vault"],
        "nothing on a server",
    );
    home.configure("[vault]\norder = [\"embedded\", \"prompt\"]\n");
    Found::of(&home, &[]).lacks("keyring-absent");
}

#[test]
fn what_the_agent_says_of_its_means_and_its_memory_is_told() {
    let looked = |change: &dyn Fn(&mut Value)| {
        let home = Home::new();
        let _agent = says(&home, change);
        Found::of(&home, &[])
    };
    let found = looked(&|status| {
        status["upstreams"] =
            json!([{"socket": "/o.sock", "reachable": false, "keys": 0, "detail": "nobody there"}]);
        status["sources"] = json!([{"source": "prompt", "state": "skipped", "detail": "none: no askpass"}]);
        let watched = |state| json!({"state": state, "detail": "no logind"});
        status["activity"] = json!({"screen_lock": watched("unknown"), "sleep": watched("off"),
            "input": watched("unknown"), "no_input_seconds": null});
        status["memory"] =
            json!({"secret_memory": false, "locked": false, "weaknesses": ["2 secret buffers"]});
    });
    found.says(
        "upstream-unreachable",
        "/o.sock",
        &["nobody there"],
        "[[upstream]]",
    );
    found.says("prompt-unavailable", "prompt", &["no askpass"], "SSH_ASKPASS");
    found.says(
        "absence-unknown",
        "lock.on_screen_lock",
        &["no logind"],
        "lock.idle",
    );
    found.says(
        "memory-swappable",
        "memory",
        &["2 secret buffers"],
        "LimitMEMLOCK",
    );
    let found = looked(&|status| {
        status["memory"] = json!({"secret_memory": false, "locked": true, "weaknesses": ["no memfd_secret"]});
    });
    found.says(
        "memory-visible",
        "memory",
        &["no memfd_secret"],
        "secretmem.enable=1",
    );
    assert_eq!(found.code, 0, "{:#}", found.report);
    let found = looked(&|status| status["memory"]["weaknesses"] = json!(["debuggers are not refused"]));
    found.says("hardening-weak", "memory", &["debuggers"], "debugger");
    let found = looked(&|_| ());
    for code in [
        "memory-swappable",
        "memory-visible",
        "hardening-weak",
        "prompt-unavailable",
    ] {
        found.lacks(code);
    }
}

#[test]
fn a_configuration_that_ssh_refuses_is_told_with_its_words() {
    let home = Home::new();
    let with = |text: &str| {
        home.write(".ssh/config", text.as_bytes(), 0o600);
        Found::of(&home, &[])
    };
    with("Hots x\n").says("ssh-config-invalid", ".ssh/config", &["line 1", "hots"], "ssh -G");
    let found = with("Match exec \"touch ran\"\n  IdentityAgent none\n");
    found.says("ssh-config-unjudged", ".ssh/config", &["Match"], "nothing");
    assert!(!home.path("ran").exists(), "a command was run");
    found.lacks("ssh-config-invalid");
    with("Host *\n").lacks("ssh-config-unjudged");
}

#[test]
fn without_ssh_that_is_said() {
    let home = Home::new();
    fs::create_dir(home.path("few")).expect("a directory");
    symlink("/usr/bin/setsid", home.path("few/setsid")).expect("a link");
    let found = Found::with(&home, &[], |command| command.env("PATH", home.path("few")));
    found.says("ssh-missing", "ssh", &["ssh"], "PATH");
    Found::of(&home, &[]).lacks("ssh-missing");
}

#[test]
fn key_files_in_ssh_s_configuration_that_get_in_the_way_are_told() {
    let home = Home::new();
    let key = Key::make(&home, "id_there", KeyKind::Quick);
    let with = |text: &str| {
        home.write(".ssh/config", text.as_bytes(), 0o600);
        Found::of(&home, &[])
    };
    let lines: String = (1..=6)
        .map(|number| format!("IdentityFile ~/.ssh/key_{number}\n"))
        .collect();
    let found = with(&lines);
    found.says("identity-files-many", ".ssh/config", &["6 IdentityFile"], "Host");
    with(&format!("Host one\n{lines}")).lacks("identity-files-many");
    let text = "Host one two\nIdentityFile ~/.ssh/gone\nHost two\nIdentityFile ~/.ssh/id_there\nHost *\nIdentitiesOnly yes\n";
    let found = with(text);
    found.says(
        "identities-only-no-file",
        "Host every host",
        &["no IdentityFile"],
        "claviger pubkey",
    );
    let found = with(&text.replace("Host *", "Host one two *.example"));
    found.says(
        "identities-only-no-file",
        "Host one",
        &["gone"],
        "the .pub is enough",
    );
    // The public half is enough.
    fs::rename(key.beside(".pub"), home.path(".ssh/gone.pub")).expect("renamed");
    with(&text.replace("Host *", "Host one two")).lacks("identities-only-no-file");
}

#[test]
fn the_service_and_other_agents_of_the_login_are_told() {
    let home = Home::new();
    fs::create_dir(home.path("bin")).expect("a directory");
    // Says of every unit what the file says, and installs nothing.
    let script = "#!/bin/sh\ncase \"$*\" in *is-active*) exit \"$(cat \"$HOME/active\")\" ;; esac\n";
    home.write("bin/systemctl", script.as_bytes(), 0o700);
    home.write("active", b"0", 0o600);
    let path = format!("{}:/usr/bin:/bin", home.path("bin").display());
    let look = || Found::with(&home, &[], |command| command.env("PATH", &path));
    look().says(
        "service-missing",
        "service",
        &["does not start"],
        "claviger service install",
    );
    let mut install = home.claviger(&["service", "install"]);
    crate::support::succeed(install.env("PATH", &path));
    let found = look();
    for code in ["service-missing", "service-outdated", "service-inactive"] {
        found.lacks(code);
    }
    home.write("active", b"3", 0o600);
    look().says(
        "service-inactive",
        "service",
        &["not running"],
        "systemctl --user start",
    );
    let unit = home.path(".config/systemd/user/claviger.service");
    let text = fs::read_to_string(&unit).expect("the unit");
    fs::write(&unit, format!("{text}Nice=1\n")).expect("written");
    look().says("service-outdated", "claviger.service", &["changed"], "--force");
    // A unit of the person's own, as systemctl enables it.
    let wants = home.path(".config/systemd/user/default.target.wants");
    fs::create_dir_all(&wants).expect("a directory");
    symlink(
        "/usr/lib/systemd/user/ssh-agent.service",
        wants.join("ssh-agent.service"),
    )
    .expect("a link");
    let named = |found: &Found, code: &str| {
        let mut all = found.all().iter().filter(|one| one["code"] == code);
        all.any(|one| one["subject"] == "ssh-agent.service")
    };
    let other = OpenSsh::start(&home, "o.sock");
    let found = Found::with(&home, &[], |command| command.env("SSH_AUTH_SOCK", other.socket()));
    assert!(named(&found, "login-agent-takes"), "{:#}", found.report);
    let _agent = Agent::start(&home);
    assert!(named(&look(), "login-agent-beside"));
}
