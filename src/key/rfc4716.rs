//! Public keys in the form of RFC 4716, which PuTTYgen and ssh.com's programs read and write.

use ssh_encoding::{Base64Reader, Reader as _};

use super::text::base64;
use super::{KeyError, damaged, public};

pub(super) const BEGIN: &[u8] = b"---- BEGIN SSH2 PUBLIC KEY ----";
const END: &[u8] = b"---- END SSH2 PUBLIC KEY ----";

/// The blob and the comment, which may be in quotes and go on over several lines.
pub(super) fn read(file: &[u8]) -> Result<(Vec<u8>, Vec<u8>), KeyError> {
    // A continued line may begin with a space that belongs to it.
    let mut lines = file.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end);
    lines.find(|line| line.trim_ascii_start() == BEGIN);
    let (mut text, mut comment) = (Vec::new(), Vec::new());
    loop {
        let line = lines
            .next()
            .ok_or_else(|| damaged("its END line is missing"))?
            .trim_ascii_start();
        if line == END {
            break;
        }
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            text.extend_from_slice(line);
            continue;
        };
        let (name, mut value) = (&line[..colon], line[colon + 1..].to_vec());
        while value.last() == Some(&b'\\') {
            value.pop();
            let more = lines.next().ok_or_else(|| damaged("a header line has no end"))?;
            value.extend_from_slice(more);
        }
        if name.eq_ignore_ascii_case(b"Comment") {
            comment = unquoted(value.trim_ascii());
        }
    }
    let wrong = |_| damaged("its base64 text does not decode");
    let mut reader = Base64Reader::new(&text).map_err(wrong)?;
    let mut blob = vec![0; reader.remaining_len()];
    reader
        .read(&mut blob)
        .map_err(|_| damaged("its base64 text does not decode"))?;
    Ok((blob, comment))
}

/// Longest header line, in bytes (RFC 4716, 3.3).
const HEADER: usize = 72;
/// ssh-keygen's line length.
const WIDTH: usize = 70;

/// The file that holds a public key, in the form of RFC 4716. Control characters in the comment become spaces.
pub fn write(blob: &[u8], comment: &[u8]) -> Vec<u8> {
    let mut file = [BEGIN, b"\n"].concat();
    if !comment.is_empty() {
        let shown = comment
            .iter()
            .map(|byte| if byte.is_ascii_control() { b' ' } else { *byte });
        let header: Vec<u8> = b"Comment: \""
            .iter()
            .copied()
            .chain(shown)
            .chain([b'"'])
            .collect();
        let lines: Vec<&[u8]> = header.chunks(HEADER - 1).collect();
        file.extend(lines.join(&b"\\\n"[..]));
        file.push(b'\n');
    }
    for line in base64(blob).chunks(WIDTH) {
        file.extend_from_slice(line);
        file.push(b'\n');
    }
    file.extend_from_slice(END);
    file.push(b'\n');
    file
}

fn unquoted(value: &[u8]) -> Vec<u8> {
    let inner = value
        .strip_prefix(b"\"")
        .and_then(|rest| rest.strip_suffix(b"\""));
    public::without_nul(inner.unwrap_or(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0\nPtFDJ/XFSqti";

    fn file(headers: &str) -> String {
        format!("---- BEGIN SSH2 PUBLIC KEY ----\n{headers}{KEY}\n---- END SSH2 PUBLIC KEY ----\n")
    }

    #[test]
    fn comments_may_be_quoted_continued_or_absent() {
        for (headers, expected) in [
            ("", ""),
            ("Comment: me\r\n", "me"),
            ("comment: \"me at home\"\nSubject: x\n", "me at home"),
            (
                "x-more: a\\\nb\nComment: \"a long \\\ncomment\"\n",
                "a long comment",
            ),
        ] {
            let (blob, comment) = read(file(headers).as_bytes()).unwrap();
            assert_eq!(
                (blob.len(), comment),
                (51, expected.as_bytes().to_vec()),
                "{headers}"
            );
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let (blob, _) = read(file("").as_bytes()).unwrap();
        for comment in ["", "me", "M\u{fc}ller \"the\" \\", &"long ".repeat(40)] {
            let written = write(&blob, comment.as_bytes());
            assert!(
                written
                    .split(|byte| *byte == b'\n')
                    .all(|line| line.len() <= HEADER)
            );
            assert_eq!(
                read(&written).unwrap(),
                (blob.clone(), comment.as_bytes().to_vec())
            );
        }
        assert_eq!(read(&write(&blob, b"two\nlines")).unwrap().1, b"two lines");
    }

    #[test]
    fn what_is_cut_or_no_base64_is_refused() {
        let whole = file("Comment: me\\\n");
        for text in [
            &whole[..whole.len() - 10],
            &whole[..45],
            &file("").replace("AAAA", "A!AA"),
        ] {
            assert!(
                matches!(read(text.as_bytes()), Err(KeyError::Damaged(_))),
                "{text}"
            );
        }
    }
}
