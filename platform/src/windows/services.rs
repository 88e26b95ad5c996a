//! The service manager, asked: whether a service is there, whether it runs, and when it starts. Nothing is changed.

use super::{done, wide};
use std::io;
use std::ptr::null;
use windows_sys::Win32::Foundation::ERROR_SERVICE_DOES_NOT_EXIST;
use windows_sys::Win32::System::Services::{
    CloseServiceHandle, OpenSCManagerW, OpenServiceW, QUERY_SERVICE_CONFIGW, QueryServiceConfigW,
    QueryServiceStatusEx, SC_HANDLE, SC_MANAGER_CONNECT, SC_STATUS_PROCESS_INFO, SERVICE_AUTO_START,
    SERVICE_DISABLED, SERVICE_QUERY_CONFIG, SERVICE_QUERY_STATUS, SERVICE_STATUS_PROCESS, SERVICE_STOPPED,
};

/// When a service starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// With Windows.
    Automatic,
    /// When somebody asks for it.
    OnDemand,
    /// Not at all.
    Disabled,
}

/// What the manager says of one service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Service {
    /// Whether it runs, or is about to.
    pub(crate) runs: bool,
    /// Its process, while it has one.
    pub(crate) pid: Option<u32>,
    pub(crate) start: Start,
}

/// Asks for the service `name`; `None` when there is none. Every user may ask.
pub(crate) fn find(name: &str) -> io::Result<Option<Service>> {
    let name = wide(name)?;
    // SAFETY: no names stand for this machine and its usual database.
    let manager = Handle::new(unsafe { OpenSCManagerW(null(), null(), SC_MANAGER_CONNECT) })?;
    // SAFETY: the manager is open, the name terminated.
    let opened = unsafe {
        OpenServiceW(
            manager.0,
            name.as_ptr(),
            SERVICE_QUERY_STATUS | SERVICE_QUERY_CONFIG,
        )
    };
    let service = match Handle::new(opened) {
        Err(error) if error.raw_os_error() == Some(ERROR_SERVICE_DOES_NOT_EXIST.cast_signed()) => {
            return Ok(None);
        }
        service => service?,
    };
    let (mut status, mut length) = (SERVICE_STATUS_PROCESS::default(), 0);
    // SAFETY: the service is open, `status` a place of the length that is told.
    done(unsafe {
        QueryServiceStatusEx(
            service.0,
            SC_STATUS_PROCESS_INFO,
            (&raw mut status).cast(),
            size_of_val(&status) as u32,
            &mut length,
        )
    })?;
    Ok(Some(Service {
        runs: status.dwCurrentState != SERVICE_STOPPED,
        pid: Some(status.dwProcessId).filter(|&pid| pid != 0),
        start: start(&service)?,
    }))
}

fn start(service: &Handle) -> io::Result<Start> {
    // The most that the call ever needs; words, so that the structure at the beginning is aligned.
    let mut answer = [0_u64; 1024];
    let config = answer.as_mut_ptr().cast::<QUERY_SERVICE_CONFIGW>();
    let mut length = 0;
    // SAFETY: the service is open, the buffer writable over the length given; the call fills in the structure that is
    // read behind it.
    let start = unsafe {
        done(QueryServiceConfigW(
            service.0,
            config,
            size_of_val(&answer) as u32,
            &mut length,
        ))?;
        (*config).dwStartType
    };
    Ok(match start {
        SERVICE_DISABLED => Start::Disabled,
        // Those of drivers come before it.
        start if start <= SERVICE_AUTO_START => Start::Automatic,
        _ => Start::OnDemand,
    })
}

/// An open handle of the service manager's.
struct Handle(SC_HANDLE);

impl Handle {
    fn new(handle: SC_HANDLE) -> io::Result<Self> {
        match handle.is_null() {
            true => Err(io::Error::last_os_error()),
            false => Ok(Self(handle)),
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: opened by us, and used by nobody any more.
        unsafe { CloseServiceHandle(self.0) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use windows_sys::Win32::Storage::FileSystem::DELETE;
    use windows_sys::Win32::System::Services::{
        CreateServiceW, DeleteService, SC_MANAGER_CREATE_SERVICE, SERVICE_DEMAND_START, SERVICE_ERROR_NORMAL,
        SERVICE_WIN32_OWN_PROCESS,
    };

    /// A service that is never started, removed again at the end.
    struct Made(Handle);

    impl Made {
        fn new(name: &str, start: u32) -> io::Result<Self> {
            let (name, program) = (wide(name)?, wide(r"C:\nowhere.exe")?);
            // SAFETY: all texts are terminated; what is null has a default.
            unsafe {
                let manager = Handle::new(OpenSCManagerW(null(), null(), SC_MANAGER_CREATE_SERVICE))?;
                let service = CreateServiceW(
                    manager.0,
                    name.as_ptr(),
                    name.as_ptr(),
                    DELETE,
                    SERVICE_WIN32_OWN_PROCESS,
                    start,
                    SERVICE_ERROR_NORMAL,
                    program.as_ptr(),
                    null(),
                    std::ptr::null_mut(),
                    null(),
                    null(),
                    null(),
                );
                Handle::new(service).map(Self)
            }
        }
    }

    impl Drop for Made {
        fn drop(&mut self) {
            // SAFETY: open, with the right to delete.
            unsafe { DeleteService(self.0.0) };
        }
    }

    #[test]
    fn a_service_is_told_by_its_name_with_what_starts_it() {
        let name = |what: &str| format!("claviger-test-{what}-{}", std::process::id());
        assert_eq!(find(&name("none")).unwrap(), None);
        for (what, start, expected) in [
            ("auto", SERVICE_AUTO_START, Start::Automatic),
            ("demand", SERVICE_DEMAND_START, Start::OnDemand),
            ("disabled", SERVICE_DISABLED, Start::Disabled),
        ] {
            let _made = Made::new(&name(what), start).unwrap();
            let found = find(&name(what)).unwrap();
            let expected = Service {
                runs: false,
                pid: None,
                start: expected,
            };
            assert_eq!(found, Some(expected), "{what}");
        }
    }

    #[test]
    fn a_service_that_runs_has_a_process() {
        // Of those that every Windows has, the one that starts all others' calls.
        let found = find("RpcSs").unwrap().expect("RpcSs");
        assert!(!found.runs || found.pid.is_some(), "{found:?}");
    }
}
