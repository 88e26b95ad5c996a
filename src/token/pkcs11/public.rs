//! A token's public objects to SSH's public halves.

use super::device::said;
use crate::key::PublicHalf;
use cryptoki::error::Error;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use pkcs8::ObjectIdentifier;
use pkcs8::der::Decode as _;
use pkcs8::der::asn1::{OctetStringRef, PrintableStringRef};
use ssh_encoding::Mpint;
use ssh_key::EcdsaCurve;
use ssh_key::public::{EcdsaPublicKey, Ed25519PublicKey, KeyData, RsaPublicKey};

/// Longest name of a key that is taken over, in bytes.
const LONGEST_LABEL: usize = 255;

/// RFC 5480 and RFC 8410.
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
/// What PKCS#11 3.0 calls Ed25519's curve where no OID stands.
const EDWARDS: &str = "edwards25519";

/// A public half as a token has it.
pub(super) struct Public {
    pub(super) half: PublicHalf,
    pub(super) label: Vec<u8>,
    /// CKA_ID, by which its private half is found; never empty.
    pub(super) id: Vec<u8>,
}

/// The public keys that a session sees, at most `most`. One that cannot be used is remarked on, not an error.
pub(super) fn list(session: &Session, most: usize, notes: &mut Vec<String>) -> Result<Vec<Public>, Error> {
    let mut found = Vec::new();
    for object in session
        .find_objects(&[Attribute::Class(ObjectClass::PUBLIC_KEY)])?
        .into_iter()
        .take(most)
    {
        match read(session, object) {
            Ok(public) => found.push(public),
            Err(reason) => notes.push(reason),
        }
    }
    Ok(found)
}

#[derive(Default)]
struct Attributes {
    kind: Option<KeyType>,
    id: Vec<u8>,
    label: Vec<u8>,
    modulus: Vec<u8>,
    exponent: Vec<u8>,
    params: Vec<u8>,
    point: Vec<u8>,
}

impl Attributes {
    fn get(
        &mut self,
        session: &Session,
        object: ObjectHandle,
        wanted: &[AttributeType],
    ) -> Result<(), String> {
        for attribute in session.get_attributes(object, wanted).map_err(said)? {
            match attribute {
                Attribute::KeyType(kind) => self.kind = Some(kind),
                Attribute::Id(bytes) => self.id = bytes,
                Attribute::Label(bytes) => self.label = bytes,
                Attribute::Modulus(bytes) => self.modulus = bytes,
                Attribute::PublicExponent(bytes) => self.exponent = bytes,
                Attribute::EcParams(bytes) => self.params = bytes,
                Attribute::EcPoint(bytes) => self.point = bytes,
                _ => {}
            }
        }
        Ok(())
    }
}

fn read(session: &Session, object: ObjectHandle) -> Result<Public, String> {
    let mut read = Attributes::default();
    let first = [AttributeType::KeyType, AttributeType::Id, AttributeType::Label];
    read.get(session, object, &first)?;
    let name = String::from_utf8_lossy(&read.label).into_owned();
    let about = |reason: String| format!("key {name:?} is passed over: {reason}");
    if read.id.is_empty() {
        return Err(about(String::from(
            "it has no CKA_ID, by which its private half is found",
        )));
    }
    let rest = match read.kind {
        Some(KeyType::RSA) => [AttributeType::Modulus, AttributeType::PublicExponent],
        Some(KeyType::EC | KeyType::EC_EDWARDS) => [AttributeType::EcParams, AttributeType::EcPoint],
        _ => return Err(about(String::from("it is neither RSA nor ECDSA nor Ed25519"))),
    };
    read.get(session, object, &rest).map_err(about)?;
    let data = match read.kind {
        Some(KeyType::RSA) => rsa(&read.modulus, &read.exponent),
        _ => elliptic(&read.params, &read.point),
    };
    let data =
        data.ok_or_else(|| about(String::from("its public half is damaged or on an unknown curve")))?;
    checked(data, &read.label, read.id).map_err(about)
}

/// What can sign here.
pub(super) fn checked(data: KeyData, named: &[u8], id: Vec<u8>) -> Result<Public, String> {
    let blob = ssh_key::PublicKey::from(data).to_bytes();
    let blob = blob.map_err(|error| error.to_string())?;
    let half = PublicHalf::parse(&blob).map_err(|error| error.to_string())?;
    Ok(Public {
        half,
        label: label(named),
        id,
    })
}

pub(super) fn rsa(modulus: &[u8], exponent: &[u8]) -> Option<KeyData> {
    let (n, e) = (
        Mpint::from_positive_bytes(modulus),
        Mpint::from_positive_bytes(exponent),
    );
    RsaPublicKey::new(e, n).ok().map(KeyData::Rsa)
}

/// The curve is named by its OID (PKCS#11 3.0 allows a name for Ed25519's). The point is an OCTET STRING, but some tokens
/// leave its frame away, and a bare point may look like a frame: what makes no key framed is tried bare.
pub(super) fn elliptic(params: &[u8], point: &[u8]) -> Option<KeyData> {
    let curve = match ObjectIdentifier::from_der(params) {
        Ok(ED25519) => None,
        Ok(P256) => Some(EcdsaCurve::NistP256),
        Ok(P384) => Some(EcdsaCurve::NistP384),
        Ok(P521) => Some(EcdsaCurve::NistP521),
        Ok(_) => return None,
        Err(_) => {
            let name = PrintableStringRef::from_der(params).ok()?;
            (name.as_bytes() == EDWARDS.as_bytes()).then_some(None)?
        }
    };
    let key = |point: &[u8]| match curve {
        None => Some(KeyData::Ed25519(Ed25519PublicKey(point.try_into().ok()?))),
        Some(curve) => {
            let key = EcdsaPublicKey::from_sec1_bytes(point).ok()?;
            (key.curve() == curve).then_some(KeyData::Ecdsa(key))
        }
    };
    let framed = <&OctetStringRef>::from_der(point).ok();
    framed
        .and_then(|framed| key(framed.as_bytes()))
        .or_else(|| key(point))
}

/// Up to its first NUL, as every reader of C strings has it.
fn label(bytes: &[u8]) -> Vec<u8> {
    let text = bytes.split(|&byte| byte == 0).next().unwrap_or_default();
    text.get(..LONGEST_LABEL).unwrap_or(text).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    const P256_PARAMS: &[u8] = &[0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
    const P384_PARAMS: &[u8] = &[0x06, 5, 0x2b, 0x81, 4, 0, 34];
    const ED25519_PARAMS: &[u8] = &[0x06, 3, 0x2b, 0x65, 0x70];
    const ED25519_NAME: &[u8] = b"\x13\x0cedwards25519";

    #[test]
    fn points_are_taken_framed_and_bare_on_their_curve_only() {
        // The second byte makes the bare points look like frames of their very length.
        let p256 = [&[4, 63][..], &[7; 63]].concat();
        let edwards = [&[4, 30][..], &[7; 30]].concat();
        let framed = |point: &[u8]| [&[4, u8::try_from(point.len()).unwrap()], point].concat();
        for (params, point, works) in [
            (P256_PARAMS, p256.clone(), true),
            (P256_PARAMS, framed(&p256), true),
            (P384_PARAMS, framed(&p256), false),
            (&P256_PARAMS[..5], framed(&p256), false),
            (P256_PARAMS, framed(&p256[..64]), false),
            (ED25519_PARAMS, edwards.clone(), true),
            (ED25519_NAME, framed(&edwards), true),
            (ED25519_NAME, framed(&p256), false),
            (b"\x13\x0cedwards25518", framed(&edwards), false),
            (P256_PARAMS, Vec::new(), false),
        ] {
            assert_eq!(elliptic(params, &point).is_some(), works, "{params:?} {point:?}");
        }
    }

    #[test]
    fn labels_end_at_their_nul_and_at_the_limit() {
        assert_eq!(label(b"PIV AUTH\0junk"), b"PIV AUTH");
        assert_eq!(label(&[b'a'; 300]).len(), LONGEST_LABEL);
        assert_eq!(label(b""), b"");
    }
}
