//! What stays of an open vault: further look-ups derive nothing, and nothing of it outlives its truth.

use super::*;

fn openings(unlocker: &Unlocker) -> usize {
    unlocker.session.file().openings()
}

/// As many keys as parallel logins may want.
fn names() -> Vec<String> {
    (0..20).map(|n| format!("key{n}")).collect()
}

/// Unlocks all of them at once.
async fn unlock_all(unlocker: &Arc<Unlocker>) {
    let open = |name: String| {
        let unlocker = unlocker.clone();
        tokio::spawn(async move { unlocker.unlock(&key(&name), opens_with("right")).await.unwrap().1 })
    };
    for opening in names().into_iter().map(open).collect::<Vec<_>>() {
        assert_eq!(opening.await.unwrap(), "embedded");
    }
}

/// Sets the password of an entry of the vault, as a person does in KeePassXC.
fn edit_with_keepassxc(home: &Home, entry: &str, password: &str) {
    let mut child = Command::new("keepassxc-cli")
        .args(["edit", "-q", "-p"])
        .arg(home.path())
        .arg(entry)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    write!(input, "{MASTER}\n{password}\n").unwrap();
    drop(input);
    assert!(child.wait().unwrap().success());
}

#[test]
fn an_open_vault_is_derived_once_for_all_its_keys() {
    isolated(async |home| {
        home.vault_with("a", "right");
        home.vault_with("b", "other");
        let unlocker = home.unlocker_given(&[Source::Embedded], Some(MASTER));
        unlocker.unlock(&key("a"), opens_with("right")).await.unwrap();
        unlocker.unlock(&key("a"), opens_with("right")).await.unwrap();
        unlocker.unlock(&key("b"), opens_with("other")).await.unwrap();
        let none = reasons(unlocker.unlock(&key("c"), opens_with("right")).await);
        assert!(none[0].contains("has none"), "{none:?}");
        assert_eq!(openings(&unlocker), 1);
    });
}

#[test]
fn opening_the_vault_by_command_is_the_one_derivation() {
    isolated(async |home| {
        home.vault_with("a", "right");
        let unlocker = home.unlocker(&[Source::Embedded]);
        let master = Secret::copy_of(MASTER.as_bytes());
        unlocker.open_vault(Some(master)).await.unwrap();
        unlocker.unlock(&key("a"), opens_with("right")).await.unwrap();
        assert_eq!(openings(&unlocker), 1);
    });
}

#[test]
fn memory_that_a_core_image_shows_keeps_no_passphrase() {
    isolated(async |home| {
        home.vault_with("a", "right");
        let settings = home.settings(&[Source::Embedded], Some(MASTER));
        let unlocker = Unlocker::with_habits(settings, KdfCost::CHEAP, || false);
        for derived in 1..=2 {
            unlocker.unlock(&key("a"), opens_with("right")).await.unwrap();
            assert_eq!(openings(&unlocker), derived);
        }
        let as_it_is = Unlocker::new(home.settings(&[Source::Embedded], Some(MASTER)));
        for _ in 0..2 {
            as_it_is.unlock(&key("a"), opens_with("right")).await.unwrap();
        }
        let hidden = claviger_platform::harden::memory_report().secret_memory;
        assert_eq!(openings(&as_it_is), if hidden { 1 } else { 2 });
    });
}

#[test]
fn what_keepassxc_changed_is_seen_at_the_next_look_up() {
    isolated(async |home| {
        home.vault_with("a", "right");
        let unlocker = home.unlocker_given(&[Source::Embedded], Some(MASTER));
        unlocker.unlock(&key("a"), opens_with("right")).await.unwrap();
        edit_with_keepassxc(home, "SSH passphrases/a", "changed");
        unlocker.unlock(&key("a"), opens_with("changed")).await.unwrap();
        unlocker.unlock(&key("a"), opens_with("changed")).await.unwrap();
        assert_eq!((openings(&unlocker), home.questions().len()), (2, 0));
    });
}

#[test]
fn a_change_that_leaves_size_and_times_as_they_were_is_seen() {
    isolated(async |home| {
        home.vault_with("a", "right");
        let unlocker = home.unlocker_given(&[Source::Embedded], Some(MASTER));
        unlocker.unlock(&key("a"), opens_with("right")).await.unwrap();
        let before = std::fs::metadata(home.path()).unwrap();
        let other = Vault::new(
            home.0.join("other/vault.kdbx"),
            KdfCost::CHEAP,
            crate::key::KdfLimits::DEFAULT,
        );
        // Compressed, so the size may differ by a few bytes from one save to the next.
        let same_size = (0..200).any(|_| {
            let _ = std::fs::remove_file(other.path());
            other.make(MASTER.as_bytes()).unwrap();
            other.put(MASTER.as_bytes(), "SHA256:a", "a", b"worth").unwrap();
            std::fs::metadata(other.path()).unwrap().len() == before.len()
        });
        assert!(same_size, "no other content of the same size was found");
        std::fs::write(home.path(), std::fs::read(other.path()).unwrap()).unwrap();
        let file = std::fs::File::options().write(true).open(home.path()).unwrap();
        file.set_modified(before.modified().unwrap()).unwrap();
        unlocker.unlock(&key("a"), opens_with("worth")).await.unwrap();
    });
}

#[test]
fn closing_forgets_what_was_kept() {
    isolated(async |home| {
        home.vault_with("a", "right");
        let unlocker = home.unlocker_given(&[Source::Embedded], Some(MASTER));
        unlocker.unlock(&key("a"), opens_with("right")).await.unwrap();
        unlocker.close();
        home.answers(&["CANCEL"]);
        let refused = reasons(unlocker.unlock(&key("a"), opens_with("right")).await);
        assert!(refused[0].contains("cancelled"), "{refused:?}");
        assert_eq!(home.questions().len(), 1);
    });
}

#[test]
fn an_obsolete_passphrase_dropped_from_the_vault_is_not_kept() {
    isolated(async |home| {
        home.vault_with("a", "obsolete");
        home.vault_with("b", "right");
        let unlocker = home.unlocker_given(&[Source::Embedded], Some(MASTER));
        unlocker.open_vault(None).await.unwrap();
        let dropped = reasons(unlocker.unlock(&key("a"), opens_with("right")).await);
        assert!(dropped[0].contains("was dropped"), "{dropped:?}");
        let none = reasons(unlocker.unlock(&key("a"), opens_with("right")).await);
        assert!(none[0].contains("has none"), "{none:?}");
        unlocker.unlock(&key("b"), opens_with("right")).await.unwrap();
        assert_eq!(home.stored("a"), None);
    });
}

#[test]
fn what_is_remembered_or_forgotten_is_what_the_next_look_up_finds() {
    isolated(async |home| {
        home.vault_with("a", "right");
        let unlocker = home.unlocker_given(&[Source::Embedded], Some(MASTER));
        unlocker.unlock(&key("a"), opens_with("right")).await.unwrap();
        unlocker.remember(&key("a"), secret("newer")).await.unwrap();
        unlocker.unlock(&key("a"), opens_with("newer")).await.unwrap();
        unlocker.forget(&key("a")).await.unwrap();
        let none = reasons(unlocker.unlock(&key("a"), opens_with("newer")).await);
        assert!(none[0].contains("has none"), "{none:?}");
    });
}

#[test]
fn twenty_keys_at_once_cause_one_derivation_also_when_the_file_changed() {
    isolated(async |home| {
        names()
            .iter()
            .for_each(|name| drop(home.vault_with(name, "right")));
        home.answers(&[MASTER]);
        let unlocker = Arc::new(home.unlocker(VAULT));
        unlock_all(&unlocker).await;
        assert_eq!(openings(&unlocker), 1);
        home.vault_with("another", "right");
        unlock_all(&unlocker).await;
        assert_eq!((openings(&unlocker), home.questions().len()), (2, 1));
    });
}

#[test]
fn a_master_changed_by_keepassxc_is_asked_for_again() {
    isolated(async |home| {
        home.vault_with("a", "right");
        let unlocker = home.unlocker_given(&[Source::Embedded], Some(MASTER));
        unlocker.unlock(&key("a"), opens_with("right")).await.unwrap();
        std::fs::remove_file(home.path()).unwrap();
        home.vault().make(b"another").unwrap();
        home.answers(&["CANCEL"]);
        let refused = reasons(unlocker.unlock(&key("a"), opens_with("right")).await);
        assert!(refused[0].contains("cancelled"), "{refused:?}");
    });
}
