//! What a file is that is taken for a private key and is none, or one of a format that is not read; and the way out.

use super::KeyError;
use super::format::holds_openssh;

/// First bytes, what they begin, and what to do.
const KNOWN: &[(&[u8], &str, &str)] = &[
    (
        b"-----BEGIN CERTIFICATE REQUEST-----",
        "a certificate request",
        "the key that it was made with is another file, usually .key or .pem",
    ),
    (
        b"-----BEGIN NEW CERTIFICATE REQUEST-----",
        "a certificate request",
        "the key that it was made with is another file, usually .key or .pem",
    ),
    (
        b"-----BEGIN CERTIFICATE-----",
        "an X.509 certificate",
        "the key that it certifies is another file, usually .key or .pem",
    ),
    (
        b"-----BEGIN TRUSTED CERTIFICATE-----",
        "an X.509 certificate",
        "the key that it certifies is another file, usually .key or .pem",
    ),
    (b"-----BEGIN PUBLIC KEY-----", "a public key", WRONG_HALF),
    (b"-----BEGIN RSA PUBLIC KEY-----", "a public key", WRONG_HALF),
    (b"---- BEGIN SSH2 PUBLIC KEY ----", "a public key", WRONG_HALF),
    (
        b"---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----",
        "a key of ssh.com's format",
        "convert it: puttygen FILE -O private-openssh-new -o NEW",
    ),
    (
        b"SSH PRIVATE KEY FILE FORMAT 1.1",
        "a key for SSH 1",
        "no server takes it any more; make a new key: ssh-keygen -t ed25519",
    ),
    (
        b"-----BEGIN PGP ",
        "a PGP key or message",
        "gpg-agent serves PGP keys to ssh; `[[upstream]]` puts it behind claviger",
    ),
    (
        b"-----BEGIN SSH SIGNATURE-----",
        "a signature",
        "remove it, or restore the key",
    ),
    (
        b"AGE-SECRET-KEY-",
        "a key of age",
        "ssh has no use for it; move it elsewhere",
    ),
];

const WRONG_HALF: &str = "the private key is another file, usually of the same name without .pub";
const RESTORE: &str = "remove it, or restore the key";

/// The error for a file that [`super::looks_like_private_key`] does not know; its first [`super::HEAD`] bytes are enough.
pub(super) fn not_a_private_key(text: &[u8]) -> KeyError {
    let text = text.trim_ascii_start();
    let known = KNOWN.iter().find(|(begin, ..)| text.starts_with(begin));
    let (what, remedy) = known.map_or_else(|| unmarked(text), |&(_, what, remedy)| (what, remedy));
    KeyError::NotAPrivateKey { what, remedy }
}

/// Files without a first line that says what they are.
fn unmarked(text: &[u8]) -> (&'static str, &'static str) {
    let first = text
        .split(|byte| byte.is_ascii_whitespace())
        .next()
        .unwrap_or_default();
    let public = [&b"ssh-"[..], b"ecdsa-sha2-", b"sk-ssh-", b"sk-ecdsa-"];
    // An ASN.1 sequence with a length of two bytes, and a version number in it.
    let is_der = |text: &[u8]| {
        matches!(
            text,
            [0x30, 0x82, _, _, 0x02 | 0x30, ..] | [0x30, 0x81, _, 0x02 | 0x30, ..]
        )
    };
    if first.ends_with(b"-cert-v01@openssh.com") {
        ("a certificate", "it belongs beside its key, as FILE-cert.pub")
    } else if public.iter().any(|prefix| first.starts_with(prefix)) {
        ("a public key", WRONG_HALF)
    } else if is_der(text) {
        (
            "binary (DER), perhaps a key or a PKCS#12 store",
            "convert it: openssl pkey -inform DER -in FILE -out NEW, or openssl pkcs12 -in FILE -nocerts -out NEW",
        )
    } else if text.is_empty() {
        ("an empty file", RESTORE)
    } else if text.starts_with(b"\xff\xfe") || text.starts_with(b"\xfe\xff") {
        ("text in UTF-16", "if it is a key, save it as UTF-8")
    } else if holds_openssh(text) {
        (
            "other text with an OpenSSH key behind it",
            "take out what stands in front of -----BEGIN OPENSSH PRIVATE KEY-----",
        )
    } else {
        ("no key", RESTORE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_for_what_they_are() {
        for (text, expected) in [
            (&b"ssh-ed25519 AAAA me"[..], "a public key"),
            (b"sk-ssh-ed25519@openssh.com AAAA", "a public key"),
            (b"ssh-ed25519-cert-v01@openssh.com AAAA", "a certificate"),
            (
                b"\n-----BEGIN CERTIFICATE REQUEST-----\nMII",
                "a certificate request",
            ),
            (b"-----BEGIN CERTIFICATE-----\nMII", "an X.509 certificate"),
            (
                b"---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\r\n",
                "a key of ssh.com's format",
            ),
            (b"SSH PRIVATE KEY FILE FORMAT 1.1\n\0", "a key for SSH 1"),
            (b"-----BEGIN PGP PRIVATE KEY BLOCK-----", "a PGP key or message"),
            (
                b"\x30\x82\x04\xbd\x02\x01\x00\x30",
                "binary (DER), perhaps a key or a PKCS#12 store",
            ),
            (b"hello", "no key"),
            (b"", "an empty file"),
            (b"\xff\xfe-\0-\0", "text in UTF-16"),
            (
                b"my key:\n-----BEGIN OPENSSH PRIVATE KEY-----\n",
                "other text with an OpenSSH key behind it",
            ),
        ] {
            let KeyError::NotAPrivateKey { what, remedy } = not_a_private_key(text) else {
                panic!("{text:?}")
            };
            assert_eq!(what, expected);
            assert!(!remedy.is_empty());
        }
    }
}
