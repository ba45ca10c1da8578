//! The way of a thread that waits for one connection alone: it waits on the connection's own socket, without a hold on
//! the engine, and has it read without asking the poller.

use std::os::fd::{AsRawFd, RawFd};
use std::time::Duration;

use super::slots::{Flags, Transport};
use super::{ConnectionId, Engine};
use crate::error::Error;

/// What a thread may wait for before it drains [`Engine::next_event`]. Descriptors are the engine's, and open until
/// the next call that drains events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DirectWait {
    /// Nothing: there is something to do at once.
    Nothing,
    /// The connection's socket; [`Engine::begin_direct`] takes what was found.
    Socket {
        /// The socket.
        socket: RawFd,
        /// Whether bytes are wanted; not on a paused connection.
        readable: bool,
        /// Whether bytes wait to be sent.
        writable: bool,
        /// After this there is something to do even if the socket is not ready; `None`: never.
        timeout: Option<Duration>,
    },
    /// That this descriptor is readable: there is no stream yet, or no connection any more. It may be so without an
    /// event to come of it.
    Engine(RawFd),
}

impl Engine {
    /// What to wait for between two turns, by a thread for which no other connection counts.
    ///
    /// # Errors
    /// [`Error::Forked`].
    pub fn direct_wait(&mut self, id: ConnectionId) -> Result<DirectWait, Error> {
        let connections = &mut self.connections;
        connections.check_fork()?;
        if self.active.is_some() || connections.has_work() {
            return Ok(DirectWait::Nothing);
        }
        connections.flush();
        if let Some(slot) = connections.slots.get(id)
            && let (Some(protocol), Transport::Stream(stream)) = (&slot.protocol, &slot.transport)
        {
            let timeout = connections.next_deadline();
            return Ok(DirectWait::Socket {
                socket: stream.descriptor(),
                readable: protocol.reads(),
                writable: slot.queue.is_some() || stream.unsent() > 0,
                timeout: timeout.map(|at| at.since(connections.clock.now())),
            });
        }
        Ok(DirectWait::Engine(self.poll.as_raw_fd()))
    }

    /// Begins a turn of one connection, whose socket has been found ready, or whose time has come. Drain
    /// [`next_event`](Self::next_event) then.
    pub fn begin_direct(&mut self, id: ConnectionId, readable: bool, writable: bool) {
        let connections = &mut self.connections;
        connections.begin_turn();
        if let Some(slot) = connections.slots.get_mut(id) {
            if readable {
                slot.flags.set(Flags::READABLE);
            }
            if writable {
                slot.flags.set(Flags::WRITABLE);
            }
            if !slot.flags.has(Flags::LISTED) {
                slot.flags.set(Flags::LISTED);
                connections.listed.push_back(id.index());
            }
        }
        connections.fire();
    }
}
