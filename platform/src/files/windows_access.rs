//! Windows: owner and access list.

use super::access::{Access, Mend, Owner};
use super::error::{FileError, at};
use super::windows::named;
use crate::windows::descriptor::{self, Descriptor, Kind};
use crate::windows::sid;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::AsRawHandle;
use std::path::Path;
use windows_sys::Win32::Security::{DACL_SECURITY_INFORMATION, PROTECTED_DACL_SECURITY_INFORMATION};
use windows_sys::Win32::Storage::FileSystem::{FILE_FLAG_BACKUP_SEMANTICS, READ_CONTROL, WRITE_DAC};

/// What holds for the thing that `path` names, links followed.
///
/// # Errors
/// [`FileError::Missing`], also for a link to nothing, and the OS's.
pub fn access(path: &Path) -> Result<Access, FileError> {
    let (file, list) = opened(path, READ_CONTROL).map_err(at(path))?;
    let own = sid::own().map_err(at(path))?;
    let strangers = descriptor::strangers(&list, &own);
    let writers = descriptor::writers(&list, &own);
    let directory = file.metadata().map_err(at(path))?.is_dir();
    let who: Vec<&str> = strangers.iter().map(|who| named(who)).collect();
    Ok(Access {
        owner: owner(&file, &own).map_err(at(path))?,
        others_read: !strangers.is_empty(),
        others_write: !writers.is_empty(),
        others_replace: directory && !writers.is_empty(),
        shown: match who.is_empty() {
            true => "permissions of its owner alone".into(),
            false => format!("permissions that let in {}", who.join(", ")),
        },
    })
}

/// The directory flag lets files be opened, too. Its list comes with it, so that both are of the same thing.
fn opened(path: &Path, access: u32) -> io::Result<(File, String)> {
    let file = OpenOptions::new()
        .access_mode(access)
        .custom_flags(FILE_FLAG_BACKUP_SEMANTICS)
        .open(path)?;
    let list = descriptor::read(file.as_raw_handle(), Kind::File)?;
    Ok((file, list))
}

fn owner(file: &File, own: &str) -> io::Result<Owner> {
    Ok(match descriptor::owner(file.as_raw_handle(), Kind::File)? {
        who if who == own || who == sid::ADMINISTRATORS => Owner::Own,
        who if who == sid::SYSTEM => Owner::System,
        who => Owner::Other(who),
    })
}

/// Gives it a list of its own: this user, LocalSystem and administrators, nothing inherited; a directory's goes on to what
/// is made in it. Only a file or directory of this very user's.
///
/// # Errors
/// [`FileError::Stranger`], and the OS's.
pub fn mend(path: &Path, _mend: Mend) -> Result<(), FileError> {
    let (file, _) = opened(path, READ_CONTROL | WRITE_DAC).map_err(at(path))?;
    let own = sid::own().map_err(at(path))?;
    if owner(&file, &own).map_err(at(path))? != Owner::Own {
        return Err(FileError::Stranger {
            path: path.to_owned(),
        });
    }
    let directory = file.metadata().map_err(at(path))?.is_dir();
    let what = DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION;
    descriptor::private(directory)
        .and_then(|list| Descriptor::parse(&list))
        .and_then(|list| list.set_on(file.as_raw_handle(), what))
        .map_err(at(path))
}

/// A command that does the same.
pub fn mending(path: &Path, _mend: Mend) -> String {
    let own = sid::own().unwrap_or_else(|_| "%USERNAME%".into());
    let own = match own.starts_with("S-1-") {
        true => format!("*{own}"),
        false => own,
    };
    let rights = if path.is_dir() { "(OI)(CI)F" } else { "F" };
    let name = path.display();
    let mut command = format!("icacls \"{name}\" /inheritance:r /grant:r {own}:{rights}");
    let list = opened(path, READ_CONTROL)
        .map(|(_, list)| list)
        .unwrap_or_default();
    let identifiers = descriptor::strangers(&list, own.trim_start_matches('*'));
    let others: Vec<String> = identifiers.iter().filter_map(|who| identifier(who)).collect();
    if !others.is_empty() {
        command.push_str(" /remove ");
        command.push_str(&others.join(" "));
    }
    command
}

/// As icacls takes it; it does not know SDDL's short names.
fn identifier(who: &str) -> Option<String> {
    let long = match who {
        "WD" => "S-1-1-0",
        "BU" => "S-1-5-32-545",
        "BG" => "S-1-5-32-546",
        "AU" => "S-1-5-11",
        "IU" => "S-1-5-4",
        "NU" => "S-1-5-2",
        "AN" => "S-1-5-7",
        long if long.starts_with("S-1-") => long,
        _ => return None,
    };
    Some(format!("*{long}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::read_private;

    fn set(path: &Path, list: &str) {
        Descriptor::parse(list).unwrap().set_on_file(path).unwrap();
    }

    #[test]
    fn a_file_that_everyone_may_read_is_seen_and_mended_with_a_list_of_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("Größe mit Platz");
        std::fs::write(&path, "key").unwrap();
        let own = sid::own().unwrap();
        set(&path, &format!("D:P(A;;FA;;;{own})(A;;FR;;;WD)"));
        let seen = access(&path).unwrap();
        assert!(seen.owner == Owner::Own && seen.others_read, "{seen:?}");
        assert!(seen.shown.contains("everyone"), "{seen:?}");
        let command = mending(&path, Mend::Private);
        assert!(
            command.starts_with("icacls \"") && command.contains("*S-1-1-0"),
            "{command}"
        );
        for _ in 0..2 {
            mend(&path, Mend::Private).unwrap();
            let seen = access(&path).unwrap();
            assert!(!seen.others_read && !seen.others_write, "{seen:?}");
            let (_, list) = opened(&path, READ_CONTROL).unwrap();
            assert_eq!(descriptor::strangers(&list, &own), Vec::<String>::new(), "{list}");
        }
        assert_eq!(&**read_private(&path, 100).unwrap(), b"key");
    }

    #[test]
    fn a_mended_directory_is_private_and_can_be_used() {
        let dir = tempfile::tempdir().unwrap();
        let own = sid::own().unwrap();
        set(dir.path(), &format!("D:P(A;OICI;FA;;;{own})(A;OICI;FA;;;WD)"));
        assert!(access(dir.path()).unwrap().others_replace);
        mend(dir.path(), Mend::Unwritable).unwrap();
        let seen = access(dir.path()).unwrap();
        assert!(
            !seen.others_write && !seen.others_replace && !seen.others_read,
            "{seen:?}"
        );
        std::fs::write(dir.path().join("new"), "").unwrap();
        // What is handed on is in what is asked for; Wine keeps modes and cannot show it on the file made here.
        let asked = descriptor::private(true).unwrap();
        assert_eq!(asked.matches("OICI").count(), 3, "{asked}");
    }

    #[test]
    fn what_is_missing_is_said_to_be() {
        let dir = tempfile::tempdir().unwrap();
        let none = dir.path().join("none");
        assert!(matches!(access(&none), Err(FileError::Missing { .. })));
        assert!(matches!(
            mend(&none, Mend::Private),
            Err(FileError::Missing { .. })
        ));
    }
}
