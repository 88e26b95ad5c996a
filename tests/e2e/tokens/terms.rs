//! The terms of a token's keys: certificates, lifetimes, connections from elsewhere, and what ends a library's helper.

use super::softhsm::{self, PIN, Soft, helpers, listed, message, succeeds, wait_for_no_helper};
use crate::support::client::{LIST, extension, sign, string};
use crate::support::{Client, Home, Key, KeyKind, Sshd, signal, succeed, wait_until};
use std::fs;
use std::path::Path;

fn blob_of(line: &str) -> Vec<u8> {
    let base64 = line.split(' ').nth(1).expect("base64");
    <base64ct::Base64 as base64ct::Encoding>::decode_vec(base64.trim()).expect("base64")
}

fn associated(only: bool, certificates: &[&[u8]]) -> Vec<u8> {
    let list: Vec<u8> = certificates.iter().flat_map(|blob| string(blob)).collect();
    let name = string(b"associated-certs-v00@openssh.com");
    [&[255], &name[..], &[u8::from(only)], &string(&list)].concat()
}

fn certificate(home: &Home, public: &Path, authority: &Key) -> Vec<u8> {
    let mut command = home.command("ssh-keygen");
    let user = crate::support::user();
    command.args(["-q", "-s", authority.arg(), "-I", "test", "-n", &user]);
    succeed(command.arg(public));
    let beside = public.with_file_name(format!(
        "{}-cert.pub",
        public.file_stem().expect("a name").to_str().expect("UTF-8")
    ));
    blob_of(&fs::read_to_string(beside).expect("a certificate"))
}

#[test]
fn certificates_that_fit_become_identities_and_log_in() {
    let home = Home::new();
    let soft = Soft::new(&home);
    let key = soft.import(&home, "ed25519", "01", &softhsm::quick());
    let authority = Key::make_with(&home, "ca", KeyKind::Quick, "").moved(&home, "elsewhere");
    let fits = certificate(&home, &key.public_file, &authority);
    let other = Key::make_with(&home, "other", KeyKind::Quick, "").moved(&home, "elsewhere");
    let misfit = certificate(&home, &other.beside(".pub"), &authority);
    let agent = soft.agent(&home, &[]);
    let mut client = Client::connect(&home.socket());

    let given: [&[u8]; 3] = [&authority.blob(), &misfit, &fits];
    assert!(!succeeds(
        &mut client,
        &message(&soft.library, PIN, &associated(true, &given[..2]))
    ));
    assert!(listed(&home).is_empty());
    assert!(succeeds(
        &mut client,
        &message(&soft.library, PIN, &associated(true, &given))
    ));
    assert_eq!(listed(&home), std::slice::from_ref(&fits));
    assert_eq!(
        client.ask(&sign(&fits, b"data", 0)).map(|answer| answer[0]),
        Some(14)
    );
    let server_home = Home::new();
    let server = Sshd::trusting(&server_home, &authority);
    succeed(&mut server.login(&home, "true"));

    // What is held stays as it is, also by another helper; the plain key is new.
    assert!(succeeds(
        &mut client,
        &message(&soft.library, PIN, &associated(false, &given))
    ));
    assert_eq!(listed(&home), [fits.clone(), key.blob]);
    assert!(!succeeds(
        &mut client,
        &message(&soft.library, PIN, &associated(false, &given))
    ));
    succeed(home.command("ssh-add").arg("-q").arg("-e").arg(&soft.library));
    wait_for_no_helper(&agent);
}

#[test]
fn a_lifetime_ends_the_helper_with_the_last_key() {
    let home = Home::new();
    let soft = Soft::new(&home);
    soft.import(&home, "ed25519", "01", &softhsm::quick());
    // The default of -t holds for those added without one.
    let agent = soft.agent(&home, &["-t", "1"]);
    succeed(&mut soft.add(&home, PIN));
    wait_until("the end of a lifetime in the log", || {
        agent.log().contains("its lifetime is over")
    });
    wait_for_no_helper(&agent);
    let mut client = Client::connect(&home.socket());
    let lifetime = [&[1][..], &3600_u32.to_be_bytes()].concat();
    assert!(succeeds(&mut client, &message(&soft.library, PIN, &lifetime)));
    assert_eq!(listed(&home).len(), 1, "its own lifetime goes before the default");
    let unknown = message(&soft.library, PIN, &[9]);
    assert!(!succeeds(&mut client, &unknown), "an unknown constraint refuses");
}

#[test]
fn remote_clients_load_no_library_unless_the_agent_allows_it() {
    for (options, allowed) in [(&[][..], false), (&["-O", "allow-remote-pkcs11"], true)] {
        let home = Home::new();
        let soft = Soft::new(&home);
        soft.import(&home, "ed25519", "01", &softhsm::quick());
        let agent = soft.agent(&home, options);
        let mut client = Client::connect(&home.socket());
        let bind = client
            .ask(&extension("session-bind@openssh.com", b""))
            .expect("an answer");
        assert_eq!(bind, [28], "a failed bind marks the connection");
        assert_eq!(succeeds(&mut client, &message(&soft.library, PIN, &[])), allowed);
        assert_eq!(helpers(&agent).len(), usize::from(allowed));
    }
}

/// For one host, which the key `host` names, from the agent's own.
fn restricted_to(host: &[u8]) -> Vec<u8> {
    let origin = [string(b""), string(b""), string(b"")].concat();
    let target = [string(b""), string(b"host"), string(b""), string(host), vec![0]].concat();
    let step = [string(&origin), string(&target), string(b"")].concat();
    let name = string(b"restrict-destination-v00@openssh.com");
    [&[255], &name[..], &string(&string(&step))].concat()
}

#[test]
fn who_may_not_see_a_librarys_keys_cannot_let_it_go() {
    let home = Home::new();
    let soft = Soft::new(&home);
    let key = soft.import(&home, "ed25519", "01", &softhsm::quick());
    let host = Key::make_with(&home, "host", KeyKind::Quick, "").moved(&home, "elsewhere");
    let agent = soft.agent(&home, &[]);
    let mut local = Client::connect(&home.socket());
    let restricted = restricted_to(&host.blob());
    assert!(succeeds(&mut local, &message(&soft.library, PIN, &restricted)));
    assert_eq!(listed(&home), std::slice::from_ref(&key.blob));
    assert_eq!(local.ask(&sign(&key.blob, b"data", 0)), Some(vec![5]), "no login");

    let mut elsewhere = Client::connect(&home.socket());
    elsewhere.ask(&extension("session-bind@openssh.com", b""));
    assert_eq!(elsewhere.ask(&LIST), Some(vec![12, 0, 0, 0, 0]));
    let path = soft.library.to_str().expect("a UTF-8 path");
    let remove = [&[21], &string(path.as_bytes())[..], &string(b"")].concat();
    assert!(!succeeds(&mut elsewhere, &remove));
    assert_eq!(listed(&home), [key.blob]);
    assert!(succeeds(&mut local, &remove));
    wait_for_no_helper(&agent);
}

#[test]
fn a_key_that_is_held_already_stays_as_it_is() {
    let home = Home::new();
    let soft = Soft::new(&home);
    let key = Key::make_with(&home, "both", KeyKind::Quick, "").moved(&home, "elsewhere");
    let private = key.private_half(&home);
    let pair = private.key_data().ed25519().expect("an Ed25519 key");
    let pkcs8 = softhsm::of_seed(pair.private.as_ref());
    let imported = soft.import(&home, "both", "01", &pkcs8);
    assert_eq!(imported.blob, key.blob());
    let agent = soft.agent(&home, &[]);
    succeed(home.command("ssh-add").args(["-q", key.arg()]));
    let refused = soft.add(&home, PIN).output().expect("ssh-add");
    assert!(!refused.status.success(), "nothing was added");
    assert_eq!(crate::support::list(&home)[0]["source"], "added");
    wait_for_no_helper(&agent);
}

#[test]
fn removing_the_last_key_in_any_way_ends_the_helper() {
    let home = Home::new();
    let soft = Soft::new(&home);
    let key = soft.import(&home, "ed25519", "01", &softhsm::quick());
    let agent = soft.agent(&home, &[]);
    let ways: [&dyn Fn(); 3] = [
        &|| signal(agent.pid(), "USR1"),
        &|| drop(succeed(home.command("ssh-add").arg("-qD"))),
        &|| drop(succeed(home.command("ssh-add").arg("-qd").arg(&key.public_file))),
    ];
    for remove in ways {
        succeed(&mut soft.add(&home, PIN));
        assert_eq!(helpers(&agent).len(), 1);
        remove();
        wait_for_no_helper(&agent);
        assert!(listed(&home).is_empty());
    }
}
