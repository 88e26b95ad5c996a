//! Processes that are no ssh, that vanish, or whose answers are kept.

use super::{PROXY, Place, paths};
use crate::client::{Clients, Program};
use std::process::Command;

#[tokio::test]
async fn processes_without_a_word_are_unknown() {
    let clients = Clients::new();
    let mut child = Command::new("sleep").arg("600").spawn().unwrap();
    let asked = clients.asked(Some(child.id())).await;
    assert!(asked.unsure && asked.host.is_none());
    assert!(matches!(&asked.program, Program::Other(name) if !name.is_empty()));
    child.kill().unwrap();
    // Not reaped yet: its number still stands for it.
    let asked = clients.asked(Some(child.id())).await;
    assert!(asked.unsure);
    child.wait().unwrap();
    for pid in [Some(child.id()), Some(0), Some(u32::MAX), None] {
        let asked = clients.asked(pid).await;
        assert!(asked.unsure && asked.program == Program::default());
    }
}

#[tokio::test]
async fn a_hundred_numbers_are_each_answered() {
    let clients = Clients::new();
    for pid in (0..100).map(|at: u32| at.wrapping_mul(2_654_435_761) % 65_536) {
        clients.asked(Some(pid)).await;
    }
}

#[tokio::test]
async fn git_over_ssh_names_the_repository() {
    let place = Place::new();
    place.write("config", "IdentityFile @/one\n");
    let pid = place.path("pid");
    let script = "echo $$ >@/pid\nexec ssh '-oProxyCommand=sh proxy' -F config \"$@\"\n";
    let script = place.write("ssh", script);
    let mut git = Command::new("git");
    git.args(["ls-remote", "git@host:org/repo.git"])
        .env("GIT_SSH_VARIANT", "ssh");
    git.env("GIT_SSH_COMMAND", format!("sh {}", script.display()));
    let git = place.started(&mut git);
    let started = std::fs::read_to_string(&pid).unwrap();
    let asked = place.clients().asked(started.trim().parse().ok()).await;
    assert_eq!(asked.path.as_deref(), Some("org/repo"));
    assert_eq!(
        (asked.user.as_deref(), asked.host.as_deref()),
        (Some("git"), Some("host"))
    );
    assert_eq!(paths(&asked.configured), [place.path("one")]);
    drop(git);
    Command::new("kill").arg(started.trim()).status().unwrap();
}

#[tokio::test]
async fn an_answer_is_kept_until_a_file_or_a_variable_changes() {
    let place = Place::new();
    // Counts how often it is run.
    let counted = place.write("counted", "#!/bin/sh\necho >> @/runs\nexec ssh \"$@\"\n");
    Command::new("chmod").arg("700").arg(&counted).status().unwrap();
    let clients = Clients::with(counted, Some(place.local()));
    let runs = || {
        std::fs::read_to_string(place.path("runs"))
            .unwrap_or_default()
            .lines()
            .count()
    };
    place.write("config", "Include @/more/*\nIdentityFile ${KEYS}/a\n");
    let ssh = place.ssh("-F config host one");
    // Whether its list is ssh's own is asked once, and only if something is configured.
    let first = clients.asked(Some(ssh.0.id())).await;
    assert_eq!(
        (paths(&first.configured), runs()),
        (vec![place.path("a").as_path()], 2)
    );
    let again = place.ssh("-F config host another command");
    assert_eq!(clients.asked(Some(again.0.id())).await, first);
    assert_eq!(runs(), 2);
    std::fs::create_dir(place.path("more")).unwrap();
    place.write("more/1", "IdentityFile @/b\n");
    let changed = clients.asked(Some(ssh.0.id())).await;
    assert_eq!(paths(&changed.configured), [place.path("b"), place.path("a")]);
    assert_eq!(runs(), 3);
    let mut elsewhere = Command::new("ssh");
    elsewhere
        .args([PROXY, "-F", "config", "host"])
        .env("KEYS", "/other");
    let elsewhere = place.started(&mut elsewhere);
    let other = clients.asked(Some(elsewhere.0.id())).await;
    assert_eq!(paths(&other.configured), [place.path("b"), "/other/a".into()]);
}

#[tokio::test]
async fn many_at_once_run_ssh_once() {
    let place = Place::new();
    let counted = place.write("counted", "#!/bin/sh\necho >> @/runs\nexec ssh \"$@\"\n");
    Command::new("chmod").arg("700").arg(&counted).status().unwrap();
    let clients = Clients::with(counted, Some(place.local()));
    let ssh = place.ssh("-F none host");
    let asked: Vec<_> = (0..20)
        .map(|_| {
            let (clients, pid) = (clients.clone(), ssh.0.id());
            tokio::spawn(async move { clients.asked(Some(pid)).await })
        })
        .collect();
    for asked in asked {
        assert!(!asked.await.unwrap().unsure);
    }
    assert_eq!(
        std::fs::read_to_string(place.path("runs"))
            .unwrap()
            .lines()
            .count(),
        1
    );
}

#[tokio::test]
async fn an_ssh_that_hangs_fails_or_is_missing_leaves_what_was_typed() {
    let place = Place::new();
    place.write("config", "IdentityFile @/a\n");
    let ssh = place.ssh("-F config -i typed -l me host");
    for (name, script) in [
        ("hangs", "exec sleep 600"),
        ("fails", "exit 3"),
        ("floods", "exec yes"),
    ] {
        let program = place.write(name, &format!("#!/bin/sh\n{script}\n"));
        Command::new("chmod").arg("700").arg(&program).status().unwrap();
        let asked = Clients::with(program, Some(place.local()))
            .asked(Some(ssh.0.id()))
            .await;
        assert!(asked.unsure, "{name}");
        assert_eq!(paths(&asked.explicit), [place.path("typed")]);
        assert_eq!(paths(&asked.configured), [place.path("a")]);
        assert_eq!(
            (asked.host.as_deref(), asked.user.as_deref()),
            (Some("host"), Some("me"))
        );
    }
    let asked = Clients::with(place.path("absent"), Some(place.local()))
        .asked(Some(ssh.0.id()))
        .await;
    assert!(asked.unsure && asked.configured.len() == 1);
}

#[tokio::test]
async fn public_halves_come_from_the_file_then_from_its_neighbour_and_certificates_come_along() {
    let place = Place::new();
    let (own, neighbour) = (place.key("own"), place.key("neighbour"));
    // A stray beside a key that shows its own half.
    std::fs::copy(place.path("neighbour.pub"), place.path("own.pub")).unwrap();
    std::fs::remove_file(&neighbour).unwrap();
    let authority = place.key("authority");
    let mut certify = Command::new("ssh-keygen");
    certify
        .args(["-q", "-P", "secret", "-I", "x", "-s"])
        .arg(authority);
    assert!(
        certify
            .arg(place.path("neighbour.pub"))
            .status()
            .unwrap()
            .success()
    );
    let asked = place.asked("-F none -i own -i neighbour host").await;
    let certificate = place.path("neighbour-cert.pub");
    assert_eq!(paths(&asked.explicit), [&own, &neighbour, &certificate]);
    let blobs: Vec<_> = asked
        .explicit
        .iter()
        .map(|named| named.blob.clone().unwrap())
        .collect();
    let line = std::fs::read(place.path("neighbour.pub")).unwrap();
    assert_eq!(Some(&blobs[1]), crate::key::blob_of_line(&line).as_ref());
    assert_ne!(blobs[0], blobs[1]);
    assert_eq!(crate::key::plain_of(&blobs[2]).as_ref(), Some(&blobs[1]));
    let asked = place
        .asked(&format!(
            "-F none -i neighbour -o CertificateFile={} host",
            own.display()
        ))
        .await;
    assert_eq!(paths(&asked.explicit), [&neighbour, &own]);
}
