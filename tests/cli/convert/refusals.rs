//! What is refused, and that nothing is left behind then.
use super::{convert, ecdsa, key_of, pub_of, public_by_tool, tool};
use crate::home::{Home, KEY, MASTER, text};
use crate::ran::Ran;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

#[test]
fn a_passphrase_is_removed_only_when_that_is_said_twice() {
    let home = Home::new();
    let key = ecdsa(&home, ".ssh/id", KEY);
    let once = ["--passphrase-fd", "3", "--no-passphrase"];
    convert(&home, &key, "pkcs8", "out", &once).failed(&["--unprotected"]);
    assert!(!home.path("out").exists());
    let half = convert(
        &home,
        &key,
        "pkcs8",
        "out",
        &["--passphrase-fd", "3", "--unprotected"],
    );
    assert_eq!(half.code, 2, "{}", half.err);
}

#[test]
fn an_empty_passphrase_is_not_handed_on() {
    let home = Home::new();
    let key = ecdsa(&home, "id", "");
    let sealed = home.path("empty");
    let pkcs8 = [
        "pkcs8",
        "-topk8",
        "-passout",
        "pass:",
        "-out",
        text(&sealed),
        "-in",
        text(&key),
    ];
    tool(
        "ssh-keygen",
        &["-p", "-q", "-m", "PEM", "-N", "", "-f", text(&key)],
    );
    tool("openssl", &pkcs8);
    let empty = |more: &[&str]| -> Ran {
        let words = [
            "convert",
            text(&sealed),
            "--to",
            "openssh",
            "-o",
            "out",
            "--passphrase-fd",
            "3",
        ];
        let mut command = home.command(&[&words[..], more].concat(), "", MASTER);
        command.output().unwrap().into()
    };
    empty(&[]).failed(&["is empty", "--new-passphrase", "--no-passphrase"]);
    empty(&["--new-passphrase-fd", "4"]).done();
    let expected = key_of(&fs::read_to_string(pub_of(&key)).unwrap());
    assert_eq!(
        public_by_tool(&home, &home.path("out"), "openssh", MASTER),
        expected
    );
}

#[test]
fn a_wrong_passphrase_writes_nothing_and_names_the_file() {
    let home = Home::new();
    for (format, key) in [
        ("openssh", ecdsa(&home, "id", "another one")),
        ("ppk", home.path("id.ppk")),
    ] {
        if format == "ppk" {
            let args = ["--passphrase-fd", "3"];
            let source = home.path("id");
            let ran: Ran = home
                .command(
                    &[
                        &["convert", text(&source), "--to", "ppk", "-o", text(&key)],
                        &args[..],
                    ]
                    .concat(),
                    "another one",
                    MASTER,
                )
                .output()
                .unwrap()
                .into();
            ran.done();
        }
        convert(&home, &key, "openssh", "out", &["--passphrase-fd", "3"])
            .failed(&[text(&key), "does not fit"]);
        assert!(!home.path("out").exists() && !home.path("out.pub").exists());
    }
}

#[test]
fn nothing_is_ever_overwritten() {
    let home = Home::new();
    let key = ecdsa(&home, "id", "");
    let other = ecdsa(&home, "other", "");
    symlink("nowhere", home.path("dangling")).unwrap();
    fs::create_dir(home.path("folder")).unwrap();
    let before = fs::read(&other).unwrap();
    for out in ["other", "id", "dangling", "folder"] {
        convert(&home, &key, "ppk", out, &[]).failed(&[out, "exists already"]);
    }
    assert_eq!(fs::read(&other).unwrap(), before);
    // A stray .pub would be taken for the new file's public half; the right one stays as it is.
    fs::copy(pub_of(&other), home.path("new.pub")).unwrap();
    convert(&home, &key, "ppk", "new", &[]).failed(&["new.pub", "not this key's"]);
    assert!(!home.path("new").exists());
    let kept = fs::read_to_string(pub_of(&key))
        .unwrap()
        .replace("me at home", "kept");
    fs::write(home.path("new.pub"), &kept).unwrap();
    convert(&home, &key, "ppk", "new", &[]).done();
    assert_eq!(fs::read_to_string(home.path("new.pub")).unwrap(), kept);
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let home = Home::new();
    let key = ecdsa(&home, "id", "");
    // Nobody makes files there, not even root.
    for out in ["/sys/kernel/key", "absent/key"] {
        convert(&home, &key, "ppk", out, &[]).failed(&[out.rsplit_once('/').unwrap().0]);
    }
}

#[test]
fn a_full_disk_leaves_nothing_behind() {
    let home = Home::new();
    let key = ecdsa(&home, "id", "");
    fs::create_dir(home.path("full")).unwrap();
    // In a mount namespace of its own, so that nothing stays mounted.
    let script =
        "mount -t tmpfs -o size=4096 none full && echo x >full/x && echo mounted && \"$@\"; ls -A full";
    let mut command = Command::new("unshare");
    command.args([
        "-m",
        "sh",
        "-c",
        script,
        "sh",
        env!("CARGO_BIN_EXE_claviger"),
        "convert",
    ]);
    command
        .args([text(&key), "--to", "ppk", "-o", "full/key"])
        .current_dir(home.path(""));
    let ran: Ran = command.env("HOME", home.path("")).output().unwrap().into();
    if !ran.out.starts_with("mounted") {
        println!("NOT TESTED: no file system can be mounted here: {}", ran.err);
        return;
    }
    assert!(
        ran.err.contains("full/key") && ran.err.contains("No space left"),
        "{}",
        ran.err
    );
    assert_eq!(ran.out, "mounted\nx\n");
}

#[test]
fn what_cannot_be_converted_is_named_with_the_way_out() {
    let home = Home::new();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    for (file, name) in [("sk/sk-ed25519", "sk"), ("mldsa/mldsa", "mldsa")] {
        fs::copy(data.join(file), home.path(name)).unwrap();
        fs::set_permissions(home.path(name), fs::Permissions::from_mode(0o600)).unwrap();
    }
    convert(&home, &home.path("sk"), "ppk", "out", &[])
        .failed(&["sk-ssh-ed25519@openssh.com", "--to openssh"]);
    convert(&home, &home.path("mldsa"), "ppk", "out", &[]).failed(&["ssh-mldsa44-ed25519", "--to openssh"]);
    convert(
        &home,
        &home.path("mldsa"),
        "openssh",
        "out",
        &["--new-passphrase-fd", "4"],
    )
    .done();
    let key = ecdsa(&home, "id", "");
    convert(&home, &pub_of(&key), "ppk", "no", &[]).failed(&["id.pub", "a public key"]);
    convert(&home, &home.path("absent"), "ppk", "no", &[]).failed(&["absent", "no such file"]);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    convert(&home, &key, "ppk", "no", &[]).failed(&["chmod 600"]);
    let same = ["--passphrase-fd", "3", "--new-passphrase-fd", "3"];
    convert(&home, &key, "ppk", "no", &same).failed(&["same descriptor"]);
    assert_eq!(convert(&home, &key, "rot13", "no", &[]).code, 2);
}
