//! What is made up, too much, damaged or gone: nothing is learnt from it, and logins go on.

use super::{STRICT, keys, knows, learns, learnt, logins, shown};
use crate::support::client::sign;
use crate::support::server::{HostKey, listed, login_data};
use crate::support::{Agent, Client, Home, Sshd, status, succeed, wait_until};
use std::fmt::Write as _;
use std::fs;

const SESSION: &[u8] = b"the session of this test";
const SUCCESS: [u8; 1] = [6];
const EXTENSION_FAILURE: [u8; 1] = [28];

#[test]
fn a_forged_bind_teaches_nothing_and_hides_nothing() {
    let home = Home::new();
    let keys = keys(&home, 12);
    let agent = Agent::start(&home);
    let host = HostKey::new(1);
    let signs = |client: &mut Client, session: &[u8]| {
        let data = login_data(session, "me", &keys[7].blob());
        let answer = client.ask(&sign(&keys[7].blob(), &data, 0)).expect("an answer");
        assert_eq!(answer[0], 14);
    };
    let mut forged = Client::connect(agent.socket());
    let bind = host.bind_signed(SESSION, b"another session", false);
    assert_eq!(forged.ask(&bind).as_deref(), Some(&EXTENSION_FAILURE[..]));
    assert_eq!(listed(&mut forged).len(), 12);
    signs(&mut forged, SESSION);
    drop(forged);
    // A true bind, and a login to somewhere else.
    let mut other = Client::connect(agent.socket());
    assert_eq!(
        other.ask(&host.bind(SESSION, false)).as_deref(),
        Some(&SUCCESS[..])
    );
    signs(&mut other, b"another session");
    drop(other);
    // One that is bound for forwarding is no login of ours.
    let mut forwarding = Client::connect(agent.socket());
    assert_eq!(
        forwarding.ask(&host.bind(SESSION, true)).as_deref(),
        Some(&SUCCESS[..])
    );
    assert_eq!(listed(&mut forwarding).len(), 12);
    signs(&mut forwarding, SESSION);
    drop(forwarding);
    // What is true is learnt, after all that: so nothing of it was on its way.
    let mut honest = Client::connect(agent.socket());
    assert_eq!(
        honest.ask(&host.bind(SESSION, false)).as_deref(),
        Some(&SUCCESS[..])
    );
    signs(&mut honest, SESSION);
    learns(&home, 1);
    assert_eq!(learnt(&home)[0]["times"], 1);
}

#[test]
fn ten_thousand_host_keys_stay_within_bounds_the_oldest_go_first() {
    const HOSTS: u32 = 10_000;
    /// (host, key) pairs of offers in vain.
    const MOST: u32 = 20_000;
    let home = Home::new();
    let keys = keys(&home, 12);
    let mut agent = Agent::start(&home);
    let bound = |number: u32| {
        let mut client = Client::connect(agent.socket());
        assert_eq!(
            client.ask(&HostKey::new(number).bind(SESSION, false)).as_deref(),
            Some(&SUCCESS[..])
        );
        client
    };
    for number in 0..HOSTS {
        // Five keys in vain, and at some hosts another one is taken then.
        assert_eq!(listed(&mut bound(number)).len(), 5);
        if number % 10 == 9 {
            let data = login_data(SESSION, "me", &keys[11].blob());
            let answer = bound(number).ask(&sign(&keys[11].blob(), &data, 0));
            assert_eq!(answer.expect("an answer")[0], 14);
        }
    }
    let resident = resident_kilobytes(agent.pid());
    assert!(resident < 200_000, "{resident} kB");
    assert_eq!(listed(&mut bound(HOSTS - 1))[0], keys[11].blob());
    agent.end_by("TERM");
    let file = rusqlite::Connection::open(home.path("state/claviger/history.sqlite3")).expect("the history");
    let count = |what: &str| -> u32 {
        file.query_row(&format!("SELECT count(*) FROM {what}"), [], |row| row.get(0))
            .expect("a count")
    };
    let rows = count("tried");
    assert!((MOST * 8 / 10..=MOST).contains(&rows), "{rows}");
    let of = |number: u32| {
        count(&format!(
            "tried WHERE host = '{}'",
            HostKey::new(number).fingerprint()
        ))
    };
    assert_eq!((of(0), of(HOSTS - 2)), (0, 5));
    assert_eq!(count("login"), HOSTS / 10, "what worked is kept longer");
    let _agent = Agent::start(&home);
    assert_eq!(learnt(&home).len(), count("login") as usize);
}

fn resident_kilobytes(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("its state");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).expect("a number")
}

#[test]
fn a_known_hosts_of_100_000_lines_is_read_once() {
    let (home, server) = (Home::new(), Home::new());
    let keys = keys(&home, 12);
    let sshd = Sshd::saying(&server, &[&keys[11]], STRICT);
    let mut lines = String::new();
    for number in 0..100_000_u32 {
        let blob = HostKey::made_up_blob(number);
        let blob = ssh_key::PublicKey::from_bytes(&blob).expect("a public key");
        let line = blob.to_openssh().expect("a line");
        writeln!(lines, "host{number}.example.net {line}").expect("a line");
    }
    lines.push_str(&fs::read_to_string(sshd.known_hosts()).expect("known_hosts"));
    home.write(".ssh/known_hosts", lines.as_bytes(), 0o600);
    let agent = Agent::start(&home);
    assert!(logins(&home, &sshd, 3) <= 3);
    for _ in 0..3 {
        assert_eq!(shown(&home, &sshd), 1);
    }
    let read = |log: &str| log.matches("known_hosts read").count();
    assert_eq!(read(&agent.log()), 1, "{}", agent.log());
    learns(&home, 1);
    assert_eq!(learnt(&home)[0]["names"], serde_json::json!([sshd.host()]));
    knows(&home, &[&sshd]);
    assert_eq!(shown(&home, &sshd), 1);
    assert_eq!(read(&agent.log()), 2, "once more when it changed");
}

/// Connects, and leaves the connection to a child: by the time anything is asked, whoever connected is gone.
const LEAVES: &str = "
import os, socket, struct, sys
agent = socket.socket(socket.AF_UNIX)
agent.connect(os.environ['SSH_AUTH_SOCK'])
bind = bytes.fromhex(sys.argv[1])
parent = os.getpid()
if os.fork():
    os._exit(0)
while os.getppid() == parent:
    pass
def ask(body):
    agent.sendall(struct.pack('>I', len(body)) + body)
    length = struct.unpack('>I', agent.recv(4, socket.MSG_WAITALL))[0]
    return agent.recv(length, socket.MSG_WAITALL)
assert ask(bind) == b'\\x06'
print(struct.unpack('>I', ask(b'\\x0b')[1:5])[0])
";

/// Asks and does not wait for the answer.
const VANISHES: &str = "
import os, socket, struct, sys
agent = socket.socket(socket.AF_UNIX)
agent.connect(os.environ['SSH_AUTH_SOCK'])
bind = bytes.fromhex(sys.argv[1])
agent.sendall(struct.pack('>I', len(bind)) + bind + b'\\x00\\x00\\x00\\x01\\x0b')
os._exit(0)
";

#[test]
fn a_client_that_is_gone_is_shown_all_and_holds_up_nobody() {
    let (home, server) = (Home::new(), Home::new());
    let keys = keys(&home, 12);
    let sshd = Sshd::saying(&server, &[&keys[11]], STRICT);
    let _agent = Agent::start(&home);
    let run = |script: &str, number: u32| {
        let bind = HostKey::new(number).bind(SESSION, false);
        let bind: String = bind.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut command = home.command("/usr/bin/python3");
        succeed(command.args(["-I", "-c", script, &bind]))
    };
    for number in 0..5 {
        assert_eq!(run(LEAVES, number).trim(), "12");
    }
    for number in 5..30 {
        run(VANISHES, number);
    }
    assert!(logins(&home, &sshd, 3) <= 3);
    assert_eq!(shown(&home, &sshd), 1);
    wait_until("those who left are no clients any more", || {
        // `status` is one itself.
        status(&home)["clients"].as_u64() == Some(1)
    });
}
