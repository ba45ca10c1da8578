//! The head of an HTTP/1.1 message (RFC 9112 sections 2 to 5), gathered from bytes in any portions and
//! parsed by httparse once it is whole.
//!
//! Where RFC 9112 leaves a choice, the stricter one is taken, as a WebSocket server often stands behind
//! intermediaries that may read the same bytes differently: a line ends in CRLF and never in a bare LF
//! (section 2.2 permits either), and obsolete line folding is refused (section 5.2). Empty lines before
//! a request are passed over (section 2.2); before a response they are refused.

use std::borrow::Cow;
use std::fmt::{self, Debug, Formatter};
use std::mem::MaybeUninit;

use super::error::{HandshakeError, shown};
use super::headers::{Headers, Located};
use super::token::is_tchar;

/// How long a head may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadLimits {
    /// Bytes, the empty line at the end and empty lines before a request included. Default 16 KiB.
    pub bytes: usize,
    /// Header fields. Default 100.
    pub headers: usize,
}

impl Default for HeadLimits {
    fn default() -> Self {
        Self {
            bytes: 16 * 1024,
            headers: 100,
        }
    }
}

/// Gathers a head. The verdict is the same however the bytes are divided among calls.
///
/// `Debug` leaves out the bytes, which may hold credentials.
pub struct HeadReader {
    limits: HeadLimits,
    /// The head so far, without empty lines before it.
    head: Vec<u8>,
    /// Bytes of empty lines before it.
    leading: usize,
    /// Header fields that have begun.
    fields: usize,
    state: State,
    error: Option<HandshakeError>,
    /// Bytes looked at, for tests on the work done.
    #[cfg(test)]
    pub(super) scanned: usize,
}

/// Where in the head the next byte stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the first line.
    Start,
    /// After the CR of an empty line before it.
    LeadingCr,
    /// In the first line or a field line.
    Line,
    /// After the CR that ends such a line.
    LineCr,
    /// At the start of a field line or of the last, empty one.
    LineStart,
    /// After the CR of the last line.
    LastCr,
    /// After the head.
    Complete,
}

const BARE_CR: HandshakeError = HandshakeError::Malformed("a CR stands without LF");
const BARE_LF: HandshakeError = HandshakeError::Malformed("a line ends in LF without CR");

impl HeadReader {
    /// A reader that has seen nothing; allocates nothing.
    pub fn new(limits: HeadLimits) -> Self {
        Self {
            limits,
            head: Vec::new(),
            leading: 0,
            fields: 0,
            state: State::Start,
            error: None,
            #[cfg(test)]
            scanned: 0,
        }
    }

    /// Takes the next bytes of the stream.
    ///
    /// `Some(n)`: the head is complete and the first `n` of these bytes belonged to it; the rest are
    /// frames, or a response's body. `None`: all were taken and more are needed. Each byte is looked at
    /// once, and none past a limit.
    ///
    /// # Errors
    /// As soon as the bytes pass a limit or cannot become a head any more: a first byte that begins no
    /// token (that of a TLS record gets its own error), a control character, a bare CR or LF, a folded
    /// line. A call after an error gives the same error.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Option<usize>, HandshakeError> {
        if let Some(error) = &self.error {
            return Err(error.clone());
        }
        let result = self.take(bytes);
        if let Err(error) = &result {
            self.error = Some(error.clone());
            self.head = Vec::new();
        }
        result
    }

    /// Whether the head is complete.
    pub fn is_complete(&self) -> bool {
        self.state == State::Complete
    }

    /// Bytes of the head received so far.
    pub fn received(&self) -> usize {
        self.leading + self.head.len()
    }

    /// What the end of the stream at this point means.
    pub fn eof(&self) -> HandshakeError {
        let incomplete = HandshakeError::Incomplete {
            received: self.received(),
        };
        self.error.clone().unwrap_or(incomplete)
    }

    fn take(&mut self, bytes: &[u8]) -> Result<Option<usize>, HandshakeError> {
        if self.is_complete() {
            return Ok(Some(0));
        }
        let room = self.limits.bytes.saturating_sub(self.received());
        let window = bytes.get(..room).unwrap_or(bytes);
        let mut next = 0;
        let mut start = 0;
        while let Some(&byte) = window.get(next) {
            if self.state == State::Line {
                next += self.skip_text(window.get(next..).unwrap_or_default());
                let Some(&end) = window.get(next) else { break };
                self.state = match end {
                    b'\r' => State::LineCr,
                    b'\n' => return Err(BARE_LF),
                    _ => return Err(HandshakeError::Malformed("a control character")),
                };
            } else {
                self.step(byte)?;
                if matches!(self.state, State::Start | State::LeadingCr) {
                    self.leading += 1;
                    start = next + 1;
                }
            }
            #[cfg(test)]
            {
                self.scanned += 1;
            }
            next += 1;
            if self.is_complete() {
                break;
            }
        }
        self.head
            .extend_from_slice(window.get(start..next).unwrap_or_default());
        if self.is_complete() {
            return Ok(Some(next));
        }
        if self.received() >= self.limits.bytes {
            let limit = self.limits.bytes;
            let first_line = self.fields == 0 && self.state == State::Line;
            return Err(if first_line {
                HandshakeError::StartLineTooLong { limit }
            } else {
                HandshakeError::HeadTooLarge { limit }
            });
        }
        Ok(None)
    }

    /// The length of the text at the start of `bytes` that neither ends a line nor breaks one.
    fn skip_text(&mut self, bytes: &[u8]) -> usize {
        let length = bytes
            .iter()
            .position(|&byte| byte.is_ascii_control() && byte != b'\t')
            .unwrap_or(bytes.len());
        #[cfg(test)]
        {
            self.scanned += length;
        }
        length
    }

    /// Takes one byte outside the text of a line.
    fn step(&mut self, byte: u8) -> Result<(), HandshakeError> {
        self.state = match (self.state, byte) {
            (State::Start, b'\r') => State::LeadingCr,
            (State::LeadingCr, b'\n') => State::Start,
            (State::LineCr, b'\n') => State::LineStart,
            (State::LineStart, b'\r') => State::LastCr,
            (State::LastCr, b'\n') => State::Complete,
            (State::LeadingCr | State::LineCr | State::LastCr, _) => return Err(BARE_CR),
            (_, b'\n') => return Err(BARE_LF),
            // A TLS record begins with its type: 0x15 for an alert, 0x16 for a handshake message.
            (State::Start, 0x15 | 0x16) => return Err(HandshakeError::TlsOnPlainPort),
            (State::Start, byte) if is_tchar(byte) => State::Line,
            (State::Start, _) => {
                return Err(HandshakeError::Malformed(
                    "the first byte begins no HTTP message",
                ));
            }
            (State::LineStart, b' ' | b'\t') => {
                return Err(HandshakeError::Malformed(
                    "a header field is folded onto a new line",
                ));
            }
            (State::LineStart, byte) if is_tchar(byte) => {
                if self.fields == self.limits.headers {
                    return Err(HandshakeError::TooManyHeaders {
                        limit: self.limits.headers,
                    });
                }
                self.fields += 1;
                State::Line
            }
            _ => return Err(HandshakeError::Malformed("a header field has no name")),
        };
        Ok(())
    }

    /// The complete head, read as a request.
    ///
    /// # Errors
    /// [`HandshakeError::Malformed`] for what is no HTTP/1.1 request,
    /// [`HandshakeError::UnsupportedHttpVersion`] for another version, HTTP/1.0 included (an upgrade
    /// in it would have to be ignored, RFC 9110 section 7.8; 505 says why nothing comes of it), and
    /// [`HandshakeError::Incomplete`] when the head is not complete.
    pub fn into_request(self) -> Result<Request, HandshakeError> {
        if !self.is_complete() {
            return Err(self.eof());
        }
        let (method, target, located) = with_fields(self.fields, |fields| {
            let mut request = httparse::Request::new(&mut []);
            request
                .parse_with_uninit_headers(&self.head, fields)
                .map_err(|error| malformed(error, &self.head))?;
            if request.version != Some(1) {
                return Err(version_error(&self.head));
            }
            Ok((
                request.method.unwrap_or_default().to_owned(),
                request.path.unwrap_or_default().to_owned(),
                locate(&self.head, request.headers)?,
            ))
        })?;
        Ok(Request {
            method,
            target,
            headers: Headers::within(self.head, located),
        })
    }

    /// The complete head, read as a response; its body is left empty.
    ///
    /// A refusal in HTTP/1.0, as some intermediaries send, is a response too.
    ///
    /// # Errors
    /// As for [`into_request`](Self::into_request), for a response; a 101 in HTTP/1.0 is an
    /// [`HandshakeError::UnsupportedHttpVersion`].
    pub fn into_response(self) -> Result<Response, HandshakeError> {
        if !self.is_complete() {
            return Err(self.eof());
        }
        if self.leading > 0 {
            return Err(HandshakeError::Malformed(
                "an empty line stands before the response",
            ));
        }
        let (status, reason, located) = with_fields(self.fields, |fields| {
            let mut response = httparse::Response::new(&mut []);
            httparse::ParserConfig::default()
                .parse_response_with_uninit_headers(&mut response, &self.head, fields)
                .map_err(|error| malformed(error, &self.head))?;
            let status = response.code.unwrap_or_default();
            if status < 100 {
                return Err(HandshakeError::Malformed("the status is below 100"));
            }
            if status == 101 && response.version != Some(1) {
                return Err(version_error(&self.head));
            }
            Ok((
                status,
                response.reason.unwrap_or_default().to_owned(),
                locate(&self.head, response.headers)?,
            ))
        })?;
        let headers = Headers::within(self.head, located);
        Ok(Response {
            status,
            reason,
            headers,
            body: Vec::new(),
        })
    }
}

impl Debug for HeadReader {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeadReader")
            .field("limits", &self.limits)
            .field("received", &self.received())
            .field("state", &self.state)
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}

/// Fields for which httparse's table lies on the stack.
const FEW: usize = 32;

/// Calls `parse` with a table for `count` header fields.
fn with_fields<'head, T>(
    count: usize,
    parse: impl FnOnce(&mut [MaybeUninit<httparse::Header<'head>>]) -> T,
) -> T {
    if count <= FEW {
        parse(&mut [const { MaybeUninit::uninit() }; FEW])
    } else {
        parse(&mut vec![MaybeUninit::uninit(); count])
    }
}

/// Where httparse's fields stand in `head`, out of which it cut them.
fn locate(head: &[u8], fields: &[httparse::Header<'_>]) -> Result<Located, HandshakeError> {
    Ok(Headers::locate(
        head,
        fields.iter().map(|field| (field.name, field.value)),
    )?)
}

fn malformed(error: httparse::Error, head: &[u8]) -> HandshakeError {
    HandshakeError::Malformed(match error {
        httparse::Error::Version => return version_error(head),
        httparse::Error::HeaderName => "a header field's name is not a token",
        httparse::Error::HeaderValue => "a header field's value has a forbidden character",
        httparse::Error::Status => "the status line has no status of three digits",
        httparse::Error::Token => "the request line has a forbidden character",
        httparse::Error::NewLine => "a line does not end where it should",
        httparse::Error::TooManyHeaders => "there are more header fields than lines",
    })
}

/// An error that names the version in the first line of `head`.
fn version_error(head: &[u8]) -> HandshakeError {
    let line = head.split(|&byte| byte == b'\r').next().unwrap_or_default();
    let mut words = line.split(|&byte| byte == b' ');
    let version = words
        .find(|word| word.starts_with(b"HTTP/"))
        .unwrap_or(b"another version");
    HandshakeError::UnsupportedHttpVersion(shown(version))
}

/// The head of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The method, as sent (methods are case-sensitive).
    pub method: String,
    /// The request target, as sent: `/chat?x=1`, or in absolute form `ws://example.com/chat?x=1`.
    pub target: String,
    /// The header fields.
    pub headers: Headers,
}

impl Request {
    /// The target's authority, when it is in absolute form (RFC 9112 section 3.2.2), and what follows.
    fn split_target(&self) -> (Option<&str>, &str) {
        if self.target.starts_with('/') {
            return (None, &self.target);
        }
        let Some((_, rest)) = self.target.split_once("://") else {
            return (None, &self.target);
        };
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        (Some(authority), rest)
    }

    /// The target's path, `/` when an absolute target has none. Not percent-decoded.
    pub fn path(&self) -> &str {
        let (authority, rest) = self.split_target();
        let path = rest.split('?').next().unwrap_or_default();
        if path.is_empty() && authority.is_some() {
            "/"
        } else {
            path
        }
    }

    /// What stands after the target's first `?`. Not percent-decoded.
    pub fn query(&self) -> Option<&str> {
        self.split_target()
            .1
            .split_once('?')
            .map(|(_, query)| query)
    }

    /// Path and query as they stand, without an absolute target's scheme and authority.
    pub fn path_and_query(&self) -> Cow<'_, str> {
        let (authority, rest) = self.split_target();
        if authority.is_some() && !rest.starts_with('/') {
            Cow::Owned(format!("/{rest}"))
        } else {
            Cow::Borrowed(rest)
        }
    }

    /// The host, with its port if one was sent, that the request is for: an absolute target's, which
    /// takes precedence (RFC 9112 section 3.2.2), else the Host field's.
    pub fn host(&self) -> Option<&str> {
        match self.split_target().0 {
            Some(authority) => Some(
                authority
                    .rsplit_once('@')
                    .map_or(authority, |(_, host)| host),
            ),
            None => self.headers.get("Host"),
        }
    }
}

/// A response: its head and, for a refusal, its body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// The status, three digits and at least 100.
    pub status: u16,
    /// The reason phrase, which may be empty and means nothing to a program.
    pub reason: String,
    /// The header fields.
    pub headers: Headers,
    /// The body, as far as it was kept (see [`BodyReader`](super::BodyReader)); empty in a response
    /// just parsed.
    pub body: Vec<u8>,
}

impl Response {
    /// Whether this is an interim response (RFC 9110 section 15.2), such as 100 or 103, after which
    /// the one that counts follows. 101 is not one.
    pub fn is_interim(&self) -> bool {
        self.status < 200 && self.status != 101
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<HeadReader, HandshakeError> {
        let mut reader = HeadReader::new(HeadLimits::default());
        match reader.push(bytes)? {
            Some(taken) => assert_eq!(taken, bytes.len()),
            None => return Err(reader.eof()),
        }
        Ok(reader)
    }

    fn request(bytes: &[u8]) -> Result<Request, HandshakeError> {
        read(bytes)?.into_request()
    }

    fn response(bytes: &[u8]) -> Result<Response, HandshakeError> {
        read(bytes)?.into_response()
    }

    fn with_target(target: &str) -> Request {
        request(format!("GET {target} HTTP/1.1\r\nHost: h\r\n\r\n").as_bytes()).expect(target)
    }

    #[test]
    fn a_request_is_read() {
        let request =
            request(b"GET /chat?x=1 HTTP/1.1\r\nHost:example.com\r\nX:  a b \t\r\nY:\r\n\r\n")
                .expect("valid");
        assert_eq!(
            (request.method.as_str(), request.target.as_str()),
            ("GET", "/chat?x=1")
        );
        let fields: Vec<_> = request.headers.iter().collect();
        assert_eq!(
            fields,
            [("Host", &b"example.com"[..]), ("X", b"a b"), ("Y", b"")]
        );
    }

    #[test]
    fn a_response_is_read() {
        let refusal = response(b"HTTP/1.1 403 Not  you\r\nX: \xff\r\n\r\n").expect("valid");
        assert_eq!((refusal.status, refusal.reason.as_str()), (403, "Not  you"));
        assert_eq!(refusal.headers.get_bytes("x"), Some(&b"\xff"[..]));
        let bare = response(b"HTTP/1.1 101\r\n\r\n").expect("valid");
        assert_eq!(
            (bare.status, bare.reason.as_str(), bare.headers.len()),
            (101, "", 0)
        );
    }

    #[test]
    fn bytes_after_the_head_are_left() {
        let mut reader = HeadReader::new(HeadLimits::default());
        assert_eq!(reader.push(b"GET / HTTP/1.1\r\n"), Ok(None));
        assert_eq!(reader.push(b"\r\n\x81\x00\r\n\r\n"), Ok(Some(2)));
        assert_eq!(reader.push(b"more"), Ok(Some(0)));
        assert_eq!(reader.received(), 18);
    }

    #[test]
    fn targets_in_absolute_form() {
        let cases = [
            ("/chat", "/chat", None, "/chat", "h"),
            ("/chat?x=1?y", "/chat", Some("x=1?y"), "/chat?x=1?y", "h"),
            ("/a://b/c", "/a://b/c", None, "/a://b/c", "h"),
            (
                "ws://example.com:8181/chat?x=1",
                "/chat",
                Some("x=1"),
                "/chat?x=1",
                "example.com:8181",
            ),
            ("ws://example.com:8181/", "/", None, "/", "example.com:8181"),
            ("wss://[::1]", "/", None, "/", "[::1]"),
            ("http://u:p@e?x=a/b", "/", Some("x=a/b"), "/?x=a/b", "e"),
            ("*", "*", None, "*", "h"),
        ];
        for (target, path, query, path_and_query, host) in cases {
            let request = with_target(target);
            assert_eq!(request.path(), path, "{target}");
            assert_eq!(request.query(), query, "{target}");
            assert_eq!(request.path_and_query(), path_and_query, "{target}");
            assert_eq!(request.host(), Some(host), "{target}");
        }
    }

    #[test]
    fn what_is_no_head_fails_at_once() {
        let cases: [(&[u8], HandshakeError); 12] = [
            (b"\x16\x03\x01", HandshakeError::TlsOnPlainPort),
            (
                b"\x15\x03\x03\x00\x02\x02\x0a",
                HandshakeError::TlsOnPlainPort,
            ),
            (
                b"\x00",
                HandshakeError::Malformed("the first byte begins no HTTP message"),
            ),
            (
                b" GET",
                HandshakeError::Malformed("the first byte begins no HTTP message"),
            ),
            (b"\n", BARE_LF),
            (b"\rG", BARE_CR),
            (b"GET / HTTP/1.1\n", BARE_LF),
            (b"GET / HTTP/1.1\rX", BARE_CR),
            (b"GET /\0", HandshakeError::Malformed("a control character")),
            (
                b"G / HTTP/1.1\r\nA: b\r\n c",
                HandshakeError::Malformed("a header field is folded onto a new line"),
            ),
            (
                b"G / HTTP/1.1\r\n:",
                HandshakeError::Malformed("a header field has no name"),
            ),
            (b"G / HTTP/1.1\r\n\rX", BARE_CR),
        ];
        for (bytes, error) in cases {
            let mut reader = HeadReader::new(HeadLimits::default());
            let text = bytes.escape_ascii();
            assert_eq!(reader.push(bytes), Err(error.clone()), "{text}");
            assert_eq!(reader.push(b"x"), Err(error.clone()), "{text}");
            assert_eq!(reader.into_request(), Err(error), "{text}");
        }
    }

    #[test]
    fn what_httparse_refuses_is_named() {
        let cases: [&[u8]; 7] = [
            b"GET / HTTP/1.1 x\r\n\r\n",
            b"GET  / HTTP/1.1\r\n\r\n",
            b"GET /\r\n\r\n",
            b"GET / HTTP/1.1\r\nA b: c\r\n\r\n",
            b"GET / HTTP/1.1\r\nA : c\r\n\r\n",
            b"GET / HTTP/1.1\r\nA\r\n\r\n",
            b"G\tT / HTTP/1.1\r\n\r\n",
        ];
        for bytes in cases {
            let error = request(bytes).expect_err("malformed");
            assert!(
                matches!(
                    error,
                    HandshakeError::Malformed(_) | HandshakeError::UnsupportedHttpVersion(_)
                ),
                "{}: {error:?}",
                bytes.escape_ascii()
            );
        }
        let cases: [&[u8]; 4] = [
            b"HTTP/1.1 99 x\r\n\r\n",
            b"HTTP/1.1 099 x\r\n\r\n",
            b"HTTP/1.1 1010 x\r\n\r\n",
            b"\r\nHTTP/1.1 101 x\r\n\r\n",
        ];
        for bytes in cases {
            let error = response(bytes).expect_err("malformed");
            assert!(matches!(error, HandshakeError::Malformed(_)), "{error:?}");
        }
    }

    #[test]
    fn only_http_1_1_upgrades() {
        for version in ["HTTP/1.0", "HTTP/2.0"] {
            let error = request(format!("GET / {version}\r\n\r\n").as_bytes());
            assert_eq!(
                error,
                Err(HandshakeError::UnsupportedHttpVersion(version.into()))
            );
        }
        let error = request(b"PRI * HTTP/2.0\r\n\r\n").expect_err("HTTP/2 preface");
        assert_eq!(
            (error.status(), error.to_string().contains("HTTP/2.0")),
            (505, true)
        );
        assert_eq!(
            response(b"HTTP/1.0 101 x\r\n\r\n"),
            Err(HandshakeError::UnsupportedHttpVersion("HTTP/1.0".into()))
        );
        assert_eq!(
            response(b"HTTP/1.0 503 x\r\n\r\n").map(|r| r.status),
            Ok(503)
        );
    }

    #[test]
    fn empty_lines_before_a_request_are_passed_over() {
        let mut reader = HeadReader::new(HeadLimits::default());
        for part in [&b"\r"[..], b"\n\r\n\r", b"\nGET / HTTP/1.1\r\n\r"] {
            assert_eq!(reader.push(part), Ok(None));
        }
        assert_eq!(reader.push(b"\nx"), Ok(Some(1)));
        assert_eq!(
            reader.into_request().map(|request| request.target),
            Ok("/".into())
        );
        let mut reader = HeadReader::new(HeadLimits {
            bytes: 10,
            headers: 0,
        });
        assert_eq!(
            reader.push(&b"\r\n".repeat(20)),
            Err(HandshakeError::HeadTooLarge { limit: 10 })
        );
    }

    #[test]
    fn limits_hold_to_the_byte_and_the_field() {
        let head = b"GET / HTTP/1.1\r\nA: b\r\nC: d\r\n\r\n";
        let push = |bytes, headers| HeadReader::new(HeadLimits { bytes, headers }).push(head);
        assert_eq!(push(head.len(), 2), Ok(Some(head.len())));
        assert_eq!(
            push(head.len() - 1, 2),
            Err(HandshakeError::HeadTooLarge {
                limit: head.len() - 1
            })
        );
        assert_eq!(
            push(5, 2),
            Err(HandshakeError::StartLineTooLong { limit: 5 })
        );
        assert_eq!(
            push(head.len(), 1),
            Err(HandshakeError::TooManyHeaders { limit: 1 })
        );
        assert_eq!(push(0, 0), Err(HandshakeError::HeadTooLarge { limit: 0 }));
    }

    #[test]
    fn the_end_of_the_stream_is_an_error_with_a_figure() {
        let mut reader = HeadReader::new(HeadLimits::default());
        assert_eq!(reader.push(b"\r\nGET "), Ok(None));
        assert_eq!(reader.eof(), HandshakeError::Incomplete { received: 6 });
        assert_eq!(
            reader.into_response(),
            Err(HandshakeError::Incomplete { received: 6 })
        );
    }

    #[test]
    fn many_fields_are_read_past_the_table_on_the_stack() {
        let fields: String = (0..100).map(|n| format!("X-{n}: {n}\r\n")).collect();
        let request = request(format!("GET / HTTP/1.1\r\n{fields}\r\n").as_bytes()).expect("valid");
        assert_eq!(request.headers.len(), 100);
        assert_eq!(request.headers.get("x-99"), Some("99"));
    }

    #[test]
    fn interim_responses_are_told_apart() {
        let interim = |status| {
            Response {
                status,
                ..Response::default()
            }
            .is_interim()
        };
        assert!(interim(100) && interim(103));
        assert!(!interim(101) && !interim(200) && !interim(426));
    }

    #[test]
    fn debug_of_a_reader_shows_no_bytes() {
        let mut reader = HeadReader::new(HeadLimits::default());
        assert_eq!(reader.push(b"GET /?token=hunter2"), Ok(None));
        let text = format!("{reader:?}");
        assert!(
            text.contains("received: 19") && !text.contains("104, 117"),
            "{text}"
        );
    }
}
