//! Command lines of ssh and of PuTTY's clients.

use super::words;
use crate::client::arguments::{Arguments, File};
use crate::client::plink;

fn ssh(text: &str) -> Arguments {
    Arguments::parse(&words(text))
}

#[test]
fn hosts_users_ports_and_commands() {
    for (text, host, user, port, command) in [
        ("host", "host", None, None, ""),
        ("me@host", "host", Some("me"), None, ""),
        ("a@b@host", "host", Some("a@b"), None, ""),
        ("-l me host", "host", Some("me"), None, ""),
        ("-lme you@host", "host", Some("me"), None, ""),
        ("you@host -l me", "host", Some("you"), None, ""),
        ("-p 2222 host uptime -p", "host", None, Some(2222), "uptime -p"),
        ("-vvp2222 host", "host", None, Some(2222), ""),
        ("-p 1 -p 2 host", "host", None, Some(1), ""),
        ("host -p 2222 -- -x y", "host", None, Some(2222), "-x y"),
        ("-- host -p 2", "host", None, None, "-p 2"),
        (
            "-4AqTtN -L 1:2:3 -D 9 -e none -w 0:1 host",
            "host",
            None,
            None,
            "",
        ),
        (
            "-b 1.2.3.4 -c aes -m mac -B lo -E log -I lib -O check -Q key -R 1:2:3 -S none host",
            "host",
            None,
            None,
            "",
        ),
        ("ssh://me@host:2222", "host", Some("me"), Some(2222), ""),
        (
            "ssh://m%40e@[2001:db8::1]:22/ ls",
            "2001:db8::1",
            Some("m@e"),
            Some(22),
            "ls",
        ),
        ("ssh://[2001:db8::1]", "2001:db8::1", None, None, ""),
        ("ssh://host/", "host", None, None, ""),
        ("2001:db8::1", "2001:db8::1", None, None, ""),
        (
            "-o SendEnv=GIT_PROTOCOL git@host \"git-upload-pack 'a/b.git'\"",
            "host",
            Some("git"),
            None,
            "git-upload-pack 'a/b.git'",
        ),
        (
            "-x -oPermitLocalCommand=no -oClearAllForwardings=yes -oRemoteCommand=none -oRequestTTY=no -oForwardAgent=no -l me -s -- host sftp",
            "host",
            Some("me"),
            None,
            "sftp",
        ),
        ("-P tag host", "host", None, None, ""),
    ] {
        let found = ssh(text);
        assert!(!found.unsure, "{text}");
        assert_eq!(found.host.as_deref(), Some(host), "{text}");
        assert_eq!((found.user.as_deref(), found.port), (user, port), "{text}");
        assert_eq!(found.command.join(" "), command, "{text}");
    }
}

#[test]
fn files_and_what_is_passed_on() {
    let identity = |name: &str| File::Identity(name.into());
    let found = ssh(
        "-i a -ib -o IdentityFile=c -oIdentityFile='d e' -o 'identityfile \"f g\"' -o CertificateFile=h \
         -F cfg -J jump -o User=me -o 'Port = 7' -E log -f -v -y host -i last ls -i no",
    );
    let names = ["a", "b", "c", "d", "f g"].map(identity);
    let mut expected = names.to_vec();
    expected.extend([File::Certificate("h".into()), identity("last")]);
    assert_eq!(found.files, expected);
    assert_eq!(found.config.as_deref(), Some("cfg"));
    assert_eq!(found.deciding, ["-J", "jump", "-o", "User=me", "-o", "Port = 7"]);
    assert_eq!(
        (found.setting("user"), found.setting("port")),
        (Some("me"), Some("7"))
    );
    assert_eq!(found.command, ["ls", "-i", "no"]);
}

#[test]
fn what_cannot_be_read_is_unsure() {
    for text in [
        "-i",
        "--login host",
        "-o 'IdentityFile \"x' host",
        "-o '' host",
        "-p http host",
        "ssh://host:x",
        "me@",
        "-",
    ] {
        assert!(
            ssh(text).unsure || ssh(text).target.is_none() || text == "-",
            "{text}"
        );
    }
    assert_eq!(ssh("").target, None);
    assert_eq!(ssh("-v").target, None);
}

#[test]
fn putty() {
    for (tool, text, host, user, port, command) in [
        ("plink", "host", "host", None, None, ""),
        (
            "plink",
            "-ssh -P 2222 -l me -batch host ls -l",
            "host",
            Some("me"),
            Some(2222),
            "ls -l",
        ),
        ("plink", "-pw -l me@host", "host", Some("me"), None, ""),
        (
            "plink",
            "-agent -A git@host git-upload-pack 'a/b.git'",
            "host",
            Some("git"),
            None,
            "git-upload-pack a/b.git",
        ),
        ("psftp", "-P 22 me@host", "host", Some("me"), Some(22), ""),
        ("pscp", "-r file me@host:there", "host", Some("me"), None, ""),
        (
            "pscp",
            r"'C:\dir\a:b' C:x '.\a:b' me@host:C:/there",
            "host",
            Some("me"),
            None,
            "",
        ),
        ("pscp", "me@[fe80::1]:a .", "[fe80::1]", Some("me"), None, ""),
        ("putty", "-ssh me@host -L 1:2:3", "host", Some("me"), None, ""),
    ] {
        let found = plink::parse(tool, &words(text));
        assert!(!found.unsure, "{text}");
        assert_eq!(found.host.as_deref(), Some(host), "{text}");
        assert_eq!((found.user.as_deref(), found.port), (user, port), "{text}");
        assert_eq!(found.command.join(" "), command, "{text}");
    }
    let found = plink::parse("plink", &words("-i key.ppk -cert key-cert.pub host"));
    assert_eq!(
        found.files,
        [
            File::Identity("key.ppk".into()),
            File::Certificate("key-cert.pub".into())
        ]
    );
    assert!(plink::parse("plink", &words("-load session")).unsure);
    assert!(plink::parse("plink", &words("-P http host")).unsure);
}
