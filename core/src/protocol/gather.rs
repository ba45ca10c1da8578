//! Messages that do not come at once (RFC 6455 section 5.4): gathered from their frames and reads, a large one by reading
//! straight into its own memory.

use std::io;

use crate::error::{Error, Role};
use crate::frame::{FrameError, apply_mask};

use super::receive::{Raw, Source};
use super::room::Room;
use super::{Frame, Input, MessageKind, Output, Protocol, Time};

impl Protocol {
    /// What was gathered of a message before it was to be told in pieces.
    pub(super) fn gathered_before(&mut self, input: &mut Input) -> Option<Raw> {
        let kind = self.receiving?;
        let partial = self.partial.as_mut()?;
        if partial.message.is_empty() {
            return None;
        }
        partial.fragments = 0;
        input.message = std::mem::take(&mut partial.message);
        input.release_message();
        self.drop_empty_partial();
        Some(Raw::Fragment {
            kind,
            source: Source::Message,
            first: std::mem::take(&mut self.first),
            last: false,
        })
    }

    pub(super) fn gather_payload(&mut self, input: &mut Input) -> Result<Option<Raw>, Error> {
        let count = self.at_hand(input);
        let before = self.make_room(input, count)?;
        self.append(&input.bytes()[..count]);
        input.take(count);
        self.gathered(input, before)
    }

    /// Makes room in the message for `count` bytes of the current frame's payload; how long the message is.
    fn make_room(&mut self, input: &mut Input, count: usize) -> Result<usize, Error> {
        let expected = usize::try_from(self.remaining).unwrap_or(usize::MAX);
        let partial = self.partial.get_or_insert_default();
        let before = partial.message.len();
        input.reserve(
            &mut partial.message,
            before + count,
            before.saturating_add(expected),
            self.role,
        )?;
        Ok(before)
    }

    /// Adds a copy of the next bytes of the payload to the message, unmasked on the way.
    fn append(&mut self, bytes: &[u8]) {
        let message = &mut self.partial.get_or_insert_default().message;
        if self.role.masks() {
            message.extend(bytes);
        } else {
            message.extend_masked(bytes, self.key, self.phase.into());
        }
    }

    /// The message has been gathered up to its buffer's end; what stands from `before` on is new, and unmasked.
    fn gathered(&mut self, input: &mut Input, before: usize) -> Result<Option<Raw>, Error> {
        let (Some(kind), Some(partial)) = (self.receiving, self.partial.take()) else {
            return Ok(None);
        };
        let new = &partial.message.bytes()[before..];
        self.advance(new.len());
        let done = self.remaining == 0;
        let last = done && self.fin;
        let verdict = if kind == MessageKind::Text {
            self.validate(new, last)
        } else {
            Ok(())
        };
        if verdict.is_err() || !last {
            self.partial = Some(partial);
            verdict?;
            if done {
                self.frame = Frame::None;
            }
            return Ok(None);
        }
        self.partial = Some(partial);
        Ok(Some(self.message_is_whole(kind, input)))
    }

    /// The gathered message is complete.
    pub(super) fn message_is_whole(&mut self, kind: MessageKind, input: &mut Input) -> Raw {
        if let Some(partial) = &mut self.partial {
            partial.fragments = 0;
            input.message = std::mem::take(&mut partial.message);
            input.release_message();
        }
        self.frame = Frame::None;
        self.receiving = None;
        self.drop_empty_partial();
        Raw::Message {
            kind,
            source: Source::Message,
        }
    }

    pub(super) fn validate(&mut self, text: &[u8], last: bool) -> Result<(), Error> {
        let verdict = self.utf8.push(text);
        let verdict = if last {
            verdict.and_then(|()| self.utf8.finish())
        } else {
            verdict
        };
        verdict.map_err(|_| FrameError::InvalidUtf8InText.into())
    }

    /// Takes bytes that the transport has given, which are copied: those of a large message under way straight to where it
    /// is gathered, unmasked on the way, all others into `input`. Then take the events. Any division of the bytes among
    /// calls gives the same events; small messages cost least in pieces of 16 KiB, those of 4 KiB and more in pieces of
    /// 64 KiB.
    pub fn receive(&mut self, input: &mut Input, bytes: &[u8]) {
        let count = self.receive_payload(input, bytes);
        input.extend(&bytes[count..]);
    }

    /// How many bytes have gone straight to the message. The last one never does, nor any of which something is wrong:
    /// what comes of them, [`step`](Self::step) is there to say.
    fn receive_payload(&mut self, input: &mut Input, bytes: &[u8]) -> usize {
        let count = bytes.len().min(self.wants_payload()).saturating_sub(1);
        if count == 0 || !input.is_empty() || self.holds() {
            return 0;
        }
        let Ok(before) = self.make_room(input, count) else {
            return 0;
        };
        self.append(&bytes[..count]);
        if let (Some(MessageKind::Text), Some(partial)) = (self.receiving, &mut self.partial) {
            let mut utf8 = self.utf8;
            if utf8.push(&partial.message.bytes()[before..]).is_err() {
                partial.message.truncate(before);
                return 0;
            }
            self.utf8 = utf8;
        }
        self.advance(count);
        count
    }

    /// How many bytes of a large message could be read straight into its buffer; 0 when the common way is better.
    pub(crate) fn wants_payload(&self) -> usize {
        const WORTHWHILE: u64 = 32 << 10;
        if self.frame == Frame::Data
            && !self.streams
            && !self.inflating
            && self.remaining >= WORTHWHILE
        {
            usize::try_from(self.remaining).unwrap_or(usize::MAX)
        } else {
            0
        }
    }

    /// Memory of the application's for the message under way, where it makes some: for a binary message of which all that
    /// is missing waits to be read, in the transport's `there` bytes, at most `most` of them.
    pub(crate) fn room(
        &self,
        input: &mut Input,
        there: usize,
        most: usize,
    ) -> Option<(Box<dyn Room>, usize)> {
        let rest = self.wants_payload();
        if rest == 0
            || rest > there.min(most)
            || !self.fin
            || self.receiving != Some(MessageKind::Binary)
        {
            return None;
        }
        let make = input.rooms.make.as_mut()?;
        Some((make(self.gathered_bytes().len() + rest)?, rest))
    }

    /// What has been gathered of the message under way.
    pub(crate) fn gathered_bytes(&self) -> &[u8] {
        (self.partial.as_ref()).map_or(&[], |partial| partial.message.bytes())
    }

    /// Takes up a message whose last `count` bytes have been received into [`room`](Self::room); where those are fewer
    /// than were to come, what there is of them. Errors come of the next [`step`](Self::step).
    pub(crate) fn received_in_room(
        &mut self,
        input: &mut Input,
        mut room: Box<dyn Room>,
        count: usize,
        now: Time,
    ) -> Option<Raw> {
        self.heard = now;
        let before = self.gathered_bytes().len();
        let new = room.bytes_mut().get_mut(before..)?;
        if (count as u64) < self.remaining {
            input.extend(new);
            return None;
        }
        if self.role == Role::Server {
            apply_mask(new, self.key, self.phase.into());
        }
        self.advance(count);
        self.message_is_whole(MessageKind::Binary, input);
        input.rooms.lent = Some(room);
        Some(Raw::Message {
            kind: MessageKind::Binary,
            source: Source::Room,
        })
    }

    /// Reads payload of the current frame into its message by `read`, which appends at most the given number of bytes
    /// to the buffer. `there` wait to be read, as far as is known, and can be given room. To be called after
    /// [`wants_payload`](Self::wants_payload), with an empty `input`; events and errors come of the next
    /// [`step`](Self::step).
    pub(crate) fn read_payload(
        &mut self,
        input: &mut Input,
        output: &mut Output,
        most: usize,
        there: usize,
        now: Time,
        read: impl FnOnce(&mut Vec<u8>, usize) -> io::Result<usize>,
    ) -> io::Result<(usize, Option<Raw>)> {
        let most = most.min(self.wants_payload());
        let partial = self.partial.get_or_insert_default();
        let before = partial.message.len();
        let expected = before.saturating_add(usize::try_from(self.remaining).unwrap_or(usize::MAX));
        let ahead = before + most.min(before.max(64 << 10).max(there));
        if let Err(error) = input.reserve(&mut partial.message, ahead, expected, self.role) {
            self.fail(error, output, now);
            return Ok((0, self.step(input, output, now)));
        }
        let room = most.min(partial.message.capacity() - before);
        let count = read(partial.message.tail(), room)?;
        if count == 0 {
            return Ok((0, None));
        }
        self.heard = now;
        let new = partial.message.bytes_from(before);
        if self.role == Role::Server {
            apply_mask(new, self.key, self.phase.into());
        }
        match self.gathered(input, before) {
            Ok(raw) => Ok((count, raw)),
            Err(error) => {
                self.fail(error, output, now);
                Ok((count, self.step(input, output, now)))
            }
        }
    }
}
