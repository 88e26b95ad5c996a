//! The public half: wire blob, type, size, fingerprint, and the one line of a `.pub` file.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ParsedPublicKey};
use ssh_encoding::{Base64Reader, Decode, Reader};
use ssh_key::EcdsaCurve;
use ssh_key::public::KeyData;

use super::kind::Kind;
use super::{Hash, KeyError, composite, fingerprint, rfc4716, string};

/// The public half of a key: what a list shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicHalf {
    /// Wire blob (RFC 4253, 6.6).
    pub blob: Vec<u8>,
    /// Algorithm name, such as "ssh-ed25519".
    pub algorithm: String,
    /// "SHA256:..." without padding.
    pub fingerprint: String,
    /// Size in bits.
    pub bits: u32,
}

/// RSA sizes that OpenSSH's agent takes.
const RSA_BITS: std::ops::RangeInclusive<u32> = 1024..=16384;

impl PublicHalf {
    /// Reads a wire blob of a key type that can sign here, by itself or by a token.
    ///
    /// # Errors
    /// The type or size is not supported, or the blob is not whole.
    pub fn parse(blob: &[u8]) -> Result<Self, KeyError> {
        let name = string(&mut &*blob).map_err(|_| damaged())?;
        let Some((kind, false)) = Kind::named(name) else {
            return Err(unsupported_type(name));
        };
        Ok(Self {
            blob: blob.to_vec(),
            algorithm: kind.name().to_owned(),
            fingerprint: fingerprint(blob, Hash::Sha256),
            bits: bits(kind, blob, rsa_bits)?,
        })
    }
}

fn damaged() -> KeyError {
    KeyError::Damaged("its public half does not parse".into())
}

/// The one refusal of a type, by its name: types that no parser knows get the same plain answer as those that it does.
pub(super) fn unsupported_type(name: &[u8]) -> KeyError {
    KeyError::Unsupported(match name {
        b"ssh-dss" | b"ssh-dss-cert-v01@openssh.com" => {
            "DSA keys are not supported, nor do servers accept them; make a new key: ssh-keygen -t ed25519".into()
        }
        b"ssh-mldsa44-ed25519@openssh.com" => {
            "ssh-mldsa44-ed25519@openssh.com was an experiment; make the key again with OpenSSH 10.6 or later: \
             ssh-keygen -t mldsa44-ed25519"
                .into()
        }
        _ => format!(
            "keys of type {} are not supported; make one that is: ssh-keygen -t ed25519",
            shown(name)
        ),
    })
}

/// A name from a file as it may stand in a message: short and printable.
pub(super) fn shown(name: &[u8]) -> String {
    const LONGEST: usize = 64;
    format!("\"{}\"", name.get(..LONGEST).unwrap_or(name).escape_ascii())
}

/// Size in bits; the blob must be whole, and nothing behind it.
fn bits(kind: Kind, blob: &[u8], rsa_bits: fn(&[u8]) -> Result<u32, KeyError>) -> Result<u32, KeyError> {
    let mut rest = blob;
    let bits = if kind == Kind::Composite {
        string(&mut rest).map_err(|_| damaged())?;
        let key = string(&mut rest).map_err(|_| damaged())?;
        if key.len() != composite::PUBLIC {
            return Err(damaged());
        }
        composite::BITS
    } else {
        match KeyData::decode(&mut rest).map_err(|_| damaged())? {
            KeyData::Ed25519(_) | KeyData::SkEd25519(_) => 256,
            KeyData::SkEcdsaSha2NistP256(key) => on_curve(key.ec_point().as_bytes())?,
            KeyData::Ecdsa(point) => match point.curve() {
                EcdsaCurve::NistP256 => 256,
                EcdsaCurve::NistP384 => 384,
                EcdsaCurve::NistP521 => 521,
            },
            KeyData::Rsa(rsa) => rsa_bits(rsa.n().as_positive_bytes().unwrap_or_default())?,
            _ => return Err(damaged()),
        }
    };
    if rest.is_empty() { Ok(bits) } else { Err(damaged()) }
}

/// Size in bits of a plain key of a known type, whether or not it could sign here.
pub(super) fn bits_of_any(blob: &[u8]) -> Option<u32> {
    let (kind, _) = Kind::named(string(&mut &*blob).ok()?)?;
    bits(kind, blob, |modulus| Ok(modulus_bits(modulus))).ok()
}

/// A token's point has no private half here that would prove it.
fn on_curve(point: &[u8]) -> Result<u32, KeyError> {
    ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
        .map(|_| 256)
        .map_err(|_| damaged())
}

/// Size of a modulus without leading zeros, if keys of it are taken.
pub(super) fn rsa_bits(modulus: &[u8]) -> Result<u32, KeyError> {
    let bits = modulus_bits(modulus);
    if RSA_BITS.contains(&bits) {
        Ok(bits)
    } else {
        Err(unsupported_rsa(bits))
    }
}

fn modulus_bits(modulus: &[u8]) -> u32 {
    let unused = modulus.first().map_or(0, |first| first.leading_zeros());
    u32::try_from(modulus.len()).map_or(u32::MAX, |bytes| bytes.saturating_mul(8)) - unused
}

fn unsupported_rsa(bits: u32) -> KeyError {
    KeyError::Unsupported(format!(
        "RSA keys of {bits} bits are not supported, only 1024 to 16384; make a new key: ssh-keygen -t ed25519"
    ))
}

/// Reads a `.pub` file: the key of its first line that is neither empty nor a remark, and the line's comment.
pub(super) fn read_line(file: &[u8]) -> Result<(PublicHalf, Vec<u8>), KeyError> {
    if file.trim_ascii_start().starts_with(rfc4716::BEGIN) {
        let (blob, comment) = rfc4716::read(file)?;
        return Ok((PublicHalf::parse(&blob)?, comment));
    }
    let Line { name, blob, comment } = split_line(file)?;
    let public = PublicHalf::parse(&blob)?;
    if public.algorithm.as_bytes() != name {
        return Err(KeyError::Damaged(
            "the .pub names one key type and holds another".into(),
        ));
    }
    Ok((public, comment))
}

/// One line of a public file.
pub(super) struct Line<'a> {
    pub(super) name: &'a [u8],
    pub(super) blob: Vec<u8>,
    pub(super) comment: Vec<u8>,
}

/// Splits `TYPE BASE64 COMMENT`. The blob is what the line holds, byte for byte: encoding a parsed key anew could
/// differ from what a certificate authority or another program wrote.
pub(super) fn split_line(file: &[u8]) -> Result<Line<'_>, KeyError> {
    let wrong = || KeyError::Damaged("no line \"TYPE BASE64 COMMENT\" in the public file".into());
    let line = file
        .split(|&byte| byte == b'\n')
        .map(<[u8]>::trim_ascii)
        .find(|line| !line.is_empty() && !line.starts_with(b"#"))
        .ok_or_else(wrong)?;
    let space = |byte: &u8| *byte == b' ' || *byte == b'\t';
    let mut fields = line.splitn(2, space);
    let name = fields.next().ok_or_else(wrong)?;
    let rest = fields.next().ok_or_else(wrong)?.trim_ascii_start();
    let mut fields = rest.splitn(2, space);
    let base64 = fields.next().ok_or_else(wrong)?;
    let comment = without_nul(fields.next().unwrap_or_default().trim_ascii_start());
    let mut reader = Base64Reader::new(base64).map_err(|_| wrong())?;
    let mut blob = vec![0; reader.remaining_len()];
    reader.read(&mut blob).map_err(|_| wrong())?;
    Ok(Line { name, blob, comment })
}

/// A comment up to its first NUL: what every reader of C strings makes of it.
pub(super) fn without_nul(comment: &[u8]) -> Vec<u8> {
    comment
        .split(|&byte| byte == 0)
        .next()
        .unwrap_or_default()
        .to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";

    #[test]
    fn reads_lines_as_people_keep_them() {
        let fingerprint = "SHA256:UCUiLr7Pjs9wFFJMDByLgc3NrtdU344OgUM45wZPcIQ";
        for (text, comment) in [
            (format!("{LINE}\n"), &b""[..]),
            (format!("{LINE} user@host\r\n"), b"user@host"),
            (
                format!("# mine\n\n  {LINE}\t two words \nssh-rsa nonsense"),
                b"two words",
            ),
        ] {
            let (public, read) = read_line(text.as_bytes()).unwrap();
            assert_eq!((public.bits, public.fingerprint.as_str()), (256, fingerprint));
            assert_eq!((public.algorithm.as_str(), &read[..]), ("ssh-ed25519", comment));
        }
        let latin1 = [LINE.as_bytes(), b" M\xfcller\0hidden\n"].concat();
        assert_eq!(read_line(&latin1).unwrap().1, b"M\xfcller");
    }

    #[test]
    fn refuses_lines_that_are_none() {
        for text in [
            "",
            "\n# only a remark\n",
            "ssh-ed25519",
            "ssh-ed25519 !!!",
            "ssh-ed25519 AAAA",
            &LINE.replace("ssh-ed25519", "ssh-rsa"),
            &LINE[..LINE.len() - 4],
        ] {
            assert!(
                matches!(read_line(text.as_bytes()), Err(KeyError::Damaged(_))),
                "{text}"
            );
        }
    }

    #[test]
    fn names_what_it_does_not_support() {
        for (name, word) in [
            (&b"ssh-dss"[..], "DSA"),
            (b"ssh-mldsa44-ed25519@openssh.com", "10.6"),
            (b"ssh-ed25519-cert-v01@openssh.com", "cert-v01"),
            (b"\xff\n", "\\xff\\n"),
        ] {
            let mut blob = u32::try_from(name.len()).unwrap().to_be_bytes().to_vec();
            blob.extend_from_slice(name);
            let Err(KeyError::Unsupported(text)) = PublicHalf::parse(&blob) else {
                panic!("{word}")
            };
            assert!(text.contains(word), "{text}");
        }
    }

    #[test]
    fn counts_the_bits_of_a_modulus_and_refuses_sizes_that_nobody_should_use() {
        for (bits, fits) in [
            (1023, false),
            (1024, true),
            (2047, true),
            (3071, true),
            (16384, true),
            (16385, false),
        ] {
            let mut modulus = vec![0xff_u8; bits / 8 + usize::from(bits % 8 != 0)];
            modulus[0] >>= (8 - bits % 8) % 8;
            let n = ssh_encoding::Mpint::from_positive_bytes(&modulus);
            let e = ssh_encoding::Mpint::from_positive_bytes(&[1, 0, 1]);
            let key = KeyData::from(ssh_key::public::RsaPublicKey::new(e, n).unwrap());
            let blob = ssh_key::PublicKey::from(key).to_bytes().unwrap();
            match PublicHalf::parse(&blob) {
                Ok(public) => assert!(fits && public.bits as usize == bits),
                Err(reason) => assert!(!fits && reason.to_string().contains(&format!("{bits} bits"))),
            }
        }
    }
}
