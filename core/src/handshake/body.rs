//! The body of a response that refuses a WebSocket (RFC 9112 section 6), kept for the error up to a
//! limit.

use super::message::Response;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, fields: &[(&str, &str)]) -> Response {
        let mut response = Response {
            status,
            ..Response::default()
        };
        for (name, value) in fields {
            response.headers.push(name, value).expect("valid");
        }
        response
    }

    /// The body that `stream` gives and whether it was cut: whole, then byte by byte.
    fn read(response: &Response, limit: usize, stream: &[u8]) -> (Vec<u8>, bool) {
        let mut results = [stream.len().max(1), 1].map(|size| {
            let mut reader = BodyReader::new(response, limit);
            for part in stream.chunks(size) {
                reader.push(part);
            }
            reader.eof();
            assert!(reader.is_done());
            let truncated = reader.is_truncated();
            (reader.into_body(), truncated)
        });
        assert_eq!(results[0], results[1], "chunking does not matter");
        std::mem::take(&mut results[0])
    }

    #[test]
    fn a_length_ends_the_body() {
        let head = response(403, &[("Content-Length", "5")]);
        let mut reader = BodyReader::new(&head, 100);
        assert!(!reader.push(b"hell"));
        assert!(reader.push(b"o, world"));
        assert!(!reader.is_truncated());
        assert_eq!(reader.into_body(), b"hello");
        assert_eq!(read(&head, 100, b"hell"), (b"hell".to_vec(), true));
        assert!(BodyReader::new(&response(403, &[("Content-Length", "0")]), 100).is_done());
    }

    #[test]
    fn lengths_that_agree_are_one_and_others_are_passed_over() {
        let agree = response(403, &[("Content-Length", "2, 2"), ("content-length", "2")]);
        assert_eq!(read(&agree, 100, b"abc").0, b"ab");
        for bad in [
            "2, 3",
            "-2",
            "+2",
            "2x",
            "0x2",
            "",
            "99999999999999999999999",
        ] {
            let head = response(403, &[("Content-Length", bad)]);
            assert_eq!(read(&head, 100, b"abc"), (b"abc".to_vec(), false), "{bad}");
        }
    }

    #[test]
    fn the_stream_ends_a_body_of_unknown_length() {
        assert_eq!(
            read(&response(500, &[]), 100, b"abc"),
            (b"abc".to_vec(), false)
        );
        let head = response(500, &[("Transfer-Encoding", "chunked, gzip")]);
        assert_eq!(read(&head, 100, b"3\r\nabc"), (b"3\r\nabc".to_vec(), false));
    }

    #[test]
    fn some_statuses_have_no_body() {
        for status in [101, 103, 204, 304] {
            assert!(BodyReader::new(&response(status, &[("Content-Length", "5")]), 100).is_done());
        }
    }

    #[test]
    fn chunks_are_joined() {
        let head = response(
            403,
            &[
                ("Content-Length", "1"),
                ("Transfer-Encoding", "gzip, Chunked"),
            ],
        );
        let stream = b"3\r\nabc\r\n0A ;x=\"1\"\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n";
        assert_eq!(read(&head, 100, stream), (b"abc0123456789".to_vec(), false));
        assert_eq!(read(&head, 100, b"3\r\nab"), (b"ab".to_vec(), true));
        assert_eq!(read(&head, 100, b""), (Vec::new(), true));
    }

    #[test]
    fn broken_chunks_end_the_body() {
        let head = response(403, &[("Transfer-Encoding", "chunked")]);
        let tails: [&[u8]; 9] = [
            b"x",
            b"\r\n",
            b";x\r\n",
            b"1\nx\r\n",
            b"1\rx",
            b"1 1\r\nx\r\n!",
            b"fffffffffffffffff\r\n",
            b"-1\r\n",
            &[b'0'; CHUNK_LINE + 1],
        ];
        for tail in tails {
            let mut reader = BodyReader::new(&head, 100);
            assert!(!reader.push(b"2\r\nab\r\n"));
            reader.push(tail);
            assert!(reader.push(b"2\r\ncd\r\n"), "{}", tail.escape_ascii());
            let body = reader.into_body();
            assert!(
                body.starts_with(b"ab") && !body.ends_with(b"cd"),
                "{}",
                tail.escape_ascii()
            );
        }
        let mut reader = BodyReader::new(&head, 100);
        assert!(reader.push(b"2\r\nabX"), "a chunk longer than its size");
        assert_eq!(reader.into_body(), b"ab");
    }

    #[test]
    fn the_limit_cuts_the_body() {
        for fields in [&[][..], &[("Content-Length", "18446744073709551615")]] {
            assert_eq!(
                read(&response(403, fields), 4, b"abcdef"),
                (b"abcd".to_vec(), true)
            );
        }
        let chunked = response(403, &[("Transfer-Encoding", "chunked")]);
        assert_eq!(
            read(&chunked, 4, b"3\r\nabc\r\n3\r\ndef\r\n"),
            (b"abcd".to_vec(), true)
        );
        let exact = response(403, &[("Content-Length", "4")]);
        assert_eq!(read(&exact, 4, b"abcd"), (b"abcd".to_vec(), false));
        assert_eq!(read(&exact, 0, b"abcd"), (Vec::new(), true));
        let mut reader = BodyReader::new(&response(403, &[]), 4);
        assert!(!reader.push(b"abcd"));
        assert!(reader.push(b"e"), "no more is wanted past the limit");
    }
}
