//! The helper's whole life: loads one library, then signs with its keys until nobody asks any more.

use super::device::Device;
use super::message::{Answer, Request};
use claviger_platform::process::Served;
use std::io;

/// For a hidden verb of the program. Returns when whoever started it has gone.
///
/// # Errors
/// When the standard streams cannot be used.
pub fn helper() -> io::Result<()> {
    let mut served = Served::new()?;
    let mut device = None;
    while let Some(request) = served.question() {
        let answer = match (Request::decode(&request), &device) {
            (Some(Request::Load { library, pin }), None) => match Device::load(library, pin) {
                Ok((loaded, notes)) => {
                    let keys = loaded.keys();
                    device = Some(loaded);
                    Answer::Loaded { keys, notes }
                }
                Err(reason) => Answer::Failed(reason),
            },
            (Some(Request::Sign { blob, data, flags }), Some(device)) => match device.sign(blob, data, flags)
            {
                Ok(signature) => Answer::Signature(signature),
                Err(reason) => Answer::Failed(reason),
            },
            _ => Answer::Failed(String::from("not what may be asked now")),
        };
        served.answer(&answer.encode())?;
    }
    Ok(())
}
