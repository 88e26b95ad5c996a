//! `claviger service` with a systemctl that writes down what it is told. The real one is in the end-to-end tests.
use crate::home::{Home, KEY, MASTER, text};
use crate::ran::Ran;
use crate::verbs::Agent;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

const PARTS: [&str; 5] = [
    ".config/environment.d/90-claviger.conf",
    ".config/systemd/user/claviger.service",
    ".config/systemd/user/claviger.socket",
    ".config/systemd/user/sockets.target.wants/claviger.socket",
    ".profile",
];

/// Runs the verb with the pretended systemctl, which fails where a line of `failing` is among its words.
fn service(home: &Home, args: &[&str], failing: &str) -> Ran {
    fs::create_dir_all(home.path("bin")).unwrap();
    let script = "#!/bin/sh\necho \"$@\" >>calls\n[ -z \"$FAILING\" ] || case \"$*\" in *\"$FAILING\"*) echo broken >&2; exit 1 ;; esac\n";
    fs::write(home.path("bin/systemctl"), script).unwrap();
    fs::set_permissions(home.path("bin/systemctl"), fs::Permissions::from_mode(0o755)).unwrap();
    let mut path = home.path("bin").into_os_string();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap());
    let mut command = home.command(&[&["service"], args].concat(), KEY, MASTER);
    command.env("PATH", path).env("FAILING", failing);
    command.output().unwrap().into()
}

/// What systemctl was told since the last time.
fn calls(home: &Home) -> Vec<String> {
    let calls = fs::read_to_string(home.path("calls")).unwrap_or_default();
    let _ = fs::remove_file(home.path("calls"));
    calls.lines().map(str::to_owned).collect()
}

/// Every file and directory of the home, but for what the tests' own scaffolding makes.
fn tree(home: &Home) -> Vec<String> {
    fn walk(dir: &Path, base: &Path, into: &mut Vec<String>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            into.push(text(path.strip_prefix(base).unwrap()).to_owned());
            if path.is_dir() && !path.is_symlink() {
                walk(&path, base, into);
            }
        }
    }
    let mut names = Vec::new();
    walk(home.dir.path(), home.dir.path(), &mut names);
    let ours = |name: &String| {
        !["bin", "calls", "key-", "master-"]
            .iter()
            .any(|own| name.starts_with(own))
    };
    names.retain(ours);
    names.sort();
    names
}

#[test]
fn what_is_installed_is_reported_and_leaves_nothing_behind() {
    let home = Home::new();
    assert_eq!(service(&home, &["status"], "is-active").code, 1);
    calls(&home);
    let before = tree(&home);
    let installed = service(&home, &["install"], "");
    assert_eq!(installed.code, 0, "{}", installed.err);
    for part in PARTS {
        assert!(
            installed.out.contains(part) && home.path(part).exists(),
            "{}",
            installed.out
        );
    }
    assert_eq!(
        calls(&home),
        ["--user daemon-reload", "--user start claviger.socket"]
    );
    let unit = fs::read_to_string(home.path(".config/systemd/user/claviger.service")).unwrap();
    let start = format!("ExecStart=:\"{}\" agent -D\n", env!("CARGO_BIN_EXE_claviger"));
    let config = format!("Environment=\"CLAVIGER_CONFIG={}\"\n", text(&home.config()));
    assert!(unit.contains(&start) && unit.contains(&config), "{unit}");

    let again = service(&home, &["install"], "");
    assert!(again.out.contains("installed already"), "{}", again.out);
    assert_eq!(
        calls(&home),
        ["--user daemon-reload", "--user start claviger.socket"]
    );

    let status = service(&home, &["status", "--json"], "");
    let report: serde_json::Value = serde_json::from_str(&status.out).unwrap();
    assert_eq!(
        (status.code, &report["installed"], &report["running"]),
        (0, &true.into(), &true.into())
    );
    assert_eq!(report["socket"], text(&home.path("run/agent.sock")));
    assert_eq!(report["ssh_auth_sock_is_ours"], false);
    let parts = report["parts"].as_array().unwrap();
    assert!(parts.iter().all(|part| part["state"] == "installed"), "{parts:?}");
    assert!(
        service(&home, &["status"], "")
            .out
            .contains("SSH_AUTH_SOCK is not set")
    );
    calls(&home);

    let shown = service(&home, &["uninstall", "--dry-run"], "");
    assert!(shown.out.contains("would remove") && calls(&home).is_empty());
    service(&home, &["uninstall"], "").done();
    assert_eq!(
        calls(&home),
        [
            "--user stop claviger.socket claviger.service",
            "--user daemon-reload"
        ]
    );
    assert_eq!(tree(&home), before);
    assert!(
        service(&home, &["uninstall"], "")
            .done()
            .out
            .contains("nothing is installed")
    );
}

#[test]
fn another_program_brings_it_up_to_date_and_starts_it_anew() {
    let home = Home::new();
    service(&home, &["install"], "");
    calls(&home);
    symlink(env!("CARGO_BIN_EXE_claviger"), home.path("other")).unwrap();
    let other = service(&home, &["install", "--program", "other"], "");
    assert_eq!((other.code, other.out.lines().count()), (0, 1), "{}", other.out);
    assert!(calls(&home).contains(&"--user stop claviger.socket claviger.service".to_owned()));
    let unit = fs::read_to_string(home.path(".config/systemd/user/claviger.service")).unwrap();
    // systemd starts nothing with a quote in its path.
    let start = format!(
        "ExecStart=:/bin/sh -c 'exec \"$0\" \"$@\"' \"{}\" agent -D",
        text(&home.path("other"))
    );
    assert!(unit.contains(&start), "{unit}");
    service(&home, &["install", "--program", "none"], "").failed(&["none", "no such program", "--program"]);
}

#[test]
fn a_dry_run_shows_every_system_and_does_nothing() {
    let home = Home::new();
    let before = tree(&home);
    for (args, names) in [
        (
            &[][..],
            &[
                "== ",
                "claviger.service (now: missing)",
                "[Socket]",
                "SSH_AUTH_SOCK=",
                "systemctl --user start",
            ][..],
        ),
        (&["--for", "linux"], &["claviger.socket"]),
        (
            &["--for", "macos"],
            &[
                "Library/LaunchAgents/org.claviger.agent.plist",
                "<key>SecureSocketWithKey</key>",
                "launchctl bootstrap gui/",
            ],
        ),
        (
            &["--for", "windows"],
            &[
                "<LogonTrigger>",
                "IdentityAgent //",
                "schtasks /Create /TN claviger",
                "setx SSH_AUTH_SOCK",
            ],
        ),
    ] {
        // A pipe's name, as no other system's socket is one.
        let socket = if args.contains(&"windows") {
            r"\\.\pipe\x"
        } else {
            "/run/x"
        };
        let mut command = home.command(
            &[&["service", "install", "--dry-run"], args].concat(),
            KEY,
            MASTER,
        );
        command.env(
            "CLAVIGER_SOCKET",
            if socket.starts_with('/') { socket } else { "" },
        );
        let ran = Ran::from(command.output().unwrap());
        assert_eq!(ran.code, 0, "{}", ran.err);
        for name in names {
            assert!(ran.out.contains(name), "{name} is not in: {}", ran.out);
        }
    }
    assert_eq!(
        home.run(&["service", "install", "--for", "macos"]).code,
        2,
        "only shown"
    );
    assert_eq!(tree(&home), before);
}

#[test]
fn without_systemctl_files_are_written_and_the_way_on_is_named() {
    let home = Home::new();
    fs::create_dir(home.path("few")).unwrap();
    for program in ["/usr/bin/setsid", "/bin/sh"] {
        symlink(
            program,
            home.path("few").join(Path::new(program).file_name().unwrap()),
        )
        .unwrap();
    }
    let run = |args: &[&str]| -> Ran {
        let mut command = home.command(&[&["service"], args].concat(), KEY, MASTER);
        command.env("PATH", home.path("few")).output().unwrap().into()
    };
    let installed = run(&["install"]);
    assert_eq!(installed.code, 0, "{}", installed.err);
    for name in [
        "systemctl is not installed",
        "next login",
        "systemctl --user daemon-reload; systemctl --user start",
    ] {
        assert!(
            installed.err.contains(name),
            "{name} is not in: {}",
            installed.err
        );
    }
    assert!(PARTS.iter().all(|part| home.path(part).exists()));
    let status = run(&["status"]);
    assert_eq!(status.code, 0);
    assert!(
        status.out.contains("not known: systemctl is not installed"),
        "{}",
        status.out
    );
    let gone = run(&["uninstall"]);
    assert!(gone.code == 0 && gone.err.contains("not stopped"), "{}", gone.err);
    assert!(!PARTS.iter().any(|part| home.path(part).exists()));
}

#[test]
fn files_of_others_stop_it_before_anything_is_written() {
    let home = Home::new();
    let unit = home.path(PARTS[2]);
    fs::create_dir_all(unit.parent().unwrap()).unwrap();
    fs::write(&unit, "[Socket]\n# mine\n").unwrap();
    let before = tree(&home);
    service(&home, &["install"], "").failed(&[text(&unit), "not claviger's", "--force"]);
    assert_eq!((tree(&home), calls(&home)), (before, Vec::new()));
    assert_eq!(service(&home, &["install", "--force"], "").code, 0);
    let copy = unit.with_file_name("claviger.socket.claviger-backup");
    assert_eq!(fs::read_to_string(&copy).unwrap(), "[Socket]\n# mine\n");
    // Changed by hand since.
    let mut text_now = fs::read_to_string(&unit).unwrap();
    text_now.push_str("Backlog=9\n");
    fs::write(&unit, &text_now).unwrap();
    let report = service(&home, &["status", "--json"], "");
    assert!(
        report.code == 1 && report.out.contains("\"changed\""),
        "{}",
        report.out
    );
    for verb in ["install", "uninstall"] {
        service(&home, &[verb], "").failed(&[text(&unit), "systemctl --user edit", "--force"]);
        assert_eq!(fs::read_to_string(&unit).unwrap(), text_now);
    }
    service(&home, &["uninstall", "--force"], "").done();
    assert!(!unit.exists() && !home.path(".profile").exists());
    fs::write(&unit, "[Socket]\n").unwrap();
    let left = service(&home, &["uninstall"], "");
    assert!(
        left.code == 0 && left.err.contains("left alone") && unit.exists(),
        "{}",
        left.err
    );
}

#[test]
fn a_service_that_does_not_start_is_a_failure_with_its_reason() {
    let home = Home::new();
    // As launchd fails to load what is loaded.
    let ran = service(&home, &["install"], " start ");
    assert_eq!(ran.code, 0, "it is there, as the probe says: {}", ran.err);
    service(&home, &["uninstall"], "").done();
    service(&home, &["install"], "claviger.socket").failed(&["installed, but not started", "broken"]);
    service(&home, &["uninstall"], "").done();
    calls(&home);
    let ran = service(&home, &["install"], "a");
    assert!(
        ran.code == 0 && ran.err.contains("daemon-reload: broken"),
        "no manager: {}",
        ran.err
    );
}

#[test]
fn an_agent_that_listens_there_is_not_pushed_aside() {
    let home = Home::new();
    let agent = Agent::start(&home, &[]);
    let before = tree(&home);
    service(&home, &["install"], "")
        .failed(&["listens there already", &format!("kill {}", agent.pid(&home))]);
    assert_eq!(tree(&home), before);
}
