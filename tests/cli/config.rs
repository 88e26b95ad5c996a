//! The configuration as a person meets it, and what is said without an agent.
use crate::home::{Home, KEY, MASTER, text};
use crate::ran::Ran;
use std::fs;
use std::process::Stdio;

#[test]
fn without_a_file_the_defaults_hold() {
    let home = Home::new();
    assert_eq!(
        home.run(&["config", "path"]).done().out.trim_end(),
        text(&home.config())
    );
    assert!(home.run(&["config", "check"]).done().out.contains("no such file"));
    let shown = home.run(&["config", "show"]).done().out;
    assert!(
        shown.contains(&format!("{}/.ssh", text(home.dir.path()))),
        "{shown}"
    );
    let shown: serde_json::Value =
        serde_json::from_str(&home.run(&["config", "show", "--json"]).done().out).unwrap();
    assert_eq!(shown["lock"]["idle"], "15m");
    assert_eq!(
        shown["vault"]["order"],
        serde_json::json!(["os", "kdbx", "embedded", "prompt"])
    );
}

#[test]
fn a_bad_configuration_is_refused_with_its_place() {
    let home = Home::new();
    home.configure("[keys]\ndirs = []\ndri = []\n");
    let place = format!("{}:3:1: ", text(&home.config()));
    home.run(&["config", "check"]).failed(&[&place, "dri", "dirs"]);
    home.run(&["config", "show"]).failed(&[&place]);
    home.run(&["add"]).failed(&[&place]);
    let checked = home.run(&["config", "check", "--json"]);
    assert_eq!(checked.code, 1);
    let checked: serde_json::Value = serde_json::from_str(&checked.out).unwrap();
    assert_eq!((&checked["line"], &checked["column"]), (&3.into(), &1.into()));
    assert_eq!(checked["valid"], false);

    home.configure(b"[lock]\nidle = \"caf\xe9\"\n");
    home.run(&["config", "check"]).failed(&[":2:12: ", "UTF-8"]);
    fs::remove_file(home.config()).unwrap();
    fs::create_dir(home.config()).unwrap();
    home.run(&["config", "check"]).failed(&["a directory"]);
}

#[test]
fn another_configuration_can_be_named() {
    let home = Home::new();
    fs::write(home.path("other.toml"), "lock.idle = 'never'").unwrap();
    let shown = home.run(&["--config", "other.toml", "config", "show"]).done().out;
    assert!(shown.contains("never"), "{shown}");
    let path = home.run(&["config", "path", "--config", "other.toml"]).done().out;
    assert_eq!(path.trim_end(), text(&home.path("other.toml")));
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let home = Home::new();
    let mut command = home.command(&["config", "show"], KEY, MASTER);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    Ran::from(child.wait_with_output().unwrap()).done();
}

#[test]
fn wrong_usage_ends_with_2() {
    let home = Home::new();
    for args in [
        &[][..],
        &["frobnicate"],
        &["add", "--passphrase", "x"],
        &["agent", "-T", "true"],
    ] {
        assert_eq!(home.run(args).code, 2, "{args:?}");
    }
}

#[test]
fn without_an_agent_the_way_to_start_one_is_named() {
    let home = Home::new();
    let socket = home.path("run/agent.sock");
    for verb in ["list", "lock", "unlock"] {
        home.run(&[verb]).failed(&[text(&socket), "claviger agent"]);
    }
    let status = home.run(&["status"]);
    assert_eq!(status.code, 1);
    for name in [&socket, &home.config(), &home.vault()] {
        assert!(status.out.contains(text(name)), "{}", status.out);
    }
    let status = home.run(&["status", "--json"]);
    let status: serde_json::Value = serde_json::from_str(&status.out).unwrap();
    assert_eq!(status["running"], false);
}

#[test]
fn a_wrong_option_of_the_agent_is_wrong_usage_and_names_the_remedy() {
    let home = Home::new();
    for (args, names) in [
        (&["-t", "5x"][..], &["-t \"5x\"", "not a time", "1h30m"][..]),
        (&["-t", ""], &["-t \"\"", "not a time"]),
        (&["-E", "crc"], &["-E \"crc\"", "not a known hash", "sha256"]),
        (
            &["-O", "what"],
            &["-O \"what\"", "no such option", "websafe-allow=LIST"],
        ),
        (
            &["-Owebsafe-allow=a", "-Owebsafe-allow=b"],
            &["-O \"websafe-allow=b\"", "before"],
        ),
        (&["-Pa", "-Pb"], &["-P", "cannot be used multiple times"]),
    ] {
        let ran = home.run(&[&["agent"], args].concat());
        assert_eq!(ran.code, 2, "{args:?}: {}", ran.err);
        for name in names {
            assert!(ran.err.contains(name), "{args:?}: {}", ran.err);
        }
    }
}
