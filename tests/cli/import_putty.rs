//! `import putty`: sessions in the form that PuTTY 0.78 saves them, keys made by puttygen, and the result asked of ssh itself.
use crate::home::{Home, text};
use crate::ran::Ran;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Lines among the two hundred that PuTTY writes.
fn session(home: &Home, folder: &str, file: &str, lines: &str) {
    let folder = home.path(folder);
    fs::create_dir_all(&folder).unwrap();
    let common =
        "BoldAsColour=1\nProxyPassword=\nProxyUsername=\nProxyPort=80\nProxyHost=proxy\nPingInterval=0\n";
    fs::write(folder.join(file), format!("Present=1\n{lines}\n{common}")).unwrap();
}

fn ppk(home: &Home, name: &str) -> std::path::PathBuf {
    let path = home.path(name);
    fs::write(home.path("none"), "").unwrap();
    let made = Command::new("puttygen")
        .args(["-q", "-t", "ed25519", "-C", name, "--new-passphrase"])
        .arg(home.path("none"))
        .arg("-o")
        .arg(&path)
        .status();
    assert!(made.unwrap().success());
    path
}

/// What ssh would do for `host`, as it says itself.
fn ssh(home: &Home, file: &Path, host: &str) -> String {
    let output = Command::new("ssh")
        .args(["-G", "-F", text(file), host])
        .env("HOME", home.path(""))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

fn import(home: &Home, args: &[&str]) -> Ran {
    home.run(&[&["import", "putty"], args].concat())
}

#[test]
fn sessions_become_host_blocks_that_ssh_reads() {
    let home = Home::new();
    let key = ppk(&home, "my key.ppk");
    let with_key = format!(
        "HostName=me@web.example.net\nProtocol=ssh\nPortNumber=2222\nUserName=\nPublicKeyFile={}\nProxyMethod=0",
        text(&key)
    );
    session(&home, ".putty/sessions", "web", &with_key);
    let six =
        "HostName=[2001:db8::1]\nProtocol=ssh\nPortNumber=22\nUserName=root\nPublicKeyFile=\nProxyMethod=2";
    session(&home, ".config/putty/sessions", "six", six);
    let shown = import(&home, &["--dry-run", "--include"]).done().out;
    assert!(
        shown.contains("    Port 2222\n") && shown.contains("would be"),
        "{shown}"
    );
    let own = home.path(".ssh/claviger.config");
    assert!(!own.exists() && !home.config().exists() && !home.path("my key.ppk.pub").exists());

    fs::write(home.path(".ssh/config"), "Host other\n    Port 7\n").unwrap();
    let said = import(&home, &["--include"]).done().out;
    assert!(said.contains("its proxy is not taken over"), "{said}");
    let file = home.path(".ssh/config");
    let web = ssh(&home, &file, "web");
    for line in [
        "hostname web.example.net\n",
        "user me\n",
        "port 2222\n",
        "identitiesonly yes\n",
        &format!("identityfile {}\n", text(&key)),
    ] {
        assert!(web.contains(line), "{line:?} is not in: {web}");
    }
    let six = ssh(&home, &file, "six");
    for line in [
        "hostname 2001:db8::1\n",
        "user root\n",
        "port 22\n",
        "identitiesonly no\n",
    ] {
        assert!(six.contains(line), "{line:?} is not in: {six}");
    }
    assert!(ssh(&home, &file, "other").contains("port 7\n"));
    let config = fs::read_to_string(home.config()).unwrap();
    assert!(config.contains("~/my key.ppk"), "{config}");
    // ssh itself reads no PPK: it takes the public half from here.
    let public = Command::new("ssh-keygen")
        .args(["-lf", text(&home.path("my key.ppk.pub"))])
        .output()
        .unwrap();
    assert!(public.status.success());

    let before = fs::read(&own).unwrap();
    let again = import(&home, &[]).done().out;
    assert_eq!(again.matches("is there already").count(), 2, "{again}");
    assert_eq!(fs::read(&own).unwrap(), before);
}

#[test]
fn what_ssh_has_no_use_for_is_named_and_left() {
    let home = Home::new();
    let good = "HostName=a.example.net\nProtocol=ssh\nPortNumber=22";
    for (file, lines) in [
        ("Default%20Settings", good),
        ("Caf%C3%A9%20%2F%20lab", good),
        ("%2A", good),
        ("switch", "HostName=a\nProtocol=telnet\nPortNumber=23"),
        ("empty", "HostName=\nProtocol=ssh\nPortNumber=22"),
        (
            "evil",
            "HostName=%h -oProxyCommand=x\nProtocol=ssh\nPortNumber=22",
        ),
        ("nokey", &format!("{good}\nPublicKeyFile=/nowhere/key.ppk")),
        ("mine", good),
    ] {
        session(&home, ".putty/sessions", file, lines);
    }
    fs::write(home.path(".ssh/config"), "Host x mine\n    Port 7\n").unwrap();
    let said = import(&home, &[]).done().out;
    for told in [
        "Default Settings: passed over: PuTTY's defaults",
        "Café / lab: passed over",
        "*: passed over",
        "switch: passed over: a session of the protocol \"telnet\"",
        "empty: passed over: it names no host",
        "evil: passed over",
        "nokey: Host block written; without its key: /nowhere/key.ppk: no such file",
        "mine: passed over: ~/.ssh/config has a block",
        "Include claviger.config (--include writes it)",
    ] {
        assert!(said.contains(told), "{told:?} is not in: {said}");
    }
    let blocks = fs::read_to_string(home.path(".ssh/claviger.config")).unwrap();
    assert_eq!(blocks.matches("\nHost ").count(), 1, "{blocks}");
    assert_eq!(
        fs::read_to_string(home.path(".ssh/config")).unwrap(),
        "Host x mine\n    Port 7\n"
    );
}

#[test]
fn no_sessions_is_said_with_the_places() {
    let home = Home::new();
    import(&home, &[]).failed(&["no session", ".putty/sessions", ".config/putty/sessions"]);
}
