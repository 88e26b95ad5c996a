//! What goes wrong on Windows: clients that die, pipes that are taken, names and paths in unusual forms.

use super::support::{Agent, claviger, open, raw, signs};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;

#[test]
fn clients_that_die_in_mid_message_cost_the_others_nothing() {
    let agent = Agent::start();
    // More than instances wait at the same time.
    for _ in 0..10 {
        // In the length, in the message, before the answer; and a length that cannot be.
        for said in [&[0, 0][..], &[0, 0, 1, 0, 13, 0], &[0, 0, 0, 1, 11]] {
            open(&agent.pipe).write_all(said).unwrap();
        }
        let mut client = open(&agent.pipe);
        client.write_all(&[255; 4]).unwrap();
        assert!(!matches!(client.read(&mut [0]), Ok(1)), "an answer to a lie");
    }
    for _ in 0..3 {
        let mut relay = claviger(agent.home.path(), &agent.pipe)
            .arg("relay")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (mut into, mut out) = (relay.stdin.take().unwrap(), relay.stdout.take().unwrap());
        into.write_all(&[0, 0, 0, 1, 11]).unwrap();
        out.read_exact(&mut [0; 9]).unwrap();
        relay.kill().unwrap();
        relay.wait().unwrap();
    }
    assert_eq!(raw(&agent.pipe, &[11]), [12, 0, 0, 0, 0]);
}

#[tokio::test]
async fn a_pipe_of_another_program_is_refused_and_its_owner_named() {
    let name = format!(r"\\.\pipe\claviger-test.taken.{}", std::process::id());
    let _taken = tokio::net::windows::named_pipe::ServerOptions::new()
        .create(&name)
        .unwrap();
    let home = tempfile::tempdir().unwrap();
    let refused = claviger(home.path(), Path::new(&name))
        .args(["agent", "-D"])
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&refused.stderr);
    let own = format!("(pid {})", std::process::id());
    assert!(
        !refused.status.success() && told.contains("already served by ") && told.contains(&own),
        "{told}"
    );
}

#[test]
fn a_pipe_is_the_same_with_slashes_and_with_back_slashes() {
    let name = format!("claviger-test.slashes.{}", std::process::id());
    let agent = Agent::at(&format!("//./pipe/{name}"));
    let back = PathBuf::from(format!(r"\\.\pipe\{name}"));
    assert_eq!(raw(&back, &[11]), [12, 0, 0, 0, 0]);
    for pipe in [&agent.pipe, &back] {
        let listed = claviger(agent.home.path(), pipe).arg("list").output().unwrap();
        assert!(listed.status.success());
    }
    let second = agent.run(&["agent", "-D", "-a", back.to_str().unwrap()]);
    let told = String::from_utf8_lossy(&second.stderr);
    assert!(told.contains("already served by claviger.exe (pid "), "{told}");
}

#[test]
fn what_is_no_pipe_is_refused_with_the_form_of_one() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("agent.sock");
    let refused = claviger(home.path(), &path)
        .args(["agent", "-D"])
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && told.contains(r"\\.\pipe\"), "{told}");
}

#[test]
fn keys_at_paths_longer_than_windows_calls_take_are_made_listed_and_used() {
    let deep = |home: &Path| home.join("Schlüssel für alles/".repeat(20));
    let agent = Agent::configured(|home| format!("keys.dirs = ['{}']\n", deep(home).display()));
    let file = deep(agent.home.path()).join("id_deep");
    assert!(file.as_os_str().len() > 300);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    agent.said(&["keygen", "-f", file.to_str().unwrap(), "-C", "deep", "--generate"]);
    agent.said(&["lock"]);
    signs(&agent.pipe, "deep");
    agent.said(&["remove", "deep"]);
}
