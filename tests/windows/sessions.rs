//! `import putty` from sessions as PuTTY keeps them on Windows, put into the registry by Windows' own program.

use super::support::claviger;
use std::path::Path;
use std::process::Command;

const SESSIONS: &str = r"HKCU\Software\SimonTatham\PuTTY\Sessions";

fn reg(args: &[&str]) {
    let output = Command::new("reg.exe").args(args).output().unwrap();
    assert!(output.status.success(), "{args:?}: {output:?}");
}

/// A session, removed again at the end.
struct Saved(String);

impl Saved {
    /// Each value with its kind: REG_SZ or REG_DWORD.
    fn new(name: &str, values: &[(&str, &str, &str)]) -> Self {
        let key = format!(r"{SESSIONS}\{name}");
        for (value, kind, data) in values {
            reg(&["add", &key, "/v", value, "/t", kind, "/d", data, "/f"]);
        }
        Self(key)
    }
}

impl Drop for Saved {
    fn drop(&mut self) {
        reg(&["delete", &self.0, "/f"]);
    }
}

#[test]
fn sessions_of_the_registry_become_host_blocks() {
    let home = tempfile::tempdir().unwrap();
    let number = std::process::id();
    let ssh = ("Protocol", "REG_SZ", "ssh");
    let name = format!("web-{number}");
    let _web = Saved::new(
        &name,
        &[
            ssh,
            ("HostName", "REG_SZ", "me@web.example.net"),
            ("PortNumber", "REG_DWORD", "2222"),
            ("UserName", "REG_SZ", ""),
            ("ProxyMethod", "REG_DWORD", "2"),
            ("Present", "REG_DWORD", "1"),
        ],
    );
    let odd = format!("a%20lab%2F{number}");
    let _odd = Saved::new(&odd, &[ssh, ("HostName", "REG_SZ", "lab")]);
    let serial = format!("serial-{number}");
    let _serial = Saved::new(&serial, &[("Protocol", "REG_SZ", "serial")]);

    let output = claviger(home.path(), Path::new(r"\\.\pipe\claviger-test.nobody"))
        .args(["import", "putty"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    let line = |name: &str| said.lines().find(|line| line.contains(name)).unwrap_or_default();
    assert!(
        line(&name).contains("Host block written") && line(&name).contains("proxy"),
        "{said}"
    );
    assert!(line(&format!("a lab/{number}")).contains("passed over"), "{said}");
    assert!(
        line(&serial).contains("passed over: a session of the protocol"),
        "{said}"
    );
    let written = std::fs::read_to_string(home.path().join(".ssh/claviger.config")).unwrap();
    for expected in [
        format!("Host {name}"),
        "web.example.net".into(),
        "2222".into(),
        "User me".into(),
    ] {
        assert!(written.contains(&expected), "{expected}: {written}");
    }
}
