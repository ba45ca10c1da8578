//! Whether this process is still the one that an engine was made in.

use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// Forks between the first engine's process and this one.
static FORKS: AtomicU32 = AtomicU32::new(0);

/// Remembers the process it was made in. After `fork()` the child shares the parent's epoll set and sockets, which two
/// processes cannot both drive.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ForkGuard(u32);

impl ForkGuard {
    pub(crate) fn new() -> io::Result<Self> {
        static WATCH: OnceLock<i32> = OnceLock::new();
        match *WATCH.get_or_init(watch) {
            0 => Ok(Self(FORKS.load(Ordering::Relaxed))),
            code => Err(io::Error::from_raw_os_error(code)),
        }
    }

    /// Whether the process has been forked since.
    #[inline]
    pub(crate) fn is_child(self) -> bool {
        FORKS.load(Ordering::Relaxed) != self.0
    }
}

extern "C" fn forked() {
    FORKS.fetch_add(1, Ordering::Relaxed);
}

#[allow(
    unsafe_code,
    reason = "the only way to learn of a fork without a system call on every use"
)]
fn watch() -> i32 {
    // SAFETY: `forked` is a function of this library that does one atomic addition, which is async-signal-safe as
    // handlers in the child have to be; it takes no arguments and lives as long as the code.
    unsafe { libc::pthread_atfork(None, None, Some(forked)) }
}
