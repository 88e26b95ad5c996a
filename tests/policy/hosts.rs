//! Servers with plain keys and with certificates, good and bad, made by `ssh-keygen`.

use crate::agent::strings;
use aws_lc_rs::signature::Ed25519KeyPair;
use claviger::policy::{HostCertificate, HostKey};
use ssh_key::{Certificate, PrivateKey};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Signs as a server does, and what policy is told of its key.
pub(crate) struct Server {
    pair: Ed25519KeyPair,
    pub(crate) host: HostKey,
}

impl Server {
    fn new(seed: &[u8], host: HostKey) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).expect("a seed");
        Self { pair, host }
    }

    pub(crate) fn signature(&self, session_id: &[u8]) -> Vec<u8> {
        strings(&[b"ssh-ed25519", self.pair.sign(session_id).as_ref()])
    }
}

/// Of all servers: two with plain keys, then those with certificates.
pub(crate) struct World {
    pub(crate) servers: Vec<Server>,
    pub(crate) ca: Vec<u8>,
}

/// The arguments of `ssh-keygen -s` and what they say: principals, a host's, critical options. No patterns: agents
/// before OpenSSH 10.3 took the host's name for the pattern instead.
const CERTIFICATES: [(&[&str], &str, bool, bool); 7] = [
    (
        &["-h", "-n", "c.example,z.example"],
        "c.example,z.example",
        true,
        false,
    ),
    (&["-h", "-n", "b.example"], "b.example", true, false),
    (&["-h", "-n", "other.test"], "other.test", true, false),
    (&["-h", "-n", "C.EXAMPLE"], "C.EXAMPLE", true, false),
    (
        &["-h", "-n", "c.example", "-V", "20010101:20020101"],
        "c.example",
        true,
        false,
    ),
    (
        &["-h", "-n", "c.example", "-O", "critical:new@example.com=1"],
        "c.example",
        true,
        true,
    ),
    (&["-n", "c.example"], "c.example", false, false),
];

impl World {
    pub(crate) fn new(home: &Path) -> Self {
        let (_, ca_blob) = key(home, "ca");
        let mut servers = Vec::new();
        for name in ["a", "b"] {
            let (seed, blob) = key(home, name);
            let host = HostKey {
                blob,
                certificate: None,
            };
            servers.push(Server::new(&seed, host));
        }
        for (number, (arguments, principals, is_host, has_critical_options)) in
            CERTIFICATES.into_iter().enumerate()
        {
            let name = format!("certified{number}");
            let (seed, _) = key(home, &name);
            let public = home.join(format!("{name}.pub"));
            keygen(
                Command::new("ssh-keygen")
                    .arg("-q")
                    .arg("-s")
                    .arg(home.join("ca"))
                    .args(["-I", "id"])
                    .args(arguments)
                    .arg(public),
            );
            let text = fs::read_to_string(home.join(format!("{name}-cert.pub"))).expect("a certificate");
            let read = Certificate::from_openssh(&text).expect("a certificate");
            let certificate = HostCertificate {
                ca: ca_blob.clone(),
                principals: principals
                    .split(',')
                    .map(|name| name.as_bytes().to_vec())
                    .collect(),
                is_host,
                valid_after: read.valid_after(),
                valid_before: read.valid_before(),
                has_critical_options,
                signed_with_allowed_algorithm: true,
            };
            let host = HostKey {
                blob: read.to_bytes().expect("a blob"),
                certificate: Some(certificate),
            };
            servers.push(Server::new(&seed, host));
        }
        Self { servers, ca: ca_blob }
    }
}

/// Makes a key file; returns its seed and its public blob.
pub(crate) fn key(home: &Path, name: &str) -> ([u8; 32], Vec<u8>) {
    let path = home.join(name);
    keygen(
        Command::new("ssh-keygen")
            .arg("-q")
            .args(["-t", "ed25519", "-N", "", "-f"])
            .arg(&path),
    );
    let private = PrivateKey::read_openssh_file(&path).expect("a key file");
    let seed = private
        .key_data()
        .ed25519()
        .expect("an Ed25519 key")
        .private
        .to_bytes();
    (seed, private.public_key().to_bytes().expect("a blob"))
}

fn keygen(command: &mut Command) {
    let output = command
        .output()
        .expect("ssh-keygen, of the package openssh-client");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
