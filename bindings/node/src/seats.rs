//! The connections of one JavaScript thread: each has a place, a small number that JavaScript names it by. Most are the
//! engine's; the others run over streams of JavaScript's.
//!
//! A place is given anew only after JavaScript has been told of its connection's end, so no id crosses the boundary.

use std::time::Instant;

use ropeway_core::deflate::Compress;
use ropeway_core::engine::{self, ConnectionId, Connections, EngineOptions, ListenerId, Sent};
use ropeway_core::frame::CloseCode;
use ropeway_core::handshake::{Headers, Refusal};
use ropeway_core::protocol::{Accept, Input, MessageKind, Output, Protocol, Time};
use ropeway_core::{Error, SendError};
use ropeway_relay::Relay;

use crate::detached::{Detached, Shared};

pub(crate) struct Seats {
    pub(crate) engine: engine::Engine,
    /// Behind the engine, which it serves until the end.
    pub(crate) relay: Option<Relay>,
    /// JavaScript wants to be told of other nodes' messages.
    pub(crate) tells_relayed: bool,
    seats: Vec<Seat>,
    free: Vec<u32>,
    /// By the number that JavaScript knows them by.
    pub(crate) listeners: Vec<Option<ListenerId>>,
    pub(crate) shared: Shared,
    began: Instant,
    /// Events are being handed to JavaScript.
    pub(crate) draining: bool,
    gathering: bool,
}

pub(crate) enum Seat {
    Free,
    Engine(ConnectionId, Option<Box<Decision>>),
    Detached(Box<Detached>),
}

/// How an upgrade is accepted whose request JavaScript has seen already.
#[derive(Default)]
pub(crate) struct Decision {
    pub(crate) subprotocol: Option<String>,
    pub(crate) headers: Headers,
}

impl Decision {
    fn accept(&self) -> Accept<'_> {
        Accept {
            subprotocol: self.subprotocol.as_deref(),
            headers: Some(&self.headers),
        }
    }

    pub(crate) fn accept_in(
        &self,
        connections: &mut Connections,
        id: ConnectionId,
    ) -> Result<(), Error> {
        connections.accept(id, &self.accept())
    }

    pub(crate) fn carry_out(&self, protocol: &mut Protocol, output: &mut Output, now: Time) {
        if protocol.accept(output, &self.accept(), now).is_err() {
            let _ = protocol.refuse(output, &unusable(), now);
        }
    }
}

/// The answer when the application's own header fields cannot be sent.
pub(crate) fn unusable() -> Refusal {
    Refusal {
        status: 500,
        headers: Headers::new(),
        body: b"The server's answer cannot be sent.\n".to_vec(),
        error: Box::new(ropeway_core::handshake::HandshakeError::Refused(500)),
    }
}

/// What became of a message: bits that `lib/websocket.js` knows.
pub(crate) mod outcome {
    /// The queue is above its high-water mark.
    pub(crate) const QUEUED: u32 = 1;
    /// What was sent waits for [`Seats::release`](super::Seats::release): somebody has to call it.
    pub(crate) const GATHERED: u32 = 2;
    /// The connection is closed or closing.
    pub(crate) const CLOSED: u32 = 4;
}

/// A message's place in a fragmented one.
#[derive(Clone, Copy)]
pub(crate) enum Part {
    Whole,
    Fragment { last: bool },
}

impl Seats {
    pub(crate) fn new() -> Result<Self, Error> {
        Ok(Self {
            engine: engine::Engine::new(EngineOptions {
                connection_metrics: true,
                ..EngineOptions::default()
            })?,
            relay: None,
            tells_relayed: false,
            seats: Vec::new(),
            free: Vec::new(),
            listeners: Vec::new(),
            shared: Shared {
                input: Input::new(),
                output: Output::new(),
            },
            began: Instant::now(),
            draining: false,
            gathering: false,
        })
    }

    /// The clock of the detached connections.
    pub(crate) fn now(&self) -> Time {
        let micros = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX - 1);
        Time::from_micros(micros + 1)
    }

    /// Gives a connection a place.
    pub(crate) fn seat(&mut self, seat: Seat) -> u32 {
        let place = self.free.pop().unwrap_or(self.seats.len() as u32);
        if let Seat::Engine(id, _) = seat {
            // The id is of a connection that has just been made.
            let _ = self
                .engine
                .connections()
                .set_user_data(id, u64::from(place) + 1);
        }
        if place as usize == self.seats.len() {
            self.seats.push(Seat::Free);
        }
        self.seats[place as usize] = seat;
        place
    }

    /// Takes a place back, once JavaScript knows that its connection has ended.
    pub(crate) fn vacate(&mut self, place: u32) {
        if let Some(seat) = self.seats.get_mut(place as usize)
            && !matches!(seat, Seat::Free)
        {
            if let Seat::Detached(detached) = seat {
                detached.protocol.release(&mut self.shared.input);
            }
            *seat = Seat::Free;
            self.free.push(place);
        }
    }

    pub(crate) fn id(&self, place: u32) -> ConnectionId {
        match self.seats.get(place as usize) {
            Some(&Seat::Engine(id, _)) => id,
            _ => ConnectionId::NONE,
        }
    }

    /// The decision that was made before the engine had read the request.
    pub(crate) fn decision(&mut self, place: u32) -> Option<Box<Decision>> {
        match self.seats.get_mut(place as usize) {
            Some(Seat::Engine(_, decision)) => decision.take(),
            _ => None,
        }
    }

    /// A detached connection with what it shares with others.
    pub(crate) fn detached(&mut self, place: u32) -> Option<(&mut Detached, &mut Shared)> {
        match self.seats.get_mut(place as usize) {
            Some(Seat::Detached(detached)) => Some((detached, &mut self.shared)),
            _ => None,
        }
    }

    pub(crate) fn listener(&self, number: u32) -> ListenerId {
        let listener = self.listeners.get(number as usize).copied().flatten();
        listener.unwrap_or(ListenerId::NONE)
    }

    /// The number of a listener.
    pub(crate) fn number(&self, listener: ListenerId) -> Option<u32> {
        let position = (self.listeners.iter()).position(|other| *other == Some(listener))?;
        Some(position as u32)
    }

    pub(crate) fn add_listener(&mut self, listener: ListenerId) -> u32 {
        match self.listeners.iter().position(Option::is_none) {
            Some(number) => {
                self.listeners[number] = Some(listener);
                number as u32
            }
            None => {
                self.listeners.push(Some(listener));
                self.listeners.len() as u32 - 1
            }
        }
    }

    /// Whether anything is open that the process should live for.
    pub(crate) fn is_busy(&mut self) -> bool {
        self.listeners.iter().any(Option::is_some) || !self.engine.connections().is_empty()
    }

    /// From now on what is sent is gathered. The bit that says whether somebody has to release it.
    fn gather(&mut self) -> u32 {
        if self.draining || self.gathering {
            return 0;
        }
        self.gathering = true;
        self.engine.connections().gather();
        outcome::GATHERED
    }

    /// A turn is over and its last events are about to be handed on: what comes of them is gathered.
    pub(crate) fn gather_answers(&mut self) {
        self.engine.connections().gather();
    }

    /// Sends what was gathered.
    pub(crate) fn release(&mut self) {
        self.gathering = false;
        self.engine.connections().release();
    }

    #[inline]
    pub(crate) fn send(
        &mut self,
        place: u32,
        kind: MessageKind,
        payload: &[u8],
        part: Part,
        compress: Compress,
    ) -> Result<u32, SendError> {
        if let Some((detached, shared)) = self.detached(place) {
            return detached
                .with(shared, |protocol, output| match part {
                    Part::Whole => protocol.send_with(output, kind, payload, compress),
                    Part::Fragment { last } => protocol.send_fragment(output, kind, payload, last),
                })
                .map(|()| 0);
        }
        let gathered = self.gather();
        let id = self.id(place);
        let connections = self.engine.connections();
        let sent = match (part, compress) {
            (Part::Whole, Compress::ByOptions) => connections.send(id, kind, payload),
            (Part::Whole, _) => connections.send_with(id, kind, payload, compress),
            (Part::Fragment { last }, _) => connections.send_fragment(id, kind, payload, last),
        };
        answer(sent, gathered)
    }

    pub(crate) fn ping(&mut self, place: u32, payload: &[u8]) -> Result<u32, SendError> {
        if let Some((detached, shared)) = self.detached(place) {
            let sent = detached.with(shared, |protocol, output| protocol.ping(output, payload));
            return sent.map(|()| 0);
        }
        let gathered = self.gather();
        let id = self.id(place);
        answer(self.engine.connections().ping(id, payload), gathered)
    }

    pub(crate) fn pong(&mut self, place: u32, payload: &[u8]) -> Result<u32, SendError> {
        if let Some((detached, shared)) = self.detached(place) {
            let sent = detached.with(shared, |protocol, output| protocol.pong(output, payload));
            return sent.map(|()| 0);
        }
        let gathered = self.gather();
        let id = self.id(place);
        answer(self.engine.connections().pong(id, payload), gathered)
    }

    pub(crate) fn close(
        &mut self,
        place: u32,
        code: CloseCode,
        reason: &str,
    ) -> Result<(), SendError> {
        let now = self.now();
        if let Some((detached, shared)) = self.detached(place) {
            return detached.close(shared, code, reason, now);
        }
        let id = self.id(place);
        self.engine.connections().close(id, code, reason)
    }

    /// Bytes that wait to be sent; for a detached connection those that have not been taken from it.
    pub(crate) fn queued_bytes(&mut self, place: u32) -> u64 {
        if let Some((detached, _)) = self.detached(place) {
            return detached.outgoing.len() as u64;
        }
        let id = self.id(place);
        self.engine.connections().queued_bytes(id).unwrap_or(0)
    }
}

fn answer(sent: Result<Sent, SendError>, gathered: u32) -> Result<u32, SendError> {
    match sent {
        Ok(Sent::Sent) => Ok(gathered),
        Ok(Sent::Queued(_)) => Ok(gathered | outcome::QUEUED),
        Err(SendError::Closed) => Ok(gathered | outcome::CLOSED),
        Err(error) => Err(error),
    }
}
