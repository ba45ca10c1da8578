//! An engine from other threads.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mio::Waker;

use super::id::ConnectionId;
use crate::error::{Error, Limit, Role};
use crate::frame::CloseCode;
use crate::net::ForkGuard;
use crate::protocol::MessageKind;

/// What a command weighs in the queue besides its payload, in bytes.
const COMMAND: u64 = 64;

/// A handle on an engine for other threads: cheap to clone, free to use from any thread. Its commands reach the engine
/// in the order in which one thread gave them, and are carried out when the engine next polls, which they bring about.
/// When the engine is gone, every call answers [`Error::EngineGone`].
#[derive(Clone)]
pub struct Remote(Arc<Shared>);

struct Shared {
    queue: Mutex<Queue>,
    /// The engine is gone. It is set under the queue's lock.
    gone: AtomicBool,
    waker: Waker,
    limit: u64,
    fork: ForkGuard,
}

#[derive(Default)]
struct Queue {
    commands: Vec<Command>,
    bytes: u64,
}

/// What another thread wants done.
#[derive(Debug)]
pub(super) enum Command {
    Send(ConnectionId, MessageKind, Vec<u8>),
    Publish(Box<str>, MessageKind, Vec<u8>),
    Close(ConnectionId, CloseCode, String),
    Abort(ConnectionId),
}

impl Remote {
    pub(super) fn new(waker: Waker, limit: u64, fork: ForkGuard) -> Self {
        Self(Arc::new(Shared {
            queue: Mutex::default(),
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
        self.check_gone()?;
        self.rouse();
        Ok(())
    }

    fn push(&self, command: Command, size: usize) -> Result<(), Error> {
        self.check_fork()?;
        let mut queue = self.lock();
        self.check_gone()?;
        let bytes = queue.bytes + size as u64 + COMMAND;
        if bytes > self.0.limit {
            return Err(Error::Limit {
                limit: Limit::RemoteQueue,
                value: self.0.limit,
                actual: bytes,
                role: Role::Server,
            });
        }
        let first = queue.commands.is_empty();
        queue.bytes = bytes;
        queue.commands.push(command);
        drop(queue);
        if first {
            self.rouse();
        }
        Ok(())
    }

    /// In a child the queue is a copy, which its engine's process never sees, and may be locked for ever.
    fn check_fork(&self) -> Result<(), Error> {
        if self.0.fork.is_child() {
            Err(Error::Forked)
        } else {
            Ok(())
        }
    }

    fn check_gone(&self) -> Result<(), Error> {
        if self.0.gone.load(Ordering::Relaxed) {
            return Err(Error::EngineGone);
        }
        Ok(())
    }

    pub(super) fn take(&self) -> Vec<Command> {
        let mut queue = self.lock();
        queue.bytes = 0;
        std::mem::take(&mut queue.commands)
    }

    /// No engine carries out commands any more.
    pub(super) fn retire(&self) {
        if self.check_fork().is_err() {
            return;
        }
        let mut queue = self.lock();
        self.0.gone.store(true, Ordering::Relaxed);
        queue.commands = Vec::new();
    }

    /// Makes the engine's descriptor ready.
    pub(super) fn rouse(&self) {
        // It fails only when so many wake-ups are pending that one more makes no difference.
        let _ = self.0.waker.wake();
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Remote")
    }
}
