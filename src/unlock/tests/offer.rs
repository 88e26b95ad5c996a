//! On a terminal: the offer to remember a passphrase, made once.

use super::*;

const KEY: &str = "Enter passphrase for key /home/u/.ssh/a: ";
const OFFER: &str = "Remember this passphrase, so that the key opens by itself next time? ";

#[test]
fn a_yes_makes_the_vault_then_and_there() {
    let dialog = [
        (KEY, "right"),
        (OFFER, "v"),
        ("Choose a master passphrase of the vault", MASTER),
        ("Repeat the master passphrase of the vault", MASTER),
    ];
    on_terminal(&dialog, async |home| {
        let unlocker = home.unlocker(ALL);
        let ((), source) = unlocker.unlock(&key("a"), opens_with("right")).await.unwrap();
        assert_eq!(source, "prompt");
        assert_eq!(home.stored("a").unwrap(), b"right");
        let ((), source) = unlocker.unlock(&key("a"), opens_with("right")).await.unwrap();
        assert_eq!(source, "embedded");
    });
}

#[test]
fn a_no_is_noted_and_never_asked_again() {
    let dialog = [(KEY, "right"), (OFFER, "n"), (KEY, "right")];
    on_terminal(&dialog, async |home| {
        home.unlocker(ALL)
            .unlock(&key("a"), opens_with("right"))
            .await
            .unwrap();
        let declined = std::fs::read_to_string(home.0.join("state/declined")).unwrap();
        assert_eq!(declined, "SHA256:a\n");
        assert!(!home.path().exists());
        // Another process would be stuck here, if it were asked again.
        home.unlocker(ALL)
            .unlock(&key("a"), opens_with("right"))
            .await
            .unwrap();
    });
}

#[test]
fn the_keyring_is_offered_where_there_is_one_for_the_master_too() {
    let dialog = [
        ("Enter the master passphrase of the vault", MASTER),
        (
            "in the OS keyring, so that it opens by itself? [y]es, [n]o: ",
            "y",
        ),
        ("Enter passphrase for key /home/u/.ssh/b: ", "other"),
        ("[k]eyring, [v]ault, [n]o: ", "k"),
    ];
    on_terminal(&dialog, async |home| {
        let service = SecretService::start(&home.0);
        home.vault_with("a", "right");
        let unlocker = home.unlocker(ALL);
        unlocker.unlock(&key("a"), opens_with("right")).await.unwrap();
        let account = format!("vault:{}", home.path().display());
        assert_eq!(service.lookup(&account).unwrap(), MASTER.as_bytes());
        unlocker.unlock(&key("b"), opens_with("other")).await.unwrap();
        assert_eq!(service.lookup("SHA256:b").unwrap(), b"other");
    });
}
