//! Fingerprints in every hash that OpenSSH shows them in.

use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA384, SHA512};
use md5::{Digest as _, Md5};
use ssh_encoding::{Base64Writer, Writer as _};

/// A hash for fingerprints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hash {
    /// `MD5:aa:bb:…`
    Md5,
    /// SHA-1, which OpenSSH takes too.
    Sha1,
    /// `SHA256:…`
    #[default]
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

/// The fingerprint of a public blob as OpenSSH prints it: MD5 in hexadecimal, all others in base64 without padding.
pub fn fingerprint(blob: &[u8], hash: Hash) -> String {
    let (name, algorithm) = match hash {
        Hash::Md5 => {
            let bytes = Md5::digest(blob);
            let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            return format!("MD5:{}", hex.join(":"));
        }
        Hash::Sha1 => ("SHA1", &SHA1_FOR_LEGACY_USE_ONLY),
        Hash::Sha256 => ("SHA256", &SHA256),
        Hash::Sha384 => ("SHA384", &SHA384),
        Hash::Sha512 => ("SHA512", &SHA512),
    };
    format!(
        "{name}:{}",
        base64(digest::digest(algorithm, blob).as_ref()).trim_end_matches('=')
    )
}

/// Empty only if the buffer were too small, which it is not for the largest digest.
fn base64(bytes: &[u8]) -> String {
    let mut text = [0; 4 * digest::MAX_OUTPUT_LEN.div_ceil(3)];
    let Ok(mut writer) = Base64Writer::new(&mut text) else {
        return String::new();
    };
    let written = writer.write(bytes).and_then(|()| writer.finish());
    written.map(str::to_owned).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_what_ssh_keygen_prints() {
        let line = b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key.pub");
        std::fs::write(&path, line).unwrap();
        let blob = crate::key::public::split_line(line).unwrap().blob;
        for (hash, name) in [
            (Hash::Md5, "md5"),
            (Hash::Sha1, "sha1"),
            (Hash::Sha256, "sha256"),
            (Hash::Sha384, "sha384"),
            (Hash::Sha512, "sha512"),
        ] {
            let mut keygen = std::process::Command::new("ssh-keygen");
            let said = keygen.args(["-l", "-E", name, "-f"]).arg(&path).output().unwrap();
            let said = String::from_utf8(said.stdout).unwrap();
            assert_eq!(Some(fingerprint(&blob, hash).as_str()), said.split(' ').nth(1));
        }
    }
}
