//! OpenSSL's old PEM encryption (`Proc-Type: 4,ENCRYPTED`, RFC 1421 headers): found on keys made before OpenSSH 7.8.

use md5::{Digest as _, Md5};
use ssh_key::Cipher;
use zeroize::Zeroizing;

use super::{KeyError, public};

/// The header `DEK-Info: CIPHER,IV`.
pub(super) struct DekInfo {
    cipher: Cipher,
    iv: Vec<u8>,
}

impl DekInfo {
    /// None when the headers name no encryption.
    pub(super) fn from_headers(headers: &pem::HeaderMap) -> Result<Option<Self>, KeyError> {
        let encrypted = headers
            .get("Proc-Type")
            .is_some_and(|kind| kind.ends_with("ENCRYPTED"));
        let Some(info) = headers.get("DEK-Info").filter(|_| encrypted) else {
            return if encrypted { Err(damaged()) } else { Ok(None) };
        };
        let (name, iv) = info.split_once(',').ok_or_else(damaged)?;
        let (cipher, length) = match name.trim() {
            "AES-128-CBC" => (Cipher::Aes128Cbc, 16),
            "AES-192-CBC" => (Cipher::Aes192Cbc, 16),
            "AES-256-CBC" => (Cipher::Aes256Cbc, 16),
            "DES-EDE3-CBC" => (Cipher::TdesCbc, 8),
            other => {
                return Err(KeyError::Unsupported(format!(
                    "its encryption {} is not supported; convert the key to OpenSSH's format: ssh-keygen -p -f FILE",
                    public::shown(other.as_bytes())
                )));
            }
        };
        let iv = from_hex(iv.trim())
            .filter(|iv| iv.len() == length)
            .ok_or_else(damaged)?;
        Ok(Some(Self { cipher, iv }))
    }

    pub(super) fn decrypt(&self, passphrase: &[u8], bytes: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let (key_length, _) = self.cipher.key_and_iv_size().ok_or_else(damaged)?;
        let key = derive(passphrase, &self.iv, key_length);
        let mut plain = Zeroizing::new(bytes.to_vec());
        self.cipher
            .decrypt(&key, &self.iv, &mut plain, None)
            .map_err(|_| KeyError::Damaged("its private half is not whole blocks".into()))?;
        let length = unpadded(&plain, self.cipher.block_size()).ok_or(KeyError::WrongPassphrase)?;
        plain.truncate(length);
        Ok(plain)
    }
}

/// EVP_BytesToKey with MD5 and one round: each block hashes the one before, the passphrase and the salt, which is the
/// start of the IV.
fn derive(passphrase: &[u8], iv: &[u8], length: usize) -> Zeroizing<Vec<u8>> {
    const BLOCK: usize = 16;
    let salt = iv.get(..8).unwrap_or(iv);
    let mut key = Zeroizing::new(Vec::with_capacity(length + BLOCK));
    while key.len() < length {
        let mut hash = Md5::new();
        hash.update(&key[key.len().saturating_sub(BLOCK)..]);
        hash.update(passphrase);
        hash.update(salt);
        let block = Zeroizing::new(<[u8; BLOCK]>::from(hash.finalize()));
        key.extend_from_slice(&*block);
    }
    key.truncate(length);
    key
}

/// Length without PKCS#7 padding, or none when that is not there.
fn unpadded(plain: &[u8], block: usize) -> Option<usize> {
    let last = *plain.last()?;
    let length = plain.len().checked_sub(usize::from(last))?;
    let sound = (1..=block).contains(&usize::from(last)) && plain[length..].iter().all(|byte| *byte == last);
    sound.then_some(length)
}

pub(super) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| {
        char::from(*byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    text.as_bytes()
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => Some(digit(high)? << 4 | digit(low)?),
            _ => None,
        })
        .collect()
}

fn damaged() -> KeyError {
    KeyError::Damaged("its encryption headers (Proc-Type, DEK-Info) do not parse".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(kind: &str, info: Option<&str>) -> pem::HeaderMap {
        let mut headers = pem::HeaderMap::default();
        headers.add("Proc-Type", kind).unwrap();
        if let Some(info) = info {
            headers.add("DEK-Info", info).unwrap();
        }
        headers
    }

    #[test]
    fn headers_name_a_cipher_and_a_whole_iv_or_are_refused() {
        let iv = "000102030405060708090A0B0C0D0E0F";
        for (info, fits) in [
            (format!("AES-128-CBC,{iv}"), true),
            (format!("AES-256-CBC, {iv}"), true),
            (format!("DES-EDE3-CBC,{}", &iv[..16]), true),
            (format!("DES-EDE3-CBC,{iv}"), false),
            (format!("AES-128-CBC,{}", &iv[1..]), false),
            (format!("AES-128-CBC,{}", iv.replace('F', "G")), false),
            ("AES-128-CBC".into(), false),
            (String::new(), false),
        ] {
            let read = DekInfo::from_headers(&headers("4,ENCRYPTED", Some(&info)));
            assert_eq!(matches!(read, Ok(Some(_))), fits, "{info}");
            assert!(fits || matches!(read, Err(KeyError::Damaged(_))), "{info}");
        }
        let camellia =
            DekInfo::from_headers(&headers("4,ENCRYPTED", Some(&format!("CAMELLIA-256-CBC,{iv}"))));
        assert!(
            matches!(camellia, Err(KeyError::Unsupported(reason)) if reason.contains("CAMELLIA-256-CBC"))
        );
        assert!(matches!(
            DekInfo::from_headers(&headers("4,ENCRYPTED", None)),
            Err(KeyError::Damaged(_))
        ));
        assert!(matches!(
            DekInfo::from_headers(&headers("4,MIC-ONLY", None)),
            Ok(None)
        ));
    }

    #[test]
    fn padding_is_whole_or_none() {
        for (plain, length) in [
            (&b"12345\x03\x03\x03"[..], Some(5)),
            (b"\x08\x08\x08\x08\x08\x08\x08\x08", Some(0)),
            (b"1234567\0", None),
            (b"12345\x02\x03\x03", None),
            (b"1234567\x09", None),
            (b"", None),
        ] {
            assert_eq!(unpadded(plain, 8), length);
        }
    }
}
