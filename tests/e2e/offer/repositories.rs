//! Two deploy keys for one user of one host, as at GitHub: the server takes either, and each opens one repository.

use super::{knows, learnt, offered};
use crate::support::{Agent, Home, Key, KeyKind, Sshd, succeed, text, user, wait_until};
use std::process::{Command, Output};
use std::time::{SystemTime, UNIX_EPOCH};

/// A server with `org/one` and `org/two`, which the first and the second key open.
struct Scene {
    home: Home,
    keys: [Key; 2],
    sshd: Sshd,
    _server: Home,
}

impl Scene {
    fn new() -> Self {
        let (home, server) = (Home::new(), Home::new());
        let keys = ["first", "second"].map(|name| Key::make_with(&home, name, KeyKind::Quick, ""));
        let lines = ["one", "two"].iter().zip(&keys).map(|(name, key)| {
            let folder = format!("org/{name}.git");
            succeed(server.command("git").args(["init", "-q", "--bare", &folder]));
            let shell = "exec git-shell -c \\\"$SSH_ORIGINAL_COMMAND\\\"";
            format!(
                "restrict,command=\"cd {} && case \\\"$SSH_ORIGINAL_COMMAND\\\" in *{folder}*) {shell};; esac; \
                 echo not found >&2; exit 1\" {}",
                server.path("").display(),
                key.public_line()
            )
        });
        let lines: String = lines.collect();
        let sshd = Sshd::knowing(&server, &lines);
        knows(&home, &[&sshd]);
        Self {
            home,
            keys,
            sshd,
            _server: server,
        }
    }

    /// `git ls-remote`, by an ssh with these options.
    fn git(&self, repository: &str, options: &str) -> Command {
        let words = self.sshd.ssh();
        let ssh = format!("ssh -v {options} {}", words[1..words.len() - 1].join(" "));
        let mut command = self.home.command("git");
        let url = format!("{}@127.0.0.1:{repository}.git", user());
        command.args(["ls-remote", &url]).env("GIT_SSH_COMMAND", ssh);
        command
    }

    fn run(&self, repository: &str, options: &str) -> Output {
        self.git(repository, options).output().expect("git")
    }

    /// Gets at the repository at once, with the right key alone.
    #[track_caller]
    fn opens(&self, repository: &str, key: usize) {
        let ran = self.run(repository, "");
        assert!(ran.status.success(), "{repository}: {}", text(&ran));
        assert_eq!(
            offered(&ran),
            [self.keys[key].fingerprint(&self.home)],
            "{repository}"
        );
    }

    fn comment(&self, key: usize, comment: &str) {
        let mut keygen = self.home.command("ssh-keygen");
        succeed(keygen.args(["-q", "-c", "-C", comment, "-P", "", "-f", self.keys[key].arg()]));
    }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    since.as_secs()
}

#[test]
fn which_key_opens_which_repository_is_learnt() {
    let scene = Scene::new();
    let mut agent = Agent::start(&scene.home);
    scene.opens("org/one", 0);
    // The server took the key that worked for the other repository: ssh cannot know better.
    let ran = scene.run("org/two", "");
    assert!(
        !ran.status.success() && text(&ran).contains("not found"),
        "{}",
        text(&ran)
    );
    let told = now();
    wait_until("the clock has gone on", || now() > told);
    let named = format!(
        "-i {} -o IdentitiesOnly=yes",
        scene.keys[1].beside(".pub").display()
    );
    let ran = scene.run("org/two", &named);
    assert!(ran.status.success(), "{}", text(&ran));
    wait_until("all is written", || learnt(&scene.home).len() == 3);
    let paths: Vec<_> = learnt(&scene.home)
        .iter()
        .map(|one| one["path"].clone())
        .collect();
    assert_eq!(
        paths.iter().filter(|path| *path == "org/two").count(),
        2,
        "{paths:?}"
    );
    for _ in 0..2 {
        scene.opens("org/one", 0);
        scene.opens("org/two", 1);
    }
    agent.end_by("TERM");
    let _agent = Agent::start(&scene.home);
    scene.opens("org/one", 0);
    scene.opens("org/two", 1);
}

#[test]
fn a_comment_names_a_keys_repository() {
    let scene = Scene::new();
    scene.comment(1, "deploy key of org/two");
    let _agent = Agent::start(&scene.home);
    for _ in 0..2 {
        scene.opens("org/one", 0);
        scene.opens("org/two", 1);
    }
}

#[test]
fn a_rule_names_keys_for_repositories() {
    let scene = Scene::new();
    scene.home.configure(
        "[[host]]\nmatch = [\"127.0.0.1\"]\npath = \"org/tw*\"\nkeys = [\"second\"]\n\
         [[host]]\nmatch = [\"127.0.0.1\"]\npath = \"org/*\"\nkeys = [\"first\"]\n",
    );
    let _agent = Agent::start(&scene.home);
    for _ in 0..2 {
        scene.opens("org/two", 1);
        scene.opens("org/one", 0);
    }
    // A login without a repository is none of theirs.
    let ran = super::with(&scene.home, &scene.sshd, &["-v"])
        .output()
        .expect("ssh");
    assert_eq!(super::attempted(&ran).len(), 2);
}
