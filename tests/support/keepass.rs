//! KeePass databases made by keepassxc-cli, and what KeeAgent writes of a key into them.

use super::{Home, Key};
use keepass::DatabaseKey;
use keepass::config::{DatabaseConfig, DatabaseVersion, KdfConfig, OuterCipherConfig};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A database's master password in these tests.
pub(crate) const MASTER: &str = "vier Schlüssel an einem Bund";

/// How a database is encrypted; the derivations cost next to nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// KDBX 3.1 with AES, which is what keepassxc-cli makes.
    Kdbx3,
    /// KDBX 4 with AES and Argon2d.
    Argon2,
    /// With ChaCha20 and Argon2id.
    ChaCha20,
    /// With Twofish and Argon2d.
    Twofish,
    /// With AES and AES-KDF.
    Aes,
}

impl Kind {
    pub(crate) const ALL: [Self; 5] = [
        Self::Kdbx3,
        Self::Argon2,
        Self::ChaCha20,
        Self::Twofish,
        Self::Aes,
    ];
}

/// A database in a home.
pub(crate) struct Database {
    pub(crate) path: PathBuf,
    pub(crate) master: String,
    pub(crate) key_file: Option<String>,
    /// Whether its key file is all that opens it.
    pub(crate) without_password: bool,
}

impl Database {
    /// Makes an empty one.
    pub(crate) fn make(home: &Home, name: &str) -> Self {
        let made = Self {
            path: home.path(name),
            master: MASTER.to_owned(),
            key_file: None,
            without_password: false,
        };
        made.create();
        made
    }

    /// Makes an empty one of this kind. KeePassXC keeps the kind when it saves.
    pub(crate) fn make_as(home: &Home, name: &str, kind: Kind) -> Self {
        let mut config = DatabaseConfig::default();
        config.version = DatabaseVersion::KDB4(1);
        let KdfConfig::Argon2 { version, .. } = config.kdf_config else {
            panic!("another default: {:?}", config.kdf_config);
        };
        let (memory, iterations, parallelism) = (1 << 20, 2, 1);
        config.outer_cipher_config = OuterCipherConfig::AES256;
        match kind {
            Kind::Kdbx3 => return Self::make(home, name),
            Kind::Argon2 => {}
            Kind::ChaCha20 => {
                config.outer_cipher_config = OuterCipherConfig::ChaCha20;
                config.kdf_config = KdfConfig::Argon2id {
                    memory,
                    iterations,
                    parallelism,
                    version,
                };
            }
            Kind::Twofish => config.outer_cipher_config = OuterCipherConfig::Twofish,
            Kind::Aes => config.kdf_config = KdfConfig::Aes { rounds: 6000 },
        }
        let made = Self {
            path: home.path(name),
            master: MASTER.to_owned(),
            key_file: None,
            without_password: false,
        };
        let mut file = std::fs::File::create(&made.path).expect("a file");
        let key = DatabaseKey::new().with_password(MASTER);
        keepass::Database::with_config(config)
            .save(&mut file, key)
            .expect("saved");
        made
    }

    /// Makes the file, and its key file if it has one.
    pub(crate) fn create(&self) {
        let mut options = vec!["-q", "-t", "100"];
        if let Some(key_file) = &self.key_file {
            options.extend(["--set-key-file", key_file]);
        }
        if self.without_password {
            return self.run_bare("db-create", &options, &[]);
        }
        options.push("-p");
        self.run_bare("db-create", &options, &[&self.master, &self.master]);
    }

    fn run_bare(&self, verb: &str, options: &[&str], answers: &[&str]) {
        let output = self.try_bare(verb, options, &[], answers);
        assert!(output.status.success(), "{verb}: {}", super::text(&output));
    }

    /// Runs keepassxc-cli on the database, which is opened first; `answers` are typed behind the password.
    pub(crate) fn try_run(&self, verb: &str, options: &[&str], args: &[&str], answers: &[&str]) -> Output {
        let mut options = options.to_vec();
        options.push("-q");
        if let Some(key_file) = &self.key_file {
            options.extend(["-k", key_file]);
        }
        let mut typed = vec![self.master.as_str()];
        if self.without_password {
            options.push("--no-password");
            typed.clear();
        }
        typed.extend(answers);
        self.try_bare(verb, &options, args, &typed)
    }

    fn try_bare(&self, verb: &str, options: &[&str], args: &[&str], answers: &[&str]) -> Output {
        let mut command = Command::new("keepassxc-cli");
        command.arg(verb).args(options).arg(&self.path).args(args);
        typed(&mut command, answers)
    }

    /// As [`Database::try_run`], and succeeds.
    pub(crate) fn run(&self, verb: &str, options: &[&str], args: &[&str], answers: &[&str]) {
        let output = self.try_run(verb, options, args, answers);
        assert!(output.status.success(), "{verb}: {}", super::text(&output));
    }

    /// Adds an entry.
    pub(crate) fn add(&self, entry: &str, password: &str) {
        self.run("add", &["-p"], &[entry], &[password]);
    }

    /// Attaches bytes to an entry.
    pub(crate) fn attach(&self, home: &Home, entry: &str, name: &str, bytes: &[u8]) {
        let file = home.write("attachment", bytes, 0o600);
        let file = file.to_str().expect("a path");
        self.run("attachment-import", &["-f"], &[entry, name, file], &[]);
        std::fs::remove_file(file).expect("removed");
    }

    /// Adds an entry with the key attached, and settings that let it be used.
    pub(crate) fn add_key(&self, home: &Home, entry: &str, key: &Key) {
        self.add_key_with(home, entry, key, &Settings::attachment("id"));
    }

    /// As [`Database::add_key`], with these settings.
    pub(crate) fn add_key_with(&self, home: &Home, entry: &str, key: &Key, settings: &Settings) {
        self.add(entry, &key.passphrase);
        self.attach(home, entry, "id", &std::fs::read(&key.path).expect("the key"));
        self.attach(home, entry, "KeeAgent.settings", &utf16(&settings.xml()));
    }

    /// Makes it anew from its own content as XML, which `edit` changes.
    pub(crate) fn edit_xml(&self, edit: impl FnOnce(&str) -> String) {
        let output = self.try_run("export", &["-f", "xml"], &[], &[]);
        assert!(output.status.success(), "{}", super::text(&output));
        let xml = String::from_utf8(output.stdout).expect("text");
        let file = self.path.with_extension("xml");
        std::fs::write(&file, edit(&xml)).expect("written");
        std::fs::remove_file(&self.path).expect("removed");
        let mut command = Command::new("keepassxc-cli");
        command
            .args(["import", "-q", "-p", "-t", "100"])
            .arg(&file)
            .arg(&self.path);
        let output = typed(&mut command, &[&self.master, &self.master]);
        assert!(output.status.success(), "import: {}", super::text(&output));
    }

    /// The table for the configuration.
    pub(crate) fn table(&self) -> String {
        format!("[[kdbx]]\npath = '{}'\n", self.path.display())
    }

    /// The path as an argument.
    pub(crate) fn arg(&self) -> &str {
        self.path.to_str().expect("a path")
    }
}

/// What KeeAgent notes.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) confirm: bool,
    pub(crate) lifetime: Option<u32>,
    pub(crate) location: String,
    /// More elements.
    pub(crate) more: String,
}

impl Settings {
    /// A key in an attachment.
    pub(crate) fn attachment(name: &str) -> Self {
        let location = format!(
            "<SelectedType>attachment</SelectedType>\n    <AttachmentName>{name}</AttachmentName>\n    \
             <SaveAttachmentToTempFile>false</SaveAttachmentToTempFile>\n    <FileName />"
        );
        Self::at(location)
    }

    /// A key in a file.
    pub(crate) fn file(path: &Path) -> Self {
        let path = path.display();
        Self::at(format!(
            "<SelectedType>file</SelectedType>\n    <AttachmentName />\n    <FileName>{path}</FileName>"
        ))
    }

    fn at(location: String) -> Self {
        Self {
            confirm: false,
            lifetime: None,
            location,
            more: String::new(),
        }
    }

    /// As KeeAgent writes it.
    pub(crate) fn xml(&self) -> String {
        let (lifetime, location, more) = (self.lifetime, &self.location, &self.more);
        format!(
            "<?xml version=\"1.0\" encoding=\"utf-16\"?>\n<EntrySettings \
             xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" \
             xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\n  \
             <AllowUseOfSshKey>true</AllowUseOfSshKey>\n  <AddAtDatabaseOpen>true</AddAtDatabaseOpen>\n  \
             <RemoveAtDatabaseClose>true</RemoveAtDatabaseClose>\n  \
             <UseConfirmConstraintWhenAdding>{}</UseConfirmConstraintWhenAdding>\n  \
             <UseLifetimeConstraintWhenAdding>{}</UseLifetimeConstraintWhenAdding>\n  \
             <LifetimeConstraintDuration>{}</LifetimeConstraintDuration>\n{more}\n  \
             <Location>\n    {location}\n  </Location>\n</EntrySettings>",
            self.confirm,
            lifetime.is_some(),
            lifetime.unwrap_or(600),
        )
    }
}

/// UTF-16LE without a mark, as KeeAgent and KeePassXC write it.
pub(crate) fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// Runs keepassxc-cli; `answers` are typed.
fn typed(command: &mut Command, answers: &[&str]) -> Output {
    command.env("LANG", "C.UTF-8").env("LC_ALL", "C.UTF-8");
    let piped = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = piped.spawn().expect("keepassxc-cli");
    let mut input = child.stdin.take().expect("its input");
    for answer in answers {
        writeln!(input, "{answer}").expect("an answer");
    }
    drop(input);
    child.wait_with_output().expect("its end")
}
