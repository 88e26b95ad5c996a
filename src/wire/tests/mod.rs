//! Messages for the tests of this room, and the whole protocol under damage.

mod constraints;
mod damage;
mod requests;
mod signed;

/// A public key's blob (its point means nothing).
pub(super) const KEY: &[u8] = &[
    0, 0, 0, 11, b's', b's', b'h', b'-', b'e', b'd', b'2', b'5', b'5', b'1', b'9', 0, 0, 0, 32, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
];

/// Each as an SSH string, one behind the other.
pub(super) fn strings(contents: &[&[u8]]) -> Vec<u8> {
    contents
        .iter()
        .flat_map(|content| super::string(content))
        .collect()
}

/// A frame's body: message number, strings, and bytes behind them.
pub(super) fn message(kind: u8, contents: &[&[u8]], tail: &[u8]) -> Vec<u8> {
    [&[kind], &strings(contents)[..], tail].concat()
}

/// `whole` cut at every byte, and with 0, 1, 2^31 and 2^32-1 in place of every four bytes of it: the length fields
/// are among these, wherever they are.
pub(super) fn cut_and_lied(whole: &[u8]) -> Vec<Vec<u8>> {
    let mut damaged: Vec<Vec<u8>> = (0..whole.len()).map(|end| whole[..end].to_vec()).collect();
    for at in 0..whole.len().saturating_sub(3) {
        for lie in [0, 1, 1 << 31, u32::MAX] {
            let mut body = whole.to_vec();
            body[at..at + 4].copy_from_slice(&u32::to_be_bytes(lie));
            damaged.push(body);
        }
    }
    damaged
}
