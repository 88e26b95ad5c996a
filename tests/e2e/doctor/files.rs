//! Permissions, owners, links; and what `--fix` does about them.

use super::{Found, at_home};
use crate::support::{Agent, Home, Key, KeyKind, is_root, succeed, text};
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

fn mode(path: &Path) -> u32 {
    path.metadata().expect("a file").mode() & 0o7777
}

fn set(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("its mode");
}

/// A home with everything that has permissions worth a look, all in order; and a key.
fn healthy() -> (Home, Key) {
    let home = Home::new();
    let key = Key::make(&home, "id_a", KeyKind::Quick);
    for dir in [
        "state",
        "state/claviger",
        "share",
        "share/claviger",
        "keys",
        "conf",
    ] {
        fs::create_dir(home.path(dir)).expect("a directory");
        set(&home.path(dir), 0o700);
    }
    for file in [
        ".ssh/config",
        ".ssh/authorized_keys",
        "share/claviger/vault.kdbx",
        "state/claviger/history.sqlite3",
        "key.file",
        "db.kdbx",
    ] {
        home.write(file, b"", 0o600);
    }
    home.configure(
        "keys.dirs = [\"~/.ssh\", \"~/keys\"]\n[[kdbx]]\npath = \"~/db.kdbx\"\nkey_file = \"~/key.file\"\n",
    );
    (home, key)
}

#[test]
fn each_permission_that_is_too_open_is_told_and_mended_once() {
    let (home, _key) = healthy();
    let before = Found::of(&home, &[]);
    for (name, open, code, mended) in [
        ("", 0o722, "home-writable", 0o700),
        (".ssh", 0o770, "ssh-dir-writable", 0o700),
        (".ssh", 0o755, "ssh-dir-readable", 0o700),
        (".ssh/config", 0o664, "ssh-config-writable", 0o644),
        (".ssh/authorized_keys", 0o622, "authorized-keys-writable", 0o600),
        ("keys", 0o777, "key-dir-writable", 0o755),
        (".ssh/id_a", 0o644, "key-exposed", 0o600),
        (".ssh/id_a", 0o440, "key-exposed", 0o400),
        (".ssh/id_a", 0o602, "key-exposed", 0o600),
        ("config.toml", 0o646, "config-writable", 0o644),
        ("state/claviger", 0o750, "state-exposed", 0o700),
        ("state/claviger/history.sqlite3", 0o604, "state-exposed", 0o600),
        ("share/claviger/vault.kdbx", 0o640, "vault-exposed", 0o600),
        ("run", 0o777, "socket-dir-writable", 0o755),
    ] {
        let path = home.path(name);
        let (usual, changed) = (mode(&path), path.metadata().expect("a file").mtime());
        before.lacks(code);
        set(&path, open);
        let found = Found::of(&home, &[]);
        let name = path.to_str().expect("UTF-8").trim_end_matches('/');
        let shown = format!("permissions {open:04o}");
        found.says(code, name, &[&shown], "chmod go-");
        assert_eq!(found.the(code)["fixable"], true);
        assert_eq!(mode(&path), open, "only looked at");
        let fixed = Found::of(&home, &["--fix"]);
        assert_eq!(fixed.the(code)["fixed"], true, "{name}");
        assert_eq!(mode(&path), mended, "{name}");
        assert_eq!(path.metadata().expect("a file").mtime(), changed);
        Found::of(&home, &["--fix"]).lacks(code);
        assert_eq!(mode(&path), mended, "{name}");
        set(&path, usual);
    }
}

#[test]
fn a_database_s_key_file_may_be_shared_on_purpose_and_is_left_as_it_is() {
    let (home, _key) = healthy();
    Found::of(&home, &[]).lacks("database-key-exposed");
    let path = home.path("key.file");
    set(&path, 0o644);
    let found = Found::of(&home, &["--fix"]);
    found.says(
        "database-key-exposed",
        "key.file",
        &["0644", "master password"],
        "on purpose: chmod go-rwx",
    );
    assert_eq!(mode(&path), 0o644);
}

#[test]
fn in_a_sticky_directory_nobody_replaces_a_socket_or_a_configuration() {
    let (home, _key) = healthy();
    set(&home.path("run"), 0o1777);
    fs::rename(home.path("config.toml"), home.path("conf/config.toml")).expect("renamed");
    let with = |mode: u32| {
        set(&home.path("conf"), mode);
        Found::with(&home, &[], |command| {
            command.env("CLAVIGER_CONFIG", home.path("conf/config.toml"))
        })
    };
    let sticky = with(0o1777);
    sticky.lacks("socket-dir-writable");
    sticky.lacks("config-writable");
    with(0o777).says(
        "config-writable",
        "conf",
        &["another configuration"],
        "chmod go-w",
    );
}

#[test]
fn what_was_mended_is_said_and_the_agent_takes_the_key() {
    let (home, key) = healthy();
    let _agent = Agent::start(&home);
    set(&key.path, 0o644);
    let said = at_home(&home, home.claviger(&["doctor"]))
        .output()
        .expect("the doctor");
    let told = text(&said);
    for words in [
        "errors:\n",
        "key-exposed: ",
        key.arg(),
        "chmod go-rwx",
        "claviger doctor --fix",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    assert_eq!(said.status.code(), Some(1));
    let told = succeed(&mut at_home(&home, home.claviger(&["doctor", "--fix"])));
    assert!(
        told.contains(&format!("mended, as with: chmod go-rwx {}", key.arg())),
        "{told}"
    );
    let told = succeed(&mut at_home(&home, home.claviger(&["doctor", "--fix"])));
    assert!(!told.contains("mended"), "{told}");
    let listed = succeed(&mut home.claviger(&["list"]));
    assert!(listed.contains("id_a"), "{listed}");
}

#[test]
fn what_belongs_to_somebody_else_is_told_and_never_touched() {
    if !is_root() {
        println!("NOT TESTED: giving a file away needs root");
        return;
    }
    let (home, key) = healthy();
    set(&key.path, 0o644);
    std::os::unix::fs::chown(&key.path, Some(65534), None).expect("given away");
    for args in [&[][..], &["--fix"]] {
        let found = Found::of(&home, args);
        found.says("owner-other", key.arg(), &["uid 65534"], "copy");
        found.lacks("key-exposed");
        assert_eq!(found.the("owner-other")["fixable"], false);
        assert_eq!(mode(&key.path), 0o644);
    }
}

#[test]
fn a_file_system_that_is_only_read_is_the_reason_given() {
    let (home, key) = healthy();
    set(&key.path, 0o644);
    let script = "mount --bind \"$HOME\" \"$HOME\" && mount -o remount,bind,ro \"$HOME\" && exec \"$@\"";
    let claviger = home.claviger(&["doctor", "--fix", "--json"]);
    let flags: &[&str] = if is_root() { &["-m"] } else { &["-m", "-r"] };
    let mut command = at_home(&home, home.bare("unshare"));
    command.args(flags).args(["sh", "-c", script, "sh"]);
    command.arg(claviger.get_program()).args(claviger.get_args());
    let output = command.output().expect("unshare");
    let report: serde_json::Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output)));
    let all = report["findings"].as_array().expect("findings");
    let one = all
        .iter()
        .find(|one| one["code"] == "key-exposed")
        .expect("the finding");
    assert_eq!((output.status.code(), &one["fixed"]), (Some(1), &false.into()));
    let why = one["failure"].as_str().expect("a reason");
    assert!(
        why.contains(key.arg()) && why.contains("Read-only file system"),
        "{why}"
    );
    assert_eq!(mode(&key.path), 0o644);
}

#[test]
fn links_to_nothing_and_into_others_hands_are_told() {
    let (home, key) = healthy();
    symlink("gone", home.path(".ssh/id_gone")).expect("a link");
    let shared = home.path("shared");
    fs::create_dir(&shared).expect("a directory");
    let real = key.moved(&home, "shared");
    symlink(&real.path, home.path(".ssh/id_far")).expect("a link");
    let found = Found::of(&home, &[]);
    found.says("link-dangling", ".ssh/id_gone", &["gone"], "remove the link");
    found.lacks("link-replaceable");
    set(&shared, 0o777);
    let found = Found::of(&home, &["--fix"]);
    found.says(
        "link-replaceable",
        ".ssh/id_far",
        &[real.arg()],
        "directory of your own",
    );
    set(&shared, 0o1777);
    Found::of(&home, &[]).lacks("link-replaceable");
    // A link's own mode means nothing; what it leads to is mended.
    set(&real.path, 0o640);
    Found::of(&home, &["--fix"]).says("key-exposed", ".ssh/id_far", &["0640"], "chmod");
    assert_eq!(mode(&real.path), 0o600);
}

#[test]
fn names_that_are_hard_on_shells_and_terminals_are_told_safely() {
    let (home, key) = healthy();
    let odd = home.path(".ssh/id_it's \u{1b}[31mred");
    fs::rename(&key.path, &odd).expect("renamed");
    set(&odd, 0o644);
    let output = at_home(&home, home.claviger(&["doctor"]))
        .output()
        .expect("the doctor");
    let told = text(&output);
    assert!(told.contains("key-exposed") && !told.contains('\u{1b}'), "{told}");
    let remedy = Found::of(&home, &[]).the("key-exposed")["remedy"]
        .as_str()
        .map(str::to_owned);
    succeed(Command::new("sh").arg("-c").arg(remedy.expect("a remedy")));
    assert_eq!(mode(&odd), 0o600);
}
