//! What is listed: sealed keys from their public half, certificates, changes on disk; and what is reported instead.

use crate::support::secret_service::SecretService;
use crate::support::{
    Agent, Home, Key, KeyKind, Person, Sshd, list, status, succeed, text, user, wait_until,
};
use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};

/// The lines of `ssh-add -l`; none when there are no keys.
fn ssh_add_l(home: &Home) -> Vec<String> {
    let output = home.command("ssh-add").arg("-l").output().expect("ssh-add");
    let said = text(&output);
    if said.contains("no identities") {
        return Vec::new();
    }
    assert!(output.status.success(), "{said}");
    said.lines().map(str::to_owned).collect()
}

/// The fingerprints that `ssh-add -l` shows.
fn listed(home: &Home) -> Vec<String> {
    ssh_add_l(home)
        .iter()
        .filter_map(|line| line.split(' ').nth(1).map(str::to_owned))
        .collect()
}

#[test]
fn sealed_keys_are_listed_without_touching_the_keyring() {
    let home = Home::new();
    let service = SecretService::start(&home.path(""));
    let keys = [
        Key::make(&home, "id_ed", KeyKind::Ed25519),
        Key::make(&home, "id_rsa", KeyKind::Rsa4096),
        Key::make(&home, "id_ec", KeyKind::Ecdsa384),
    ];
    let _agent = Agent::from_command(&home, home.claviger(&["agent", "-d"]).envs(service.env()));
    let calls = service.calls_during(|| {
        for _ in 0..3 {
            assert_eq!(ssh_add_l(&home).len(), keys.len());
        }
    });
    assert!(!calls.contains("org.freedesktop.Secret"), "{calls}");
    for (key, line) in keys.iter().zip(["(ED25519)", "(RSA)", "(ECDSA)"]) {
        let fingerprint = key.fingerprint(&home);
        let found = ssh_add_l(&home)
            .into_iter()
            .find(|l| l.contains(&fingerprint))
            .expect("listed");
        assert!(found.ends_with(line) && found.contains("@test"), "{found}");
    }
    let public: String = succeed(home.command("ssh-add").arg("-L"));
    for key in &keys {
        assert!(public.contains(key.public_line().trim_end()), "{public}");
    }
    assert!(list(&home).iter().all(|key| key["state"] == "sealed"));
}

#[test]
fn a_certificate_beside_a_key_is_listed_and_logs_in() {
    let home = Home::new();
    let key = Key::make(&home, "id_test", KeyKind::Quick);
    let authority = Key::make_with(&home, "authority", KeyKind::Quick, "");
    key.certify(&home, &authority, &user());
    fs::rename(&authority.path, home.path("authority")).expect("out of the way");
    let sshd = Sshd::trusting(&home, &authority);
    let person = Person::new(&home).knows("passphrase for key", &key.passphrase);
    let _agent = Agent::start_with(&home, &person);
    let lines = ssh_add_l(&home);
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(
        lines.iter().any(|line| line.ends_with("(ED25519-CERT)")),
        "{lines:?}"
    );
    succeed(&mut sshd.login(&home, "true"));
    assert!(sshd.log().contains("ED25519-CERT"), "{}", sshd.log());
}

#[test]
fn changes_on_disk_are_noticed_without_a_restart() {
    let home = Home::new();
    let _agent = Agent::start(&home);
    assert!(listed(&home).is_empty());
    let first = Key::make(&home, "id_first", KeyKind::Quick);
    wait_until("the new key is listed", || {
        listed(&home) == [first.fingerprint(&home)]
    });
    let second = Key::make(&home, "id_second", KeyKind::Quick);
    wait_until("both are listed", || listed(&home).len() == 2);

    fs::set_permissions(&second.path, Permissions::from_mode(0o644)).expect("its mode");
    wait_until("the opened-up key is refused", || {
        listed(&home) == [first.fingerprint(&home)]
    });
    let problems = status(&home)["problems"].to_string();
    assert!(
        problems.contains("id_second") && problems.contains("chmod 600"),
        "{problems}"
    );
    fs::set_permissions(&second.path, Permissions::from_mode(0o600)).expect("its mode");
    wait_until("it is back", || listed(&home).len() == 2);

    for ending in ["", ".pub"] {
        fs::rename(second.beside(ending), first.beside(ending)).expect("replaced");
    }
    wait_until("the replaced key is listed", || {
        listed(&home) == [first.fingerprint(&home)]
    });
    fs::remove_file(&first.path).expect("removed");
    wait_until("the removed key is gone", || listed(&home).is_empty());
    fs::remove_dir_all(home.path(".ssh")).expect("removed");
    fs::create_dir(home.path(".ssh")).expect("made anew");
    let third = Key::make(&home, "id_third", KeyKind::Quick);
    wait_until("a key in the new directory is listed", || {
        listed(&home) == [third.fingerprint(&home)]
    });
}

#[test]
fn each_unusable_file_is_one_problem_and_stops_no_other_key() {
    let home = Home::new();
    let good = Key::make(&home, "id_good", KeyKind::Quick);
    let inside = |name: &str| home.path(".ssh").join(name);
    let template = fs::read(&good.path).expect("a key");

    home.write(".ssh/id_open", &template, 0o644);
    home.write(".ssh/id_broken", &template[..template.len() / 2], 0o600);
    home.write(".ssh/id_empty", b"", 0o600);
    let noise: Vec<u8> = (0..4000u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    home.write(".ssh/id_random", &noise, 0o600);
    let header = b"-----BEGIN OPENSSH PRIVATE KEY-----\n";
    let noisy = [&header[..], &noise].concat();
    home.write(".ssh/id_random_inside", &noisy, 0o600);
    let huge = home.write(".ssh/id_huge", header, 0o600);
    File::options()
        .write(true)
        .open(huge)
        .and_then(|file| file.set_len(1 << 30))
        .expect("a sparse file");
    fs::create_dir(inside("id_directory")).expect("a directory");
    succeed(home.command("mkfifo").arg(inside("id_fifo")));
    symlink("/nonexistent", inside("id_dangling")).expect("a link");
    let bad = [
        "open",
        "broken",
        "empty",
        "random",
        "random_inside",
        "huge",
        "directory",
        "fifo",
        "dangling",
    ];

    let _agent = Agent::start(&home);
    assert_eq!(listed(&home), [good.fingerprint(&home)]);
    let status = status(&home);
    let problems = status["problems"].as_array().expect("problems");
    for name in bad {
        let path = inside(&format!("id_{name}"));
        let of_this = problems
            .iter()
            .filter(|p| p["path"].as_str().is_some_and(|p| p == path.to_string_lossy()));
        let reasons: Vec<&str> = of_this.filter_map(|p| p["reason"].as_str()).collect();
        assert_eq!(reasons.len(), 1, "{name}: {problems:?}");
        assert!(
            reasons[0].lines().count() == 1 && reasons[0].len() > 10,
            "{name}: {reasons:?}"
        );
    }
    assert_eq!(problems.len(), bad.len(), "{problems:?}");
}
