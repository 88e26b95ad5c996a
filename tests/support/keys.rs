//! Keys made by ssh-keygen, and what the tests need to know of them.

use super::{Home, succeed};
use std::fs;
use std::path::PathBuf;

/// Which key to make.
#[derive(Clone, Copy)]
pub(crate) enum KeyKind {
    /// Ed25519 whose passphrase costs next to nothing: for tests about something else.
    Quick,
    /// `ssh-keygen -t ed25519 -a 64`.
    Ed25519,
    /// `ssh-keygen -t rsa -b 4096`.
    Rsa4096,
    /// `ssh-keygen -t ecdsa -b 384`.
    Ecdsa384,
}

impl KeyKind {
    fn options(self) -> &'static [&'static str] {
        match self {
            Self::Quick => &["-t", "ed25519", "-a", "1"],
            Self::Ed25519 => &["-t", "ed25519", "-a", "64"],
            Self::Rsa4096 => &["-t", "rsa", "-b", "4096"],
            Self::Ecdsa384 => &["-t", "ecdsa", "-b", "384", "-a", "1"],
        }
    }
}

/// A key file in a home.
pub(crate) struct Key {
    pub(crate) path: PathBuf,
    pub(crate) passphrase: String,
}

impl Key {
    /// Makes `name` in the home's `.ssh`, with a passphrase and comment of its own.
    pub(crate) fn make(home: &Home, name: &str, kind: KeyKind) -> Self {
        Self::make_with(home, name, kind, &format!("open {name} with this, please"))
    }

    /// As [`Key::make`], with this passphrase; empty = not protected.
    pub(crate) fn make_with(home: &Home, name: &str, kind: KeyKind, passphrase: &str) -> Self {
        let path = home.path(".ssh").join(name);
        let mut command = home.command("ssh-keygen");
        command
            .args(["-q", "-C", &format!("{name}@test"), "-N", passphrase, "-f"])
            .arg(&path);
        succeed(command.args(kind.options()));
        Self {
            path,
            passphrase: passphrase.to_owned(),
        }
    }

    /// Moves the file and its public half to another folder of the home.
    pub(crate) fn moved(mut self, home: &Home, folder: &str) -> Self {
        let new = home.path(folder).join(self.path.file_name().expect("a name"));
        fs::create_dir_all(home.path(folder)).expect("the folder");
        fs::rename(self.beside(".pub"), format!("{}.pub", new.display())).expect("moved");
        fs::rename(&self.path, &new).expect("moved");
        self.path = new;
        self
    }

    /// The path as an argument.
    pub(crate) fn arg(&self) -> &str {
        self.path.to_str().expect("a UTF-8 path")
    }

    /// A file whose name is the key's and this ending.
    pub(crate) fn beside(&self, ending: &str) -> PathBuf {
        PathBuf::from(format!("{}{ending}", self.path.display()))
    }

    /// The line for authorized_keys.
    pub(crate) fn public_line(&self) -> String {
        fs::read_to_string(self.beside(".pub")).expect("the public key")
    }

    /// The wire blob.
    pub(crate) fn blob(&self) -> Vec<u8> {
        let public = ssh_key::PublicKey::from_openssh(&self.public_line()).expect("a public key");
        public.to_bytes().expect("its blob")
    }

    /// "SHA256:..."
    pub(crate) fn fingerprint(&self, home: &Home) -> String {
        let line = succeed(home.command("ssh-keygen").arg("-lf").arg(self.beside(".pub")));
        line.split(' ').nth(1).expect("a fingerprint").to_owned()
    }

    /// Changes the passphrase as a person does: with ssh-keygen.
    pub(crate) fn change_passphrase(&mut self, home: &Home, new: &str) {
        let mut command = home.command("ssh-keygen");
        command.args([
            "-q",
            "-p",
            "-a",
            "1",
            "-P",
            &self.passphrase,
            "-N",
            new,
            "-f",
            self.arg(),
        ]);
        succeed(&mut command);
        self.passphrase = new.to_owned();
    }

    /// Its private half, taken by ssh-keygen's own removal of the passphrase from a copy.
    pub(crate) fn private_half(&self, home: &Home) -> ssh_key::PrivateKey {
        let copy = home.path("copy");
        fs::copy(&self.path, &copy).expect("a copy");
        let mut command = home.command("ssh-keygen");
        succeed(
            command
                .args(["-q", "-p", "-P", &self.passphrase, "-N", "", "-f"])
                .arg(&copy),
        );
        let text = fs::read_to_string(&copy).expect("the copy");
        fs::remove_file(&copy).expect("the copy removed");
        ssh_key::PrivateKey::from_openssh(text).expect("an unprotected key")
    }

    /// Certifies it with `authority` for one principal, into the `-cert.pub` beside it.
    pub(crate) fn certify(&self, home: &Home, authority: &Key, principal: &str) {
        let mut command = home.command("ssh-keygen");
        command.args([
            "-q",
            "-s",
            authority.arg(),
            "-P",
            &authority.passphrase,
            "-I",
            "test",
            "-n",
            principal,
        ]);
        succeed(command.arg(self.beside(".pub")));
    }
}
