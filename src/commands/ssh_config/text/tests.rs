//! What is written of a host, and what a person's own file keeps.

use super::*;

fn block(host: &str, port: Option<u16>) -> Block {
    Block {
        host: host.into(),
        hostname: None,
        user: None,
        port,
        key: Some("/k".into()),
    }
}

#[test]
fn names_that_could_mean_more_than_one_host_or_end_the_line_are_refused() {
    for good in [
        "example.net",
        "web-1",
        "10.0.0.1",
        "2001:db8::1",
        "my_host",
        "WEB",
    ] {
        assert!(host(good).is_ok(), "{good}");
    }
    for bad in [
        "",
        "*",
        "a*",
        "!a",
        "a?b",
        "a b",
        "a\nUser root",
        "a\"b",
        "a'b",
        "a#b",
        "%h",
        "-oProxyCommand=x",
        "u@h",
        "../x",
        "a/b",
        ".a",
        "a..b",
        "a=b",
        "a,b",
        "a\\b",
        "a\0",
        "${HOME}",
        "ü",
    ] {
        assert!(host(bad).is_err(), "{bad:?}");
    }
    assert!(host(&"a".repeat(254)).is_err());
    for bad in ["", "a b", "-l", "a\n", "%r", "a\"", "a$b"] {
        assert!(user(bad).is_err(), "{bad:?}");
    }
    for bad in ["/a\"b", "/a\nb", "/${HOME}/x", "/a\\b"] {
        assert!(quoted(Path::new(bad)).is_err(), "{bad:?}");
    }
    assert_eq!(quoted(Path::new("/a b/100%")).unwrap(), "\"/a b/100%%\"");
}

#[test]
fn a_block_is_replaced_whole_and_its_neighbours_stay() {
    let one = with_block(b"", &block("one", None)).unwrap();
    let both = with_block(&one, &block("two", Some(22))).unwrap();
    assert_eq!(with_block(&both, &block("two", Some(22))).unwrap(), both);
    let mut edited = both.clone();
    edited.extend_from_slice(b"Host mine\r\n  Port 7 # \xff");
    let changed = with_block(&edited, &block("one", Some(2222))).unwrap();
    let text = String::from_utf8_lossy(&changed);
    assert_eq!(text.matches("Host one\n").count(), 1, "{text}");
    assert!(text.contains("Host one\n    Port 2222\n"), "{text}");
    assert!(changed.ends_with(b"Host mine\r\n  Port 7 # \xff"));
    let third = with_block(&changed, &block("three", None)).unwrap();
    assert!(
        third.starts_with(&changed) && third[changed.len()..].starts_with(b"\n# claviger: begin three\n")
    );
}

#[test]
fn marks_that_do_not_match_are_an_error() {
    for broken in [
        "# claviger: begin one\nHost one\n",
        "# claviger: end one\n",
        "# claviger: end one\n# claviger: begin one\n",
        "# claviger: begin one\n# claviger: begin one\n# claviger: end one\n",
    ] {
        let why = with_block(broken.as_bytes(), &block("one", None)).unwrap_err();
        assert!(why.contains("begin one"), "{why}");
        assert!(with_block(broken.as_bytes(), &block("on", None)).is_ok());
    }
}

#[test]
fn an_include_counts_only_where_it_holds_for_every_host() {
    let names = [
        "claviger.config".to_owned(),
        "/home/a b/.ssh/claviger.config".to_owned(),
    ];
    for (text, there) in [
        ("Include claviger.config\n", true),
        ("# mine\r\n\tinclude\tother claviger.config\r\n", true),
        ("Include=claviger.config", true),
        ("Include \"/home/a b/.ssh/claviger.config\"\n", true),
        ("Port 7\nInclude claviger.config\n", true),
        ("Host a\nInclude claviger.config\n", false),
        ("Match all\nInclude claviger.config\n", false),
        ("#Include claviger.config\n", false),
        ("Include claviger.config.d\n", false),
        ("", false),
    ] {
        assert_eq!(includes(text.as_bytes(), &names), there, "{text:?}");
    }
}

#[test]
fn an_include_behind_everything_else_counts_where_it_holds_for_every_host() {
    let names = ["claviger/hosts.conf".to_owned()];
    for (text, there) in [
        (
            "Host a\n  Port 7\nHost *\n    Include claviger/hosts.conf\n",
            true,
        ),
        ("Host a\nMatch all\nInclude claviger/hosts.conf", true),
        ("Include claviger/hosts.conf", true),
        ("Host *\nHost a\nInclude claviger/hosts.conf\n", false),
        ("Host * !b\nInclude claviger/hosts.conf\n", false),
        ("Match host a\nInclude claviger/hosts.conf\n", false),
    ] {
        assert_eq!(includes_somewhere(text.as_bytes(), &names), there, "{text:?}");
    }
}
