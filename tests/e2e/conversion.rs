//! `convert` and `pubkey` where a person or an agent is there.

use super::support::home::claviger;
use super::support::{Agent, Home, Key, KeyKind, Terminal, succeed};
use std::process::Command;

/// No store: every passphrase is asked for, and none is offered to be kept.
fn home() -> Home {
    let home = Home::new();
    home.configure("[vault]\norder = [\"prompt\"]\n");
    home
}

fn convert(home: &Home, key: &Key, more: &[&str]) -> Command {
    let words = ["convert", key.arg(), "--to", "openssh", "-o", "out"];
    home.claviger(&[&words[..], more].concat())
}

fn opens(home: &Home, passphrase: &str) -> bool {
    let mut keygen = home.command("ssh-keygen");
    keygen.args(["-y", "-P", passphrase, "-f", "out"]);
    keygen.output().expect("ssh-keygen").status.success()
}

#[test]
fn passphrases_are_typed_and_the_new_one_twice() {
    let home = home();
    let key = Key::make(&home, "id", KeyKind::Quick);
    let mut terminal = Terminal::run(&home, &convert(&home, &key, &["--new-passphrase"]));
    terminal.wait_for("Enter passphrase for key").type_line("wrong");
    terminal.wait_for("does not fit").type_line(&key.passphrase);
    terminal.wait_for("new passphrase for out").type_line("one");
    terminal.wait_for("again").type_line("another");
    terminal
        .wait_for("differ")
        .wait_for("new passphrase")
        .type_line("the new one");
    terminal.wait_for("again").type_line("the new one");
    let (status, shown) = terminal.end();
    assert!(status.success(), "{shown}");
    assert!(opens(&home, "the new one") && !opens(&home, &key.passphrase));
}

#[test]
fn three_wrong_passphrases_end_it() {
    let home = home();
    let key = Key::make(&home, "id", KeyKind::Quick);
    let mut terminal = Terminal::run(&home, &convert(&home, &key, &[]));
    for _ in 0..3 {
        terminal.wait_for("Enter passphrase for key").type_line("wrong");
    }
    let (status, shown) = terminal.end();
    assert_eq!(status.code(), Some(1), "{shown}");
    assert!(
        shown.contains("none fits") && !home.path("out").exists(),
        "{shown}"
    );
}

#[test]
fn an_unprotected_file_is_confirmed() {
    let home = home();
    let key = Key::make(&home, "id", KeyKind::Quick);
    for (answer, written) in [("n", false), ("y", true)] {
        let mut terminal = Terminal::run(&home, &convert(&home, &key, &["--no-passphrase"]));
        terminal
            .wait_for("Enter passphrase for key")
            .type_line(&key.passphrase);
        terminal.wait_for("without a passphrase?").type_line(answer);
        let (status, shown) = terminal.end();
        assert_eq!(
            (status.success(), home.path("out").exists()),
            (written, written),
            "{shown}"
        );
    }
    assert!(opens(&home, ""));
}

#[test]
fn a_key_that_only_the_agent_has_is_named_as_in_its_list() {
    let home = home();
    let key = Key::make_with(&home, "id", KeyKind::Quick, "").moved(&home, "elsewhere");
    let _agent = Agent::start(&home);
    succeed(home.command("ssh-add").args(["-q", key.arg()]));
    let fingerprint = key.fingerprint(&home);
    let line = key.public_line();
    for name in ["id@test", &fingerprint, &fingerprint[..16]] {
        assert_eq!(succeed(&mut home.claviger(&["pubkey", name])), line);
    }
}

#[test]
fn a_locked_agent_hides_no_files_and_a_certificate_is_its_key() {
    let home = home();
    let key = Key::make_with(&home, "id", KeyKind::Quick, "").moved(&home, "elsewhere");
    let authority = Key::make_with(&home, "authority", KeyKind::Quick, "").moved(&home, "elsewhere");
    let file = Key::make(&home, "file", KeyKind::Quick);
    key.certify(&home, &authority, "somebody");
    let _agent = Agent::start(&home);
    succeed(home.command("ssh-add").args(["-q", key.arg()]));
    // The plain key goes, the certificate stays.
    let bare = home.write("bare.pub", key.public_line().as_bytes(), 0o600);
    succeed(home.command("ssh-add").arg("-qd").arg(bare));
    let fingerprint = key.fingerprint(&home);
    let pubkey = |name: &str| succeed(&mut home.claviger(&["pubkey", name]));
    assert_eq!(pubkey(&fingerprint), key.public_line());
    let mut terminal = Terminal::run(&home, home.command("ssh-add").arg("-x"));
    terminal.wait_for("lock password").type_line("a lock");
    terminal.wait_for("gain").type_line("a lock");
    assert!(terminal.end().0.success());
    assert_eq!(pubkey("file@test"), file.public_line());
    assert_eq!(pubkey(&file.fingerprint(&home)), file.public_line());
    let hidden = home
        .claviger(&["pubkey", &fingerprint])
        .output()
        .expect("claviger");
    assert!(!hidden.status.success(), "a locked key is not shown");
}

#[test]
fn over_ssh_the_line_goes_to_the_clipboard_of_the_terminal() {
    let home = home();
    let key = Key::make_with(&home, "id", KeyKind::Quick, "");
    let mut command = home.claviger(&["pubkey", key.arg(), "--copy"]);
    command.env("SSH_CONNECTION", "192.0.2.1 1 192.0.2.2 22");
    let (status, shown) = Terminal::run(&home, &command).end();
    assert!(status.success(), "{shown}");
    let sequence = shown.split("\x1b]52;c;").nth(1).expect("the sequence");
    let base64 = sequence.split('\x07').next().expect("its end");
    let mut decode = home.command("base64");
    home.write("base64", base64.as_bytes(), 0o600);
    assert_eq!(
        succeed(decode.args(["-d", "base64"])),
        key.public_line().trim_end()
    );
    let without = command.output().expect("claviger");
    assert!(!without.status.success(), "there is no terminal to tell");
}

#[test]
fn on_a_terminal_a_qr_code_is_dark_on_light_whatever_its_colours() {
    let home = home();
    let key = Key::make_with(&home, "id", KeyKind::Quick, "");
    let command = home.claviger(&["pubkey", key.arg(), "--qr"]);
    let (_, shown) = Terminal::run(&home, &command).end();
    assert!(
        shown
            .lines()
            .all(|line| line.starts_with("\x1b[38;5;231;48;5;16m")),
        "{shown}"
    );
    let narrow = format!(
        "stty cols 40; exec {} pubkey {} --qr",
        claviger().display(),
        key.arg()
    );
    let mut shell = home.command("sh");
    let (status, shown) = Terminal::run(&home, shell.args(["-c", &narrow])).end();
    assert!(!status.success() && shown.contains("the terminal 40"), "{shown}");
    let mut command = home.claviger(&["pubkey", key.arg(), "--qr"]);
    let (_, shown) = Terminal::run(&home, command.env("NO_COLOR", "1")).end();
    assert!(shown.starts_with('█') && !shown.contains('\x1b'), "{shown}");
}
