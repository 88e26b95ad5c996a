//! By whose signature a process's program runs (code signing): its identifier, and the team that signed it.
//!
//! For people only. The signature is not verified here and a number may have passed to another process, so nothing may be
//! allowed because of it.

use objc2_core_foundation::{CFDictionary, CFNumber, CFRetained, CFString, CFType};
use objc2_security::{
    SecCSFlags, SecCode, SecStaticCode, kSecCSSigningInformation, kSecCodeInfoIdentifier,
    kSecCodeInfoTeamIdentifier, kSecGuestAttributePid,
};
use std::ptr::{NonNull, null, null_mut};

/// "com.apple.openssh", "org.example.tool, team ABCDE12345"; none for what is not signed or cannot be seen.
pub(super) fn identity(pid: u32) -> Option<String> {
    let program = program(pid)?;
    let about = signing_information(&program)?;
    // SAFETY: constants of the framework.
    let (identifier, team) = unsafe { (kSecCodeInfoIdentifier, kSecCodeInfoTeamIdentifier) };
    let text = |key: &CFString| Some(about.get(key)?.downcast_ref::<CFString>()?.to_string());
    let identifier = text(identifier)?;
    Some(match text(team) {
        Some(team) => format!("{identifier}, team {team}"),
        None => identifier,
    })
}

fn program(pid: u32) -> Option<CFRetained<SecStaticCode>> {
    let number = CFNumber::new_i32(i32::try_from(pid).ok()?);
    // SAFETY: a constant of the framework.
    let key = unsafe { kSecGuestAttributePid };
    let which = CFDictionary::<CFString, CFNumber>::from_slices(&[key], &[&*number]);
    let (mut running, mut program) = (null_mut::<SecCode>(), null::<SecStaticCode>());
    // SAFETY: the dictionary has the key and type that are asked for; what the place then has is ours to release.
    let running = unsafe {
        let which = Some(which.as_opaque());
        let failed = SecCode::copy_guest_with_attributes(
            None,
            which,
            SecCSFlags::DefaultFlags,
            NonNull::from(&mut running),
        );
        owned(failed, running)?
    };
    // SAFETY: as before.
    unsafe {
        let failed = running.copy_static_code(SecCSFlags::DefaultFlags, NonNull::from(&mut program));
        owned(failed, program.cast_mut())
    }
}

fn signing_information(program: &SecStaticCode) -> Option<CFRetained<CFDictionary<CFString, CFType>>> {
    let mut about = null::<CFDictionary>();
    // SAFETY: what the place then has is ours to release; its keys are texts and its values objects.
    unsafe {
        let what = SecCSFlags(kSecCSSigningInformation);
        let failed = SecCode::copy_signing_information(program, what, NonNull::from(&mut about));
        Some(CFRetained::cast_unchecked(owned(failed, about.cast_mut())?))
    }
}

/// # Safety
/// Unless `failed`, `made` must be null or an object that the caller owns.
unsafe fn owned<T: objc2_core_foundation::Type>(failed: i32, made: *mut T) -> Option<CFRetained<T>> {
    let made = NonNull::new(made).filter(|_| failed == 0)?;
    // SAFETY: as the caller promises.
    Some(unsafe { CFRetained::from_raw(made) })
}
