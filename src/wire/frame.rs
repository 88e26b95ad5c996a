//! Where a message ends: a length and no more than `MAX_FRAME` bytes, decided before any of them is read.

/// Largest message body, as in OpenSSH (AGENT_MAX_LEN, 256 KiB).
pub const MAX_FRAME: usize = 256 * 1024;

/// Bytes of the length in front of each body.
const PREFIX: usize = 4;

/// What the start of a buffer holds.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame {
    /// More bytes are needed; at least this many in all.
    Partial(usize),
    /// A whole message: its body is `buffer[4..4 + length]`.
    Whole(usize),
    /// Length 0 or above the limit: the connection ends, as OpenSSH does.
    Invalid(u32),
}

/// Looks at the start of `buffer`.
pub fn frame(buffer: &[u8]) -> Frame {
    let Some((prefix, rest)) = buffer.split_first_chunk::<PREFIX>() else {
        return Frame::Partial(PREFIX);
    };
    let announced = u32::from_be_bytes(*prefix);
    match usize::try_from(announced) {
        Ok(length @ 1..=MAX_FRAME) if rest.len() >= length => Frame::Whole(length),
        Ok(length @ 1..=MAX_FRAME) => Frame::Partial(PREFIX + length),
        _ => Frame::Invalid(announced),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn announcing(length: u32, present: usize) -> Vec<u8> {
        let mut buffer = length.to_be_bytes().to_vec();
        buffer.resize(PREFIX + present, 11);
        buffer
    }

    #[test]
    fn asks_for_the_length_first_then_for_the_body() {
        for present in 0..PREFIX {
            assert_eq!(frame(&vec![0; present]), Frame::Partial(PREFIX));
        }
        assert_eq!(frame(&announcing(3, 2)), Frame::Partial(7));
        assert_eq!(frame(&announcing(3, 3)), Frame::Whole(3));
        assert_eq!(
            frame(&announcing(3, 9)),
            Frame::Whole(3),
            "the next message follows"
        );
    }

    #[test]
    fn refuses_nothing_and_too_much_before_the_body_is_there() {
        const LIMIT: u32 = 256 * 1024;
        assert_eq!(frame(&announcing(0, 0)), Frame::Invalid(0));
        assert_eq!(frame(&announcing(LIMIT, 0)), Frame::Partial(PREFIX + MAX_FRAME));
        assert_eq!(frame(&announcing(LIMIT, MAX_FRAME)), Frame::Whole(MAX_FRAME));
        assert_eq!(frame(&announcing(LIMIT + 1, 0)), Frame::Invalid(LIMIT + 1));
        assert_eq!(frame(&announcing(u32::MAX, 64)), Frame::Invalid(u32::MAX));
    }
}
