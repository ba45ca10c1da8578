//! Messages on their way from the engine to `recv`.

use pyo3::prelude::*;
use ropeway_core::engine::Connections;

use super::{CLOSED, Connection};
use crate::errors::raised;
use crate::waiter::Waiter;

/// What `recv` finds.
pub(crate) enum Taken {
    Message(Py<PyAny>),
    Wait(Py<Waiter>),
    Closed,
}

impl Connection {
    /// Queues a message that has come. Whether a task waits for it.
    pub(crate) fn put(&self, message: Py<PyAny>, connections: &mut Connections) -> bool {
        let mut inner = self.inner();
        inner.queue.push_back(message);
        if inner.queue.len() >= self.high && !inner.paused && inner.waiter.is_none() {
            inner.paused = connections.pause(self.id()).is_ok();
        }
        inner.waiter.is_some()
    }

    /// Resumes the task in `recv`.
    pub(crate) fn resume(slf: &Bound<'_, Self>) -> PyResult<()> {
        let waiter = {
            let mut inner = slf.get().inner();
            inner.waiter.take()
        };
        let result = match waiter {
            Some(waiter) => Waiter::resume(waiter.bind(slf.py())),
            None => Ok(()),
        };
        // The task may have gone on to something else, and left messages behind.
        let connection = slf.get();
        let full = {
            let inner = connection.inner();
            inner.queue.len() >= connection.high && !inner.paused
        };
        if full {
            let mut core = connection.engine.get().core();
            let mut inner = connection.inner();
            inner.paused = core.connections().pause(connection.id()).is_ok();
        }
        result
    }

    /// The next message, or what to wait on for it.
    pub(crate) fn take(slf: &Bound<'_, Self>) -> PyResult<Taken> {
        let connection = slf.get();
        let py = slf.py();
        let mut inner = connection.inner();
        if inner.waiter.is_some() {
            drop(inner);
            return Err(raised(
                py,
                "ConcurrencyError",
                "cannot call recv while another coroutine is already running recv or recv_streaming",
            ));
        }
        if let Some(message) = inner.queue.pop_front() {
            let resumes = inner.paused && inner.queue.len() <= connection.low;
            if resumes {
                inner.paused = false;
            }
            drop(inner);
            if resumes {
                connection.read_on();
            }
            return Ok(Taken::Message(message));
        }
        if connection.phase() == CLOSED {
            return Ok(Taken::Closed);
        }
        let held_back = std::mem::take(&mut inner.paused);
        drop(inner);
        let waiter = Py::new(py, Waiter::new(slf.clone().unbind()))?;
        connection.inner().waiter = Some(waiter.clone_ref(py));
        if held_back {
            connection.read_on();
        }
        connection.engine.get().release();
        Ok(Taken::Wait(waiter))
    }

    /// The connection is open, and the application does not know yet: what came with the opening handshake waits until
    /// it does.
    pub(crate) fn hold_back(&self, connections: &mut Connections) {
        self.inner().paused = connections.pause(self.id()).is_ok();
    }

    /// The application has had its first word: from now on messages come, whether anybody waits for them or not.
    pub(crate) fn begin(&self) {
        let mut inner = self.inner();
        let held_back = inner.queue.is_empty() && std::mem::take(&mut inner.paused);
        drop(inner);
        if held_back {
            self.read_on();
        }
    }

    /// Reads a connection on that was paused.
    fn read_on(&self) {
        // It may have ended meanwhile.
        let _ = (self.engine.get().core().connections()).resume(self.id());
    }

    /// A wait in `recv` is over without a message.
    pub(crate) fn forget_waiter(&self, waiter: &Bound<'_, Waiter>) {
        let mut inner = self.inner();
        if inner.waiter.as_ref().is_some_and(|own| own.is(waiter)) {
            let own = inner.waiter.take();
            drop(inner);
            drop(own);
        }
    }
}
