//! What Linux' own programs make of what is installed: systemd's, and shells.

use super::{ODD, install, odd, setup, text};
use crate::service::{Part, Setup, State, System, conflicts, plan};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

fn said(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let both = [output.stdout, output.stderr].concat();
    let both = String::from_utf8(both).unwrap();
    assert!(output.status.success(), "{command:?}: {both}");
    both
}

#[test]
fn systemd_takes_the_units_as_they_are() {
    for name in ["plain", "Zoë ${x} 100% %h #;@MARK@", ODD] {
        let dir = tempfile::tempdir().unwrap();
        let setup = odd(dir.path(), name);
        fs::set_permissions(&setup.program, fs::Permissions::from_mode(0o755)).unwrap();
        install(&plan(System::Linux, &setup).unwrap());
        let units = dir.path().join(".config/systemd/user");
        let mut verify = Command::new("systemd-analyze");
        verify
            .args(["verify", "--user", "--man=no"])
            .args([units.join("claviger.socket"), units.join("claviger.service")])
            .env("HOME", dir.path())
            .env("XDG_RUNTIME_DIR", dir.path());
        // It also looks whether the program is there.
        assert_eq!(said(&mut verify), "", "{name}");
    }
}

#[test]
fn a_unit_that_says_what_systemd_does_not_know_would_be_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let setup = odd(dir.path(), "missing");
    fs::remove_file(&setup.program).unwrap();
    install(&plan(System::Linux, &setup).unwrap());
    let unit = dir.path().join(".config/systemd/user/claviger.service");
    let text = fs::read_to_string(&unit)
        .unwrap()
        .replace("LockPersonality", "LockPersonalities");
    fs::write(&unit, text).unwrap();
    let output = Command::new("systemd-analyze")
        .args(["verify", "--user", "--man=no"])
        .arg(&unit)
        .env("XDG_RUNTIME_DIR", dir.path())
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(
        told.contains("LockPersonalities") && told.contains("not executable"),
        "{told}"
    );
}

#[test]
fn the_sandbox_is_worth_what_the_guide_says() {
    let dir = tempfile::tempdir().unwrap();
    install(&plan(System::Linux, &odd(dir.path(), "plain")).unwrap());
    let guide = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/guide.md")).unwrap();
    let score = guide
        .split("exposure of **")
        .nth(1)
        .and_then(|rest| rest.split("**").next())
        .unwrap();
    let threshold = (score.parse::<f32>().unwrap() * 10.0).round();
    said(
        Command::new("systemd-analyze")
            .args(["security", "--user", "--offline=true", "--no-pager"])
            .arg(format!("--threshold={threshold}"))
            .arg(dir.path().join(".config/systemd/user/claviger.service"))
            .env("XDG_RUNTIME_DIR", dir.path()),
    );
}

#[test]
fn systemd_and_shells_read_the_socket_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let own = odd(dir.path(), ODD);
    let chosen = own.socket.clone().unwrap();
    let _listener = std::os::unix::net::UnixListener::bind(&chosen).unwrap();
    let usual = dir.path().join("claviger/agent.sock");
    fs::create_dir(dir.path().join("claviger")).unwrap();
    let _other = std::os::unix::net::UnixListener::bind(&usual).unwrap();
    for (setup, socket) in [(own, chosen), (setup(dir.path()), usual)] {
        let plan = plan(System::Linux, &setup).unwrap();
        let bare = |program: &str| {
            let mut command = Command::new(program);
            command
                .env_remove("SSH_AUTH_SOCK")
                .env_remove("SSH_CONNECTION")
                .env_remove("XDG_CONFIG_HOME")
                .env("HOME", dir.path())
                .env("XDG_RUNTIME_DIR", dir.path());
            command
        };
        let socket = socket.to_str().unwrap();
        for shell in ["sh", "bash"] {
            let shown = format!("set -eu; {}printf %s \"$SSH_AUTH_SOCK\"", text(&plan, ".profile"));
            assert_eq!(said(bare(shell).args(["-c", &shown])), socket, "{shell}");
            let forwarded = said(
                bare(shell)
                    .args(["-c", &shown])
                    .env("SSH_CONNECTION", "x")
                    .env("SSH_AUTH_SOCK", "y"),
            );
            assert_eq!(forwarded, "y", "the agent that the login brought");
            let other = said(bare(shell).args(["-c", &shown]).env("SSH_AUTH_SOCK", "y"));
            assert_eq!(other, socket, "another one of this machine gives way");
        }
        let shown = format!("{}printf %s $SSH_AUTH_SOCK", text(&plan, "claviger.fish"));
        assert_eq!(said(bare("fish").args(["-l", "-c", &shown])), socket);
        let forwarded = said(
            bare("fish")
                .args(["-l", "-c", &shown])
                .env("SSH_CONNECTION", "x")
                .env("SSH_AUTH_SOCK", "y"),
        );
        assert_eq!(forwarded, "y");
        let conf = dir.path().join(".config/environment.d/90-claviger.conf");
        fs::create_dir_all(conf.parent().unwrap()).unwrap();
        fs::write(&conf, text(&plan, "90-claviger.conf")).unwrap();
        let generated = said(&mut bare(
            "/usr/lib/systemd/user-environment-generators/30-systemd-environment-d-generator",
        ));
        let line = generated
            .lines()
            .find(|line| line.starts_with("SSH_AUTH_SOCK="))
            .unwrap();
        // It answers in sh's words.
        assert_eq!(
            said(bare("sh").args(["-c", &format!("{line}; printf %s \"$SSH_AUTH_SOCK\"")])),
            socket
        );
    }
}

#[test]
fn parts_come_and_go_without_a_trace() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path();
    fs::write(home.join(".profile"), "umask 022").unwrap();
    fs::write(home.join(".bash_login"), "# mine\n").unwrap();
    fs::create_dir_all(home.join(".config/fish")).unwrap();
    let first = plan(System::Linux, &setup(home)).unwrap();
    install(&first);
    let other = Setup {
        program: "/opt/claviger".into(),
        ..setup(home)
    };
    let second = plan(System::Linux, &other).unwrap();
    let outdated = |part: &&Part| part.state().unwrap() == State::Outdated;
    assert_eq!(
        second.parts.iter().filter(outdated).count(),
        1,
        "the service names the program"
    );
    assert!(second.parts[0].install(false).unwrap());
    assert!(!second.parts[0].install(false).unwrap(), "again is nothing to do");
    // Which files are in use may have changed since.
    fs::write(home.join(".bash_profile"), "").unwrap();
    let third = plan(System::Linux, &other).unwrap();
    for part in third.parts.iter().chain(&third.elsewhere).rev() {
        part.remove(false, home).unwrap();
    }
    assert_eq!(fs::read_to_string(home.join(".profile")).unwrap(), "umask 022");
    assert_eq!(fs::read_to_string(home.join(".bash_login")).unwrap(), "# mine\n");
    let mut left: Vec<_> = fs::read_dir(home)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    left.sort();
    assert_eq!(left, [".bash_login", ".bash_profile", ".profile"]);
}

#[test]
fn what_is_not_ours_is_never_overwritten_unasked() {
    let dir = tempfile::tempdir().unwrap();
    let plan = plan(System::Linux, &setup(dir.path())).unwrap();
    let unit = &plan.parts[0];
    fs::create_dir_all(unit.path.parent().unwrap()).unwrap();
    for (theirs, state, word) in [
        (
            "[Service]\nExecStart=/mine\n".to_owned(),
            State::Foreign,
            "not claviger's",
        ),
        (unit.text() + "Nice=5\n", State::Changed, "systemctl --user edit"),
    ] {
        fs::write(&unit.path, &theirs).unwrap();
        assert_eq!(unit.state().unwrap(), state);
        let refused = unit.install(false).unwrap_err().to_string();
        assert!(refused.contains(word) && refused.contains("--force"), "{refused}");
        assert_eq!(fs::read_to_string(&unit.path).unwrap(), theirs);
        unit.install(true).unwrap();
        assert_eq!(unit.state().unwrap(), State::Installed);
    }
    let backup = |name: &str| fs::read_to_string(unit.path.with_file_name(name)).unwrap();
    assert!(backup("claviger.service.claviger-backup").contains("/mine"));
    assert!(backup("claviger.service.claviger-backup.1").contains("Nice=5"));
    fs::remove_file(&unit.path).unwrap();
    symlink("/dev/null", &unit.path).unwrap();
    assert_eq!(unit.state().unwrap(), State::Foreign, "a masked unit");
    assert!(!unit.remove(true, dir.path()).unwrap() && unit.path.is_symlink());
}

#[test]
fn other_agents_of_the_login_are_named_with_the_way_to_turn_them_off() {
    let dir = tempfile::tempdir().unwrap();
    let setup = setup(dir.path());
    assert_eq!(conflicts(System::Linux, &setup), []);
    let etc = setup.root.join("etc/systemd/user/sockets.target.wants");
    let usr = setup
        .root
        .join("usr/lib/systemd/user/graphical-session-pre.target.wants");
    let autostart = setup.root.join("etc/xdg/autostart");
    for dir in [
        &etc,
        &usr,
        &autostart,
        &setup.config_home.join("systemd/user"),
        &setup.config_home.join("autostart"),
        &setup.home.join(".gnupg"),
    ] {
        fs::create_dir_all(dir).unwrap();
    }
    for unit in ["gcr-ssh-agent.socket", "gpg-agent-ssh.socket"] {
        symlink(format!("/usr/lib/systemd/user/{unit}"), etc.join(unit)).unwrap();
    }
    symlink("../ssh-agent.service", usr.join("ssh-agent.service")).unwrap();
    fs::write(autostart.join("gnome-keyring-ssh.desktop"), "[Desktop Entry]\n").unwrap();
    let names = || {
        let found = conflicts(System::Linux, &setup);
        found.into_iter().map(|c| (c.name, c.takes)).collect::<Vec<_>>()
    };
    let expected = [
        ("gcr-ssh-agent.socket", true),
        ("ssh-agent.service", true),
        ("gpg-agent-ssh.socket", false),
        ("gnome-keyring-ssh.desktop", true),
    ];
    assert_eq!(names(), expected.map(|(name, takes)| (name.to_owned(), takes)));
    fs::write(setup.home.join(".gnupg/gpg-agent.conf"), "enable-ssh-support\n").unwrap();
    let gpg: Vec<_> = names()
        .into_iter()
        .filter(|(name, _)| name.contains("gpg"))
        .collect();
    assert!(gpg.len() == 2 && gpg.iter().all(|(_, takes)| *takes), "{gpg:?}");
    // As the remedies have it.
    fs::remove_file(setup.home.join(".gnupg/gpg-agent.conf")).unwrap();
    for unit in [
        "gcr-ssh-agent.socket",
        "gpg-agent-ssh.socket",
        "ssh-agent.service",
    ] {
        symlink("/dev/null", setup.config_home.join("systemd/user").join(unit)).unwrap();
    }
    fs::write(
        setup.config_home.join("autostart/gnome-keyring-ssh.desktop"),
        "[Desktop Entry]\nHidden=true\n",
    )
    .unwrap();
    assert_eq!(names(), []);
}
