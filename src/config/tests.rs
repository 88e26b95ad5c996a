//! Whole files: what holds, what is shown, and where a mistake is.

use super::{Config, ConfigError, Source};
use std::path::Path;
use std::time::Duration;

fn parsed(text: &[u8]) -> Result<Config, ConfigError> {
    Config::parse(text, Path::new("/etc/c.toml"), Path::new("/home/Zoë Q"))
}

#[test]
fn nothing_gives_the_defaults() {
    let config = parsed(b"").unwrap();
    assert_eq!(config, Config::defaults(Path::new("/home/Zoë Q")));
    assert_eq!(config.key_dirs, [Path::new("/home/Zoë Q/.ssh")]);
    assert_eq!(config.lock.idle, Some(Duration::from_secs(900)));
    assert_eq!(
        config.order,
        [Source::Os, Source::Kdbx, Source::Embedded, Source::Prompt]
    );
}

#[test]
fn every_setting_is_read() {
    let config = parsed(
        "[keys]\ndirs = [\"~\", \"/srv/clés privées\"]\nfiles = [\"~//a b/id\"]\n\
         [vault]\norder = [\"prompt\", \"embedded\"]\n[lock]\nidle = \"1h 30m\"\n"
            .as_bytes(),
    )
    .unwrap();
    assert_eq!(
        config.key_dirs,
        [Path::new("/home/Zoë Q"), Path::new("/srv/clés privées")]
    );
    assert_eq!(config.key_files, [Path::new("/home/Zoë Q/a b/id")]);
    assert_eq!(config.order, [Source::Prompt, Source::Embedded]);
    assert_eq!(config.lock.idle, Some(Duration::from_secs(5400)));
    assert_eq!(config.upstreams, [] as [&Path; 0]);
    let agents = b"[[upstream]]\nsocket = '/run/a'\n[[upstream]]\nsocket = '~/b c'\n";
    assert_eq!(
        parsed(agents).unwrap().upstreams,
        [Path::new("/run/a"), Path::new("/home/Zoë Q/b c")]
    );
    assert_eq!(parsed(b"lock.idle = 'never'").unwrap().lock.idle, None);
    let windows = parsed(b"windows.cygwin_socket = '~/.ssh/s'").unwrap();
    assert_eq!(
        windows.cygwin_socket.as_deref(),
        Some(Path::new("/home/Zoë Q/.ssh/s"))
    );
    assert_eq!(
        parsed(b"keys = { dirs = [] }").unwrap().key_dirs,
        [] as [&Path; 0]
    );
}

#[test]
fn what_is_shown_reads_back_as_the_same() {
    for text in [
        "",
        "[lock]\nidle = \"never\"\n[keys]\nfiles = [\"~/\\\"é\\\" #\"]\n",
        "[[upstream]]\nsocket = '/b'\n[[upstream]]\nsocket = \"/a 'é'\"\n",
        "[windows]\ncygwin_socket = \"~/.ssh/ä b.sock\"\n",
    ] {
        let config = parsed(text.as_bytes()).unwrap();
        assert_eq!(
            parsed(config.to_toml().as_bytes()).unwrap(),
            config,
            "{}",
            config.to_toml()
        );
    }
}

#[test]
fn bad_input_is_refused_with_its_place_and_a_remedy() {
    // text, line, column, what the message must name
    let table: &[(&[u8], usize, usize, &[&str])] = &[
        (b"[kesy]\n", 1, 2, &["kesy", "keys", "vault", "lock"]),
        (
            b"[keys]\ndirs = []\n  dir = []\n",
            3,
            3,
            &["dir", "dirs", "files"],
        ),
        (
            b"[keys]\n[ofer]\nmax = 5\n",
            2,
            2,
            &["ofer", "offer", "expected one of"],
        ),
        (b"[keys]\ndirs = \"/x\"\n", 2, 8, &["keys.dirs", "sequence"]),
        (
            b"[keys]\nfiles = [\"/a\", 7]\n",
            2,
            16,
            &["keys.files", "7", "string"],
        ),
        (
            "[keys]\nfiles = [\"/é\", 'x/y']".as_bytes(),
            2,
            16,
            &["keys.files", "x/y", "absolute"],
        ),
        (b"keys.dirs = ['~bob/.ssh']", 1, 14, &["keys.dirs", "~bob", "~/"]),
        (b"keys.dirs = ['']", 1, 14, &["keys.dirs", "absolute"]),
        (b"keys = 5", 1, 8, &["keys", "5"]),
        (
            b"[vault]\norder = [\"os\", \"keepass\"]\n",
            2,
            16,
            &["keepass", "embedded", "vault.order"],
        ),
        (
            b"[vault]\norder = [\"os\",\n\"prompt\", \"os\"]\n",
            3,
            11,
            &["vault.order", "twice"],
        ),
        (b"[vault]\norder = []\n", 2, 9, &["vault.order", "prompt"]),
        (b"[lock]\nidle = 15\n", 2, 8, &["lock.idle", "15", "string"]),
        (
            b"[lock]\nidle = \"15 parsecs\"\n",
            2,
            8,
            &["lock.idle", "15 parsecs", "never"],
        ),
        (b"[lock]\nidle = \"0s\"\n", 2, 8, &["lock.idle", "0s", "never"]),
        (b"[lock]\nidle = \"-5m\"\n", 2, 8, &["lock.idle", "-5m"]),
        (
            b"[lock]\nidle = \"99999999999999999999y\"\n",
            2,
            8,
            &["lock.idle"],
        ),
        (
            b"[lock]\nidle = \"5m\"\nidle = \"6m\"\n",
            3,
            1,
            &["duplicate key"],
        ),
        (b"upstream.socket = '/a'", 1, 1, &["upstream", "sequence"]),
        (b"# one\n[[upstream]]\n", 2, 1, &["socket"]),
        (
            b"[[upstream]]\nsocket = '/a'\npath = '/b'\n",
            3,
            1,
            &["path", "socket"],
        ),
        (
            b"[[upstream]]\nsocket = 'gpg/S.ssh'\n",
            2,
            10,
            &["upstream.socket", "absolute"],
        ),
        (
            b"[[upstream]]\nsocket = '/a'\n\n[[upstream]]\nsocket = '//a'\n",
            5,
            10,
            &["upstream.socket", "twice"],
        ),
        (
            b"[windows]\ncygwin_socket = 's'\n",
            2,
            17,
            &["windows.cygwin_socket", "absolute"],
        ),
        (b"[lock]\nidle = \n", 2, 8, &["value"]),
        (b"[lock\nidle = 5\n", 1, 6, &["]"]),
        (b"# ok\nkeys.dirs = ['/a\xff']\n", 2, 17, &["UTF-8"]),
        (b"\xff\xfek\0", 1, 1, &["UTF-8"]),
        ("# é\n[lo\u{0}ck]\n".as_bytes(), 2, 4, &[]),
    ];
    for (text, line, column, names) in table {
        let shown = String::from_utf8_lossy(text);
        let error = parsed(text).expect_err(&shown).to_string();
        assert!(
            error.starts_with(&format!("/etc/c.toml:{line}:{column}: ")),
            "{shown}\n{error}"
        );
        assert!(!error.contains('\n'), "{error}");
        for name in *names {
            assert!(error.contains(name), "{name} is not in: {error}");
        }
    }
}
