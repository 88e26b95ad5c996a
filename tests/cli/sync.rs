//! `config sync` without an agent: what is written, what is left to the person, and what is never touched.
use crate::home::{Home, text};
use claviger::history::{History, Login};
use std::fs;
use std::process::Command;

fn fingerprint(home: &Home, file: &str) -> String {
    let ran = Command::new("ssh-keygen")
        .arg("-lf")
        .arg(home.path(file))
        .output()
        .unwrap();
    let line = String::from_utf8(ran.stdout).unwrap();
    line.split(' ').nth(1).unwrap().to_owned()
}

/// A host with these names in known_hosts, at which `key` worked for these users, the first one last.
fn learn(home: &Home, names: &str, key: &str, users: &[&str]) {
    let name = format!("hostkeys/{}", names.trim_matches(['[', ']']));
    let host = home.keygen(&name, "");
    let public = fs::read_to_string(format!("{}.pub", text(&host))).unwrap();
    let file = home.path(".ssh/known_hosts");
    let old = fs::read_to_string(&file).unwrap_or_default();
    fs::write(&file, format!("{old}{names} {public}")).unwrap();
    let (history, _) = History::open(&home.path("state/history.sqlite3")).unwrap();
    for (age, user) in users.iter().enumerate() {
        let login = Login {
            host: &fingerprint(home, &name),
            authority: None,
            names: &[],
            key: &fingerprint(home, key),
            user,
            path: "",
        };
        history.worked(&login, 1_700_000_000 - age as u64);
    }
    history.settle();
}

fn hosts(home: &Home) -> String {
    fs::read_to_string(home.path(".ssh/claviger/hosts.conf")).unwrap_or_default()
}

fn stubs(home: &Home) -> usize {
    fs::read_dir(home.path(".ssh/claviger/keys")).map_or(0, Iterator::count)
}

fn identities(home: &Home, host: &str) -> Vec<String> {
    let ran = Command::new("ssh")
        .args(["-G", "-F", text(&home.path(".ssh/config")), host])
        .output()
        .unwrap();
    let shown = String::from_utf8(ran.stdout).unwrap();
    let files = shown
        .lines()
        .filter_map(|line| line.strip_prefix("identityfile "));
    files.map(str::to_owned).collect()
}

#[test]
fn hosts_get_their_keys_behind_what_the_person_wrote() {
    let home = Home::new();
    home.keygen(".ssh/id_work", "");
    home.keygen(".ssh/id_other", "");
    learn(&home, "git.example.net,192.0.2.1", ".ssh/id_work", &["me"]);
    learn(&home, "[web.example.net]:2222", ".ssh/id_other", &["root", "me"]);
    let theirs = "Host git.example.net\n    IdentityFile ~/mine";
    fs::write(home.path(".ssh/config"), theirs).unwrap();

    let dry = home
        .run(&["config", "sync", "--dry-run", "--putty", "--json"])
        .done()
        .out;
    let dry: serde_json::Value = serde_json::from_str(&dry).unwrap();
    assert_eq!(dry["hosts"].as_array().unwrap().len(), 2, "{dry}");
    assert_eq!(dry["putty"][0]["result"], "would_save");
    assert!(!home.path(".ssh/claviger").exists() && !home.path(".putty").exists());

    let told = home.run(&["config", "sync"]).done().out;
    assert!(
        told.contains("2 hosts in") && told.contains("--include"),
        "{told}"
    );
    assert_eq!(
        (
            stubs(&home),
            fs::read_to_string(home.path(".ssh/config")).unwrap()
        ),
        (2, theirs.into())
    );
    let told = home.run(&["config", "sync", "--include"]).done().out;
    assert!(told.contains("config.claviger-backup"), "{told}");
    assert_eq!(
        fs::read_to_string(home.path(".ssh/config.claviger-backup")).unwrap(),
        theirs
    );
    let included = fs::read_to_string(home.path(".ssh/config")).unwrap();
    assert!(included.starts_with(theirs), "{included}");
    home.run(&["config", "sync", "--include"]).done();
    assert_eq!(fs::read_to_string(home.path(".ssh/config")).unwrap(), included);

    // What the person named is the first, and each host has its own keys only.
    assert_eq!(identities(&home, "git.example.net")[0], "~/mine");
    let found = identities(&home, "web.example.net");
    assert!(
        found.len() == 1 && found[0].contains("/claviger/keys/"),
        "{found:?}"
    );
    assert!(
        !identities(&home, "elsewhere")
            .iter()
            .any(|file| file.contains("claviger"))
    );
    assert!(
        hosts(&home).contains("Host 192.0.2.1 git.example.net\n"),
        "{}",
        hosts(&home)
    );
}

#[test]
fn what_no_longer_holds_goes_and_what_is_not_ours_stays() {
    let home = Home::new();
    home.keygen(".ssh/id_work", "");
    home.keygen(".ssh/id_other", "");
    learn(&home, "git.example.net", ".ssh/id_work", &["me", "you"]);
    learn(&home, "web.example.org", ".ssh/id_other", &["me"]);
    learn(&home, "ruled.example.com", ".ssh/id_other", &["me"]);
    home.configure("[[host]]\nmatch = [\"ruled.example.com\"]\nkeys = [\"id_work\"]\n");
    let sessions = home.path(".putty/sessions");
    fs::create_dir_all(&sessions).unwrap();
    fs::write(sessions.join("web.example.org"), "Protocol=ssh\nHostName=mine\n").unwrap();

    let told = home.run(&["config", "sync", "--putty"]).done().out;
    assert!(told.contains("ruled.example.com: left out: a rule"), "{told}");
    assert!(told.contains("web.example.org: left alone"), "{told}");
    let own = |name: &str| fs::read_to_string(sessions.join(name)).unwrap_or_default();
    assert!(own("git.example.net").contains("UserName=me\n"));
    assert!(own("you@git.example.net").contains("UserName=you\n"));
    assert!(own("web.example.org").contains("HostName=mine"));
    let imported = home.run(&["import", "putty", "--dry-run"]);
    assert!(
        imported.out.contains("made by `claviger config sync`"),
        "{imported:?}"
    );

    fs::remove_file(home.path(".ssh/id_work")).unwrap();
    fs::write(home.path(".ssh/claviger/keys/mine.pub"), "mine").unwrap();
    let told = home.run(&["config", "sync", "--putty"]).done().out;
    assert!(
        told.contains("git.example.net: left out: its key SHA256:"),
        "{told}"
    );
    assert!(told.contains("you@git.example.net: removed"), "{told}");
    assert!(!hosts(&home).contains("git.example.net"), "{}", hosts(&home));
    assert_eq!((stubs(&home), own("git.example.net")), (2, String::new()));

    fs::write(home.path(".ssh/claviger/hosts.conf"), "Host mine\n").unwrap();
    home.run(&["config", "sync"])
        .failed(&["hosts.conf", "move it away"]);
    assert_eq!(hosts(&home), "Host mine\n");
}

#[test]
fn nothing_learnt_writes_nothing() {
    let home = Home::new();
    let told = home.run(&["config", "sync", "--putty"]).done().out;
    assert!(told.contains("nothing was learnt yet"), "{told}");
    assert!(!home.path(".ssh/claviger").exists());
}
