//! An engine from other threads.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mio::Waker;

use super::id::ConnectionId;
use super::mailbox::{Mailbox, Refused};
use crate::error::{Error, Limit, Role};
use crate::frame::CloseCode;
use crate::net::ForkGuard;
use crate::protocol::MessageKind;

/// A handle on an engine for other threads: cheap to clone, free to use from any thread. Its commands reach the engine
/// in the order in which one thread gave them, and are carried out when the engine next polls, which they bring about.
/// When the engine is gone, every call answers [`Error::EngineGone`].
#[derive(Clone)]
pub struct Remote(Arc<Shared>);

struct Shared {
    mailbox: Mailbox<Command>,
    /// The mailbox is retired; here this can be asked in a signal handler.
    gone: AtomicBool,
    waker: Waker,
    limit: u64,
    fork: ForkGuard,
}

/// What another thread wants done.
#[derive(Debug)]
pub(super) enum Command {
    Send(ConnectionId, MessageKind, Vec<u8>),
    Publish(Box<str>, MessageKind, Vec<u8>),
    Deliver(Box<str>, MessageKind, Vec<u8>),
    Close(ConnectionId, CloseCode, String),
    Abort(ConnectionId),
}

impl Remote {
    pub(super) fn new(waker: Waker, limit: u64, fork: ForkGuard) -> Self {
        Self(Arc::new(Shared {
            mailbox: Mailbox::new(limit),
            gone: AtomicBool::new(false),
            waker,
            limit,
            fork,
        }))
    }

    /// Sends a message. What becomes of it is told by the engine: [`Undelivered`](super::EventKind::Undelivered) when
    /// the connection's queue is full, nothing when the connection is gone.
    ///
    /// # Errors
    /// [`Error::Limit`] when commands of `remote_queue_limit` bytes wait already, [`Error::EngineGone`],
    /// [`Error::Forked`].
    pub fn send(&self, id: ConnectionId, kind: MessageKind, payload: Vec<u8>) -> Result<(), Error> {
        let size = payload.len();
        self.push(Command::Send(id, kind, payload), size)
    }

    /// Publishes a message to a topic's subscribers.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn publish(&self, topic: &str, kind: MessageKind, payload: Vec<u8>) -> Result<(), Error> {
        let size = topic.len() + payload.len();
        self.push(Command::Publish(topic.into(), kind, payload), size)
    }

    /// As [`publish`](Self::publish), of a message that was published elsewhere: it is not shown to who
    /// [forwards](super::Connections::set_forward) what is published here, and it is
    /// [told](super::EventKind::Relayed) once its subscribers have it.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn deliver(&self, topic: &str, kind: MessageKind, payload: Vec<u8>) -> Result<(), Error> {
        let size = topic.len() + payload.len();
        self.push(Command::Deliver(topic.into(), kind, payload), size)
    }

    /// Begins the closing handshake of a connection, as [`Connections::close`](super::Connections::close).
    ///
    /// # Errors
    /// As [`send`](Self::send). A code or reason that cannot be sent closes with 1011 instead.
    pub fn close(&self, id: ConnectionId, code: CloseCode, reason: &str) -> Result<(), Error> {
        self.push(Command::Close(id, code, reason.to_owned()), reason.len())
    }

    /// Ends a connection without a Close frame.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn abort(&self, id: ConnectionId) -> Result<(), Error> {
        self.push(Command::Abort(id), 0)
    }

    /// Makes a waiting [`Engine::poll`](super::Engine::poll) return. While the engine is there, this may be called in a
    /// signal handler: it writes to a descriptor and does nothing else.
    ///
    /// # Errors
    /// [`Error::EngineGone`], [`Error::Forked`].
    pub fn wake(&self) -> Result<(), Error> {
        self.check_fork()?;
        if self.0.gone.load(Ordering::Relaxed) {
            return Err(Error::EngineGone);
        }
        self.rouse();
        Ok(())
    }

    fn push(&self, command: Command, size: usize) -> Result<(), Error> {
        self.check_fork()?;
        let pushed = self.0.mailbox.push(command, size, || self.rouse());
        pushed.map_err(|refused| match refused {
            Refused::Gone => Error::EngineGone,
            Refused::Full(bytes) => Error::Limit {
                limit: Limit::RemoteQueue,
                value: self.0.limit,
                actual: bytes,
                role: Role::Server,
            },
        })
    }

    /// In a child the queue is a copy, which its engine's process never sees, and may be locked for ever.
    fn check_fork(&self) -> Result<(), Error> {
        if self.0.fork.is_child() {
            Err(Error::Forked)
        } else {
            Ok(())
        }
    }

    pub(super) fn take(&self) -> Vec<Command> {
        self.0.mailbox.take()
    }

    /// No engine carries out commands any more.
    pub(super) fn retire(&self) {
        if self.check_fork().is_err() {
            return;
        }
        self.0.gone.store(true, Ordering::Relaxed);
        self.0.mailbox.retire();
    }

    /// Makes the engine's descriptor ready.
    pub(super) fn rouse(&self) {
        // It fails only when so many wake-ups are pending that one more makes no difference.
        let _ = self.0.waker.wake();
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Remote")
    }
}
