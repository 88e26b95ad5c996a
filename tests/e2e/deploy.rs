//! Keys onto a real server's authorized_keys and off it, through the real ssh.

use crate::support::{Agent, Home, Key, KeyKind, Sshd, text, user};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Output;

/// A server, a key that logs in there, and one that is to come.
struct Scene {
    home: Home,
    server: Home,
    sshd: Sshd,
    new: Key,
    _agent: Agent,
}

impl Scene {
    fn new() -> Self {
        let (home, server) = (Home::new(), Home::new());
        let known = Key::make_with(&home, "id_known", KeyKind::Quick, "");
        let new = Key::make_with(&home, "id_new", KeyKind::Quick, "");
        let sshd = Sshd::of_users_in(&server, &[&known]);
        let agent = Agent::start(&home);
        Self {
            home,
            server,
            sshd,
            new,
            _agent: agent,
        }
    }

    fn run(&self, verb: &str, arguments: &[&str]) -> Output {
        self.run_with(verb, arguments, &[])
    }

    fn run_with(&self, verb: &str, arguments: &[&str], options: &[&str]) -> Output {
        let mut command = self.home.claviger(&[verb, "--key", self.new.arg()]);
        command.args(arguments).arg(format!("{}@127.0.0.1", user()));
        let known = format!("UserKnownHostsFile={}", self.sshd.known_hosts().display());
        let port = self.sshd.port().to_string();
        command.args([
            "--",
            "-F",
            "none",
            "-o",
            &known,
            "-o",
            "BatchMode=yes",
            "-p",
            &port,
        ]);
        command.args(options).output().expect("claviger")
    }

    fn authorized(&self) -> String {
        fs::read_to_string(self.server.path(".ssh/authorized_keys")).expect("authorized_keys")
    }
}

#[test]
fn a_key_comes_and_goes_and_everything_else_stays_byte_for_byte() {
    let scene = Scene::new();
    // No end of line: the new one must not be glued to it.
    let before = format!("# ours\r\n\n{}", scene.authorized().trim_end());
    scene
        .server
        .write(".ssh/authorized_keys", before.as_bytes(), 0o600);
    let dry = scene.run("deploy", &["--dry-run"]);
    assert!(
        dry.status.success() && text(&dry).contains("would add"),
        "{}",
        text(&dry)
    );
    assert_eq!(scene.authorized(), before);

    let done = scene.run("deploy", &[]);
    assert!(done.status.success(), "{}", text(&done));
    assert!(
        text(&done).contains("a login with the key works"),
        "{}",
        text(&done)
    );
    let expected = format!("{before}\n{}", scene.new.public_line());
    assert_eq!(scene.authorized(), expected);
    let again = scene.run("deploy", &[]);
    assert!(
        again.status.success() && text(&again).contains("there already"),
        "{}",
        text(&again)
    );
    assert_eq!(scene.authorized(), expected);

    let gone = scene.run("revoke", &[]);
    assert!(gone.status.success(), "{}", text(&gone));
    assert_eq!(scene.authorized().trim_end(), before);
    let again = scene.run("revoke", &[]);
    assert!(
        again.status.success() && text(&again).contains("not there"),
        "{}",
        text(&again)
    );
}

#[test]
fn the_folder_and_the_file_are_made_private() {
    let scene = Scene::new();
    // The server reads its keys here, but the user's own folder is gone: only what is made is looked at.
    let keys = scene.server.path("elsewhere");
    fs::rename(scene.server.path(".ssh"), &keys).expect("moved");
    let target = keys.join("authorized_keys");
    let line = format!("AuthorizedKeysFile {}", target.display());
    let sshd = Sshd::of_users_elsewhere(&scene.server, &line);
    let scene = Scene { sshd, ..scene };
    let done = scene.run("deploy", &["--no-check"]);
    assert!(done.status.success(), "{}", text(&done));
    let mode = |name: &str| {
        let state = fs::metadata(scene.server.path(name)).expect("it was made");
        state.permissions().mode() & 0o777
    };
    assert_eq!((mode(".ssh"), mode(".ssh/authorized_keys")), (0o700, 0o600));
    assert_eq!(scene.authorized(), scene.new.public_line());
    // And where the server does not look there, the check says so.
    let checked = scene.run("deploy", &[]);
    assert_eq!(checked.status.code(), Some(1), "{}", text(&checked));
    assert!(
        text(&checked).contains("AuthorizedKeysFile"),
        "{}",
        text(&checked)
    );
}

#[test]
fn the_last_key_stays_unless_it_is_meant() {
    let scene = Scene::new();
    assert!(scene.run("deploy", &[]).status.success());
    scene.server.write(
        ".ssh/authorized_keys",
        format!("from=\"127.0.0.1\" {}", scene.new.public_line()).as_bytes(),
        0o600,
    );
    let kept = scene.run("revoke", &[]);
    assert_eq!(kept.status.code(), Some(1), "{}", text(&kept));
    assert!(text(&kept).contains("--force"), "{}", text(&kept));
    assert!(scene.authorized().contains("id_new@test"));
    let gone = scene.run("revoke", &["--force"]);
    assert!(gone.status.success(), "{}", text(&gone));
    assert_eq!(scene.authorized(), "");
}

#[test]
fn what_is_no_posix_shell_and_who_is_not_let_in_are_told() {
    let mut scene = Scene::new();
    let refused = scene.run_with("deploy", &[], &["-o", "PubkeyAuthentication=no"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused).contains("could not log in"), "{}", text(&refused));

    let keys = scene.server.path(".ssh/authorized_keys");
    for command in ["/bin/echo This account is for git only", "/bin/cat"] {
        let line = format!("AuthorizedKeysFile {}\nForceCommand {command}", keys.display());
        let sshd = Sshd::of_users_elsewhere(&scene.server, &line);
        scene.sshd = sshd;
        let refused = scene.run("deploy", &[]);
        assert_eq!(refused.status.code(), Some(1));
        assert!(text(&refused).contains("no POSIX shell"), "{}", text(&refused));
        assert!(!scene.authorized().contains("id_new"));
    }
}

#[test]
fn the_check_is_made_where_paths_have_blanks_and_percents() {
    let scene = Scene::new();
    let mut command = scene.home.claviger(&["deploy", "--key", scene.new.arg()]);
    let known = format!("UserKnownHostsFile={}", scene.sshd.known_hosts().display());
    command
        .env("CLAVIGER_STATE_DIR", scene.home.path("a state % of d"))
        .arg(format!("{}@127.0.0.1", user()))
        .args(["--", "-F", "none", "-o", &known, "-o", "BatchMode=yes", "-p"])
        .arg(scene.sshd.port().to_string());
    let done = command.output().expect("claviger");
    assert!(done.status.success(), "{}", text(&done));
    assert!(
        text(&done).contains("a login with the key works"),
        "{}",
        text(&done)
    );
}

#[test]
fn what_was_done_is_told_as_json_too() {
    let scene = Scene::new();
    let json = |verb: &str, arguments: &[&str]| {
        let output = scene.run(verb, &[&["--json"], arguments].concat());
        assert!(output.status.success(), "{}", text(&output));
        serde_json::from_slice::<serde_json::Value>(&output.stdout).expect("JSON")
    };
    let dry = json("deploy", &["--dry-run"]);
    assert_eq!(
        (&dry["result"], &dry["login"]),
        (&"would_add".into(), &serde_json::Value::Null)
    );
    let added = json("deploy", &[]);
    assert_eq!(added["result"], "added");
    assert_eq!((&added["other_keys"], &added["login"]), (&1.into(), &true.into()));
    assert_eq!(added["fingerprint"], scene.new.fingerprint(&scene.home));
    assert_eq!(added["host"], format!("{}@127.0.0.1", user()));
    assert_eq!(json("deploy", &["--no-check"])["result"], "present");
    let removed = json("revoke", &[]);
    assert_eq!(
        (&removed["result"], &removed["lines"]),
        (&"removed".into(), &1.into())
    );
    assert_eq!(json("revoke", &[])["result"], "absent");
}
