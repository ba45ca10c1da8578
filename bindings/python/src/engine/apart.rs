//! The busy connection whose socket the event loop watches itself.

use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use pyo3::intern;
use pyo3::prelude::*;
use ropeway_core::engine::ConnectionId;

use super::{Core, Engine};

/// A connection that the core has left to the loop to watch.
pub(super) struct Apart {
    id: ConnectionId,
    socket: OwnedFd,
}

/// What the loop has to be told.
pub(super) struct Change {
    ended: Option<Apart>,
    begun: Option<RawFd>,
}

impl Core {
    /// Begins a turn of the connection apart. False when there is none any more.
    pub(super) fn begin_apart(&mut self) -> bool {
        let id = self.apart.as_ref().map(|apart| apart.id);
        match id.filter(|&id| self.engine.is_apart(id)) {
            Some(id) => self.engine.begin_direct(id, true, false),
            None => return false,
        }
        true
    }

    /// After a turn: whether another connection is to be watched apart, or this one no more.
    pub(super) fn review_apart(&mut self) -> Option<Change> {
        let engine = &mut self.engine;
        let lone = engine.take_lone().filter(|&id| !engine.is_apart(id));
        let ended = self
            .apart
            .take_if(|apart| lone.is_some() || !engine.is_apart(apart.id));
        if let Some(apart) = &ended {
            engine.watch_again(apart.id);
        }
        // Where the core cannot leave it, it stays where it is.
        let begun = lone.and_then(|id| {
            let socket = engine.watch_apart(id).ok()?;
            let descriptor = socket.as_raw_fd();
            self.apart = Some(Apart { id, socket });
            Some(descriptor)
        });
        (ended.is_some() || begun.is_some()).then_some(Change { ended, begun })
    }
}

impl Change {
    /// Tells the loop.
    pub(super) fn tell(self, engine: &Bound<'_, Engine>) -> PyResult<()> {
        let py = engine.py();
        let event_loop = engine.get().event_loop(py)?;
        if let Some(apart) = self.ended {
            event_loop.call_method1(intern!(py, "remove_reader"), (apart.socket.as_raw_fd(),))?;
        }
        if let Some(socket) = self.begun {
            let drain = engine.getattr(intern!(py, "drain_apart"))?;
            event_loop.call_method1(intern!(py, "add_reader"), (socket, drain))?;
        }
        Ok(())
    }
}
