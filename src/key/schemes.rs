//! Names what encrypts a PKCS#8 file that cannot be read (RFC 8018): the crate that decrypts says only that it does not know it.

use pkcs8::ObjectIdentifier;
use pkcs8::der::asn1::OctetStringRef;
use pkcs8::der::{self, Decode as _, Reader as _, SliceReader, Tagged as _};
use pkcs8::spki::AlgorithmIdentifierRef;

const PBES2: &str = "1.2.840.113549.1.5.13";
const PBKDF2: &str = "1.2.840.113549.1.5.12";
const SCRYPT: &str = "1.3.6.1.4.1.11591.4.11";
const HMAC_SHA1: &str = "1.2.840.113549.2.7";

/// What is read, so that it is not named for what stands beside it.
const READ: [&str; 13] = [
    PBKDF2,
    SCRYPT,
    HMAC_SHA1,
    "1.2.840.113549.2.8",
    "1.2.840.113549.2.9",
    "1.2.840.113549.2.10",
    "1.2.840.113549.2.11",
    "1.2.840.113549.3.7",
    "2.16.840.1.101.3.4.1.2",
    "2.16.840.1.101.3.4.1.22",
    "2.16.840.1.101.3.4.1.42",
    "2.16.840.1.101.3.4.1.6",
    "2.16.840.1.101.3.4.1.46",
];

/// What OpenSSL can write and is not read, by OpenSSL's names.
const NAMES: [(&str, &str); 37] = [
    ("1.2.840.113549.1.5.1", "PBE-MD2-DES"),
    ("1.2.840.113549.1.5.3", "PBE-MD5-DES"),
    ("1.2.840.113549.1.5.4", "PBE-MD2-RC2-64"),
    ("1.2.840.113549.1.5.6", "PBE-MD5-RC2-64"),
    ("1.2.840.113549.1.5.10", "PBE-SHA1-DES"),
    ("1.2.840.113549.1.5.11", "PBE-SHA1-RC2-64"),
    ("1.2.840.113549.1.12.1.1", "PBE-SHA1-RC4-128"),
    ("1.2.840.113549.1.12.1.2", "PBE-SHA1-RC4-40"),
    ("1.2.840.113549.1.12.1.3", "PBE-SHA1-3DES"),
    ("1.2.840.113549.1.12.1.4", "PBE-SHA1-2DES"),
    ("1.2.840.113549.1.12.1.5", "PBE-SHA1-RC2-128"),
    ("1.2.840.113549.1.12.1.6", "PBE-SHA1-RC2-40"),
    ("1.3.14.3.2.7", "DES-CBC"),
    ("1.2.840.113549.3.2", "RC2-CBC"),
    ("1.2.840.113549.3.4", "RC4"),
    ("1.3.6.1.4.1.3029.1.2", "BF-CBC"),
    ("1.2.840.113533.7.66.10", "CAST5-CBC"),
    ("1.3.6.1.4.1.188.7.1.1.2", "IDEA-CBC"),
    ("1.2.410.200004.1.4", "SEED-CBC"),
    ("1.2.156.10197.1.104.2", "SM4-CBC"),
    ("1.2.392.200011.61.1.1.1.2", "CAMELLIA-128-CBC"),
    ("1.2.392.200011.61.1.1.1.3", "CAMELLIA-192-CBC"),
    ("1.2.392.200011.61.1.1.1.4", "CAMELLIA-256-CBC"),
    ("1.2.410.200046.1.1.2", "ARIA-128-CBC"),
    ("1.2.410.200046.1.1.7", "ARIA-192-CBC"),
    ("1.2.410.200046.1.1.12", "ARIA-256-CBC"),
    ("2.16.840.1.101.3.4.1.4", "AES-128-CFB"),
    ("2.16.840.1.101.3.4.1.44", "AES-256-CFB"),
    ("2.16.840.1.101.3.4.1.3", "AES-128-OFB"),
    ("2.16.840.1.101.3.4.1.43", "AES-256-OFB"),
    ("1.2.840.113549.2.6", "hmacWithMD5"),
    ("1.2.840.113549.2.12", "hmacWithSHA512-224"),
    ("1.2.840.113549.2.13", "hmacWithSHA512-256"),
    ("2.16.840.1.101.3.4.2.13", "hmacWithSHA3-224"),
    ("2.16.840.1.101.3.4.2.14", "hmacWithSHA3-256"),
    ("2.16.840.1.101.3.4.2.16", "hmacWithSHA3-512"),
    ("1.2.156.10197.1.401.2", "hmacWithSM3"),
];

/// "its cipher ARIA-128-CBC" and the like, of an EncryptedPrivateKeyInfo; none where that does not parse.
pub(super) fn unread(bytes: &[u8]) -> Option<String> {
    let info = |reader: &mut SliceReader<'_>| {
        reader.sequence(|reader| {
            let algorithm = AlgorithmIdentifierRef::decode(reader)?;
            <&OctetStringRef>::decode(reader)?;
            named(algorithm)
        })
    };
    SliceReader::new(bytes)
        .and_then(|mut reader| info(&mut reader))
        .ok()
}

fn named(algorithm: AlgorithmIdentifierRef<'_>) -> der::Result<String> {
    if !is(algorithm.oid, PBES2) {
        return Ok(format!("its encryption {}", name(algorithm.oid)));
    }
    let mut parameters = inside(&algorithm)?;
    let derivation = AlgorithmIdentifierRef::decode(&mut parameters)?;
    let cipher = AlgorithmIdentifierRef::decode(&mut parameters)?;
    let hash = match is(derivation.oid, PBKDF2) {
        true => hash_of(&derivation)?,
        false => None,
    };
    Ok(if !is_read(derivation.oid) {
        format!("its key derivation {}", name(derivation.oid))
    } else if let Some(hash) = hash.filter(|hash| !is_read(*hash)) {
        format!("its key derivation PBKDF2 with {}", name(hash))
    } else if !is_read(cipher.oid) {
        format!("its cipher {}", name(cipher.oid))
    } else {
        format!("its cipher {} with these parameters", name(cipher.oid))
    })
}

fn inside<'a>(algorithm: &AlgorithmIdentifierRef<'a>) -> der::Result<SliceReader<'a>> {
    let parameters = algorithm.parameters.ok_or(der::ErrorKind::Failed)?;
    SliceReader::new(parameters.value())
}

/// The last of PBKDF2's parameters; none for the usual one.
fn hash_of(derivation: &AlgorithmIdentifierRef<'_>) -> der::Result<Option<ObjectIdentifier>> {
    let mut reader = inside(derivation)?;
    let mut last = None;
    while !reader.is_finished() {
        last = Some(der::asn1::AnyRef::decode(&mut reader)?);
    }
    let last = last.filter(|last| last.tag() == der::Tag::Sequence);
    let hash = last
        .map(|hash| SliceReader::new(hash.value()).and_then(|mut hash| ObjectIdentifier::decode(&mut hash)));
    hash.transpose()
}

fn is(oid: ObjectIdentifier, dotted: &str) -> bool {
    oid.to_string() == dotted
}

fn is_read(oid: ObjectIdentifier) -> bool {
    READ.iter().any(|known| is(oid, known))
}

fn name(oid: ObjectIdentifier) -> String {
    let known = NAMES.iter().find(|(dotted, _)| is(oid, dotted));
    known.map_or_else(|| oid.to_string(), |(_, name)| (*name).to_owned())
}
