//! Damaged files: never a panic, and never a key whose public half is not the one listed.

use std::fs;
use std::sync::LazyLock;
use std::time::Duration;

use claviger::key::{self, KdfLimits, KeyError};
use proptest::prelude::*;

use crate::tools::generate;

const PASSPHRASE: &str = "passphrase";
/// So low that damaged rounds of a key derivation, which nothing tells from meant ones, cost a moment at most.
const LIMITS: KdfLimits = KdfLimits {
    time: Duration::from_millis(20),
    ..KdfLimits::DEFAULT
};

struct Sample {
    tag: String,
    bytes: Vec<u8>,
    public: Vec<u8>,
    sealed: bool,
}

static SAMPLES: LazyLock<Vec<Sample>> = LazyLock::new(|| {
    let directory = tempfile::tempdir().unwrap();
    [
        ("ed25519", &["-t", "ed25519"][..], ""),
        ("sealed", &["-t", "ed25519", "-a", "1"], PASSPHRASE),
        ("ecdsa", &["-t", "ecdsa"], ""),
        ("rsa", &["-t", "rsa", "-b", "2048"], ""),
        ("sec1", &["-t", "ecdsa", "-m", "PEM"], ""),
        ("pkcs8", &["-t", "ecdsa", "-m", "PKCS8"], ""),
    ]
    .map(|(name, arguments, passphrase)| {
        let path = generate(directory.path(), name, arguments, passphrase);
        let file = fs::read(path).unwrap();
        let parsed = pem::parse(&file).unwrap();
        Sample {
            tag: parsed.tag().to_owned(),
            bytes: parsed.contents().to_vec(),
            public: key::inspect(&LIMITS, &file, None).unwrap().public.blob,
            sealed: !passphrase.is_empty(),
        }
    })
    .into()
});

/// Tries a damaged file as the agent would: whatever opens must be what was listed.
fn assert_harmless(file: &[u8], sealed: bool) {
    let listed = key::inspect(&LIMITS, file, None);
    if let Ok(opened) = key::open(&LIMITS, file, Some(PASSPHRASE.as_bytes())) {
        let listed = listed.unwrap();
        assert_eq!(listed.public, *opened.public());
        assert_eq!(listed.encrypted, sealed);
    }
}

impl Sample {
    fn armoured(&self, bytes: &[u8]) -> Vec<u8> {
        pem::encode(&pem::Pem::new(&self.tag, bytes)).into_bytes()
    }
}

#[test]
fn cut_anywhere_it_is_an_error() {
    for sample in SAMPLES.iter() {
        for end in 0..sample.bytes.len() {
            let file = sample.armoured(&sample.bytes[..end]);
            assert!(
                key::inspect(&LIMITS, &file, None).is_err(),
                "{} cut at {end}",
                sample.tag
            );
        }
        let file = sample.armoured(&sample.bytes);
        for end in 0..file.len() - 2 {
            let error = key::inspect(&LIMITS, &file[..end], None).unwrap_err();
            assert!(
                matches!(error, KeyError::Damaged(_) | KeyError::NotAPrivateKey { .. }),
                "{error}"
            );
        }
    }
}

#[test]
fn length_fields_that_lie_are_an_error() {
    for sample in SAMPLES
        .iter()
        .filter(|sample| sample.tag == "OPENSSH PRIVATE KEY")
    {
        for at in 15..sample.bytes.len() - 4 {
            for lie in [0, 1, 1 << 31, u32::MAX] {
                let mut bytes = sample.bytes.clone();
                bytes[at..at + 4].copy_from_slice(&u32::to_be_bytes(lie));
                let file = sample.armoured(&bytes);
                if let Ok(listed) = key::inspect(&LIMITS, &file, None)
                    && !sample.sealed
                {
                    assert_eq!(listed.public.blob, sample.public, "at {at}");
                }
                if at % 16 == 0 {
                    assert_harmless(&file, sample.sealed);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn flipped_bits_never_yield_another_key(
        index in any::<prop::sample::Index>(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), 0..8_u8), 1..4),
    ) {
        let sample = index.get(&SAMPLES);
        let mut bytes = sample.bytes.clone();
        for (at, bit) in flips {
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
        }
        let file = sample.armoured(&bytes);
        assert_harmless(&file, sample.sealed);
        if !sample.sealed && let Ok(opened) = key::open(&LIMITS, &file, None) {
            prop_assert_eq!(&opened.public().blob, &sample.public);
        }
    }

    #[test]
    fn any_bytes_in_any_armour(
        index in any::<prop::sample::Index>(),
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        text in "\\PC{0,200}",
    ) {
        let sample = index.get(&SAMPLES);
        prop_assert!(key::inspect(&LIMITS, &sample.armoured(&bytes), None).is_err());
        let file = format!("-----BEGIN {}-----\n{text}\n-----END {}-----\n", sample.tag, sample.tag);
        prop_assert!(key::inspect(&LIMITS, file.as_bytes(), Some(text.as_bytes())).is_err());
        let _ = key::looks_like_private_key(&bytes);
    }
}
