//! What the command line takes, and what it refuses.

use super::*;
use clap::CommandFactory;
use clap::error::ErrorKind;

fn agent(line: &[&str]) -> AgentArgs {
    let words = ["claviger", "agent"].iter().chain(line);
    match Cli::try_parse_from(words).map(|cli| cli.verb) {
        Ok(Verb::Agent(args)) => args,
        Ok(_) => panic!("another verb"),
        Err(error) => panic!("{error}"),
    }
}

fn refused(line: &[&str]) -> clap::Error {
    match Cli::try_parse_from(["claviger"].iter().chain(line)) {
        Ok(_) => panic!("accepted: {line:?}"),
        Err(error) => error,
    }
}

#[test]
fn the_definition_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn everything_after_the_command_belongs_to_it() {
    let args = agent(&["ssh", "-p", "22", "-a", "user@host", "--", "true", "--json"]);
    assert_eq!(
        args.command,
        ["ssh", "-p", "22", "-a", "user@host", "--", "true", "--json"]
    );
    assert!(args.socket.is_none());
    let args = agent(&[
        "-a",
        "/s",
        "--vault-passphrase-fd",
        "3",
        "ssh",
        "-D",
        "1080",
        "host",
    ]);
    assert_eq!(args.command, ["ssh", "-D", "1080", "host"]);
    assert_eq!(args.socket, Some("/s".into()));
    assert_eq!(args.vault.vault_passphrase_fd, Some(3));
    assert!(!args.foreground);
    let args = agent(&["--", "-odd-name", "--config", "x"]);
    assert_eq!(args.command, ["-odd-name", "--config", "x"]);
    assert_eq!(agent(&["-a/s", "-D"]).socket, Some("/s".into()));
}

#[test]
fn the_command_can_have_options_of_our_own_names() {
    let words = ["claviger", "agent", "tool", "--config", "its.toml", "--help"];
    let Ok(cli) = Cli::try_parse_from(words) else {
        panic!("refused");
    };
    assert!(cli.config.is_none());
}

#[test]
fn options_that_make_no_sense_here_are_refused_with_the_reason() {
    for line in [&["agent", "-A", "user:x"][..], &["agent", "-T"], &["agent", "-u"]] {
        let error = refused(line);
        let text = error.to_string();
        assert!(text.contains(line[1]) && text.contains("claviger"), "{text}");
        assert_eq!(error.exit_code(), 2);
    }
    let args = agent(&[
        "-U",
        "-t1h",
        "-P/*",
        "-E",
        "md5",
        "-O",
        "no-restrict-websafe",
        "-D",
    ]);
    assert!(args.foreground && args.options.lifetime.as_deref() == Some("1h"));
}

#[test]
fn modes_that_exclude_each_other_are_refused() {
    for line in [
        &["agent", "-D", "-d"][..],
        &["agent", "-c", "-s"],
        &["agent", "-k", "-D"],
        &["agent", "-k", "true"],
        &["agent", "-D", "true"],
    ] {
        assert_eq!(refused(line).kind(), ErrorKind::ArgumentConflict, "{line:?}");
    }
}

#[test]
fn a_passphrase_is_never_an_argument() {
    assert_eq!(refused(&["add", "--passphrase", "x"]).exit_code(), 2);
    assert_eq!(refused(&["add", "--passphrase-fd", "-1", "id"]).exit_code(), 2);
    assert_eq!(refused(&["unlock", "--passphrase-fd", "secret"]).exit_code(), 2);
}

#[test]
fn the_configuration_can_be_named_before_or_after_the_verb() {
    for words in [
        ["claviger", "--config", "/c", "config", "check"],
        ["claviger", "config", "check", "--config", "/c"],
    ] {
        let cli = Cli::try_parse_from(words).ok();
        assert_eq!(cli.and_then(|cli| cli.config), Some("/c".into()));
    }
}
