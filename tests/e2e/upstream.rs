//! Other agents behind this one: their keys come after ours, sign and log in; which agents those may be.

use crate::support::client::{LIST, extension, frame, sign};
use crate::support::others::{Gpg, OpenSsh};
use crate::support::{Agent, Client, Home, Key, KeyKind, Sshd, list, status, succeed, text};

/// An unprotected key where no agent looks for keys.
pub(crate) fn key(home: &Home, name: &str) -> Key {
    Key::make_with(home, name, KeyKind::Quick, "").moved(home, "elsewhere")
}

/// A home whose agent is to have these agents behind it.
pub(crate) fn home_before(sockets: &[&str]) -> Home {
    let home = Home::new();
    let lines = sockets
        .iter()
        .map(|socket| format!("[[upstream]]\nsocket = \"{}\"\n", home.path(socket).display()));
    home.configure(&lines.collect::<String>());
    home
}

/// The comments that `ssh-add -L` shows, in order.
pub(crate) fn comments(home: &Home) -> Vec<String> {
    let output = home.command("ssh-add").arg("-L").output().expect("ssh-add");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines = said.lines().filter(|line| line.starts_with("ssh-"));
    lines
        .filter_map(|line| line.split(' ').nth(2).map(str::to_owned))
        .collect()
}

#[test]
fn keys_of_others_come_after_ours_each_once_and_sign() {
    let home = home_before(&["first", "second"]);
    let own = Key::make_with(&home, "own", KeyKind::Quick, "");
    let (first, second) = (OpenSsh::start(&home, "first"), OpenSsh::start(&home, "second"));
    let [one, two, both] = ["one", "two", "both"].map(|name| key(&home, name));
    for key in [&own, &one, &both] {
        succeed(&mut first.ssh_add(&home, &["-q", key.arg()]));
    }
    for key in [&both, &two] {
        succeed(&mut second.ssh_add(&home, &["-q", key.arg()]));
    }
    let _agent = Agent::start(&home);
    assert_eq!(comments(&home), ["own@test", "one@test", "both@test", "two@test"]);
    for key in [&own, &one, &both, &two] {
        succeed(home.command("ssh-add").arg("-T").arg(key.beside(".pub")));
    }

    let reported = list(&home);
    let [reported_own, reported_one, ..] = &reported[..] else {
        panic!("{reported:?}")
    };
    assert_eq!(reported.len(), 4);
    assert_eq!(reported_own["source"], "file");
    assert_eq!(reported_one["source"], "upstream");
    assert_eq!(
        reported_one["upstream"],
        first.socket().to_str().expect("a UTF-8 path")
    );
    assert_eq!(reported_one["fingerprint"], one.fingerprint(&home).as_str());
    assert_eq!(
        (&reported_one["type"], &reported_one["bits"]),
        (&"ssh-ed25519".into(), &256.into())
    );
    let status = status(&home);
    assert_eq!(status["keys"], 1, "ours");
    let behind: Vec<_> = status["upstreams"].as_array().expect("a list").iter().collect();
    assert_eq!(
        (&behind[0]["reachable"], &behind[0]["keys"]),
        (&true.into(), &3.into())
    );
    assert_eq!(
        (&behind[1]["reachable"], &behind[1]["keys"]),
        (&true.into(), &2.into())
    );
    let shown = succeed(&mut home.claviger(&["list"]));
    assert!(
        shown.contains(first.socket().to_str().expect("a UTF-8 path")),
        "{shown}"
    );
}

#[test]
fn a_login_with_another_agents_key() {
    let home = home_before(&["other"]);
    let other = OpenSsh::start(&home, "other");
    let key = key(&home, "token");
    let sshd = Sshd::start(&home, &[&key]);
    succeed(&mut other.ssh_add(&home, &["-q", key.arg()]));
    let _agent = Agent::start(&home);
    succeed(&mut sshd.login(&home, "true"));
}

#[test]
fn many_clients_at_once_all_get_the_keys_of_others() {
    let home = home_before(&["other"]);
    let other = OpenSsh::start(&home, "other");
    let key = key(&home, "key");
    succeed(&mut other.ssh_add(&home, &["-q", key.arg()]));
    let agent = Agent::start(&home);
    let mut clients: Vec<Client> = (0..300).map(|_| Client::connect(agent.socket())).collect();
    for client in &mut clients {
        client.send(&frame(&LIST));
        client.send(&frame(&sign(&key.blob(), b"data", 0)));
    }
    for client in &mut clients {
        assert_eq!(client.answer().expect("a list")[..5], [12, 0, 0, 0, 1]);
        assert_eq!(client.answer().expect("a signature")[0], 14);
    }
}

#[test]
fn a_login_with_a_key_of_gpg_agent() {
    let home = Home::new();
    let gpg = Gpg::start(&home);
    home.configure(&format!("[[upstream]]\nsocket = \"{}\"\n", gpg.socket.display()));
    let own = Key::make_with(&home, "own", KeyKind::Quick, "");
    let _agent = Agent::start(&home);
    let sshd = Sshd::knowing(&home, &gpg.public_line);
    // ssh binds, which this agent does not understand.
    succeed(&mut sshd.login(&home, "true"));
    let reported = list(&home);
    assert_eq!(reported.len(), 2, "{reported:?}");
    assert_eq!(reported[0]["fingerprint"], own.fingerprint(&home).as_str());
    assert_eq!(reported[1]["type"], "ssh-ed25519");
}

#[test]
fn in_ssh_agents_place_only_a_named_configuration_puts_agents_behind_it() {
    let home = home_before(&["other"]);
    let other = OpenSsh::start(&home, "other");
    succeed(&mut other.ssh_add(&home, &["-q", key(&home, "key").arg()]));
    let ssh_agent = home.path("ssh-agent");
    std::os::unix::fs::symlink(crate::support::home::claviger(), &ssh_agent).expect("a link");
    let started = |without: &[&str]| {
        let mut command = home.command(&ssh_agent);
        command.arg("-D").arg("-a").arg(home.socket());
        for name in without {
            command.env_remove(name);
        }
        let agent = Agent::from_command(&home, &mut command);
        let shown = comments(&home);
        drop(agent);
        std::fs::remove_file(home.socket()).expect("removed");
        shown
    };
    assert_eq!(started(&[]), ["key@test"]);
    let usual = home.path(".config/claviger");
    std::fs::create_dir_all(&usual).expect("a directory");
    std::fs::copy(home.path("config.toml"), usual.join("config.toml")).expect("a copy");
    assert!(started(&["CLAVIGER_CONFIG"]).is_empty());
}

#[test]
fn new_clients_have_the_agents_of_the_configuration_as_it_is_now() {
    let home = Home::new();
    let other = OpenSsh::start(&home, "other");
    let key = key(&home, "key");
    succeed(&mut other.ssh_add(&home, &["-q", key.arg()]));
    let agent = Agent::start(&home);
    assert!(comments(&home).is_empty());
    let socket = |path: &std::path::Path| format!("[[upstream]]\nsocket = \"{}\"\n", path.display());
    home.configure(&socket(other.socket()));
    let rescan = || {
        let body = extension("rescan@claviger", b"");
        let answer = Client::connect(agent.socket()).ask(&body).expect("an answer");
        String::from_utf8_lossy(&answer).into_owned()
    };
    rescan();
    assert_eq!(comments(&home), ["key@test"]);
    home.configure(&socket(agent.socket()));
    let said = rescan();
    assert!(
        said.contains("listens itself") && said.contains("false"),
        "{said}"
    );
    assert_eq!(comments(&home), ["key@test"], "the old ones stay");
}

#[test]
fn an_agent_is_not_its_own_upstream() {
    let home = home_before(&["run/agent.sock"]);
    let refused = home.claviger(&["agent", "-D"]).output().expect("claviger");
    assert!(!refused.status.success());
    let said = text(&refused);
    for word in ["upstream.socket", "run/agent.sock", "listens itself"] {
        assert!(said.contains(word), "{said}");
    }
    // By another name it is found out when it is asked.
    let home = home_before(&["link/agent.sock"]);
    let key = Key::make_with(&home, "own", KeyKind::Quick, "");
    let _agent = Agent::start(&home);
    std::os::unix::fs::symlink(home.path("run"), home.path("link")).expect("a link");
    assert_eq!(comments(&home), ["own@test"]);
    succeed(home.command("ssh-add").arg("-T").arg(key.beside(".pub")));
    let status = status(&home);
    let detail = status["upstreams"][0]["detail"].to_string();
    assert!(detail.contains("itself"), "{detail}");
}

#[test]
fn claviger_behind_claviger() {
    let inner = Home::new();
    let theirs = Key::make_with(&inner, "inner", KeyKind::Quick, "");
    let _inner_agent = Agent::start(&inner);
    let home = Home::new();
    home.configure(&format!(
        "[[upstream]]\nsocket = \"{}\"\n",
        inner.socket().display()
    ));
    let _own = Key::make_with(&home, "outer", KeyKind::Quick, "");
    let agent = Agent::start(&home);
    assert_eq!(comments(&home), ["outer@test", "inner@test"]);
    let sshd = Sshd::start(&home, &[&theirs]);
    succeed(&mut sshd.login(&home, "true"));

    // One that was added to the inner agent for this host only.
    let restricted = key(&home, "restricted");
    let sshd = Sshd::start(&home, &[&restricted]);
    let mut ssh_add = inner.command("ssh-add");
    ssh_add.args(["-q", "-H"]).arg(sshd.known_hosts());
    succeed(ssh_add.args(["-h", &sshd.host(), restricted.arg()]));
    succeed(&mut sshd.login(&home, "true"));
    let mut local = Client::connect(agent.socket());
    let unbound = local
        .ask(&sign(&restricted.blob(), b"data", 0))
        .expect("an answer");
    assert_eq!(unbound, [5]);
}

#[test]
fn agents_behind_each_other_in_a_circle_still_list_their_own() {
    let (one, two) = (Home::new(), Home::new());
    let agents = [(&one, &two), (&two, &one)].map(|(home, other)| {
        home.configure(&format!(
            "[[upstream]]\nsocket = \"{}\"\n",
            other.socket().display()
        ));
        Key::make_with(home, "own", KeyKind::Quick, "");
        Agent::start(home)
    });
    for home in [&one, &two, &one] {
        assert_eq!(comments(home)[0], "own@test");
    }
    drop(agents);
}
