//! permessage-deflate (RFC 7692 sections 6 and 7.2) in the state machine: which codec a message goes through, and what
//! inflating yields.

use crate::deflate::{Compress, Compressor, Config, Inflater};
use crate::error::{Error, Role, SendError};
use crate::frame::{self, FrameError, Header, HeaderRules, MAX_HEADER, Opcode, apply_mask};

use super::input::PIECE;
use super::receive::{Raw, Source};
use super::{Frame, Input, MessageKind, Output, Protocol};

/// Codecs of one connection: for good with context takeover, without it only during a message that comes or goes in
/// pieces.
#[derive(Debug, Default)]
pub(super) struct Codecs {
    compressor: Option<Compressor>,
    inflater: Option<Inflater>,
}

/// How a connection without context takeover compresses its messages: each alone, so that another connection whose way
/// is equal can be given the same frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Alone {
    config: Config,
    threshold: usize,
}

/// Compresses whole messages of a server, made by [`append_server_frame`](super::append_server_frame), where they become
/// smaller for it. `None` without memory for that.
pub(crate) fn compress_server_frames(
    output: &mut Output,
    mut frames: &[u8],
    alone: Alone,
) -> Option<Vec<u8>> {
    let rules = HeaderRules {
        masked: false,
        rsv1: false,
    };
    let mut compressed = Vec::new();
    compressed.try_reserve(frames.len()).ok()?;
    while let Ok(Some((header, size))) = Header::parse(frames, rules) {
        let (frame, rest) = frames.split_at(size + header.length as usize);
        frames = rest;
        let payload = &frame[size..];
        let length = (payload.len() >= alone.threshold)
            .then(|| output.compressors.message(alone.config, payload))
            .and_then(Result::ok)
            .filter(|&length| length < payload.len());
        let Some(length) = length else {
            compressed.extend_from_slice(frame);
            continue;
        };
        let header = Header {
            rsv1: true,
            length: length as u64,
            ..header
        };
        let mut encoded = [0; MAX_HEADER];
        let size = header.encode(&mut encoded);
        compressed.extend_from_slice(&encoded[..size]);
        compressed.extend_from_slice(&output.compressors.buffer[..length]);
    }
    output.compressors.shrink();
    Some(compressed)
}

impl Protocol {
    /// How messages that this connection shares with others are compressed; `None` if each has to be its own, or plain.
    pub(crate) fn compresses_alone(&self) -> Option<Alone> {
        let config = self.compresses(0, Compress::Always)?;
        let threshold = self.options.compression.threshold;
        (!self.takes_over(self.role)).then_some(Alone { config, threshold })
    }

    /// How a message of `length` bytes is compressed; `None` when it goes as it is.
    #[inline]
    pub(crate) fn compresses(&self, length: usize, compress: Compress) -> Option<Config> {
        let agreed = self.deflate?;
        let settings = &self.options.compression;
        let wanted = match compress {
            Compress::ByOptions => length >= settings.threshold,
            Compress::Never => false,
            Compress::Always => true,
        };
        let bits = agreed.compress_bits(self.role).filter(|_| wanted)?;
        Some(Config::new(settings, bits))
    }

    /// Whether what `role` sends refers to earlier messages.
    pub(super) fn takes_over(&self, role: Role) -> bool {
        self.deflate.is_some_and(|agreed| agreed.takes_over(role))
    }

    /// Sends a whole message compressed. Not, if it has become no smaller, no history depends on it and nobody insists.
    pub(super) fn send_compressed(
        &mut self,
        output: &mut Output,
        config: Config,
        kind: MessageKind,
        payload: &[u8],
        compress: Compress,
    ) -> Result<bool, SendError> {
        if self.takes_over(self.role) {
            self.send_compressed_piece(output, config, kind.opcode(), payload, true)?;
            return Ok(true);
        }
        let length = output.compressors.message(config, payload)?;
        let insists = compress == Compress::Always || self.options.compression.threshold == 0;
        if length >= payload.len() && !insists {
            return Ok(false);
        }
        let trace = self.options.trace.as_ref();
        output.compressed_frame(self.role, true, kind.opcode(), length, trace)?;
        Ok(true)
    }

    /// Sends a message, or a fragment of one, by a compressor of the connection's own.
    pub(super) fn send_compressed_piece(
        &mut self,
        output: &mut Output,
        config: Config,
        opcode: Opcode,
        payload: &[u8],
        last: bool,
    ) -> Result<(), SendError> {
        let takes_over = self.takes_over(self.role);
        let codecs = self.codecs.get_or_insert_default();
        let compressor = codecs
            .compressor
            .get_or_insert_with(|| output.compressors.take(config));
        let length = output.compressors.piece(compressor, payload, last)?;
        let trace = self.options.trace.as_ref();
        if let Err(error) = output.compressed_frame(self.role, last, opcode, length, trace) {
            // The peer will not have what would be referred to.
            compressor.reset();
            return Err(error);
        }
        if last && !takes_over {
            output.compressors.give_from(&mut codecs.compressor);
            self.drop_empty_codecs();
        }
        Ok(())
    }

    /// A compressed message that is one frame and wholly there, unmasked.
    pub(super) fn inflate_whole(
        &mut self,
        kind: MessageKind,
        header: &Header,
        input: &mut Input,
        length: usize,
    ) -> Result<Raw, Error> {
        if self.options.trace.is_some() {
            self.trace(header, &input.bytes()[..length]);
        }
        let limit = self.options.max_message_size;
        let takes_over = self.takes_over(self.role.peer());
        let made = if takes_over {
            let codecs = self.codecs.get_or_insert_default();
            let inflater = codecs.inflater.get_or_insert_with(|| input.take_inflater());
            input.inflate_whole(inflater, length, limit, true, self.role)
        } else {
            let mut inflater = input.take_inflater();
            let made = input.inflate_whole(&mut inflater, length, limit, false, self.role);
            input.give_inflater(inflater);
            made
        }?;
        if made as u64 > limit {
            return Err(self.options.message_too_big(self.role, made as u64));
        }
        input.take(length);
        let source = Source::Inflated { length: made };
        if kind == MessageKind::Text && !frame::is_valid(input.payload(source)) {
            return Err(FrameError::InvalidUtf8InText.into());
        }
        Ok(Raw::Message { kind, source })
    }

    /// What has come of a compressed message that does not come at once.
    pub(super) fn inflate_payload(&mut self, input: &mut Input) -> Result<Option<Raw>, Error> {
        let Some(kind) = self.receiving else {
            return Ok(None);
        };
        loop {
            let made = self.inflate_piece(input)?;
            let drained = made < PIECE;
            let done = drained && self.remaining == 0;
            let last = done && self.fin;
            if last {
                self.end_inflation(input)?;
            }
            let source = Source::Inflated { length: made };
            if kind == MessageKind::Text {
                self.validate(input.payload(source), last)?;
            }
            if done {
                self.frame = Frame::None;
            }
            if self.streams {
                if last {
                    self.streamed();
                }
                if made == 0 && !last {
                    return Ok(None);
                }
                let first = std::mem::take(&mut self.first);
                return Ok(Some(Raw::Fragment {
                    kind,
                    source,
                    first,
                    last,
                }));
            }
            let role = self.role;
            let partial = self.partial.get_or_insert_default();
            let total = (partial.message.len() + made) as u64;
            if total > self.options.max_message_size {
                return Err(self.options.message_too_big(role, total));
            }
            input.append_inflated(&mut partial.message, made, role)?;
            if last {
                return Ok(Some(self.message_is_whole(kind, input)));
            }
            if drained {
                return Ok(None);
            }
        }
    }

    /// Inflates some of the current frame's payload at hand; less than [`PIECE`] bytes come of it when it was all.
    fn inflate_piece(&mut self, input: &mut Input) -> Result<usize, Error> {
        let count = self.at_hand(input);
        let takes_over = self.takes_over(self.role.peer());
        let codecs = self.codecs.get_or_insert_default();
        let inflater = match &mut codecs.inflater {
            Some(inflater) => inflater,
            none if takes_over => none.insert(input.take_inflater()),
            none => none.insert(input.hold_inflater(self.role)?),
        };
        let masked = self.role == Role::Server;
        if masked {
            apply_mask(&mut input.bytes()[..count], self.key, self.phase.into());
        }
        let progress = input.inflate_piece(inflater, count)?;
        if masked {
            // What has to wait goes back under its mask.
            let phase = usize::from(self.phase) + progress.taken;
            apply_mask(&mut input.bytes()[progress.taken..count], self.key, phase);
        }
        input.take(progress.taken);
        self.advance(progress.taken);
        Ok(progress.made)
    }

    fn end_inflation(&mut self, input: &mut Input) -> Result<(), Error> {
        let takes_over = self.takes_over(self.role.peer());
        if let Some(inflater) = self
            .codecs
            .as_mut()
            .and_then(|codecs| codecs.inflater.as_mut())
        {
            inflater.end(takes_over)?;
        }
        self.inflating = false;
        self.release_inflater(input);
        Ok(())
    }

    /// Gives back an inflater that was needed for one message alone.
    pub(super) fn release_inflater(&mut self, input: &mut Input) {
        if !self.takes_over(self.role.peer())
            && let Some(codecs) = &mut self.codecs
            && let Some(inflater) = codecs.inflater.take()
        {
            input.release_inflater(inflater);
            self.drop_empty_codecs();
        }
    }

    fn drop_empty_codecs(&mut self) {
        if self
            .codecs
            .as_ref()
            .is_some_and(|codecs| codecs.compressor.is_none() && codecs.inflater.is_none())
        {
            self.codecs = None;
        }
    }
}

impl Role {
    const fn peer(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}
