//! Terms that `ssh-add` cannot be made to send, byte by byte; and how a question names a key.

use crate::support::client::{LIST, string};
use crate::support::{Agent, Client, Home, Key, KeyKind, Person, succeed};

const SUCCESS: &[u8] = &[6];
const FAILURE: &[u8] = &[5];

/// The message that adds `key` under these constraints.
fn add(home: &Home, key: &Key, constraints: &[u8]) -> Vec<u8> {
    let private = key.private_half(home);
    let pair = private.key_data().ed25519().expect("an Ed25519 key");
    [
        &[25][..],
        &string(b"ssh-ed25519"),
        &string(pair.public.as_ref()),
        &string(&pair.to_bytes()),
        &string(b"comment"),
        constraints,
    ]
    .concat()
}

/// How many keys a list has.
fn listed(client: &mut Client) -> u8 {
    let answer = client.ask(&LIST).expect("a list");
    assert_eq!(answer[..4], [12, 0, 0, 0]);
    answer[4]
}

/// restrict-destination-v00@openssh.com: from here to a host with this key.
fn to_host(key: &[u8]) -> Vec<u8> {
    let hop = |host: &[u8], key: &[u8]| string(&[&string(b""), &string(host), &string(b""), key].concat());
    let host = hop(b"host", &[&string(key)[..], &[0]].concat());
    let step = [hop(b"", b""), host, string(b"")].concat();
    let list = string(&string(&step));
    [
        &[255][..],
        &string(b"restrict-destination-v00@openssh.com"),
        &list,
    ]
    .concat()
}

#[test]
fn a_lifetime_of_zero_is_over_at_once() {
    let home = Home::new();
    let agent = Agent::start(&home);
    let key = Key::make_with(&home, "brief", KeyKind::Quick, "").moved(&home, "elsewhere");
    let mut client = Client::connect(agent.socket());
    assert_eq!(client.ask(&add(&home, &key, b"")).expect("an answer"), SUCCESS);
    assert_eq!(listed(&mut client), 1);
    let at_once = add(&home, &key, &[1, 0, 0, 0, 0]);
    assert_eq!(client.ask(&at_once).expect("an answer"), SUCCESS);
    assert_eq!(listed(&mut client), 0, "it replaced the key, and is gone");
}

#[test]
fn a_destination_whose_host_no_key_can_have_refuses_the_key() {
    let home = Home::new();
    let agent = Agent::start(&home);
    let key = Key::make_with(&home, "restricted", KeyKind::Quick, "").moved(&home, "elsewhere");
    let mut client = Client::connect(agent.socket());
    let host = key.blob();
    let unknown = [string(b"ssh-unknown"), string(&[7; 32])].concat();
    let point = [
        string(b"ecdsa-sha2-nistp256"),
        string(b"nistp256"),
        string(&[4; 65]),
    ];
    for no_key in [
        &host[..host.len() - 1],
        &[&host[..], b"x"].concat(),
        &unknown,
        &point.concat(),
    ] {
        let add = add(&home, &key, &to_host(no_key));
        assert_eq!(client.ask(&add).expect("an answer"), FAILURE, "{no_key:?}");
        assert_eq!(listed(&mut client), 0);
    }
    let add = add(&home, &key, &to_host(&host));
    assert_eq!(client.ask(&add).expect("an answer"), SUCCESS);
    assert_eq!(listed(&mut client), 1);
}

#[test]
fn a_question_shows_the_fingerprint_in_the_chosen_hash() {
    for hash in ["md5", "sha512"] {
        let home = Home::new();
        let key = Key::make_with(&home, "asked", KeyKind::Quick, "").moved(&home, "elsewhere");
        let person = Person::new(&home).knows("Allow use of key asked@test?", "yes");
        let mut command = home.claviger(&["agent", "-d", "-E", hash]);
        let _agent = Agent::from_command(&home, person.sits_at(&mut command));
        succeed(home.command("ssh-add").args(["-q", "-c", key.arg()]));
        succeed(home.command("ssh-add").arg("-T").arg(key.beside(".pub")));
        let mut keygen = home.command("ssh-keygen");
        let line = succeed(keygen.args(["-l", "-E", hash, "-f"]).arg(key.beside(".pub")));
        let fingerprint = line.split(' ').nth(1).expect("a fingerprint");
        let asked = person.asked();
        let expected = format!("Key fingerprint {fingerprint}.");
        assert!(asked.iter().any(|line| line.contains(&expected)), "{asked:?}");
        let by = "Asked for by ssh-add (pid ";
        assert!(asked.iter().any(|line| line.contains(by)), "{asked:?}");
    }
}
