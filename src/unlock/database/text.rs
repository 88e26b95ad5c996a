//! XML text in the encodings that are found in attachments: UTF-8 and UTF-16 of both byte orders, marked or not.

/// How a text's bytes mean it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Encoding {
    form: Form,
    /// Whether a byte order mark comes first.
    marked: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Utf8,
    Utf16Le,
    Utf16Be,
}

const MARK: char = '\u{feff}';

impl Encoding {
    /// What KeeAgent and KeePassXC write.
    pub(super) const KEEAGENT: Self = Self {
        form: Form::Utf16Le,
        marked: false,
    };

    /// `text` as bytes, with the mark if there is to be one.
    pub(super) fn encoded(self, text: &str) -> Vec<u8> {
        let mark = self.marked.then_some(MARK).into_iter();
        let text: String = mark.chain(text.chars()).collect();
        match self.form {
            Form::Utf8 => text.into_bytes(),
            Form::Utf16Le => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            Form::Utf16Be => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        }
    }
}

/// `bytes` as text.
pub(super) fn decoded(bytes: &[u8]) -> Option<String> {
    decoded_as(bytes).map(|(text, _)| text)
}

/// `bytes` as text, and how they mean it. KeeAgent and KeePassXC write UTF-16LE without a mark, so what is not marked is
/// told by where its zeros are: XML begins with `<`, of which one byte is zero in UTF-16.
pub(super) fn decoded_as(bytes: &[u8]) -> Option<(String, Encoding)> {
    let (form, text, marked) = match bytes {
        [0xef, 0xbb, 0xbf, text @ ..] => (Form::Utf8, text, true),
        [0xff, 0xfe, text @ ..] => (Form::Utf16Le, text, true),
        [0xfe, 0xff, text @ ..] => (Form::Utf16Be, text, true),
        [_, 0, ..] => (Form::Utf16Le, bytes, false),
        [0, _, ..] => (Form::Utf16Be, bytes, false),
        _ => (Form::Utf8, bytes, false),
    };
    let text = match form {
        Form::Utf8 => str::from_utf8(text).ok().map(str::to_owned),
        Form::Utf16Le => utf16(text, u16::from_le_bytes),
        Form::Utf16Be => utf16(text, u16::from_be_bytes),
    };
    Some((text?, Encoding { form, marked }))
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
    fn every_encoding_gives_the_same_text_and_back() {
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
            let (read, encoding) = decoded_as(bytes).unwrap();
            assert_eq!(read, text, "{bytes:x?}");
            assert_eq!(encoding.encoded(text), bytes);
        }
        assert_eq!(Encoding::KEEAGENT.encoded(text), le);
    }

    #[test]
    fn what_is_cut_or_no_text_is_refused() {
        for bytes in [&b"\xff\xfe<\0\0"[..], b"<\0\x00\xd8", b"<\xff", b"\xfe\xff\0"] {
            assert_eq!(decoded(bytes), None, "{bytes:x?}");
        }
        assert_eq!(decoded(b"").as_deref(), Some(""));
    }
}
