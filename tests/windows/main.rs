//! claviger.exe on its pipe: a second process lists, adds and signs; a second agent is refused. Runs on Windows, and under
//! Wine where the program is cross-compiled.

#![cfg(windows)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails by panicking")]

mod bad_input;
mod cygwin;
mod putty;
mod questions;
mod sessions;
mod support;

use claviger_platform::files::access;
use ssh_agent_lib::agent::Session;
use ssh_agent_lib::client::Client;
use ssh_agent_lib::proto::{AddIdentity, PrivateCredential, SignRequest};
use ssh_agent_lib::ssh_key::private::KeypairData;
use ssh_agent_lib::ssh_key::public::KeyData;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use support::{Agent, called, claviger, encoded, other_key, raw, signs, test_key};

#[test]
fn another_process_lists_a_key_file_and_what_ssh_would_ask_is_answered() {
    let agent = Agent::start();
    let ssh = agent.home.path().join(".ssh");
    std::fs::create_dir_all(&ssh).unwrap();
    let made = agent.run(&[
        "keygen",
        "-f",
        ssh.join("id_ed25519").to_str().unwrap(),
        "-C",
        "on Windows",
        "--generate",
    ]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let listed = agent.said(&["list", "--json"]);
    assert!(
        listed.contains("on Windows") && listed.contains("SHA256:"),
        "{listed}"
    );
    // Sealed, so that its passphrase has to come from Credential Manager for the signature.
    agent.said(&["lock"]);
    signs(&agent.pipe, "on Windows");
    // A frame that means nothing is refused, and the agent lives.
    assert_eq!(raw(&agent.pipe, &[200]), [5]);
    assert!(agent.said(&["status"]).contains(agent.pipe.to_str().unwrap()));
    agent.said(&["remove", "on Windows"]);
}

#[tokio::test]
async fn a_key_is_added_over_the_pipe_and_signs() {
    let agent = Agent::start();
    let pipe = tokio::net::windows::named_pipe::ClientOptions::new()
        .open(&agent.pipe)
        .unwrap();
    let mut client = Client::new(pipe);
    let key = test_key();
    let public = KeyData::Ed25519(key.public);
    client
        .add_identity(AddIdentity {
            credential: PrivateCredential::Key {
                privkey: KeypairData::Ed25519(key),
                comment: "added".into(),
            },
        })
        .await
        .unwrap();
    let keys = client.request_identities().await.unwrap();
    assert_eq!(keys.len(), 1);
    let data = b"what a server wants signed".to_vec();
    let asked = SignRequest {
        credential: public.clone().into(),
        data: data.clone(),
        flags: 0,
    };
    let signature = client.sign(asked).await.unwrap();
    let (blob, signature) = (encoded(&public), encoded(&signature));
    claviger::key::verify(&blob, &data, &signature).unwrap();
    assert!(agent.said(&["list"]).contains("added"));
}

#[test]
fn a_second_agent_is_told_who_has_the_pipe() {
    let agent = Agent::start();
    let second = agent.run(&["agent", "-D"]);
    let told = String::from_utf8_lossy(&second.stderr);
    assert!(
        !second.status.success() && told.contains("already served by claviger.exe (pid "),
        "{told}"
    );
    // Still the first's.
    assert_eq!(raw(&agent.pipe, &[11]), [12, 0, 0, 0, 0]);
}

#[test]
fn the_background_is_refused_with_the_remedy() {
    let agent = Agent::start();
    let other = agent
        .pipe
        .with_file_name(format!("claviger-test.other.{}", std::process::id()));
    let refused = agent.run(&["agent", "-a", other.to_str().unwrap()]);
    let told = String::from_utf8_lossy(&refused.stderr);
    assert!(
        !refused.status.success() && told.contains("claviger agent -D"),
        "{told}"
    );
}

#[test]
fn the_relay_leads_to_the_pipe() {
    let agent = Agent::start();
    let mut relay = claviger(agent.home.path(), &agent.pipe)
        .arg("relay")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut into, mut out) = (relay.stdin.take().unwrap(), relay.stdout.take().unwrap());
    for _ in 0..3 {
        into.write_all(&[0, 0, 0, 1, 11]).unwrap();
        let mut answer = [0; 9];
        out.read_exact(&mut answer).unwrap();
        assert_eq!(answer, [0, 0, 0, 5, 12, 0, 0, 0, 0]);
    }
    drop(into);
    assert!(relay.wait().unwrap().success());
}

#[test]
fn the_doctor_tells_of_a_key_that_others_may_read_and_mends_it_once() {
    let agent = Agent::start();
    let ssh = agent.home.path().join(".ssh");
    std::fs::create_dir_all(&ssh).unwrap();
    let (made, key) = (ssh.join("made"), ssh.join("id_ed25519"));
    agent.said(&["keygen", "-f", made.to_str().unwrap(), "--generate"]);
    // Made as any program makes a file. Wine takes Unix' default, which lets everyone read, and has no icacls that would.
    std::fs::write(&key, std::fs::read(&made).unwrap()).unwrap();
    let _ = Command::new("icacls")
        .arg(&key)
        .args(["/grant", "*S-1-1-0:R"])
        .output();
    assert!(access(&key).unwrap().others_read);
    let examined = |args: &[&str]| -> serde_json::Value {
        let output = agent.run(&[&["doctor", "--json"], args].concat());
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let exposed = |report: &serde_json::Value| -> Vec<serde_json::Value> {
        let findings = report["findings"].as_array().unwrap().iter();
        findings
            .filter(|one| one["code"] == "key-exposed")
            .cloned()
            .collect()
    };
    let told = exposed(&examined(&[]));
    assert_eq!(told.len(), 1, "{told:#?}");
    let text = |field: &str| told[0][field].as_str().unwrap().to_owned();
    assert!(
        text("subject").ends_with("id_ed25519") && text("message").contains("everyone"),
        "{told:#?}"
    );
    assert!(text("remedy").starts_with("icacls"), "{told:#?}");
    assert!(access(&key).unwrap().others_read, "only looked at");
    assert_eq!(exposed(&examined(&["--fix"]))[0]["fixed"], true);
    assert!(!access(&key).unwrap().others_read);
    assert_eq!(exposed(&examined(&["--fix"])).len(), 0);
    agent.said(&["remove", "id_ed25519"]);
}

#[test]
fn a_command_under_an_agent_finds_it() {
    let home = tempfile::tempdir().unwrap();
    let pipe = Path::new(r"\\.\pipe\claviger-test.unused");
    let output = claviger(home.path(), pipe)
        .args(["agent", env!("CARGO_BIN_EXE_claviger"), "list"])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// How many keys the agent lists for `program`, which passes the question on from its input.
fn listed_for(program: &Path, agent: &Agent) -> u32 {
    let mut relay = called(program, agent.home.path(), &agent.pipe)
        .arg("relay")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    relay
        .stdin
        .as_mut()
        .unwrap()
        .write_all(&[0, 0, 0, 1, 11])
        .unwrap();
    let mut answer = [0; 9];
    relay.stdout.as_mut().unwrap().read_exact(&mut answer).unwrap();
    relay.kill().unwrap();
    relay.wait().unwrap();
    assert_eq!(answer[4], 12);
    u32::from_be_bytes(answer[5..].try_into().unwrap())
}

/// PuTTY's programs do not say where they lead to; that is in the arguments of the process at the other end of the pipe.
#[tokio::test]
async fn the_arguments_of_a_client_choose_the_rule_for_its_host() {
    let rule = "[[host]]\nmatch = [\"relay\"]\nkeys = [\"second\"]\n";
    let agent = Agent::configured(|_| rule.to_owned());
    let pipe = tokio::net::windows::named_pipe::ClientOptions::new()
        .open(&agent.pipe)
        .unwrap();
    let mut client = Client::new(pipe);
    for (key, comment) in [(test_key(), "first"), (other_key(), "second")] {
        let credential = PrivateCredential::Key {
            privkey: KeypairData::Ed25519(key),
            comment: comment.into(),
        };
        client.add_identity(AddIdentity { credential }).await.unwrap();
    }
    let plink = agent.home.path().join("PLINK.EXE");
    std::fs::copy(env!("CARGO_BIN_EXE_claviger"), &plink).unwrap();
    assert_eq!(listed_for(Path::new(env!("CARGO_BIN_EXE_claviger")), &agent), 2);
    assert_eq!(listed_for(&plink, &agent), 1);
}
