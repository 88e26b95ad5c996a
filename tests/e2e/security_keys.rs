//! Security keys: added by the real ssh-add, signing through the real ssh-sk-helper on a pretended token.

use crate::support::{
    Agent, Client, Home, Key, KeyKind, Person, Sshd, list, sk_dummy, succeed, text, wait_until,
};
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) const PIN: &str = "246813";

/// Makes `name` on the pretended token.
pub(crate) fn sk_key(home: &Home, library: &Path, name: &str, kind: &str) -> Key {
    let path = home.path(name);
    let mut keygen = home.command("ssh-keygen");
    keygen.args(["-q", "-t", kind, "-N", "", "-C", &format!("{name}@test"), "-w"]);
    succeed(keygen.arg(library).arg("-f").arg(&path));
    Key {
        path,
        passphrase: String::new(),
    }
}

/// The library of tests/data/sk: sk-dummy with a PIN, a wait for a touch, and a crash.
pub(crate) fn library_with_pin(home: &Home, dummy: &Path) -> PathBuf {
    let library = home.path("token.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sk/provider.c");
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-fPIC", "-o"]).arg(&library).arg(source);
    succeed(cc.arg(format!("-DDUMMY=\"{}\"", dummy.display())).arg("-ldl"));
    library
}

pub(crate) fn agent(home: &Home, options: &[&str], person: &Person, env: &[(&str, &str)]) -> Agent {
    let mut command = home.claviger(&["agent", "-d"]);
    command.args(options).envs(env.iter().copied());
    Agent::from_command(home, person.sits_at(&mut command))
}

fn add(home: &Home, library: &Path, key: &Key) -> Command {
    let mut command = home.command("ssh-add");
    command.arg("-q").arg("-S").arg(library).arg(key.arg());
    command
}

pub(crate) fn test_signature(home: &Home, key: &Key) -> Command {
    let mut command = home.command("ssh-add");
    command.arg("-T").arg(key.beside(".pub"));
    command
}

#[test]
fn both_types_and_their_certificates_sign_and_log_in() {
    let Some(library) = sk_dummy() else { return };
    let home = Home::new();
    let agent = agent(&home, &["-P", "/*"], &Person::new(&home), &[]);
    let authority = Key::make_with(&home, "ca", KeyKind::Quick, "").moved(&home, "elsewhere");
    for kind in ["ed25519-sk", "ecdsa-sk"] {
        let key = sk_key(&home, &library, kind, kind);
        succeed(&mut add(&home, &library, &key));
        succeed(&mut test_signature(&home, &key));
        let server_home = Home::new();
        let server = Sshd::start(&server_home, &[&key]);
        succeed(&mut server.login(&home, "true"));
        succeed(home.command("ssh-add").args(["-q", "-D"]));

        key.certify(&home, &authority, &crate::support::user());
        succeed(&mut add(&home, &library, &key));
        let server_home = Home::new();
        let server = Sshd::trusting(&server_home, &authority);
        succeed(&mut server.login(&home, "true"));
        let listed = list(&home);
        assert_eq!(listed.len(), 2, "{listed:?}");
        assert_eq!(listed[0]["state"], "token");
        assert_eq!(listed[0]["source"], "security key");
        succeed(home.command("ssh-add").args(["-q", "-D"]));
    }
    assert!(!agent.log().contains("WARN not signed"), "{}", agent.log());
}

#[test]
fn the_person_is_told_to_touch_the_token_and_asked_for_its_pin() {
    let Some(dummy) = sk_dummy() else { return };
    let home = Home::new();
    let library = library_with_pin(&home, &dummy);
    let person = Person::new(&home).knows(
        "Enter PIN and confirm user presence for ED25519-SK key SHA256:",
        PIN,
    );
    let touched = home.path("person0/asked");
    let env = [
        ("SK_TEST_PIN", PIN),
        ("SK_TEST_TOUCH", touched.to_str().expect("UTF-8")),
    ];
    let _agent = agent(&home, &["-P", "/*"], &person, &env);
    let key = sk_key(&home, &dummy, "sk", "ed25519-sk");
    succeed(&mut add(&home, &library, &key));
    succeed(&mut test_signature(&home, &key));
    let fingerprint = key.fingerprint(&home);
    let asked = person.asked();
    assert_eq!(
        asked[..2],
        [
            format!("Confirm user presence for key ED25519-SK {fingerprint}"),
            format!("Enter PIN and confirm user presence for ED25519-SK key {fingerprint}: "),
        ]
    );
}

#[test]
fn a_wrong_pin_is_tried_once() {
    let Some(dummy) = sk_dummy() else { return };
    let home = Home::new();
    let library = library_with_pin(&home, &dummy);
    let person = Person::new(&home).knows("Enter PIN", "000000");
    let agent = agent(&home, &["-P", "/*"], &person, &[("SK_TEST_PIN", PIN)]);
    let key = sk_key(&home, &dummy, "sk", "ecdsa-sk");
    succeed(&mut add(&home, &library, &key));
    let refused = test_signature(&home, &key).output().expect("ssh-add");
    assert!(!refused.status.success(), "{}", text(&refused));
    let questions = person.asked();
    let pins = questions
        .iter()
        .filter(|question| question.starts_with("Enter PIN"));
    assert_eq!(pins.count(), 1, "{questions:?}");
    let log = agent.log();
    assert!(log.contains("the PIN is wrong"), "{log}");
    assert!(!log.contains("000000") && !log.contains(PIN), "{log}");
}

#[test]
fn a_library_that_crashes_costs_one_signature() {
    let Some(dummy) = sk_dummy() else { return };
    let home = Home::new();
    let library = library_with_pin(&home, &dummy);
    let agent = agent(
        &home,
        &["-P", "/*"],
        &Person::new(&home),
        &[("SK_TEST_CRASH", "1")],
    );
    let key = sk_key(&home, &dummy, "sk", "ed25519-sk");
    succeed(&mut add(&home, &library, &key));
    assert!(!test_signature(&home, &key).status().expect("ssh-add").success());
    let log = agent.log();
    assert!(log.contains("ended without an answer (library "), "{log}");
    assert_eq!(list(&home).len(), 1);
}

#[test]
fn libraries_outside_the_list_and_from_remote_hosts_are_refused() {
    let Some(library) = sk_dummy() else { return };
    let home = Home::new();
    let key = sk_key(&home, &library, "sk", "ed25519-sk");
    let agent = agent(&home, &["-P", "/usr/lib/*"], &Person::new(&home), &[]);
    let refused = add(&home, &library, &key).output().expect("ssh-add");
    assert!(!refused.status.success(), "{}", text(&refused));
    assert!(agent.log().contains("not among the libraries"), "{}", agent.log());
    // ssh-add itself looks for the file, so the raw message has to name a missing one.
    let missing = claim(&home, &key, b"/usr/lib/no-such-library.so");
    let mut client = Client::connect(agent.socket());
    assert_eq!(client.ask(&missing), Some(vec![5]));
    assert!(
        agent.log().contains("/usr/lib/no-such-library.so: No such file"),
        "{}",
        agent.log()
    );
    let internal = claim(&home, &key, b"Internal");
    let mut remote = Client::connect(agent.socket());
    // A bind that is refused counts: the client said that it speaks for somebody else.
    remote.ask(&[&[27][..], &claviger::wire::string(b"session-bind@openssh.com")].concat());
    assert_eq!(remote.ask(&missing), Some(vec![5]));
    assert!(
        agent.log().contains("loaded for local clients only"),
        "{}",
        agent.log()
    );
    assert_eq!(
        remote.ask(&internal),
        Some(vec![6]),
        "no library is loaded for the built-in one"
    );
}

/// A request to add the key with this provider.
fn claim(home: &Home, key: &Key, provider: &[u8]) -> Vec<u8> {
    use claviger::wire::string;
    let private = key.private_half(home);
    let ssh_key::private::KeypairData::SkEd25519(sk) = private.key_data() else {
        panic!("an Ed25519 key of a token");
    };
    let public = sk.public();
    [
        &[25][..],
        &string(b"sk-ssh-ed25519@openssh.com"),
        &string(public.public_key().as_ref()),
        &string(public.application().as_bytes()),
        &[sk.flags()],
        &string(sk.key_handle()),
        &string(b""),
        &string(b"sk@test"),
        &[255],
        &string(b"sk-provider@openssh.com"),
        &string(provider),
    ]
    .concat()
}

#[test]
fn a_key_of_another_application_signs_logins_but_no_other_data() {
    let Some(library) = sk_dummy() else { return };
    let home = Home::new();
    let options = ["-P", "/*", "-O", "websafe-allow=ssh:other"];
    let agent = agent(&home, &options, &Person::new(&home), &[]);
    let key = sk_key(&home, &library, "sk", "ed25519-sk");
    succeed(&mut add(&home, &library, &key));
    // ssh-add -T has random bytes signed.
    assert!(!test_signature(&home, &key).status().expect("ssh-add").success());
    assert!(agent.log().contains("web site's"), "{}", agent.log());
    let server_home = Home::new();
    let server = Sshd::start(&server_home, &[&key]);
    succeed(&mut server.login(&home, "true"));
}

#[test]
fn a_lock_covers_security_keys_and_leaves_them_whole() {
    let Some(library) = sk_dummy() else { return };
    let home = Home::new();
    let _agent = agent(&home, &["-P", "/*"], &Person::new(&home), &[]);
    let key = sk_key(&home, &library, "sk", "ed25519-sk");
    succeed(&mut add(&home, &library, &key));
    let owner = Person::new(&home)
        .knows("lock password", "lock me")
        .knows("Again", "lock me");
    succeed(owner.sits_at(home.command("ssh-add").arg("-x")));
    assert!(!test_signature(&home, &key).status().expect("ssh-add").success());
    succeed(owner.sits_at(home.command("ssh-add").arg("-X")));
    succeed(&mut test_signature(&home, &key));
}

#[test]
fn a_signature_that_waited_for_its_touch_until_the_agent_was_locked_is_not_given_out() {
    let Some(dummy) = sk_dummy() else { return };
    let home = Home::new();
    let library = library_with_pin(&home, &dummy);
    let (touch, person) = (home.path("touch"), Person::new(&home));
    let env = [("SK_TEST_TOUCH", touch.to_str().expect("UTF-8"))];
    let agent = agent(&home, &["-P", "/*"], &person, &env);
    let key = sk_key(&home, &dummy, "sk", "ed25519-sk");
    succeed(&mut add(&home, &library, &key));
    let waiting = test_signature(&home, &key).spawn().expect("ssh-add");
    wait_until("the person is told to touch the token", || {
        !person.asked().is_empty()
    });
    let owner = Person::new(&home)
        .knows("lock password", "lock me")
        .knows("Again", "lock me");
    succeed(owner.sits_at(home.command("ssh-add").arg("-x")));
    std::fs::write(&touch, "").expect("a touch");
    let refused = waiting.wait_with_output().expect("ssh-add");
    assert!(!refused.status.success(), "{}", text(&refused));
    assert!(
        agent.log().contains("signed by its security key"),
        "{}",
        agent.log()
    );
}
