//! What this crate's own tests share: a forked child to change limits or users in, and a look into raw memory.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

/// A child tells its panic through a pipe. Printing it would take locks (of the backtrace, of the output) that
/// another thread may have held at the fork and that nobody would ever release in the child.
static IN_CHILD: AtomicBool = AtomicBool::new(false);
/// Set before any fork: setting a hook in the child would itself need a lock.
static QUIET_HOOK: Once = Once::new();

/// Runs `work` in a forked child (its own limits, user, signals; a single thread) and fails with what it panicked
/// with. A child that hangs is ended by its alarm.
pub(crate) fn in_child(work: impl FnOnce()) {
    use std::io::{Read, Write};
    QUIET_HOOK.call_once(|| {
        let loud = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !IN_CHILD.load(Ordering::Relaxed) {
                loud(panic);
            }
        }));
    });
    let (mut said, mut say) = std::io::pipe().unwrap();
    // SAFETY: the child runs `work` and leaves through _exit; glibc makes its allocator usable after fork.
    let fork = || unsafe { libc::fork() };
    #[cfg(target_os = "linux")]
    let pid = crate::harden::forking(fork);
    #[cfg(not(target_os = "linux"))]
    let pid = fork();
    assert!(pid >= 0, "fork: {}", std::io::Error::last_os_error());
    if pid == 0 {
        // SAFETY: no memory is touched.
        unsafe { libc::alarm(30) };
        IN_CHILD.store(true, Ordering::Relaxed);
        let failed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).err();
        if let Some(panic) = &failed {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("panic");
            let _ = say.write_all(text.as_bytes());
        }
        // SAFETY: ends the child at once.
        unsafe { libc::_exit(i32::from(failed.is_some())) };
    }
    drop(say);
    let mut text = String::new();
    said.read_to_string(&mut text).unwrap();
    let mut status = 0;
    // SAFETY: `status` is a valid place; the pid is our own child.
    assert_eq!(unsafe { libc::waitpid(pid, &mut status, 0) }, pid);
    assert_eq!(status, 0, "in the child: {text}");
}

/// Gives up root for good; for a forked child only. Does nothing where the tests run as an ordinary user, who is
/// what was wanted.
pub(crate) fn become_nobody() {
    become_user(65534);
}

/// As [`become_nobody`], for one of several strangers.
pub(crate) fn become_user(id: u32) {
    if rustix::process::geteuid().is_root() {
        // SAFETY: system calls without pointers to anything but an empty list.
        let gone = unsafe {
            libc::setgroups(0, std::ptr::null()) == 0 && libc::setgid(id) == 0 && libc::setuid(id) == 0
        };
        assert!(gone, "{}", std::io::Error::last_os_error());
    }
}

/// What the kernel shows of this process's memory, as a debugger would read it.
pub(crate) fn read_own_memory(address: usize, len: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; len];
    File::open("/proc/self/mem")?.read_exact_at(&mut bytes, address as u64)?;
    Ok(bytes)
}
