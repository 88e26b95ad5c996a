//! Where the socket is, and what happens to those that others left behind.
use crate::drop_in::{DropIn, answers};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o7777
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

#[test]
fn the_usual_place_is_in_the_home_and_private() {
    let home = DropIn::new();
    let agent = home.front(&["-D"], 2);
    let socket = agent.socket();
    assert_eq!(socket.parent(), Some(&*home.path(".ssh/agent")));
    assert_eq!(
        (
            mode(&home.path(".ssh")),
            mode(&home.path(".ssh/agent")),
            mode(&socket)
        ),
        (0o700, 0o700, 0o600)
    );
    let name = name(&socket);
    let parts: Vec<_> = name.split('.').collect();
    let pid = agent.child.id().to_string();
    assert_eq!((parts[0], parts[2], parts[3]), ("s", "local", pid.as_str()));
    assert_eq!((parts.len(), parts[1].len(), parts[4].len()), (5, 10, 10));
    assert!(answers(&home, &socket));
}

#[test]
fn a_place_can_be_chosen() {
    let home = DropIn::new();
    let agent = home.front(&["-D", "-A", "user:my agents"], 2);
    assert!(agent.lines[0].starts_with("SSH_AUTH_SOCK=\"") && home.path("my agents").is_dir());
    let shared = format!("shared:{}", home.home.path().display());
    // TMPDIR, which is this home, does not count.
    for (args, parent) in [
        (&["-D", "-T"][..], Path::new("/tmp")),
        (&["-D", "-A", &shared], home.home.path()),
    ] {
        let agent = home.front(args, 2);
        let socket = agent.socket();
        let dir = socket.parent().unwrap().to_owned();
        assert_eq!(dir.parent(), Some(parent));
        assert_eq!(name(&dir).strip_prefix("ssh-").map(str::len), Some(12));
        assert_eq!(name(&socket), format!("agent.local.{}", agent.child.id()));
        assert_eq!((mode(&dir), mode(&socket)), (0o700, 0o600));
        agent.end("TERM");
        assert!(!dir.exists());
    }
}

#[test]
fn a_place_that_cannot_be_is_told_in_opensshs_words() {
    let home = DropIn::new();
    let at = home.home.path().display();
    fs::write(home.path("file"), "").unwrap();
    let missing = format!(
        "agent_listener_shared: failed to create temporary directory in \"{at}/missing/ssh-XXXXXXXXXXXX\": \
         No such file or directory\r\n"
    );
    let blocked = format!(
        "agent_cleanup_stale: opendir \"{at}/file/x\": Not a directory\r\n\
         mkdir_path: open(\"{at}/file\"): Not a directory\r\n\
         agent_listener_user: failed to create agent socket parent directory\r\n"
    );
    let nobody = "tilde_expand: No such user nobody-of-this-name\r\n\
        expand_pathspec: failed to user-expand agent socket directory\r\n";
    for (place, text) in [
        ("", "agent_listener: no agent path specified\r\n"),
        (&format!("shared:{at}/missing"), &missing),
        ("user:file/x", &blocked),
        (
            "user:/proc/x/y",
            "mkdir_path: mkdir(\"/proc/x\"): No such file or directory\r\n\
             agent_listener_user: failed to create agent socket parent directory\r\n",
        ),
        ("user:~nobody-of-this-name/x", &nobody.repeat(2)),
        ("x", "agent_listener: unsupported agent path specification x\r\n"),
        (
            "shared:x",
            "agent_listener: shared agent socket paths must be absolute\r\n",
        ),
    ] {
        let ran = home.run(&["-D", "-A", place]);
        let text = format!("{text}main: Couldn't prepare agent socket\r\n");
        assert_eq!((ran.code, ran.err), (255, text));
    }
}

#[test]
fn what_is_at_the_given_path_is_left_alone() {
    let home = DropIn::new();
    drop(UnixListener::bind(home.path("dead")).unwrap());
    fs::write(home.path("file"), "text").unwrap();
    for taken in ["dead", "file"] {
        let ran = home.run(&["-a", taken, "true"]);
        assert_eq!(ran.code, 1);
        assert!(ran.err.ends_with(": Address already in use\r\n"), "{}", ran.err);
        assert!(home.path(taken).symlink_metadata().is_ok());
    }
    assert_eq!(fs::read_to_string(home.path("file")).unwrap(), "text");
}

fn aged(path: &Path) {
    drop(UnixListener::bind(path).unwrap());
    let touched = Command::new("touch")
        .args(["-d", "2 hours ago"])
        .arg(path)
        .status();
    assert!(touched.unwrap().success());
}

#[test]
fn old_dead_sockets_of_this_host_are_removed_at_the_start_and_by_u() {
    let home = DropIn::new();
    let first = home.front(&["-D"], 2);
    let own = name(&first.socket());
    let host = &own[..13];
    let at = |name: &str| home.path(".ssh/agent").join(name);
    let make = || {
        let dead = at(&format!("{host}sshd.1.abcdefghij"));
        if !dead.exists() {
            aged(&dead);
        }
        dead
    };
    let other = at("s.0000000000.local.1.abcdefghij");
    aged(&other);
    let young = at(&format!("{host}local.2.abcdefghij"));
    drop(UnixListener::bind(&young).unwrap());

    let dead = make();
    home.front(&["-D", "-U"], 2).end("TERM");
    assert!(dead.exists());
    home.front(&["-D"], 2).end("TERM");
    assert!(!dead.exists() && other.exists() && young.exists());

    let dead = make();
    let ran = home.run(&["-u"]);
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (0, "Deleted stale agent sockets in ~/user:.ssh/agent\n")
    );
    assert!(!dead.exists() && other.exists() && young.exists());
    assert_eq!(home.run(&["-uu"]).code, 0);
    assert!(!other.exists() && young.exists());
    assert!(answers(&home, &first.socket()));
}
