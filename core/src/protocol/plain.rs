//! The short way for the common case: a message of one frame that is wholly there, on an open connection in the middle
//! of nothing. Everything else is [`step`](Protocol::step)'s.

use crate::frame::{self, FrameError, Header, HeaderRules, Opcode, apply_mask};

use crate::deflate::Compress;

use super::output::append_server_frame;
use super::receive::Source;
use super::{Frame, Input, MessageKind, Output, Protocol, Role, State, Time};

impl Protocol {
    /// The next event, if it is such a message. `None` says nothing: [`step`](Self::step) has to be asked.
    #[inline(always)]
    pub(crate) fn plain_message(
        &mut self,
        input: &mut Input,
        output: &mut Output,
        now: Time,
    ) -> Option<(MessageKind, Source)> {
        if self.state != State::Open
            || self.frame != Frame::None
            || self.receiving.is_some()
            || self.header_len != 0
            || self.paused
            || self.opening.is_some()
            || input.lends_message()
            || self.streams
        {
            return None;
        }
        let options = &*self.options;
        if options.trace.is_some() {
            return None;
        }
        let rules = HeaderRules {
            masked: self.role == Role::Server,
            rsv1: false,
        };
        let bytes = input.bytes();
        // What is wrong with a header is for the long way to say.
        let (header, size) = Header::parse(bytes, rules).ok()??;
        let kind = match header.opcode {
            Opcode::Text => MessageKind::Text,
            Opcode::Binary => MessageKind::Binary,
            _ => return None,
        };
        let payload = &mut bytes[size..];
        if !header.fin
            || header.length > payload.len() as u64
            || header.length > options.max_message_size
            || header.length > options.max_frame_size
        {
            return None;
        }
        // It is in memory, so it fits.
        let length = header.length as usize;
        let payload = &mut payload[..length];
        if let Some(key) = header.mask {
            apply_mask(payload, key, 0);
        }
        self.heard = now;
        self.last_message = now;
        if kind == MessageKind::Text && !frame::is_valid(payload) {
            self.fail(FrameError::InvalidUtf8InText.into(), output, now);
            return None;
        }
        input.take(size);
        Some((kind, input.take(length)))
    }

    /// Sends a whole message in the common case: on an open server's connection. `false` says nothing:
    /// [`send`](Self::send) has to be asked. `valid` says that the payload is known to be UTF-8.
    #[inline(always)]
    pub(crate) fn send_plain(
        &self,
        output: &mut Output,
        kind: MessageKind,
        payload: &[u8],
        valid: bool,
    ) -> bool {
        let plain = self.state == State::Open
            && self.sending.is_none()
            && self.role == Role::Server
            && self.options.trace.is_none()
            && self
                .compresses(payload.len(), Compress::ByOptions)
                .is_none()
            && (valid || kind == MessageKind::Binary || frame::is_valid(payload));
        plain && append_server_frame(output.raw(), kind, payload).is_ok()
    }
}
