//! `import FILE`: keys as ssh-keygen, puttygen and openssl make them, brought into ~/.ssh from where they do not belong.
use crate::home::{Home, KEY, text};
use crate::ran::Ran;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Stdio};

fn import(home: &Home, args: &[&str]) -> Ran {
    let fixed = ["import", "--passphrase-fd", "3", "--vault-passphrase-fd", "4"];
    home.run(&[&fixed, args].concat())
}

fn tool(program: &str, args: &[&str]) -> String {
    let output = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{program} {args:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

/// The line of the key, as ssh-keygen makes it from the private half.
fn line(path: &Path) -> String {
    let line = tool("ssh-keygen", &["-y", "-P", KEY, "-f", text(path)]);
    line.split(' ').take(2).collect::<Vec<_>>().join(" ")
}

/// Everybody may read it, as what comes from a stick.
fn exposed(home: &Home, name: &str) -> std::path::PathBuf {
    let path = home.keygen(name, KEY);
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    path
}

/// A key under the passphrase in the file `secret`, as PuTTYgen saves it.
fn puttygen(secret: &Path, ppk: &Path) {
    tool(
        "puttygen",
        &[
            "-q",
            "-t",
            "ed25519",
            "-C",
            "from putty",
            "--new-passphrase",
            text(secret),
            "-o",
            text(ppk),
        ],
    );
}

#[test]
fn a_key_from_a_stick_is_copied_privately_and_its_passphrase_stored() {
    let home = Home::new();
    let source = exposed(&home, "stick/work");
    let before = fs::read(&source).unwrap();
    let said = import(&home, &[text(&source)]).done().out;
    let copy = home.path(".ssh/work");
    assert_eq!(fs::read(&copy).unwrap(), before);
    assert_eq!(fs::read(&source).unwrap(), before, "the source stays as it is");
    assert_eq!(mode(&copy), 0o600);
    assert_eq!(mode(&home.path(".ssh/work.pub")), 0o644);
    assert_eq!(
        fs::read(home.path(".ssh/work.pub")).unwrap(),
        fs::read(home.path("stick/work.pub")).unwrap()
    );
    for told in [
        text(&copy),
        text(&home.vault()),
        "the source stays",
        "can read it",
    ] {
        assert!(said.contains(told), "{told:?} is not in: {said}");
    }
    // What was stored opens the copy without anybody being asked.
    let opened = home.run(&["pubkey", text(&copy)]).done().out;
    assert_eq!(opened, fs::read_to_string(home.path(".ssh/work.pub")).unwrap());
    let converted = home.run(&[
        "convert",
        "--vault-passphrase-fd",
        "4",
        "--to",
        "pkcs8",
        "-o",
        "out.pem",
        text(&copy),
    ]);
    converted.done();
}

#[test]
fn a_second_import_says_that_the_key_is_there() {
    let home = Home::new();
    let source = exposed(&home, "stick/work");
    import(&home, &[text(&source), "--name", "mine"]).done();
    let said = import(&home, &[text(&source)]).done().out;
    assert!(
        said.contains("is there already") && said.contains(".ssh/mine"),
        "{said}"
    );
    assert!(!home.path(".ssh/work").exists());
}

#[test]
fn every_format_comes_as_it_is_and_gets_its_public_half() {
    let home = Home::new();
    fs::create_dir(home.path("in")).unwrap();
    let secret = home.path("in/secret");
    fs::write(&secret, KEY).unwrap();
    let made = |name: &str| home.path("in").join(name);
    let (pem, pkcs8, ppk, openssh) = (made("pem"), made("p8"), made("key.ppk"), made("new"));
    tool(
        "ssh-keygen",
        &[
            "-q",
            "-t",
            "rsa",
            "-b",
            "2048",
            "-m",
            "PEM",
            "-N",
            KEY,
            "-f",
            text(&pem),
        ],
    );
    let pass = format!("pass:{KEY}");
    let out = text(&pkcs8);
    tool(
        "openssl",
        &[
            "genpkey",
            "-algorithm",
            "EC",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-aes-256-cbc",
            "-pass",
            &pass,
            "-out",
            out,
        ],
    );
    puttygen(&secret, &ppk);
    tool(
        "ssh-keygen",
        &["-q", "-t", "ed25519", "-a", "1", "-N", KEY, "-f", text(&openssh)],
    );
    for path in [&pem, &openssh] {
        fs::remove_file(format!("{}.pub", path.display())).unwrap();
    }
    for path in [&pem, &pkcs8, &ppk, &openssh] {
        let said = import(&home, &[text(path)]).done().out;
        assert!(
            said.contains("with its .pub") && said.contains("stored"),
            "{said}"
        );
        let copy = home.path(".ssh").join(path.file_name().unwrap());
        assert_eq!(fs::read(&copy).unwrap(), fs::read(path).unwrap());
        let public = fs::read_to_string(format!("{}.pub", copy.display())).unwrap();
        let own = match path == &ppk {
            true => tool("puttygen", &["-L", text(path)]).trim_end().to_owned(),
            false => line(path),
        };
        assert!(public.starts_with(&own), "{}: {public} {own}", text(path));
    }
}

#[test]
fn a_putty_key_is_converted_on_the_way() {
    let home = Home::new();
    fs::write(home.path("secret"), KEY).unwrap();
    let (secret, ppk) = (home.path("secret"), home.path("work.ppk"));
    puttygen(&secret, &ppk);
    import(&home, &["--to", "openssh", text(&ppk)]).done();
    let copy = home.path(".ssh/work");
    assert_eq!(
        line(&copy),
        tool("puttygen", &["-L", text(&ppk)])
            .rsplit_once(" from")
            .unwrap()
            .0
    );
    assert!(
        fs::read_to_string(&copy)
            .unwrap()
            .starts_with("-----BEGIN OPENSSH")
    );
}

#[test]
fn a_certificate_comes_along_and_a_strange_one_does_not() {
    let home = Home::new();
    let authority = home.keygen("ca", "");
    for (name, signed) in [("one", "one.pub"), ("two", "one.pub")] {
        home.keygen(&format!("in/{name}"), KEY);
        let public = home.path("in").join(signed);
        tool(
            "ssh-keygen",
            &[
                "-q",
                "-s",
                text(&authority),
                "-I",
                "test",
                "-n",
                "me",
                text(&public),
            ],
        );
    }
    fs::rename(home.path("in/one-cert.pub"), home.path("in/two-cert.pub")).unwrap();
    let one = home.path("in/one.pub");
    tool(
        "ssh-keygen",
        &["-q", "-s", text(&authority), "-I", "test", "-n", "me", text(&one)],
    );
    let said = import(&home, &["in/one", "in/two"]).done().out;
    assert!(said.contains("and its certificate"), "{said}");
    assert!(said.contains("the certificate beside it was left"), "{said}");
    assert!(home.path(".ssh/one-cert.pub").exists() && !home.path(".ssh/two-cert.pub").exists());
}

#[test]
fn nothing_is_overwritten_and_a_wrong_passphrase_copies_nothing() {
    let home = Home::new();
    home.keygen("in/work", KEY);
    for taken in ["work", "work.pub", "work-cert.pub"] {
        fs::write(home.path(".ssh").join(taken), "mine").unwrap();
        import(&home, &["in/work"]).failed(&[taken, "exists already", "--name"]);
        assert_eq!(fs::read(home.path(".ssh").join(taken)).unwrap(), b"mine");
        fs::remove_file(home.path(".ssh").join(taken)).unwrap();
    }
    home.keygen("in/other", "another one");
    import(&home, &["in/other"]).failed(&["in/other", "does not fit"]);
    home.run(&["import", "in/work"])
        .failed(&["in/work", "--no-store"]);
    for (name, why) in [
        ("config", "something else to ssh"),
        ("a/b", "name of a file"),
        ("x.pub", "public half"),
    ] {
        import(&home, &["in/work", "--name", name]).failed(&[why]);
    }
    import(&home, &["in/work.pub"]).failed(&["public half"]);
    import(&home, &["in/none"]).failed(&["in/none", "no such"]);
    import(&home, &["in/work", "in/other", "--name", "x"]).failed(&["one FILE"]);
    fs::write(home.path("in/noise"), [0xff; 512]).unwrap();
    import(&home, &["in/noise"]).failed(&["in/noise", "not a private key"]);
    assert_eq!(fs::read_dir(home.path(".ssh")).unwrap().count(), 0);
    assert!(!home.vault().exists());
}

#[test]
fn without_storing_nobody_is_asked() {
    let home = Home::new();
    home.keygen("in/work", KEY);
    let out = home.path("in/p8");
    let pass = format!("pass:{KEY}");
    tool(
        "openssl",
        &[
            "genpkey",
            "-algorithm",
            "ed25519",
            "-aes-256-cbc",
            "-pass",
            &pass,
            "-out",
            text(&out),
        ],
    );
    home.run(&["import", "--no-store", "in/work"]).done();
    let said = home.run(&["import", "--no-store", "in/p8"]).done().out;
    assert!(said.contains("without a .pub"), "{said}");
    assert!(home.path(".ssh/work.pub").exists() && home.path(".ssh/p8").exists());
    assert!(!home.vault().exists());
}
