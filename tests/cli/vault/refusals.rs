//! What is refused, with file, reason and remedy, and leaves the file as it was.
use super::*;
use std::os::unix::fs::PermissionsExt;

#[test]
fn wrong_passphrases_change_nothing() {
    let home = with_database();
    home.keygen("id_web", KEY);
    let old = bytes(&home.path("keys.kdbx"));
    let wrong = |key: &str, master: &str| Ran::from(home.command(&PUT, key, master).output().unwrap());
    wrong(KEY, "wrong").failed(&["keys.kdbx", "does not fit"]);
    wrong("wrong", MASTER).failed(&["id_web", "passphrase"]);
    put(&home, &["id_web.pub", "--into", "keys.kdbx"]).failed(&["id_web.pub", "public"]);
    put(&home, &["id_web", "--into", "none.kdbx"]).failed(&["none.kdbx", "no such file", "vault create"]);
    assert_eq!(bytes(&home.path("keys.kdbx")), old);
}

#[test]
fn damaged_files_are_named_and_stay() {
    let home = with_database();
    let whole = bytes(&home.path("keys.kdbx"));
    for cut in [0, 30, whole.len() / 2] {
        std::fs::write(home.path("keys.kdbx"), &whole[..cut]).unwrap();
        vault(&home, &["remove", "two", "--in", "keys.kdbx"]).failed(&["keys.kdbx", "not read"]);
        assert_eq!(bytes(&home.path("keys.kdbx")), &whole[..cut]);
    }
}

#[test]
fn a_program_that_has_it_open_is_told_of() {
    let home = with_database();
    home.keygen("id_web", KEY);
    std::fs::write(home.path(".keys.kdbx.lock"), "").unwrap();
    let done = put(&home, &["id_web", "--into", "keys.kdbx"]);
    assert_eq!(done.code, 0);
    assert!(
        done.err.contains("KeePassXC seems to have it open"),
        "{}",
        done.err
    );
}

#[test]
fn a_change_by_another_program_in_between_is_not_undone() {
    let home = with_database();
    home.keygen("id_web", KEY);
    let database = home.path("keys.kdbx");
    let mine = bytes(&database);
    vault(&home, &["remove", "two", "--in", "keys.kdbx"]).done();
    let theirs = bytes(&database);
    // Whenever the other's change comes, it is the whole file afterwards, or claviger's is and knows it.
    for moment in 0..6 {
        std::fs::write(&database, &mine).unwrap();
        let mut child = home.command(&PUT, KEY, MASTER);
        let child = child
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_millis(60 * moment));
        std::fs::write(home.path("other"), &theirs).unwrap();
        std::fs::set_permissions(home.path("other"), PermissionsExt::from_mode(0o600)).unwrap();
        std::fs::rename(home.path("other"), &database).unwrap();
        let done = Ran::from(child.wait_with_output().unwrap());
        match done.code {
            0 => assert!(done.out.contains("put into"), "{}", done.out),
            _ => {
                done.failed(&["keys.kdbx", "changed the file meanwhile", "run the command again"]);
                assert_eq!(bytes(&database), theirs);
            }
        }
    }
}

#[test]
fn wrong_usage_is_told_from_failure() {
    let home = Home::new();
    for args in [
        &["vault"][..],
        &["vault", "put", "id"],
        &["vault", "put", "id", "--into", "x", "--lifetime", "soon"],
        &["vault", "show"],
    ] {
        assert_eq!(home.run(args).code, 2, "{args:?}");
    }
}
