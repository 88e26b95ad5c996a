//! The real forwarding chain: ssh -A over several real sshds, ssh -J, and keys restricted to steps of that way.

use crate::support::{Agent, Home, Key, KeyKind, Sshd, succeed, text, user};
use std::process::Command;

/// One agent, one key that every host lets in, and three hosts with a home each.
struct Net {
    home: Home,
    agent: Agent,
    key: Key,
    hosts: [(Home, Sshd); 3],
}

impl Net {
    fn new() -> Self {
        Self::with(|home, key| Sshd::start(home, &[key]))
    }

    fn with(start: impl Fn(&Home, &Key) -> Sshd) -> Self {
        let home = Home::new();
        let key = Key::make_with(&home, "restricted", KeyKind::Quick, "").moved(&home, "elsewhere");
        let hosts = [(); 3].map(|()| {
            let home = Home::new();
            let sshd = start(&home, &key);
            (home, sshd)
        });
        let agent = Agent::start(&home);
        Self {
            home,
            agent,
            key,
            hosts,
        }
    }

    fn sshd(&self, host: usize) -> &Sshd {
        &self.hosts[host].1
    }

    /// Adds the key for these steps alone: "0" is host 0 from here, "0>1" host 1 from there, "0>USER@1" for a user.
    fn add_for(&self, steps: &[&str]) {
        let mut add = self.home.command("ssh-add");
        add.arg("-q");
        for (_, sshd) in &self.hosts {
            add.arg("-H").arg(sshd.known_hosts());
        }
        for step in steps {
            let hops: Vec<String> = step.split('>').map(|hop| self.named(hop)).collect();
            add.args(["-h", &hops.join(">")]);
        }
        succeed(add.arg(self.key.arg()));
    }

    fn named(&self, hop: &str) -> String {
        let (user, host) = hop
            .rsplit_once('@')
            .map_or((None, hop), |(user, host)| (Some(user), host));
        let host = self.sshd(host.parse().expect("a number")).host();
        user.map_or(host.clone(), |user| format!("{user}@{host}"))
    }

    /// Logs in along `way`, forwarding the agent to each host but the last (with `-A` also there), and runs `remote`.
    fn ssh(&self, way: &[usize], forward_to_last: bool, remote: &str) -> Command {
        let mut line = remote.to_owned();
        for (position, &host) in way.iter().enumerate().rev() {
            let mut words = self.sshd(host).ssh();
            if forward_to_last || position + 1 < way.len() {
                words.insert(1, "-A".into());
            }
            line = format!("{} {}", words.join(" "), quoted(&line));
        }
        let mut command = self.home.command("sh");
        command.args(["-c", &line]);
        command
    }

    #[track_caller]
    fn arrives(&self, way: &[usize]) {
        assert_eq!(succeed(&mut self.ssh(way, false, "echo in")), "in\n", "{way:?}");
    }

    #[track_caller]
    fn is_refused(&self, way: &[usize]) {
        let output = self.ssh(way, false, "echo in").output().expect("ssh");
        assert!(!output.status.success(), "{way:?}: {}", text(&output));
        assert!(
            text(&output).contains("Permission denied"),
            "{way:?}: {}",
            text(&output)
        );
    }

    /// Whether a tool on the last host of `way`, to which the agent is forwarded, sees the key.
    fn is_seen_from(&self, way: &[usize]) -> bool {
        let output = self.ssh(way, true, "ssh-add -l").output().expect("ssh");
        let said = text(&output);
        let seen = said.contains("restricted@test");
        assert!(seen || said.contains("The agent has no identities."), "{said}");
        seen
    }
}

fn quoted(line: &str) -> String {
    format!("'{}'", line.replace('\'', "'\\''"))
}

#[test]
fn a_free_key_goes_three_hops_and_through_a_jump_host() {
    let net = Net::new();
    succeed(net.home.command("ssh-add").args(["-q", net.key.arg()]));
    net.arrives(&[0, 1, 2]);
    assert!(net.is_seen_from(&[0, 1, 2]));
    succeed(&mut jump(&net, 0, 1));
}

#[test]
fn a_restricted_key_takes_each_step_that_it_is_for_and_no_other() {
    let net = Net::new();
    net.add_for(&["0", "0>1", "1>2"]);
    net.arrives(&[0]);
    net.arrives(&[0, 1]);
    net.arrives(&[0, 1, 2]);
    assert!(net.is_seen_from(&[0]) && net.is_seen_from(&[0, 1]));
    assert!(
        !net.is_seen_from(&[0, 1, 2]),
        "there is nowhere to go from the last host"
    );
    for way in [&[1][..], &[2], &[0, 2], &[0, 1, 0]] {
        net.is_refused(way);
    }
}

#[test]
fn a_restriction_to_a_user_is_a_pattern() {
    let net = Net::new();
    let user = user();
    let fits = format!("{}*", &user[..1]);
    net.add_for(&["0", &format!("0>{fits}@1"), "0>somebody-else@2"]);
    net.arrives(&[0, 1]);
    net.is_refused(&[0, 2]);
    let log = net.agent.log();
    assert!(
        log.contains("no destination of the key allows this user on this host"),
        "{log}"
    );
}

#[test]
fn hosts_with_certificates_are_known_by_their_authority() {
    let ca = Home::new();
    let (authority, other) = (
        Key::make_with(&ca, "authority", KeyKind::Quick, ""),
        Key::make_with(&ca, "other", KeyKind::Quick, ""),
    );
    let net = Net::with(|home, key| Sshd::certified(home, &[key], &authority));
    net.add_for(&["0", "0>1"]);
    net.arrives(&[0, 1]);
    net.is_refused(&[1]);
    net.is_refused(&[0, 2]);

    // The same steps, but the hosts are another authority's.
    let mut add = net.home.command("ssh-add");
    let lines: String = [0, 1]
        .map(|host| {
            format!(
                "@cert-authority {} {}",
                net.sshd(host).host(),
                other.public_line()
            )
        })
        .concat();
    let known = net.home.write("other_hosts", lines.as_bytes(), 0o600);
    add.args(["-q", "-h", &net.named("0"), "-H"]).arg(known);
    succeed(add.arg(net.key.arg()));
    net.is_refused(&[0]);
}

/// `ssh -J`: two logins from here, none of them forwarded.
fn jump(net: &Net, through: usize, to: usize) -> Command {
    let proxy = net.sshd(through).ssh();
    let mut words = net.sshd(to).ssh();
    words.insert(
        1,
        format!("-oProxyCommand={} -W %h:%p {}", join(&proxy), last(&proxy)),
    );
    let mut command = net.home.command(&words[0]);
    command.args(&words[1..]).arg("echo in");
    command
}

/// All words but the last, the destination.
fn join(words: &[String]) -> String {
    words[..words.len() - 1].join(" ")
}

fn last(words: &[String]) -> &str {
    words.last().map_or("", String::as_str)
}

#[test]
fn a_jump_host_is_a_way_and_not_a_step() {
    let net = Net::new();
    net.add_for(&["0", "1"]);
    assert_eq!(succeed(&mut jump(&net, 0, 1)), "in\n");
    net.add_for(&["0", "0>1"]);
    let refused = jump(&net, 0, 1).output().expect("ssh");
    assert!(!refused.status.success(), "{}", text(&refused));
    let through = net.sshd(0).log();
    assert!(
        through.contains("Accepted publickey"),
        "the jump host was reached:\n{through}"
    );
}
