//! The way of a host's loop to one busy connection: it watches that connection's own socket beside the engine's
//! descriptor, so that a message does not cost the poller's wait on top of the loop's.

use std::os::fd::OwnedFd;

use mio::{Interest, Token};

use super::Engine;
use super::connections::Connections;
use super::id::{self, ConnectionId};
use super::slots::{Flags, Transport};
use crate::error::{Error, IoError};

/// Turns in a row after which a connection that was ready alone in each of them is worth a watch of its own: a change
/// costs some ten system calls.
const ALONE: u32 = 64;

/// The connection that was ready alone in the last turns.
#[derive(Debug)]
pub(super) struct Lone {
    token: Token,
    turns: u32,
}

impl Lone {
    pub(super) const fn new() -> Self {
        Self {
            token: id::ALARM,
            turns: 0,
        }
    }

    /// Counts a turn that began with these.
    pub(super) fn count(&mut self, ready: &mio::Events) {
        let mut ready = ready.iter();
        match (ready.next(), ready.next()) {
            (Some(event), None) if event.token() == self.token => self.turns += 1,
            (Some(event), _) => {
                self.token = event.token();
                self.turns = 0;
            }
            (None, _) => {}
        }
    }
}

impl Engine {
    /// A connection that has been ready alone in many turns, told once: one for [`watch_apart`](Self::watch_apart).
    pub fn take_lone(&mut self) -> Option<ConnectionId> {
        if self.lone.turns < ALONE {
            return None;
        }
        self.lone.turns = 0;
        let id = ConnectionId::from_bits(self.lone.token.0 as u64);
        self.connections.slots.get(id).map(|slot| slot.id)
    }

    /// Leaves it to the host to watch a connection's socket for reading, and gives it a duplicate of the descriptor for
    /// that. When it is readable, call [`begin_direct`](Self::begin_direct) and drain
    /// [`next_event`](Self::next_event). All else stays behind the engine's [`descriptor`](Self::descriptor).
    ///
    /// The engine takes it back when the connection is [paused](Connections::pause) or ends. Ask
    /// [`is_apart`](Self::is_apart) at the end of each turn, and before each begins: when it is so no more, the host has
    /// to stop watching and to close the duplicate, which holds the connection open.
    ///
    /// # Errors
    /// [`Error::UnknownId`], [`Error::Forked`], [`Error::Misuse`] when it is not open, or paused, [`Error::Io`].
    pub fn watch_apart(&mut self, id: ConnectionId) -> Result<OwnedFd, Error> {
        let connections = &mut self.connections;
        connections.check_fork()?;
        let slot = connections.slots.get_mut(id).ok_or(Error::UnknownId)?;
        let (Some(protocol), Transport::Stream(stream)) = (&slot.protocol, &slot.transport) else {
            return Err(Error::Misuse("the connection is not made yet"));
        };
        if !protocol.reads() {
            return Err(Error::Misuse("the connection is not read now"));
        }
        let failed = |error| Error::Io(IoError::new("watch a socket apart", &error));
        let duplicate = stream.duplicate().map_err(failed)?;
        stream
            .watch_for(&connections.registry, id.token(), Interest::WRITABLE)
            .map_err(failed)?;
        slot.flags.set(Flags::APART);
        Ok(duplicate)
    }

    /// Whether a connection's socket is left to the host.
    #[must_use]
    pub fn is_apart(&self, id: ConnectionId) -> bool {
        let slot = self.connections.slots.get(id);
        slot.is_some_and(|slot| slot.flags.has(Flags::APART))
    }

    /// Watches a connection's socket again that was left to the host.
    pub fn watch_again(&mut self, id: ConnectionId) {
        if self.is_apart(id) {
            self.connections.take_back(id.index());
        }
    }
}

impl Connections {
    /// Watches a socket for reading again, if it was left to the host. What has come meanwhile makes it ready.
    pub(super) fn take_back(&mut self, index: u32) {
        let slot = self.slots.at(index);
        if !slot.flags.take(Flags::APART) {
            return;
        }
        if let Transport::Stream(stream) = &slot.transport {
            let both = Interest::READABLE | Interest::WRITABLE;
            let watched = stream.watch_for(&self.registry, slot.id.token(), both);
            if let Err(error) = watched {
                let error = Error::Io(IoError::new("watch a socket", &error));
                self.fail(index, error);
            }
        }
    }
}
