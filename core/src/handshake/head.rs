//! The head of an HTTP/1.1 message (RFC 9112 sections 2 to 5), gathered from bytes in any portions and
//! parsed by httparse once it is whole.
//!
//! Where RFC 9112 leaves a choice, the stricter one is taken, as a WebSocket server often stands behind
//! intermediaries that may read the same bytes differently: a line ends in CRLF and never in a bare LF
//! (section 2.2 permits either), and obsolete line folding is refused (section 5.2). Empty lines before
//! a request are passed over (section 2.2); before a response they are refused.

use std::fmt::{self, Debug, Formatter};
use std::mem::MaybeUninit;

use super::error::{HandshakeError, shown};
use super::headers::{Headers, Located};
use super::message::{Request, Response};
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

#[cfg(test)]
mod tests;
