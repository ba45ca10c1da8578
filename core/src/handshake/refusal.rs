//! How a server refuses: an ordinary HTTP response, after which it closes the connection (RFC 6455
//! section 4.2.2 item 4 and RFC 9110 section 15).

use super::error::HandshakeError;
use super::headers::{Headers, write_field};

/// An HTTP response that refuses a WebSocket, or answers a plain HTTP request on a listener.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// The status, from 200 to 599; another one is written as 500.
    pub status: u16,
    /// Further header fields. `Connection`, `Upgrade`, `Content-Length` and `Transfer-Encoding` among
    /// them are not written, as [`write`](Self::write) sets them itself.
    pub headers: Headers,
    /// The body.
    pub body: Vec<u8>,
    /// Why the request was refused.
    pub error: Box<HandshakeError>,
}

impl Refusal {
    /// A refusal by the application.
    ///
    /// # Errors
    /// [`HandshakeError::InvalidRefusalStatus`] when `status` is not from 200 to 599.
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Result<Self, HandshakeError> {
        if !can_refuse(status) {
            return Err(HandshakeError::InvalidRefusalStatus(status));
        }
        Ok(Self {
            status,
            headers: Headers::new(),
            body: body.into(),
            error: Box::new(HandshakeError::Refused(status)),
        })
    }

    /// The refusal that answers a request which failed with `error`: its status, its sentence as the
    /// body, `Allow` with 405 and `Sec-WebSocket-Version` with 426.
    pub fn from_error(error: HandshakeError) -> Self {
        let status = error.status();
        let mut headers = Headers::new();
        let field = match status {
            405 => Some(("Allow", "GET")),
            426 => Some(("Sec-WebSocket-Version", "13")),
            _ => None,
        };
        if let Some((name, value)) = field {
            // Both are well-formed, and far from 4 GiB.
            let _ = headers.push(name, value);
        }
        let body = format!("{error}\n").into_bytes();
        Self {
            status,
            headers,
            body,
            error: Box::new(error),
        }
    }

    /// The refusal of a plain HTTP request where only WebSockets are served: 426.
    pub fn upgrade_required() -> Self {
        Self::from_error(HandshakeError::NotWebSocket)
    }

    /// Appends the response to `out`: the status line, `Connection: close`, `Content-Length`,
    /// `Content-Type: text/plain; charset=utf-8` unless `headers` has one, with 426 also
    /// `Upgrade: websocket` (RFC 9110 section 15.5.22), then `headers` and the body.
    pub fn write(&self, out: &mut Vec<u8>) {
        self.write_head(out);
        if has_body(self.written_status()) {
            out.extend_from_slice(&self.body);
        }
    }

    /// As [`write`](Self::write) without the body: the answer to a HEAD request.
    pub fn write_head(&self, out: &mut Vec<u8>) {
        let status = self.written_status();
        write_status_line(out, status);
        if status == 426 {
            out.extend_from_slice(b"Upgrade: websocket\r\nConnection: close, Upgrade\r\n");
        } else {
            out.extend_from_slice(b"Connection: close\r\n");
        }
        if has_body(status) {
            write_field(
                out,
                "Content-Length",
                self.body.len().to_string().as_bytes(),
            );
            if !self.body.is_empty() && !self.headers.contains("Content-Type") {
                write_field(out, "Content-Type", b"text/plain; charset=utf-8");
            }
        } else if status == 205 {
            write_field(out, "Content-Length", b"0");
        }
        for (name, value) in self.headers.iter() {
            if !is_framing(name) {
                write_field(out, name, value);
            }
        }
        out.extend_from_slice(b"\r\n");
    }

    fn written_status(&self) -> u16 {
        if can_refuse(self.status) {
            self.status
        } else {
            500
        }
    }
}

impl From<HandshakeError> for Refusal {
    fn from(error: HandshakeError) -> Self {
        Self::from_error(error)
    }
}

fn can_refuse(status: u16) -> bool {
    (200..=599).contains(&status)
}

/// Whether a response of this status, 200 or above, has a body (RFC 9110 sections 15.3.5, 15.3.6 and
/// 15.4.5).
fn has_body(status: u16) -> bool {
    !matches!(status, 204 | 205 | 304)
}

/// Whether the field of this name says how messages and connections end, which is this library's part.
pub(super) fn is_framing(name: &str) -> bool {
    [
        "Connection",
        "Upgrade",
        "Content-Length",
        "Transfer-Encoding",
    ]
    .iter()
    .any(|framing| name.eq_ignore_ascii_case(framing))
}

/// Appends `HTTP/1.1 status reason` and CRLF to `out`.
pub(super) fn write_status_line(out: &mut Vec<u8>, status: u16) {
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(status.to_string().as_bytes());
    out.push(b' ');
    out.extend_from_slice(reason_phrase(status).as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// The reason phrase of a status (RFC 9110 section 15 and RFC 6585); empty for an unknown one.
pub fn reason_phrase(status: u16) -> &'static str {
    match status {
        100 => "Continue",
        101 => "Switching Protocols",
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        203 => "Non-Authoritative Information",
        204 => "No Content",
        205 => "Reset Content",
        206 => "Partial Content",
        300 => "Multiple Choices",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        305 => "Use Proxy",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        411 => "Length Required",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        416 => "Range Not Satisfiable",
        417 => "Expectation Failed",
        421 => "Misdirected Request",
        422 => "Unprocessable Content",
        425 => "Too Early",
        426 => "Upgrade Required",
        428 => "Precondition Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        451 => "Unavailable For Legal Reasons",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        511 => "Network Authentication Required",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(refusal: &Refusal) -> String {
        let mut out = Vec::new();
        refusal.write(&mut out);
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn a_refusal_is_a_whole_response() {
        let mut refusal = Refusal::new(403, "no\n").expect("valid");
        refusal.headers.push("X-Why", "because").expect("valid");
        let head = "HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 3\r\n\
                    Content-Type: text/plain; charset=utf-8\r\nX-Why: because\r\n\r\n";
        assert_eq!(written(&refusal), format!("{head}no\n"));
        let mut out = Vec::new();
        refusal.write_head(&mut out);
        assert_eq!(out, head.as_bytes());
        assert_eq!(*refusal.error, HandshakeError::Refused(403));
    }

    #[test]
    fn the_callers_content_type_stands_and_framing_fields_do_not() {
        let mut refusal = Refusal::new(200, "{}").expect("valid");
        for (name, value) in [
            ("content-type", "application/json"),
            ("content-length", "99"),
            ("transfer-encoding", "chunked"),
            ("connection", "keep-alive"),
            ("upgrade", "h2c"),
        ] {
            refusal.headers.push(name, value).expect("valid");
        }
        assert_eq!(
            written(&refusal),
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\ncontent-type: application/json\r\n\r\n{}"
        );
    }

    #[test]
    fn plain_http_is_told_to_upgrade() {
        let text = written(&Refusal::upgrade_required());
        assert!(text.starts_with(
            "HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nConnection: close, Upgrade\r\n"
        ));
        assert!(text.contains("\r\nSec-WebSocket-Version: 13\r\n"));
    }

    #[test]
    fn errors_bring_their_fields_and_their_sentence() {
        let text = written(&HandshakeError::MethodNotAllowed("POST".into()).into());
        assert!(
            text.starts_with("HTTP/1.1 405 Method Not Allowed\r\n"),
            "{text}"
        );
        assert!(
            text.contains("\r\nAllow: GET\r\n") && text.contains("the request has POST\n"),
            "{text}"
        );
    }

    #[test]
    fn only_a_final_status_refuses() {
        for status in [0, 99, 100, 101, 199, 600, 999, u16::MAX] {
            let error = HandshakeError::InvalidRefusalStatus(status);
            assert_eq!(Refusal::new(status, ""), Err(error));
            let mut refusal = Refusal::new(400, "").expect("valid");
            refusal.status = status;
            assert!(written(&refusal).starts_with("HTTP/1.1 500 Internal Server Error\r\n"));
        }
        for status in 200..=599 {
            let refusal = Refusal::new(status, "").expect("valid");
            assert!(written(&refusal).starts_with(&format!("HTTP/1.1 {status} ")));
        }
    }

    #[test]
    fn registered_statuses_have_a_phrase() {
        // IANA's HTTP Status Code Registry, but for the codes of WebDAV and 103.
        let registered = [
            100..=101,
            200..=206,
            300..=305,
            307..=308,
            400..=417,
            421..=422,
            425..=426,
            428..=429,
            431..=431,
            451..=451,
            500..=505,
            511..=511,
        ];
        let known = (0..=999).filter(|&status| !reason_phrase(status).is_empty());
        assert!(known.eq(registered.into_iter().flatten()));
    }

    #[test]
    fn some_statuses_are_written_without_a_body() {
        for (status, length) in [(204, None), (205, Some("0")), (304, None)] {
            let text = written(&Refusal::new(status, "body").expect("valid"));
            assert!(text.ends_with("\r\n\r\n"), "{text}");
            let found = text
                .split("Content-Length: ")
                .nth(1)
                .and_then(|rest| rest.split('\r').next());
            assert_eq!(found, length, "{text}");
        }
    }
}
