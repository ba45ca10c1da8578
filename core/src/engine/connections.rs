//! What an application can do with an engine's connections, apart from sending.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use mio::{Registry, Waker};

use super::clock::Clock;
use super::event::{Notice, ToldText};
use super::id::{ConnectionId, Ids, ListenerId, MAX_CONNECTIONS};
use super::listeners::ListenerSlot;
use super::metrics::{ConnectionMetrics, Counters, Metrics};
use super::peers::Peers;
use super::publish::Forward;
use super::remote::Remote;
use super::slots::{Flags, Slot, Slots, Transport};
use super::tally::Tally;
use super::timers::Timers;
use super::topics::{Batch, Topics};
use super::{EngineOptions, id};
use crate::error::{Error, IoError, Limit, Role, SendError};
use crate::frame::CloseCode;
use crate::handshake::Refusal;
use crate::net::{Alarm, ForkGuard, Resolver, TlsInfo};
use crate::protocol::{Accept, Output, Protocol, Shutdown, Time};

/// The connections and listeners of an [`Engine`](super::Engine). Every call answers at once; what comes of it later
/// is told by events.
#[derive(Debug)]
pub struct Connections {
    pub(super) registry: Registry,
    pub(super) options: EngineOptions,
    pub(super) slots: Slots,
    pub(super) ids: Ids,
    pub(super) listeners: Vec<Option<ListenerSlot>>,
    pub(super) timers: Timers,
    pub(super) alarm: Alarm,
    /// What the alarm is set to.
    pub(super) alarm_at: Option<Time>,
    /// When listeners that could not accept try again.
    pub(super) accept_again: Option<Time>,
    /// What is about to be sent on the corked connection.
    pub(super) output: Output,
    pub(super) corked: Option<u32>,
    /// A published message that has not gone out yet.
    pub(super) batch: Option<Batch>,
    /// The text that was told last, while it is lent: it need not be validated when it is sent on.
    pub(super) told: ToldText,
    /// Events are being drained, so what is sent is corked.
    pub(super) in_turn: bool,
    /// What is sent outside a turn is corked too.
    pub(super) gathering: bool,
    /// Somebody else waits on the descriptor.
    pub(super) embedded: bool,
    /// Places to attend to in this turn, and in the next one.
    pub(super) listed: VecDeque<u32>,
    pub(super) carried: VecDeque<u32>,
    pub(super) peers: Peers,
    /// Listeners that may have connections.
    pub(super) knocking: VecDeque<u32>,
    /// Listeners that have more connections than one turn takes.
    pub(super) resting: VecDeque<u32>,
    pub(super) notices: VecDeque<Notice>,
    pub(super) topics: Topics,
    pub(super) forward: Option<Forward>,
    pub(super) resolver: Resolver,
    pub(super) remote: Remote,
    pub(super) tally: Tally,
    pub(super) clock: Clock,
    pub(super) now: Time,
    fork: ForkGuard,
}

impl Connections {
    pub(super) fn new(
        registry: Registry,
        options: EngineOptions,
        fork: ForkGuard,
    ) -> io::Result<Self> {
        let alarm = Alarm::new(&registry, id::ALARM)?;
        let remote = Remote::new(
            Waker::new(&registry, id::WAKER)?,
            options.remote_queue_limit,
            fork,
        );
        let roused = remote.clone();
        let clock = Clock::new();
        Ok(Self {
            registry,
            options,
            slots: Slots::default(),
            ids: Ids::default(),
            listeners: Vec::new(),
            timers: Timers::new(),
            alarm,
            alarm_at: None,
            accept_again: None,
            output: Output::new(),
            corked: None,
            batch: None,
            told: ToldText::default(),
            in_turn: false,
            gathering: false,
            embedded: false,
            listed: VecDeque::new(),
            carried: VecDeque::new(),
            peers: Peers::default(),
            knocking: VecDeque::new(),
            resting: VecDeque::new(),
            notices: VecDeque::new(),
            topics: Topics::default(),
            forward: None,
            resolver: Resolver::new(Arc::new(move || roused.rouse())),
            remote,
            tally: Tally::new(options.connection_metrics),
            now: clock.now(),
            clock,
            fork,
        })
    }

    /// Accepts the upgrade that [`UpgradeRequest`](super::EventKind::UpgradeRequest) told of.
    ///
    /// # Errors
    /// As [`Protocol::accept`], and [`Error::UnknownId`], [`Error::Forked`].
    pub fn accept(&mut self, id: ConnectionId, accept: &Accept<'_>) -> Result<(), Error> {
        self.decide(id, |protocol, output, now| {
            protocol.accept(output, accept, now)
        })
    }

    /// Refuses the upgrade, or answers the plain HTTP request, that waits for an answer. The connection ends.
    ///
    /// # Errors
    /// As [`Protocol::refuse`], and [`Error::UnknownId`], [`Error::Forked`].
    pub fn refuse(&mut self, id: ConnectionId, refusal: &Refusal) -> Result<(), Error> {
        self.decide(id, |protocol, output, now| {
            protocol.refuse(output, refusal, now)
        })
    }

    fn decide(
        &mut self,
        id: ConnectionId,
        decision: impl FnOnce(&mut Protocol, &mut Output, Time) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.check_fork()?;
        self.slots.get(id).ok_or(Error::UnknownId)?;
        let index = id.index();
        self.cork(index);
        let now = self.now;
        let Some(protocol) = &mut self.slots.at(index).protocol else {
            return Err(Error::Misuse(
                "a connection that this side dialled has no request to answer",
            ));
        };
        decision(protocol, &mut self.output, now)?;
        self.sent(index);
        self.step_later(index);
        Ok(())
    }

    /// Begins the closing handshake; `code` and `reason` go to the peer. Data queued before goes out first; the peer's
    /// messages come until its Close frame. [`Closed`](super::EventKind::Closed) follows within `close_timeout`. A
    /// connection that is not open yet, or waits to be made again, is dropped.
    ///
    /// # Errors
    /// As [`Protocol::close`].
    pub fn close(
        &mut self,
        id: ConnectionId,
        code: CloseCode,
        reason: &str,
    ) -> Result<(), SendError> {
        self.check_fork().map_err(|_| SendError::Forked)?;
        let slot = self.slots.get(id).ok_or(SendError::Closed)?;
        if slot.protocol.is_none() || slot.is_ended() {
            return self.abort(id);
        }
        let index = id.index();
        // What was published before the close goes out before it.
        self.flush_batch();
        self.cork(index);
        let now = self.now;
        let slot = self.slots.at(index);
        let protocol = slot.protocol.as_mut().ok_or(SendError::Closed)?;
        let was_paused = protocol.is_paused();
        protocol.close(&mut self.output, code, reason, now)?;
        slot.outgoing = None;
        let ended = protocol.is_ended();
        self.sent(index);
        self.schedule(index);
        if was_paused || ended {
            self.step_later(index);
        }
        Ok(())
    }

    /// Ends a connection at once, without a Close frame; what is queued is lost.
    /// [`Closed`](super::EventKind::Closed) tells it as [`Error::Aborted`].
    ///
    /// # Errors
    /// [`SendError::Closed`] when it has ended already.
    pub fn abort(&mut self, id: ConnectionId) -> Result<(), SendError> {
        self.check_fork().map_err(|_| SendError::Forked)?;
        let slot = self.slots.get(id).ok_or(SendError::Closed)?;
        if slot.is_ended() {
            // What has not been told yet is final now.
            self.slots.at(id.index()).outgoing = None;
            return Err(SendError::Closed);
        }
        self.fail(id.index(), Error::Aborted);
        self.slots.at(id.index()).outgoing = None;
        Ok(())
    }

    /// Stops reading a connection: its peer is slowed down once the kernel's buffers are full. Messages that have been
    /// read already are held back too. Its keep-alive rests meanwhile. Before the connection is open, it is so from its
    /// opening on. When the peer ends its direction in order, that too waits; when the connection breaks, it is closed,
    /// and what was not read is lost.
    ///
    /// # Errors
    /// [`Error::UnknownId`], [`Error::Forked`].
    pub fn pause(&mut self, id: ConnectionId) -> Result<(), Error> {
        self.set_paused(id, true)
    }

    /// Reads a paused connection again.
    ///
    /// # Errors
    /// [`Error::UnknownId`], [`Error::Forked`].
    pub fn resume(&mut self, id: ConnectionId) -> Result<(), Error> {
        self.set_paused(id, false)?;
        self.step_later(id.index());
        Ok(())
    }

    /// Has the message under way told in pieces, what is there of it first, or else the next message; see
    /// [`Protocol::stream_message`].
    ///
    /// # Errors
    /// [`Error::UnknownId`], [`Error::Forked`].
    pub fn stream_message(&mut self, id: ConnectionId) -> Result<(), Error> {
        self.check_fork()?;
        let slot = self.slots.get_mut(id).ok_or(Error::UnknownId)?;
        if let Some(protocol) = &mut slot.protocol {
            protocol.stream_message();
        }
        self.step_later(id.index());
        Ok(())
    }

    fn set_paused(&mut self, id: ConnectionId, paused: bool) -> Result<(), Error> {
        self.check_fork()?;
        self.tick();
        let now = self.now;
        let slot = self.slots.get_mut(id).ok_or(Error::UnknownId)?;
        slot.flags.take(Flags::PAUSED);
        if paused {
            slot.flags.set(Flags::PAUSED);
        }
        if let Some(protocol) = &mut slot.protocol {
            protocol.set_paused(paused, now);
        }
        if paused && slot.flags.has(Flags::HANGUP) {
            self.list(id.index());
        }
        if paused {
            self.take_back(id.index());
        }
        self.schedule(id.index());
        Ok(())
    }

    /// Bytes that the kernel has not taken yet.
    ///
    /// # Errors
    /// [`Error::UnknownId`].
    pub fn queued_bytes(&self, id: ConnectionId) -> Result<u64, Error> {
        let slot = self.slot(id)?;
        Ok(slot.queued() + slot.transport.unsent() + self.corked_bytes(id.index()))
    }

    /// The other end's address; through a proxy it is the proxy's.
    ///
    /// # Errors
    /// [`Error::UnknownId`], [`Error::Io`] when the connection is not made yet, or no more.
    pub fn peer_address(&self, id: ConnectionId) -> Result<SocketAddr, Error> {
        match &self.slot(id)?.transport {
            Transport::Stream(stream) => stream.peer_address(),
            _ => Err(io::ErrorKind::NotConnected.into()),
        }
        .map_err(|error| Error::Io(IoError::new("ask for the peer's address", &error)))
    }

    /// This end's address.
    ///
    /// # Errors
    /// As [`peer_address`](Self::peer_address).
    pub fn local_address(&self, id: ConnectionId) -> Result<SocketAddr, Error> {
        match &self.slot(id)?.transport {
            Transport::Stream(stream) => stream.local_address(),
            _ => Err(io::ErrorKind::NotConnected.into()),
        }
        .map_err(|error| Error::Io(IoError::new("ask for the local address", &error)))
    }

    /// What the TLS handshake agreed on; `None` for a plain connection, and before the handshake is done.
    ///
    /// # Errors
    /// [`Error::UnknownId`].
    pub fn tls_info(&self, id: ConnectionId) -> Result<Option<TlsInfo>, Error> {
        Ok(match &self.slot(id)?.transport {
            Transport::Stream(stream) => stream.tls_info(),
            _ => None,
        })
    }

    /// The application's number for a connection; 0 at first.
    ///
    /// # Errors
    /// [`Error::UnknownId`].
    pub fn user_data(&self, id: ConnectionId) -> Result<u64, Error> {
        Ok(self.slot(id)?.user_data)
    }

    /// Sets the application's number for a connection.
    ///
    /// # Errors
    /// [`Error::UnknownId`].
    pub fn set_user_data(&mut self, id: ConnectionId, data: u64) -> Result<(), Error> {
        self.slots.get_mut(id).ok_or(Error::UnknownId)?.user_data = data;
        Ok(())
    }

    /// The listener that a connection came from; `None` for a dialled one, or when the listener is closed.
    #[must_use]
    pub fn listener_of(&self, id: ConnectionId) -> Option<ListenerId> {
        let listener = self.slots.get(id)?.listener;
        self.listener(listener).ok().map(|slot| slot.id)
    }

    /// Connections that have not ended, those being made included.
    pub fn ids(&self) -> impl Iterator<Item = ConnectionId> {
        self.slots
            .iter()
            .filter(|slot| !slot.is_ended())
            .map(|slot| slot.id)
    }

    /// How many places are taken: connections, those being made and those that have ended but whose peers have not
    /// gone yet.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.used()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.used() == 0
    }

    /// What the engine has done so far.
    #[must_use]
    pub const fn counters(&self) -> &Counters {
        &self.tally.counters
    }

    /// The same, with what there is now. It looks at every connection: some milliseconds for 100,000 of them.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        let queued: u64 = (self.slots.iter())
            .map(|slot| slot.queued() + slot.transport.unsent())
            .sum();
        let corked = self.corked.map_or(0, |index| self.corked_bytes(index));
        Metrics {
            connections: self.len() as u64,
            queued: queued + corked,
            counters: self.tally.counters,
        }
    }

    /// What one connection has done so far; good until after its [`Closed`](super::EventKind::Closed).
    ///
    /// # Errors
    /// [`Error::UnknownId`], [`Error::Misuse`] in an engine that was made without
    /// [`connection_metrics`](EngineOptions::connection_metrics).
    pub fn connection_metrics(&self, id: ConnectionId) -> Result<ConnectionMetrics, Error> {
        let queued = self.queued_bytes(id)?;
        let metrics = (self.tally.of(id.index())).ok_or(Error::Misuse(
            "the engine was made without connection_metrics",
        ))?;
        Ok(ConnectionMetrics { queued, ..metrics })
    }

    fn slot(&self, id: ConnectionId) -> Result<&Slot, Error> {
        self.slots.get(id).ok_or(Error::UnknownId)
    }

    #[inline]
    pub(super) fn check_fork(&self) -> Result<(), Error> {
        if self.fork.is_child() {
            Err(Error::Forked)
        } else {
            Ok(())
        }
    }

    /// A free place, within `max_connections`.
    pub(super) fn reserve(&mut self) -> Result<u32, Error> {
        let limit = self.options.max_connections.min(MAX_CONNECTIONS);
        let used = self.slots.used();
        if used >= limit as usize {
            return Err(Error::Limit {
                limit: Limit::Connections,
                value: limit.into(),
                actual: used as u64 + 1,
                role: Role::Server,
            });
        }
        Ok(self.slots.reserve())
    }

    /// Outside a turn nobody else looks at the clock.
    pub(super) fn tick(&mut self) {
        if !self.in_turn {
            self.now = self.clock.now();
        }
    }

    /// The transport has failed, or is given up.
    pub(super) fn fail(&mut self, index: u32, error: Error) {
        let now = self.now;
        let slot = self.slots.at(index);
        let transport = std::mem::replace(&mut slot.transport, Transport::None);
        let protocol = match (&mut slot.protocol, transport, &slot.outgoing) {
            (Some(protocol), ..) => protocol,
            (none, Transport::Dial(dial), _) => {
                none.insert(Protocol::open(Role::Client, dial.options, now))
            }
            (none, _, Some(outgoing)) => {
                let options = Arc::clone(outgoing.options());
                none.insert(Protocol::open(Role::Client, options, now))
            }
            _ => return,
        };
        protocol.on_transport_error(error, now);
        slot.queue = None;
        if self.corked == Some(index) {
            self.output.consume(usize::MAX);
            self.corked = None;
        }
        self.step_later(index);
    }

    /// The engine goes: streams that only wait for their peers' end get their own.
    pub(super) fn take_leave(&mut self) {
        if self.check_fork().is_err() {
            return;
        }
        for slot in self.slots.iter_mut() {
            if let (Some(protocol), Transport::Stream(stream)) =
                (&slot.protocol, &mut slot.transport)
                && matches!(
                    protocol.shutdown(),
                    Shutdown::AwaitEnd | Shutdown::Close | Shutdown::HalfClose
                )
            {
                stream.take_leave();
            }
        }
    }

    /// The protocol may have something to tell without new bytes.
    pub(super) fn step_later(&mut self, index: u32) {
        self.slots.at(index).flags.set(Flags::STEP);
        self.list(index);
    }

    /// Attends to a connection in the next round.
    pub(super) fn list(&mut self, index: u32) {
        let flags = &mut self.slots.at(index).flags;
        if !flags.has(Flags::LISTED) {
            flags.set(Flags::LISTED);
            self.carried.push_back(index);
            if self.embedded && !self.in_turn {
                self.remote.rouse();
            }
        }
    }

    /// Sees to it that the connection's next deadline is noticed.
    pub(super) fn schedule(&mut self, index: u32) {
        let slot = self.slots.at(index);
        let deadline = match (&slot.protocol, &slot.transport) {
            (Some(protocol), _) => protocol.next_deadline(),
            (None, Transport::Dial(dial)) => dial.next_deadline(),
            _ => slot.again_at(),
        };
        if let Some(deadline) = deadline {
            self.timers.ensure(index, deadline);
        }
        if !self.in_turn {
            self.set_alarm();
        }
    }

    /// Sets the alarm to the next time at which something has to be done.
    pub(super) fn set_alarm(&mut self) {
        let Some(at) = self.next_deadline() else {
            return;
        };
        if self.alarm_at.is_none_or(|set| at < set) {
            // The clock is right, and so is the setting: only a broken descriptor could refuse it.
            if self.alarm.set(self.clock.until(at)).is_ok() {
                self.alarm_at = Some(at);
            }
        }
    }
}
