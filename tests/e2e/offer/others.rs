//! Clients that never say where they go, and an agent that chooses nothing.

use super::{STRICT, attempted, fingerprints, keys, knows, learnt, logins, with};
use crate::support::home::claviger;
use crate::support::{Agent, Home, Key, Sshd, succeed, text, user};
use std::process::Output;

/// `plink`, which asks the agent for its keys and binds to nothing.
fn plink(home: &Home, sshd: &Sshd) -> Output {
    let public = ssh_key::PublicKey::from_openssh(&sshd.host_key()).expect("a host key");
    let fingerprint = public.fingerprint(ssh_key::HashAlg::Sha256).to_string();
    let mut command = home.command("plink");
    command.args(["-ssh", "-batch", "-v", "-agent", "-hostkey", &fingerprint]);
    command.args([
        "-P",
        &sshd.port().to_string(),
        &format!("{}@127.0.0.1", user()),
        "true",
    ]);
    command.output().expect("plink")
}

/// How many keys it was shown.
fn shown(ran: &Output) -> usize {
    let said = text(ran);
    let line = said.lines().find_map(|line| line.strip_prefix("Pageant has "));
    let count = line.and_then(|line| line.split(' ').next());
    count
        .and_then(|count| count.parse().ok())
        .unwrap_or_else(|| panic!("{said}"))
}

#[test]
fn plink_is_shown_all_or_what_the_configuration_says() {
    let (home, server) = (Home::new(), Home::new());
    let keys = keys(&home, 12);
    let sshd = Sshd::start(&server, &[&keys[11]]);
    knows(&home, &[&sshd]);
    for (config, count) in [
        ("", 12),
        ("[offer]\nunbound_max = 4\n", 4),
        (
            "[[host]]\nmatch = [\"127.0.0.1\"]\nkeys = [\"key_12\", \"key_11\"]\n",
            2,
        ),
        (
            "[[host]]\nmatch = [\"other.example.net\"]\nkeys = [\"key_01\"]\n",
            12,
        ),
    ] {
        home.configure(config);
        let agent = Agent::start(&home);
        let ran = plink(&home, &sshd);
        assert_eq!(shown(&ran), count, "{config}");
        assert_eq!(ran.status.success(), count != 4, "{config}: {}", text(&ran));
        drop(agent);
    }
    assert!(learnt(&home).is_empty(), "what nobody proved is not learnt");
}

#[test]
fn plink_profits_from_what_ssh_taught() {
    let (home, server) = (Home::new(), Home::new());
    let keys = keys(&home, 12);
    let sshd = Sshd::saying(&server, &[&keys[11]], STRICT);
    knows(&home, &[&sshd]);
    home.configure("[offer]\nunbound_max = 4\n");
    let _agent = Agent::start(&home);
    assert!(!plink(&home, &sshd).status.success());
    assert!(
        !plink(&home, &sshd).status.success(),
        "nothing proves that these were refused"
    );
    logins(&home, &sshd, 3);
    let ran = plink(&home, &sshd);
    assert!(ran.status.success(), "{}", text(&ran));
}

#[test]
fn tools_that_must_see_everything_do() {
    let home = Home::new();
    let keys = keys(&home, 12);
    home.configure("[offer]\nmax = 2\nunbound_max = 2\n[[host]]\nmatch = [\"*\"]\nkeys = [\"none\"]\n");
    let _agent = Agent::start(&home);
    let listed = succeed(home.command("ssh-add").arg("-l"));
    assert_eq!(listed.lines().count(), 12);
    let message = home.write("message", b"text", 0o600);
    let mut sign = home.command("ssh-keygen");
    sign.args(["-q", "-Y", "sign", "-n", "file", "-f"])
        .arg(keys[11].beside(".pub"));
    succeed(sign.arg(message));
}

#[test]
fn in_ssh_agents_place_all_are_listed_in_the_order_in_which_they_came() {
    let (home, server) = (Home::new(), Home::new());
    let made: Vec<Key> = keys(&home, 12)
        .into_iter()
        .map(|key| key.moved(&home, "elsewhere"))
        .collect();
    let sshd = Sshd::saying(&server, &[&made[11]], STRICT);
    knows(&home, &[&sshd]);
    let ssh_agent = home.path("ssh-agent");
    std::os::unix::fs::symlink(claviger(), &ssh_agent).expect("a link");
    let mut command = home.command(&ssh_agent);
    let _agent = Agent::from_command(&home, command.arg("-D").arg("-a").arg(home.socket()));
    for key in &made {
        succeed(home.command("ssh-add").args(["-q", key.arg()]));
    }
    let all = fingerprints(&home, &made);
    for _ in 0..4 {
        let ran = with(&home, &sshd, &["-v"]).output().expect("ssh");
        assert!(
            text(&ran).contains("Too many authentication failures"),
            "{}",
            text(&ran)
        );
        assert_eq!(attempted(&ran), all);
    }
    succeed(&mut with(
        &home,
        &sshd,
        &["-i", made[11].beside(".pub").to_str().expect("a path")],
    ));
    let ran = with(&home, &sshd, &["-v"]).output().expect("ssh");
    assert_eq!(attempted(&ran), all, "it learns nothing");
}
