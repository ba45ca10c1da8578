//! What an engine and its connections have done so far, to be looked at from outside.

use std::time::Duration;

use crate::error::{Deadline, Error};
use crate::frame::CloseCode;
use crate::handshake::HandshakeError;
use crate::protocol::Closed;

/// From this status on an answer to a request refuses it; below, it serves a page or leads elsewhere.
const REFUSES: u16 = 400;

/// What went one way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Messages, those that were left queued included, and one for each receiver of a published one. A message in
    /// fragments or pieces counts with its last.
    pub messages: u64,
    /// Bytes of data messages as the application has them: after inflation, before compression, without headers.
    pub payload: u64,
    /// Bytes that came from, or were taken by, the kernel: frame headers, control frames and the opening handshake
    /// included, what TLS adds not.
    pub bytes: u64,
    /// Pings (RFC 6455 section 5.5.2).
    pub pings: u64,
}

impl Traffic {
    /// So many messages, of so many bytes together.
    #[inline]
    pub(super) fn count(&mut self, messages: u64, payload: u64) {
        self.messages += messages;
        self.payload += payload;
    }
}

/// Connections that did not open, by the reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refusals {
    /// Turned away by a listener, because the engine had `max_connections`.
    pub connections: u64,
    /// Turned away by a listener, because their address had `max_per_address`.
    pub addresses: u64,
    /// Answered by the application with a status of 400 or more.
    pub application: u64,
    /// What the peer sent as its opening handshake was wrong or unwelcome (RFC 6455 section 4), or it refused ours.
    pub handshake: u64,
    /// TLS could not be agreed on.
    pub tls: u64,
    /// Not open within `open_timeout`.
    pub timeout: u64,
}

impl Refusals {
    /// Each count with its reason: the field's name.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, u64)> {
        [
            ("connections", self.connections),
            ("addresses", self.addresses),
            ("application", self.application),
            ("handshake", self.handshake),
            ("tls", self.tls),
            ("timeout", self.timeout),
        ]
        .into_iter()
    }
}

/// Ends by the close code that came: 1006 where no Close frame did (RFC 6455 section 7.1.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CloseCodes([u64; Self::COUNT]);

impl CloseCodes {
    /// The codes 1000 to 1015 each, those up to 3999 together, those from 4000 on together.
    pub const COUNT: usize = 18;

    /// The counts in that order.
    #[must_use]
    pub const fn counts(&self) -> &[u64; Self::COUNT] {
        &self.0
    }

    /// Each count with the codes it is of: `"1000"`, …, `"1015"`, `"1016-3999"`, `"4000-4999"`.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, u64)> {
        const NAMES: [&str; CloseCodes::COUNT] = [
            "1000",
            "1001",
            "1002",
            "1003",
            "1004",
            "1005",
            "1006",
            "1007",
            "1008",
            "1009",
            "1010",
            "1011",
            "1012",
            "1013",
            "1014",
            "1015",
            "1016-3999",
            "4000-4999",
        ];
        NAMES.into_iter().zip(self.0)
    }

    fn count(&mut self, code: CloseCode) {
        let place = match code.get() {
            code @ 0..4000 => code.saturating_sub(1000).min(16),
            _ => 17,
        };
        self.0[usize::from(place)] += 1;
    }
}

/// Totals since the engine was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Connections taken from listeners, or over from the host.
    pub accepted: u64,
    /// Connections asked for with `connect` and its kin, however often each is dialled.
    pub dialled: u64,
    /// Opening handshakes that ended well; a supervised connection has one each time it opens.
    pub opened: u64,
    /// Connections that ended, opened or not.
    pub closed: u64,
    /// The same by close code, without those of [`refused`](Self::refused).
    pub close_codes: CloseCodes,
    /// Connections that did not open.
    pub refused: Refusals,
    /// What came.
    pub received: Traffic,
    /// What went.
    pub sent: Traffic,
    /// Pongs that answered a keep-alive ping.
    pub round_trips: u64,
    /// The time from those pings to their pongs, all together.
    pub round_trip_total: Duration,
    /// Published messages that a subscriber did not get because its queue was over the high-water mark.
    pub publishes_dropped: u64,
}

impl Counters {
    pub(super) fn ended(&mut self, closed: &Closed) {
        self.closed += 1;
        let refused = &mut self.refused;
        let reason = match &closed.cause {
            Some(Error::Handshake(HandshakeError::Refused(status))) if *status < REFUSES => return,
            Some(Error::Handshake(HandshakeError::Refused(_))) => &mut refused.application,
            Some(Error::Handshake(_)) => &mut refused.handshake,
            Some(Error::Tls(_)) => &mut refused.tls,
            Some(Error::Timeout {
                deadline: Deadline::Open,
                ..
            }) => &mut refused.timeout,
            _ => return self.close_codes.count(closed.code()),
        };
        *reason += 1;
    }
}

/// An engine at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Metrics {
    /// Connections there are, those being made or closed included.
    pub connections: u64,
    /// Bytes that wait in all send queues.
    pub queued: u64,
    /// What has been counted.
    pub counters: Counters,
}

/// A connection at one moment; all attempts of a supervised one together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConnectionMetrics {
    /// Bytes that the kernel has not taken yet.
    pub queued: u64,
    /// What came.
    pub received: Traffic,
    /// What went.
    pub sent: Traffic,
    /// The time from the last keep-alive ping that was answered to its pong.
    pub round_trip: Option<Duration>,
}
