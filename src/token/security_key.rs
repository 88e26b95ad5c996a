//! Signatures of security keys (FIDO tokens), made by OpenSSH's own `ssh-sk-helper`.
//!
//! The helper is installed with OpenSSH's client, knows the USB side ("internal") and the vendors' middleware, and is
//! started anew for each signature: one request through its standard input, one reply through its standard output
//! (ssh-sk-helper's protocol, version 5). What is in the request is the key's handle, which is worth nothing without
//! the token, and perhaps its PIN.

use crate::secret::Secret;
use claviger_platform::process::{self, Job, JobError};
use std::path::{Path, PathBuf};
use std::time::Duration;

const VERSION: u8 = 5;
const SIGN: u32 = 1;
/// The reply to a request that failed.
const ERROR: u32 = 0;
/// SYSLOG_LEVEL_ERROR of OpenSSH's log.h: the helper says on standard error what goes wrong.
const LOG_ERRORS: u32 = 2;

/// SSH_ERR_KEY_WRONG_PASSPHRASE, which stands for a PIN too.
const WRONG_PIN: u32 = 43;
/// SSH_ERR_FEATURE_UNSUPPORTED.
const UNSUPPORTED: u32 = 59;
/// SSH_ERR_DEVICE_NOT_FOUND.
const NO_DEVICE: u32 = 60;

/// How long the person may take to touch the token. The tokens themselves give up after half a minute.
const LIMIT: Duration = Duration::from_secs(90);
/// A signature is a few hundred bytes; the composite ones of the future a few thousand.
const MAX_REPLY: usize = 16 * 1024;

/// Why a token did not sign.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecurityKeyError {
    /// It wants its PIN, or the one that was given is wrong.
    #[error("the security key wants its PIN")]
    Pin,
    /// Not plugged in, or another token.
    #[error("no security key that holds this key is plugged in")]
    NoDevice,
    /// The library or the token cannot do it.
    #[error("the security key, or the library {provider}, does not support this")]
    Unsupported {
        /// The middleware.
        provider: String,
    },
    /// The helper or the library failed.
    #[error("ssh-sk-helper: error {code}{}{said}", if said.is_empty() { "" } else { ": " })]
    Failed {
        /// OpenSSH's number (ssherr.h).
        code: u32,
        /// What it said on its standard error.
        said: String,
    },
    /// It ended without an answer.
    #[error("ssh-sk-helper ended without an answer (library {provider}){}{said}", if said.is_empty() { "" } else { ": " })]
    NoAnswer {
        /// The middleware, which runs in it.
        provider: String,
        /// What it said on its standard error.
        said: String,
    },
    /// It could not be run, or took too long.
    #[error("{0}; it comes with OpenSSH's client, SSH_SK_HELPER names it elsewhere")]
    Helper(#[from] JobError),
}

/// What is signed, and by which key.
pub struct SignRequest<'a> {
    /// The private key: string type, then the fields with which a client added it.
    pub private: &'a [u8],
    /// Path of the middleware, or "internal".
    pub provider: &'a str,
    /// What to sign.
    pub data: &'a [u8],
    /// The token's PIN; `None` to try without.
    pub pin: Option<&'a [u8]>,
}

/// Has the token sign; the reply is an SSH signature (string algorithm, string signature, byte flags, uint32 counter).
///
/// # Errors
/// [`SecurityKeyError::Pin`] asks for another attempt with a PIN.
pub async fn sign(helper: &Path, request: &SignRequest<'_>) -> Result<Vec<u8>, SecurityKeyError> {
    sign_within(LIMIT, helper, request).await
}

async fn sign_within(
    limit: Duration,
    helper: &Path,
    request: &SignRequest<'_>,
) -> Result<Vec<u8>, SecurityKeyError> {
    let done = process::run(Job {
        program: PathBuf::from(helper),
        args: Vec::new(),
        env: Vec::new(),
        input: Some(message(request)),
        limit,
        max_output: MAX_REPLY,
    })
    .await?;
    let provider = request.provider.to_owned();
    match reply(&done.output) {
        Some(Ok(signature)) => Ok(signature.to_vec()),
        Some(Err(WRONG_PIN)) => Err(SecurityKeyError::Pin),
        Some(Err(NO_DEVICE)) => Err(SecurityKeyError::NoDevice),
        Some(Err(UNSUPPORTED)) => Err(SecurityKeyError::Unsupported { provider }),
        Some(Err(code)) => Err(SecurityKeyError::Failed {
            code,
            said: done.errors,
        }),
        None => Err(SecurityKeyError::NoAnswer {
            provider,
            said: done.errors,
        }),
    }
}

/// The framed request.
fn message(request: &SignRequest<'_>) -> Secret {
    let strings = [
        request.private,
        request.provider.as_bytes(),
        request.data,
        // The algorithm: the key's own.
        b"",
    ];
    let pin = request.pin.unwrap_or_default();
    let length = 1 + 4 + 1 + 4 + strings.iter().map(|text| 4 + text.len()).sum::<usize>() + 4 + 4 + pin.len();
    let mut message = Secret::with_capacity(4 + length);
    let number = |number: u32, message: &mut Secret| message.extend_from_slice(&number.to_be_bytes());
    number(length as u32, &mut message);
    message.extend_from_slice(&[VERSION]);
    number(SIGN, &mut message);
    message.extend_from_slice(&[1]);
    number(LOG_ERRORS, &mut message);
    for text in strings {
        number(text.len() as u32, &mut message);
        message.extend_from_slice(text);
    }
    number(0, &mut message);
    number(pin.len() as u32, &mut message);
    message.extend_from_slice(pin);
    message
}

/// The signature, or OpenSSH's number of what went wrong; `None` when it is no reply.
fn reply(output: &[u8]) -> Option<Result<&[u8], u32>> {
    let (length, body) = number(output)?;
    if length as usize != body.len() {
        return None;
    }
    let body = body.strip_prefix(&[VERSION])?;
    match number(body)? {
        (ERROR, rest) => Some(Err(number(rest)?.0)),
        (SIGN, rest) => {
            let (length, signature) = number(rest)?;
            (length as usize == signature.len()).then_some(Ok(signature))
        }
        _ => None,
    }
}

fn number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = bytes.split_first_chunk::<4>()?;
    Some((u32::from_be_bytes(*number), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_framed_as_the_helper_reads_it() {
        let message = message(&SignRequest {
            private: b"KEY",
            provider: "internal",
            data: b"D",
            pin: Some(b"1234"),
        });
        let expected = [
            &[0, 0, 0, 50, 5, 0, 0, 0, 1, 1, 0, 0, 0, 2][..],
            b"\0\0\0\x03KEY\0\0\0\x08internal\0\0\0\x01D\0\0\0\0",
            b"\0\0\0\0\0\0\0\x041234",
        ]
        .concat();
        assert_eq!(&message[..], expected);
        assert_eq!(message.len(), 4 + 50);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_helper_that_hangs_or_talks_nonsense_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let helper = dir.path().join("helper");
        let request = SignRequest {
            private: b"KEY",
            provider: "/lib/vendor.so",
            data: b"D",
            pin: None,
        };
        for (script, expected) in [
            ("exec sleep 300", "no answer within 1 s"),
            ("echo nonsense; echo bad >&2", "(library /lib/vendor.so): bad"),
            ("kill -SEGV $$", "ended without an answer"),
        ] {
            std::fs::write(&helper, format!("#!/bin/sh\n{script}\n")).unwrap();
            std::fs::set_permissions(&helper, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
            let error = sign_within(Duration::from_secs(1), &helper, &request).await;
            let error = error.unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn a_reply_is_a_signature_or_a_number() {
        assert_eq!(
            reply(b"\0\0\0\x0c\x05\0\0\0\x01\0\0\0\x03SIG"),
            Some(Ok(&b"SIG"[..]))
        );
        assert_eq!(reply(b"\0\0\0\x09\x05\0\0\0\0\0\0\0\x2b"), Some(Err(WRONG_PIN)));
        for broken in [
            &b""[..],
            b"\0\0\0\x0c\x04\0\0\0\x01\0\0\0\x03SIG",
            b"\0\0\0\x0d\x05\0\0\0\x01\0\0\0\x03SIG",
            b"\0\0\0\x0c\x05\0\0\0\x01\xff\xff\xff\xffSIG",
            b"\0\0\0\x0c\x05\0\0\0\x07\0\0\0\x03SIG",
            b"\0\0\0\x01\x05",
        ] {
            assert_eq!(reply(broken), None, "{broken:?}");
        }
    }
}
