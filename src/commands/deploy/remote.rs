//! A talk with the script on the server, through the person's own ssh: who waits for what, and for how long.
use super::script::{Answer, HANDSHAKE, Order, READY, answer};
use crate::commands::output::{Failure, visible};
use claviger_platform::process::{Dialogue, Heard};
use std::ffi::OsString;
use std::io;
use std::time::Duration;

/// A person may have to look for a password, and ssh to try several addresses; sshd itself gives up after two minutes.
const LOGIN: Duration = Duration::from_secs(180);
/// From the login on: how long the server's shell may take to start sh, and each step of the script.
const ANSWER: Duration = Duration::from_secs(20);
/// What ssh's own failures end with.
const SSH_FAILED: i32 = 255;
/// Printed on this machine, by ssh itself, once the login has succeeded.
const LOGGED_IN: &str = "claviger:logged-in";

/// ssh's arguments for one command. The person's own options come first: the first one counts.
pub(super) fn arguments(own: &[OsString], ours: &[String], host: &str, command: &str) -> Vec<OsString> {
    let fixed = [
        "-T",
        "-x",
        "-a",
        "-o",
        "RemoteCommand=none",
        "-o",
        "ClearAllForwardings=yes",
    ];
    let mut words: Vec<OsString> = own.to_vec();
    words.extend(fixed.map(OsString::from));
    words.extend(ours.iter().map(OsString::from));
    words.extend(["--", host, command].map(OsString::from));
    words
}

/// What the script did. Everything that is not its own is only shown if it never came to run.
pub(super) async fn run(own: &[OsString], host: &str, order: &Order<'_>) -> Result<Vec<Answer>, Failure> {
    let greeting = format!("LocalCommand=echo {LOGGED_IN}");
    let ours = ["-o", "PermitLocalCommand=yes", "-o", &greeting].map(str::to_owned);
    let mut ssh = start(&arguments(own, &ours, host, HANDSHAKE))?;
    if let Err(noise) = ready(&mut ssh).await? {
        return Err(no_shell(host, ssh, noise).await);
    }
    ssh.say(order.script().as_bytes(), ANSWER).await?;
    let mut answers = Vec::new();
    loop {
        match ssh.line(ANSWER).await? {
            Heard::Line(line) => answers.extend(answer(&line)),
            Heard::End => break,
            Heard::Silence => {
                return Err(Failure::new(format!(
                    "{host}: the script on the server gave no answer for {} s; look at ~/.ssh/authorized_keys there",
                    ANSWER.as_secs()
                )));
            }
        }
    }
    let code = ssh.end().await;
    match answers.last() {
        Some(Answer::Done { .. }) => Ok(answers),
        Some(Answer::Failed(why)) => Err(Failure::new(format!("{host}: {}", visible(why)))),
        _ if code == Some(SSH_FAILED) => Err(Failure::new(format!(
            "{host}: the connection broke; look at ~/.ssh/authorized_keys there"
        ))),
        _ => Err(Failure::new(format!(
            "{host}: the script on the server ended without an answer (status {}); look at ~/.ssh/authorized_keys there",
            code.map_or("unknown".to_owned(), |code| code.to_string())
        ))),
    }
}

pub(super) fn start(arguments: &[OsString]) -> Result<Dialogue, Failure> {
    Dialogue::start("ssh", arguments).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Failure::new("there is no ssh in PATH; install OpenSSH's client"),
        _ => Failure::new(format!("ssh: {error}")),
    })
}

/// What was heard instead of sh, if anything; why the wait was over.
struct Noise {
    first: Option<String>,
    silent: bool,
    logged_in: bool,
}

/// Waits for the server's sh.
async fn ready(ssh: &mut Dialogue) -> Result<Result<(), Noise>, Failure> {
    let mut noise = Noise {
        first: None,
        silent: false,
        logged_in: false,
    };
    loop {
        // Whatever is said, the login is over when it is said.
        let limit = match noise.logged_in || noise.first.is_some() {
            true => ANSWER,
            false => LOGIN,
        };
        match ssh.line(limit).await? {
            // A login script may have left its own line open.
            Heard::Line(line) if line.ends_with(READY) => return Ok(Ok(())),
            Heard::Line(line) if line == LOGGED_IN => noise.logged_in = true,
            Heard::Line(line) if line.trim().is_empty() => {}
            Heard::Line(line) => noise.first = noise.first.or(Some(line)),
            Heard::End => return Ok(Err(noise)),
            Heard::Silence => {
                noise.silent = true;
                return Ok(Err(noise));
            }
        }
    }
}

/// Why there is no sh to talk with.
async fn no_shell(host: &str, ssh: Dialogue, noise: Noise) -> Failure {
    let said = match &noise.first {
        Some(line) => format!(
            "; it said: {:?}",
            visible(line).chars().take(200).collect::<String>()
        ),
        None => String::new(),
    };
    let remedy = "put the public key there by the provider's own way: `claviger pubkey --copy`";
    if noise.silent {
        return match noise.logged_in || noise.first.is_some() {
            true => Failure::new(format!(
                "{host}: the login works, but what answers there is no POSIX shell: \
                 it did not run sh within {} s{said}; {remedy}",
                ANSWER.as_secs()
            )),
            false => Failure::new(format!("{host}: no login within {} s", LOGIN.as_secs())),
        };
    }
    match ssh.end().await {
        Some(SSH_FAILED) if !noise.logged_in => Failure::new(format!(
            "{host}: ssh could not log in (status 255); its reason is above"
        )),
        code => Failure::new(format!(
            "{host}: the login works, but what answers there is no POSIX shell: it did not run sh (status {}){said}; {remedy}",
            code.map_or("unknown".to_owned(), |code| code.to_string())
        )),
    }
}
