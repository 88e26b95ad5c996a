//! Wipes the dead part of a thread's stack, where signing and decoding code leaves copies that no destructor reaches.

use std::mem::MaybeUninit;

/// Overwrites 64 KiB of dead stack below the caller: after a key was opened, a KeePass file or a passphrase was
/// decoded. Takes a few microseconds; safe on any thread with the usual 2 MiB of stack.
#[inline(never)]
pub fn scrub_stack() {
    overwrite::<8192>();
}

/// Overwrites 12 KiB: cheap enough (well under a microsecond) to follow each fast signature.
#[inline(never)]
pub fn scrub_stack_small() {
    overwrite::<1536>();
}

/// Runs `job`, which handles secrets, in a frame of its own, and overwrites that frame and those below it when it is
/// done. What it returns should hold a secret only behind a pointer.
pub fn scrubbed<T>(job: impl FnOnce() -> T) -> T {
    let done = own_frame(job);
    scrub_stack();
    done
}

/// Inlined, the job's frame would be the caller's, which is not dead yet when the stack is overwritten.
#[inline(never)]
fn own_frame<T>(job: impl FnOnce() -> T) -> T {
    job()
}

/// Own frame of `WORDS` words, written through volatile stores that no optimiser may drop although nothing reads
/// them. Words and not bytes: eight times fewer stores.
#[inline(never)]
fn overwrite<const WORDS: usize>() {
    let mut frame = [const { MaybeUninit::<u64>::uninit() }; WORDS];
    for word in &mut frame {
        // SAFETY: `word` is a valid, aligned place in this frame.
        unsafe { std::ptr::write_volatile(word.as_mut_ptr(), 0) };
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::read_own_memory;

    /// Leaves a pattern in its dead frame, as a library call would, and tells where.
    #[inline(never)]
    fn leave_behind<const N: usize>() -> usize {
        let mut frame = [0u8; N];
        for byte in &mut frame {
            // SAFETY: `byte` is a valid place in this frame.
            unsafe { std::ptr::write_volatile(byte, 0xC3) };
        }
        std::hint::black_box(&frame).as_ptr() as usize
    }

    fn left(address: usize, len: usize) -> usize {
        let seen = read_own_memory(address, len).unwrap();
        seen.iter().filter(|&&byte| byte == 0xC3).count()
    }

    #[test]
    fn nothing_of_a_dead_frame_survives() {
        let address = leave_behind::<32768>();
        scrub_stack();
        assert!(left(address, 32768) < 64);
        let address = leave_behind::<8192>();
        scrub_stack_small();
        assert!(left(address, 8192) < 64);
        let address = scrubbed(leave_behind::<32768>);
        assert!(left(address, 32768) < 64);
    }
}
