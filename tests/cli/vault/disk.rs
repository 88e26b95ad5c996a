//! Disks that take nothing: full, mounted read-only, and files and folders that nobody is to write.
use super::*;
use crate::ran::bare;
use std::os::unix::fs::PermissionsExt;

/// `setup` has the folder `disk` with the database on a file system of its own, in a mount namespace so that nothing
/// stays mounted. None where none can be mounted.
#[expect(clippy::print_stdout, reason = "what cannot be tested is said")]
fn on_disk(home: &Home, setup: &str, args: &[&str]) -> Option<Ran> {
    let script = format!(
        "mount -t tmpfs -o size=64k none disk && cp -p keys.kdbx disk/ && {setup} && echo mounted && \"$@\"; \
         echo \"code $?\"; ls -A disk; cmp keys.kdbx disk/keys.kdbx && echo same"
    );
    let args = [&["vault"], args, &["--vault-passphrase-fd", "4"]].concat();
    let inner = home.command(&args, KEY, MASTER);
    let mut command = bare("unshare", home.dir.path());
    command.args(["-m", "sh", "-c", &script, "sh"]);
    command.arg(inner.get_program()).args(inner.get_args());
    for (name, value) in inner.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    let ran: Ran = command.output().unwrap().into();
    if !ran.out.contains("mounted\n") {
        println!("NOT TESTED: no file system can be mounted here: {}", ran.err);
        return None;
    }
    Some(ran)
}

const CHANGES: [&[&str]; 3] = [
    &[
        "put",
        "id_web",
        "--into",
        "disk/keys.kdbx",
        "--passphrase-fd",
        "3",
    ],
    &["remove", "two", "--in", "disk/keys.kdbx"],
    &["passwd", "disk/keys.kdbx", "--new-passphrase-fd", "3"],
];

fn prepared() -> Home {
    let home = with_database();
    home.keygen("id_web", KEY);
    std::fs::create_dir(home.path("disk")).unwrap();
    home
}

#[test]
fn a_full_disk_costs_nothing_that_is_there() {
    let home = prepared();
    let fill = "{ dd if=/dev/zero of=disk/filler bs=4096 2>/dev/null; true; }";
    for args in CHANGES {
        let Some(ran) = on_disk(&home, fill, args) else {
            return;
        };
        for said in ["disk/keys.kdbx", "No space left"] {
            assert!(ran.err.contains(said), "{args:?}: {}", ran.err);
        }
        assert_eq!(ran.out, "mounted\ncode 1\nfiller\nkeys.kdbx\nsame\n", "{args:?}");
    }
    let Some(ran) = on_disk(&home, fill, &["create", "disk/new.kdbx"]) else {
        return;
    };
    assert!(
        ran.err.contains("disk/new.kdbx") && ran.err.contains("No space left"),
        "{}",
        ran.err
    );
    assert_eq!(ran.out, "mounted\ncode 1\nfiller\nkeys.kdbx\nsame\n");
}

#[test]
fn a_read_only_disk_is_read_and_named_by_what_would_write() {
    let home = prepared();
    let seal = "mount -o remount,ro disk";
    for args in CHANGES {
        let Some(ran) = on_disk(&home, seal, args) else {
            return;
        };
        for said in ["disk/keys.kdbx", "read-only", "Read-only file system"] {
            assert!(ran.err.contains(said), "{args:?}: {}", ran.err);
        }
        assert_eq!(ran.out, "mounted\ncode 1\nkeys.kdbx\nsame\n", "{args:?}");
    }
    let Some(made) = on_disk(&home, seal, &["create", "disk/new.kdbx"]) else {
        return;
    };
    assert!(
        made.err.contains("disk") && made.err.contains("Read-only file system"),
        "{}",
        made.err
    );
    assert_eq!(made.out, "mounted\ncode 1\nkeys.kdbx\nsame\n");
    let Some(listed) = on_disk(&home, seal, &["list", "disk/keys.kdbx"]) else {
        return;
    };
    assert!(
        listed.out.contains("one") && listed.out.contains("code 0"),
        "{listed:?}"
    );
}

#[test]
fn a_file_that_is_not_to_be_written_is_not_replaced() {
    let home = prepared();
    let path = home.path("disk/keys.kdbx");
    std::fs::copy(home.path("keys.kdbx"), &path).unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o400)).unwrap();
    for args in CHANGES {
        vault(&home, args).failed(&["disk/keys.kdbx", "read-only", "writable"]);
        assert_eq!(bytes(&path), bytes(&home.path("keys.kdbx")));
        assert_eq!(std::fs::read_dir(home.path("disk")).unwrap().count(), 1);
    }
    assert_eq!(vault(&home, &["list", "disk/keys.kdbx"]).code, 0);
}

#[test]
fn forgetting_writes_nothing() {
    let home = prepared();
    let path = home.path("keys.kdbx");
    let whole = bytes(&path);
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o400)).unwrap();
    let done = home.run(&["vault", "forget", "keys.kdbx"]);
    assert!(done.code == 0 || done.err.contains("keyring"), "{}", done.err);
    assert_eq!(bytes(&path), whole);
}

/// As an ordinary user runs it: to root, every folder is writable.
fn as_anybody(home: &Home, args: &[&str]) -> Ran {
    let args = [&["vault"], args].concat();
    let inner = home.command(&args, KEY, MASTER);
    let script = "[ \"$(id -u)\" = 0 ] || exec \"$@\"; exec setpriv --bounding-set=-dac_override,-dac_read_search \"$@\"";
    let mut command = bare("sh", home.dir.path());
    command.args(["-c", script, "sh"]);
    command.arg(inner.get_program()).args(inner.get_args());
    for (name, value) in inner.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    command.output().unwrap().into()
}

#[test]
fn a_folder_that_is_not_to_be_written_is_read_and_named_by_what_would_write() {
    let home = prepared();
    let (folder, path) = (home.path("disk"), home.path("disk/keys.kdbx"));
    std::fs::copy(home.path("keys.kdbx"), &path).unwrap();
    std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o555)).unwrap();
    let master = ["--vault-passphrase-fd", "4"];
    let create = ["create", "disk/new.kdbx"];
    for args in CHANGES.into_iter().chain([&create[..]]) {
        as_anybody(&home, &[args, &master].concat()).failed(&["disk", "Permission denied"]);
        assert_eq!(bytes(&path), bytes(&home.path("keys.kdbx")));
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
    }
    let listed = as_anybody(&home, &[&["list", "disk/keys.kdbx"], &master[..]].concat());
    assert!(listed.done().out.contains("one"));
    let forgotten = as_anybody(&home, &["forget", "disk/keys.kdbx"]);
    assert!(
        forgotten.code == 0 || forgotten.err.contains("keyring"),
        "{}",
        forgotten.err
    );
    std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o755)).unwrap();
}
