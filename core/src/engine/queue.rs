//! What the kernel did not take yet of one connection's output.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use crate::error::SendError;
use crate::net::Stream;

/// Small frames are gathered into pieces of up to this size.
const PIECE: usize = 64 << 10;

/// Whole frames, except that the first piece may begin inside one. Boxed in the connection, and gone when empty.
#[derive(Debug, Default)]
pub(super) struct Queue {
    pieces: VecDeque<Piece>,
    /// How much of the first piece has been sent.
    sent: usize,
    bytes: u64,
    /// The first piece begins inside a frame.
    inside: bool,
    /// The application was told to wait for `Writable`.
    pub(super) above_high: bool,
}

#[derive(Debug)]
enum Piece {
    Own(Vec<u8>),
    Shared(Arc<Vec<u8>>),
}

impl Piece {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Own(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }
}

impl Queue {
    /// Bytes that wait.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Adds the rest of frames of which the kernel took a part, to an empty queue.
    pub(super) fn push_rest(&mut self, parts: &[&[u8]]) -> Result<(), SendError> {
        self.inside = true;
        self.push(parts)
    }

    /// Adds whole frames, if there is memory for them.
    pub(super) fn push(&mut self, parts: &[&[u8]]) -> Result<(), SendError> {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        if length == 0 {
            return Ok(());
        }
        if let Some(Piece::Own(last)) = self.pieces.back_mut()
            && last.len() + length <= PIECE
        {
            parts.iter().for_each(|part| last.extend_from_slice(part));
        } else {
            let mut piece = Vec::new();
            piece
                .try_reserve_exact(length)
                .map_err(|_| SendError::OutOfMemory(length))?;
            parts.iter().for_each(|part| piece.extend_from_slice(part));
            self.pieces.push_back(Piece::Own(piece));
        }
        self.bytes += length as u64;
        Ok(())
    }

    /// Adds frames that other connections' queues hold too; to an empty queue from `offset` on, of which the kernel took
    /// the rest.
    pub(super) fn push_shared(&mut self, frames: &Arc<Vec<u8>>, offset: usize) {
        if offset > 0 {
            debug_assert!(self.pieces.is_empty());
            self.sent = offset;
        }
        self.bytes += (frames.len() - offset) as u64;
        self.pieces.push_back(Piece::Shared(Arc::clone(frames)));
    }

    /// Whether a frame may be put in front of all others.
    pub(super) const fn is_between_frames(&self) -> bool {
        self.sent == 0 && !self.inside
    }

    /// Adds a control frame in front of all others, which [`is_between_frames`](Self::is_between_frames) allows.
    pub(super) fn push_first(&mut self, frame: &[u8]) {
        self.bytes += frame.len() as u64;
        self.pieces.push_front(Piece::Own(frame.to_vec()));
    }

    /// Sends from the first piece. Whether the piece is done, after which a control frame may go in between.
    pub(super) fn send_piece(&mut self, stream: &mut Stream) -> io::Result<bool> {
        let Some(piece) = self.pieces.front() else {
            return Ok(false);
        };
        let count = stream.send(&piece.bytes()[self.sent..])?;
        self.sent += count;
        self.bytes -= count as u64;
        let done = self.sent == piece.bytes().len();
        if done {
            self.pieces.pop_front();
            self.sent = 0;
            self.inside = false;
        }
        Ok(done)
    }
}
