//! Messages made smaller (RFC 7692 section 7.2.1).

use std::fmt;

use zlib_rs::{Deflate, DeflateConfig, DeflateFlush, Status};

use super::Compression;
use crate::error::SendError;

/// A buffer for compressed messages up to this size is kept for the next one.
const KEPT: usize = 1 << 20;
/// Codecs kept for connections with different settings.
const CODECS: usize = 4;
/// What a flush may add: with less room zlib could be cut short within it, and flush again.
const FLUSH_ROOM: usize = 64;
/// The end of a flush, which stands for itself (RFC 7692 section 7.2.1, step 3).
const EMPTY_BLOCK: [u8; 4] = [0, 0, 0xff, 0xff];

/// What makes two codecs interchangeable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Config {
    window_bits: u8,
    level: u8,
    memory_level: u8,
}

impl Config {
    pub(crate) const fn new(settings: &Compression, window_bits: u8) -> Self {
        Self {
            window_bits,
            level: settings.level,
            memory_level: settings.memory_level,
        }
    }
}

/// One stream of compressed messages.
pub(crate) struct Compressor {
    config: Config,
    stream: Deflate,
    /// Nothing has gone through since the last reset.
    fresh: bool,
}

impl fmt::Debug for Compressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compressor")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl Compressor {
    fn new(config: Config) -> Self {
        let stream = Deflate::new_with_config(DeflateConfig {
            level: config.level.into(),
            // Negative: without zlib's own header.
            window_bits: -i32::from(config.window_bits),
            mem_level: config.memory_level.into(),
            ..DeflateConfig::default()
        });
        Self {
            config,
            stream,
            fresh: true,
        }
    }

    /// Forgets what went through.
    pub(crate) fn reset(&mut self) {
        if !self.fresh {
            self.stream.reset();
            self.fresh = true;
        }
    }

    /// Compresses a piece of a message, the last one without the flush's end, into `out` from its start, whose length
    /// grows as needed and does not shrink. How many bytes that made. After an error nothing of the piece may be sent;
    /// the message can go on with another, as the history is forgotten.
    fn piece(
        &mut self,
        mut piece: &[u8],
        last: bool,
        out: &mut Vec<u8>,
    ) -> Result<usize, SendError> {
        if piece.is_empty() {
            // zlib does not flush twice. An empty message is an empty block (RFC 7692 section 7.2.3.6).
            let block: &[u8] = if last { &[0] } else { &[] };
            grow(out, 1)?;
            out[..block.len()].copy_from_slice(block);
            return Ok(block.len());
        }
        self.fresh = false;
        let mut length = 0;
        loop {
            if out.len() < length + FLUSH_ROOM {
                let expected = piece.len() / 2 + 4 * FLUSH_ROOM;
                if let Err(error) = grow(out, length + length / 2 + expected) {
                    self.reset();
                    return Err(error);
                }
            }
            let (taken, made) = (self.stream.total_in(), self.stream.total_out());
            let status = self
                .stream
                .compress(piece, &mut out[length..], DeflateFlush::SyncFlush);
            let taken = (self.stream.total_in() - taken) as usize;
            let made = (self.stream.total_out() - made) as usize;
            piece = &piece[taken.min(piece.len())..];
            length += made;
            match status {
                // zlib is done when it leaves room.
                Ok(Status::Ok | Status::BufError) if piece.is_empty() && length < out.len() => {
                    break;
                }
                Ok(Status::Ok) if taken + made > 0 => {}
                _ => {
                    self.reset();
                    return Err(SendError::Compression);
                }
            }
        }
        if last && out[..length].ends_with(&EMPTY_BLOCK) {
            length -= EMPTY_BLOCK.len();
        }
        Ok(length)
    }
}

/// Makes `out` at least `length` bytes long, if there is memory.
fn grow(out: &mut Vec<u8>, length: usize) -> Result<(), SendError> {
    let more = length.saturating_sub(out.len());
    out.try_reserve(more)
        .map_err(|_| SendError::OutOfMemory(length))?;
    out.resize(out.len() + more, 0);
    Ok(())
}

/// The compressors that connections without context takeover share, and the buffer for all.
#[derive(Debug, Default)]
pub(crate) struct Compressors {
    shared: Vec<Compressor>,
    /// Holds what was compressed last, from its start.
    pub(crate) buffer: Vec<u8>,
}

impl Compressors {
    pub(crate) const fn new() -> Self {
        Self {
            shared: Vec::new(),
            buffer: Vec::new(),
        }
    }

    /// A compressor without history, to be given [back](Self::give).
    pub(crate) fn take(&mut self, config: Config) -> Compressor {
        let known = self.shared.iter().position(|one| one.config == config);
        known.map_or_else(
            || Compressor::new(config),
            |place| self.shared.swap_remove(place),
        )
    }

    /// Keeps a compressor that is no longer needed for another connection.
    pub(crate) fn give(&mut self, mut compressor: Compressor) {
        if self.shared.len() == CODECS {
            self.shared.remove(0);
        }
        compressor.reset();
        self.shared.push(compressor);
    }

    /// [Gives back](Self::give) a connection's compressor, if it has one.
    pub(crate) fn give_from(&mut self, place: &mut Option<Compressor>) {
        if let Some(compressor) = place.take() {
            self.give(compressor);
        }
    }

    /// Compresses a message, whole, by itself. How many bytes of the buffer that made.
    pub(crate) fn message(&mut self, config: Config, payload: &[u8]) -> Result<usize, SendError> {
        let mut compressor = self.take(config);
        let length = compressor.piece(payload, true, &mut self.buffer);
        self.give(compressor);
        length
    }

    /// Compresses a piece of a message by a connection's own compressor. How many bytes of the buffer that made.
    pub(crate) fn piece(
        &mut self,
        compressor: &mut Compressor,
        piece: &[u8],
        last: bool,
    ) -> Result<usize, SendError> {
        compressor.piece(piece, last, &mut self.buffer)
    }

    /// Gives back the memory that a large message took.
    pub(crate) fn shrink(&mut self) {
        if self.buffer.len() > KEPT {
            self.buffer = Vec::new();
        }
    }
}
