//! `keygen` without an agent: what is made, judged by ssh-keygen; what is refused; and what is left behind.
use crate::home::{Home, KEY, MASTER, killed_after, text};
use crate::ran::Ran;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// How many moments of one `keygen` are tried.
const MOMENTS: u32 = 8;

fn keygen(home: &Home, args: &[&str]) -> Ran {
    home.run(&[&["keygen", "--passphrase-fd", "3", "-a", "1"], args].concat())
}

fn ssh_keygen(args: &[&str], file: &Path) -> String {
    let output = Command::new("ssh-keygen").args(args).arg(file).output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn ssh_keygen_reads_every_type_and_shows_the_same() {
    let home = Home::new();
    for (args, name, bits) in [
        (&[][..], "id_ed25519", "256"),
        (&["-t", "ecdsa"], "id_ecdsa", "256"),
        (&["-t", "ecdsa", "-b", "384", "p384"], "p384", "384"),
        (&["-t", "ecdsa", "-b", "521", "p521"], "p521", "521"),
        (&["-t", "rsa"], "id_rsa", "4096"),
        (
            &["-t", "rsa", "-b", "2048", "-C", "Zoë's own", "rsa two"],
            "rsa two",
            "2048",
        ),
    ] {
        let said = keygen(&home, args).done().out;
        let path = home.path(".ssh").join(name);
        let public = home.path(".ssh").join(format!("{name}.pub"));
        let line = fs::read_to_string(&public).unwrap();
        assert_eq!(ssh_keygen(&["-y", "-P", KEY, "-f"], &path), line, "{name}");
        let shown = ssh_keygen(&["-l", "-v", "-f"], &public);
        assert!(shown.starts_with(&format!("{bits} ")), "{shown}");
        assert!(said.contains(shown.trim_end()), "{said}\n{shown}");
        assert!(said.ends_with(&line), "{said}");
        for (file, mode) in [(&path, 0o600), (&public, 0o644)] {
            assert_eq!(
                fs::metadata(file).unwrap().mode() & 0o7777,
                mode,
                "{}",
                text(file)
            );
        }
    }
    assert!(
        fs::read_to_string(home.path(".ssh/rsa two.pub"))
            .unwrap()
            .ends_with(" Zoë's own\n")
    );
    assert!(
        !home.config().exists(),
        "keys in ~/.ssh need no line in the configuration"
    );
    assert!(
        !home.vault().exists(),
        "a passphrase that was given is nobody else's"
    );
}

#[test]
fn json_tells_all_of_it() {
    let home = Home::new();
    let said = keygen(&home, &["--json", "-C", "me@here", "--for", "web.example.net"])
        .done()
        .out;
    let json: serde_json::Value = serde_json::from_str(&said).unwrap();
    let path = home.path(".ssh/id_ed25519_web.example.net");
    assert_eq!(json["path"], text(&path));
    assert_eq!(json["public_path"], format!("{}.pub", text(&path)));
    assert_eq!(
        (&json["type"], &json["bits"]),
        (&"ssh-ed25519".into(), &256.into())
    );
    assert_eq!(
        (&json["passphrase"], &json["agent"]),
        (&"typed".into(), &"none".into())
    );
    assert_eq!(json["comment"], "me@here");
    let shown = ssh_keygen(&["-l", "-f"], &path);
    assert_eq!(shown.split(' ').nth(1), json["fingerprint"].as_str());
    assert_eq!(
        format!("{}\n", json["public_key"].as_str().unwrap()),
        ssh_keygen(&["-y", "-P", KEY, "-f"], &path)
    );
}

#[test]
fn a_file_elsewhere_is_named_in_the_configuration() {
    let home = Home::new();
    fs::create_dir(home.path("work keys")).unwrap();
    keygen(&home, &["-f", "work keys/clé"]).done();
    let config = fs::read_to_string(home.config()).unwrap();
    assert!(config.contains("~/work keys/clé"), "{config}");
}

#[test]
fn nothing_is_ever_overwritten() {
    let home = Home::new();
    let folder = home.path(".ssh");
    fs::write(folder.join("private"), "mine").unwrap();
    fs::write(folder.join("public.pub"), "mine").unwrap();
    symlink("nowhere", folder.join("dangling")).unwrap();
    fs::create_dir(folder.join("folder")).unwrap();
    let before = names(&folder);
    for (name, named) in [
        ("private", ".ssh/private"),
        ("public", ".ssh/public.pub"),
        ("dangling", ".ssh/dangling"),
        ("folder", ".ssh/folder"),
    ] {
        keygen(&home, &[name]).failed(&[named, "exists already"]);
    }
    assert_eq!(names(&folder), before);
    assert_eq!(fs::read(folder.join("private")).unwrap(), b"mine");
    assert_eq!(fs::read(folder.join("public.pub")).unwrap(), b"mine");
}

#[test]
fn where_nothing_can_be_written_nothing_is_left() {
    let home = Home::new();
    keygen(&home, &["-f", "none/key"]).failed(&["none", "no such"]);
    keygen(&home, &["-f", "/proc/key"]).failed(&["/proc"]);
    let closed = home.path("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o500)).unwrap();
    // Root may write everywhere: there the folder stops being one that cannot be written to.
    if fs::write(closed.join("probe"), "").is_err() {
        keygen(&home, &["-f", "closed/key"]).failed(&["closed"]);
        assert!(names(&closed).is_empty());
    }
    assert!(!home.config().exists());
}

#[test]
fn bad_names_hosts_sizes_and_comments_are_refused_before_anything_is_made() {
    let home = Home::new();
    for (args, named) in [
        (&["sub/key"][..], "-f FILE"),
        (&[".hidden"], "must not begin"),
        (&["key.pub"], "public half"),
        (&["authorized_keys"], "something else to ssh"),
        (&["-f", ".ssh/config"], "something else to ssh"),
        (&["-f", "a\nb"], "control characters"),
        (&["-t", "rsa", "-b", "1024"], "2048, 3072, 4096 or 8192"),
        (&["-t", "ecdsa", "-b", "255"], "256, 384 or 521"),
        (&["-b", "512"], "fixed"),
        (&["-C", "two\nlines"], "one line"),
        (&["--for", "a\nHost *"], "not a host's name"),
        (&["--for", "*.example.net"], "not a host's name"),
        (&["--for", "a\"b", "--ssh-config"], "not a host's name"),
        (&["--for", "../../evil"], "not a host's name"),
        (
            &["--for", "a", "--ssh-config", "--hostname", "%h"],
            "not a host's name",
        ),
        (
            &["--for", "a", "--ssh-config", "--user", "x\nProxyCommand y"],
            "not a user's name",
        ),
    ] {
        keygen(&home, args).failed(&[named]);
    }
    assert!(names(&home.path(".ssh")).is_empty());
    for usage in [
        &["--include"][..],
        &["--ssh-config"],
        &["--unprotected"],
        &["-a", "0"],
        &["-t", "dsa"],
    ] {
        assert_eq!(home.run(&[&["keygen"], usage].concat()).code, 2, "{usage:?}");
    }
}

#[test]
fn a_key_without_a_passphrase_has_to_be_asked_for_twice() {
    let home = Home::new();
    home.run(&["keygen", "--no-passphrase"])
        .failed(&["--unprotected", "--generate"]);
    Ran::from(
        home.command(&["keygen", "--passphrase-fd", "3"], "", MASTER)
            .output()
            .unwrap(),
    )
    .failed(&["empty"]);
    home.run(&["keygen"]).failed(&["--passphrase-fd", "--generate"]);
    assert!(names(&home.path(".ssh")).is_empty());
    let said = home
        .run(&["keygen", "--no-passphrase", "--unprotected"])
        .done()
        .out;
    assert!(said.contains("whoever has the file"), "{said}");
    ssh_keygen(&["-y", "-P", "", "-f"], &home.path(".ssh/id_ed25519"));
}

#[test]
fn a_generated_passphrase_is_in_the_store_and_nowhere_else() {
    let home = Home::new();
    let args = [
        "keygen",
        "--generate",
        "-a",
        "1",
        "--vault-passphrase-fd",
        "4",
        "--json",
    ];
    let said = home.run(&args).done().out;
    let json: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert!(
        json["stored_in"].as_str().unwrap().contains(text(&home.vault())),
        "{said}"
    );
    let password = keepassxc(&home, &["show", "-q", "-s", "-a", "Password"], &[&title(&home)]);
    let password = password.trim();
    assert_eq!(password.len(), 32);
    assert!(!said.contains(password));
    ssh_keygen(&["-y", "-P", password, "-f"], &home.path(".ssh/id_ed25519"));
}

/// Where KeePassXC sees the vault's only entry.
fn title(home: &Home) -> String {
    let listed = keepassxc(home, &["ls", "-q", "-R", "-f"], &[]);
    let entries: Vec<&str> = listed
        .lines()
        .filter(|line| !line.ends_with('/') && !line.contains("[empty]"))
        .collect();
    assert_eq!(entries.len(), 1, "{listed}");
    entries[0].to_owned()
}

fn keepassxc(home: &Home, verb: &[&str], rest: &[&str]) -> String {
    let mut command = Command::new("keepassxc-cli");
    command.args(verb).arg(home.vault()).args(rest);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut keyboard = child.stdin.take().unwrap();
    keyboard.write_all(format!("{MASTER}\n").as_bytes()).unwrap();
    drop(keyboard);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn without_a_store_that_works_no_key_is_made() {
    let home = Home::new();
    let key = home.keygen("first/id", KEY);
    home.add(&[text(&key)]).done();
    let vault = fs::read(home.vault()).unwrap();
    let args = ["keygen", "--generate", "--vault-passphrase-fd", "4"];
    Ran::from(home.command(&args, KEY, "not it").output().unwrap()).failed(&["does not fit"]);
    home.configure("[vault]\norder = [\"prompt\"]\n");
    home.run(&args).failed(&["vault.order"]);
    assert!(names(&home.path(".ssh")).is_empty());
    assert_eq!(fs::read(home.vault()).unwrap(), vault);
}

#[test]
fn killed_at_any_moment_it_leaves_a_whole_key_or_none() {
    let home = Home::new();
    let whole = |name: &str| {
        [
            "keygen",
            "--generate",
            "-a",
            "1",
            "--vault-passphrase-fd",
            "4",
            name,
        ]
        .map(String::from)
    };
    let started = Instant::now();
    let args = whole("first");
    home.run(&args.each_ref().map(String::as_str)).done();
    let takes = started.elapsed();
    for moment in 0..MOMENTS {
        let name = format!("key{moment}");
        let args = whole(&name);
        let command = home.command(&args.each_ref().map(String::as_str), KEY, MASTER);
        killed_after(command, takes * moment / MOMENTS);
        let left: Vec<String> = names(&home.path(".ssh"))
            .into_iter()
            .filter(|left| left.contains(&name))
            .collect();
        let public = format!("{name}.pub");
        assert!(
            left.is_empty() || left == [name.as_str()] || left == [name.as_str(), public.as_str()],
            "{left:?}"
        );
        if !left.is_empty() {
            // The passphrase is known to a store before the file has its name.
            let found = home
                .run(&["remove", "--vault-passphrase-fd", "4", &name])
                .done()
                .out;
            assert!(found.contains(text(&home.vault())), "{found}");
        }
    }
    let odd: Vec<String> = names(&home.path(".ssh"))
        .into_iter()
        .filter(|name| name.contains("tmp"))
        .collect();
    assert!(odd.is_empty(), "{odd:?}");
}
