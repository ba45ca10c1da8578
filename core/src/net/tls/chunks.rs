//! Application data cut into what is encrypted and handed to the kernel at once.
#![forbid(unsafe_code)]

use std::io::IoSlice;

/// Bytes of a chunk, at most.
const CHUNK: usize = 64 << 10;

/// Cuts pieces into chunks; a small piece and the beginning of the next one make one chunk.
pub(super) struct Chunks<'a> {
    pieces: &'a [IoSlice<'a>],
    /// How much of the first piece has been given.
    skip: usize,
}

impl<'a> Chunks<'a> {
    pub(super) const fn new(pieces: &'a [IoSlice<'a>]) -> Self {
        Self { pieces, skip: 0 }
    }

    /// The next chunk: a piece's own bytes, or what was gathered in `buffer`.
    pub(super) fn next<'b>(&mut self, buffer: &'b mut Vec<u8>) -> Option<&'b [u8]>
    where
        'a: 'b,
    {
        buffer.clear();
        while let Some((first, others)) = self.pieces.split_first() {
            let rest = &first[self.skip..];
            let now = rest.len().min(CHUNK - buffer.len());
            let whole = now == rest.len();
            if buffer.is_empty() && (now == CHUNK || others.is_empty()) {
                self.advance(now, whole);
                return (now > 0).then_some(&rest[..now]);
            }
            buffer.extend_from_slice(&rest[..now]);
            self.advance(now, whole);
            if buffer.len() == CHUNK {
                break;
            }
        }
        (!buffer.is_empty()).then_some(buffer.as_slice())
    }

    const fn advance(&mut self, count: usize, whole: bool) {
        if whole {
            self.pieces = self.pieces.split_at(1).1;
            self.skip = 0;
        } else {
            self.skip += count;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_cut_into_chunks_and_nothing_is_lost() {
        let long: Vec<u8> = (0..3 * CHUNK + 5).map(|at| at as u8).collect();
        for pieces in [
            vec![&b"head"[..], &long[..]],
            vec![&long[..]],
            vec![&b""[..], &b"x"[..]],
            vec![&b"head"[..], &b""[..]],
            vec![&long[..CHUNK], &long[..7]],
            vec![],
        ] {
            let slices: Vec<_> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
            let mut chunks = Chunks::new(&slices);
            let (mut buffer, mut all) = (Vec::new(), Vec::new());
            while let Some(chunk) = chunks.next(&mut buffer) {
                assert!(!chunk.is_empty() && chunk.len() <= CHUNK);
                all.extend_from_slice(chunk);
            }
            assert_eq!(all, pieces.concat());
        }
    }
}
