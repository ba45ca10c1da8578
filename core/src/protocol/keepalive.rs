//! The waits: open, ping, pong, idle, close. All of them are here, so no driver has a timer of its own.

use std::time::Duration;

use crate::error::{Deadline, Role};
use crate::frame::Opcode;

use super::opening::refusal;
use super::{Output, Protocol, State, Time};

impl Protocol {
    /// When [`on_deadline`](Self::on_deadline) wants to be called; `None` for never. It moves with every byte
    /// received, mostly later: a driver may ask again only when the old one is reached.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Time> {
        match self.state {
            State::Opening => self.after(self.since, self.options.open_timeout),
            State::Closing => self.after(self.since, self.options.close_timeout),
            State::Ended if self.ended => None,
            State::Ended => self.after(self.since, self.options.close_timeout),
            State::Open if self.is_paused() => None,
            State::Open => {
                let keepalive = if self.ping_is_unanswered() {
                    let wait = self.options.pong_timeout;
                    self.after(
                        self.since,
                        if wait.is_zero() {
                            self.options.ping_interval
                        } else {
                            wait
                        },
                    )
                } else {
                    self.after(self.heard, self.options.ping_interval)
                };
                let idle = self.after(self.last_message, self.options.idle_timeout);
                match (keepalive, idle) {
                    (Some(a), Some(b)) => Some(a.min(b)),
                    (one, other) => one.or(other),
                }
            }
        }
    }

    /// The time is `now`: does what is due, if anything is.
    pub fn on_deadline(&mut self, output: &mut Output, now: Time) {
        if self.next_deadline().is_none_or(|deadline| deadline > now) {
            return;
        }
        match self.state {
            State::Opening => {
                if self.role == Role::Server {
                    let refusal = if self.awaits_decision() {
                        refusal(503, "The server did not decide in time.\n")
                    } else {
                        refusal(408, "The opening handshake took too long.\n")
                    };
                    self.write_refusal(output, &refusal);
                }
                self.fail(self.timeout(Deadline::Open), output, now);
            }
            State::Closing => {
                self.fail(self.timeout(Deadline::Close), output, now);
                self.ended = true;
            }
            State::Ended => self.ended = true,
            State::Open => self.keep_alive(output, now),
        }
    }

    fn keep_alive(&mut self, output: &mut Output, now: Time) {
        let due = |deadline: Option<Time>| deadline.is_some_and(|deadline| deadline <= now);
        if due(self.after(self.last_message, self.options.idle_timeout)) {
            self.fail(self.timeout(Deadline::Idle), output, now);
        } else if !self.ping_is_unanswered() || self.options.pong_timeout.is_zero() {
            let sent = output.frame(
                self.role,
                true,
                Opcode::Ping,
                &now.as_micros().to_be_bytes(),
                self.options.trace.as_ref(),
            );
            match sent {
                Ok(()) => self.since = now,
                // Without random bytes for its mask it is tried again an interval later.
                Err(_) => (self.heard, self.since) = (now, Time::NEVER),
            }
        } else {
            self.fail(self.timeout(Deadline::Pong), output, now);
        }
    }

    /// The application reads no more for now (or again): while it does not, the peer's silence means nothing. Before the
    /// connection is open, it holds from its opening on.
    pub fn set_paused(&mut self, paused: bool, now: Time) {
        if self.state == State::Opening {
            self.paused = paused;
        } else if self.state == State::Open && self.paused != paused {
            self.paused = paused;
            self.heard = now;
            self.last_message = now;
            self.since = Time::NEVER;
        }
    }

    /// The peer takes what it is sent: a sign of life like a byte of its own, when a long queue keeps the ping from it.
    pub fn on_progress(&mut self, now: Time) {
        self.heard = now;
    }

    /// The transport holds payload of the message under way that has not been received yet.
    pub(crate) fn on_payload(&mut self, now: Time) {
        self.heard = now;
        self.last_message = now;
    }

    /// Whether the application reads no more for now. The opening handshake goes on in a pause, and is told.
    #[must_use]
    pub const fn is_paused(&self) -> bool {
        self.paused && self.opening.is_none()
    }

    /// Whether a keep-alive ping was sent at that time.
    pub(crate) fn pinged_at(&self, time: Time) -> bool {
        self.state == State::Open && self.since == time
    }

    /// Whether a ping is out and nothing at all has been heard since. Any byte counts as life.
    fn ping_is_unanswered(&self) -> bool {
        self.since != Time::NEVER && self.heard <= self.since
    }

    /// The round trip, if a pong of `payload` answers the outstanding ping.
    pub(super) fn round_trip(&mut self, payload: &[u8], now: Time) -> Option<Duration> {
        if self.state != State::Open
            || self.since == Time::NEVER
            || payload != self.since.as_micros().to_be_bytes()
        {
            return None;
        }
        let sent = std::mem::replace(&mut self.since, Time::NEVER);
        Some(now.since(sent))
    }

    fn after(&self, since: Time, wait: Duration) -> Option<Time> {
        (!wait.is_zero()).then(|| since + wait)
    }
}
