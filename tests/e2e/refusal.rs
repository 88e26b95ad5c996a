//! Configurations and vaults that cannot be used: refused with the place and the reason, and left as they are.

use crate::support::{Agent, Home, Key, KeyKind, Person, succeed, text};
use std::fs;

#[test]
fn a_configuration_with_a_mistake_keeps_the_agent_from_starting() {
    let cases: [(&[u8], &str, &str); 5] = [
        (
            b"[keys]\ndirs = [\"~/.ssh\"]\n\n[lock]\nidel = \"1m\"\n",
            "5:1",
            "idel",
        ),
        (b"[lock]\nidle = 15\n", "2:8", "idle"),
        (b"[vault]\norder = [\"os\", \"nowhere\"]\n", "2:16", "nowhere"),
        (b"[lock\nidle = \"1m\"\n", "1:6", ""),
        (b"[lock]\n# caf\xe9\nidle = \"1m\"\n", "2:6", "UTF-8"),
    ];
    for (bytes, place, word) in cases {
        let home = Home::new();
        let path = home.write("config.toml", bytes, 0o600);
        for args in [&["agent", "-D"][..], &["config", "check"]] {
            let refused = home.claviger(args).output().expect("an end");
            let said = text(&refused);
            assert_eq!(refused.status.code(), Some(1), "{said}");
            assert!(
                said.contains(&format!("{}:{place}", path.display())) && said.contains(word),
                "{place}: {said}"
            );
        }
        assert!(!home.socket().exists());
        assert_eq!(fs::read(&path).expect("the file"), bytes);
    }
}

#[test]
fn a_vault_cut_in_half_is_reported_and_left_alone_and_the_person_is_asked() {
    let home = Home::new();
    let key = Key::make(&home, "id_test", KeyKind::Quick);
    let person = Person::new(&home)
        .knows("passphrase for key", &key.passphrase)
        .knows_master();
    succeed(person.sits_at(&mut home.claviger(&["add", key.arg()])));
    let whole = fs::read(home.vault()).expect("the vault");
    let half = &whole[..whole.len() / 2];
    fs::write(home.vault(), half).expect("cut");

    let add = person
        .sits_at(&mut home.claviger(&["add", key.arg()]))
        .output()
        .expect("an end");
    assert_eq!(add.status.code(), Some(1), "{}", text(&add));
    assert!(
        text(&add).contains(&home.vault().display().to_string()),
        "{}",
        text(&add)
    );
    let agent = Agent::start_with(&home, &person);
    succeed(home.command("ssh-add").arg("-T").arg(key.beside(".pub")));
    assert!(agent.log().contains("vault.kdbx"), "{}", agent.log());
    assert_eq!(
        fs::read(home.vault()).expect("the vault"),
        half,
        "what is left of it may be wanted"
    );
}
