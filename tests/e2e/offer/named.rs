//! What a person named for a login is never left out, whichever way it was named.

use super::{STRICT, attempted, explained, keys, knows, learns, offered, told, with};
use crate::support::{Agent, Home, Key, KeyKind, Sshd, succeed, text, user};
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

/// Forty keys, and a server that takes only the last and looks at no more than six.
pub(super) struct Scene {
    pub(super) home: Home,
    pub(super) keys: Vec<Key>,
    pub(super) sshd: Sshd,
    _server: Home,
    _agent: Agent,
}

impl Scene {
    pub(super) fn new() -> Self {
        let (home, server) = (Home::new(), Home::new());
        let keys = keys(&home, 40);
        let sshd = Sshd::saying(&server, &[&keys[39]], STRICT);
        knows(&home, &[&sshd]);
        let agent = Agent::start(&home);
        Self {
            home,
            keys,
            sshd,
            _server: server,
            _agent: agent,
        }
    }

    pub(super) fn right(&self) -> &Key {
        &self.keys[39]
    }

    /// A configuration that says how to get there, and then this.
    fn config(&self, text: &str) -> PathBuf {
        let whole = format!(
            "{text}\nHost *\nHostName 127.0.0.1\nPort {}\nUser {}\nUserKnownHostsFile {}\nGlobalKnownHostsFile none\n\
             StrictHostKeyChecking yes\nBatchMode yes\n",
            self.sshd.port(),
            user(),
            self.sshd.known_hosts().display()
        );
        self.home.write("ssh_config", whole.as_bytes(), 0o600)
    }

    /// `ssh -v` with this configuration.
    pub(super) fn configured(&self, text: &str, words: &[&str]) -> Command {
        let config = self.config(text);
        let mut command = self.home.command("ssh");
        command.args(["-v", "-F"]).arg(config).args(words).arg("true");
        command
    }

    /// Gets in at the first try, with the named key before all others; then all is forgotten.
    #[track_caller]
    pub(super) fn gets_in(&self, command: &mut Command) -> Output {
        let ran = command.output().expect("ssh");
        assert!(ran.status.success(), "{command:?}: {}", text(&ran));
        let wanted = self.right().fingerprint(&self.home);
        assert_eq!(offered(&ran), [wanted], "{command:?}");
        learns(&self.home, 1);
        succeed(&mut self.home.claviger(&["hosts", "forget", "--all"]));
        ran
    }
}

#[test]
fn on_the_command_line_by_key_or_by_its_public_half() {
    let scene = Scene::new();
    let (private, public) = (
        scene.right().arg().to_owned(),
        scene.right().beside(".pub").display().to_string(),
    );
    for only in ["no", "yes"] {
        let only = format!("IdentitiesOnly={only}");
        for name in [&private, &public] {
            let option = format!("IdentityFile={name}");
            let attached = format!("-i{name}");
            for words in [
                &["-i", name, "any"][..],
                &[&attached, "any"],
                &["any", "-o", &option],
            ] {
                let words = [&["-o", &only], words].concat();
                let ran = scene.gets_in(&mut scene.configured("", &words));
                let all = attempted(&ran);
                assert_eq!(all[0], scene.right().fingerprint(&scene.home), "{words:?}");
            }
        }
    }
}

#[test]
fn only_a_public_half_with_identities_only_whatever_worked_there_before() {
    let (home, server, away) = (Home::new(), Home::new(), Home::new());
    let keys = keys(&home, 40);
    let sshd = Sshd::saying(&server, &[&keys[0], &keys[39]], STRICT);
    let _agent = Agent::start(&home);
    // The first key works, and is what would be shown from now on.
    for _ in 0..2 {
        succeed(&mut sshd.login(&home, "true"));
    }
    let public = away.write("named.pub", keys[39].public_line().as_bytes(), 0o644);
    let public = public.to_str().expect("a UTF-8 path");
    let mut command = with(&home, &sshd, &["-v", "-o", "IdentitiesOnly=yes", "-i", public]);
    let ran = command.output().expect("ssh");
    assert!(ran.status.success(), "{}", text(&ran));
    assert_eq!(offered(&ran), [keys[39].fingerprint(&home)]);
    assert_eq!(
        attempted(&ran),
        [keys[39].fingerprint(&home)],
        "ssh filters by itself"
    );
}

#[test]
fn a_certificate_file_names_its_key() {
    let (home, server, ca) = (Home::new(), Home::new(), Home::new());
    let authority = Key::make_with(&ca, "authority", KeyKind::Quick, "");
    let keys = keys(&home, 20);
    keys[19].certify(&ca, &authority, &user());
    // Elsewhere, so that it is not found beside its key: only this login names it.
    let away = ca.path("named-cert.pub");
    fs::rename(keys[19].beside("-cert.pub"), &away).expect("moved");
    let line = format!(
        "{STRICT}\nTrustedUserCAKeys {}",
        authority.beside(".pub").display()
    );
    let sshd = Sshd::saying(&server, &[], &line);
    let agent = Agent::start(&home);
    let certificate = format!("CertificateFile={}", away.display());
    let options = ["-v", "-o", &certificate];
    let ran = with(&home, &sshd, &options).output().expect("ssh");
    assert!(ran.status.success(), "{}\n{}", text(&ran), agent.log());
    assert_eq!(attempted(&ran)[0], keys[19].fingerprint(&home));
    assert!(!told(&ran, "Server accepts key").is_empty());
}

#[test]
fn explain_shows_the_same_keys_as_ssh() {
    let scene = Scene::new();
    let explained = explained(&scene.home, &scene.sshd.host());
    let listed = explained["offered"].as_array().expect("a list").iter();
    let listed: Vec<_> = listed.filter_map(|key| key["fingerprint"].as_str()).collect();
    assert_eq!(listed.len(), 5);
    let ran = with(&scene.home, &scene.sshd, &["-v"]).output().expect("ssh");
    assert_eq!(attempted(&ran), listed);
}
