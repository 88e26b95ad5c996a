//! Key files: damaged, weak, of no use, unprotected, twice; their public halves and certificates. What a file tells in clear is
//! enough for all of it.

use super::codes::Code;
use super::finding::Finding;
use super::key_file::{KeyFile, Trouble};
use super::scene::Scene;
use claviger::key::{KeyError, described};
use claviger::unlock::Wanted;
use claviger_platform::files::FileError;
use std::collections::HashMap;
use std::path::Path;

/// What servers that follow NIST's and the distributions' policies take, in bits.
const RSA_ENOUGH: u32 = 2048;
const NEW_KEY: &str =
    "make a new key (`claviger keygen`), put it on its servers (`claviger rotate`), and remove this one";

pub(super) fn check(scene: &Scene) -> Vec<Finding> {
    let files: Vec<KeyFile> = scene.keys.iter().map(|path| KeyFile::look(path, scene)).collect();
    let mut found = Vec::new();
    for file in &files {
        found.extend(unusable(file));
        found.extend(
            file.certificate
                .as_ref()
                .and_then(|certificate| certificate.judge()),
        );
        found.extend(public_half(file));
        found.extend(unprotected(file));
    }
    found.extend(twice(&files));
    found.extend(not_stored(scene, &files));
    found.extend(scene.odd.iter().filter_map(|path| no_key(path, scene)));
    for problem in &scene.problems {
        let remedy = "give yourself access to it, or take it out of keys.dirs";
        found.push(Finding::new(
            Code::KeyUnreadable,
            &problem.path,
            &problem.reason,
            remedy,
        ));
    }
    found
}

/// A weak key is that first of all: that its type is no longer supported follows.
fn unusable(file: &KeyFile) -> Option<Finding> {
    let subject = file.path.display().to_string();
    if let Some(why) = file.blob.as_deref().and_then(weakness) {
        return Some(Finding::new(Code::KeyWeak, subject, why, NEW_KEY));
    }
    let trouble = file.inspected.as_ref().err()?;
    Some(match trouble {
        Trouble::File(error) => unreadable(&file.path, error),
        Trouble::Key(error) => of_key(error, subject),
    })
}

fn weakness(blob: &[u8]) -> Option<String> {
    let key = described(blob)?;
    match (key.kind.as_str(), key.bits) {
        ("ssh-dss", _) => Some(
            "a DSA key: OpenSSH's servers refuse these since 7.0 (2015), and 10.0 knows them no more".into(),
        ),
        ("ssh-rsa", bits) if bits < RSA_ENOUGH => Some(format!(
            "an RSA key of {bits} bits: servers of Red Hat's and Debian's later releases and many hosts of git refuse those below {RSA_ENOUGH}"
        )),
        _ => None,
    }
}

fn of_key(error: &KeyError, subject: String) -> Finding {
    let text = error.to_string();
    match error {
        KeyError::NoPublicHalf => Finding::new(
            Code::PublicHalfMissing,
            &subject,
            "its public half is encrypted, too: no list shows the key before it was opened once",
            format!("`claviger add {subject}` reads it once; or put {subject}.pub beside it"),
        ),
        KeyError::Unsupported(_) => Finding::new(
            Code::KeyUnsupported,
            subject,
            text,
            "as the message says; `ssh-keygen -p -f FILE` writes many a key anew in OpenSSH's format",
        ),
        KeyError::TooCostly(_) => Finding::new(
            Code::KeyCostly,
            subject,
            text,
            "raise [limits] in the configuration if you trust the file, or write it anew with fewer rounds: ssh-keygen -p -a 64 -f FILE",
        ),
        KeyError::NotAPrivateKey { .. } => not_a_key(subject, text),
        _ => Finding::new(
            Code::KeyDamaged,
            subject,
            text,
            "restore it from a backup; else remove it, and its public half from the servers",
        ),
    }
}

fn not_a_key(subject: String, text: String) -> Finding {
    let remedy = "as the message says; or give the file another name, so that nobody expects a key there";
    Finding::new(Code::KeyNotAKey, subject, text, remedy)
}

fn unreadable(path: &Path, error: &FileError) -> Finding {
    let text = error.to_string();
    let prefix = format!("{}: ", path.display());
    Finding::new(
        Code::KeyUnreadable,
        path.display().to_string(),
        text.strip_prefix(&prefix).unwrap_or(&text),
        "give yourself access to the file, or move it away; one in keys.files that is gone: take it out there",
    )
}

/// A file that has a key's name and is none. A link to nothing is told as that.
fn no_key(path: &Path, scene: &Scene) -> Option<Finding> {
    match KeyFile::look(path, scene).inspected {
        Ok(_) => None,
        Err(Trouble::File(FileError::Missing { .. })) if path.is_symlink() => None,
        Err(Trouble::File(error)) => Some(unreadable(path, &error)),
        Err(Trouble::Key(error)) => Some(not_a_key(path.display().to_string(), error.to_string())),
    }
}

fn public_half(file: &KeyFile) -> Option<Finding> {
    let (path, public) = file.public.as_ref()?;
    let own = file.own_blob.as_ref()?;
    let why = match public {
        Ok(blob) if blob == own => return None,
        Ok(_) => {
            "is the public half of another key: ssh offers that one, and then signs with none".to_owned()
        }
        Err(why) => format!("is no public half: {why}"),
    };
    let remedy = format!(
        "remove it, and write it anew: claviger pubkey '{}' > '{}'",
        file.path.display(),
        path.display()
    );
    Some(Finding::new(
        Code::PublicHalfWrong,
        path.display().to_string(),
        format!("{why} (beside {})", file.path.display()),
        remedy,
    ))
}

fn unprotected(file: &KeyFile) -> Option<Finding> {
    let inspected = file.inspected.as_ref().ok()?;
    // What is in a security key's file is of no use without the device.
    let counts = !inspected.encrypted && !inspected.public.algorithm.starts_with("sk-");
    counts.then(|| {
        Finding::new(
            Code::KeyUnprotected,
            file.path.display().to_string(),
            "no passphrase protects it: whoever gets the file, from a backup too, can log in as you",
            format!(
                "ssh-keygen -p -f '{0}', then claviger add '{0}'",
                file.path.display()
            ),
        )
    })
}

fn twice(files: &[KeyFile]) -> Vec<Finding> {
    let mut first: HashMap<&str, &Path> = HashMap::new();
    let mut found = Vec::new();
    for file in files {
        let Ok(inspected) = &file.inspected else { continue };
        let fingerprint = inspected.public.fingerprint.as_str();
        match first.get(fingerprint) {
            None => {
                first.insert(fingerprint, &file.path);
            }
            Some(other) => found.push(Finding::new(
                Code::KeyTwice,
                file.path.display().to_string(),
                format!(
                    "the same key as {} ({fingerprint}); it is listed once",
                    other.display()
                ),
                "keep one of the files; two are two passphrases, and two places to lose it from",
            )),
        }
    }
    found
}

/// Told of keys whose passphrase is certainly nowhere; what is behind a master passphrase cannot be known.
fn not_stored(scene: &Scene, files: &[KeyFile]) -> Vec<Finding> {
    let Some(unlocker) = scene.unlocker() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for file in files {
        let inspected = match &file.inspected {
            Ok(inspected) if inspected.encrypted => inspected,
            _ => continue,
        };
        let wanted = Wanted {
            fingerprint: inspected.public.fingerprint.clone(),
            path: file.path.clone(),
            comment: String::new(),
        };
        match scene.runtime.block_on(unlocker.is_stored(&wanted)) {
            // A store that cannot be asked about one key cannot be asked about the next either.
            None => break,
            Some(true) => {}
            Some(false) => found.push(Finding::new(
                Code::PassphraseNotStored,
                file.path.display().to_string(),
                "its passphrase is stored nowhere: you are asked for it each time that the key is opened",
                format!("`claviger add '{}'` stores it, if you like", file.path.display()),
            )),
        }
    }
    found
}
