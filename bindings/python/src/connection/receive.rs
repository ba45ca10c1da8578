//! Messages on their way from the engine to `recv`.

use pyo3::prelude::*;
use ropeway_core::engine::Connections;

use super::{CLOSED, Connection};
use crate::errors::busy;
use crate::inbox::Item;
use crate::waiter::Waiter;

/// What `recv` finds.
pub(crate) enum Taken {
    Item(Item),
    Wait(Py<Waiter>),
    Closed,
}

impl Connection {
    /// Queues what has come. Whether a task waits for it.
    pub(crate) fn put(&self, item: Item, connections: &mut Connections) -> bool {
        let mut inner = self.inner();
        inner.inbox.push(item);
        let awaited = inner.waiter.is_some();
        if !awaited {
            inner.inbox.pause(connections, self.id());
        }
        awaited
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
        let full = connection.inner().inbox.is_full();
        if full {
            let mut core = connection.engine.get().core();
            let mut inner = connection.inner();
            inner.inbox.pause(core.connections(), connection.id());
        }
        result
    }

    /// Has the next message come in pieces.
    pub(crate) fn stream(slf: &Bound<'_, Self>) -> PyResult<()> {
        let connection = slf.get();
        let mut core = connection.engine.get().core();
        let mut inner = connection.inner();
        if inner.is_awaited() || inner.inbox.streaming {
            drop((inner, core));
            return Err(busy(slf.py()));
        }
        inner.inbox.streaming = true;
        if inner.inbox.is_empty() {
            // Its end is for the next piece to tell.
            let _ = core.connections().stream_message(connection.id());
        }
        Ok(())
    }

    /// The next message, or piece of one, or what to wait on for it.
    pub(crate) fn take(slf: &Bound<'_, Self>, piece: bool) -> PyResult<Taken> {
        let connection = slf.get();
        let py = slf.py();
        let mut inner = connection.inner();
        if inner.is_awaited() || inner.inbox.streaming != piece {
            drop(inner);
            return Err(busy(py));
        }
        if let Some(item) = inner.inbox.pop() {
            let goes_on = inner.inbox.goes_on();
            drop(inner);
            if goes_on {
                connection.read_on();
            }
            return Ok(Taken::Item(item));
        }
        if connection.phase() == CLOSED {
            inner.inbox.streaming = false;
            return Ok(Taken::Closed);
        }
        let held_back = inner.inbox.is_wanted();
        let spare = inner.spare.take();
        drop(inner);
        let waiter = match spare {
            Some(waiter) => {
                waiter.get().begin();
                waiter
            }
            None => Py::new(py, Waiter::new(connection.engine.clone_ref(py)))?,
        };
        let cancelled = connection.inner().waiter.replace(waiter.clone_ref(py));
        drop(cancelled);
        if held_back {
            connection.read_on();
        }
        connection.engine.get().release();
        Ok(Taken::Wait(waiter))
    }

    /// The connection is open, and the application does not know yet: what came with the opening handshake waits until
    /// it does.
    pub(crate) fn hold_back(&self, connections: &mut Connections) {
        self.inner().inbox.hold_back(connections, self.id());
    }

    /// The application has had its first word: from now on messages come, whether anybody waits for them or not.
    pub(crate) fn begin(&self) {
        let held_back = self.inner().inbox.is_wanted();
        if held_back {
            self.read_on();
        }
    }

    /// Reads a connection on that was paused.
    fn read_on(&self) {
        // It may have ended meanwhile.
        let _ = self.with(Connections::resume);
    }

    /// A call of `recv` waits no longer: a message has come, or it was cancelled.
    pub(crate) fn give_back(&self, waiter: Py<Waiter>) {
        let mut inner = self.inner();
        let waiting = inner.waiter.take_if(|own| own.is(&waiter));
        let last = if waiter.get().is_over() && self.phase() != CLOSED {
            inner.spare.replace(waiter)
        } else {
            Some(waiter)
        };
        drop(inner);
        drop((waiting, last));
    }
}
