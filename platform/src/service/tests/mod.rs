//! What is installed: on every system for every system, read back by parsers of plist and XML.

#[cfg(target_os = "linux")]
mod linux;

use super::*;
use quick_xml::escape::unescape;
use quick_xml::events::Event;
use std::fs;
use std::path::Path;

/// Everything that means something in one of the formats, `@MARK@` being our own templates'.
const ODD: &str = "Zoë's \"home\" & <co> $HOME ${x} 100% %h a\\b #;@MARK@";

fn setup(home: &Path) -> Setup {
    Setup {
        program: home.join("claviger"),
        home: home.to_owned(),
        config_home: home.join(".config"),
        state: home.join("state"),
        socket: None,
        environment: Vec::new(),
        uid: 501,
        account: "PC & CO\\zoë".into(),
        zdotdir: None,
        root: home.join("root"),
    }
}

/// A home with a program at an odd path, and an odd socket.
fn odd(dir: &Path, name: &str) -> Setup {
    let bin = dir.join(name);
    fs::create_dir_all(&bin).unwrap();
    fs::write(bin.join("claviger"), "#!/bin/sh\n").unwrap();
    Setup {
        program: bin.join("claviger"),
        socket: Some(bin.join("s")),
        environment: vec![("CLAVIGER_CONFIG", bin.join("c.toml"))],
        ..setup(dir)
    }
}

fn text<'a>(plan: &'a Plan, name: &str) -> &'a str {
    let mut parts = plan.parts.iter().chain(&plan.elsewhere);
    let part = parts
        .find(|part| part.path.ends_with(name))
        .unwrap_or_else(|| panic!("no {name}"));
    match &part.what {
        What::File { text, .. } | What::Block { text, .. } => text,
        What::Link(_) => panic!("{name} is a link"),
    }
}

fn install(plan: &Plan) {
    for part in &plan.parts {
        assert!(part.install(false).unwrap(), "{}", part.path.display());
        assert_eq!(part.state().unwrap(), State::Installed);
    }
}

/// The number that the guide names.
// Its paths have letters that no file of Windows can have.
#[cfg(unix)]
#[test]
fn a_property_list_gives_back_what_went_in() {
    let dir = tempfile::tempdir().unwrap();
    let setup = odd(dir.path(), ODD);
    let plan = plan(System::Macos, &setup).unwrap();
    let list = plist::Value::from_reader_xml(text(&plan, "org.claviger.agent.plist").as_bytes()).unwrap();
    let list = list.as_dictionary().unwrap();
    let words: Vec<_> = list["ProgramArguments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|word| word.as_string().unwrap())
        .collect();
    assert_eq!(words, [setup.program.to_str().unwrap(), "agent", "-D"]);
    let variable = list["EnvironmentVariables"].as_dictionary().unwrap()["CLAVIGER_CONFIG"].as_string();
    assert_eq!(variable, setup.environment[0].1.to_str());
    let sockets = list["Sockets"].as_dictionary().unwrap()["Listeners"]
        .as_dictionary()
        .unwrap();
    assert_eq!(sockets["SecureSocketWithKey"].as_string(), Some("SSH_AUTH_SOCK"));
    assert_eq!(list["Label"].as_string(), Some("org.claviger.agent"));
    assert!(
        plan.start[0]
            .to_string()
            .starts_with("launchctl bootstrap gui/501 ")
    );
    install(&plan);
}

#[test]
fn a_task_is_xml_with_the_program_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let setup = Setup {
        program: r"C:\Users\Zoë & 'Co'\claviger.exe".into(),
        socket: Some(r"\\.\pipe\claviger.1".into()),
        environment: vec![
            ("CLAVIGER_CONFIG", r"D:\Zoë & Co\c.toml".into()),
            ("CLAVIGER_STATE_DIR", r"D:\state\".into()),
            ("CLAVIGER_DATA_DIR", r"D:\data".into()),
        ],
        ..setup(dir.path())
    };
    let plan = plan(System::Windows, &setup).unwrap();
    let xml = text(&plan, "claviger-task.xml");
    let mut reader = quick_xml::Reader::from_str(xml);
    let (mut arguments, mut users) = (String::new(), Vec::new());
    loop {
        let start = match reader.read_event().unwrap() {
            Event::Start(start) => start,
            Event::Eof => break,
            _ => continue,
        };
        let mut value = || {
            unescape(&reader.read_text(start.name()).unwrap())
                .unwrap()
                .into_owned()
        };
        match start.name().as_ref() {
            "Arguments" => arguments = value(),
            "UserId" => users.push(value()),
            _ => {}
        }
    }
    assert_eq!(
        arguments,
        concat!(
            r#"--headless "C:\Users\Zoë & 'Co'\claviger.exe" agent -D --config "D:\Zoë & Co\c.toml""#,
            r#" --state-dir "D:\state\\" --data-dir "D:\data" --socket "\\.\pipe\claviger.1""#
        ),
        "all that was chosen, since a task has no environment of its own"
    );
    assert_eq!(
        users,
        [setup.account.as_str(); 2],
        "of this user's logon, as this user"
    );
    assert_eq!(
        text(&plan, "claviger.config"),
        "IdentityAgent //./pipe/claviger.1\n"
    );
    assert!(
        plan.start
            .iter()
            .any(|call| call.args.iter().any(|arg| arg == r"\\.\pipe\claviger.1"))
    );
    install(&plan);
    let bytes = fs::read(dir.path().join("state/claviger-task.xml")).unwrap();
    assert_eq!(&bytes[..4], [0xff, 0xfe, b'<', 0], "as the declaration says");
}

#[test]
fn what_a_format_cannot_carry_is_refused_with_the_remedy() {
    let home = Path::new("/h");
    let refused = |system, setup: &Setup| plan(system, setup).unwrap_err().to_string();
    for system in [System::Linux, System::Macos, System::Windows] {
        let program = PathBuf::from("/a\nb/claviger");
        let error = refused(
            system,
            &Setup {
                program,
                ..setup(home)
            },
        );
        assert!(
            error.contains("control characters") && error.contains("choose another"),
            "{error}"
        );
    }
    for socket in [
        "/run/a\\".to_owned(),
        "/run/a ".into(),
        format!("/{}", "x".repeat(107)),
    ] {
        let socket = Some(PathBuf::from(socket));
        let error = refused(
            System::Linux,
            &Setup {
                socket,
                ..setup(home)
            },
        );
        assert!(error.contains("CLAVIGER_SOCKET"), "{error}");
    }
    let program = PathBuf::from(r"C:\100%\claviger.exe");
    assert!(
        refused(
            System::Windows,
            &Setup {
                program,
                ..setup(home)
            }
        )
        .contains("install claviger elsewhere")
    );
    let odd = Setup {
        socket: Some(r"\\.\pipe\claviger.1".into()),
        environment: vec![("CLAVIGER_CONFIG", r"C:\100%\c.toml".into())],
        ..setup(home)
    };
    let error = refused(System::Windows, &odd);
    assert!(
        error.contains("CLAVIGER_CONFIG") && error.contains("choose another path"),
        "{error}"
    );
}
