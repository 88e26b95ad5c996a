//! What can be said of a key that another agent holds: more where its type is known, little where it is not.

use super::kind::Kind;
use super::public::bits_of_any;
use super::{Hash, fingerprint, is_whole, plain_of, string};

/// A key by its blob alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// The type's name, such as "ssh-ed25519"; of a certificate, that of the key in it. Printable.
    pub kind: String,
    /// Size in bits; 0 for types that are unknown here.
    pub bits: u32,
    /// "SHA256:..." without padding; of a certificate, that of the key in it.
    pub fingerprint: String,
    /// Whether it is a certificate.
    pub certificate: bool,
}

/// Describes a blob of any type; `None` for one that a client would give up a whole list for: it names no type, or is
/// not what its type says.
pub fn described(blob: &[u8]) -> Option<Described> {
    let name = string(&mut &*blob).ok()?;
    let Some((kind, certificate)) = Kind::named(name) else {
        let is_text = !name.is_empty() && name.iter().all(u8::is_ascii_graphic);
        return is_text.then(|| Described {
            kind: String::from_utf8_lossy(name).into_owned(),
            bits: 0,
            fingerprint: fingerprint(blob, Hash::Sha256),
            certificate: false,
        });
    };
    let plain = match certificate {
        true => plain_of(blob)?,
        false => blob.to_vec(),
    };
    is_whole(blob).then_some(Described {
        kind: kind.name().to_owned(),
        bits: bits_of_any(&plain)?,
        fingerprint: fingerprint(&plain, Hash::Sha256),
        certificate,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ssh_key::public::{KeyData, RsaPublicKey};

    fn blob(strings: &[&[u8]]) -> Vec<u8> {
        let mut blob = Vec::new();
        for string in strings {
            blob.extend(u32::try_from(string.len()).unwrap().to_be_bytes());
            blob.extend_from_slice(string);
        }
        blob
    }

    fn rsa(bytes: usize) -> Vec<u8> {
        let n = ssh_encoding::Mpint::from_positive_bytes(&vec![0xff; bytes]);
        let e = ssh_encoding::Mpint::from_positive_bytes(&[1, 0, 1]);
        let key = KeyData::from(RsaPublicKey::new(e, n).unwrap());
        ssh_key::PublicKey::from(key).to_bytes().unwrap()
    }

    #[test]
    fn a_known_key_is_described_whole() {
        let line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";
        let blob = ssh_key::PublicKey::from_openssh(line)
            .unwrap()
            .to_bytes()
            .unwrap();
        let expected = Described {
            kind: "ssh-ed25519".into(),
            bits: 256,
            fingerprint: "SHA256:UCUiLr7Pjs9wFFJMDByLgc3NrtdU344OgUM45wZPcIQ".into(),
            certificate: false,
        };
        assert_eq!(described(&blob), Some(expected));
        assert_eq!(
            described(&rsa(128)).unwrap().bits,
            1024,
            "too short for files, not for other agents"
        );
    }

    #[test]
    fn an_unknown_type_has_a_name_and_a_fingerprint() {
        let described = described(&blob(&[b"sk-future@example.org", b"whatever"])).unwrap();
        assert_eq!(
            (described.kind.as_str(), described.bits),
            ("sk-future@example.org", 0)
        );
        assert!(described.fingerprint.starts_with("SHA256:") && described.fingerprint.len() == 50);
    }

    #[test]
    fn what_would_cost_a_client_its_list_is_none() {
        let off_curve = [&[4][..], &[1; 64]].concat();
        for damaged in [
            Vec::new(),
            blob(&[b""]),
            blob(&[b"a\0b"]),
            blob(&[b"ssh-ed25519"]),
            blob(&[b"ssh-ed25519", &[1; 31]]),
            blob(&[b"ssh-ed25519", &[1; 32], b"more"]),
            blob(&[b"ssh-ed25519-cert-v01@openssh.com", &[1; 32]]),
            blob(&[b"ecdsa-sha2-nistp256", b"nistp256", &off_curve]),
            rsa(127),
            vec![0, 0, 1, 0, b'x'],
        ] {
            assert_eq!(described(&damaged), None, "{damaged:?}");
        }
    }
}
