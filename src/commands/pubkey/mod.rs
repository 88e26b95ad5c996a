//! `claviger pubkey`: the public half of a key, as a line for a server, a file, a fingerprint, a picture, or on the
//! clipboard. Needs no passphrase where the public half is in clear.
mod clipboard;
mod find;
mod qr;

pub(super) use find::find;

use super::context::{Context, Secrets};
use super::output::{self, Failure, visible};
use crate::cli::PubkeyArgs;
use claviger::key::{self, Described, Hash};
use serde::Serialize;
use std::process::ExitCode;

/// A public half, wherever it was found.
pub(super) struct Public {
    pub(super) blob: Vec<u8>,
    pub(super) comment: Vec<u8>,
    /// The file that it belongs to, if any.
    pub(super) path: Option<String>,
}

/// What `--json` prints. Field names are stable.
#[derive(Serialize)]
struct Report {
    #[serde(rename = "type")]
    kind: String,
    bits: u32,
    fingerprint: String,
    md5: String,
    comment: String,
    line: String,
    path: Option<String>,
}

pub(crate) fn run(args: &PubkeyArgs, context: &Context) -> Result<ExitCode, Failure> {
    let secrets = Secrets::read(&args.key, &args.vault)?;
    let mut public = find(&args.name, args.client.socket.as_deref(), context, secrets)?;
    if let Some(comment) = &args.comment {
        public.comment = comment.clone().into_bytes();
    }
    let line = text(&key::authorized_line(&public.blob, &public.comment));
    output::line(shown(args, &public, &line)?.trim_end_matches('\n'))?;
    if args.copy {
        let place = clipboard::copy(&line)?;
        output::note(&format!("the public key's line is {place}"));
    }
    Ok(ExitCode::SUCCESS)
}

/// What goes to standard output.
fn shown(args: &PubkeyArgs, public: &Public, line: &str) -> Result<String, Failure> {
    let described = key::described(&public.blob)
        .ok_or_else(|| Failure::new(format!("{}: its public half does not parse", visible(&args.name))))?;
    if args.json {
        let report = Report {
            md5: key::fingerprint(&public.blob, Hash::Md5),
            comment: text(&public.comment),
            line: line.to_owned(),
            path: public.path.clone(),
            kind: described.kind,
            bits: described.bits,
            fingerprint: described.fingerprint,
        };
        return Ok(serde_json::to_string_pretty(&report)?);
    }
    if args.fingerprint {
        return Ok(fingerprint(public, &described, args.md5));
    }
    if args.rfc4716 {
        return Ok(text_lines(&key::rfc4716(&public.blob, &public.comment)));
    }
    match args.qr {
        true => qr::draw(line),
        false => Ok(line.to_owned()),
    }
}

/// As `ssh-keygen -lv` prints it; of MD5 without the picture, as `ssh-keygen -l -E md5`.
fn fingerprint(public: &Public, described: &Described, md5: bool) -> String {
    let fingerprint = match md5 {
        true => key::fingerprint(&public.blob, Hash::Md5),
        false => described.fingerprint.clone(),
    };
    let comment = match public.comment.is_empty() {
        true => "no comment".to_owned(),
        false => text(&public.comment),
    };
    let kind = key::short_name(&described.kind);
    let line = format!("{} {fingerprint} {comment} ({kind})", described.bits);
    match key::randomart(&fingerprint, &described.kind, described.bits) {
        Some(picture) => format!("{line}\n{picture}"),
        None => line,
    }
}

/// Bytes of a comment as people see them; a terminal is not steered by them.
fn text(bytes: &[u8]) -> String {
    visible(&String::from_utf8_lossy(bytes))
}

fn text_lines(bytes: &[u8]) -> String {
    let lines = bytes.split(|byte| *byte == b'\n').map(text);
    lines.collect::<Vec<_>>().join("\n")
}
