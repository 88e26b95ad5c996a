//! The primitive fields of RFC 4251, read in place. `None` is the only error: whatever is wrong with a message, its
//! sender gets the same failure.

use ssh_encoding::{Decode as _, Error, Reader as _};

/// A `string` (RFC 4251, 5).
pub(super) fn string<'a>(from: &mut &'a [u8]) -> Option<&'a [u8]> {
    from.read_prefixed(|content| Ok::<_, Error>(*content)).ok()
}

/// A `string` that OpenSSH reads as C text: one NUL at its end is not part of it, another makes it unreadable.
pub(super) fn cstring<'a>(from: &mut &'a [u8]) -> Option<&'a [u8]> {
    let content = string(from)?;
    let content = content.strip_suffix(&[0]).unwrap_or(content);
    (!content.contains(&0)).then_some(content)
}

/// A `string` that must be there and must be empty: room that a protocol keeps for its later versions. Content in it
/// would change the meaning of what it stands behind, so it is never passed over.
pub(super) fn reserved(from: &mut &[u8]) -> Option<()> {
    string(from)?.is_empty().then_some(())
}

/// A public key or certificate, left as bytes: a `string` that begins with the `string` that names its type.
pub(super) fn blob<'a>(from: &mut &'a [u8]) -> Option<&'a [u8]> {
    let blob = string(from)?;
    key_type(blob).map(|_| blob)
}

/// The type that a key blob names; none if it names none.
pub(super) fn key_type(mut blob: &[u8]) -> Option<&[u8]> {
    string(&mut blob).filter(|name| !name.is_empty())
}

/// A `uint32`.
pub(super) fn uint32(from: &mut &[u8]) -> Option<u32> {
    u32::decode(from).ok()
}

/// A `byte`.
pub(super) fn byte(from: &mut &[u8]) -> Option<u8> {
    let (&first, rest) = from.split_first()?;
    *from = rest;
    Some(first)
}

/// A `boolean`: any value but 0 is true (RFC 4251, 5).
pub(super) fn boolean(from: &mut &[u8]) -> Option<bool> {
    byte(from).map(|value| value != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c_text_ends_at_its_only_nul() {
        for (content, read) in [
            (&b""[..], Some(&b""[..])),
            (b"\0", Some(b"")),
            (b"pin\0", Some(b"pin")),
            (b"\xff\xfe", Some(b"\xff\xfe")),
            (b"p\0n", None),
            (b"pin\0\0", None),
        ] {
            let encoded = crate::wire::string(content);
            assert_eq!(cstring(&mut &encoded[..]), read, "{content:?}");
        }
    }

    #[test]
    fn a_blob_names_a_type() {
        for (content, is_blob) in [
            (&b""[..], false),
            (b"\0\0\0", false),
            (b"\0\0\0\0", false),
            (b"\0\0\0\x02x", false),
            (b"\0\0\0\x01x", true),
            (b"\0\0\0\x01xrest", true),
        ] {
            let encoded = crate::wire::string(content);
            assert_eq!(blob(&mut &encoded[..]).is_some(), is_blob, "{content:?}");
        }
    }
}
