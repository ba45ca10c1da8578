//! What a driver reads into, and from which events are lent. One serves any number of connections in turn.

use crate::error::{Error, Limit, Role};
use crate::handshake::Request;

use super::event::{Closed, Event, MessageKind, Opened};
use super::receive::{Raw, Source};

/// A gathered message's buffer up to this size is kept for the next one.
const SPARE_LIMIT: usize = 2 << 20;

/// Received bytes on their way through a [`Protocol`](super::Protocol), and the storage of the event that is lent.
///
/// A driver reads into [`spare`](Self::spare), says how much with [`filled`](Self::filled), and calls
/// [`Protocol::next_event`](super::Protocol::next_event) until it returns `None`; then every byte has been consumed
/// (what was incomplete lives on in the protocol) and the same `Input` can serve another connection.
#[derive(Debug)]
pub struct Input {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    pub(super) message: Vec<u8>,
    spare: Vec<u8>,
    incomplete: u64,
    incomplete_limit: u64,
    pub(super) request: Option<Box<Request>>,
    pub(super) opened: Option<Box<Opened>>,
    pub(super) closed: Option<Box<Closed>>,
}

impl Default for Input {
    fn default() -> Self {
        Self::new()
    }
}

impl Input {
    /// An empty input, with the default bound of 512 MiB on incomplete messages of all its connections together.
    #[must_use]
    pub const fn new() -> Self {
        Self::with_incomplete_limit(512 << 20)
    }

    /// An empty input that bounds the memory of incomplete messages of all its connections together, in bytes.
    #[must_use]
    pub const fn with_incomplete_limit(limit: u64) -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            end: 0,
            message: Vec::new(),
            spare: Vec::new(),
            incomplete: 0,
            incomplete_limit: limit,
            request: None,
            opened: None,
            closed: None,
        }
    }

    /// Room for at least `size` more bytes.
    pub fn spare(&mut self, size: usize) -> &mut [u8] {
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
        }
        if self.buffer.len() < self.end + size {
            self.buffer.resize(self.end + size, 0);
        }
        &mut self.buffer[self.end..]
    }

    /// Says that `count` bytes have been put into what [`spare`](Self::spare) returned. More than its length count as
    /// its length.
    pub fn filled(&mut self, count: usize) {
        self.end = self.end.saturating_add(count).min(self.buffer.len());
    }

    /// Adds a copy of `bytes`.
    pub fn extend(&mut self, bytes: &[u8]) {
        self.spare(bytes.len())[..bytes.len()].copy_from_slice(bytes);
        self.filled(bytes.len());
    }

    /// Bytes that no protocol has consumed yet.
    #[must_use]
    pub fn len(&self) -> usize {
        self.end - self.start
    }

    /// Whether every byte has been consumed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Bytes that incomplete messages of all connections hold now.
    #[must_use]
    pub const fn incomplete_bytes(&self) -> u64 {
        self.incomplete
    }

    pub(super) fn clear(&mut self) {
        self.start = self.end;
    }

    #[inline]
    pub(super) fn bytes(&mut self) -> &mut [u8] {
        &mut self.buffer[self.start..self.end]
    }

    /// Consumes `count` bytes, which the caller knows to be there, and names their place for [`lend`](Self::lend).
    pub(super) fn take(&mut self, count: usize) -> Source {
        let start = self.start;
        self.start += count;
        Source::Buffer {
            start,
            end: self.start,
        }
    }

    /// Puts bytes that were held back in front of those that came since.
    pub(super) fn restore(&mut self, held: &[u8]) {
        if self.is_empty() {
            self.extend(held);
        } else if !held.is_empty() {
            let rest = self.bytes().to_vec();
            self.clear();
            self.extend(held);
            self.extend(&rest);
        }
    }

    /// Makes room in a gathered message for `needed` bytes in all, `expected` of which are announced: within the
    /// bound on incomplete messages, and never much ahead of what has really come.
    pub(super) fn reserve(
        &mut self,
        buffer: &mut Vec<u8>,
        needed: usize,
        expected: usize,
        role: Role,
    ) -> Result<(), Error> {
        const AHEAD: usize = 64 << 10;
        if buffer.capacity() >= needed {
            return Ok(());
        }
        let before = buffer.capacity();
        let spare = self.spare.capacity();
        if before == 0
            && expected > AHEAD
            && spare >= needed
            && self.within_limit(spare, role).is_ok()
        {
            std::mem::swap(buffer, &mut self.spare);
        } else {
            // Each of many fragments announces only itself: growth by half at least keeps the copying linear.
            let ahead = expected.min(needed.saturating_mul(2).max(AHEAD));
            let target = ahead.max(before + before / 2).max(needed);
            self.within_limit(target - before, role)?;
            buffer
                .try_reserve_exact(target - buffer.len())
                .map_err(|_| self.over_limit(target, role))?;
        }
        // What was allocated counts in any case, since `release` takes off the same.
        self.incomplete += (buffer.capacity() - before) as u64;
        Ok(())
    }

    fn within_limit(&self, more: usize, role: Role) -> Result<(), Error> {
        if self.incomplete.saturating_add(more as u64) > self.incomplete_limit {
            return Err(self.over_limit(more, role));
        }
        Ok(())
    }

    fn over_limit(&self, more: usize, role: Role) -> Error {
        Error::Limit {
            limit: Limit::IncompleteMessages,
            value: self.incomplete_limit,
            actual: self.incomplete.saturating_add(more as u64),
            role,
        }
    }

    /// A gathered message's memory no longer counts as incomplete.
    pub(super) fn release(&mut self, buffer: &Vec<u8>) {
        self.incomplete = self.incomplete.saturating_sub(buffer.capacity() as u64);
    }

    /// Whether the last event was lent from a gathered message.
    #[inline]
    pub(super) const fn lends_message(&self) -> bool {
        self.message.capacity() > 0
    }

    /// Ends the loan of the last event.
    pub(super) fn recycle(&mut self) {
        if self.lends_message() {
            let mut message = std::mem::take(&mut self.message);
            if message.capacity() <= SPARE_LIMIT && message.capacity() > self.spare.capacity() {
                message.clear();
                self.spare = message;
            }
        }
    }

    #[inline]
    pub(crate) fn payload(&self, source: Source) -> &[u8] {
        match source {
            Source::Buffer { start, end } => &self.buffer[start..end],
            Source::Message => &self.message,
        }
    }

    /// The event for the application, borrowing what [`step`](super::Protocol::step) left here.
    pub(crate) fn lend(&self, raw: Raw) -> Option<Event<'_>> {
        Some(match raw {
            Raw::Message { kind, source } => Event::Message {
                kind,
                payload: self.payload(source),
            },
            Raw::Fragment {
                kind,
                source,
                first,
                last,
            } => Event::Fragment {
                kind,
                payload: self.payload(source),
                first,
                last,
            },
            Raw::Ping { source } => Event::Ping {
                payload: self.payload(source),
            },
            Raw::Pong { source, round_trip } => Event::Pong {
                payload: self.payload(source),
                round_trip,
            },
            Raw::UpgradeRequest => Event::UpgradeRequest(self.request.as_deref()?),
            Raw::HttpRequest => Event::HttpRequest(self.request.as_deref()?),
            Raw::Opened => Event::Opened(self.opened.as_deref()?),
            Raw::Closed => Event::Closed(self.closed.as_deref()?),
        })
    }
}

impl MessageKind {
    pub(super) const fn opcode(self) -> crate::frame::Opcode {
        match self {
            Self::Text => crate::frame::Opcode::Text,
            Self::Binary => crate::frame::Opcode::Binary,
        }
    }
}
