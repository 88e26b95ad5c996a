//! SoftHSM as a token: its own store in a home, keys that are imported, and the messages that load it.

use crate::support::client::string;
use crate::support::{Agent, Client, Home, Person, succeed, wait_until};
use aws_lc_rs::signature::Ed25519KeyPair;
use claviger::key;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The PIN of every token here.
pub(crate) const PIN: &str = "135790";

/// SoftHSM with tokens of this home only.
pub(crate) struct Soft {
    config: PathBuf,
    pub(crate) library: PathBuf,
}

/// A key that was imported.
pub(crate) struct Imported {
    pub(crate) blob: Vec<u8>,
    pub(crate) public_file: PathBuf,
}

impl Soft {
    /// Makes a token.
    pub(crate) fn new(home: &Home) -> Self {
        let folder = home.path("tokens");
        fs::create_dir(&folder).expect("a directory");
        let text = format!(
            "directories.tokendir = {}\nobjectstore.backend = file\n",
            folder.display()
        );
        let config = home.write("softhsm2.conf", text.as_bytes(), 0o600);
        let places = [
            "/usr/lib/softhsm/libsofthsm2.so",
            "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
            "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
        ];
        let library = places.map(PathBuf::from).into_iter().find(|path| path.exists());
        let soft = Self {
            config,
            library: library.expect("the package softhsm2"),
        };
        soft.add_token(home, "first", PIN);
        soft
    }

    /// Makes a further token.
    pub(crate) fn add_token(&self, home: &Home, label: &str, pin: &str) {
        let mut command = self.util(home);
        command.args(["--init-token", "--free", "--label", label]);
        succeed(command.args(["--pin", pin, "--so-pin", "98765432"]));
    }

    /// softhsm2-util, for these tokens.
    pub(crate) fn util(&self, home: &Home) -> Command {
        self.sees(home.command("softhsm2-util"))
    }

    /// The same command, for these tokens.
    pub(crate) fn sees(&self, mut command: Command) -> Command {
        command.env("SOFTHSM2_CONF", &self.config);
        command
    }

    /// Imports a key (PKCS#8, unencrypted) into the token `first`.
    pub(crate) fn import(&self, home: &Home, label: &str, id: &str, pkcs8: &[u8]) -> Imported {
        let text = pem::encode(&pem::Pem::new("PRIVATE KEY", pkcs8));
        let file = home.write("imported.pem", text.as_bytes(), 0o600);
        let mut command = self.util(home);
        command.args(["--token", "first", "--pin", PIN, "--label", label, "--id", id]);
        succeed(command.arg("--import").arg(&file));
        let key = key::open(&key::KdfLimits::DEFAULT, text.as_bytes(), None).expect("a key");
        let public = ssh_key::PublicKey::from_bytes(&key.public().blob).expect("a public key");
        let line = format!("{}\n", public.to_openssh().expect("a line"));
        Imported {
            blob: key.public().blob.clone(),
            public_file: home.write(&format!("{label}.pub"), line.as_bytes(), 0o600),
        }
    }

    /// Has the token `first` make a key itself, as `options` say.
    pub(crate) fn make(&self, home: &Home, options: &[&str]) {
        succeed(self.tool(home).arg("--keypairgen").args(options));
    }

    /// Replaces the public half of the key imported last by an X.509 certificate.
    pub(crate) fn only_certified(&self, home: &Home, id: &str) {
        self.certificate(home, id);
        let mut command = self.tool(home);
        succeed(command.args(["--delete-object", "--type", "pubkey", "--id", id]));
    }

    /// Stores an X.509 certificate for the key imported last, under this id.
    pub(crate) fn certificate(&self, home: &Home, id: &str) {
        let certificate = home.path("certificate.der");
        let mut openssl = home.command("openssl");
        openssl.args([
            "req", "-x509", "-new", "-subj", "/CN=test", "-outform", "DER", "-key",
        ]);
        succeed(
            openssl
                .arg(home.path("imported.pem"))
                .arg("-out")
                .arg(&certificate),
        );
        let mut command = self.tool(home);
        command.args(["--type", "cert", "--id", id, "--write-object"]);
        succeed(command.arg(&certificate));
    }

    fn tool(&self, home: &Home) -> Command {
        let mut command = self.sees(home.command("pkcs11-tool"));
        command.arg("--module").arg(&self.library);
        command.args(["--token-label", "first", "--login", "--pin", PIN]);
        command
    }

    /// An agent that sees these tokens.
    pub(crate) fn agent(&self, home: &Home, options: &[&str]) -> Agent {
        let mut command = self.sees(home.claviger(&["agent", "-d"]));
        command.args(options);
        Agent::from_command(home, &mut command)
    }

    /// `ssh-add -s`, with someone who knows `pin`.
    pub(crate) fn add(&self, home: &Home, pin: &str) -> Command {
        let person = Person::new(home).knows("PKCS#11", pin);
        let mut command = home.command("ssh-add");
        person
            .sits_at(&mut command)
            .arg("-q")
            .arg("-s")
            .arg(&self.library);
        command
    }
}

/// New keys of each kind, with the labels that they get.
pub(crate) fn all_kinds() -> Vec<(&'static str, Vec<u8>)> {
    use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::rsa::{KeyPair, KeySize};
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING,
        EcdsaKeyPair,
    };
    let random = SystemRandom::new();
    let rsa: Pkcs8V1Der<'_> = KeyPair::generate(KeySize::Rsa2048)
        .and_then(|pair| pair.as_der())
        .expect("an RSA key");
    let mut kinds = vec![("rsa", rsa.as_ref().to_vec()), ("ed25519", quick())];
    for (label, curve) in [
        ("p256", &ECDSA_P256_SHA256_FIXED_SIGNING),
        ("p384", &ECDSA_P384_SHA384_FIXED_SIGNING),
        ("p521", &ECDSA_P521_SHA512_FIXED_SIGNING),
    ] {
        let pair = EcdsaKeyPair::generate_pkcs8(curve, &random).expect("an ECDSA key");
        kinds.push((label, pair.as_ref().to_vec()));
    }
    kinds
}

/// An Ed25519 key: it costs nothing to make.
pub(crate) fn quick() -> Vec<u8> {
    let pair = Ed25519KeyPair::generate().and_then(|pair| pair.to_pkcs8v1());
    pair.expect("an Ed25519 key").as_ref().to_vec()
}

/// The Ed25519 key of this seed.
pub(crate) fn of_seed(seed: &[u8]) -> Vec<u8> {
    let pair = Ed25519KeyPair::from_seed_unchecked(seed).expect("an Ed25519 key");
    pair.to_pkcs8v1().expect("PKCS#8").as_ref().to_vec()
}

/// ADD_SMARTCARD_KEY_CONSTRAINED.
pub(crate) fn message(library: &Path, pin: &str, constraints: &[u8]) -> Vec<u8> {
    let path = library.to_str().expect("a UTF-8 path");
    let body = [
        string(path.as_bytes()),
        string(pin.as_bytes()),
        constraints.to_vec(),
    ]
    .concat();
    [&[26], &body[..]].concat()
}

/// Whether the agent answers success.
pub(crate) fn succeeds(client: &mut Client, message: &[u8]) -> bool {
    client.ask(message).expect("an answer") == [6]
}

/// The blobs that `ssh-add -L` lists.
pub(crate) fn listed(home: &Home) -> Vec<Vec<u8>> {
    let output = home.command("ssh-add").arg("-L").output().expect("ssh-add");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines = text.lines().filter(|line| !line.starts_with("The agent"));
    let blob = |line: &str| {
        let base64 = line.split(' ').nth(1).expect("base64");
        <base64ct::Base64 as base64ct::Encoding>::decode_vec(base64).expect("base64")
    };
    lines.map(blob).collect()
}

/// The agent's helpers, by what the kernel says.
pub(crate) fn helpers(agent: &Agent) -> Vec<String> {
    let children = format!("/proc/{0}/task/{0}/children", agent.pid());
    let children = fs::read_to_string(&children).unwrap_or_else(|error| panic!("{children}: {error}"));
    children.split_whitespace().map(str::to_owned).collect()
}

/// Waits until the agent has no helper any more.
pub(crate) fn wait_for_no_helper(agent: &Agent) {
    wait_until("the agent has no helper", || helpers(agent).is_empty());
}
