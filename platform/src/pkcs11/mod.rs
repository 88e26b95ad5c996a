//! The one step of PKCS#11 that the `cryptoki` crate does not have: C_Sign by itself, after a login that came between
//! C_SignInit and it. Keys with CKA_ALWAYS_AUTHENTICATE want exactly that.

use cryptoki_sys::{CK_FUNCTION_LIST, CK_SESSION_HANDLE, CKR_OK, Pkcs11};
use std::path::Path;
use std::ptr::null_mut;

/// Room for any signature of SSH: RSA of 16384 bits.
const LONGEST: usize = 2048;

/// Finishes a signature that was begun in `session` of a library that this process has loaded from `library`, and
/// initialised. `input` is what the mechanism signs.
///
/// # Errors
/// What the library says.
pub fn finish_signature(library: &Path, session: CK_SESSION_HANDLE, input: &[u8]) -> Result<Vec<u8>, String> {
    let refused = |code| format!("C_Sign: PKCS#11 error {code:#x}");
    // SAFETY: the library is loaded already, so this runs none of its code and only counts one reference more.
    let loaded = unsafe { Pkcs11::new(library) }.map_err(|error| error.to_string())?;
    if loaded.C_GetFunctionList.is_err() {
        return Err(String::from("C_GetFunctionList is missing"));
    }
    let mut functions: *mut CK_FUNCTION_LIST = null_mut();
    // SAFETY: fills in a pointer to the library's own table, which lives as long as the library.
    let code = unsafe { loaded.C_GetFunctionList(&mut functions) };
    if code != CKR_OK || functions.is_null() {
        return Err(refused(code));
    }
    // SAFETY: not null, and points to the table until `loaded` is dropped. Aligned or not is the library's affair: the
    // table is read by value.
    let functions = unsafe { functions.read_unaligned() };
    let sign = functions.C_Sign.ok_or("C_Sign is missing")?;
    let mut signature = vec![0; LONGEST];
    let mut length = LONGEST.try_into().map_err(|_| refused(CKR_OK))?;
    let input_length = input.len().try_into().map_err(|_| refused(CKR_OK))?;
    // SAFETY: both buffers live through the call and have the lengths that are told; C_Sign does not write to its input.
    let code = unsafe {
        sign(
            session,
            input.as_ptr().cast_mut(),
            input_length,
            signature.as_mut_ptr(),
            &mut length,
        )
    };
    let length = usize::try_from(length).unwrap_or(LONGEST);
    if code != CKR_OK || length > LONGEST {
        return Err(refused(code));
    }
    signature.truncate(length);
    Ok(signature)
}
