//! Received frames become events (RFC 6455 section 5 and 6.2): whole frames in place, and where the others go: split
//! messages to `gather`, control frames to `control`, compressed ones to `deflate`.

use std::time::Duration;

use crate::error::{Error, Role};
use crate::frame::{self, FrameError, Header, HeaderRules, MAX_HEADER, Opcode, apply_mask};

use super::gathered::Gathered;
use super::{Frame, Input, MessageKind, Output, Protocol, State, Time, TracedFrame};

/// An event before it is lent: it says where in the [`Input`] the payload stands.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Raw {
    Message {
        kind: MessageKind,
        source: Source,
    },
    Fragment {
        kind: MessageKind,
        source: Source,
        first: bool,
        last: bool,
    },
    Ping {
        source: Source,
    },
    Pong {
        source: Source,
        round_trip: Option<Duration>,
    },
    UpgradeRequest,
    HttpRequest,
    Opened,
    Closed,
}

/// Where a payload stands.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source {
    /// In the receive buffer.
    Buffer { start: usize, end: usize },
    /// In the gathered message.
    Message,
    /// In the application's own memory.
    Room,
    /// In the buffer for inflated data, from its start.
    Inflated { length: usize },
}

/// What only a connection in the middle of something needs.
#[derive(Debug, Default)]
pub(super) struct Partial {
    /// The gathered part of a message.
    pub(super) message: Gathered,
    /// Frames of that message so far.
    pub(super) fragments: u32,
    /// The gathered part of a control frame's payload.
    pub(super) control: Gathered,
    /// Received bytes that wait until the application reads again.
    held: Vec<u8>,
    /// The newest pong, while the transport is blocked.
    pub(super) pong: Option<Vec<u8>>,
}

impl Protocol {
    /// The next event, with its payload left in `input`.
    #[inline]
    pub(crate) fn step(
        &mut self,
        input: &mut Input,
        output: &mut Output,
        now: Time,
    ) -> Option<Raw> {
        input.recycle();
        if !input.is_empty() {
            self.heard = now;
        } else if self.state == State::Open
            && self.frame == Frame::None
            && self.opening.is_none()
            && !self.streams
        {
            return None;
        }
        if self.opening.is_none() && matches!(self.state, State::Open | State::Closing) {
            match self.frames(input, output, now) {
                Ok(Some(raw)) => return Some(raw),
                Ok(None) if self.state != State::Ended => return None,
                Ok(None) => {}
                Err(error) => self.fail(error, output, now),
            }
        } else if let Some(raw) = self.open_step(input, output, now) {
            return Some(raw);
        }
        if self.state == State::Ended {
            input.clear();
            self.release(input);
            if let Some(closed) = self.untold() {
                input.closed = Some(closed);
                return Some(Raw::Closed);
            }
        }
        None
    }

    fn frames(
        &mut self,
        input: &mut Input,
        output: &mut Output,
        now: Time,
    ) -> Result<Option<Raw>, Error> {
        if self.streams
            && let Some(raw) = self.gathered_before(input)
        {
            return Ok(Some(raw));
        }
        loop {
            if self.frame != Frame::None {
                let raw = match self.frame {
                    Frame::Data if self.inflating => self.inflate_payload(input)?,
                    Frame::Data if self.streams => self.stream_payload(input)?,
                    Frame::Data => self.gather_payload(input)?,
                    _ => self.control_payload(input, output, now)?,
                };
                if raw.is_some() || self.frame != Frame::None || self.state == State::Ended {
                    return Ok(raw);
                }
                continue;
            }
            let Some(header) = self.next_header(input)? else {
                return Ok(None);
            };
            if let Some(raw) = self.begin_frame(&header, input, now)? {
                return Ok(Some(raw));
            }
        }
    }

    #[inline]
    fn next_header(&mut self, input: &mut Input) -> Result<Option<Header>, Error> {
        let rules = HeaderRules {
            masked: self.role == Role::Server,
            rsv1: self.deflate.is_some(),
        };
        if self.header_len > 0 {
            return self.split_header(input, rules);
        }
        let bytes = input.bytes();
        if let Some((header, size)) = Header::parse(bytes, rules)? {
            input.take(size);
            return Ok(Some(header));
        }
        let size = bytes.len();
        self.header[..size].copy_from_slice(bytes);
        self.header_len = size as u8;
        input.clear();
        Ok(None)
    }

    /// A header whose beginning came with an earlier read.
    #[cold]
    fn split_header(
        &mut self,
        input: &mut Input,
        rules: HeaderRules,
    ) -> Result<Option<Header>, Error> {
        let before = usize::from(self.header_len);
        let bytes = input.bytes();
        let more = bytes.len().min(MAX_HEADER - before);
        self.header[before..before + more].copy_from_slice(&bytes[..more]);
        match Header::parse(&self.header[..before + more], rules)? {
            Some((header, size)) => {
                input.take(size - before);
                self.header_len = 0;
                Ok(Some(header))
            }
            None => {
                input.clear();
                self.header_len = (before + more) as u8;
                Ok(None)
            }
        }
    }

    /// Takes up a frame whose header is known: a data frame that is a message of its own and wholly there is done at
    /// once, in place; any other waits for its payload.
    #[inline]
    fn begin_frame(
        &mut self,
        header: &Header,
        input: &mut Input,
        now: Time,
    ) -> Result<Option<Raw>, Error> {
        let kind = match header.opcode {
            Opcode::Text => Some(MessageKind::Text),
            Opcode::Binary => Some(MessageKind::Binary),
            Opcode::Continuation => None,
            Opcode::Ping | Opcode::Pong | Opcode::Close => {
                self.frame = match header.opcode {
                    Opcode::Ping => Frame::Ping,
                    Opcode::Pong => Frame::Pong,
                    _ => Frame::Close,
                };
                self.begin_payload(header, input);
                return Ok(None);
            }
        };
        self.last_message = now;
        if header.length > self.options.max_frame_size {
            return Err(self.options.frame_too_big(self.role, header.length));
        }
        match (kind, self.receiving) {
            (Some(kind), None) => {
                if !self.streams {
                    // What a compressed one comes to, inflating shows.
                    if header.length > self.options.max_message_size && !header.rsv1 {
                        return Err(self.options.message_too_big(self.role, header.length));
                    }
                    if header.fin && header.length <= input.len() as u64 {
                        return self.whole(kind, header, input).map(Some);
                    }
                }
                self.receiving = Some(kind);
                self.inflating = header.rsv1;
                self.first = true;
                self.utf8 = frame::Utf8Validator::default();
            }
            (Some(_), Some(_)) => {
                return Err(FrameError::ExpectedContinuation(header.opcode).into());
            }
            (None, None) => return Err(FrameError::UnexpectedContinuation.into()),
            (None, Some(_)) => {}
        }
        if !self.streams {
            self.count_fragment(header)?;
        }
        self.frame = Frame::Data;
        self.fin = header.fin;
        self.begin_payload(header, input);
        Ok(None)
    }

    #[inline]
    fn whole(
        &mut self,
        kind: MessageKind,
        header: &Header,
        input: &mut Input,
    ) -> Result<Raw, Error> {
        // The frame is in memory, so its length fits.
        let length = header.length as usize;
        let payload = &mut input.bytes()[..length];
        if let Some(key) = header.mask {
            apply_mask(payload, key, 0);
        }
        if header.rsv1 {
            return self.inflate_whole(kind, header, input, length);
        }
        if kind == MessageKind::Text && !frame::is_valid(payload) {
            return Err(FrameError::InvalidUtf8InText.into());
        }
        if self.options.trace.is_some() {
            self.trace(header, payload);
        }
        Ok(Raw::Message {
            kind,
            source: input.take(length),
        })
    }

    fn begin_payload(&mut self, header: &Header, input: &mut Input) {
        self.remaining = header.length;
        self.key = header.mask.unwrap_or_default();
        self.phase = 0;
        if self.options.trace.is_some() {
            let there = (input.len() as u64).min(header.length) as usize;
            let mut payload = input.bytes()[..there].to_vec();
            apply_mask(&mut payload, self.key, 0);
            self.trace(header, &payload);
        }
    }

    #[cold]
    pub(super) fn trace(&self, header: &Header, payload: &[u8]) {
        if let Some(trace) = &self.options.trace {
            trace.show(&TracedFrame {
                role: self.role,
                sent: false,
                header: *header,
                payload,
            });
        }
    }

    fn count_fragment(&mut self, header: &Header) -> Result<(), Error> {
        let partial = self.partial.get_or_insert_default();
        let more = if self.inflating { 0 } else { header.length };
        let total = (partial.message.len() as u64).saturating_add(more);
        partial.fragments += 1;
        let fragments = partial.fragments;
        if total > self.options.max_message_size {
            return Err(self.options.message_too_big(self.role, total));
        }
        if fragments > self.options.max_fragments.max(1) {
            return Err(self.options.too_many_fragments(self.role, fragments));
        }
        Ok(())
    }

    /// How many of the current frame's bytes are at hand.
    pub(super) fn at_hand(&self, input: &Input) -> usize {
        (input.len() as u64).min(self.remaining) as usize
    }

    /// `count` bytes of the current data frame have been taken.
    pub(super) fn advance(&mut self, count: usize) {
        self.remaining -= count as u64;
        self.phase = (self.phase + (count & 3) as u8) & 3;
        if count > 0 {
            self.last_message = self.heard;
        }
    }

    fn stream_payload(&mut self, input: &mut Input) -> Result<Option<Raw>, Error> {
        let Some(kind) = self.receiving else {
            return Ok(None);
        };
        let count = self.at_hand(input);
        if self.role == Role::Server {
            apply_mask(&mut input.bytes()[..count], self.key, self.phase.into());
        }
        self.advance(count);
        let done = self.remaining == 0;
        let last = done && self.fin;
        if kind == MessageKind::Text {
            self.validate(&input.bytes()[..count], last)?;
        }
        let source = input.take(count);
        if done {
            self.frame = Frame::None;
        }
        if last {
            self.streamed();
        }
        if count == 0 && !last {
            return Ok(None);
        }
        let first = std::mem::take(&mut self.first);
        Ok(Some(Raw::Fragment {
            kind,
            source,
            first,
            last,
        }))
    }

    /// The message that was told in pieces is complete.
    pub(super) fn streamed(&mut self) {
        self.receiving = None;
        self.streams = self.options.streaming;
    }

    /// Puts off what `input` still holds until [`step`](Self::step) is called again: the application reads no more
    /// for now.
    pub(crate) fn hold(&mut self, input: &mut Input) {
        if !input.is_empty() {
            self.partial
                .get_or_insert_default()
                .held
                .extend_from_slice(input.bytes());
            input.clear();
        }
    }

    /// Puts what was held back into `input`, which must be empty. Whether there was anything.
    pub(crate) fn unhold(&mut self, input: &mut Input) -> bool {
        let Some(partial) = &mut self.partial else {
            return false;
        };
        let held = std::mem::take(&mut partial.held);
        self.drop_empty_partial();
        input.restore(&held);
        !held.is_empty()
    }

    /// Whether bytes are put off.
    pub(super) fn holds(&self) -> bool {
        let partial = self.partial.as_ref();
        partial.is_some_and(|partial| !partial.held.is_empty())
    }

    pub(super) fn drop_empty_partial(&mut self) {
        if self.partial.as_ref().is_some_and(|partial| {
            partial.fragments == 0
                && partial.message.capacity() == 0
                && partial.control.is_empty()
                && partial.held.is_empty()
                && partial.pong.is_none()
        }) {
            self.partial = None;
        }
    }
}
