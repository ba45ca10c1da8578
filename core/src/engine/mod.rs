//! The engine: many connections and listeners behind one pollable descriptor, driven by one thread.
//!
//! ```no_run
//! use std::sync::Arc;
//! use ropeway_core::engine::{Engine, EngineOptions, EventKind, ListenOptions};
//! use ropeway_core::protocol::Options;
//!
//! let mut engine = Engine::new(EngineOptions::default())?;
//! let address = "127.0.0.1:8080".parse().unwrap();
//! engine.connections().listen(address, &ListenOptions::default(), Arc::new(Options::default()))?;
//! loop {
//!     engine.poll(None)?;
//!     while let Some((event, connections)) = engine.next_event() {
//!         if let EventKind::Message { kind, payload } = event.kind {
//!             connections.send(event.id, kind, payload)?;
//!         }
//!     }
//! }
//! # Ok::<(), ropeway_core::Error>(())
//! ```
//!
//! An event borrows the engine's one receive buffer; [`Connections`], through which everything is done, does not, so
//! an echo copies nothing on its way in. What is sent while events are drained is corked: the answers to one
//! connection's messages leave in one write, when the next connection's turn comes or the events are drained. What is
//! sent at other times leaves at once.
//!
//! In a foreign event loop, watch [`Engine::descriptor`] for reading and drain [`Engine::next_event`] whenever it is
//! ready; no call of [`Engine::poll`] is needed. One drain is one bounded turn: each ready connection is read once.

mod apart;
mod client;
mod clock;
mod connections;
mod dialling;
mod direct;
mod drive;
mod event;
mod id;
mod listeners;
mod log;
mod mailbox;
mod metrics;
mod outgoing;
mod peers;
mod prometheus;
mod publish;
mod queue;
mod read;
mod redirect;
mod remote;
mod send;
#[cfg(test)]
mod simulation;
mod slots;
mod supervise;
mod tally;
mod timers;
mod topics;

use std::ops::Range;
use std::os::fd::{AsRawFd, RawFd};
use std::sync;
use std::time::Duration;

#[doc(hidden)]
pub use crate::net::rehearse_proxy;
pub use crate::net::{
    ConnectOptions, ListenOptions, NameResolver, Pem, ProxySetting, ProxyUrl, SocketOptions,
    TlsClient, TlsClientOptions, TlsIdentity, TlsInfo, TlsServer, TlsServerOptions,
};
pub use client::{Client, Received};
pub use connections::Connections;
pub use direct::DirectWait;
pub use event::{Event, EventKind, Message};
pub use id::{ConnectionId, ListenerId};
pub use metrics::{CloseCodes, ConnectionMetrics, Counters, Metrics, Refusals, Traffic};
pub use prometheus::PROMETHEUS_TYPE;
pub use publish::Forward;
pub use remote::Remote;
pub use send::Sent;
pub use supervise::Reconnect;

use crate::error::{Error, IoError};
use crate::net::ForkGuard;
use crate::protocol::{Gathered, Input, MakeRoom, Raw, Room, Source};
use apart::Lone;
use drive::Told;
use event::{Relayed, ToldText};
use redirect::Target;

/// Settings of an engine as a whole.
#[derive(Clone, Copy, Debug)]
pub struct EngineOptions {
    /// Connections, those being made or closed included. Default 1,000,000; at most 1,048,576. A connection accepted
    /// beyond it is answered 503.
    pub max_connections: u32,
    /// Bytes held for incomplete messages of all connections together. Default 512 MiB. The connection that would
    /// pass it is closed with 1013.
    pub max_incomplete_bytes: u64,
    /// Bytes of commands that wait for the engine from other threads. Default 64 MiB.
    pub remote_queue_limit: u64,
    /// Counts each connection apart, for [`Connections::connection_metrics`]: some 90 bytes for each. Default false.
    pub connection_metrics: bool,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            max_connections: 1_000_000,
            max_incomplete_bytes: 512 << 20,
            remote_queue_limit: 64 << 20,
            connection_metrics: false,
        }
    }
}

/// Drives connections. It belongs to the thread that uses it (it can be moved to another); other threads reach it
/// through a [`Remote`].
///
/// Dropping it closes all sockets without a word to the peers, except that TLS streams whose WebSocket has ended end in
/// order.
#[derive(Debug)]
pub struct Engine {
    poll: mio::Poll,
    ready: mio::Events,
    input: Input,
    connections: Connections,
    /// The connection whose bytes `input` holds.
    active: Option<u32>,
    lone: Lone,
    /// Bytes asked of a socket at once.
    read_size: usize,
    /// Bytes that may still be read of the active connection in this turn.
    burst: usize,
    /// What was read and parsed in one go, to be told first.
    read_ahead: Option<Raw>,
    /// Where the message stands that was told last.
    lent: Option<Source>,
    /// Where the redirect leads that is told.
    led_to: Option<Target>,
    /// The message of another node that is told.
    relayed: Option<Relayed>,
}

impl Engine {
    /// An engine without connections.
    ///
    /// # Errors
    /// [`Error::Io`] when the operating system gives no epoll set, event or timer descriptor.
    pub fn new(options: EngineOptions) -> Result<Self, Error> {
        let failed = |error: &std::io::Error| Error::Io(IoError::new("make an engine", error));
        let poll = mio::Poll::new().map_err(|error| failed(&error))?;
        let registry = poll
            .registry()
            .try_clone()
            .map_err(|error| failed(&error))?;
        let fork = ForkGuard::new().map_err(|error| failed(&error))?;
        let connections =
            Connections::new(registry, options, fork).map_err(|error| failed(&error))?;
        Ok(Self {
            poll,
            ready: mio::Events::with_capacity(1024),
            input: Input::with_incomplete_limit(options.max_incomplete_bytes),
            connections,
            active: None,
            lone: Lone::new(),
            read_size: read::READ_SIZE,
            burst: 0,
            read_ahead: None,
            lent: None,
            led_to: None,
            relayed: None,
        })
    }

    /// Everything that can be done with connections.
    pub fn connections(&mut self) -> &mut Connections {
        &mut self.connections
    }

    /// The descriptor that is readable when [`next_event`](Self::next_event) has something to do, for any loop's
    /// `poll`, `epoll` or `kqueue`. It is the engine's: watch it, do not read or close it.
    pub fn descriptor(&mut self) -> RawFd {
        if !std::mem::replace(&mut self.connections.embedded, true)
            && (self.active.is_some() || self.connections.has_work())
        {
            self.connections.remote.rouse();
        }
        self.poll.as_raw_fd()
    }

    /// A handle for other threads.
    #[must_use]
    pub fn remote(&self) -> Remote {
        self.connections.remote.clone()
    }

    /// Waits until there is something to do, or `timeout` has passed; `None` waits for ever. What there is to do is
    /// done by [`next_event`](Self::next_event).
    ///
    /// # Errors
    /// [`Error::Forked`] in a child process, [`Error::Io`].
    pub fn poll(&mut self, timeout: Option<Duration>) -> Result<(), Error> {
        self.connections.check_fork()?;
        if self.active.is_some() || self.connections.has_work() {
            return self.look(Some(Duration::ZERO));
        }
        self.look(timeout)
    }

    /// The next thing that happened, and the connections to act on. `None` when the present turn is over: every ready
    /// connection has been read once. Then [`poll`](Self::poll), or wait for the [`descriptor`](Self::descriptor).
    ///
    /// In a child process it returns `None`; [`poll`](Self::poll) and every other call say why.
    #[inline]
    pub fn next_event(&mut self) -> Option<(Event<'_>, &mut Connections)> {
        loop {
            if let Some((slot, kind, source)) = self.next_plain() {
                self.lent = Some(source);
                let payload = self.input.payload(source);
                self.connections.told = ToldText::of(kind, payload);
                let event = Event {
                    id: slot.id,
                    user_data: slot.user_data,
                    listener: slot.listener,
                    kind: EventKind::Message { kind, payload },
                };
                return Some((event, &mut self.connections));
            }
            match self.advance()? {
                Told::Bytes => {}
                told => return self.tell(told),
            }
        }
    }

    /// The next event, if it is a whole message that is at hand already: a quicker [`next_event`](Self::next_event)
    /// for drivers that treat messages apart. `None` says nothing: ask `next_event`.
    #[inline]
    pub fn next_message(&mut self) -> Option<Message<'_>> {
        let (slot, kind, source) = self.next_plain()?;
        self.lent = Some(source);
        let payload = self.input.payload(source);
        self.connections.told = ToldText::of(kind, payload);
        Some(Message {
            id: slot.id,
            user_data: slot.user_data,
            listener: slot.listener,
            kind,
            payload,
        })
    }

    /// The connection of which bytes have been read that have not been looked at yet. A driver that gathers messages of
    /// several connections to hand them on together hands on this one's before it asks for the next event: what comes
    /// behind them, a Close frame for instance, is answered at once.
    #[must_use]
    pub fn unparsed(&mut self) -> Option<ConnectionId> {
        let index = self.active?;
        let waits = !self.input.is_empty() || self.read_ahead.is_some();
        waits.then(|| self.connections.slots.at(index).id)
    }

    /// The payload of the message that was told last, to keep: where it was gathered from several reads its own memory,
    /// otherwise a copy. `None` when the last event was no message, or has been kept.
    pub fn keep_message(&mut self) -> Option<Gathered> {
        let source = self.lent.take()?;
        self.connections.told = ToldText::default();
        Some(self.input.keep(source))
    }

    /// The payload of the message that was told last, again; nothing when the last event was none, or has been kept.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        self.lent.map_or(&[], |source| self.input.payload(source))
    }

    /// Keeps the payload of the message that was told last where it stands in the [`memory`](Self::memory) that the
    /// engine reads into, which it goes on with behind it. Where that is; it stays so until
    /// [`replace_memory`](Self::replace_memory). `None` when it stands elsewhere: it was gathered from several reads, or
    /// inflated.
    pub fn keep_in_place(&mut self) -> Option<Range<usize>> {
        let Source::Buffer { start, end } = self.lent? else {
            return None;
        };
        self.connections.told = ToldText::default();
        self.input.keep_up_to(end).then_some(start..end)
    }

    /// The memory that the engine reads into. It neither moves nor grows while anything is kept in it.
    pub fn memory(&mut self) -> &mut [u8] {
        self.input.memory()
    }

    /// Bytes that the engine asks of a socket at once: 64 KiB, or more once a read has been filled.
    #[must_use]
    pub const fn read_size(&self) -> usize {
        self.read_size
    }

    /// Whether the memory has no room for a read behind what is kept in it: time to replace it, before the next event is
    /// asked for that is no [message at hand](Self::next_message). Otherwise the engine makes itself other memory.
    #[must_use]
    pub fn memory_is_full(&self) -> bool {
        self.input.is_full(self.read_size)
    }

    /// The memory in which messages are kept. From now on the engine reads into `memory`, which it grows as it needs
    /// while nothing is kept in it; what has not been parsed yet moves there.
    pub fn replace_memory(&mut self, memory: Vec<u8>) -> Vec<u8> {
        self.lent = None;
        self.connections.told = ToldText::default();
        self.input.replace(memory)
    }

    /// Hands in memory of a message that was [kept](Self::keep_message), for one to come. What is not wanted comes back.
    pub fn reuse(&mut self, memory: Gathered) -> Option<Gathered> {
        self.input.reuse(memory)
    }

    /// Has large binary messages received into memory that `make` makes for them, as far as they wait to be read: when all
    /// that is missing of one is there, 32 KiB at least, `make` is asked for memory of its whole length in bytes.
    /// Whatever `make` does not want is received as ever.
    pub fn make_rooms(&mut self, make: Box<MakeRoom>) {
        self.input.make_rooms(make);
    }

    /// The memory that holds the message that was told last, if `make_rooms` made it; then it is the caller's.
    pub fn take_room(&mut self) -> Option<Box<dyn Room>> {
        let in_room = self
            .lent
            .take_if(|source| matches!(source, Source::Room))
            .is_some();
        in_room.then(|| self.input.take_room()).flatten()
    }

    /// The event in all other cases.
    #[inline(never)]
    fn tell(&mut self, told: Told) -> Option<(Event<'_>, &mut Connections)> {
        let (id, kind) = match told {
            Told::Bytes => return None,
            Told::Event(id, raw) => {
                self.lent = match raw {
                    Raw::Message { kind, source } => {
                        self.connections.told = ToldText::of(kind, self.input.payload(source));
                        Some(source)
                    }
                    _ => None,
                };
                (id, self.input.lend(raw)?.into())
            }
            Told::Redirect(id) => {
                let response = supervise::response(self.input.closed()?)?;
                let Target { url, options } = self.led_to.as_ref()?;
                let kind = EventKind::Redirect {
                    response,
                    url,
                    headers: &options.headers,
                };
                (id, kind)
            }
            Told::Reconnecting(id, attempt, delay) => {
                let closed = self.input.closed()?;
                let kind = EventKind::Reconnecting {
                    closed,
                    attempt,
                    delay,
                };
                (id, kind)
            }
            Told::Notice(notice) => (notice.connection(), notice.into_kind(&mut self.relayed)),
        };
        let slot = self.connections.slots.get(id);
        let event = Event {
            id,
            user_data: slot.map_or(0, |slot| slot.user_data),
            listener: slot.map_or(ListenerId::NONE, |slot| slot.listener),
            kind,
        };
        Some((event, &mut self.connections))
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.connections.remote.retire();
        self.connections.take_leave();
    }
}
