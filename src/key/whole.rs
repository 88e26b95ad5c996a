//! Public blobs that only name somebody, as the hosts of a destination. They sign nothing here, and still have to parse, as
//! with OpenSSH: a name that no key can ever have would make a restriction mean something else than it says.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ParsedPublicKey,
};
use ssh_key::EcdsaCurve;

use super::certificate::Certificate;
use super::kind::Kind;
use super::private::numbers;
use super::{composite, public, string};

const ED25519_BYTES: usize = 32;

/// Whether `blob` is a whole public key or certificate of a known type, with nothing behind it.
pub fn is_whole(blob: &[u8]) -> bool {
    match string(&mut &*blob).ok().and_then(Kind::named) {
        Some((kind, true)) => {
            Certificate::parse(blob).is_ok_and(|certificate| fields(kind, certificate.public).is_some())
        }
        Some((kind, false)) => {
            let mut rest = blob;
            string(&mut rest).is_ok() && fields(kind, rest).is_some()
        }
        None => false,
    }
}

fn fields(kind: Kind, mut rest: &[u8]) -> Option<()> {
    let rest = &mut rest;
    let sound = match kind {
        Kind::Rsa => {
            let [_, n] = numbers(rest).ok()?;
            public::rsa_bits(n).is_ok()
        }
        Kind::Ed25519 => string(rest).ok()?.len() == ED25519_BYTES,
        Kind::Composite => string(rest).ok()?.len() == composite::PUBLIC,
        Kind::Ecdsa(curve) => on_curve(curve, rest)?,
        Kind::SkEcdsa => on_curve(EcdsaCurve::NistP256, rest)? && string(rest).is_ok(),
        Kind::SkEd25519 => string(rest).ok()?.len() == ED25519_BYTES && string(rest).is_ok(),
    };
    (sound && rest.is_empty()).then_some(())
}

fn on_curve(curve: EcdsaCurve, rest: &mut &[u8]) -> Option<bool> {
    let algorithm = match curve {
        EcdsaCurve::NistP256 => &ECDSA_P256_SHA256_FIXED,
        EcdsaCurve::NistP384 => &ECDSA_P384_SHA384_FIXED,
        EcdsaCurve::NistP521 => &ECDSA_P521_SHA512_FIXED,
    };
    let named = string(rest).ok()? == curve.as_str().as_bytes();
    Some(named && ParsedPublicKey::new(algorithm, string(rest).ok()?).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn blobs(options: &[&str]) -> [Vec<u8>; 2] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        let run = |args: &[&str]| {
            let mut keygen = Command::new("ssh-keygen");
            assert!(keygen.arg("-q").args(args).arg(&path).status().unwrap().success());
        };
        run(&[options, &["-N", "", "-f"]].concat());
        let authority = path.to_str().unwrap();
        let public = format!("{authority}.pub");
        let mut certify = Command::new("ssh-keygen");
        certify.args(["-q", "-s", authority, "-I", "x", &public]);
        assert!(certify.status().unwrap().success());
        ["key.pub", "key-cert.pub"].map(|name| {
            let line = std::fs::read(dir.path().join(name)).unwrap();
            super::super::public::split_line(&line).unwrap().blob
        })
    }

    #[test]
    fn keys_and_certificates_of_every_type_are_whole_and_any_cut_is_not() {
        for options in [
            &["-t", "ed25519"][..],
            &["-t", "ecdsa", "-b", "256"],
            &["-t", "ecdsa", "-b", "384"],
            &["-t", "ecdsa", "-b", "521"],
            &["-t", "rsa", "-b", "1024"],
        ] {
            for blob in blobs(options) {
                assert!(is_whole(&blob), "{options:?}");
                for end in 0..blob.len() {
                    assert!(!is_whole(&blob[..end]), "{options:?} cut at {end}");
                }
                assert!(!is_whole(&[&blob[..], b"x"].concat()));
            }
        }
    }

    #[test]
    fn unknown_types_and_points_off_the_curve_are_not() {
        let [mut blob, _] = blobs(&["-t", "ecdsa", "-b", "256"]);
        *blob.last_mut().unwrap() ^= 1;
        assert!(!is_whole(&blob));
        assert!(!is_whole(b"\0\0\0\x07ssh-foo\0\0\0\x01x"));
        assert!(!is_whole(b""));
    }
}
