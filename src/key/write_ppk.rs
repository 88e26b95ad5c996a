//! Writes PuTTY's private key files of version 3 (PuTTY's manual, appendix C), line by line as PuTTYgen does.

use argon2::Variant;
use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use ssh_key::Cipher;
use zeroize::Zeroizing;

use super::parts::{Fields, Parts};
use super::ppk::{Argon2, KEY, Ppk, Version2Or3};
use super::text::base64;
use super::write::{Protection, no_place, random};
use super::{KeyError, OpenKey};

/// PuTTYgen's memory, in KiB.
const MEMORY: u32 = 8192;
/// About a tenth of a second on a machine of today. PuTTYgen measures; a fixed number does not depend on what else the
/// machine does at that moment.
const PASSES: u32 = 21;
const WIDTH: usize = 64;

pub(super) fn write(
    key: &OpenKey,
    comment: &[u8],
    protection: Option<&Protection<'_>>,
) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let mut plain = private_fields(key)?;
    let mut file = Ppk {
        version: Version2Or3::Three,
        algorithm: key.public().algorithm.clone().into_bytes(),
        encryption: b"none".to_vec(),
        comment: on_one_line(comment),
        blob: key.public().blob.clone(),
        private: Zeroizing::default(),
        derivation: None,
        mac: Vec::new(),
    };
    if protection.is_some() {
        file.encryption = b"aes256-cbc".to_vec();
        file.derivation = Some(Argon2 {
            variant: Variant::Argon2id,
            memory: MEMORY,
            passes: PASSES,
            lanes: 1,
            salt: random::<16>()?.to_vec(),
        });
        pad(&mut plain);
    }
    let plain = plain.into_bytes();
    let keys = file.keys(protection.map_or(b"", |protection| protection.passphrase))?;
    file.mac = file.mac_of(&keys.mac, &plain).ok_or_else(unwritable)?;
    file.private = plain;
    if protection.is_some() {
        let (cipher_key, iv) = keys.cipher.split_at(KEY);
        Cipher::Aes256Cbc
            .encrypt(cipher_key, iv, &mut file.private)
            .map_err(|_| unwritable())?;
    }
    Ok(text(&file))
}

/// The private fields, which differ from OpenSSH's in their order.
fn private_fields(key: &OpenKey) -> Result<Fields, KeyError> {
    let mut fields = Fields::with_room(0);
    match Parts::of(key)? {
        Parts::Ed25519 { seed, .. } => {
            // A number with its least byte first, in as few bytes as it needs.
            let length = seed
                .iter()
                .rposition(|byte| *byte != 0)
                .map_or(0, |last| last + 1);
            fields.string(&seed[..length])?;
        }
        Parts::Ecdsa { scalar, .. } => fields.number(&scalar)?,
        Parts::Rsa(rsa) => {
            for number in [&rsa.d, &rsa.p, &rsa.q, &rsa.q_inverse] {
                fields.number(number)?;
            }
        }
        Parts::Composite { .. } => return Err(no_place(key, "PuTTY's format")),
    }
    Ok(fields)
}

/// Fills the last block as PuTTY does: with the hash of what is there, so that nothing is random that need not be.
fn pad(fields: &mut Fields) {
    let block = Cipher::Aes256Cbc.block_size();
    let missing = fields.len().next_multiple_of(block) - fields.len();
    let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, fields);
    fields.bytes(&hash.as_ref()[..missing]);
}

/// PuTTY reads the comment up to the line's end.
fn on_one_line(comment: &[u8]) -> Vec<u8> {
    let shown = |byte: &u8| if byte.is_ascii_control() { b' ' } else { *byte };
    comment.iter().map(shown).collect()
}

fn text(file: &Ppk) -> Zeroizing<Vec<u8>> {
    let (public, private) = (base64(&file.blob), base64(&file.private));
    // One piece of memory from the start: growing would leave a copy behind.
    let length = 1024 + file.comment.len() + 2 * (public.len() + private.len());
    let mut text = Zeroizing::new(Vec::with_capacity(length));
    let mut line = |name: &str, value: &[u8]| {
        for part in [name.as_bytes(), b": ", value, b"\n"] {
            text.extend_from_slice(part);
        }
    };
    line("PuTTY-User-Key-File-3", &file.algorithm);
    line("Encryption", &file.encryption);
    line("Comment", &file.comment);
    block(&mut text, "Public-Lines", &public);
    if let Some(derivation) = &file.derivation {
        let mut line =
            |name: &str, value: &str| text.extend_from_slice(format!("{name}: {value}\n").as_bytes());
        line("Key-Derivation", "Argon2id");
        line("Argon2-Memory", &derivation.memory.to_string());
        line("Argon2-Passes", &derivation.passes.to_string());
        line("Argon2-Parallelism", &derivation.lanes.to_string());
        line("Argon2-Salt", &hex(&derivation.salt));
    }
    block(&mut text, "Private-Lines", &private);
    text.extend_from_slice(format!("Private-MAC: {}\n", hex(&file.mac)).as_bytes());
    text
}

fn block(text: &mut Zeroizing<Vec<u8>>, name: &str, base64: &[u8]) {
    let lines = base64.chunks(WIDTH);
    text.extend_from_slice(format!("{name}: {}\n", lines.len()).as_bytes());
    for line in lines {
        text.extend_from_slice(line);
        text.push(b'\n');
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unwritable() -> KeyError {
    KeyError::Backend("the key could not be encrypted".into())
}
