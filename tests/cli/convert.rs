//! `convert`: what it writes is what the format's own tool reads, and nothing that was there is touched.
use crate::home::{Home, KEY, MASTER, text};
use crate::ran::Ran;
use base64ct::{Base64, Encoding as _};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

const FORMATS: [&str; 3] = ["openssh", "pkcs8", "ppk"];

fn convert(home: &Home, file: &Path, to: &str, out: &str, more: &[&str]) -> Ran {
    let words = ["convert", text(file), "--to", to, "-o", out];
    home.run(&[&words[..], more].concat())
}

fn tool(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {args:?}: {complaint}");
    String::from_utf8(output.stdout).unwrap()
}

/// `TYPE BASE64` of a public line.
fn key_of(line: &str) -> String {
    line.split(' ')
        .take(2)
        .collect::<Vec<_>>()
        .join(" ")
        .trim()
        .to_owned()
}

/// What the format's tool makes of the file with this passphrase; it refuses a wrong one.
fn public_by_tool(home: &Home, file: &Path, format: &str, passphrase: &str) -> String {
    if format != "ppk" {
        return key_of(&tool("ssh-keygen", &["-y", "-P", passphrase, "-f", text(file)]));
    }
    let (secret, out) = (home.path("puttygen-secret"), home.path("puttygen-out"));
    fs::write(&secret, passphrase).unwrap();
    let args = [
        text(file),
        "--old-passphrase",
        text(&secret),
        "--new-passphrase",
        "/dev/null",
    ];
    tool(
        "puttygen",
        &[&args[..], &["-O", "private-openssh-new", "-o", text(&out)]].concat(),
    );
    key_of(&tool("ssh-keygen", &["-y", "-f", text(&out)]))
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn pub_of(path: &Path) -> PathBuf {
    PathBuf::from(format!("{}.pub", text(path)))
}

/// A key whose PKCS#8 form ssh-keygen reads too.
fn ecdsa(home: &Home, name: &str, passphrase: &str) -> PathBuf {
    let path = home.path(name);
    let args = [
        "-q",
        "-t",
        "ecdsa",
        "-a",
        "1",
        "-C",
        "me at home",
        "-N",
        passphrase,
        "-f",
        text(&path),
    ];
    tool("ssh-keygen", &args);
    path
}

#[test]
fn every_format_becomes_every_format_under_the_same_passphrase() {
    let home = Home::new();
    let key = ecdsa(&home, ".ssh/id", KEY);
    let expected = key_of(&fs::read_to_string(pub_of(&key)).unwrap());
    let mut source = key;
    for round in 0..2 {
        for format in FORMATS {
            let out = home.path(&format!("key {round} {format}"));
            let done = convert(&home, &source, format, text(&out), &["--passphrase-fd", "3"])
                .done()
                .out;
            assert!(
                done.contains(text(&out)) && done.contains("the same passphrase"),
                "{done}"
            );
            assert_eq!(public_by_tool(&home, &out, format, KEY), expected, "{format}");
            assert_eq!((mode(&out), mode(&pub_of(&out))), (0o600, 0o644));
            let line = fs::read_to_string(pub_of(&out)).unwrap();
            assert_eq!(line, format!("{expected} me at home\n"), "{format}");
            source = out;
        }
    }
}

#[test]
fn what_protects_the_new_file_is_what_was_asked_for() {
    let home = Home::new();
    let sealed = ecdsa(&home, ".ssh/sealed", KEY);
    let plain = ecdsa(&home, ".ssh/plain", "");
    let old = ["--passphrase-fd", "3"];
    let new = ["--new-passphrase-fd", "4"];
    let none = ["--no-passphrase", "--unprotected"];
    for format in FORMATS {
        for (name, file, options, passphrase, said) in [
            ("changed", &sealed, [old, new].concat(), MASTER, "new passphrase"),
            ("added", &plain, new.to_vec(), MASTER, "new passphrase"),
            ("kept", &plain, vec![], "", "not protected, as"),
            ("removed", &sealed, [old, none].concat(), "", "NOT protected"),
        ] {
            let out = home.path(&format!("{name}-{format}"));
            let done = convert(&home, file, format, text(&out), &options).done().out;
            assert!(done.contains(said), "{done}");
            let expected = key_of(&fs::read_to_string(pub_of(file)).unwrap());
            assert_eq!(
                public_by_tool(&home, &out, format, passphrase),
                expected,
                "{name} {format}"
            );
        }
    }
}

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
fn the_stores_know_the_passphrase() {
    let home = Home::new();
    let key = home.keygen(".ssh/id", KEY);
    home.add(&[text(&key)]).done();
    convert(&home, &key, "ppk", "out.ppk", &["--vault-passphrase-fd", "4"]).done();
    let line = fs::read_to_string(pub_of(&key)).unwrap();
    assert_eq!(
        public_by_tool(&home, &home.path("out.ppk"), "ppk", KEY),
        key_of(&line)
    );
}

#[test]
fn a_sealed_file_that_shows_nothing_is_opened_all_the_same() {
    let home = Home::new();
    let key = ecdsa(&home, "id", KEY);
    convert(&home, &key, "pkcs8", "alone", &["--passphrase-fd", "3"]).done();
    fs::remove_file(home.path("alone.pub")).unwrap();
    let alone = home.path("alone");
    convert(&home, &alone, "openssh", "again", &["--passphrase-fd", "3"]).done();
    let line = fs::read_to_string(pub_of(&key)).unwrap();
    assert_eq!(
        public_by_tool(&home, &home.path("again"), "openssh", KEY),
        key_of(&line)
    );
    convert(&home, &alone, "openssh", "third", &[]).failed(&[text(&alone), "--passphrase-fd"]);
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
fn comments_are_kept_or_changed() {
    let home = Home::new();
    let key = ecdsa(&home, "id", "");
    for format in FORMATS {
        let out = format!("kept-{format}");
        convert(&home, &key, format, &out, &["--comment", "someone else"]).done();
        assert!(
            fs::read_to_string(home.path(&format!("{out}.pub")))
                .unwrap()
                .ends_with(" someone else\n")
        );
        // From there on the file's own, or its .pub's.
        convert(&home, &home.path(&out), "openssh", &format!("{out}-again"), &[]).done();
        let line = tool(
            "ssh-keygen",
            &["-y", "-f", text(&home.path(&format!("{out}-again")))],
        );
        assert!(line.ends_with(" someone else\n"), "{format}: {line}");
    }
}

#[test]
fn rounds_are_openssh_s() {
    let home = Home::new();
    let key = ecdsa(&home, "id", KEY);
    for (options, rounds) in [
        (&["--passphrase-fd", "3"][..], 24_u32),
        (&["--passphrase-fd", "3", "--rounds", "5"], 5),
    ] {
        let out = format!("out{rounds}");
        convert(&home, &key, "openssh", &out, options).done();
        let file = fs::read_to_string(home.path(&out)).unwrap();
        let base64: String = file.lines().filter(|line| !line.starts_with('-')).collect();
        let bytes = Base64::decode_vec(&base64).unwrap();
        let at = bytes.windows(6).position(|window| window == b"bcrypt").unwrap();
        // Behind the name: length of the options, length of the salt, salt.
        let at = at + 6 + 4 + 4 + 16;
        assert_eq!(bytes[at..at + 4], rounds.to_be_bytes());
    }
    convert(
        &home,
        &key,
        "ppk",
        "out",
        &["--rounds", "5", "--passphrase-fd", "3"],
    )
    .failed(&["--rounds"]);
    assert_eq!(convert(&home, &key, "openssh", "out", &["--rounds", "0"]).code, 2);
}

#[test]
fn what_cannot_be_converted_is_named_with_the_way_out() {
    let home = Home::new();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    for (file, name) in [("sk/sk-ed25519", "sk"), ("mldsa/mldsa", "mldsa")] {
        fs::copy(data.join(file), home.path(name)).unwrap();
        fs::set_permissions(home.path(name), fs::Permissions::from_mode(0o600)).unwrap();
    }
    convert(&home, &home.path("sk"), "ppk", "out", &[]).failed(&["sk", "token", "ssh-keygen -p"]);
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
