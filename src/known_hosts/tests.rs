//! Lines as ssh and ssh-keygen write them, and files that change.

use super::{Files, KnownHosts, usual};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

const A: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";
const A_IS: &str = "SHA256:UCUiLr7Pjs9wFFJMDByLgc3NrtdU344OgUM45wZPcIQ";

/// Another key, and its fingerprint.
fn key(number: u32) -> (String, String) {
    typed("ssh-ed25519", number)
}

fn typed(name: &str, number: u32) -> (String, String) {
    let string = |bytes: &[u8]| crate::wire::string(bytes);
    let point = [&number.to_be_bytes()[..], &[7; 28]].concat();
    let blob = [string(name.as_bytes()), string(&point)].concat();
    let base64 = crate::key::base64(&blob);
    let line = format!("{name} {}", String::from_utf8_lossy(&base64));
    (line, crate::key::fingerprint(&blob, crate::key::Hash::Sha256))
}

fn known(text: &str) -> KnownHosts {
    KnownHosts::parse([text.as_bytes()])
}

fn hashed_by_ssh_keygen(text: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("known_hosts");
    fs::write(&file, text).unwrap();
    let ran = Command::new("ssh-keygen")
        .args(["-q", "-H", "-f"])
        .arg(&file)
        .output();
    assert!(ran.unwrap().status.success());
    fs::read_to_string(file).unwrap()
}

#[test]
fn names_in_clear_are_found_and_others_passed_over() {
    // Of a type that need not be known: nothing in a key is looked at.
    let (b, b_is) = typed("ssh-mldsa44-ed25519", 1);
    let known = known(&format!(
        "# mine\nHost.example.net,192.0.2.1 {A} a comment\nnonsense\n\n  [host.example.net]:2222\t{A}\r\n\
         |1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= {A}\n@cert-authority *.example.org {A}\n\
         *.example.com,!not.example.com {A}\n@unknown x {A}\nx ssh-ed25519 !!!\nhost.example.net {b}\nlast {A}"
    ));
    assert_eq!(
        known.names_of(A_IS),
        ["host.example.net", "192.0.2.1", "[host.example.net]:2222", "last"]
    );
    assert_eq!(
        known.machines(A_IS),
        ["host.example.net", "[host.example.net]:2222", "last"]
    );
    assert_eq!(known.names_of(&b_is), ["host.example.net"]);
    assert_eq!(known.keys_of("HOST.example.net"), [A_IS, &b_is]);
    assert_eq!(known.keys_of("x"), [] as [&str; 0]);
    assert_eq!(known.names_of("SHA256:other"), [] as [&str; 0]);
    assert!(known.is_called(A_IS, "www.example.com") && !known.is_called(A_IS, "not.example.com"));
    assert_eq!(known.keys_of("www.example.com"), [A_IS]);
    assert!(
        known.is_called(A_IS, "[host.example.net]:2222")
            && !known.is_called(&b_is, "[host.example.net]:2222")
    );
    assert_eq!((known.host_keys().count(), known.is_empty()), (2, false));
}

#[test]
fn hashed_entries_answer_to_their_names_alone() {
    let (b, b_is) = key(1);
    let text = format!("One.example.net,192.0.2.1 {A}\n[two.example.net]:2222 {b}\n*.example.org {b}\n");
    let hashed = hashed_by_ssh_keygen(&text);
    assert!(!hashed.contains("one") && !hashed.contains("two"), "{hashed}");
    let known = known(&hashed);
    assert_eq!(known.names_of(A_IS), [] as [&str; 0]);
    for name in ["one.example.net", "ONE.example.net", "192.0.2.1"] {
        assert!(
            known.is_called(A_IS, name) && !known.is_called(&b_is, name),
            "{name}"
        );
        assert_eq!(known.keys_of(name), [A_IS]);
    }
    assert_eq!(known.keys_of("[two.example.net]:2222"), [b_is.as_str()]);
    assert!(!known.is_called(&b_is, "two.example.net"));
    assert!(known.is_called(&b_is, "x.example.org"), "patterns stay in clear");
}

#[test]
fn kin_share_a_name_in_clear_or_the_same_hash() {
    let [(b, b_is), (c, c_is), (d, d_is)] = [1, 2, 3].map(key);
    let hash = "|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg=";
    let known = known(&format!(
        "one,two {A}\ntwo {b}\n{hash} {A}\n{hash} {c}\nthree {d}\n@cert-authority one {d}\n*,!x {d}"
    ));
    assert_eq!(known.kin_of(A_IS), [A_IS, b_is.as_str(), c_is.as_str()]);
    assert_eq!(known.kin_of(&b_is), [b_is.as_str(), A_IS]);
    assert_eq!(known.kin_of(&d_is), [d_is.as_str()], "a pattern makes nobody kin");
    assert_eq!(known.kin_of("SHA256:new"), ["SHA256:new"]);
}

#[test]
fn authorities_and_revoked_keys_are_what_ssh_takes_them_for() {
    let (b, b_is) = key(1);
    let known = known(&format!(
        "@cert-authority *.example.net,!x.example.net {A}\nhost.example.net,other {b}\n@revoked host.* {b}\n\
         @revoked bad.example.net {A}"
    ));
    assert_eq!(known.authorities_of("a.Example.net"), [A_IS]);
    for name in ["x.example.net", "bad.example.net", "example.org"] {
        assert_eq!(known.authorities_of(name), [] as [&str; 0], "{name}");
    }
    assert!(known.is_authority(A_IS) && !known.is_authority(&b_is));
    assert_eq!(known.names_of(A_IS), [] as [&str; 0]);
    assert_eq!(known.names_of(&b_is), ["other"]);
    assert!(!known.is_called(&b_is, "host.example.net") && known.is_called(&b_is, "other"));
    assert_eq!(known.keys_of("host.example.net"), [] as [&str; 0]);
}

#[test]
fn files_are_read_again_only_when_they_change() {
    let home = tempfile::tempdir().unwrap();
    let paths = usual(home.path());
    assert!(paths[2..].iter().all(|path| path.starts_with("/etc/ssh")));
    let files = Files::new(paths[..2].to_vec());
    assert!(files.current().is_empty());
    fs::create_dir(home.path().join(".ssh")).unwrap();
    fs::write(&paths[0], format!("one {A}\n")).unwrap();
    let first = files.current();
    assert_eq!(first.names_of(A_IS), ["one"]);
    assert!(Arc::ptr_eq(&first, &files.current()));
    fs::write(&paths[1], format!("second {A}\n")).unwrap();
    assert_eq!(files.current().names_of(A_IS), ["one", "second"]);
    fs::write(&paths[0], b"\xff\xfe not text\n").unwrap();
    assert_eq!(files.current().names_of(A_IS), ["second"]);
    assert!(Files::new(vec![Path::new("/").into()]).current().is_empty());
}

#[test]
fn a_file_of_100_000_lines_is_read_and_asked() {
    let mut text = String::new();
    for number in 0..100_000 {
        let (line, _) = key(number);
        writeln!(text, "host{number}.example.net {line}").unwrap();
    }
    let known = known(&text);
    let (_, last) = key(99_999);
    assert_eq!(known.names_of(&last), ["host99999.example.net"]);
    assert_eq!(known.keys_of("host99999.example.net"), [last]);
    assert_eq!(known.host_keys().count(), 100_000);
}
