//! A blocking client: one connection, one thread, an engine inside.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::drive::Told;
use super::slots::Slot;
use super::{ConnectOptions, ConnectionId, Engine, EngineOptions};
use crate::error::{Error, SendError};
use crate::frame::CloseCode;
use crate::net::TlsInfo;
use crate::protocol::{Closed, Event, MessageKind, Opened, Options, Raw};

/// One connection whose calls wait for what they ask for. It belongs to the thread that uses it, and can be moved to
/// another.
///
/// While no call is under way nothing is read, so pings are not answered then: call
/// [`receive`](Self::receive) regularly on a connection that is to stay open. Dropping it closes the socket without a
/// Close frame.
#[derive(Debug)]
pub struct Client {
    engine: Engine,
    id: ConnectionId,
    opened: Opened,
    closed: Option<Closed>,
    /// Messages and pongs that came while something else was waited for.
    early: VecDeque<Early>,
    early_bytes: u64,
    /// The payload of the early one that was lent last.
    lent: Vec<u8>,
    early_limit: u64,
}

/// A message, or a pong when it has no kind.
#[derive(Debug)]
struct Early {
    kind: Option<MessageKind>,
    payload: Vec<u8>,
}

impl Early {
    /// What keeping it costs, about.
    const fn cost(&self) -> u64 {
        (size_of::<Self>() + self.payload.len()) as u64
    }
}

/// What a [`Client`] received.
#[derive(Debug)]
pub enum Received<'a> {
    /// A whole message, lent until the next call.
    Message {
        /// Text (validated as UTF-8) or binary.
        kind: MessageKind,
        /// Its payload.
        payload: &'a [u8],
    },
    /// A pong came, to a [`ping`](Client::ping) or unasked.
    Pong {
        /// At most 125 bytes.
        payload: &'a [u8],
    },
    /// The connection has ended. Every further call says so too.
    Closed(&'a Closed),
}

impl Client {
    /// Connects, and waits until the connection is open; `open_timeout` of the options bounds it. Messages come whole:
    /// `streaming` is turned off.
    ///
    /// # Errors
    /// Whatever kept the connection from opening.
    pub fn open(url: &str, options: Arc<Options>) -> Result<Self, Error> {
        Self::open_with(url, &ConnectOptions::default(), options)
    }

    /// As [`open`](Self::open), by other settings of the transport than the default ones. Redirects are followed as
    /// [`max_redirects`](ConnectOptions::max_redirects) says.
    ///
    /// # Errors
    /// Whatever kept the connection from opening.
    pub fn open_with(
        url: &str,
        connect: &ConnectOptions,
        options: Arc<Options>,
    ) -> Result<Self, Error> {
        let options = if options.streaming {
            Arc::new(Options {
                streaming: false,
                ..Options::clone(&options)
            })
        } else {
            options
        };
        let mut engine = Engine::new(EngineOptions::default())?;
        let early_limit = options.send_queue_limit;
        let id = engine.connections().connect_with(url, connect, options)?;
        let mut client = Self {
            engine,
            id,
            opened: Opened::default(),
            closed: None,
            early: VecDeque::new(),
            early_bytes: 0,
            lent: Vec::new(),
            early_limit,
        };
        while let Some(told) = client.next(None)? {
            match told {
                Told::Event(_, raw @ Raw::Opened) => {
                    if let Some(Event::Opened(opened)) = client.engine.input.lend(raw) {
                        client.opened = opened.clone();
                    }
                    break;
                }
                Told::Event(_, Raw::Closed) => {
                    return Err(client.end().cause.clone().unwrap_or(Error::ConnectionLost));
                }
                _ => {}
            }
        }
        Ok(client)
    }

    /// What the TLS handshake agreed on; `None` for a plain connection, and once it has ended.
    #[must_use]
    pub fn tls_info(&mut self) -> Option<TlsInfo> {
        self.engine.connections().tls_info(self.id).ok().flatten()
    }

    /// What was agreed on in the opening handshake.
    #[must_use]
    pub const fn opened(&self) -> &Opened {
        &self.opened
    }

    /// Sends a message, and waits until the kernel has all of it. Messages and pongs that come meanwhile are kept for
    /// [`receive`](Self::receive), up to `send_queue_limit` bytes, after which the peer has to wait.
    ///
    /// # Errors
    /// [`Error::Send`] when it cannot be taken.
    pub fn send(&mut self, kind: MessageKind, payload: &[u8]) -> Result<(), Error> {
        self.engine.connections().send(self.id, kind, payload)?;
        self.drain()
    }

    /// Sends the next fragment of a message, `last` its last; as [`send`](Self::send) otherwise.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_fragment(
        &mut self,
        kind: MessageKind,
        payload: &[u8],
        last: bool,
    ) -> Result<(), Error> {
        self.engine
            .connections()
            .send_fragment(self.id, kind, payload, last)?;
        self.drain()
    }

    /// Sends a ping of at most 125 bytes; the answer comes by [`receive`](Self::receive).
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn ping(&mut self, payload: &[u8]) -> Result<(), Error> {
        self.engine.connections().ping(self.id, payload)?;
        self.engine.connections().flush();
        Ok(())
    }

    /// Waits for what comes next; `None` when nothing has come within `timeout`, which `None` makes endless. The
    /// connection lives on after a time-out, and no byte is lost.
    ///
    /// # Errors
    /// [`Error::Forked`] in a child process, [`Error::Io`] of the poller. The end of the connection is no error of this
    /// call.
    pub fn receive(&mut self, timeout: Option<Duration>) -> Result<Option<Received<'_>>, Error> {
        if let Some(early) = self.early.pop_front() {
            self.early_bytes -= early.cost();
            if self.early.is_empty() && self.closed.is_none() {
                self.engine.connections().resume(self.id)?;
            }
            self.lent = early.payload;
            let payload = &*self.lent;
            return Ok(Some(match early.kind {
                Some(kind) => Received::Message { kind, payload },
                None => Received::Pong { payload },
            }));
        }
        self.lent = Vec::new();
        if self.closed.is_some() {
            return Ok(self.closed.as_ref().map(Received::Closed));
        }
        let until = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        while let Some(told) = self.next(until)? {
            match told {
                Told::Event(_, raw @ (Raw::Message { .. } | Raw::Pong { .. })) => {
                    return Ok(match self.engine.input.lend(raw) {
                        Some(Event::Message { kind, payload }) => {
                            Some(Received::Message { kind, payload })
                        }
                        Some(Event::Pong { payload, .. }) => Some(Received::Pong { payload }),
                        _ => None,
                    });
                }
                Told::Event(_, Raw::Closed) => return Ok(Some(Received::Closed(self.end()))),
                _ => {}
            }
        }
        Ok(None)
    }

    /// Closes the connection and waits until it has ended, for `close_timeout` at most; messages that still come are
    /// dropped. Says how it ended, also when that was before.
    ///
    /// # Errors
    /// [`Error::Send`] for a code or reason that cannot be sent, [`Error::Forked`].
    pub fn close(&mut self, code: CloseCode, reason: &str) -> Result<&Closed, Error> {
        if self.closed.is_none() {
            match self.engine.connections().close(self.id, code, reason) {
                Ok(()) | Err(SendError::Closed) => {}
                Err(error) => return Err(error.into()),
            }
            while let Some(told) = self.next(None)? {
                if matches!(told, Told::Event(_, Raw::Closed)) {
                    return Ok(self.end());
                }
            }
        }
        self.closed.as_ref().ok_or(Error::ConnectionLost)
    }

    /// How the connection ended, if it has.
    #[must_use]
    pub const fn closed(&self) -> Option<&Closed> {
        self.closed.as_ref()
    }

    /// Waits until the kernel has all that was taken: nobody would send the rest before the next call.
    fn drain(&mut self) -> Result<(), Error> {
        let mut waits = false;
        loop {
            let connections = self.engine.connections();
            // The last receive may have returned in the middle of a turn, where output waits for more.
            connections.flush();
            let queued = connections.queued_bytes(self.id).unwrap_or(0);
            let ended = (connections.slots.get(self.id)).is_none_or(Slot::is_ended);
            if queued == 0 && !(waits && ended) {
                return Ok(());
            }
            waits = true;
            match self.engine.advance() {
                None => self.engine.poll(None)?,
                Some(Told::Event(_, Raw::Closed)) => {
                    self.end();
                    return Err(SendError::Closed.into());
                }
                Some(Told::Event(_, raw @ (Raw::Message { .. } | Raw::Pong { .. }))) => {
                    self.keep(raw)?;
                }
                Some(_) => {}
            }
        }
    }

    /// Keeps a message or pong for [`receive`](Self::receive).
    fn keep(&mut self, raw: Raw) -> Result<(), Error> {
        let (kind, payload) = match self.engine.input.lend(raw) {
            Some(Event::Message { kind, payload }) => (Some(kind), payload.to_vec()),
            Some(Event::Pong { payload, .. }) => (None, payload.to_vec()),
            _ => return Ok(()),
        };
        let early = Early { kind, payload };
        self.early_bytes += early.cost();
        self.early.push_back(early);
        if self.early_bytes > self.early_limit {
            self.engine.connections().pause(self.id)?;
        }
        Ok(())
    }

    /// The next thing that happens; `None` when nothing has until then. Nothing stays corked: nobody knows when the
    /// next call comes.
    fn next(&mut self, until: Option<Instant>) -> Result<Option<Told>, Error> {
        loop {
            if let Some(told) = self.engine.advance() {
                self.engine.connections().flush();
                return Ok(Some(told));
            }
            let wait = until.map(|until| until.saturating_duration_since(Instant::now()));
            self.engine.poll(wait)?;
            if wait == Some(Duration::ZERO) {
                let told = self.engine.advance();
                self.engine.connections().flush();
                return Ok(told);
            }
        }
    }

    /// Remembers how it ended.
    fn end(&mut self) -> &Closed {
        let closed = match self.engine.input.lend(Raw::Closed) {
            Some(Event::Closed(closed)) => closed.clone(),
            _ => Closed {
                cause: Some(Error::ConnectionLost),
                ..Closed::default()
            },
        };
        self.closed.insert(closed)
    }
}
