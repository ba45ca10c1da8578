//! Reconnecting: which ends are final, how long to wait before the next attempt, and what is kept to be sent then.
//! Without I/O and without a clock.

use std::collections::VecDeque;
use std::time::Duration;

use crate::deflate::Compress;
use crate::error::{Error, SendError};
use crate::fault::Fault;
use crate::frame::MAX_HEADER;
use crate::handshake::{HandshakeError, Response};
use crate::protocol::{Closed, MessageKind, Time};
use crate::proxy_error::ProxyProblem;

/// How a supervised connection is made again when it could not be made, or is lost; see
/// [`connect_supervised`](super::Connections::connect_supervised).
///
/// The wait before an attempt is a random part of a ceiling (full jitter), so that clients which lost one server do not
/// come back to it together. The ceiling is `base` at first, grows by the factor with each further attempt, and ends at
/// `cap`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reconnect {
    /// The ceiling of the first wait. Default 1 s.
    pub base: Duration,
    /// The most that any wait lasts. Default 60 s.
    pub cap: Duration,
    /// What the ceiling grows to with each attempt, in percent; below 100 counts as 100. Default 200.
    pub factor_percent: u32,
    /// A connection that was open for so long begins anew with `base` and with the count of attempts. Default 10 s.
    pub stable_after: Duration,
    /// Attempts after the connection was last stable, the first one not counted; 0 is without end. Default 0. When they
    /// are used up, the last end is final.
    pub max_attempts: u32,
    /// Bytes of messages that are taken while the connection is not open, to be sent when it is, each counting 14 more
    /// than its payload. Default 0: none, such a send is refused. At most `send_queue_limit` of the connection counts.
    pub resend_limit: u64,
    /// Take no end for final except a close or abort by this side: the application decides at each
    /// [`Reconnecting`](super::EventKind::Reconnecting), by closing or not. Default off: [`is_final`](Self::is_final)
    /// decides.
    pub every_end: bool,
    /// For tests: waits that are the same in every run. Default none: from the operating system's random numbers.
    pub seed: Option<u64>,
}

impl Default for Reconnect {
    fn default() -> Self {
        Self {
            base: Duration::from_secs(1),
            cap: Duration::from_secs(60),
            factor_percent: 200,
            stable_after: Duration::from_secs(10),
            max_attempts: 0,
            resend_limit: 0,
            every_end: false,
            seed: None,
        }
    }
}

impl Reconnect {
    /// Whether it is of no use to try again after this end.
    ///
    /// Not final are errors of the network, time-outs, a stream that ended without a word, HTTP statuses 408, 425, 429
    /// and 500 to 599 of the server or a proxy, a SOCKS proxy's replies 1 and 3 to 6 (the server is not reached), and
    /// the peer's close codes 1001 (going away) and 1011 to 1014 (internal error, service restart, try again later, bad
    /// gateway). Final is everything else: what the caller did wrong, certificates and all else that is wrong with TLS,
    /// other statuses, violations of the protocol, limits, and other close codes.
    #[must_use]
    pub fn is_final(closed: &Closed) -> bool {
        match &closed.cause {
            None => !matches!(closed.code().get(), 1001 | 1011..=1014),
            Some(Error::Handshake(HandshakeError::InvalidStatus(response))) => {
                !may_pass(response.status)
            }
            Some(Error::Proxy(error)) => match error.problem {
                ProxyProblem::Status { status, .. } => !may_pass(status),
                ProxyProblem::Reply { code, .. } => !matches!(code, 1 | 3..=6),
                _ => !matches!(error.fault(), Fault::Network | Fault::Internal),
            },
            // A server that goes down ends the stream before its answer.
            Some(Error::Handshake(HandshakeError::Incomplete { .. })) => false,
            Some(error) => !matches!(error.fault(), Fault::Network | Fault::Internal),
        }
    }
}

/// Whether another attempt may be answered by another HTTP status.
const fn may_pass(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500..=599)
}

/// The attempt that comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Attempt {
    /// Counted from 1 since the connection was last stable.
    pub(super) number: u32,
    pub(super) delay: Duration,
}

/// A supervised connection's past, as far as it matters to its future.
#[derive(Debug)]
pub(super) struct Supervision {
    policy: Reconnect,
    jitter: Jitter,
    /// The ceiling of the next wait.
    ceiling: Duration,
    attempts: u32,
    /// When the connection was opened, if it is open.
    opened: Option<Time>,
    /// The application waits for `Writable`, having been told `Queued`.
    pub(super) owes_writable: bool,
    held: VecDeque<Held>,
    held_bytes: u64,
}

/// A message that waits for the connection to open.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) kind: MessageKind,
    pub(super) compress: Compress,
    pub(super) payload: Box<[u8]>,
}

impl Held {
    const fn weight(payload: &[u8]) -> u64 {
        (payload.len() + MAX_HEADER) as u64
    }
}

impl Supervision {
    pub(super) fn new(policy: Reconnect) -> Self {
        Self {
            policy,
            jitter: Jitter(policy.seed),
            ceiling: policy.base,
            attempts: 0,
            opened: None,
            owes_writable: false,
            held: VecDeque::new(),
            held_bytes: 0,
        }
    }

    /// The connection is open. What was held is to be sent now, in this order.
    pub(super) fn opened(&mut self, now: Time) -> VecDeque<Held> {
        self.opened = Some(now);
        self.held_bytes = 0;
        std::mem::take(&mut self.held)
    }

    /// The connection has ended, or could not be made: what comes next; `None` when that is final.
    pub(super) fn ended(&mut self, closed: &Closed, now: Time) -> Option<Attempt> {
        let opened = self.opened.take();
        if opened.is_some_and(|opened| now.since(opened) >= self.policy.stable_after) {
            self.attempts = 0;
            self.ceiling = self.policy.base;
        }
        let used_up = self.policy.max_attempts > 0 && self.attempts >= self.policy.max_attempts;
        if used_up || !self.policy.every_end && Reconnect::is_final(closed) {
            return None;
        }
        self.attempts = self.attempts.saturating_add(1);
        let ceiling = self.ceiling.min(self.policy.cap);
        let factor = self.policy.factor_percent.max(100);
        self.ceiling = (ceiling.saturating_mul(factor) / 100).min(self.policy.cap);
        let asked_for = response(closed).and_then(retry_after).unwrap_or_default();
        let delay = asked_for.saturating_add(self.jitter.part_of(ceiling));
        Some(Attempt {
            number: self.attempts,
            delay: delay.min(self.policy.cap),
        })
    }

    /// Keeps a message until the connection is open; the bytes that are held then. `None` when none are to be held.
    /// `send_limit` is the connection's `send_queue_limit`.
    pub(super) fn hold(
        &mut self,
        kind: MessageKind,
        payload: &[u8],
        compress: Compress,
        send_limit: u64,
    ) -> Option<Result<u64, SendError>> {
        let limit = self.policy.resend_limit.min(send_limit);
        if limit == 0 {
            return None;
        }
        let bytes = self.held_bytes + Held::weight(payload);
        if bytes > limit {
            let held = self.held_bytes;
            return Some(Err(SendError::HeldFull { held, limit }));
        }
        self.owes_writable = true;
        self.held_bytes = bytes;
        self.held.push_back(Held {
            kind,
            compress,
            payload: payload.into(),
        });
        Some(Ok(bytes))
    }
}

/// The answer that refused or redirected a handshake.
pub(super) fn response(closed: &Closed) -> Option<&Response> {
    match &closed.cause {
        Some(Error::Handshake(HandshakeError::InvalidStatus(response))) => Some(response),
        _ => None,
    }
}

/// How long the server asks to be left alone (RFC 9110 section 10.2.3), in its form of a number of seconds; that of a
/// date is passed over, since it takes both clocks to be right.
fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers.get("Retry-After")?;
    if seconds.is_empty() || !seconds.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // What 64 bits do not hold is for ever.
    Some(Duration::from_secs(seconds.parse().unwrap_or(u64::MAX)))
}

/// Where random parts come from: a seed's sequence, or the operating system.
#[derive(Debug)]
struct Jitter(Option<u64>);

impl Jitter {
    /// A random part of `ceiling`, from nothing up to, but not including, all of it.
    fn part_of(&mut self, ceiling: Duration) -> Duration {
        let nanos = (ceiling.as_nanos() * u128::from(self.draw())) >> u32::BITS;
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    fn draw(&mut self) -> u32 {
        match &mut self.0 {
            // SplitMix64.
            Some(state) => {
                *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
                let mut bits = *state;
                bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
                bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
                (bits >> 32) as u32
            }
            // Without random numbers the whole wait is as good.
            None => getrandom::u32().unwrap_or(u32::MAX),
        }
    }
}

#[cfg(test)]
mod tests;
