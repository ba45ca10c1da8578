//! What the threads of one connection share.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use ropeway_core::SendError;
use ropeway_core::engine::{ConnectionId, Connections, Engine, EventKind, Sent};
use ropeway_core::handshake::Request;
use ropeway_core::protocol::{Closed, Opened};

use super::pong::Ping;
use crate::connection::{CLOSED, OPEN};
use crate::payload;

/// A piece of a message: its bytes, whether it is text, and whether it is the last.
pub(super) type Piece = (Py<PyAny>, bool, bool);

/// What the lock guards.
pub(super) struct Core {
    /// `None` once the connection has ended and its socket is closed.
    pub(super) engine: Option<Engine>,
    pub(super) id: ConnectionId,
    pub(super) phase: u8,
    pub(super) queue: VecDeque<Py<PyAny>>,
    /// What has come of the message that is received in pieces.
    pub(super) pieces: VecDeque<Piece>,
    high: usize,
    low: usize,
    paused: bool,
    /// A thread is in `recv`.
    pub(super) receiving: bool,
    /// A message is received in pieces, and its last has not been taken.
    pub(super) streaming: bool,
    /// A message is being sent in fragments.
    pub(super) fragmenting: bool,
    pub(super) pings: VecDeque<Arc<Ping>>,
    pub(super) latency: Duration,
    /// A server's: the request that waits for an answer, and whether it is plain HTTP.
    pub(super) request: Option<(Request, bool)>,
    pub(super) opened: Option<Box<Opened>>,
    pub(super) closed: Option<Box<Closed>>,
    /// A thread waits for the socket.
    pub(super) driven: bool,
    /// It has been told to look again.
    pub(super) woken: bool,
    /// Threads that wait for it.
    pub(super) followers: usize,
    /// Turns taken.
    pub(super) turns: u64,
}

impl Core {
    pub(super) fn new(engine: Engine, high: usize, low: usize) -> Self {
        Self {
            engine: Some(engine),
            id: ConnectionId::NONE,
            phase: crate::connection::CONNECTING,
            queue: VecDeque::new(),
            pieces: VecDeque::new(),
            high,
            low,
            paused: false,
            receiving: false,
            streaming: false,
            fragmenting: false,
            pings: VecDeque::new(),
            latency: Duration::ZERO,
            request: None,
            opened: None,
            closed: None,
            driven: false,
            woken: false,
            followers: 0,
            turns: 0,
        }
    }

    pub(super) fn connections(&mut self) -> Option<&mut Connections> {
        self.engine.as_mut().map(Engine::connections)
    }

    /// Does `call` on the connection; once it is gone, `SendError::Closed`. No turn is under way, so what is sent leaves
    /// at once.
    pub(super) fn with<R>(
        &mut self,
        call: impl FnOnce(&mut Connections, ConnectionId) -> Result<R, SendError>,
    ) -> Result<R, SendError> {
        let id = self.id;
        let connections = self.connections().ok_or(SendError::Closed)?;
        call(connections, id)
    }

    /// Takes the events of one turn.
    pub(super) fn turn(&mut self, py: Python<'_>) {
        self.turns += 1;
        let Some(engine) = &mut self.engine else {
            return;
        };
        while let Some((event, connections)) = engine.next_event() {
            match event.kind {
                EventKind::Message { kind, payload } => {
                    // Without memory for it the message is lost, and nothing better can be done.
                    if let Ok(message) = payload::to_object(py, kind, payload) {
                        self.queue.push_back(message);
                    }
                    if self.queue.len() >= self.high && !self.paused {
                        self.paused = connections.pause(self.id).is_ok();
                    }
                }
                EventKind::Fragment {
                    kind,
                    payload,
                    last,
                    ..
                } => {
                    let bytes = PyBytes::new(py, payload).into_any().unbind();
                    let is_text = kind == ropeway_core::protocol::MessageKind::Text;
                    self.pieces.push_back((bytes, is_text, last));
                    if self.pieces.len() >= self.high && !self.paused {
                        self.paused = connections.pause(self.id).is_ok();
                    }
                }
                EventKind::Pong {
                    round_trip: Some(round_trip),
                    ..
                } => self.latency = round_trip,
                EventKind::Pong { payload, .. } => {
                    let position = self.pings.iter().position(|ping| ping.payload == payload);
                    if let Some(position) = position {
                        for ping in self.pings.drain(..=position) {
                            self.latency = ping.answered();
                        }
                    }
                }
                EventKind::UpgradeRequest(request) => {
                    self.request = Some((request.clone(), false));
                }
                EventKind::HttpRequest(request) => self.request = Some((request.clone(), true)),
                EventKind::Opened(opened) => {
                    self.phase = OPEN;
                    self.opened = Some(Box::new(opened.clone()));
                }
                EventKind::Closed(closed) => {
                    self.phase = CLOSED;
                    self.closed = Some(Box::new(closed.clone()));
                    for ping in self.pings.drain(..) {
                        ping.closed();
                    }
                }
                _ => {}
            }
        }
        if self.closed.is_some() && engine.connections().is_empty() {
            self.engine = None;
        }
    }

    /// The next message.
    pub(super) fn take_message(&mut self) -> Option<Py<PyAny>> {
        let message = self.queue.pop_front()?;
        self.read_on(self.queue.len());
        Some(message)
    }

    /// The next piece of the message that is received in pieces; a message that was there already is one.
    pub(super) fn take_piece(&mut self) -> Option<Piece> {
        let Some(piece) = self.pieces.pop_front() else {
            let message = self.take_message()?;
            self.streaming = false;
            return Some((message, false, true));
        };
        self.read_on(self.pieces.len());
        self.streaming = !piece.2;
        Some(piece)
    }

    fn read_on(&mut self, waiting: usize) {
        if self.paused && waiting <= self.low {
            self.paused = false;
            let id = self.id;
            if let Some(connections) = self.connections() {
                // It may have ended meanwhile.
                let _ = connections.resume(id);
            }
        }
    }

    /// Whether the kernel has taken everything, or nothing will be sent any more.
    pub(super) fn is_flushed(&mut self) -> bool {
        let id = self.id;
        self.closed.is_some()
            || self
                .connections()
                .is_none_or(|connections| connections.queued_bytes(id).unwrap_or(0) == 0)
    }

    /// Whether what was sent has left.
    pub(super) fn has_left(&mut self, sent: Sent) -> bool {
        sent == Sent::Sent && self.is_flushed()
    }
}
