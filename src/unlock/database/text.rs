//! XML text in the encodings that are found in attachments: UTF-8 and UTF-16 of both byte orders, marked or not.

/// `bytes` as text. KeeAgent and KeePassXC write UTF-16LE without a mark, so what is not marked is told by where its
/// zeros are: XML begins with `<`, of which one byte is zero in UTF-16.
pub(super) fn decoded(bytes: &[u8]) -> Option<String> {
    match bytes {
        [0xef, 0xbb, 0xbf, text @ ..] => utf8(text),
        [0xff, 0xfe, text @ ..] => utf16(text, u16::from_le_bytes),
        [0xfe, 0xff, text @ ..] => utf16(text, u16::from_be_bytes),
        [_, 0, ..] => utf16(bytes, u16::from_le_bytes),
        [0, _, ..] => utf16(bytes, u16::from_be_bytes),
        _ => utf8(bytes),
    }
}

fn utf8(bytes: &[u8]) -> Option<String> {
    std::str::from_utf8(bytes).ok().map(str::to_owned)
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<String> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    char::decode_utf16(pairs.iter().map(|pair| unit(*pair)))
        .collect::<Result<String, _>>()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_encoding_gives_the_same_text() {
        let text = "<ü/>𝄞";
        let units: Vec<u16> = text.encode_utf16().collect();
        let le: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let be: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
        for bytes in [
            text.as_bytes(),
            &le,
            &be,
            &[b"\xef\xbb\xbf", text.as_bytes()].concat(),
            &[b"\xff\xfe", &le[..]].concat(),
            &[b"\xfe\xff", &be[..]].concat(),
        ] {
            assert_eq!(decoded(bytes).as_deref(), Some(text), "{bytes:x?}");
        }
    }

    #[test]
    fn what_is_cut_or_no_text_is_refused() {
        for bytes in [&b"\xff\xfe<\0\0"[..], b"<\0\x00\xd8", b"<\xff", b"\xfe\xff\0"] {
            assert_eq!(decoded(bytes), None, "{bytes:x?}");
        }
        assert_eq!(decoded(b"").as_deref(), Some(""));
    }
}
