//! Tokens that have their public keys in X.509 certificates only: what SSH needs of these is the key.
//!
//! A certificate says nothing here: nobody asks who signed it or until when it holds. Servers judge keys.

use super::device::said;
use super::public::{self, Public, elliptic, rsa};
use cryptoki::error::Error;
use cryptoki::object::{Attribute, AttributeType, CertificateType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use pkcs8::ObjectIdentifier;
use pkcs8::der::asn1::UintRef;
use pkcs8::der::{Decode as _, Encode as _, Reader as _, SliceReader};
use pkcs8::spki::SubjectPublicKeyInfoOwned;
use ssh_key::public::KeyData;
use x509_cert::Certificate;

/// RFC 8017 and RFC 5480; for Ed25519 the algorithm is the curve (RFC 8410).
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const ELLIPTIC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");

/// The keys of the certificates that a session sees, at most `most`. Certificates without an id are their
/// authorities' as a rule, and other kinds of keys not for SSH: both are passed over.
pub(super) fn list(session: &Session, most: usize) -> Result<Vec<Public>, Error> {
    let x509 = [
        Attribute::Class(ObjectClass::CERTIFICATE),
        Attribute::CertificateType(CertificateType::X_509),
    ];
    let found = session.find_objects(&x509)?;
    Ok(found
        .into_iter()
        .take(most)
        .filter_map(|object| read(session, object).ok().flatten())
        .collect())
}

fn read(session: &Session, object: ObjectHandle) -> Result<Option<Public>, String> {
    let (mut id, mut label, mut value) = (Vec::new(), Vec::new(), Vec::new());
    let wanted = [AttributeType::Id, AttributeType::Label, AttributeType::Value];
    for attribute in session.get_attributes(object, &wanted).map_err(said)? {
        match attribute {
            Attribute::Id(bytes) => id = bytes,
            Attribute::Label(bytes) => label = bytes,
            Attribute::Value(bytes) => value = bytes,
            _ => {}
        }
    }
    let certificate = Certificate::from_der(&value).map_err(|error| error.to_string())?;
    let data = key(certificate.tbs_certificate().subject_public_key_info());
    match data {
        Some(data) if !id.is_empty() => public::checked(data, &label, id).map(Some),
        _ => Ok(None),
    }
}

fn key(info: &SubjectPublicKeyInfoOwned) -> Option<KeyData> {
    let bits = info.subject_public_key.as_bytes()?;
    match info.algorithm.oid {
        RSA => {
            let (n, e) = rsa_numbers(bits).ok()?;
            rsa(n, e)
        }
        ELLIPTIC => elliptic(&info.algorithm.parameters.to_der().ok()?, bits),
        own_curve => elliptic(&own_curve.to_der().ok()?, bits),
    }
}

/// RSAPublicKey (RFC 8017, A.1.1).
fn rsa_numbers(der: &[u8]) -> Result<(&[u8], &[u8]), pkcs8::der::Error> {
    SliceReader::new(der)?.sequence(|reader| {
        let (n, e) = (UintRef::decode(reader)?, UintRef::decode(reader)?);
        Ok((n.as_bytes(), e.as_bytes()))
    })
}
