//! Looks at real processes: this test program, started again.

use super::*;
use crate::process::{Seen, is_ending, see};
use crate::windows::descriptor::Descriptor;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use windows_sys::Win32::Security::DACL_SECURITY_INFORMATION;

const WAITS: &str = "process::seen::imp::tests::waits";

/// Not a test by itself: the program that the others look at. It ends with its input.
#[test]
fn waits() {
    #[expect(clippy::disallowed_methods, reason = "told by the test that starts it")]
    if std::env::var_os("CLAVIGER_TEST_WAITS").is_some() {
        std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    }
}

/// A process that is up, with these arguments behind the test's name.
fn waiting(arguments: &[&str], configure: impl FnOnce(&mut Command)) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", WAITS]).args(arguments);
    command.env("CLAVIGER_TEST_WAITS", "1");
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    configure(&mut command);
    let mut child = command.spawn().unwrap();
    child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
    child
}

fn end(mut child: Child) {
    drop(child.stdin.take());
    child.wait().unwrap();
}

fn values(seen: &Seen, names: &[&str]) -> Vec<Option<OsString>> {
    let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
    seen.variables(&names).unwrap()
}

#[test]
fn arguments_directory_program_and_chosen_variables() {
    let dir = tempfile::Builder::new()
        .prefix("schlüssel bund")
        .tempdir()
        .unwrap();
    let words = [
        "git@höst.example",
        "ключ 🔑",
        "a \"b\" c",
        "C:\\dir with space\\",
        "back\\\\slash\\\"",
        "",
        "User=x -o",
    ];
    let child = waiting(&words, |command| {
        command.current_dir(dir.path());
        command.env("SHOWN", "a=ü").env("OTHER", "kept back");
    });
    let seen = see(child.id()).unwrap();
    assert_eq!(seen.argv[1..3], ["--exact", WAITS]);
    assert_eq!(seen.argv[3..], words);
    let real = |path: &Path| path.canonicalize().unwrap();
    assert_eq!(real(&seen.cwd), real(dir.path()));
    assert_eq!(real(&seen.exe), real(&std::env::current_exe().unwrap()));
    assert!(seen.same_files);
    assert_eq!(values(&seen, &["ABSENT", "SHOWN"]), [None, Some("a=ü".into())]);
    // As Windows itself looks them up.
    assert_eq!(values(&seen, &["shown"]), [Some("a=ü".into())]);
    end(child);
    assert!(matches!(seen.variables(&[]), Err(SeenError::Gone(_))));
}

#[test]
fn a_process_that_is_gone_and_numbers_that_none_has() {
    let child = waiting(&[], |_| ());
    let pid = child.id();
    assert!(!is_ending(pid));
    end(child);
    assert!(is_ending(pid));
    for pid in [pid, 0, u32::MAX - 3] {
        assert!(matches!(see(pid), Err(SeenError::Gone(gone)) if gone == pid));
    }
}

#[test]
fn one_that_ended_and_whose_handle_is_held_is_gone() {
    let mut child = waiting(&[], |_| ());
    child.kill().unwrap();
    child.wait().unwrap();
    // The child's handle is open until here, so that its number is not given away.
    assert!(matches!(see(child.id()), Err(SeenError::Gone(_))));
    assert!(is_ending(child.id()));
}

#[test]
fn a_process_that_keeps_others_out_is_an_error() {
    let child = waiting(&[], |_| ());
    let nobody = Descriptor::parse("D:P").unwrap();
    nobody
        .set_on(child.as_raw_handle(), DACL_SECURITY_INFORMATION)
        .unwrap();
    let error = see(child.id()).unwrap_err();
    assert!(matches!(error, SeenError::Unreadable { .. }), "{error}");
    end(child);
}

#[test]
fn another_process_of_the_same_number_is_not_taken_for_it() {
    let child = waiting(&[], |_| ());
    let mut seen = see(child.id()).unwrap();
    seen.started -= 1;
    assert!(matches!(seen.variables(&[]), Err(SeenError::Gone(_))));
    end(child);
}

#[test]
fn too_long_an_environment_is_an_error_and_arguments_are_still_known() {
    let child = waiting(&[], |command| {
        for at in 0..10 {
            command.env(format!("LONG{at}"), "x".repeat(30_000));
        }
    });
    let seen = see(child.id()).unwrap();
    let error = seen.variables(&["LONG1".to_owned()]).unwrap_err();
    assert!(matches!(error, SeenError::TooLong { .. }), "{error}");
    end(child);
}

#[test]
fn the_system_s_own_processes_and_this_one() {
    assert!(see(4).is_err());
    let own = see(std::process::id()).unwrap();
    assert!(!own.argv.is_empty());
}
