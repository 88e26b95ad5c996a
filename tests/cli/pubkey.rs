//! `pubkey`: the same lines, fingerprints and pictures as ssh-keygen's, without a passphrase where none is needed.
use crate::home::{Home, KEY, text};
use crate::ran::{Ran, bare};
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const TYPES: [&[&str]; 5] = [
    &["-t", "ed25519"],
    &["-t", "ecdsa", "-b", "256"],
    &["-t", "ecdsa", "-b", "521"],
    &["-t", "rsa", "-b", "1024"],
    &["-t", "rsa", "-b", "3072"],
];

fn keygen(args: &[&str]) -> String {
    let output = Command::new("ssh-keygen").args(args).output().unwrap();
    assert!(
        output.status.success(),
        "{args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

fn make(home: &Home, name: &str, kind: &[&str], passphrase: &str) -> PathBuf {
    let path = home.path(name);
    let rest = [
        "-q",
        "-a",
        "1",
        "-C",
        "me at home",
        "-N",
        passphrase,
        "-f",
        text(&path),
    ];
    keygen(&[kind, &rest].concat());
    path
}

fn public(path: &Path) -> String {
    fs::read_to_string(format!("{}.pub", text(path))).unwrap()
}

fn pubkey(home: &Home, name: &str, more: &[&str]) -> Ran {
    home.run(&[&["pubkey", name], more].concat())
}

#[test]
fn everything_it_prints_is_what_ssh_keygen_prints() {
    let home = Home::new();
    for (at, kind) in TYPES.iter().enumerate() {
        let key = make(&home, &format!("key{at}"), kind, "");
        let name = text(&key);
        assert_eq!(pubkey(&home, name, &[]).done().out, keygen(&["-y", "-f", name]));
        let of = format!("{name}.pub");
        let picture = pubkey(&home, name, &["--fingerprint"]).done().out;
        assert_eq!(picture, keygen(&["-l", "-v", "-f", &of]));
        let md5 = pubkey(&home, name, &["--fingerprint", "--md5"]).done().out;
        assert_eq!(md5, keygen(&["-l", "-E", "md5", "-f", &of]));
        let without_comment = |text: String| {
            let lines = text.lines().filter(|line| !line.starts_with("Comment:"));
            lines.collect::<Vec<_>>().join("\n")
        };
        let form = pubkey(&home, name, &["--rfc4716"]).done().out;
        assert!(form.contains("Comment: \"me at home\"\n"), "{form}");
        fs::write(home.path("form"), &form).unwrap();
        assert_eq!(
            keygen(&["-i", "-f", text(&home.path("form"))]).trim(),
            public(&key).trim_end_matches(" me at home\n")
        );
        assert_eq!(without_comment(form), without_comment(keygen(&["-e", "-f", &of])));
        // What it prints, it reads.
        assert_eq!(pubkey(&home, "form", &[]).done().out, public(&key));
    }
}

#[test]
fn a_sealed_key_is_not_asked_for_its_passphrase() {
    let home = Home::new();
    let key = make(&home, "id", TYPES[0], KEY);
    let line = public(&key);
    let converted = [
        "convert",
        "id",
        "--to",
        "ppk",
        "-o",
        "id.ppk",
        "--passphrase-fd",
        "3",
    ];
    home.run(&converted).done();
    for name in ["id", "id.pub", "id.ppk", "id.ppk.pub"] {
        assert_eq!(pubkey(&home, name, &[]).done().out, line, "{name}");
    }
    fs::remove_file(home.path("id.pub")).unwrap();
    fs::remove_file(home.path("id.ppk.pub")).unwrap();
    assert_eq!(
        pubkey(&home, "id.ppk", &[]).done().out,
        line,
        "PuTTY's comment is in clear"
    );
    let bare = line.replace(" me at home", "");
    assert_eq!(
        pubkey(&home, "id", &[]).done().out,
        bare,
        "OpenSSH's comment is not"
    );
    // A form that shows nothing has to be opened.
    let converted = [
        "convert",
        "id",
        "--to",
        "pkcs8",
        "-o",
        "id.pem",
        "--passphrase-fd",
        "3",
    ];
    home.run(&converted).done();
    fs::remove_file(home.path("id.pem.pub")).unwrap();
    pubkey(&home, "id.pem", &[]).failed(&["id.pem", "--passphrase-fd"]);
    assert_eq!(
        pubkey(&home, "id.pem", &["--passphrase-fd", "3"]).done().out,
        bare
    );
    // The way out that a listing names: the shell has emptied the file before.
    fs::write(home.path("id.pem.pub"), "another key's").unwrap();
    let mut command = home.command(&["pubkey", "id.pem", "--passphrase-fd", "3"], KEY, KEY);
    command.stdout(fs::File::create(home.path("id.pem.pub")).unwrap());
    assert!(command.status().unwrap().success());
    assert_eq!(fs::read_to_string(home.path("id.pem.pub")).unwrap(), bare);
}

#[test]
fn a_key_is_found_by_its_names() {
    let home = Home::new();
    let key = make(&home, ".ssh/id_work", TYPES[0], KEY);
    make(&home, ".ssh/id_other", TYPES[0], KEY);
    let found = pubkey(&home, text(&key), &["--json"]).done().out;
    let found: serde_json::Value = serde_json::from_str(&found).unwrap();
    let fingerprint = found["fingerprint"].as_str().unwrap();
    let second = [
        "convert",
        text(&key),
        "--to",
        "ppk",
        "-o",
        ".ssh/second",
        "--passphrase-fd",
        "3",
    ];
    home.run(&second).done();
    for name in [fingerprint, &fingerprint[..20], "id_work", "second"] {
        assert_eq!(pubkey(&home, name, &[]).done().out, public(&key), "{name}");
    }
    pubkey(&home, "me at home", &[]).failed(&["several"]);
    pubkey(&home, "nothing", &[]).failed(&["no key is called"]);
    let absent = format!("SHA256:{}", "x".repeat(43));
    pubkey(&home, &absent, &[]).failed(&["no key of this fingerprint"]);
    assert_eq!(found["line"].as_str().unwrap(), public(&key).trim());
    assert_eq!(
        (found["type"].as_str(), found["bits"].as_u64()),
        (Some("ssh-ed25519"), Some(256))
    );
    assert!(found["md5"].as_str().unwrap().starts_with("MD5:") && found["comment"] == "me at home");
    assert!(found["path"] == text(&key));
}

#[test]
fn types_that_do_not_sign_here_have_a_public_half_too() {
    let home = Home::new();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    for name in ["sk/sk-ed25519", "sk/sk-ecdsa", "mldsa/mldsa"] {
        let line = fs::read_to_string(data.join(format!("{name}.pub"))).unwrap();
        fs::copy(data.join(name), home.path("id")).unwrap();
        fs::set_permissions(home.path("id"), fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(home.path("id.pub"), &line).unwrap();
        for file in ["id", "id.pub"] {
            assert_eq!(pubkey(&home, file, &[]).done().out.trim(), line.trim(), "{name}");
        }
        let picture = pubkey(&home, "id", &["--fingerprint"]).done().out;
        if name.starts_with("sk/") {
            assert_eq!(picture, keygen(&["-l", "-v", "-f", text(&home.path("id.pub"))]));
        }
        assert!(
            picture
                .lines()
                .all(|line| line.starts_with(|c: char| c.is_ascii_digit()) || line.len() == 19)
        );
    }
    // A certificate: the key in it.
    let certificate = data.join("sk/sk-ed25519-cert.pub");
    let line = fs::read_to_string(data.join("sk/sk-ed25519.pub")).unwrap();
    let printed = pubkey(&home, text(&certificate), &["--comment", ""]).done().out;
    assert_eq!(
        printed.trim(),
        line.split(' ').take(2).collect::<Vec<_>>().join(" ")
    );
    fs::write(home.path("noise"), "hello").unwrap();
    pubkey(&home, "noise", &[]).failed(&["noise", "no key"]);
}

#[test]
fn a_comment_cannot_steer_the_terminal() {
    let home = Home::new();
    let key = make(&home, "id", TYPES[0], "");
    let line = public(&key).replace("me at home", "\u{1b}]0;owned\u{7}\u{9b}2J");
    fs::write(home.path("evil.pub"), line).unwrap();
    for options in [&[][..], &["--fingerprint"], &["--rfc4716"], &["--json"]] {
        let printed = pubkey(&home, "evil.pub", options).done().out;
        assert!(
            printed.chars().all(|c| !c.is_control() || c == '\n'),
            "{printed:?}"
        );
    }
}

/// Draws the letters as pixels and has zbar read them.
fn scanned(home: &Home, code: &str) -> String {
    const SCALE: usize = 4;
    let mut rows: Vec<Vec<u8>> = Vec::new();
    for line in code.lines() {
        let halves: Vec<(bool, bool)> = line
            .chars()
            .map(|letter| match letter {
                '█' => (true, true),
                '▀' => (true, false),
                '▄' => (false, true),
                ' ' => (false, false),
                other => panic!("{other:?} is in the code"),
            })
            .collect();
        for half in [0, 1] {
            let row = halves.iter().flat_map(|(top, bottom)| {
                let is_light = if half == 0 { *top } else { *bottom };
                [if is_light { 255 } else { 0 }; SCALE]
            });
            let row: Vec<u8> = row.collect();
            rows.extend(std::iter::repeat_n(row, SCALE));
        }
    }
    let head = format!("P5\n{} {}\n255\n", rows[0].len(), rows.len());
    let image = home.path("code.pgm");
    fs::write(&image, [head.into_bytes(), rows.concat()].concat()).unwrap();
    let read = Command::new("zbarimg")
        .args(["-q", "--raw", text(&image)])
        .output()
        .unwrap();
    String::from_utf8(read.stdout).unwrap()
}

#[test]
fn the_qr_code_scans_to_the_line() {
    let home = Home::new();
    for (at, kind) in TYPES.iter().enumerate() {
        let key = make(&home, &format!("key{at}"), kind, "");
        let code = pubkey(&home, text(&key), &["--qr"]).done().out;
        assert_eq!(scanned(&home, &code).trim(), public(&key).trim());
    }
    let huge = pubkey(&home, "key0", &["--qr", "--comment", &"long ".repeat(600)]);
    huge.failed(&["QR code", "--comment"]);
}

/// An X server without a screen; ended when dropped, and with it the program that serves its clipboard.
struct Display {
    server: Child,
    name: String,
}

impl Display {
    fn start() -> Self {
        let mut server = Command::new("Xvfb");
        server.args(["-displayfd", "1", "-screen", "0", "64x64x8", "-nolisten", "tcp"]);
        let mut server = server
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut number = String::new();
        BufReader::new(server.stdout.take().unwrap())
            .read_line(&mut number)
            .unwrap();
        Self {
            server,
            name: format!(":{}", number.trim()),
        }
    }

    fn clipboard(&self) -> String {
        let mut xclip = Command::new("xclip");
        xclip
            .args(["-selection", "clipboard", "-o"])
            .env("DISPLAY", &self.name);
        String::from_utf8(xclip.output().unwrap().stdout).unwrap()
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

#[test]
fn the_line_goes_to_the_clipboard_of_the_desktop() {
    let home = Home::new();
    let key = make(&home, "id", TYPES[0], "");
    let display = Display::start();
    let copy = |more: &[(&str, &str)]| -> Ran {
        let mut command = home.command(&["pubkey", "id", "--copy"], KEY, KEY);
        command.env("DISPLAY", &display.name).envs(more.iter().copied());
        command.output().unwrap().into()
    };
    let copied = copy(&[]);
    assert_eq!((copied.code, &copied.out), (0, &public(&key)), "{}", copied.err);
    assert!(copied.err.contains("xclip"), "{}", copied.err);
    assert_eq!(display.clipboard(), public(&key).trim());

    // wl-copy is not there or finds no compositor: X's clipboard does.
    fs::write(home.path("id.pub"), public(&key).replace("me at", "you at")).unwrap();
    fs::remove_file(&key).unwrap();
    let mut command = home.command(&["pubkey", "id.pub", "--copy"], KEY, KEY);
    command
        .env("DISPLAY", &display.name)
        .env("WAYLAND_DISPLAY", "none");
    assert!(command.output().unwrap().status.success());
    assert!(display.clipboard().ends_with(" you at home"));
}

#[test]
fn without_a_clipboard_it_says_what_is_missing() {
    let home = Home::new();
    make(&home, "id", TYPES[0], "");
    // A PATH with the shell alone.
    let bin = home.path("bin");
    fs::create_dir(&bin).unwrap();
    symlink("/bin/sh", bin.join("sh")).unwrap();
    let copy = |variable: &str, path: &str| -> Ran {
        let mut command = bare(env!("CARGO_BIN_EXE_claviger"), &home.path(""));
        command.args(["pubkey", "id", "--copy"]);
        command.env("PATH", path).env(variable, "none");
        command.output().unwrap().into()
    };
    copy("WAYLAND_DISPLAY", text(&bin)).failed(&["wl-clipboard"]);
    copy("DISPLAY", text(&bin)).failed(&["install xclip or xsel"]);
    let everything = std::env::var("PATH").unwrap();
    copy("DISPLAY", &everything).failed(&["xclip", "not set"]);
    pubkey(&home, "id", &["--copy"]).failed(&["no display"]);
}
