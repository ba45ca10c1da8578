//! What the application sends: messages whole or in fragments, control frames, the Close frame.

use crate::deflate::Compress;
use crate::error::{Role, SendError};
use crate::frame::{
    self, CloseCode, Header, HeaderRules, MAX_CLOSE_REASON, MAX_CONTROL_PAYLOAD, Opcode,
    Utf8Validator,
};

use super::{CloseFrame, MessageKind, Output, Protocol, State, Time, TracedFrame};

/// The shortest payload, in bytes, that is lent: others are copied as quickly as that is told.
pub(super) const LENT: usize = 4 << 10;

impl Protocol {
    /// Sends a whole message; compressed, if that was agreed on, from the configured threshold on.
    ///
    /// # Errors
    /// [`SendError::InvalidUtf8`] for text that is none, [`SendError::MessageInProgress`] before the last
    /// fragment of another, [`SendError::Closed`], [`SendError::NotOpen`], [`SendError::Random`],
    /// [`SendError::Compression`].
    #[inline]
    pub fn send(
        &mut self,
        output: &mut Output,
        kind: MessageKind,
        payload: &[u8],
    ) -> Result<(), SendError> {
        self.send_with(output, kind, payload, Compress::ByOptions)
    }

    /// As [`send`](Self::send), with a word on whether this message is to be compressed.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    #[inline]
    pub fn send_with(
        &mut self,
        output: &mut Output,
        kind: MessageKind,
        payload: &[u8],
        compress: Compress,
    ) -> Result<(), SendError> {
        self.check_data(kind, payload)?;
        self.put(output, kind, payload, compress)
    }

    /// As [`send_with`](Self::send_with), but a payload that goes as it is, a server's of 4 KiB or more without
    /// compression, is not copied: `output` gets its header alone, and what is returned is to be sent right behind
    /// [`Output::bytes`], by `writev` say. It is empty where `output` has got all.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    #[inline]
    pub fn send_lent<'p>(
        &mut self,
        output: &mut Output,
        kind: MessageKind,
        payload: &'p [u8],
        compress: Compress,
    ) -> Result<&'p [u8], SendError> {
        self.check_data(kind, payload)?;
        if payload.len() < LENT {
            self.put(output, kind, payload, compress)?;
            return Ok(&[]);
        }
        self.send_valid(output, kind, payload, compress, LENT)
    }

    /// The same of a payload that is known to be good, at a time when it can be sent; lent from so many bytes on.
    pub(crate) fn send_valid<'p>(
        &mut self,
        output: &mut Output,
        kind: MessageKind,
        payload: &'p [u8],
        compress: Compress,
        lent: usize,
    ) -> Result<&'p [u8], SendError> {
        if payload.len() < lent || self.role.masks() {
            self.put(output, kind, payload, compress)?;
            return Ok(&[]);
        }
        if self.send_smaller(output, kind, payload, compress)? {
            return Ok(&[]);
        }
        let trace = self.options.trace.as_ref();
        output.header(self.role, true, kind.opcode(), payload, trace)?;
        Ok(payload)
    }

    /// The same, with all of it put into `output`.
    #[inline]
    fn put(
        &mut self,
        output: &mut Output,
        kind: MessageKind,
        payload: &[u8],
        compress: Compress,
    ) -> Result<(), SendError> {
        if self.send_smaller(output, kind, payload, compress)? {
            return Ok(());
        }
        let trace = self.options.trace.as_ref();
        output.frame(self.role, true, kind.opcode(), payload, trace)
    }

    /// Sends a whole message compressed, if it is to be and becomes smaller by that.
    #[inline]
    fn send_smaller(
        &mut self,
        output: &mut Output,
        kind: MessageKind,
        payload: &[u8],
        compress: Compress,
    ) -> Result<bool, SendError> {
        match self.compresses(payload.len(), compress) {
            Some(config) => self.send_compressed(output, config, kind, payload, compress),
            None => Ok(false),
        }
    }

    /// Sends the next fragment of a message (RFC 6455 section 5.4); the first call begins it, `last` ends it. Text
    /// is checked as it goes; a fragment may end inside a character, the last one not. Control frames may be sent in
    /// between, other messages not. Where compression was agreed on, the first fragment's size decides on the whole
    /// message. After an error the message can be gone on with, as nothing has changed.
    ///
    /// # Errors
    /// [`SendError::KindChanged`] when `kind` is not that of the message begun, [`SendError::InvalidUtf8`],
    /// [`SendError::Closed`], [`SendError::NotOpen`], [`SendError::Random`], [`SendError::Compression`].
    pub fn send_fragment(
        &mut self,
        output: &mut Output,
        kind: MessageKind,
        payload: &[u8],
        last: bool,
    ) -> Result<(), SendError> {
        self.check_open()?;
        let opcode = match self.sending {
            None => kind.opcode(),
            Some(begun) if begun == kind => Opcode::Continuation,
            Some(_) => return Err(SendError::KindChanged),
        };
        let mut utf8 = if self.sending.is_some() {
            self.sending_utf8
        } else {
            Utf8Validator::default()
        };
        if kind == MessageKind::Text {
            let verdict = utf8.push(payload);
            let verdict = if last {
                verdict.and_then(|()| utf8.finish())
            } else {
                verdict
            };
            verdict.map_err(|_| SendError::InvalidUtf8)?;
        }
        let config = if self.sending.is_none() {
            self.compresses(payload.len(), Compress::ByOptions)
        } else if self.deflating {
            self.compresses(payload.len(), Compress::Always)
        } else {
            None
        };
        if let Some(config) = config {
            self.send_compressed_piece(output, config, opcode, payload, last)?;
            self.deflating = !last;
        } else {
            output.frame(
                self.role,
                last,
                opcode,
                payload,
                self.options.trace.as_ref(),
            )?;
        }
        self.sending = (!last).then_some(kind);
        self.sending_utf8 = utf8;
        Ok(())
    }

    /// Sends a ping of at most 125 bytes (RFC 6455 section 5.5.2).
    ///
    /// # Errors
    /// [`SendError::ControlTooLong`], [`SendError::Closed`], [`SendError::NotOpen`].
    pub fn ping(&mut self, output: &mut Output, payload: &[u8]) -> Result<(), SendError> {
        self.control(output, Opcode::Ping, payload)
    }

    /// Sends a pong nobody asked for (RFC 6455 section 5.5.3); pings are answered without being told to.
    ///
    /// # Errors
    /// As [`ping`](Self::ping).
    pub fn pong(&mut self, output: &mut Output, payload: &[u8]) -> Result<(), SendError> {
        self.control(output, Opcode::Pong, payload)
    }

    /// Begins the closing handshake (RFC 6455 section 7.1.2). Messages of the peer still come until its Close frame;
    /// `close_timeout` runs. [`CloseCode::NO_STATUS`] sends a Close frame without a payload, and takes no reason.
    /// A message begun in fragments is left unfinished.
    ///
    /// During the opening handshake the connection is dropped instead.
    ///
    /// # Errors
    /// [`SendError::InvalidCloseCode`], [`SendError::ControlTooLong`] for a reason of over 123 bytes,
    /// [`SendError::Closed`] when a close is under way already.
    pub fn close(
        &mut self,
        output: &mut Output,
        code: CloseCode,
        reason: &str,
        now: Time,
    ) -> Result<(), SendError> {
        let empty = code == CloseCode::NO_STATUS && reason.is_empty();
        if !code.is_sendable() && !empty {
            return Err(SendError::InvalidCloseCode(code.get()));
        }
        if reason.len() > MAX_CLOSE_REASON {
            return Err(SendError::ControlTooLong(reason.len()));
        }
        match self.state {
            State::Opening => {
                self.abort(now);
                Ok(())
            }
            State::Open => {
                self.write_close(output, code, reason)?;
                let mut closed = self.closed();
                closed.sent = Some(CloseFrame {
                    code,
                    reason: reason.to_owned(),
                });
                closed.by_us = true;
                self.ending = Some(closed);
                self.state = State::Closing;
                self.since = now;
                self.paused = false;
                Ok(())
            }
            State::Closing | State::Ended => Err(SendError::Closed),
        }
    }

    /// Sends the newest pong held back while [`Output::set_blocked`] was on.
    ///
    /// # Errors
    /// [`SendError::Random`]; the pong is lost then.
    pub fn release_pong(&mut self, output: &mut Output) -> Result<(), SendError> {
        let Some(partial) = &mut self.partial else {
            return Ok(());
        };
        let Some(payload) = partial.pong.take() else {
            return Ok(());
        };
        self.drop_empty_partial();
        if matches!(self.state, State::Open) {
            return output.frame(
                self.role,
                true,
                Opcode::Pong,
                &payload,
                self.options.trace.as_ref(),
            );
        }
        Ok(())
    }

    /// Whether `payload` could be sent as a message now.
    ///
    /// # Errors
    /// [`SendError::Closed`], [`SendError::NotOpen`], [`SendError::MessageInProgress`], [`SendError::InvalidUtf8`].
    #[inline]
    pub(crate) fn check_data(&self, kind: MessageKind, payload: &[u8]) -> Result<(), SendError> {
        self.check_whole()?;
        check_text(kind, payload)
    }

    /// Whether a whole message could be sent now.
    #[inline]
    pub(crate) fn check_whole(&self) -> Result<(), SendError> {
        self.check_open()?;
        if self.sending.is_some() {
            return Err(SendError::MessageInProgress);
        }
        Ok(())
    }

    #[inline]
    pub(crate) fn check_open(&self) -> Result<(), SendError> {
        match self.state {
            State::Open => Ok(()),
            State::Opening => Err(SendError::NotOpen),
            State::Closing | State::Ended => Err(SendError::Closed),
        }
    }

    fn control(
        &mut self,
        output: &mut Output,
        opcode: Opcode,
        payload: &[u8],
    ) -> Result<(), SendError> {
        self.check_open()?;
        if payload.len() > MAX_CONTROL_PAYLOAD {
            return Err(SendError::ControlTooLong(payload.len()));
        }
        output.frame(
            self.role,
            true,
            opcode,
            payload,
            self.options.trace.as_ref(),
        )
    }

    /// Shows frames that were made with [`append_server_frame`](super::append_server_frame) to the trace.
    #[inline]
    pub(crate) fn trace_sent(&self, mut frames: &[u8]) {
        let Some(trace) = &self.options.trace else {
            return;
        };
        let rules = HeaderRules {
            masked: false,
            rsv1: true,
        };
        while let Ok(Some((header, size))) = Header::parse(frames, rules) {
            let end = size + header.length as usize;
            trace.show(&TracedFrame {
                role: self.role,
                sent: true,
                header,
                payload: &frames[size..end],
            });
            frames = &frames[end..];
        }
    }

    pub(super) fn write_close(
        &self,
        output: &mut Output,
        code: CloseCode,
        reason: &str,
    ) -> Result<(), SendError> {
        let mut payload = [0; MAX_CONTROL_PAYLOAD];
        let mut length = 0;
        if code.is_sendable() {
            payload[..2].copy_from_slice(&code.get().to_be_bytes());
            payload[2..2 + reason.len()].copy_from_slice(reason.as_bytes());
            length = 2 + reason.len();
        }
        output.frame(
            self.role,
            true,
            Opcode::Close,
            &payload[..length],
            self.options.trace.as_ref(),
        )
    }
}

#[inline]
fn check_text(kind: MessageKind, payload: &[u8]) -> Result<(), SendError> {
    if kind == MessageKind::Text && !frame::is_valid(payload) {
        return Err(SendError::InvalidUtf8);
    }
    Ok(())
}

impl Role {
    /// Whether this side's frames are masked (RFC 6455 section 5.3).
    pub(super) const fn masks(self) -> bool {
        matches!(self, Self::Client)
    }
}
