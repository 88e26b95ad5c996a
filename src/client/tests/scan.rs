//! Configuration files of every shape, looked through without ssh.

use super::Place;
use crate::client::scan::{Scan, Search};
use std::path::Path;

fn scan(place: &Place, named: Option<&Path>) -> Scan {
    let local = place.local();
    let search = Search {
        local: &local,
        variable: &|name| (name == "KEYS").then(|| place.path("").to_str().unwrap().to_owned()),
    };
    search.run(named)
}

#[test]
fn all_files_and_nothing_of_comments() {
    let place = Place::new();
    place.write(
        ".ssh/config",
        "Include more/*.conf 'quoted name'\nHost a\n  IdentityFile ~/a\n# IdentityFile no\n",
    );
    std::fs::create_dir(place.path(".ssh/more")).unwrap();
    place.write(
        ".ssh/more/1.conf",
        "Match host b\n IdentityFile=${KEYS}/b\nCertificateFile c\n",
    );
    place.write(".ssh/more/.hidden.conf", "IdentityFile no\n");
    place.write(".ssh/more/other", "IdentityFile no\n");
    place.write(".ssh/quoted name", "Include ${KEYS}/deep\n");
    place.write("deep", "Host *\n\tIdentityFile \"deep key\"\n");
    let found = scan(&place, None);
    assert_eq!(found.doubt, None);
    assert_eq!(found.identities[..3], ["${KEYS}/b", "deep key", "~/a"]);
    assert_eq!(found.certificates, ["c"]);
    assert!(found.variables.contains("KEYS"));
    assert!(!found.canonical && !found.session && !found.fleeting);
    let stamped = |name: &str| found.stamps.iter().any(|(path, _)| *path == place.path(name));
    assert!(stamped(".ssh/config") && stamped(".ssh/more") && stamped(".ssh/more/1.conf") && stamped("deep"));
}

#[test]
fn hosts_that_are_named_outright_are_told_from_patterns() {
    let place = Place::new();
    place.write(
        ".ssh/config",
        "Host one *.two !three\nHost \"four\" f?ve one\nMatch host six\n",
    );
    assert_eq!(scan(&place, None).hosts, ["one", "four", "one"]);
}

#[test]
fn whatever_may_run_a_command_or_cannot_be_told_is_doubt() {
    let place = Place::new();
    let made = std::process::Command::new("mkfifo")
        .arg(place.path("fifo"))
        .status();
    assert!(made.unwrap().success());
    for text in [
        "Match exec true",
        "Host a\nMatch host a !exec \"test -e x\"",
        "Include %d/more",
        "Include ~nobody-of-that-name/x",
        "Include ${UNKNOWN}/x",
        "Include \"open",
        "Include a\\[b",
        "Include @/fifo",
        "Include @/latin",
        "Include @/exec",
    ] {
        place.write("exec", "match localuser root EXEC=true\n");
        std::fs::write(place.path("latin"), b"IdentityFile \xff\n").unwrap();
        let config = place.write("config", text);
        assert!(scan(&place, Some(&config)).doubt.is_some(), "{text}");
    }
}

#[test]
fn circles_end_and_each_file_is_read_once() {
    let place = Place::new();
    let config = place.write("config", "Include @/other\nIdentityFile a\n");
    place.write("other", "Include @/config @/o*r\nIdentityFile b\n");
    let found = scan(&place, Some(&config));
    assert_eq!(found.identities, ["b", "a"]);
    assert_eq!(found.doubt, None);
}

#[test]
fn too_deep_too_many_and_too_large_are_doubt() {
    let place = Place::new();
    for at in 0..40 {
        place.write(&format!("f{at}"), &format!("Include @/f{}\n", at + 1));
    }
    assert!(scan(&place, Some(&place.path("f0"))).doubt.is_some());
    assert_eq!(scan(&place, Some(&place.path("f30"))).doubt, None);
    std::fs::create_dir(place.path("many")).unwrap();
    for at in 0..600 {
        place.write(&format!("many/{at}"), "IdentityFile a\n");
    }
    let many = place.write("config", "Include @/many/*\n");
    assert!(scan(&place, Some(&many)).doubt.is_some());
    let large = place.write("large", &"# x\n".repeat(300_000));
    assert!(scan(&place, Some(&large)).doubt.is_some());
}

#[test]
fn missing_files_directories_and_none_are_empty() {
    let place = Place::new();
    let config = place.write(
        "config",
        "Include @/absent @/.ssh @/absent/* /dev/null\nCanonicalizeHostname no\n",
    );
    let found = scan(&place, Some(&config));
    assert_eq!((found.doubt, found.canonical), (None, false));
    assert!(
        found
            .stamps
            .iter()
            .any(|(path, stamp)| *path == place.path("absent") && stamp.is_none())
    );
    let none = scan(&place, Some(Path::new("none")));
    assert!(none.stamps.is_empty() && none.doubt.is_none());
}

#[test]
fn what_makes_an_answer_less_than_certain_or_not_to_be_kept() {
    let place = Place::new();
    let of = |text: &str| scan(&place, Some(&place.write("config", text)));
    assert!(of("CanonicalizeHostname yes").canonical);
    assert!(of("CanonicalizePermittedCNAMEs *:*").canonical);
    assert!(of("Match sessiontype shell").session && of("Match command ls").session);
    assert!(of("Include @/*/config").fleeting);
}
