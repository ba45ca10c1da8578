//! The body of a response that refuses a WebSocket (RFC 9112 section 6), kept for the error up to a
//! limit.

use super::head::Response;
use super::token::{list_elements, trim};

/// How much of a body a client keeps unless told otherwise: 64 KiB.
pub const DEFAULT_BODY_LIMIT: usize = 64 * 1024;

/// The longest line with a chunk's size, its extensions included, in bytes.
const CHUNK_LINE: usize = 1024;

/// Gathers the body that follows a response's head.
///
/// The status matters more than the body: where the body's framing is broken, the body ends there
/// without an error. Trailers are not read, as the connection is closed after a refusal.
#[derive(Debug)]
pub struct BodyReader {
    state: State,
    body: Vec<u8>,
    limit: usize,
    truncated: bool,
}

/// What the next byte is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// One of this many that remain of `Content-Length`.
    Length(u64),
    /// One of as many as come before the stream ends.
    UntilEof,
    /// Part of the line with a chunk's size, of which `length` bytes have come.
    ChunkLine {
        size: u64,
        digits: bool,
        extension: bool,
        cr: bool,
        length: usize,
    },
    /// One of this many that remain of a chunk.
    ChunkData(u64),
    /// The CR after a chunk.
    ChunkCr,
    /// The LF after it.
    ChunkLf,
    /// After the body.
    Done,
}

/// The start of a line with a chunk's size.
const CHUNK_START: State = State::ChunkLine {
    size: 0,
    digits: false,
    extension: false,
    cr: false,
    length: 0,
};

impl BodyReader {
    /// A reader for the body of `response`, which keeps at most `limit` bytes.
    pub fn new(response: &Response, limit: usize) -> Self {
        let state = match framing(response) {
            State::Length(0) => State::Done,
            state => state,
        };
        Self {
            state,
            body: Vec::new(),
            limit,
            truncated: false,
        }
    }

    /// Takes the next bytes of the stream and says whether the body is done: complete, broken off or
    /// at the limit. Bytes after that are passed over.
    pub fn push(&mut self, mut bytes: &[u8]) -> bool {
        while self.state != State::Done {
            let [byte, rest @ ..] = bytes else { break };
            self.state = match self.state {
                State::Length(remaining) => {
                    let taken = self.keep(&mut bytes, remaining);
                    match remaining - taken {
                        0 => State::Done,
                        remaining => State::Length(remaining),
                    }
                }
                State::UntilEof => {
                    self.keep(&mut bytes, u64::MAX);
                    State::UntilEof
                }
                State::ChunkData(remaining) => {
                    let taken = self.keep(&mut bytes, remaining);
                    match remaining - taken {
                        0 => State::ChunkCr,
                        remaining => State::ChunkData(remaining),
                    }
                }
                state => {
                    bytes = rest;
                    step(state, *byte)
                }
            };
            if self.truncated {
                self.state = State::Done;
            }
        }
        self.is_done()
    }

    /// Tells that the stream has ended, and with it the body.
    pub fn eof(&mut self) {
        if !matches!(self.state, State::Done | State::UntilEof) {
            self.truncated = true;
        }
        self.state = State::Done;
    }

    /// Whether the body is done.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Whether the body was longer than the limit, or the stream ended before it.
    pub fn is_truncated(&self) -> bool {
        self.truncated
    }

    /// What was kept of the body.
    pub fn into_body(self) -> Vec<u8> {
        self.body
    }

    /// Moves at most `most` of `bytes` to the body, and says how many.
    fn keep(&mut self, bytes: &mut &[u8], most: u64) -> u64 {
        let most = usize::try_from(most).unwrap_or(usize::MAX).min(bytes.len());
        let (taken, rest) = bytes.split_at_checked(most).unwrap_or((*bytes, &[]));
        let room = self.limit.saturating_sub(self.body.len());
        self.truncated |= taken.len() > room;
        self.body
            .extend_from_slice(taken.get(..room).unwrap_or(taken));
        *bytes = rest;
        taken.len() as u64
    }
}

/// How the end of the body is found (RFC 9112 section 6.3).
fn framing(response: &Response) -> State {
    if response.status < 200 || matches!(response.status, 204 | 304) {
        return State::Done;
    }
    let headers = &response.headers;
    if headers.contains("Transfer-Encoding") {
        return match list_elements(headers, "Transfer-Encoding").last() {
            Some(coding) if coding.eq_ignore_ascii_case(b"chunked") => CHUNK_START,
            _ => State::UntilEof,
        };
    }
    let mut lengths = list_elements(headers, "Content-Length").map(parse_length);
    match lengths.next() {
        Some(Some(length)) if lengths.all(|other| other == Some(length)) => State::Length(length),
        _ => State::UntilEof,
    }
}

fn parse_length(text: &[u8]) -> Option<u64> {
    let text = trim(text);
    let digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(text)
        .ok()
        .filter(|_| digits)?
        .parse()
        .ok()
}

/// Takes one byte of a chunked body's framing; what breaks it ends the body.
fn step(state: State, byte: u8) -> State {
    match (state, byte) {
        (State::ChunkCr, b'\r') => State::ChunkLf,
        (State::ChunkLf, b'\n') => CHUNK_START,
        (
            State::ChunkLine {
                size,
                digits,
                cr: true,
                ..
            },
            b'\n',
        ) if digits && size > 0 => State::ChunkData(size),
        (
            State::ChunkLine {
                size,
                digits,
                extension,
                cr: false,
                length,
            },
            byte,
        ) if length < CHUNK_LINE => {
            let digit = char::from(byte).to_digit(16).filter(|_| !extension);
            let longer = match digit {
                Some(digit) => size.checked_mul(16).map(|size| size | u64::from(digit)),
                None => Some(size),
            };
            let text = digit.is_some() || extension || matches!(byte, b'\r' | b';' | b' ' | b'\t');
            match longer {
                Some(size) if text && byte != b'\n' => State::ChunkLine {
                    size,
                    digits: digits || digit.is_some(),
                    extension: extension || digit.is_none(),
                    cr: byte == b'\r',
                    length: length + 1,
                },
                _ => State::Done,
            }
        }
        _ => State::Done,
    }
}
