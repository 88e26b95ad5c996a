//! One line from an inherited descriptor, for `--passphrase-fd N`.

use super::imp::{take, wait_readable};
use crate::harden::LockedBytes;
use std::io::{ErrorKind, Read};

/// Longest line accepted, in bytes.
const LONGEST: usize = 4096;

/// Reads the first line (without its end) of an inherited descriptor and closes it (zero is put on /dev/null, so
/// that no later file becomes standard input). An error names the descriptor.
///
/// Call it before anything else opens files: a number that the person gave by mistake must not name one of ours.
/// It is read byte by byte, so a second passphrase may follow on the same stream for another reader.
pub fn read_line_from_fd(fd: i32) -> Result<LockedBytes, String> {
    if matches!(fd, 1 | 2) {
        return Err(format!(
            "descriptor {fd} is for output; use another, such as 3 with 3<FILE"
        ));
    }
    let mut source = take(fd).map_err(|error| match error.kind() {
        ErrorKind::NotFound => format!("descriptor {fd} is not open; give it one, such as {fd}<FILE"),
        _ => format!("descriptor {fd}: {error}"),
    })?;
    let mut line = LockedBytes::zeroed(LONGEST);
    let mut len = 0;
    let ended = loop {
        let Some(next) = line.as_mut_slice().get_mut(len..=len) else {
            return Err(format!(
                "descriptor {fd}: the first line is longer than {LONGEST} bytes"
            ));
        };
        match source.read(next) {
            Ok(0) => break false,
            Ok(_) if line[len] == b'\n' => break true,
            Ok(_) => len += 1,
            Err(error) if error.kind() == ErrorKind::Interrupted => (),
            Err(error) if error.kind() == ErrorKind::WouldBlock => wait_readable(&source),
            Err(error) => return Err(format!("descriptor {fd}: {error}")),
        }
    };
    if !ended && len == 0 {
        return Err(format!("descriptor {fd}: nothing to read there"));
    }
    if ended && len > 0 && line[len - 1] == b'\r' {
        len -= 1;
    }
    line.truncate(len);
    Ok(line)
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::fd::IntoRawFd;

    fn line_of(text: &[u8]) -> Result<Vec<u8>, String> {
        let (reader, mut writer) = std::io::pipe().unwrap();
        let text = text.to_vec();
        let feeder = std::thread::spawn(move || drop(writer.write_all(&text)));
        let line = read_line_from_fd(reader.into_raw_fd());
        feeder.join().unwrap();
        line.map(|line| line.to_vec())
    }

    #[test]
    fn takes_the_first_line_without_its_end() {
        assert_eq!(line_of(b"open sesame\nmore\n").unwrap(), b"open sesame");
        assert_eq!(line_of(b"dos\r\n").unwrap(), b"dos");
        assert_eq!(line_of(b"no end").unwrap(), b"no end");
        assert_eq!(line_of(b"keeps \r inside ").unwrap(), b"keeps \r inside ");
        assert_eq!(line_of(b"\n").unwrap(), b"");
        assert!(line_of(b"").err().unwrap().contains("nothing to read"));
        assert_eq!(line_of(&[b'a'; LONGEST + 1]).unwrap_err().split(':').count(), 2);
        assert_eq!(
            line_of(&[&[b'a'; LONGEST - 1][..], b"\n"].concat())
                .unwrap()
                .len(),
            LONGEST - 1
        );
    }

    #[test]
    fn standard_input_is_read_and_left_on_null() {
        crate::testing::in_child(|| {
            let (reader, mut writer) = std::io::pipe().unwrap();
            writer.write_all(b"from stdin\n").unwrap();
            crate::process::imp::put_on(&reader, 0).unwrap();
            assert_eq!(&*read_line_from_fd(0).unwrap(), b"from stdin");
            assert_eq!(std::io::stdin().read(&mut [0]).unwrap(), 0);
        });
    }

    #[test]
    fn waits_on_a_descriptor_that_does_not_block() {
        let (reader, mut writer) = std::io::pipe().unwrap();
        rustix::io::ioctl_fionbio(&reader, true).unwrap();
        let reading =
            std::thread::spawn(move || read_line_from_fd(reader.into_raw_fd()).map(|line| line.to_vec()));
        writer.write_all(b"late\n").unwrap();
        assert_eq!(reading.join().unwrap().unwrap(), b"late");
    }

    #[test]
    fn a_wrong_number_is_named() {
        assert!(
            read_line_from_fd(1_000_000)
                .err()
                .unwrap()
                .contains("1000000 is not open")
        );
        assert!(read_line_from_fd(-1).err().unwrap().contains("-1 is not open"));
        assert!(read_line_from_fd(2).err().unwrap().contains("for output"));
    }
}
