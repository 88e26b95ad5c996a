//! Signatures by OpenSSH's tools, by real hosts and by claviger: accepted whole, refused when anything differs.

use std::fs;
use std::path::Path;

use claviger::key::{self, KeyError};
use claviger::wire::string;
use ssh_encoding::Decode as _;

use crate::added::data;
use crate::tools::{beside, blob_of, generate, lies, open, run, text};

/// A signature and what it is over.
pub(crate) struct Signed {
    pub(crate) name: String,
    pub(crate) public: Vec<u8>,
    pub(crate) data: Vec<u8>,
    pub(crate) signature: Vec<u8>,
}

impl Signed {
    /// Reads what `ssh-keygen -Y sign -n tests` made of `message` (PROTOCOL.sshsig).
    fn read(file: &Path, message: &[u8]) -> Self {
        let armoured = fs::read(file).unwrap();
        let parsed = pem::parse(armoured).unwrap();
        let mut rest = parsed.contents().strip_prefix(b"SSHSIG\0\0\0\x01").unwrap();
        let [public, namespace, _reserved, hash, signature] =
            [(); 5].map(|()| Vec::<u8>::decode(&mut rest).unwrap());
        assert_eq!((&namespace[..], &hash[..]), (&b"tests"[..], &b"sha512"[..]));
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA512, message);
        let parts = [string(b"tests"), string(b""), string(b"sha512")].concat();
        Self {
            name: file.display().to_string(),
            public,
            data: [b"SSHSIG", &parts[..], &string(digest.as_ref())].concat(),
            signature,
        }
    }

    /// Reads the body of a session bind.
    fn bind(name: &str) -> Self {
        let body = fs::read(data(&format!("binds/{name}.bin"))).unwrap();
        let mut rest = &body[..];
        let [_name, public, data, signature] = [(); 4].map(|()| Vec::<u8>::decode(&mut rest).unwrap());
        assert_eq!(rest, [0]);
        Self {
            name: name.to_owned(),
            public,
            data,
            signature,
        }
    }

    /// The key, of a certificate too.
    fn plain(&self) -> Vec<u8> {
        key::plain_of(&self.public).unwrap_or_else(|| self.public.clone())
    }

    fn verified(&self) -> Result<(), KeyError> {
        key::verify(&self.public, &self.data, &self.signature)
    }

    fn with(&self, signature: &[u8]) -> Result<(), KeyError> {
        key::verify(&self.public, &self.data, signature)
    }
}

/// One of every type and kind.
fn samples(directory: &Path) -> Vec<Signed> {
    let message = directory.join("message");
    fs::write(&message, b"a message").unwrap();
    let mut samples: Vec<Signed> = ["sk/sk-ed25519", "sk/sk-ecdsa", "mldsa/mldsa"]
        .map(|name| Signed::read(&data(&format!("{name}.sig")), b"a message"))
        .into();
    for (name, arguments) in [
        ("ed25519", &["-t", "ed25519"][..]),
        ("p256", &["-t", "ecdsa", "-b", "256"]),
        ("p384", &["-t", "ecdsa", "-b", "384"]),
        ("p521", &["-t", "ecdsa", "-b", "521"]),
        ("rsa1024", &["-t", "rsa", "-b", "1024"]),
        ("rsa2047", &["-t", "rsa", "-b", "2047"]),
    ] {
        let path = generate(directory, name, arguments, "");
        run(
            "ssh-keygen",
            &[
                "-q",
                "-Y",
                "sign",
                "-n",
                "tests",
                "-f",
                text(&path),
                text(&message),
            ],
            b"",
        );
        samples.push(Signed::read(&beside(&message, ".sig"), b"a message"));
        fs::remove_file(beside(&message, ".sig")).unwrap();
    }
    samples.extend(
        [
            "ed25519",
            "p256",
            "p521",
            "rsa-sha256",
            "rsa-sha512",
            "rsa-sha1",
            "certificate",
        ]
        .map(Signed::bind),
    );
    samples
}

#[test]
fn openssh_and_real_hosts_are_believed_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let samples = samples(directory.path());
    for sample in &samples {
        let name = &sample.name;
        sample
            .verified()
            .unwrap_or_else(|reason| panic!("{name}: {reason}"));
        let other = [&sample.data[..], b"."].concat();
        assert!(
            matches!(
                key::verify(&sample.public, &other, &sample.signature),
                Err(KeyError::BadSignature)
            ),
            "{name}"
        );
        for stranger in samples
            .iter()
            .filter(|stranger| stranger.plain() != sample.plain())
        {
            assert!(key::verify(&stranger.public, &sample.data, &sample.signature).is_err());
        }
        // ML-DSA's are long, and all their bytes alike.
        for place in (0..sample.signature.len()).step_by(1 + sample.signature.len() / 600) {
            let mut flipped = sample.signature.clone();
            flipped[place] ^= 1 << (place % 8);
            assert!(sample.with(&flipped).is_err(), "{name} flipped at {place}");
        }
    }
}

#[test]
fn cut_or_lengthened_it_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    for sample in samples(directory.path()) {
        for end in 0..sample.signature.len() {
            assert!(sample.with(&sample.signature[..end]).is_err());
        }
        assert!(sample.with(&[&sample.signature[..], b"\0"].concat()).is_err());
        for end in 0..sample.public.len() {
            let cut = &sample.public[..end];
            assert!(key::verify(cut, &sample.data, &sample.signature).is_err());
        }
        let longer = [&sample.public[..], b"\0"].concat();
        assert!(key::verify(&longer, &sample.data, &sample.signature).is_err());
        for lying in lies(&sample.signature).filter(|lying| *lying != sample.signature) {
            assert!(sample.with(&lying).is_err());
        }
        for lying in lies(&sample.public) {
            // A lie about a certificate's dates, say, leaves the key as it was: whatever is answered, it is no panic.
            let _ = key::verify(&lying, &sample.data, &sample.signature);
        }
    }
}

#[test]
fn unknown_types_and_algorithms_are_named() {
    let sample = Signed::bind("rsa-sha512");
    let sha384 = [string(b"rsa-sha2-384"), string(b"x")].concat();
    let large = [
        string(b"ssh-rsa"),
        string(b"\x01\0\x01"),
        string(&[0x7f; 16384 / 8 + 1]),
    ]
    .concat();
    for (public, signature, word) in [
        (&string(b"ssh-dss")[..], &sample.signature, "DSA"),
        (&string(b"ssh-ed448"), &sample.signature, "ssh-ed448"),
        (&sample.public, &sha384, "rsa-sha2-384"),
        (&large, &sample.signature, "16384"),
        (&blob_of(&data("mldsa/ca.pub")), &sample.signature, "rsa-sha2-512"),
    ] {
        match key::verify(public, b"", signature) {
            Err(KeyError::Unsupported(reason)) => assert!(reason.contains(word), "{reason}"),
            other => panic!("{word}: {other:?}"),
        }
    }
}

#[test]
fn rsa_signatures_may_lack_their_leading_zeros() {
    let directory = tempfile::tempdir().unwrap();
    let path = generate(directory.path(), "rsa", &["-t", "rsa", "-b", "2048"], "");
    let key = open(&path, None).unwrap();
    const HEAD: usize = 4 + "rsa-sha2-256".len() + 4;
    let (data, signature) = (0_u32..)
        .map(|number| number.to_be_bytes())
        .map(|data| (data, key.sign(&data, 2).unwrap()))
        .find(|(_, signature)| signature[HEAD] == 0)
        .unwrap();
    key::verify(&key.public().blob, &data, &signature).unwrap();
    let short = [string(b"rsa-sha2-256"), string(&signature[HEAD + 1..])].concat();
    key::verify(&key.public().blob, &data, &short).unwrap();
    let long = [string(b"rsa-sha2-256"), string(&signature[HEAD - 1..])].concat();
    assert!(key::verify(&key.public().blob, &data, &long).is_err());
}
