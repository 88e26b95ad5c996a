//! What ssh's configuration names for a host is never left out, whichever way it names it.

use super::attempted;
use super::named::Scene;
use crate::support::{succeed, text, user};
use std::fs;

#[test]
fn in_a_configuration_by_host_pattern_negation_match_and_include() {
    let scene = Scene::new();
    let (right, wrong) = (scene.right().arg(), scene.keys[1].arg());
    let included = scene.home.path("included");
    fs::create_dir(&included).expect("a directory");
    let part = format!("Host *.example.net\nIdentityFile {right}\n");
    fs::write(included.join("a.conf"), part).expect("a file");
    let user = user();
    let texts = [
        (format!("Host target\nIdentityFile {right}"), "target"),
        (format!("Host tar*\nIdentityFile {right}"), "target"),
        (format!("Host !other tar?et\nIdentityFile {right}"), "target"),
        (
            format!("Host * !target\nIdentityFile {wrong}\nHost target\nIdentityFile {right}"),
            "target",
        ),
        (format!("Match host *.0.0.1\nIdentityFile {right}"), "127.0.0.1"),
        (
            format!("Match originalhost target\nIdentityFile {right}"),
            "target",
        ),
        (format!("Match all\nIdentityFile {right}"), "target"),
        (
            format!("Match user {user} originalhost target\nIdentityFile {right}"),
            "target",
        ),
        (format!("Include {}/*.conf", included.display()), "a.example.net"),
        (
            format!(
                "Host target\nInclude {}/*.conf\nHost *\nIdentityFile {right}",
                included.display()
            ),
            "target",
        ),
    ];
    for (config, host) in texts {
        let host_user = format!("{user}@{host}");
        scene.gets_in(&mut scene.configured(&config, &[&host_user]));
    }
}

#[test]
fn in_a_configuration_by_tokens_and_variables() {
    let scene = Scene::new();
    let (folder, user) = (scene.home.path("named"), user());
    fs::create_dir(&folder).expect("a directory");
    let names = [
        ("%h", "127.0.0.1".to_owned()),
        ("%r", user.clone()),
        ("%n", "target".to_owned()),
        ("%p", scene.sshd.port().to_string()),
        ("%h_%r", format!("127.0.0.1_{user}")),
        ("${NAMED_KEY}", "by_variable".to_owned()),
        ("100%%", "100%".to_owned()),
    ];
    for (written, name) in names {
        // Only the public half: the name is all that tells.
        fs::write(folder.join(format!("{name}.pub")), scene.right().public_line()).expect("a file");
        let config = format!("Host target\nIdentityFile {}/{written}", folder.display());
        let mut command = scene.configured(&config, &["target"]);
        scene.gets_in(command.env("NAMED_KEY", "by_variable"));
        fs::remove_file(folder.join(format!("{name}.pub"))).expect("removed");
    }
}

#[test]
fn a_match_that_runs_a_command_is_run_by_ssh_alone_and_hides_nothing() {
    let scene = Scene::new();
    let marker = scene.home.path("marker");
    let right = scene.right().arg();
    let runs = || fs::read_to_string(&marker).unwrap_or_default().lines().count();
    for (number, holds) in ["true", "false"].into_iter().enumerate() {
        let run = format!("echo run >>{}; {holds}", marker.display());
        // Where it does not hold the key is named behind it, which only ssh can know.
        let config = format!(
            "Match originalhost target exec \"{run}\"\n{}\nMatch originalhost target\nIdentityFile {right}",
            if holds == "true" {
                format!("IdentityFile {right}")
            } else {
                String::from("Compression no")
            }
        );
        let ran = scene.configured(&config, &["target"]).output().expect("ssh");
        assert!(ran.status.success(), "{}", text(&ran));
        assert_eq!(runs(), number + 1, "once for each ssh");
        assert!(attempted(&ran).contains(&scene.right().fingerprint(&scene.home)));
        succeed(&mut scene.home.claviger(&["hosts", "forget", "--all"]));
    }
}

#[test]
fn a_configuration_in_a_circle_hides_nothing() {
    let scene = Scene::new();
    let (one, two) = (scene.home.path("one.conf"), scene.home.path("two.conf"));
    let right = scene.right().arg();
    // ssh gives up at the sixteenth level, but only where the block holds.
    fs::write(&one, format!("Host never\nInclude {}\n", two.display())).expect("a file");
    fs::write(&two, format!("Host never\nInclude {}\n", one.display())).expect("a file");
    let config = format!("Include {}\nHost target\nIdentityFile {right}", one.display());
    let ran = scene.configured(&config, &["target"]).output().expect("ssh");
    let wanted = scene.right().fingerprint(&scene.home);
    match ran.status.success() {
        true => assert!(attempted(&ran).contains(&wanted)),
        // ssh itself refuses it, whatever an agent says.
        false => assert!(
            text(&ran).contains("Too many recursive configuration includes"),
            "{}",
            text(&ran)
        ),
    }
    let gone = format!(
        "Include {}/none.conf\nHost target\nIdentityFile {right}",
        scene.home.path("").display()
    );
    scene.gets_in(&mut scene.configured(&gone, &["target"]));
}
