//! The engine's turn: what is ready is read once, parsed, told, and answered in one write.

use std::io;
use std::time::Duration;

use super::Engine;
use super::connections::Connections;
use super::event::{Notice, Relayed, ToldText};
use super::id::{self, ALARM, ConnectionId, ListenerId, WAKER};
use super::log;
use super::read::BURST;
use super::remote::Command;
use super::slots::{Flags, Transport};
use crate::error::{Error, IoError, SendError};
use crate::frame::CloseCode;
use crate::net;
use crate::opening_stage::OpeningStage;
use crate::protocol::{MessageKind, Raw, Shutdown, Source, Time};

/// What [`Engine::next_event`] lends next.
#[derive(Debug)]
pub(super) enum Told {
    /// Bytes have been read: there may be a message at hand now.
    Bytes,
    Event(ConnectionId, Raw),
    Notice(Notice),
    Redirect(ConnectionId),
    Reconnecting(ConnectionId, u32, Duration),
}

/// Whose message it is.
pub(super) struct Plain {
    pub(super) id: ConnectionId,
    pub(super) user_data: u64,
    pub(super) listener: ListenerId,
}

impl Engine {
    /// The next message of the connection whose bytes are at hand, in the common case.
    #[inline(always)]
    pub(super) fn next_plain(&mut self) -> Option<(Plain, MessageKind, Source)> {
        if self.input.is_empty() {
            return None;
        }
        let index = self.active?;
        let connections = &mut self.connections;
        if connections.corked != Some(index) {
            return None;
        }
        let slot = connections.slots.at(index);
        let protocol = slot.protocol.as_mut()?;
        let (kind, source) =
            protocol.plain_message(&mut self.input, &mut connections.output, connections.now)?;
        let length = self.input.payload(source).len() as u64;
        (connections.tally).received(index, |traffic| traffic.count(1, length));
        let plain = Plain {
            id: slot.id,
            user_data: slot.user_data,
            listener: slot.listener,
        };
        Some((plain, kind, source))
    }

    pub(super) fn advance(&mut self) -> Option<Told> {
        self.lent = None;
        self.relayed = None;
        self.connections.told = ToldText::default();
        loop {
            if let Some(index) = self.active {
                if let Some(told) = self.pump(index) {
                    return Some(told);
                }
                if self.goes_on(index) {
                    self.read(index);
                    continue;
                }
                self.active = None;
                self.connections.settle(index);
            }
            let connections = &mut self.connections;
            while let Some(notice) = connections.notices.pop_front() {
                if connections.concerns(&notice) {
                    return Some(Told::Notice(notice));
                }
            }
            if !connections.in_turn && self.poll(Some(Duration::ZERO)).is_err() {
                return None;
            }
            if let Some(index) = self.connections.listed.pop_front() {
                self.attend(index);
                if !self.input.is_empty() {
                    return Some(Told::Bytes);
                }
            } else if let Some(listener) = self.connections.knocking.pop_front() {
                self.connections.accept_from(listener);
            } else {
                self.connections.end_turn();
                return None;
            }
        }
    }

    /// Asks the poller what is ready, and begins a turn with it.
    pub(super) fn look(&mut self, timeout: Option<Duration>) -> Result<(), Error> {
        let connections = &mut self.connections;
        connections.flush();
        connections.set_alarm();
        match self
            .poll
            .poll(&mut self.ready, connections.bounded(timeout))
        {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => self.ready.clear(),
            Err(error) => return Err(Error::Io(IoError::new("poll", &error))),
        }
        self.lone.count(&self.ready);
        connections.begin_turn();
        for event in &self.ready {
            match event.token() {
                WAKER => connections.obey(),
                ALARM => connections.alarm_at = None,
                token if id::is_listener(token) => connections.knocking.push_back(id::index(token)),
                token => {
                    let index = id::index(token);
                    let slot = connections.slots.at(index);
                    if slot.id.token() != token {
                        continue;
                    }
                    let hangup =
                        event.is_read_closed() || event.is_error() || event.is_write_closed();
                    if event.is_readable() || hangup {
                        slot.flags.set(Flags::READABLE);
                    }
                    if hangup {
                        slot.flags.set(Flags::HANGUP);
                    }
                    if event.is_writable() {
                        slot.flags.set(Flags::WRITABLE);
                    }
                    if !slot.flags.has(Flags::LISTED) {
                        slot.flags.set(Flags::LISTED);
                        connections.listed.push_back(index);
                    }
                }
            }
        }
        connections.fire();
        Ok(())
    }

    /// The next event of the connection whose bytes are at hand.
    #[inline]
    fn pump(&mut self, index: u32) -> Option<Told> {
        let connections = &mut self.connections;
        connections.cork(index);
        let slot = connections.slots.at(index);
        let id = slot.id;
        let protocol = slot.protocol.as_mut()?;
        if protocol.is_paused() {
            protocol.hold(&mut self.input);
            return None;
        }
        let raw = match self.read_ahead.take() {
            Some(raw) => raw,
            None => protocol.step(&mut self.input, &mut connections.output, connections.now)?,
        };
        let tally = &mut connections.tally;
        match raw {
            Raw::Message { source, .. } => {
                let length = self.input.payload(source).len() as u64;
                tally.received(index, |traffic| traffic.count(1, length));
            }
            Raw::Fragment { source, last, .. } => {
                let length = self.input.payload(source).len() as u64;
                tally.received(index, |traffic| traffic.count(last.into(), length));
            }
            Raw::Ping { .. } => tally.received(index, |traffic| traffic.pings += 1),
            Raw::Pong {
                round_trip: Some(took),
                ..
            } => tally.round_trip(index, took),
            Raw::Opened => {
                tally.counters.opened += 1;
                log::opened(id);
                if slot.outgoing.is_some() {
                    connections.has_opened(index);
                }
            }
            Raw::Closed if slot.outgoing.is_some() => return Some(self.ended(index)),
            Raw::Closed => self.count_end(id),
            _ => {}
        }
        Some(Told::Event(id, raw))
    }

    /// A connection has ended for good, which is about to be told.
    pub(super) fn count_end(&mut self, id: ConnectionId) {
        if let Some(closed) = self.input.closed() {
            log::ended(id, closed);
            self.connections.tally.counters.ended(closed);
        }
    }

    /// Does what a listed connection is ready for.
    fn attend(&mut self, index: u32) {
        let connections = &mut self.connections;
        let slot = connections.slots.at(index);
        slot.flags.take(Flags::LISTED);
        if let Transport::Dial(_) = slot.transport {
            return connections.dial_ready(index);
        }
        if slot.flags.take(Flags::WRITABLE) && (slot.queue.is_some() || slot.transport.unsent() > 0)
        {
            connections.drain_queue(index);
        }
        let slot = connections.slots.at(index);
        let Some(protocol) = &mut slot.protocol else {
            return;
        };
        // Nothing is read in a pause, which would show that the connection is broken.
        if slot.flags.has(Flags::HANGUP)
            && protocol.is_paused()
            && let Transport::Stream(stream) = &slot.transport
            && let Some(error) = stream.take_error()
        {
            let error = net::stream_error("receive", &error);
            return connections.fail(index, error);
        }
        if slot.flags.take(Flags::STEP) {
            if !protocol.is_paused() {
                protocol.unhold(&mut self.input);
            }
            self.active = Some(index);
        } else if slot.flags.has(Flags::READABLE) && protocol.reads() {
            self.burst = BURST;
            self.read(index);
        } else if protocol.is_ended() {
            self.active = Some(index);
        }
    }
}

impl Connections {
    /// Whether there is something to do without waiting.
    pub(super) fn has_work(&self) -> bool {
        self.in_turn
            || !self.carried.is_empty()
            || !self.notices.is_empty()
            || !self.resting.is_empty()
    }

    pub(super) fn begin_turn(&mut self) {
        self.in_turn = true;
        self.gathering = false;
        self.now = self.clock.now();
        self.listed.append(&mut self.carried);
        self.knocking.append(&mut self.resting);
    }

    fn end_turn(&mut self) {
        self.flush();
        self.in_turn = false;
        self.set_alarm();
        if self.embedded && self.has_work() {
            self.remote.rouse();
        }
    }

    /// Sends all that has been gathered, also within a turn: for a driver that leaves a turn unfinished for a while.
    pub fn flush(&mut self) {
        self.flush_batch();
        self.uncork();
    }

    /// Where no alarm can be set, the wait itself has to end in time.
    fn bounded(&self, timeout: Option<Duration>) -> Option<Duration> {
        if cfg!(any(target_os = "linux", target_os = "android")) {
            return timeout;
        }
        let due = self.next_deadline().and_then(|at| self.clock.until(at));
        match (timeout, due) {
            (Some(timeout), Some(due)) => Some(timeout.min(due)),
            (one, other) => one.or(other),
        }
    }

    /// A connection has told all it had to tell for now.
    fn settle(&mut self, index: u32) {
        if self.corked == Some(index) {
            self.uncork();
        }
        let slot = self.slots.at(index);
        let Some(protocol) = &slot.protocol else {
            return;
        };
        if protocol.has_to_tell_its_end() {
            // What was sent just now has failed: told in the next round.
            return;
        }
        let shutdown = protocol.shutdown();
        let reads = slot.flags.has(Flags::READABLE) && protocol.reads();
        let left = shutdown != Shutdown::No || !protocol.reads();
        let drained = slot.queue.is_none() && slot.transport.unsent() == 0;
        match shutdown {
            Shutdown::No => self.await_rest(index),
            Shutdown::Drop => return self.remove(index),
            Shutdown::Close if drained => {
                if let Transport::Stream(stream) = &mut slot.transport {
                    stream.take_leave();
                }
                return self.remove(index);
            }
            Shutdown::HalfClose if drained && !slot.flags.has(Flags::SENDING_ENDED) => {
                slot.flags.set(Flags::SENDING_ENDED);
                if let Transport::Stream(stream) = &mut slot.transport {
                    stream.end_sending();
                }
            }
            Shutdown::Close | Shutdown::HalfClose | Shutdown::AwaitEnd => {}
        }
        if shutdown != Shutdown::No {
            self.slots.at(index).flags.set(Flags::TOLD);
            self.unsubscribe_all(index);
        }
        if left {
            self.take_back(index);
        }
        self.schedule(index);
        if reads {
            self.list(index);
        }
    }

    fn remove(&mut self, index: u32) {
        self.unsubscribe_all(index);
        self.timers.clear(index);
        self.peers.remove(index);
        self.slots.release(index);
    }

    /// Carries out what other threads want, and takes the resolver's answers.
    fn obey(&mut self) {
        for command in self.remote.take() {
            match command {
                Command::Send(id, kind, payload) => {
                    let result = self.send(id, kind, &payload).map(|_| ());
                    self.undelivered(id, payload.len(), result);
                }
                Command::Publish(topic, kind, payload) => {
                    let result = self.publish(&topic, kind, &payload, None).map(|_| ());
                    self.undelivered(ConnectionId::NONE, payload.len(), result);
                }
                Command::Deliver(topic, kind, payload) => {
                    match self.deliver(&topic, kind, &payload, None) {
                        Ok(_) => self.notices.push_back(Notice::Relayed(Relayed {
                            topic,
                            kind,
                            payload,
                        })),
                        refused => {
                            let result = refused.map(|_| ());
                            self.undelivered(ConnectionId::NONE, payload.len(), result);
                        }
                    }
                }
                Command::Close(id, code, reason) => {
                    if let Err(SendError::InvalidCloseCode(_) | SendError::ControlTooLong(_)) =
                        self.close(id, code, &reason)
                    {
                        let _ = self.close(id, CloseCode::INTERNAL_ERROR, "");
                    }
                }
                // It may have ended in the meantime.
                Command::Abort(id) => drop(self.abort(id)),
            }
        }
        self.take_answers();
    }

    /// Whether what a notice is about has not been told closed in the meantime.
    fn concerns(&self, notice: &Notice) -> bool {
        match notice {
            Notice::Writable(id) => self.slots.get(*id).is_some(),
            Notice::Undelivered(id, ..) => {
                *id == ConnectionId::NONE || self.slots.get(*id).is_some()
            }
            Notice::AcceptFailed(..) | Notice::Relayed(_) => true,
        }
    }

    pub(super) fn undelivered(
        &mut self,
        id: ConnectionId,
        bytes: usize,
        result: Result<(), SendError>,
    ) {
        match result {
            Ok(()) | Err(SendError::Closed) => {}
            Err(error) => self
                .notices
                .push_back(Notice::Undelivered(id, bytes as u64, error)),
        }
    }

    /// Fires the timers that are due.
    pub(super) fn fire(&mut self) {
        let now = self.now;
        if self.accept_again.is_some_and(|at| at <= now) {
            self.accept_again = None;
            let failing = self
                .listeners
                .iter()
                .flatten()
                .filter(|listener| listener.failing);
            self.knocking
                .extend(failing.map(|listener| listener.id.index()));
        }
        while let Some(index) = self.timers.pop(now) {
            let slot = self.slots.at(index);
            match (&mut slot.protocol, &slot.transport) {
                (Some(protocol), Transport::Stream(stream))
                    if stream.is_securing()
                        && protocol.next_deadline().is_some_and(|due| due <= now) =>
                {
                    let after = protocol.options().open_timeout;
                    self.fail(index, OpeningStage::Tls.timeout(after));
                }
                (Some(protocol), Transport::Stream(stream))
                    if slot.flags.has(Flags::AWAITING)
                        && protocol.is_open()
                        && protocol.reads()
                        && stream.waiting() > 0 =>
                {
                    // They are a sign of life of an open connection, and read in this turn: they count once.
                    protocol.on_payload(now);
                    slot.flags.set(Flags::READABLE);
                    if !slot.flags.has(Flags::LISTED) {
                        slot.flags.set(Flags::LISTED);
                        self.listed.push_back(index);
                    }
                    self.schedule(index);
                }
                (Some(_), _) => {
                    self.cork(index);
                    let slot = self.slots.at(index);
                    if let Some(protocol) = &mut slot.protocol {
                        protocol.on_deadline(&mut self.output, now);
                        if protocol.pinged_at(now) {
                            self.tally.sent(index, |traffic| traffic.pings += 1);
                        }
                        if protocol.is_ended() {
                            self.step_later(index);
                        }
                    }
                    self.schedule(index);
                }
                (None, Transport::Dial(_)) => self.dial_time(index),
                _ => match slot.again_at() {
                    Some(at) if at <= now => self.dial_anew(index),
                    _ => self.schedule(index),
                },
            }
        }
    }

    /// The earliest time at which something has to be done.
    pub(super) fn next_deadline(&self) -> Option<Time> {
        match (self.timers.next(), self.accept_again) {
            (Some(timer), Some(accept)) => Some(timer.min(accept)),
            (one, other) => one.or(other),
        }
    }
}
