//! Who reads: one of the threads that wait, on the connection's own socket and with no lock held; the others wait for
//! what it finds.

use std::os::fd::{AsRawFd, RawFd};
use std::sync::{MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use ropeway_core::engine::DirectWait;

use super::{Core, ThreadConnection};
use crate::connection::CONNECTING;
use crate::errors::error;
use crate::lock::Locked;

/// How long a thread waits for another one that reads before it looks for signals.
const SIGNALS: Duration = Duration::from_millis(100);

/// A time that is further away than this is the keeper's to watch, which looks more often: a timer for each wait would
/// cost an eighth of a round trip.
const KEEPERS: Duration = Duration::from_secs(1);

/// What a look at the socket has shown.
#[derive(Default)]
struct Ready {
    readable: bool,
    writable: bool,
    interrupted: bool,
}

impl ThreadConnection {
    /// The lock. It is taken with the GIL held, or by a thread that holds it for no longer than a system call that does
    /// not wait; no Python code runs under it.
    pub(super) fn core(&self) -> Locked<'_, Core> {
        Locked::lock(&self.core)
    }

    fn raw_core(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `done` finds something, or `until` has passed.
    ///
    /// # Errors
    /// What a signal's handler raises; an error when this is a child process.
    pub(super) fn wait<T>(
        &self,
        py: Python<'_>,
        until: Option<Instant>,
        mut done: impl FnMut(&mut Core) -> Option<T>,
    ) -> PyResult<Option<T>> {
        let mut last = false;
        loop {
            let mut core = self.core();
            if let Some(found) = done(&mut core) {
                return Ok(Some(found));
            }
            if last {
                return Ok(None);
            }
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            last = left == Some(Duration::ZERO);
            let interrupted = if core.driven {
                let turns = core.turns;
                drop(core);
                py.detach(|| self.follow(turns, left.unwrap_or(SIGNALS).min(SIGNALS)));
                true
            } else {
                self.drive(py, core, left)?
            };
            if interrupted {
                py.check_signals()?;
            }
        }
    }

    /// Waits for the end of the turn that another thread is about to take.
    fn follow(&self, turns: u64, most: Duration) {
        let mut core = self.raw_core();
        core.followers += 1;
        let (mut core, _) = (self.turned)
            .wait_timeout_while(core, most, |core| core.turns == turns && core.driven)
            .unwrap_or_else(PoisonError::into_inner);
        core.followers -= 1;
    }

    /// Waits for the socket and takes what comes. Whether a signal came.
    fn drive(
        &self,
        py: Python<'_>,
        mut core: Locked<'_, Core>,
        left: Option<Duration>,
    ) -> PyResult<bool> {
        let id = core.id;
        let Some(engine) = &mut core.engine else {
            return Ok(false);
        };
        let wait = engine
            .direct_wait(id)
            .map_err(|problem| error(py, &problem))?;
        if wait == DirectWait::Nothing {
            core.turn(py);
            self.tell(&core);
            return Ok(false);
        }
        let bound = match wait {
            DirectWait::Socket { timeout, .. } => {
                timeout.filter(|&timeout| timeout < KEEPERS || core.phase == CONNECTING)
            }
            _ => None,
        };
        let bound = match (left, bound) {
            (Some(left), Some(bound)) => Some(left.min(bound)),
            (left, bound) => left.or(bound),
        };
        core.driven = true;
        let wake = core
            .wake
            .as_ref()
            .map_or(-1, |(reader, _)| reader.as_raw_fd());
        drop(core);
        let ready = py.detach(|| look(wait, bound, wake));
        let mut core = self.core();
        core.driven = false;
        core.roused();
        if let (DirectWait::Socket { .. }, Some(engine)) = (wait, &mut core.engine) {
            engine.begin_direct(id, ready.readable, ready.writable);
        }
        core.turn(py);
        self.tell(&core);
        Ok(ready.interrupted)
    }

    /// Tells the threads that follow of a turn.
    fn tell(&self, core: &Core) {
        if core.followers > 0 {
            self.turned.notify_all();
        }
    }

    /// Takes what has come while no thread waits, and sends what is due: the keeper's part. False when there is nothing
    /// to keep any more.
    pub(super) fn tend(&self, py: Python<'_>) -> bool {
        let Some(mut core) = Locked::try_lock(&self.core) else {
            return true;
        };
        if core.driven {
            core.rouse_if_due();
        } else {
            core.turn(py);
            self.tell(&core);
        }
        core.engine.is_some()
    }
}

/// Waits for what `wait` says, and for the descriptor `wake`, for `timeout` at most.
fn look(wait: DirectWait, timeout: Option<Duration>, wake: RawFd) -> Ready {
    let (descriptor, events) = match wait {
        DirectWait::Nothing => return Ready::default(),
        DirectWait::Engine(descriptor) => (descriptor, libc::POLLIN),
        DirectWait::Socket {
            socket,
            readable,
            writable,
            ..
        } => {
            let mut events = 0;
            if readable {
                events |= libc::POLLIN;
            }
            if writable {
                events |= libc::POLLOUT;
            }
            (socket, events)
        }
    };
    let millis = timeout.map_or(-1, |timeout| {
        let millis = timeout.as_micros().div_ceil(1000);
        i32::try_from(millis).unwrap_or(i32::MAX)
    });
    poll(descriptor, events, wake, millis)
}

#[allow(
    unsafe_code,
    reason = "poll(2) has no safe face in the standard library"
)]
fn poll(socket: RawFd, events: libc::c_short, wake: RawFd, millis: libc::c_int) -> Ready {
    let watch = |fd, events| libc::pollfd {
        fd,
        events,
        revents: 0,
    };
    let mut watched = [watch(socket, events), watch(wake, libc::POLLIN)];
    // SAFETY: `watched` is a valid array of two for the time of the call.
    let count = unsafe { libc::poll(watched.as_mut_ptr(), 2, millis) };
    let found = watched[0].revents;
    Ready {
        readable: found & !libc::POLLOUT != 0,
        writable: found & libc::POLLOUT != 0,
        interrupted: count < 0,
    }
}
