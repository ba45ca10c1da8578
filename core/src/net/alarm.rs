//! A timer in the poller's set, so that the one descriptor becomes ready for time-outs too.

#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) use timerfd::Alarm;

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) use none::Alarm;

#[cfg(any(target_os = "linux", target_os = "android"))]
#[allow(unsafe_code, reason = "timerfd has no face in the standard library")]
mod timerfd {
    use std::io;
    use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
    use std::time::Duration;

    use mio::unix::SourceFd;
    use mio::{Interest, Registry, Token};

    /// Makes the poller return once its time has come.
    #[derive(Debug)]
    pub(crate) struct Alarm(OwnedFd);

    impl Alarm {
        pub(crate) fn new(registry: &Registry, token: Token) -> io::Result<Self> {
            // SAFETY: timerfd_create takes no pointers; a non-negative result is a new descriptor that nothing else
            // owns.
            let descriptor = unsafe {
                let descriptor = libc::timerfd_create(
                    libc::CLOCK_MONOTONIC,
                    libc::TFD_CLOEXEC | libc::TFD_NONBLOCK,
                );
                if descriptor < 0 {
                    return Err(io::Error::last_os_error());
                }
                OwnedFd::from_raw_fd(descriptor)
            };
            SourceFd(&descriptor.as_raw_fd()).register(registry, token, Interest::READABLE)?;
            Ok(Self(descriptor))
        }

        /// Rings after `wait`; `None`: never. The earlier setting is forgotten.
        pub(crate) fn set(&self, wait: Option<Duration>) -> io::Result<()> {
            let at = wait.map_or(Duration::ZERO, |wait| wait.max(Duration::from_nanos(1)));
            let zero = libc::timespec {
                tv_sec: 0,
                tv_nsec: 0,
            };
            let setting = libc::itimerspec {
                it_interval: zero,
                it_value: libc::timespec {
                    tv_sec: libc::time_t::try_from(at.as_secs()).unwrap_or(libc::time_t::MAX),
                    tv_nsec: at.subsec_nanos() as libc::c_long,
                },
            };
            // SAFETY: the descriptor is open as long as `self` lives, `setting` is valid for reads, and a null pointer
            // for the old setting is allowed.
            let result = unsafe {
                libc::timerfd_settime(
                    self.0.as_raw_fd(),
                    0,
                    &raw const setting,
                    std::ptr::null_mut(),
                )
            };
            if result < 0 {
                Err(io::Error::last_os_error())
            } else {
                Ok(())
            }
        }
    }

    use mio::event::Source as _;
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod none {
    use std::io;
    use std::time::Duration;

    use mio::{Registry, Token};

    /// There is none here: the engine bounds its own waits, and a foreign loop calls `next_event` now and then.
    #[derive(Debug)]
    pub(crate) struct Alarm;

    impl Alarm {
        pub(crate) fn new(_: &Registry, _: Token) -> io::Result<Self> {
            Ok(Self)
        }

        pub(crate) fn set(&self, _: Option<Duration>) -> io::Result<()> {
            Ok(())
        }
    }
}
