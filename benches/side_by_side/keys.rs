//! The keys to measure with: files as `ssh-keygen` writes them, and the means to check what was signed with them.

use crate::{Result, wire};
use aws_lc_rs::signature::UnparsedPublicKey;
use aws_lc_rs::signature::{
    ED25519, Ed25519KeyPair, KeyPair, RSA_PKCS1_2048_8192_SHA512, RsaPublicKeyComponents,
};
use ssh_encoding::Decode;
use ssh_key::private::{Ed25519Keypair, Ed25519PrivateKey, KeypairData};
use ssh_key::public::{Ed25519PublicKey, KeyData};
use ssh_key::{LineEnding, PrivateKey, PublicKey};
use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The passphrase of every protected key. It protects nothing: the keys are made for the run and deleted after it.
pub(crate) const PASSPHRASE: &str = "a passphrase for one benchmark";

/// One key: its file, and its public half.
pub(crate) struct Key {
    /// The private key file.
    pub(crate) path: PathBuf,
    /// Wire blob.
    pub(crate) blob: Vec<u8>,
}

/// Writes `count` unprotected Ed25519 keys to `dir`. Made here rather than by a thousand `ssh-keygen` processes.
pub(crate) fn ed25519(dir: &Path, count: usize) -> Result<Vec<Key>> {
    fs::create_dir_all(dir)?;
    (0..count).map(|number| one_ed25519(dir, number)).collect()
}

fn one_ed25519(dir: &Path, number: usize) -> Result<Key> {
    let mut seed = [0x42_u8; 32];
    seed[..8].copy_from_slice(&(number as u64).to_be_bytes());
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed)?;
    let public = Ed25519PublicKey::try_from(pair.public_key().as_ref())?;
    let pair = Ed25519Keypair {
        public,
        private: Ed25519PrivateKey::from_bytes(&seed),
    };
    let key = PrivateKey::new(KeypairData::Ed25519(pair), format!("key-{number}@example"))?;
    let path = dir.join(format!("id_{number}"));
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)?;
    file.write_all(key.to_openssh(LineEnding::LF)?.as_bytes())?;
    Ok(Key {
        path,
        blob: key.public_key().to_bytes()?,
    })
}

/// Has `ssh-keygen` make an unprotected RSA key of 3072 bits.
pub(crate) fn rsa_3072(dir: &Path) -> Result<Key> {
    keygen(dir, "id_rsa", &["-t", "rsa", "-b", "3072", "-N", ""])
}

/// Has `ssh-keygen` make `count` protected Ed25519 keys, with its own default cipher and number of rounds.
pub(crate) fn protected(dir: &Path, count: usize) -> Result<Vec<Key>> {
    (0..count)
        .map(|number| keygen(dir, &format!("id_{number}"), &["-t", "ed25519", "-N", PASSPHRASE]))
        .collect()
}

fn keygen(dir: &Path, name: &str, arguments: &[&str]) -> Result<Key> {
    fs::create_dir_all(dir)?;
    let path = dir.join(name);
    let status = Command::new("ssh-keygen")
        .args(arguments)
        .args(["-q", "-C", name, "-f"])
        .arg(&path)
        .stdin(Stdio::null())
        .status()
        .map_err(|error| format!("ssh-keygen: {error}"))?;
    if !status.success() {
        return Err(format!("ssh-keygen ended with {status}").into());
    }
    let public = PublicKey::read_openssh_file(path.with_extension("pub"))?;
    Ok(Key {
        path,
        blob: public.to_bytes()?,
    })
}

/// Fails unless `answer`, a framed SIGN_RESPONSE, signs `data` with the key of `blob`.
pub(crate) fn verify(blob: &[u8], data: &[u8], answer: &[u8]) -> Result<()> {
    let mut reader = wire::signature(answer)?;
    let algorithm = String::decode(&mut reader)?;
    let signature = Vec::<u8>::decode(&mut reader)?;
    let bad = |_| "a signature did not verify";
    match (PublicKey::from_bytes(blob)?.key_data(), algorithm.as_str()) {
        (KeyData::Ed25519(key), "ssh-ed25519") => {
            UnparsedPublicKey::new(&ED25519, &key.0)
                .verify(data, &signature)
                .map_err(bad)?;
        }
        (KeyData::Rsa(key), "rsa-sha2-512") => {
            let n = key.n().as_positive_bytes().ok_or("a negative modulus")?;
            let e = key.e().as_positive_bytes().ok_or("a negative exponent")?;
            RsaPublicKeyComponents { n, e }
                .verify(&RSA_PKCS1_2048_8192_SHA512, data, &signature)
                .map_err(bad)?;
        }
        (_, other) => return Err(format!("the peer signed with {other}").into()),
    }
    Ok(())
}
