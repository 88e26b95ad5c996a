//! RSA where AWS-LC does what its Rust interface does not offer: SHA-1, and sizes from 1024 to 16384 bits.
//!
//! OpenSSH's agent signs with all of these, and hosts and tokens of old still need them. The other way to have them is
//! RustCrypto's `rsa`, whose private operations leak through their timing (RUSTSEC-2023-0071); AWS-LC blinds them and
//! computes in constant time. This room has every line that is `unsafe`, so the calls are here.

use aws_lc_sys as sys;
use std::ptr::NonNull;

/// Numbers of a private key, big-endian.
pub struct RsaNumbers<'a> {
    /// Modulus.
    pub n: &'a [u8],
    /// Public exponent.
    pub e: &'a [u8],
    /// Private exponent.
    pub d: &'a [u8],
    /// First prime.
    pub p: &'a [u8],
    /// Second prime.
    pub q: &'a [u8],
    /// d mod (p - 1).
    pub d_mod_p: &'a [u8],
    /// d mod (q - 1).
    pub d_mod_q: &'a [u8],
    /// The inverse of q mod p.
    pub q_inverse: &'a [u8],
}

/// What was hashed before it is signed (PKCS #1 v1.5 names it in the signature).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RsaHash {
    /// 20 bytes.
    Sha1,
    /// 32 bytes.
    Sha256,
    /// 64 bytes.
    Sha512,
}

impl RsaHash {
    fn number(self) -> i32 {
        match self {
            Self::Sha1 => sys::NID_sha1,
            Self::Sha256 => sys::NID_sha256,
            Self::Sha512 => sys::NID_sha512,
        }
    }

    fn length(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

/// A private or public key of AWS-LC's; wiped when dropped.
pub struct RsaKey(NonNull<sys::RSA>);

// SAFETY: AWS-LC allows the use of one key from several threads at once; what it caches inside has locks of its own.
unsafe impl Send for RsaKey {}
// SAFETY: as above; nothing here changes a key.
unsafe impl Sync for RsaKey {}

impl RsaKey {
    /// A private key, if its numbers belong together.
    pub fn from_numbers(numbers: &RsaNumbers<'_>) -> Option<Self> {
        let number = |bytes| Number::new(bytes);
        let (n, e, d) = (number(numbers.n)?, number(numbers.e)?, number(numbers.d)?);
        let (p, q) = (number(numbers.p)?, number(numbers.q)?);
        let (d_mod_p, d_mod_q) = (number(numbers.d_mod_p)?, number(numbers.d_mod_q)?);
        let q_inverse = number(numbers.q_inverse)?;
        // SAFETY: all numbers are alive; the call copies and checks them.
        let key = unsafe {
            sys::RSA_new_private_key(
                n.get(),
                e.get(),
                d.get(),
                p.get(),
                q.get(),
                d_mod_p.get(),
                d_mod_q.get(),
                q_inverse.get(),
            )
        };
        NonNull::new(key).map(Self)
    }

    /// A private key from PKCS #8, or from PKCS #1's RSAPrivateKey, in DER.
    pub fn from_der(der: &[u8]) -> Option<Self> {
        // SAFETY: `input` refers to `der`, which outlives both calls; a parsed key is freed once, or handed over.
        unsafe {
            let mut input = std::mem::zeroed();
            sys::CBS_init(&mut input, der.as_ptr(), der.len());
            let parsed = sys::EVP_parse_private_key(&mut input);
            let key = if parsed.is_null() {
                sys::RSA_private_key_from_bytes(der.as_ptr(), der.len())
            } else {
                let key = sys::EVP_PKEY_get1_RSA(parsed);
                sys::EVP_PKEY_free(parsed);
                key
            };
            NonNull::new(key).map(Self)
        }
    }

    /// A key that only verifies.
    pub fn public(n: &[u8], e: &[u8]) -> Option<Self> {
        let (n, e) = (Number::new(n)?, Number::new(e)?);
        // SAFETY: both numbers are alive; the call copies and checks them.
        NonNull::new(unsafe { sys::RSA_new_public_key(n.get(), e.get()) }).map(Self)
    }

    /// Modulus and public exponent, big-endian, without leading zeros.
    pub fn public_numbers(&self) -> (Vec<u8>, Vec<u8>) {
        // SAFETY: the key is alive, and its numbers live as long as it does.
        unsafe {
            let key = self.0.as_ptr();
            (bytes(sys::RSA_get0_n(key)), bytes(sys::RSA_get0_e(key)))
        }
    }

    /// PKCS #1's RSAPrivateKey in DER; `None` for a key that is only public. The caller wipes it.
    pub fn to_pkcs1(&self) -> Option<Vec<u8>> {
        let (mut start, mut length) = (std::ptr::null_mut(), 0);
        // SAFETY: the key is alive; on success `start` refers to `length` bytes that are ours to free, which wipes them.
        unsafe {
            if sys::RSA_private_key_to_bytes(&mut start, &mut length, self.0.as_ptr()) != 1 {
                return None;
            }
            let der = std::slice::from_raw_parts(start, length).to_vec();
            sys::OPENSSL_free(start.cast());
            Some(der)
        }
    }

    /// Length of the modulus and of a signature, in bytes.
    pub fn length(&self) -> usize {
        // SAFETY: the key is alive.
        unsafe { sys::RSA_size(self.0.as_ptr()) as usize }
    }

    /// Signs a digest with PKCS #1 v1.5; `None` for a digest of another length, or a key that is only public.
    pub fn sign(&self, hash: RsaHash, digest: &[u8]) -> Option<Vec<u8>> {
        if digest.len() != hash.length() {
            return None;
        }
        let mut signature = vec![0; self.length()];
        let mut length = 0;
        // SAFETY: the output has the room of RSA_size bytes that the call asks for.
        let done = unsafe {
            sys::RSA_sign(
                hash.number(),
                digest.as_ptr(),
                digest.len(),
                signature.as_mut_ptr(),
                &mut length,
                self.0.as_ptr(),
            )
        };
        signature.truncate(length as usize);
        (done == 1).then_some(signature)
    }

    /// Whether `signature` is this key's over the digest.
    pub fn verifies(&self, hash: RsaHash, digest: &[u8], signature: &[u8]) -> bool {
        // SAFETY: both slices are alive over their lengths.
        let verified = unsafe {
            sys::RSA_verify(
                hash.number(),
                digest.as_ptr(),
                digest.len(),
                signature.as_ptr(),
                signature.len(),
                self.0.as_ptr(),
            )
        };
        verified == 1
    }
}

impl Drop for RsaKey {
    fn drop(&mut self) {
        // SAFETY: the only owner; AWS-LC wipes what it frees.
        unsafe { sys::RSA_free(self.0.as_ptr()) };
    }
}

/// One of AWS-LC's numbers; wiped when dropped.
struct Number(NonNull<sys::BIGNUM>);

impl Number {
    fn new(bytes: &[u8]) -> Option<Self> {
        // SAFETY: reads the slice; a null number makes the call allocate one.
        NonNull::new(unsafe { sys::BN_bin2bn(bytes.as_ptr(), bytes.len(), std::ptr::null_mut()) }).map(Self)
    }

    fn get(&self) -> *const sys::BIGNUM {
        self.0.as_ptr()
    }
}

impl Drop for Number {
    fn drop(&mut self) {
        // SAFETY: the only owner.
        unsafe { sys::BN_clear_free(self.0.as_ptr()) };
    }
}

/// # Safety
/// `number` must be alive.
unsafe fn bytes(number: *const sys::BIGNUM) -> Vec<u8> {
    // SAFETY: the output has as many bytes as the number says that it needs.
    unsafe {
        let mut bytes = vec![0; sys::BN_num_bytes(number) as usize];
        sys::BN_bn2bin(number, bytes.as_mut_ptr());
        bytes
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn key(bits: &str) -> RsaKey {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("key.der");
        let made = Command::new("sh")
            .args(["-c", "openssl genrsa -traditional \"$1\" 2>/dev/null | openssl rsa -traditional -outform DER -out \"$2\""])
            .args(["sh", bits])
            .arg(&file)
            .output();
        assert!(made.as_ref().is_ok_and(|made| made.status.success()), "{made:?}");
        RsaKey::from_der(&std::fs::read(file).unwrap()).unwrap()
    }

    #[test]
    fn small_keys_sign_with_every_hash_and_the_public_half_verifies() {
        let key = key("1024");
        assert_eq!(key.length(), 128);
        let again = RsaKey::from_der(&key.to_pkcs1().unwrap()).unwrap();
        assert_eq!(again.public_numbers(), key.public_numbers());
        let (n, e) = key.public_numbers();
        assert_eq!((n.len(), &e[..]), (128, &[1, 0, 1][..]));
        let public = RsaKey::public(&n, &e).unwrap();
        for hash in [RsaHash::Sha1, RsaHash::Sha256, RsaHash::Sha512] {
            let digest = vec![7; hash.length()];
            let signature = key.sign(hash, &digest).unwrap();
            assert!(public.verifies(hash, &digest, &signature));
            assert!(!public.verifies(hash, &vec![8; hash.length()], &signature));
            assert!(key.sign(hash, &digest[1..]).is_none());
            assert!(public.sign(hash, &digest).is_none() && public.to_pkcs1().is_none());
        }
    }

    #[test]
    fn numbers_that_do_not_belong_together_are_refused() {
        let wrong = RsaNumbers {
            n: &[0xff; 128],
            e: &[1, 0, 1],
            d: &[0x7f; 128],
            p: &[0xfb; 64],
            q: &[0xf1; 64],
            d_mod_p: &[3; 64],
            d_mod_q: &[5; 64],
            q_inverse: &[7; 64],
        };
        assert!(RsaKey::from_numbers(&wrong).is_none());
        assert!(RsaKey::from_der(b"no key").is_none());
    }
}
