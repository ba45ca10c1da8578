//! Messages made whole again (RFC 7692 section 7.2.2).

use std::fmt;

use zlib_rs::{Inflate, InflateFlush, Status};

/// About what an [`Inflater`] holds, in bytes: its window and tables.
pub(crate) const INFLATER_MEMORY: u64 = 48 << 10;

const EMPTY_BLOCK: [u8; 4] = [0, 0, 0xff, 0xff];

/// A compressed message that cannot be inflated; the peer's fault. It closes with 1007, as other data that do not fit
/// their message's type: RFC 7692 names no code, and this is the field's commonest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InflateError {
    /// The bytes are no deflate stream (RFC 1951), or refer to more history than there is.
    Corrupt,
    /// The message ends within a deflate block.
    Unfinished,
}

impl fmt::Display for InflateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Corrupt => "a compressed message is not a valid deflate stream",
            Self::Unfinished => "a compressed message ends within a deflate block",
        })
    }
}

impl std::error::Error for InflateError {}

/// What a call of [`Inflater::inflate`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Bytes of the input that were taken.
    pub(crate) taken: usize,
    /// Bytes of the output that were made.
    pub(crate) made: usize,
}

/// One stream of compressed messages. Its window is of 15 bits, which inflates every smaller one too.
pub(crate) struct Inflater {
    stream: Inflate,
    /// The last bytes of the message so far.
    last: [u8; 4],
    /// The stream stands where a message begins: there is no block to be ended.
    between: bool,
}

impl fmt::Debug for Inflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inflater")
            .field("between", &self.between)
            .finish_non_exhaustive()
    }
}

impl Inflater {
    pub(crate) fn new() -> Self {
        Self {
            stream: Inflate::new(false, 15),
            last: [0; 4],
            between: true,
        }
    }

    /// Forgets what went through.
    pub(crate) fn reset(&mut self) {
        self.stream.reset(false);
        self.last = [0; 4];
        self.between = true;
    }

    /// Inflates some of a message. When room is left in `output`, all of `input` has been taken and nothing more comes
    /// of it; otherwise the call is to be repeated with the rest of the input, even if that is empty.
    ///
    /// After a block with BFINAL set a new stream begins, without history (RFC 7692 section 7.2.3.4).
    pub(crate) fn inflate(
        &mut self,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<Progress, InflateError> {
        let mut progress = Progress { taken: 0, made: 0 };
        loop {
            let rest = &input[progress.taken..];
            let room = &mut output[progress.made..];
            let (taken, made) = (self.stream.total_in(), self.stream.total_out());
            let status = self.stream.decompress(rest, room, InflateFlush::SyncFlush);
            let taken = (self.stream.total_in() - taken) as usize;
            let made = (self.stream.total_out() - made) as usize;
            progress.taken += taken;
            progress.made += made;
            self.note(&rest[..taken.min(rest.len())]);
            match status {
                Ok(Status::StreamEnd) => {
                    self.reset();
                    if progress.taken == input.len() {
                        return Ok(progress);
                    }
                }
                Ok(_) if progress.made == output.len() => return Ok(progress),
                Ok(_) if progress.taken == input.len() => return Ok(progress),
                Ok(_) if taken + made > 0 => {}
                _ => return Err(InflateError::Corrupt),
            }
        }
    }

    /// Remembers the end of what has been taken.
    fn note(&mut self, taken: &[u8]) {
        if let Some(last) = taken.last_chunk() {
            self.last = *last;
        } else {
            for &byte in taken {
                self.last = [self.last[1], self.last[2], self.last[3], byte];
            }
        }
        self.between &= taken.is_empty();
    }

    /// Ends a message whose bytes have all been inflated by putting back the empty block's end that its sender left
    /// out (RFC 7692 section 7.2.2). `takes_over` keeps the history for the next message.
    ///
    /// A sender that left the block in is understood, and so is one that leaves out all of it, but for one case: with
    /// takeover and a block that ends in its byte's last bits the next message could not be told from it.
    pub(crate) fn end(&mut self, takes_over: bool) -> Result<(), InflateError> {
        let verdict = self.check_end(takes_over);
        if takes_over {
            self.last = [0; 4];
            self.between = true;
        } else {
            self.reset();
        }
        verdict
    }

    fn check_end(&mut self, takes_over: bool) -> Result<(), InflateError> {
        // With takeover the bytes are believed, as a closer look would cost the history: a block that they stand in by chance
        // goes on with the next message, which is the sender's own loss.
        if self.between || takes_over && self.last == EMPTY_BLOCK {
            return Ok(());
        }
        let mut made = [0; 32];
        let good = if takes_over {
            // Where the block ends as it should the byte too many stays untouched, and nothing is made.
            let tail = [0, 0, 0xff, 0xff, 0xff];
            self.probe(&tail, &mut made, InflateFlush::Block)
                .is_some_and(|end| (end.taken, end.made) == (EMPTY_BLOCK.len(), 0))
        } else {
            self.is_between_blocks(&mut made)
        };
        good.then_some(()).ok_or(InflateError::Unfinished)
    }

    /// Whether the message ends with a block, or with the beginning of an empty one whose end was left out. The history
    /// is lost.
    fn is_between_blocks(&mut self, made: &mut [u8; 32]) -> bool {
        // Behind such a beginning these are its end, another empty block, and an empty last one: the stream is over.
        // Behind a block they are the header of one of 65,280 bytes, and six of these.
        const TAIL: [u8; 11] = [0, 0, 0xff, 0xff, 0, 0, 0, 0xff, 0xff, 3, 0];
        let Some(end) = self.probe(&TAIL, made, InflateFlush::SyncFlush) else {
            return false;
        };
        match end.status {
            Status::StreamEnd => end.made == 0,
            _ => made[..end.made] == TAIL[5..],
        }
    }

    /// What comes of bytes that the message does not have; `None` for an error.
    fn probe(&mut self, tail: &[u8], made: &mut [u8; 32], flush: InflateFlush) -> Option<Probe> {
        let before = (self.stream.total_in(), self.stream.total_out());
        let status = self.stream.decompress(tail, made, flush).ok()?;
        Some(Probe {
            status,
            taken: (self.stream.total_in() - before.0) as usize,
            made: (self.stream.total_out() - before.1) as usize,
        })
    }
}

/// What came of a probe.
struct Probe {
    status: Status,
    taken: usize,
    made: usize,
}
