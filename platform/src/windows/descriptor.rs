//! Who may touch a thing: descriptors written as SDDL, set and read back.

use super::sid::{self, written};
use super::{done, long, wide};
use std::io;
use std::path::Path;
use std::ptr::null_mut;
use windows_sys::Win32::Foundation::{HANDLE, LocalFree};
use windows_sys::Win32::Security::Authorization::{
    ConvertSecurityDescriptorToStringSecurityDescriptorW,
    ConvertStringSecurityDescriptorToSecurityDescriptorW, GetSecurityInfo, SDDL_REVISION_1, SE_FILE_OBJECT,
    SE_KERNEL_OBJECT, SE_OBJECT_TYPE,
};
use windows_sys::Win32::Security::{
    DACL_SECURITY_INFORMATION, OBJECT_SECURITY_INFORMATION, OWNER_SECURITY_INFORMATION,
    PROTECTED_DACL_SECURITY_INFORMATION, PSECURITY_DESCRIPTOR, SECURITY_ATTRIBUTES, SetFileSecurityW,
    SetKernelObjectSecurity,
};

/// What changes a file or a directory, in numbers: data, names, attributes, list and owner, removal, and all at once.
const WRITING: u32 =
    0x2 | 0x4 | 0x10 | 0x40 | 0x100 | 0x1_0000 | 0x4_0000 | 0x8_0000 | 0x4000_0000 | 0x1000_0000;

/// Everything for this user, LocalSystem and administrators, nothing for anybody else, and nothing inherited. Whoever
/// is an administrator could take it anyway; LocalSystem does backups and indexes.
pub(crate) fn private(inherited: bool) -> io::Result<String> {
    let own = sid::own()?;
    // What a directory has goes on to what is made in it.
    let flags = if inherited { "OICI" } else { "" };
    Ok(format!(
        "O:{own}D:P(A;{flags};FA;;;{own})(A;{flags};FA;;;SY)(A;{flags};FA;;;BA)"
    ))
}

/// A descriptor in Windows' own form.
pub(crate) struct Descriptor(PSECURITY_DESCRIPTOR);

impl Descriptor {
    pub(crate) fn parse(sddl: &str) -> io::Result<Self> {
        let text = wide(sddl)?;
        let mut made = null_mut();
        // SAFETY: the text is terminated, and `made` a place for what the call allocates.
        done(unsafe {
            ConvertStringSecurityDescriptorToSecurityDescriptorW(
                text.as_ptr(),
                SDDL_REVISION_1,
                &mut made,
                null_mut(),
            )
        })?;
        Ok(Self(made))
    }

    /// To be given to a call that makes something; not inherited by children. It must not outlive `self`.
    pub(crate) fn attributes(&self) -> SECURITY_ATTRIBUTES {
        SECURITY_ATTRIBUTES {
            nLength: size_of::<SECURITY_ATTRIBUTES>() as u32,
            lpSecurityDescriptor: self.0,
            bInheritHandle: 0,
        }
    }

    /// Puts parts of it on what a handle stands for, which needs WRITE_DAC.
    pub(crate) fn set_on(&self, handle: HANDLE, what: OBJECT_SECURITY_INFORMATION) -> io::Result<()> {
        // SAFETY: the handle is open, the descriptor alive.
        done(unsafe { SetKernelObjectSecurity(handle, what, self.0) })
    }

    /// Puts its access list on a file, in the place of whatever was inherited.
    pub(crate) fn set_on_file(&self, path: &Path) -> io::Result<()> {
        let path = wide(&*long(path))?;
        let what = DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION;
        // SAFETY: the text is terminated, the descriptor alive.
        done(unsafe { SetFileSecurityW(path.as_ptr(), what, self.0) })
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        // SAFETY: allocated by the call that made it, and used by nobody any more.
        unsafe { LocalFree(self.0) };
    }
}

/// What kind of thing a handle stands for.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    File,
    Pipe,
}

impl Kind {
    fn number(self) -> SE_OBJECT_TYPE {
        match self {
            Self::File => SE_FILE_OBJECT,
            Self::Pipe => SE_KERNEL_OBJECT,
        }
    }
}

/// Whose it is. The handle needs READ_CONTROL.
pub(crate) fn owner(handle: HANDLE, kind: Kind) -> io::Result<String> {
    let (mut owner, mut descriptor) = (null_mut(), null_mut());
    // SAFETY: the handle is open; the places are for what the call allocates.
    let failed = unsafe {
        GetSecurityInfo(
            handle,
            kind.number(),
            OWNER_SECURITY_INFORMATION,
            &mut owner,
            null_mut(),
            null_mut(),
            null_mut(),
            &mut descriptor,
        )
    };
    if failed != 0 {
        return Err(io::Error::from_raw_os_error(failed.cast_signed()));
    }
    let _freed = Descriptor(descriptor);
    // SAFETY: leads into the descriptor, which lives until the end of this function.
    unsafe { written(owner) }
}

/// Owner and access list as SDDL. The handle needs READ_CONTROL.
pub(crate) fn read(handle: HANDLE, kind: Kind) -> io::Result<String> {
    parts(
        handle,
        kind,
        OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION,
    )
}

/// These parts of a descriptor as SDDL. The handle needs READ_CONTROL.
pub(crate) fn parts(handle: HANDLE, kind: Kind, what: OBJECT_SECURITY_INFORMATION) -> io::Result<String> {
    let mut descriptor = null_mut();
    // SAFETY: as in `owner`.
    let failed = unsafe {
        GetSecurityInfo(
            handle,
            kind.number(),
            what,
            null_mut(),
            null_mut(),
            null_mut(),
            null_mut(),
            &mut descriptor,
        )
    };
    if failed != 0 {
        return Err(io::Error::from_raw_os_error(failed.cast_signed()));
    }
    let descriptor = Descriptor(descriptor);
    let mut text = null_mut();
    // SAFETY: the descriptor is alive, and `text` a place for what the call allocates.
    done(unsafe {
        ConvertSecurityDescriptorToStringSecurityDescriptorW(
            descriptor.0,
            SDDL_REVISION_1,
            what,
            &mut text,
            null_mut(),
        )
    })?;
    // SAFETY: the call made this terminated text, and hands it over.
    Ok(unsafe { sid::taken(text) })
}

/// Whom the access list of `sddl` allows something beside `own`, LocalSystem and administrators.
pub(crate) fn strangers(sddl: &str, own: &str) -> Vec<String> {
    allowed(sddl, own, |_| true)
}

/// Whom of these it allows to change something: the contents, the list itself, the owner.
pub(crate) fn writers(sddl: &str, own: &str) -> Vec<String> {
    allowed(sddl, own, may_write)
}

/// Whether rights in SDDL's form, a number or pairs of letters, are more than reading and running.
fn may_write(rights: &str) -> bool {
    if let Some(number) = rights.strip_prefix("0x") {
        return u32::from_str_radix(number, 16).map_or(true, |rights| rights & WRITING != 0);
    }
    let mut pairs = rights.as_bytes().chunks(2);
    pairs.any(|pair| ![&b"FR"[..], b"FX", b"GR", b"GX", b"RC"].contains(&pair))
}

fn allowed(sddl: &str, own: &str, counts: fn(&str) -> bool) -> Vec<String> {
    let known = [own, sid::SYSTEM, sid::ADMINISTRATORS, "SY", "BA", "OW", "S-1-3-4"];
    let Some((_, list)) = sddl.split_once("D:") else {
        // No list at all is no protection at all.
        return vec![String::from("WD")];
    };
    if list.starts_with("NO_ACCESS_CONTROL") {
        return vec![String::from("WD")];
    }
    let mut found = Vec::new();
    for entry in list.split(['(', ')']) {
        let fields: Vec<&str> = entry.split(';').collect();
        // type; flags; rights; object; inherited object; who
        if let [kind, flags, rights, _, _, who, ..] = fields[..] {
            let denies = kind.starts_with('D') || kind.starts_with("OD") || kind.starts_with("XD");
            // Entries only for what is made inside say nothing of the thing itself.
            let counts = !denies && !flags.contains("IO") && counts(rights);
            let me = who == "LA" && own.ends_with("-500");
            if counts && !me && !known.contains(&who) && !found.iter().any(|seen| seen == who) {
                found.push(who.to_owned());
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_owner_and_the_system_are_no_strangers() {
        let me = "S-1-5-21-1-2-3-1000";
        let sddl =
            format!("O:{me}D:PAI(A;;FA;;;SY)(A;;FA;;;BA)(A;ID;FA;;;{me})(D;;FA;;;WD)(A;OICIIO;GA;;;CO)");
        assert_eq!(strangers(&sddl, me), Vec::<String>::new());
        let open = format!("O:{me}D:AI(A;ID;FR;;;BU)(A;;0x1200a9;;;WD)(A;;FA;;;{me})");
        assert_eq!(strangers(&open, me), ["BU", "WD"]);
        assert_eq!(strangers("O:BA", me), ["WD"]);
        assert_eq!(strangers("D:NO_ACCESS_CONTROL", me), ["WD"]);
    }

    #[test]
    fn readers_are_no_writers() {
        let me = "S-1-5-21-1-2-3-1000";
        for (rights, writes) in [
            ("FR", false),
            ("FRFX", false),
            ("0x1200a9", false),
            ("0x1301bf", true),
            ("FA", true),
            ("GRGW", true),
            ("FRWD", true),
        ] {
            let sddl = format!("O:{me}D:P(A;;FA;;;{me})(A;;{rights};;;WD)");
            assert_eq!(writers(&sddl, me).len(), usize::from(writes), "{rights}");
            assert_eq!(strangers(&sddl, me), ["WD"]);
        }
        assert_eq!(writers("O:BA", me), ["WD"]);
    }

    #[test]
    fn what_is_private_names_its_owner_and_no_stranger() {
        let own = sid::own().unwrap();
        for inherited in [false, true] {
            let sddl = private(inherited).unwrap();
            assert!(sddl.starts_with(&format!("O:{own}D:P(")), "{sddl}");
            assert_eq!(strangers(&sddl, &own), Vec::<String>::new());
            assert!(Descriptor::parse(&sddl).is_ok());
        }
    }
}
