//! Base64, and the forms in which public keys are handed around: a line of authorized_keys, a picture of a fingerprint.

use ssh_encoding::{Base64Writer, Writer as _};
use ssh_key::Fingerprint;
use zeroize::Zeroizing;

use super::string;

/// Base64 with padding, wiped when dropped.
pub fn base64(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut text = Zeroizing::new(vec![0; bytes.len().div_ceil(3) * 4]);
    let written = Base64Writer::new(&mut text).and_then(|mut writer| {
        writer.write(bytes)?;
        writer.finish().map(str::len)
    });
    // The room is what base64 takes; nothing at all takes none, which the writer refuses.
    text.truncate(written.unwrap_or_default());
    text
}

/// `TYPE BASE64 COMMENT`, as authorized_keys and `.pub` files have it, without a line's end. Control characters in the
/// comment become spaces: a line is one line.
pub fn authorized_line(blob: &[u8], comment: &[u8]) -> Vec<u8> {
    let kind = string(&mut &*blob).unwrap_or_default();
    let mut line = [kind, b" ", &base64(blob)].concat();
    if !comment.is_empty() {
        line.push(b' ');
        line.extend(
            comment
                .iter()
                .map(|byte| if byte.is_ascii_control() { b' ' } else { *byte }),
        );
    }
    line
}

/// The picture that ssh-keygen draws of a SHA-256 fingerprint ("SHA256:…"), nine rows in a frame; `None` of any other.
pub fn randomart(fingerprint: &str, kind: &str, bits: u32) -> Option<String> {
    /// Letters between the frame's corners.
    const WIDTH: usize = 17;
    let fingerprint: Fingerprint = fingerprint.parse().ok()?;
    let kind = short_name(kind);
    let head = format!("[{kind} {bits}]");
    let head = match head.len() > WIDTH {
        true => format!("[{kind}]"),
        false => head,
    };
    Some(fingerprint.to_randomart(&head))
}

/// The name that OpenSSH shows for a type ("ED25519", "RSA"); of an unknown one, the type's own.
pub fn short_name(kind: &str) -> String {
    match kind {
        "ssh-rsa" => "RSA".into(),
        "sk-ssh-ed25519@openssh.com" => "ED25519-SK".into(),
        "sk-ecdsa-sha2-nistp256@openssh.com" => "ECDSA-SK".into(),
        "ssh-dss" => "DSA".into(),
        ecdsa if ecdsa.starts_with("ecdsa-sha2-") => "ECDSA".into(),
        other => other.strip_prefix("ssh-").unwrap_or(other).to_ascii_uppercase(),
    }
}
