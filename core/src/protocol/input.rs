//! What a driver reads into, and from which events are lent. One serves any number of connections in turn.

use crate::deflate::{INFLATER_MEMORY, InflateError, Inflater, Progress};
use crate::error::{Error, Limit, Role};
use crate::handshake::Request;

use super::event::{Closed, Event, MessageKind, Opened};
use super::gathered::Gathered;
use super::receive::{Raw, Source};
use super::room::{MakeRoom, Room, Rooms};

/// A gathered message's buffer up to this size is kept for the next one.
const SPARE_LIMIT: usize = 2 << 20;
/// Bytes of such buffers that the application may hand in.
const SPARES_LIMIT: usize = 32 << 20;
/// Inflated data are gathered or streamed in pieces of this size.
pub(super) const PIECE: usize = 64 << 10;
/// Inflaters kept for the next message.
const INFLATERS: usize = 4;

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
    /// Bytes at the front of the buffer that stay as they are, and where they are.
    kept: usize,
    /// A buffer with such bytes that there was no more room in.
    outgrown: Option<Vec<u8>>,
    pub(super) message: Gathered,
    /// Memory for messages to come: of one that is over, or as much as the application has handed in.
    spares: Vec<Gathered>,
    pub(super) rooms: Rooms,
    /// Room for inflated data; its length is no measure of them.
    inflated: Vec<u8>,
    inflaters: Vec<Inflater>,
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
            kept: 0,
            outgrown: None,
            message: Gathered::new(),
            spares: Vec::new(),
            rooms: Rooms {
                make: None,
                lent: None,
            },
            inflated: Vec::new(),
            inflaters: Vec::new(),
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
            self.start = self.kept;
            self.end = self.kept;
        }
        if self.buffer.len() < self.end + size {
            if self.kept > 0 {
                self.outgrown = Some(self.exchange(Vec::new()));
            }
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

    /// Takes other memory to read into: what no protocol has consumed moves there. The memory that there was.
    fn exchange(&mut self, memory: Vec<u8>) -> Vec<u8> {
        let before = std::mem::replace(&mut self.buffer, memory);
        let rest = self.start..self.end;
        self.clear();
        self.kept = 0;
        self.extend(&before[rest]);
        before
    }

    /// The memory that is read into, as far as it goes now.
    pub(crate) fn memory(&mut self) -> &mut [u8] {
        &mut self.buffer
    }

    /// Keeps what has been consumed up to `end` where it is, until [`replace`](Self::replace). Whether it can be: what
    /// was kept before may be in memory that there was no more room in.
    pub(crate) fn keep_up_to(&mut self, end: usize) -> bool {
        if self.outgrown.is_none() {
            self.kept = end;
        }
        self.outgrown.is_none()
    }

    /// Whether what is kept leaves no room for a read of `size` bytes.
    pub(crate) fn is_full(&self, size: usize) -> bool {
        let from = if self.is_empty() { self.kept } else { self.end };
        self.outgrown.is_some() || self.kept > 0 && self.buffer.len() - from < size
    }

    /// Takes other memory to read into. The memory in which something was kept, or else what there was.
    pub(crate) fn replace(&mut self, memory: Vec<u8>) -> Vec<u8> {
        let before = self.exchange(memory);
        self.outgrown.take().unwrap_or(before)
    }

    /// Bytes that incomplete messages of all connections hold now.
    #[must_use]
    pub const fn incomplete_bytes(&self) -> u64 {
        self.incomplete
    }

    #[cfg(test)]
    pub(super) fn inflated_capacity(&self) -> usize {
        self.inflated.capacity()
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
        buffer: &mut Gathered,
        needed: usize,
        expected: usize,
        role: Role,
    ) -> Result<(), Error> {
        const AHEAD: usize = 64 << 10;
        if buffer.capacity() >= needed {
            return Ok(());
        }
        let before = buffer.capacity();
        let spare = if expected > AHEAD {
            self.take_spare(needed, before, role)
        } else {
            None
        };
        if let Some(mut spare) = spare {
            spare.extend(buffer.bytes());
            *buffer = spare;
        } else {
            // Each of many fragments announces only itself: growth by half at least keeps the copying linear.
            let ahead = expected.min(needed.saturating_mul(2).max(AHEAD));
            let target = ahead.max(before + before / 2).max(needed);
            self.within_limit(target - before, role)?;
            if !buffer.reserve(target) {
                return Err(self.over_limit(target, role));
            }
        }
        // What was allocated counts in any case, since `release` takes off the same.
        self.incomplete += (buffer.capacity() - before) as u64;
        Ok(())
    }

    /// A spare buffer for `needed` bytes, in the place of one of `before`.
    fn take_spare(&mut self, needed: usize, before: usize, role: Role) -> Option<Gathered> {
        let fits = |spare: &Gathered| spare.capacity() >= needed;
        let at = self.spares.iter().rposition(fits)?;
        let more = self.spares[at].capacity() - before;
        self.within_limit(more, role).ok()?;
        Some(self.spares.swap_remove(at))
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
    pub(super) fn release(&mut self, buffer: &Gathered) {
        self.incomplete = self.incomplete.saturating_sub(buffer.capacity() as u64);
    }

    /// Whether the last event was lent from a gathered message.
    #[inline]
    pub(super) const fn lends_message(&self) -> bool {
        self.message.capacity() > 0
    }

    /// The same of the message that is to be lent next.
    pub(super) fn release_message(&mut self) {
        self.incomplete = self
            .incomplete
            .saturating_sub(self.message.capacity() as u64);
    }

    /// An inflater without history, to be given [back](Self::give_inflater).
    pub(super) fn take_inflater(&mut self) -> Inflater {
        self.inflaters.pop().unwrap_or_else(Inflater::new)
    }

    pub(super) fn give_inflater(&mut self, mut inflater: Inflater) {
        if self.inflaters.len() < INFLATERS {
            inflater.reset();
            self.inflaters.push(inflater);
        }
    }

    /// An inflater for a message that did not come at once, which counts as part of it until
    /// [`release_inflater`](Self::release_inflater).
    pub(super) fn hold_inflater(&mut self, role: Role) -> Result<Inflater, Error> {
        self.within_limit(INFLATER_MEMORY as usize, role)?;
        self.incomplete += INFLATER_MEMORY;
        Ok(self.take_inflater())
    }

    pub(super) fn release_inflater(&mut self, inflater: Inflater) {
        self.incomplete = self.incomplete.saturating_sub(INFLATER_MEMORY);
        self.give_inflater(inflater);
    }

    /// Inflates the first `count` bytes, which the caller knows to be there, a message that is whole. The length of what
    /// comes of it, which does not pass `limit` by more than 1; the message has not been ended then.
    pub(super) fn inflate_whole(
        &mut self,
        inflater: &mut Inflater,
        count: usize,
        limit: u64,
        takes_over: bool,
        role: Role,
    ) -> Result<usize, Error> {
        const LEAST: usize = 16 << 10;
        let most = usize::try_from(limit)
            .unwrap_or(usize::MAX)
            .saturating_add(1);
        let (mut taken, mut made) = (0, 0);
        loop {
            let end = self.inflated.len().min(most);
            if made < end {
                let rest = &self.buffer[self.start + taken..self.start + count];
                let progress = inflater.inflate(rest, &mut self.inflated[made..end])?;
                taken += progress.taken;
                made += progress.made;
                if made < end {
                    inflater.end(takes_over)?;
                    return Ok(made);
                }
            }
            if made == most {
                return Ok(made);
            }
            let larger = self.inflated.len().saturating_mul(2).max(LEAST).min(most);
            if (self.inflated)
                .try_reserve_exact(larger - self.inflated.len())
                .is_err()
            {
                return Err(self.over_limit(larger, role));
            }
            self.inflated.resize(larger, 0);
        }
    }

    /// Inflates some of the first `count` bytes, which the caller knows to be there, to at most [`PIECE`] bytes.
    pub(super) fn inflate_piece(
        &mut self,
        inflater: &mut Inflater,
        count: usize,
    ) -> Result<Progress, InflateError> {
        if self.inflated.len() < PIECE {
            self.inflated.resize(PIECE, 0);
        }
        let bytes = &self.buffer[self.start..self.start + count];
        inflater.inflate(bytes, &mut self.inflated[..PIECE])
    }

    /// Appends the last inflated piece, of `length` bytes, to `message`.
    pub(super) fn append_inflated(
        &mut self,
        message: &mut Gathered,
        length: usize,
        role: Role,
    ) -> Result<(), Error> {
        let needed = message.len() + length;
        self.reserve(message, needed, needed, role)?;
        message.extend(&self.inflated[..length]);
        Ok(())
    }

    /// Ends the loan of the last event.
    pub(super) fn recycle(&mut self) {
        if self.inflated.len() > SPARE_LIMIT {
            self.inflated = Vec::new();
        }
        if self.lends_message() {
            let mut message = std::mem::take(&mut self.message);
            let smaller = |spare: &Gathered| spare.capacity() < message.capacity();
            if message.capacity() <= SPARE_LIMIT && self.spares.iter().all(smaller) {
                message.clear();
                self.spares.clear();
                self.spares.push(message);
            }
        }
    }

    /// The message that is lent, to keep: its own memory where it was gathered, otherwise a copy.
    pub(crate) fn keep(&mut self, source: Source) -> Gathered {
        if matches!(source, Source::Message) {
            return std::mem::take(&mut self.message);
        }
        let mut copy = Gathered::new();
        copy.extend(self.payload(source));
        copy
    }

    /// From now on large messages are received into memory that `make` makes.
    pub(crate) fn make_rooms(&mut self, make: Box<MakeRoom>) {
        self.rooms.make = Some(make);
    }

    /// Whether large messages are received into memory of the application's.
    pub(crate) const fn has_rooms(&self) -> bool {
        self.rooms.make.is_some()
    }

    /// The application's memory that holds the message that is lent.
    pub(crate) fn take_room(&mut self) -> Option<Box<dyn Room>> {
        self.rooms.lent.take()
    }

    /// Takes memory for a message to be gathered; gives back what is not wanted.
    pub(crate) fn reuse(&mut self, mut memory: Gathered) -> Option<Gathered> {
        let spare: usize = self.spares.iter().map(Gathered::capacity).sum();
        if memory.capacity() > SPARE_LIMIT || spare + memory.capacity() > SPARES_LIMIT {
            return Some(memory);
        }
        memory.clear();
        self.spares.push(memory);
        None
    }

    #[inline]
    pub(crate) fn payload(&self, source: Source) -> &[u8] {
        match source {
            Source::Buffer { start, end } => &self.buffer[start..end],
            Source::Message => self.message.bytes(),
            Source::Room => self.rooms.lent.as_ref().map_or(&[], |room| room.bytes()),
            Source::Inflated { length } => &self.inflated[..length],
        }
    }

    /// The event for the application, borrowing what [`step`](super::Protocol::step) left here.
    /// How the connection ended that was told last.
    pub(crate) fn closed(&self) -> Option<&Closed> {
        self.closed.as_deref()
    }

    pub(crate) fn closed_mut(&mut self) -> Option<&mut Closed> {
        self.closed.as_deref_mut()
    }

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
