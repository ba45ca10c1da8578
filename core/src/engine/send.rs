//! Sending: the cork, the direct way for large payloads, and what happens when the kernel takes no more.

use std::io::{self, IoSlice};

use super::connections::Connections;
use super::event::Notice;
use super::id::ConnectionId;
use super::slots::{Flags, Transport};
use crate::deflate::Compress;
use crate::error::{Error, SendError};
use crate::frame::MAX_HEADER;
use crate::net;
use crate::protocol::MessageKind;

/// Corked output that is sent before the cork is pulled.
const CORK_LIMIT: usize = 128 << 10;
/// From this size on a payload goes to the kernel from where it is, if it can; shorter ones are worth more in a cork.
const DIRECT: usize = 64 << 10;
/// The cork's memory beyond this is given back.
const CORK_KEPT: usize = 2 << 20;
/// What control frames may add to a full queue.
const CONTROL_RESERVE: u64 = 64 << 10;

/// What became of a message that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It is on its way, and more can follow.
    Sent,
    /// It is on its way behind others: the queue, of so many bytes now, is above its high-water mark. Or it waits, among
    /// so many bytes, for a supervised connection to open. Wait for [`Writable`](super::EventKind::Writable) before
    /// sending more.
    Queued(u64),
}

impl Connections {
    /// Sends a whole message. The payload is copied as far as the kernel does not take it at once, or compressed, where
    /// that was agreed on, from the configured threshold on.
    ///
    /// # Errors
    /// [`SendError::Full`] when the queue would pass `send_queue_limit` (with nothing queued a message of any size is
    /// taken), [`SendError::HeldFull`] when what waits for a supervised connection to open would pass its `resend_limit`,
    /// [`SendError::Closed`], [`SendError::NotOpen`], [`SendError::InvalidUtf8`], [`SendError::MessageInProgress`],
    /// [`SendError::OutOfMemory`], [`SendError::Forked`]; nothing has been sent then. Where memory lacks for what the kernel
    /// does not take at once, the connection ends with that cause.
    #[inline]
    pub fn send(
        &mut self,
        id: ConnectionId,
        kind: MessageKind,
        payload: &[u8],
    ) -> Result<Sent, SendError> {
        if self.answer(id, kind, payload) {
            return Ok(Sent::Sent);
        }
        self.send_with(id, kind, payload, Compress::ByOptions)
    }

    /// As [`send`](Self::send), with a word on whether this message is to be compressed.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_with(
        &mut self,
        id: ConnectionId,
        kind: MessageKind,
        payload: &[u8],
        compress: Compress,
    ) -> Result<Sent, SendError> {
        let index = match self.sendable(id, payload.len(), 0) {
            Err(error @ (SendError::NotOpen | SendError::Closed)) => {
                let held = self.hold(id, kind, payload, compress);
                return held.unwrap_or(Err(error));
            }
            place => place?,
        };
        self.cork(index);
        let valid = self.told.is(payload);
        let slot = self.slots.at(index);
        let protocol = slot.protocol.as_mut().ok_or(SendError::NotOpen)?;
        if valid {
            protocol.check_whole()?;
        } else {
            protocol.check_data(kind, payload)?;
        }
        let rest = protocol.send_valid(&mut self.output, kind, payload, compress, DIRECT)?;
        if rest.is_empty() {
            self.sent(index);
        } else {
            self.corked = None;
            self.write_out(index, rest);
        }
        (self.tally).sent(index, |traffic| traffic.count(1, payload.len() as u64));
        Ok(self.outcome(index))
    }

    /// The common case of [`send`](Self::send): an answer on the connection that is being read. `false` says nothing.
    #[inline]
    fn answer(&mut self, id: ConnectionId, kind: MessageKind, payload: &[u8]) -> bool {
        let index = id.index();
        if self.corked != Some(index)
            || !self.gathers()
            || self.batch.is_some()
            || payload.len() >= DIRECT
            || self.output.len() >= CORK_LIMIT
            || self.check_fork().is_err()
        {
            return false;
        }
        let valid = self.told.is(payload);
        let slot = self.slots.at(index);
        let sent = slot.id == id
            && slot.queue.is_none()
            && slot.protocol.as_ref().is_some_and(|protocol| {
                protocol.send_plain(&mut self.output, kind, payload, valid)
            });
        if sent {
            (self.tally).sent(index, |traffic| traffic.count(1, payload.len() as u64));
        }
        sent
    }

    /// Sends a text message.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_text(&mut self, id: ConnectionId, text: &str) -> Result<Sent, SendError> {
        self.send(id, MessageKind::Text, text.as_bytes())
    }

    /// Sends a binary message.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_binary(&mut self, id: ConnectionId, payload: &[u8]) -> Result<Sent, SendError> {
        self.send(id, MessageKind::Binary, payload)
    }

    /// Sends the next fragment of a message; see [`Protocol::send_fragment`](crate::protocol::Protocol::send_fragment).
    ///
    /// # Errors
    /// As [`send`](Self::send), and [`SendError::KindChanged`].
    pub fn send_fragment(
        &mut self,
        id: ConnectionId,
        kind: MessageKind,
        payload: &[u8],
        last: bool,
    ) -> Result<Sent, SendError> {
        let index = self.sendable(id, payload.len(), 0)?;
        self.cork(index);
        let protocol = self
            .slots
            .at(index)
            .protocol
            .as_mut()
            .ok_or(SendError::NotOpen)?;
        protocol.send_fragment(&mut self.output, kind, payload, last)?;
        (self.tally).sent(index, |traffic| {
            traffic.count(last.into(), payload.len() as u64)
        });
        self.sent(index);
        Ok(self.outcome(index))
    }

    /// Sends a ping of at most 125 bytes. Control frames may pass `send_queue_limit` by 64 KiB together.
    ///
    /// # Errors
    /// [`SendError::ControlTooLong`], and as [`send`](Self::send).
    pub fn ping(&mut self, id: ConnectionId, payload: &[u8]) -> Result<Sent, SendError> {
        let index = self.sendable(id, payload.len(), CONTROL_RESERVE)?;
        self.cork(index);
        let protocol = self
            .slots
            .at(index)
            .protocol
            .as_mut()
            .ok_or(SendError::NotOpen)?;
        protocol.ping(&mut self.output, payload)?;
        self.tally.sent(index, |traffic| traffic.pings += 1);
        self.sent(index);
        Ok(self.outcome(index))
    }

    /// Sends a pong that nobody asked for; pings are answered without being told to.
    ///
    /// # Errors
    /// As [`ping`](Self::ping).
    pub fn pong(&mut self, id: ConnectionId, payload: &[u8]) -> Result<Sent, SendError> {
        let index = self.sendable(id, payload.len(), CONTROL_RESERVE)?;
        self.cork(index);
        let protocol = self
            .slots
            .at(index)
            .protocol
            .as_mut()
            .ok_or(SendError::NotOpen)?;
        protocol.pong(&mut self.output, payload)?;
        self.sent(index);
        Ok(self.outcome(index))
    }

    /// Gathers what is sent outside a turn as well, until [`release`](Self::release) or the next turn: the messages sent
    /// to one connection in a row leave in one write. For a host whose tasks answer after the events were drained.
    pub const fn gather(&mut self) {
        self.gathering = true;
    }

    /// Sends what was gathered since [`gather`](Self::gather), and gathers no more. Without it, or within a turn, it
    /// does nothing.
    pub fn release(&mut self) {
        if std::mem::take(&mut self.gathering) && !self.in_turn {
            self.flush();
        }
    }

    /// Whether what is sent waits for more.
    const fn gathers(&self) -> bool {
        self.in_turn || self.gathering
    }

    /// The place of a connection whose queue has room for a frame of `length` bytes of payload.
    fn sendable(
        &mut self,
        id: ConnectionId,
        length: usize,
        reserve: u64,
    ) -> Result<u32, SendError> {
        self.check_fork().map_err(|_| SendError::Forked)?;
        let slot = self.slots.get(id).ok_or(SendError::Closed)?;
        let protocol = slot.protocol.as_ref().ok_or(SendError::NotOpen)?;
        protocol.check_open()?;
        let index = id.index();
        if let Some(queue) = &slot.queue {
            let queued = queue.bytes();
            let limit = protocol.options().send_queue_limit;
            let needed = queued + self.corked_bytes(index) + (length + MAX_HEADER) as u64;
            if needed > limit.saturating_add(reserve) {
                return Err(SendError::Full { queued, limit });
            }
        }
        if self.batch.is_some() && slot.topics.is_some() {
            self.flush_batch();
        }
        Ok(index)
    }

    pub(super) fn corked_bytes(&self, index: u32) -> u64 {
        if self.corked == Some(index) {
            self.output.len() as u64
        } else {
            0
        }
    }

    /// Makes `index` the connection whose output is gathered; another one's is sent.
    #[inline]
    pub(super) fn cork(&mut self, index: u32) {
        if self.corked != Some(index) || !self.gathers() {
            self.tick();
            self.uncork();
            self.corked = Some(index);
            self.output
                .set_blocked(self.slots.at(index).queue.is_some());
        }
    }

    /// Output for the corked connection has been made: outside a turn it is sent at once, in one when there is much.
    #[inline]
    pub(super) fn sent(&mut self, index: u32) {
        debug_assert_eq!(self.corked, Some(index));
        if !self.gathers() || self.output.len() >= CORK_LIMIT {
            self.uncork();
        }
    }

    /// Sends what has been gathered.
    #[inline]
    pub(super) fn uncork(&mut self) {
        if let Some(index) = self.corked.take()
            && !self.output.is_empty()
        {
            self.write_out(index, &[]);
        }
    }

    /// Sends the output, and `payload` behind it, to one connection; what the kernel does not take is queued. Without
    /// memory for that the connection fails, as the peer would miss it.
    fn write_out(&mut self, index: u32, payload: &[u8]) {
        let slot = self.slots.at(index);
        let bytes = self.output.bytes();
        if let (Transport::Stream(stream), false) =
            (&mut slot.transport, slot.flags.has(Flags::SENDING_FAILED))
        {
            let result = if slot.queue.is_some() {
                Ok(0)
            } else if payload.is_empty() {
                stream.send(bytes)
            } else {
                stream.send_pieces(&[IoSlice::new(bytes), IoSlice::new(payload)])
            };
            match result.or_else(nothing_when_full) {
                Ok(sent) => {
                    (self.tally).sent(index, |traffic| traffic.bytes += sent as u64);
                    if sent < bytes.len() + payload.len() {
                        let rest = payload.len().min(bytes.len() + payload.len() - sent);
                        let rest = [
                            &bytes[sent.min(bytes.len())..],
                            &payload[payload.len() - rest..],
                        ];
                        let queue = slot.queue.get_or_insert_default();
                        let queued = if sent > 0 {
                            queue.push_rest(&rest)
                        } else {
                            queue.push(&rest)
                        };
                        if let Err(error) = queued {
                            self.fail(index, error.into());
                        }
                    }
                }
                Err(error) => {
                    let error = net::stream_error("send", &error);
                    self.sending_failed(index, error);
                }
            }
        }
        self.output.consume(usize::MAX);
        self.output.shrink(CORK_KEPT);
    }

    /// The kernel refuses what is sent. What the peer sent before, its Close frame perhaps, is read first, where it is
    /// read at all.
    pub(super) fn sending_failed(&mut self, index: u32, error: Error) {
        let slot = self.slots.at(index);
        slot.queue = None;
        slot.flags.set(Flags::SENDING_FAILED);
        let reads = slot
            .protocol
            .as_ref()
            .is_some_and(|protocol| protocol.reads());
        if reads {
            slot.flags.set(Flags::READABLE);
            slot.flags.set(Flags::HANGUP);
            self.list(index);
        } else {
            self.fail(index, error);
        }
    }

    fn outcome(&mut self, index: u32) -> Sent {
        let corked = self.corked_bytes(index);
        let slot = self.slots.at(index);
        if let (Some(queue), Some(protocol)) = (&mut slot.queue, &slot.protocol)
            && queue.bytes() + corked > protocol.options().send_queue_high
        {
            queue.above_high = true;
            return Sent::Queued(queue.bytes() + corked);
        }
        Sent::Sent
    }

    /// The kernel takes bytes again.
    pub(super) fn drain_queue(&mut self, index: u32) {
        self.uncork();
        let now = self.now;
        let slot = self.slots.at(index);
        if slot.queue.is_none() {
            return self.flush_stream(index);
        }
        let (Some(queue), Some(protocol), Transport::Stream(stream)) =
            (&mut slot.queue, &mut slot.protocol, &mut slot.transport)
        else {
            return;
        };
        let before = queue.bytes();
        let failed = loop {
            if queue.is_between_frames() {
                // Without random bytes for its mask the pong is left out.
                let _ = protocol.release_pong(&mut self.output);
                if !self.output.is_empty() {
                    queue.push_first(self.output.bytes());
                    self.output.consume(usize::MAX);
                }
            }
            match queue.send_piece(stream) {
                Ok(true) => {}
                Ok(false) => break None,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break None,
                Err(error) => break Some(error),
            }
        };
        let sent = before.saturating_sub(queue.bytes());
        self.tally.sent(index, |traffic| traffic.bytes += sent);
        if sent > 0 {
            protocol.on_progress(now);
        }
        if queue.above_high && queue.bytes() <= protocol.options().send_queue_low {
            queue.above_high = false;
            self.notices.push_back(Notice::Writable(slot.id));
        }
        if queue.is_empty() {
            slot.queue = None;
        }
        if let Some(error) = failed {
            self.sending_failed(index, net::stream_error("send", &error));
        }
    }

    /// Sends what the stream itself holds back.
    fn flush_stream(&mut self, index: u32) {
        let now = self.now;
        let slot = self.slots.at(index);
        let (Some(protocol), Transport::Stream(stream)) = (&mut slot.protocol, &mut slot.transport)
        else {
            return;
        };
        let before = stream.unsent();
        match stream.flush() {
            Ok(()) if stream.unsent() < before => protocol.on_progress(now),
            Ok(()) => {}
            Err(error) => self.sending_failed(index, net::stream_error("send", &error)),
        }
    }
}

fn nothing_when_full(error: io::Error) -> io::Result<usize> {
    if error.kind() == io::ErrorKind::WouldBlock {
        Ok(0)
    } else {
        Err(error)
    }
}
