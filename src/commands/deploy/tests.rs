//! The script as servers run it: under the login shells and the small tools that are found there, in a home of its own.
#![cfg(unix)]
use super::script::{Answer, HANDSHAKE, Order, READY, answer};
use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

const BLOB: &str = "AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";
const OTHER: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB";

/// A server's account.
struct Account {
    home: tempfile::TempDir,
    shell: Vec<&'static str>,
    path: Option<String>,
}

impl Account {
    fn new() -> Self {
        Self::with_shell(&["sh"])
    }

    fn with_shell(shell: &[&'static str]) -> Self {
        let home = tempfile::Builder::new().prefix("it's a home ").tempdir().unwrap();
        Self {
            home,
            shell: shell.to_vec(),
            path: None,
        }
    }

    /// With this file, if any is given.
    fn having(content: &str) -> Self {
        let account = Self::new();
        fs::create_dir(account.home.path().join(".ssh")).unwrap();
        fs::write(account.file(), content).unwrap();
        account
    }

    fn file(&self) -> std::path::PathBuf {
        self.home.path().join(".ssh/authorized_keys")
    }

    fn content(&self) -> String {
        fs::read_to_string(self.file()).unwrap()
    }

    /// What the login shell makes of the command, and sh of the script.
    fn run(&self, action: &'static str, comment: &str, dry_run: bool, force: bool) -> Vec<Answer> {
        self.give(action, &format!("ssh-ed25519 {BLOB} {comment}"), dry_run, force)
    }

    fn give(&self, action: &'static str, line: &str, dry_run: bool, force: bool) -> Vec<Answer> {
        let order = Order {
            action,
            dry_run,
            force,
            line,
        };
        let mut command = Command::new(self.shell[0]);
        command.args(&self.shell[1..]).args(["-c", HANDSHAKE]);
        command.env("HOME", self.home.path());
        command.current_dir(self.home.path());
        if let Some(path) = &self.path {
            command.env("PATH", path);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut ready = String::new();
        output.read_line(&mut ready).unwrap();
        assert_eq!(ready.trim_end(), READY, "{:?}", self.shell);
        child
            .stdin
            .take()
            .unwrap()
            .write_all(order.script().as_bytes())
            .unwrap();
        let mut said = String::new();
        output.read_to_string(&mut said).unwrap();
        child.wait().unwrap();
        said.lines().filter_map(answer).collect()
    }

    fn add(&self) -> Vec<Answer> {
        self.run("add", "new@test", false, false)
    }

    fn remove(&self) -> Vec<Answer> {
        self.run("remove", "", false, false)
    }

    /// Nothing but the file itself is left in its directory.
    fn is_tidy(&self) -> bool {
        let entries = fs::read_dir(self.home.path().join(".ssh")).unwrap();
        entries.count() == 1
    }
}

fn done(what: &str, lines: u32, others: u32) -> Vec<Answer> {
    vec![Answer::Done {
        what: what.into(),
        lines,
        others,
    }]
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn every_usual_login_shell_starts_it() {
    for shell in [
        &["dash"][..],
        &["bash"],
        &["rbash"],
        &["fish"],
        &["tcsh"],
        &["busybox", "sh"],
    ] {
        let account = Account::with_shell(shell);
        let made = account.run("add", "it's $(mine) `x` \\ \"q\" !$ *", false, false);
        assert_eq!(made.last(), done("added", 1, 0).last(), "{shell:?}");
        let line = format!("ssh-ed25519 {BLOB} it's $(mine) `x` \\ \"q\" !$ *\n");
        assert_eq!(account.content(), line, "{shell:?}");
        assert_eq!(account.add(), done("present", 1, 0), "{shell:?}");
        let folder = account.home.path().join(".ssh");
        assert_eq!((mode(&folder), mode(&account.file())), (0o700, 0o600));
        assert_eq!(
            account.run("remove", "", false, true),
            done("removed", 1, 0),
            "{shell:?}"
        );
        assert_eq!(account.content(), "");
        assert!(account.is_tidy());
    }
}

#[test]
fn busyboxs_tools_are_enough() {
    let mut account = Account::having(&format!(
        "# x\nssh-ed25519 {OTHER} a\nfrom=\"a b\" ssh-ed25519 {BLOB}"
    ));
    let tools = tempfile::tempdir().unwrap();
    for tool in [
        "sh", "awk", "sed", "tail", "cat", "cp", "mv", "rm", "mkdir", "readlink", "flock", "sleep",
    ] {
        symlink("/bin/busybox", tools.path().join(tool)).unwrap();
    }
    account.path = Some(format!("{}:/bin", tools.path().display()));
    assert_eq!(account.remove(), done("removed", 1, 1));
    assert_eq!(account.content(), format!("# x\nssh-ed25519 {OTHER} a\n"));
    assert_eq!(account.add(), done("added", 1, 1));
    assert!(account.content().ends_with(&format!("{BLOB} new@test\n")));
}

#[test]
fn a_key_is_known_by_its_blob_whatever_stands_around_it() {
    for line in [
        format!("ssh-ed25519 {BLOB}"),
        format!("ssh-ed25519 {BLOB}\r"),
        format!("  ssh-ed25519\t{BLOB}   another comment\r"),
        format!("from=\"10.0.0.0/8\",no-pty ssh-ed25519 {BLOB} x"),
        format!("command=\"echo \\\"a b\\\" # no\",restrict ssh-ed25519 {BLOB}"),
        format!("environment=\"A=ssh-ed25519 {OTHER}\" ssh-ed25519 {BLOB}"),
    ] {
        let account = Account::having(&format!("ssh-ed25519 {OTHER} other\n{line}\nlast"));
        let before = account.content();
        assert_eq!(account.add(), done("present", 1, 2), "{line}");
        assert_eq!(account.content(), before);
        assert_eq!(account.run("remove", "", true, false), done("would-remove", 1, 2));
        assert_eq!(account.content(), before);
        assert_eq!(account.remove(), done("removed", 1, 2), "{line}");
        assert_eq!(account.content(), format!("ssh-ed25519 {OTHER} other\nlast"));
    }
}

#[test]
fn a_comment_or_a_quotation_is_no_key() {
    for line in [
        format!("# ssh-ed25519 {BLOB} switched off"),
        format!("command=\"grep ssh-ed25519 {BLOB} f\" ssh-ed25519 {OTHER}"),
        format!("ssh-ed25519 {OTHER} ssh-ed25519 {BLOB}"),
        format!("ssh-ed25519 {BLOB}A"),
        format!("ssh-rsa {BLOB}"),
    ] {
        let account = Account::having(&format!("{line}\r\n"));
        let answers = account.remove();
        assert!(
            matches!(answers.as_slice(), [Answer::Done { what, lines: 0, .. }] if what == "absent"),
            "{line}: {answers:?}"
        );
        assert!(matches!(account.add().as_slice(), [Answer::Done { what, .. }] if what == "added"));
        assert_eq!(
            account.content(),
            format!("{line}\r\nssh-ed25519 {BLOB} new@test\n")
        );
    }
}

#[test]
fn every_copy_of_a_key_goes_but_the_last_key_stays() {
    let three = format!("ssh-ed25519 {BLOB} 1\n\nno-pty ssh-ed25519 {BLOB} 2\n# end\nssh-ed25519 {BLOB} 3");
    let account = Account::having(&three);
    assert_eq!(account.remove(), done("last", 3, 0));
    assert_eq!(account.content(), three);
    assert_eq!(account.run("remove", "", false, true), done("removed", 3, 0));
    assert_eq!(account.content(), "\n# end\n");
}

#[test]
fn a_link_and_the_files_mode_stay() {
    let account = Account::having("");
    let real = account.home.path().join("dotfiles keys");
    fs::rename(account.file(), &real).unwrap();
    fs::write(&real, format!("ssh-ed25519 {OTHER} x\n")).unwrap();
    fs::set_permissions(&real, Permissions::from_mode(0o640)).unwrap();
    symlink("../dotfiles keys", account.file()).unwrap();
    assert_eq!(account.add(), done("added", 1, 1));
    assert!(account.file().is_symlink());
    assert_eq!(mode(&real), 0o640);
    assert!(fs::read_to_string(&real).unwrap().contains(BLOB));
    assert_eq!(account.remove(), done("removed", 1, 1));
    assert!(account.file().is_symlink() && account.is_tidy());
    assert_eq!(
        fs::read_to_string(&real).unwrap(),
        format!("ssh-ed25519 {OTHER} x\n")
    );
}

#[test]
fn what_is_in_the_way_is_named_and_left_alone() {
    let failed = |account: &Account, word: &str| {
        let answers = account.add();
        let named = matches!(answers.last(), Some(Answer::Failed(why)) if why.contains(word));
        assert!(named, "{word}: {answers:?}");
    };
    let folder = Account::having("");
    fs::remove_file(folder.file()).unwrap();
    fs::create_dir(folder.file()).unwrap();
    failed(&folder, "not a regular file");
    let file = Account::new();
    fs::write(file.home.path().join(".ssh"), "").unwrap();
    failed(&file, "not a directory");
    let link = Account::having("");
    fs::remove_file(link.file()).unwrap();
    symlink("nowhere", link.file()).unwrap();
    failed(&link, "link to nothing");
    assert!(link.is_tidy());
}

#[test]
fn a_dry_run_makes_nothing() {
    let account = Account::new();
    assert_eq!(account.run("add", "x", true, false), done("would-add", 1, 0));
    assert_eq!(fs::read_dir(account.home.path()).unwrap().count(), 0);
}

#[test]
fn two_at_once_do_not_undo_each_other() {
    let account = Account::having("");
    let blobs: Vec<String> = (0..6)
        .map(|number| format!("{}{number}", &BLOB[..BLOB.len() - 1]))
        .collect();
    std::thread::scope(|scope| {
        for blob in &blobs {
            let account = &account;
            scope.spawn(move || {
                let line = format!("ssh-ed25519 {blob} x");
                assert_eq!(account.give("add", &line, false, false).len(), 1);
            });
        }
    });
    let content = account.content();
    assert!(blobs.iter().all(|blob| content.contains(blob)), "{content}");
}
