//! Looks over the layout of a KDBX 4 file before the KDBX crate parses it.
//!
//! The crate reads the header before it checks the header's checksum, panics on fields that are shorter than their
//! type, and allocates whatever memory the header asks for its key derivation. A damaged vault must cost an error
//! line, not the agent, so the few facts that this rests on are checked here first: the layout (type, length, value
//! until the end field), the checksum behind it, the lengths of fixed-size fields, and the cost of the derivation; and
//! that the blocks behind it go on to their end. What they hold is authenticated by the crate before it is used.
//!
//! Layout: <https://keepass.info/help/kb/kdbx.html>, "Outer header".

use crate::key::{Derivation, KdfLimits, TooCostly};
use aws_lc_rs::digest;

/// First and second signature of a KDBX file.
pub(in crate::unlock) const SIGNATURE: [u8; 8] = [0x03, 0xd9, 0xa2, 0x9a, 0x67, 0xfb, 0x4b, 0xb5];
/// Signatures, then the minor and the major version, two bytes each.
const PREFIX: usize = 12;
const FIELD_END: u8 = 0;
const FIELD_COMPRESSION: u8 = 3;
const FIELD_KDF: u8 = 11;
const FIELD_CUSTOM: u8 = 12;

/// Why a file is not read at all, in a few words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::unlock) enum Refused {
    /// Cut, damaged, or another format.
    #[error("{0}")]
    Layout(&'static str),
    /// It would take more than a person can mean.
    #[error(transparent)]
    Cost(#[from] TooCostly),
}

const HEADER: Refused = Refused::Layout("its header is damaged");

/// Checks `file` up to the end of its outer header.
pub(in crate::unlock) fn check(limits: &KdfLimits, file: &[u8]) -> Result<(), Refused> {
    const SHORT: Refused = Refused::Layout("it ends inside its header");
    if file.is_empty() {
        return Err(Refused::Layout("it is empty"));
    }
    if !file.starts_with(&SIGNATURE) {
        return Err(Refused::Layout("it is not a KeePass file"));
    }
    if file.get(10..PREFIX).ok_or(SHORT)? != [4, 0] {
        return Err(Refused::Layout(
            "it is not a KDBX 4 file; save it in that format with KeePassXC",
        ));
    }
    let mut rest = file.get(PREFIX..).ok_or(SHORT)?;
    loop {
        let kind = take(&mut rest, 1).ok_or(SHORT)?[0];
        let value = take_sized(&mut rest).ok_or(SHORT)?;
        match kind {
            FIELD_END => break,
            FIELD_COMPRESSION if value.len() != 4 => return Err(HEADER),
            FIELD_KDF => check_cost(limits, value)?,
            FIELD_CUSTOM => {
                dictionary(value).ok_or(HEADER)?;
            }
            _ => {}
        }
    }
    let header = &file[..file.len() - rest.len()];
    let checksum = take(&mut rest, 32).ok_or(Refused::Layout("it ends behind its header"))?;
    if digest::digest(&digest::SHA256, header).as_ref() != checksum {
        return Err(Refused::Layout("the checksum of its header does not fit"));
    }
    take(&mut rest, 32).ok_or(Refused::Layout("it ends behind its header"))?;
    check_blocks(rest)
}

/// Whether all blocks of the content are there, up to the empty one that ends them: each is an authentication code of
/// 32 bytes, a length, and so many bytes. The crate takes a file that was cut between two blocks for a whole one.
fn check_blocks(mut rest: &[u8]) -> Result<(), Refused> {
    loop {
        let block = take(&mut rest, 32).and_then(|_| take_sized(&mut rest));
        if block.ok_or(Refused::Layout("it is cut off"))?.is_empty() {
            return Ok(());
        }
    }
}

/// The first `len` bytes, which are cut off `rest`.
pub(in crate::unlock) fn take<'a>(rest: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (head, tail) = rest.split_at_checked(len)?;
    *rest = tail;
    Some(head)
}

/// A value behind its length of four bytes, little-endian.
fn take_sized<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let len = u32::from_le_bytes(take(rest, 4)?.try_into().ok()?);
    take(rest, usize::try_from(len).ok()?)
}

/// Whether the derivation's parameters stay within the limits; each kind of derivation has its own names for them.
fn check_cost(limits: &KdfLimits, parameters: &[u8]) -> Result<(), Refused> {
    let entries = dictionary(parameters).ok_or(HEADER)?;
    let number = |name: &[u8]| {
        let entry = entries.iter().find(|entry| entry.name == name);
        entry.and_then(Entry::number).unwrap_or(0)
    };
    limits.check(Derivation::Argon2 {
        memory: number(b"M"),
        passes: number(b"I"),
        lanes: number(b"P"),
    })?;
    Ok(limits.check(Derivation::AesKdf { rounds: number(b"R") })?)
}

/// One entry of a "variant dictionary".
struct Entry<'a> {
    name: &'a [u8],
    value: &'a [u8],
}

impl Entry<'_> {
    /// Its value, if it is as long as a number at most.
    fn number(&self) -> Option<u64> {
        let mut wide = [0; 8];
        wide.get_mut(..self.value.len())?.copy_from_slice(self.value);
        Some(u64::from_le_bytes(wide))
    }
}

/// The entries of a "variant dictionary"; none when a number has another size than its type.
fn dictionary(value: &[u8]) -> Option<Vec<Entry<'_>>> {
    let mut rest = value.get(2..)?;
    let mut entries = Vec::new();
    loop {
        let kind = take(&mut rest, 1)?[0];
        if kind == 0 {
            return Some(entries);
        }
        let name = take_sized(&mut rest)?;
        let value = take_sized(&mut rest)?;
        let fits = match kind {
            0x04 | 0x0c => value.len() == 4,
            0x05 | 0x0d => value.len() == 8,
            _ => true,
        };
        if !fits {
            return None;
        }
        entries.push(Entry { name, value });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(file: &[u8]) -> Result<(), Refused> {
        super::check(&KdfLimits::DEFAULT, file)
    }

    fn field(kind: u8, value: &[u8]) -> Vec<u8> {
        let mut out = vec![kind];
        out.extend_from_slice(&u32::try_from(value.len()).unwrap().to_le_bytes());
        out.extend_from_slice(value);
        out
    }

    fn number(name: &[u8], value: u64) -> Vec<u8> {
        let mut out = vec![0x05];
        out.extend_from_slice(&u32::try_from(name.len()).unwrap().to_le_bytes());
        out.extend_from_slice(name);
        out.extend_from_slice(&8u32.to_le_bytes());
        out.extend_from_slice(&value.to_le_bytes());
        out
    }

    fn file(fields: &[Vec<u8>]) -> Vec<u8> {
        let mut out = SIGNATURE.to_vec();
        out.extend_from_slice(&[1, 0, 4, 0]);
        out.extend(fields.concat());
        out.extend(field(FIELD_END, b""));
        let checksum = digest::digest(&digest::SHA256, &out);
        out.extend_from_slice(checksum.as_ref());
        out.extend_from_slice(&[0; 32]);
        out.extend([[1; 32].as_slice(), &4u32.to_le_bytes(), b"data"].concat());
        out.extend_from_slice(&[0; 36]);
        out
    }

    fn kdf(entries: &[Vec<u8>]) -> Vec<u8> {
        field(FIELD_KDF, &[vec![0, 1], entries.concat(), vec![0]].concat())
    }

    #[test]
    fn a_derivation_beyond_bounds_is_refused_before_it_runs() {
        let cost = |memory, passes| file(&[kdf(&[number(b"M", memory), number(b"I", passes)])]);
        assert_eq!(check(&cost(64 << 20, 10)), Ok(()));
        let refused = check(&cost(2 << 30, 1)).unwrap_err().to_string();
        assert!(
            refused.contains("2048 MiB") && refused.contains("allows 1024") && refused.contains("kdf_memory"),
            "{refused}"
        );
        assert!(check(&cost(1 << 30, 1 << 40)).is_err());
        assert!(check(&file(&[kdf(&[number(b"P", 1 << 20)])])).is_err());
        assert!(check(&file(&[kdf(&[number(b"R", u64::MAX)])])).is_err());
    }

    #[test]
    fn fields_on_which_the_parser_would_panic_are_refused() {
        assert!(check(&file(&[field(FIELD_COMPRESSION, b"")])).is_err());
        let short = [vec![0, 1, 0x05, 1, 0, 0, 0, b'M', 1, 0, 0, 0, 9], vec![0]].concat();
        assert!(check(&file(&[field(FIELD_KDF, &short)])).is_err());
        assert!(check(&file(&[field(FIELD_CUSTOM, &short)])).is_err());
    }

    #[test]
    fn a_changed_header_is_noticed() {
        let mut changed = file(&[field(7, b"0123456789abcdef")]);
        changed[PREFIX + 6] ^= 1;
        let refused = |file: &[u8]| check(file).unwrap_err().to_string();
        assert_eq!(refused(&changed), "the checksum of its header does not fit");
        assert_eq!(refused(b""), "it is empty");
        assert_eq!(refused(b"not a vault at all"), "it is not a KeePass file");
    }

    #[test]
    fn a_file_cut_anywhere_is_noticed_without_its_key() {
        let whole = file(&[field(7, b"0123456789abcdef")]);
        assert_eq!(check(&whole), Ok(()));
        for len in 0..whole.len() {
            assert!(check(&whole[..len]).is_err(), "{len} of {} bytes", whole.len());
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(tail in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut bytes = SIGNATURE.to_vec();
            bytes.extend_from_slice(&[1, 0, 4, 0]);
            bytes.extend(tail);
            let _ = check(&bytes);
        }
    }
}
