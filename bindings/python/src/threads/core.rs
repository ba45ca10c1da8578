//! What the threads of one connection share.

use std::collections::VecDeque;
use std::io::{PipeReader, PipeWriter, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use pyo3::prelude::*;
use ropeway_core::SendError;
use ropeway_core::engine::{
    ConnectionId, ConnectionMetrics, Connections, DirectWait, Engine, EventKind, Sent,
};
use ropeway_core::handshake::Request;
use ropeway_core::protocol::{Closed, Opened};

use super::pong::Ping;
use crate::closed::{self, Led};
use crate::connection::{CLOSED, OPEN};
use crate::inbox::{Inbox, Item};
use crate::room;

/// What the lock guards.
pub(super) struct Core {
    /// `None` once the connection has ended and its socket is closed.
    pub(super) engine: Option<Engine>,
    /// Ends the wait of the thread that waits for the socket; goes with the engine.
    pub(super) wake: Option<(PipeReader, PipeWriter)>,
    pub(super) id: ConnectionId,
    pub(super) phase: u8,
    pub(super) inbox: Inbox,
    /// A thread is in `recv`.
    pub(super) receiving: bool,
    /// A message is being sent in fragments.
    pub(super) fragmenting: bool,
    pub(super) pings: VecDeque<Arc<Ping>>,
    pub(super) latency: Duration,
    /// A server's: the request that waits for an answer, and whether it is plain HTTP.
    pub(super) request: Option<(Request, bool)>,
    /// A client's: the request that it was last redirected to.
    pub(super) led_to: Option<Led>,
    pub(super) opened: Option<Box<Opened>>,
    pub(super) closed: Option<Box<Closed>>,
    /// What it had done when it ended.
    pub(super) metrics: Option<Box<ConnectionMetrics>>,
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
    pub(super) fn new(
        engine: Engine,
        wake: (PipeReader, PipeWriter),
        high: usize,
        low: usize,
    ) -> Self {
        Self {
            engine: Some(engine),
            wake: Some(wake),
            id: ConnectionId::NONE,
            phase: crate::connection::CONNECTING,
            inbox: Inbox::new(high, low),
            receiving: false,
            fragmenting: false,
            pings: VecDeque::new(),
            latency: Duration::ZERO,
            request: None,
            led_to: None,
            opened: None,
            closed: None,
            metrics: None,
            driven: false,
            woken: false,
            followers: 0,
            turns: 0,
        }
    }

    /// Has the thread that waits for the socket look again at what it waits for.
    pub(super) fn rouse(&mut self) {
        if self.driven
            && !std::mem::replace(&mut self.woken, true)
            && let Some((_, writer)) = &mut self.wake
        {
            let _ = writer.write(&[0]);
        }
    }

    /// The same, if a time has come that it does not watch.
    pub(super) fn rouse_if_due(&mut self) {
        let id = self.id;
        let wait = self.engine.as_mut().map(|engine| engine.direct_wait(id));
        let due = match wait {
            Some(Ok(DirectWait::Socket { timeout, .. })) => timeout == Some(Duration::ZERO),
            Some(Ok(DirectWait::Nothing)) => true,
            _ => false,
        };
        if due {
            self.rouse();
        }
    }

    /// That thread looks.
    pub(super) fn roused(&mut self) {
        if std::mem::take(&mut self.woken)
            && let Some((reader, _)) = &mut self.wake
        {
            // The byte is there.
            let _ = reader.read(&mut [0]);
        }
    }

    pub(super) fn connections(&mut self) -> Option<&mut Connections> {
        self.engine.as_mut().map(Engine::connections)
    }

    /// Does `call` on the connection; once it is gone, `SendError::Closed`. What it sends leaves at once.
    pub(super) fn with<R>(
        &mut self,
        call: impl FnOnce(&mut Connections, ConnectionId) -> Result<R, SendError>,
    ) -> Result<R, SendError> {
        let id = self.id;
        let connections = self.connections().ok_or(SendError::Closed)?;
        let result = call(connections, id);
        // A turn may be unfinished, and nobody knows when it goes on.
        connections.flush();
        result
    }

    /// Takes the events of one turn. It stops after the opening, and for a thread in `recv` after a message: what stands
    /// behind it, a broken frame say, is acted on when the application has had its say, by the next call of this.
    pub(super) fn turn(&mut self, py: Python<'_>) {
        self.turns += 1;
        let Some(engine) = &mut self.engine else {
            return;
        };
        while let Some((event, connections)) = engine.next_event() {
            match event.kind {
                EventKind::Message { kind, .. } => {
                    // Without memory for it the message is lost, and nothing better can be done.
                    if let Ok(message) = room::message(py, engine, kind) {
                        self.inbox.push(Item::Message(message));
                        let connections = engine.connections();
                        if self.receiving {
                            connections.flush();
                            return;
                        }
                        self.inbox.pause(connections, self.id);
                    }
                }
                EventKind::Fragment {
                    kind,
                    payload,
                    last,
                    ..
                } => {
                    self.inbox.push(Item::piece(py, kind, payload, last));
                    self.inbox.pause(connections, self.id);
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
                EventKind::Redirect { url, headers, .. } => {
                    self.led_to = Some(closed::led_to(url, headers));
                }
                EventKind::Opened(opened) => {
                    self.phase = OPEN;
                    self.opened = Some(Box::new(opened.clone()));
                    connections.flush();
                    return;
                }
                EventKind::Closed(closed) => {
                    self.phase = CLOSED;
                    self.closed = Some(Box::new(closed.clone()));
                    self.metrics = connections.connection_metrics(self.id).ok().map(Box::new);
                    for ping in self.pings.drain(..) {
                        ping.closed();
                    }
                }
                _ => {}
            }
        }
        if self.closed.is_some() && engine.connections().is_empty() {
            self.engine = None;
            self.wake = None;
        }
    }

    /// What was received next.
    pub(super) fn take(&mut self) -> Option<Item> {
        let item = self.inbox.pop()?;
        if self.inbox.goes_on() {
            let id = self.id;
            if let Some(connections) = self.connections() {
                // It may have ended meanwhile.
                let _ = connections.resume(id);
            }
        }
        Some(item)
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
