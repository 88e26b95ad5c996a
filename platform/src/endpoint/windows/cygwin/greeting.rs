//! The greeting on a connection: the client says the secret and hears it, then says who it is and hears who answers. All
//! current Cygwin and MSYS2 do it in this order, each side sending what the other waits for.

use super::refused;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;
use subtle::ConstantTimeEq;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use zeroize::Zeroizing;

/// Four numbers of 32 bits, in the processor's order of bytes.
const SECRET: usize = 16;
/// Number of process, user and group, each 32 bits.
const CREDENTIALS: usize = 12;
/// How long an agent may take that is asked whether it lives.
const LIMIT: Duration = Duration::from_secs(2);

/// What a client has to know. No Debug shows it.
#[derive(Clone)]
pub(in super::super) struct Secret(Zeroizing<[u8; SECRET]>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    /// A new one, from the system's randomness.
    pub(super) fn new() -> io::Result<Self> {
        let mut bytes = Zeroizing::new([0; SECRET]);
        getrandom::fill(&mut *bytes).map_err(io::Error::other)?;
        Ok(Self(bytes))
    }

    /// As a file has it: four numbers in hexadecimal, with hyphens between.
    pub(super) fn written(&self) -> Zeroizing<String> {
        let (words, _) = self.0.as_chunks::<4>();
        // At once, so that no copy of a part of it is left where the text grew.
        let mut text = Zeroizing::new(String::with_capacity(2 * SECRET + 3));
        for (at, word) in words.iter().enumerate() {
            let separator = if at == 0 { "" } else { "-" };
            let number = u32::from_le_bytes(*word);
            text.push_str(separator);
            text.push_str(&Zeroizing::new(format!("{number:08X}")));
        }
        text
    }

    /// What [`Secret::written`] gave.
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut bytes = Zeroizing::new([0; SECRET]);
        let (places, _) = bytes.as_chunks_mut::<4>();
        let mut words = text.split('-');
        for place in places {
            let word = words.next().filter(|word| is_number(word))?;
            *place = u32::from_str_radix(word, 16).ok()?.to_le_bytes();
        }
        words.next().is_none().then_some(Self(bytes))
    }

    /// In a time that says nothing of where they differ.
    pub(super) fn is(&self, other: &[u8; SECRET]) -> bool {
        self.0.as_slice().ct_eq(other.as_slice()).into()
    }

    /// Whether two are the same.
    pub(super) fn same(&self, other: &Self) -> bool {
        self.is(&other.0)
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> [u8; SECRET] {
        *self.0
    }
}

fn is_number(word: &str) -> bool {
    word.len() == 8 && word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Hears the secret. Bounding the time is for the caller, here and below.
///
/// # Errors
/// The connection's; and `PermissionDenied` for a client that does not know it.
pub(super) async fn hear(stream: &mut (impl AsyncRead + Unpin), secret: &Secret) -> io::Result<()> {
    let mut said = Zeroizing::new([0; SECRET]);
    stream.read_exact(&mut *said).await?;
    match secret.is(&said) {
        true => Ok(()),
        false => Err(refused("it does not know the secret of the socket's file")),
    }
}

/// Our half of the rest.
pub(super) async fn answer(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    secret: &Secret,
) -> io::Result<()> {
    stream.write_all(&*secret.0).await?;
    let mut credentials = [0; CREDENTIALS];
    stream.read_exact(&mut credentials).await?;
    // User and group go back as they came: only Cygwin knows its numbers, and the process was found to be the same user's.
    credentials[..4].copy_from_slice(&std::process::id().to_le_bytes());
    stream.write_all(&credentials).await
}

/// A client's half: the process that answers there, by its own word, if it knows the secret.
pub(super) fn ask(port: u16, secret: &Secret) -> io::Result<u32> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, LIMIT)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    stream.write_all(&*secret.0)?;
    let mut said = Zeroizing::new([0; SECRET]);
    stream.read_exact(&mut *said)?;
    if !secret.is(&said) {
        return Err(refused("another program has the port"));
    }
    let mut credentials = [0; CREDENTIALS];
    credentials[..4].copy_from_slice(&std::process::id().to_le_bytes());
    stream.write_all(&credentials)?;
    stream.read_exact(&mut credentials)?;
    let [a, b, c, d, ..] = credentials;
    Ok(u32::from_le_bytes([a, b, c, d]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_written_as_cygwin_reads_it() {
        let text = "7B499653-622A1EB9-83E6B83E-A4E8D0C1";
        let secret = Secret::read(text).unwrap();
        assert_eq!(
            secret.bytes()[..4],
            [0x53, 0x96, 0x49, 0x7b],
            "numbers in the processor's order"
        );
        assert_eq!(*secret.written(), text);
        for wrong in [
            "",
            "7B499653-622A1EB9-83E6B83E",
            "7B499653-622A1EB9-83E6B83E-A4E8D0C1-0",
            "7B499653-622A1EB9-83E6B83E-A4E8D0CG",
            "+B499653-622A1EB9-83E6B83E-A4E8D0C1",
        ] {
            assert!(Secret::read(wrong).is_none(), "{wrong}");
        }
        assert_ne!(Secret::new().unwrap().bytes(), Secret::new().unwrap().bytes());
        assert!(!format!("{secret:?}").contains("7B"));
    }
}
