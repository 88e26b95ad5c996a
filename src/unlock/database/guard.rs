//! Looks over the layout of a KeePass database before the KDBX crate parses it.
//!
//! KDBX 4 is looked over as the embedded vault is. KDBX 3.1 has no checksum over its header and two-byte lengths; on a
//! number that is shorter than its type the crate would panic, and it derives as many rounds as the header says.
//! A file of 3.1 that was changed or cut behind its header shows only when it is opened.

use crate::key::{Derivation, KdfLimits};
use crate::unlock::vault::guard::{self, Refused, take};

/// Signatures, then the minor and the major version, two bytes each.
const PREFIX: usize = 12;
const MAJOR_3: [u8; 2] = [3, 0];
/// First and second signature of KeePass 1.
const KEEPASS_1: [u8; 8] = [0x03, 0xd9, 0xa2, 0x9a, 0x65, 0xfb, 0x4b, 0xb5];

const FIELD_END: u8 = 0;
const FIELD_CIPHER: u8 = 2;
const FIELD_COMPRESSION: u8 = 3;
const FIELD_MASTER_SEED: u8 = 4;
const FIELD_TRANSFORM_SEED: u8 = 5;
const FIELD_ROUNDS: u8 = 6;
const FIELD_STREAM_START: u8 = 9;
const FIELD_INNER_CIPHER: u8 = 10;
const MAX_FIELD: u8 = 10;

/// The one cipher that is no block cipher: ChaCha20.
const CHACHA20: [u8; 16] = [
    0xd6, 0x03, 0x8a, 0x2b, 0x8b, 0x6f, 0x4c, 0xb5, 0xa5, 0x24, 0x33, 0x9a, 0x31, 0xdb, 0xb5, 0x9a,
];
const BLOCK: usize = 16;

/// Checks `file`, as far as that shows without its key.
pub(super) fn check(limits: &KdfLimits, file: &[u8]) -> Result<(), Refused> {
    if file.starts_with(&KEEPASS_1) {
        return Err(Refused::Layout(
            "it is of KeePass 1; import it with KeePassXC, and name the new database",
        ));
    }
    match file.get(10..PREFIX) {
        Some(major) if major == MAJOR_3 && file.starts_with(&guard::SIGNATURE) => check_3(limits, file),
        _ => guard::check(limits, file),
    }
}

fn check_3(limits: &KdfLimits, file: &[u8]) -> Result<(), Refused> {
    const SHORT: Refused = Refused::Layout("it ends inside its header");
    const DAMAGED: Refused = Refused::Layout("its header is damaged");
    let mut rest = file.get(PREFIX..).ok_or(SHORT)?;
    let mut in_blocks = true;
    loop {
        let kind = take(&mut rest, 1).ok_or(SHORT)?[0];
        let length = take(&mut rest, 2).ok_or(SHORT)?;
        let value = take(&mut rest, usize::from(u16::from_le_bytes([length[0], length[1]]))).ok_or(SHORT)?;
        let fits = match kind {
            FIELD_END => break,
            FIELD_CIPHER => {
                in_blocks = value != CHACHA20;
                value.len() == 16
            }
            FIELD_COMPRESSION | FIELD_INNER_CIPHER => value.len() == 4,
            FIELD_MASTER_SEED | FIELD_TRANSFORM_SEED | FIELD_STREAM_START => value.len() == 32,
            FIELD_ROUNDS => {
                let rounds = value.try_into().map_err(|_| DAMAGED)?;
                limits.check(Derivation::AesKdf {
                    rounds: u64::from_le_bytes(rounds),
                })?;
                true
            }
            other => other <= MAX_FIELD,
        };
        if !fits {
            return Err(DAMAGED);
        }
    }
    match rest.is_empty() || in_blocks && !rest.len().is_multiple_of(BLOCK) {
        true => Err(Refused::Layout("it is cut off")),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(file: &[u8]) -> Result<(), Refused> {
        super::check(&KdfLimits::DEFAULT, file)
    }
    use proptest::prelude::*;

    fn file(fields: &[(u8, &[u8])], body: usize) -> Vec<u8> {
        let mut out = guard::SIGNATURE.to_vec();
        out.extend_from_slice(&[1, 0, 3, 0]);
        for (kind, value) in fields.iter().chain([&(FIELD_END, &b"\r\n\r\n"[..])]) {
            out.push(*kind);
            out.extend_from_slice(&u16::try_from(value.len()).unwrap().to_le_bytes());
            out.extend_from_slice(value);
        }
        out.extend(vec![7; body]);
        out
    }

    #[test]
    fn a_whole_file_passes_and_a_cut_one_does_not() {
        let rounds = 6000u64.to_le_bytes();
        let whole = file(&[(FIELD_ROUNDS, &rounds), (FIELD_MASTER_SEED, &[1; 32])], 64);
        assert_eq!(check(&whole), Ok(()));
        for len in (0..whole.len()).filter(|len| !(whole.len() - len).is_multiple_of(BLOCK)) {
            assert!(check(&whole[..len]).is_err(), "{len} of {}", whole.len());
        }
        assert_eq!(check(&file(&[(FIELD_CIPHER, &CHACHA20)], 63)), Ok(()));
    }

    #[test]
    fn numbers_shorter_than_their_type_and_too_many_rounds_are_refused() {
        for kind in [
            FIELD_COMPRESSION,
            FIELD_ROUNDS,
            FIELD_INNER_CIPHER,
            FIELD_TRANSFORM_SEED,
        ] {
            assert!(check(&file(&[(kind, b"123")], 16)).is_err(), "{kind}");
        }
        let refused = check(&file(&[(FIELD_ROUNDS, &u64::MAX.to_le_bytes())], 16)).unwrap_err();
        assert!(refused.to_string().contains("18446744073709551615"), "{refused}");
    }

    #[test]
    fn a_database_of_keepass_1_is_named() {
        let old = [&KEEPASS_1[..], &[0; 200]].concat();
        assert!(check(&old).unwrap_err().to_string().contains("KeePass 1"));
        assert!(check(b"no database").is_err() && check(b"").is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(tail in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut bytes = guard::SIGNATURE.to_vec();
            bytes.extend_from_slice(&[1, 0, 3, 0]);
            bytes.extend(tail);
            let _ = check(&bytes);
        }
    }
}
