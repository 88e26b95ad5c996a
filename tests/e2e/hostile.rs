//! Clients that speak the protocol wrong, slowly, or not at all; and clients of another user.

use crate::support::client::{LIST, extension, frame, sign, string};
use crate::support::{Agent, Client, Home, Key, KeyKind, as_root, has_root, status, succeed};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};
use std::time::Duration;

const FAILURE: [u8; 1] = [5];
/// Length of the largest frame.
const MAX: usize = 256 * 1024;

fn served() -> (Home, Key, Agent) {
    let home = Home::new();
    let key = Key::make(&home, "id_plain", KeyKind::Quick);
    let agent = Agent::start(&home);
    (home, key, agent)
}

fn lists_one_key(client: &mut Client) -> bool {
    client
        .ask(&LIST)
        .is_some_and(|answer| answer.starts_with(&[12, 0, 0, 0, 1]))
}

#[test]
fn an_impossible_length_ends_the_connection_and_nothing_else() {
    let (_home, _key, agent) = served();
    let too_long = u32::try_from(MAX + 1).expect("a length");
    for length in [0, too_long, u32::MAX] {
        let mut client = Client::connect(agent.socket());
        client.send(&length.to_be_bytes());
        assert_eq!(client.answer(), None, "length {length}");
    }
    assert!(lists_one_key(&mut Client::connect(agent.socket())));
}

#[test]
fn the_largest_frame_is_read_and_answered() {
    let (_home, _key, agent) = served();
    let mut client = Client::connect(agent.socket());
    let body = [&LIST[..], &vec![0; MAX - 1]].concat();
    assert!(
        client.ask(&body).is_some_and(|answer| answer[0] == 12),
        "bytes behind a request are ignored"
    );
    assert!(lists_one_key(&mut client));
}

#[test]
fn what_is_not_understood_is_refused_and_the_connection_lives() {
    let (_home, key, agent) = served();
    let mut client = Client::connect(agent.socket());
    let whole = sign(&key.blob(), b"data", 0);
    let huge_string = [&[13][..], &u32::MAX.to_be_bytes(), b"x"].concat();
    // 9 and 19 remove every key, 11 lists: these are whole without a body.
    let mut wrong: Vec<Vec<u8>> = (0..=255)
        .filter(|kind| ![9, 11, 19].contains(kind))
        .map(|kind| vec![kind])
        .collect();
    wrong.extend((1..whole.len()).map(|length| whole[..length].to_vec()));
    wrong.push(huge_string);
    wrong.push(sign(b"no such key", b"data", 0));
    wrong.push(extension("no-such@extension", b""));
    wrong.push([&[27][..], &string(&[0xff, 0xfe])].concat());
    // Answers sent as if they were requests.
    wrong.push([&[12][..], &0u32.to_be_bytes()].concat());
    wrong.push([&[14][..], &string(b"signature")].concat());
    for body in wrong {
        assert_eq!(client.ask(&body).as_deref(), Some(&FAILURE[..]), "{body:?}");
    }
    assert!(lists_one_key(&mut client));
}

#[test]
fn a_frame_cut_short_by_the_client_is_forgotten() {
    let (_home, key, agent) = served();
    let whole = frame(&sign(&key.blob(), b"data", 0));
    for length in 1..whole.len() {
        Client::connect(agent.socket()).send(&whole[..length]);
    }
    assert!(lists_one_key(&mut Client::connect(agent.socket())));
}

#[test]
fn pipelined_requests_are_answered_in_their_order() {
    let (_home, key, agent) = served();
    let mut client = Client::connect(agent.socket());
    let requests = [
        frame(&LIST),
        frame(&sign(&key.blob(), b"", 0)[..20]),
        frame(&extension("query", b"")),
    ];
    client.send(&requests.concat().repeat(100));
    for at in 0..300 {
        let answer = client.answer().expect("an answer for each");
        assert_eq!(answer[0], [12, 5, 29][at % 3], "answer {at}");
    }
}

#[test]
fn slow_clients_hold_up_nobody_and_are_served_in_the_end() {
    let (_home, _key, agent) = served();
    let mut slow: Vec<Client> = (0..20).map(|_| Client::connect(agent.socket())).collect();
    // One byte from each, a pause, the next byte: others are served between any two bytes.
    for byte in frame(&LIST) {
        slow.iter_mut().for_each(|client| client.send(&[byte]));
        assert!(lists_one_key(&mut Client::connect(agent.socket())));
        std::thread::sleep(Duration::from_secs(1));
    }
    for client in &mut slow {
        assert!(client.answer().is_some_and(|answer| answer[0] == 12));
    }
}

#[test]
fn a_thousand_silent_clients_leave_room_for_the_next() {
    let (home, _key, agent) = served();
    raise_own_file_limit();
    let silent: Vec<Client> = (0..1000).map(|_| Client::connect(agent.socket())).collect();
    assert!(lists_one_key(&mut Client::connect(agent.socket())));
    let clients = status(&home)["clients"].as_u64();
    assert!(clients.is_some_and(|count| count >= 1000), "{clients:?}");
    drop(silent);
}

#[test]
fn a_client_that_takes_no_answers_stops_being_read() {
    let (_home, _key, agent) = served();
    let mut greedy = Client::connect(agent.socket());
    greedy.never_wait();
    let requests = frame(&LIST).repeat(1000);
    // Ends when both socket buffers are full: an agent that goes on reading would take them all.
    let taken = (0..10_000).take_while(|_| greedy.try_send(&requests)).count();
    assert!(
        taken < 10_000,
        "ten million requests were taken in, and none of their answers out"
    );
    assert!(lists_one_key(&mut Client::connect(agent.socket())));
}

#[test]
fn another_users_process_is_turned_away_and_root_is_not() {
    let (home, _key, agent) = served();
    if !has_root() {
        return;
    }
    let list = |uid: &str| -> Output {
        let mut command = as_root("setpriv");
        command.args(["--reuid", uid, "--regid", uid, "--clear-groups", "env"]);
        command.arg(format!("SSH_AUTH_SOCK={}", agent.socket().display()));
        command.args(["ssh-add", "-l"]).output().expect("setpriv")
    };
    // Even where the modes let them in: the kernel says who connects.
    for path in [home.path(""), home.path("run"), agent.socket().to_owned()] {
        fs::set_permissions(path, Permissions::from_mode(0o777)).expect("its mode");
    }
    let stranger = list("65534");
    assert!(
        !stranger.status.success(),
        "another user was served: {stranger:?}"
    );
    assert!(list("0").status.success());
    assert!(agent.log().contains("another user"), "{}", agent.log());
}

/// A thousand connections need more descriptors than many systems give at first.
fn raise_own_file_limit() {
    let pid = std::process::id().to_string();
    succeed(Command::new("prlimit").args(["--pid", &pid, "--nofile=4096:"]));
}
