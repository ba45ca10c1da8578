//! The client's side of the handshake (RFC 6455 section 4.1).

use super::error::{HandshakeError, HeaderError, shown};
use super::extension::{self, Extension, parse_extensions};
use super::headers::{Headers, check_field, write_field};
use super::key::accept_key;
use super::message::Response;
use super::server::check_added;
use super::subprotocol::{self, validate_subprotocols};
use super::token::{has_token, list_elements};
use super::uri::WebSocketUrl;

/// The `User-Agent` a client sends unless told otherwise.
pub const DEFAULT_USER_AGENT: &str = concat!("ropeway/", env!("CARGO_PKG_VERSION"));

/// What a client asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct ClientRequest {
    /// Where to. A user name and password in it are sent as Basic authorization.
    pub url: WebSocketUrl,
    /// Subprotocols offered, in order of preference: tokens, none twice.
    pub subprotocols: Vec<String>,
    /// `Origin`, which browsers send; `None` sends none.
    pub origin: Option<String>,
    /// `User-Agent`; `None` sends none.
    pub user_agent: Option<String>,
    /// The value of `Sec-WebSocket-Extensions`; `None` or an empty one offers no extension.
    pub extensions: Option<String>,
    /// Further fields. `Host`, `Origin`, `User-Agent` and `Authorization` among them take the place of
    /// those that would be sent otherwise; `Upgrade`, `Connection`, `Sec-WebSocket-*`,
    /// `Content-Length` and `Transfer-Encoding` are refused.
    pub headers: Headers,
}

impl ClientRequest {
    /// A request for `url` that offers nothing and sends [`DEFAULT_USER_AGENT`].
    pub fn new(url: WebSocketUrl) -> Self {
        Self {
            url,
            subprotocols: Vec::new(),
            origin: None,
            user_agent: Some(DEFAULT_USER_AGENT.to_owned()),
            extensions: None,
            headers: Headers::new(),
        }
    }

    /// Appends the request to `out`, with `key` from [`generate_key`](super::generate_key); on an
    /// error nothing.
    ///
    /// # Errors
    /// [`HandshakeError::InvalidSubprotocol`] or [`HandshakeError::DuplicateSubprotocol`], or
    /// [`HandshakeError::Header`] for a value with a control character, a field that the caller may
    /// not set, or one that may stand once and stands twice.
    pub fn write(&self, key: &str, out: &mut Vec<u8>) -> Result<(), HandshakeError> {
        validate_subprotocols(&self.subprotocols)?;
        check_request_headers(&self.headers)?;
        let host = self.url.host_header();
        let authorization = self.url.authorization();
        let subprotocols = self.subprotocols.join(", ");
        let defaults = [
            ("Host", Some(host.as_str())),
            ("Origin", self.origin.as_deref()),
            ("User-Agent", self.user_agent.as_deref()),
            ("Authorization", authorization.as_deref()),
        ]
        .into_iter()
        .filter(|(name, _)| !self.headers.contains(name));
        let own = [
            ("Upgrade", Some("websocket")),
            ("Connection", Some("Upgrade")),
            ("Sec-WebSocket-Key", Some(key)),
            ("Sec-WebSocket-Version", Some("13")),
            (
                subprotocol::FIELD,
                Some(subprotocols.as_str()).filter(|list| !list.is_empty()),
            ),
            (
                extension::FIELD,
                self.extensions
                    .as_deref()
                    .filter(|list| !list.trim().is_empty()),
            ),
        ];
        let start = out.len();
        write_field_line(out, &self.url);
        for (name, value) in defaults.chain(own) {
            let Some(value) = value else { continue };
            if let Err(error) = check_field(name, value.as_bytes()) {
                out.truncate(start);
                return Err(error.into());
            }
            write_field(out, name, value.as_bytes());
        }
        self.headers.write_to(out);
        out.extend_from_slice(b"\r\n");
        Ok(())
    }
}

/// Checks that `headers` can be the further fields of a [`ClientRequest`].
///
/// # Errors
/// [`HandshakeError::Header`] for a field that the caller may not set, or one that may stand once and stands twice.
pub fn check_request_headers(headers: &Headers) -> Result<(), HandshakeError> {
    check_added(headers)?;
    for name in ["Host", "Origin", "User-Agent", "Authorization"] {
        if headers.get_all(name).nth(1).is_some() {
            return Err(HeaderError::Duplicate(name).into());
        }
    }
    Ok(())
}

/// Appends the request line to `out`.
fn write_field_line(out: &mut Vec<u8>, url: &WebSocketUrl) {
    out.extend_from_slice(b"GET ");
    out.extend_from_slice(url.request_target().as_bytes());
    out.extend_from_slice(b" HTTP/1.1\r\n");
}

/// What a server agreed to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Negotiated {
    /// The subprotocol, one of those offered.
    pub subprotocol: Option<String>,
    /// The extensions in the server's order. Whether they answer what was offered is for the caller
    /// to judge; see [`require_no_extensions`](Self::require_no_extensions).
    pub extensions: Vec<Extension>,
}

impl Negotiated {
    /// Checks that there are no extensions, for a client that offered none.
    ///
    /// # Errors
    /// [`HandshakeError::UnofferedExtension`] with the first one's name.
    pub fn require_no_extensions(&self) -> Result<(), HandshakeError> {
        match self.extensions.first() {
            Some(extension) => Err(HandshakeError::unoffered_extension(extension)),
            None => Ok(()),
        }
    }
}

/// Holds a server's response against the key and the subprotocols that were sent.
///
/// # Errors
/// [`HandshakeError::InvalidStatus`], with a copy of the response, for another status than 101. Of a
/// 101, [`HandshakeError::MissingHeader`], [`HandshakeError::InvalidHeader`] or
/// [`HandshakeError::DuplicateHeader`] for `Upgrade`, `Connection`, `Sec-WebSocket-Accept`,
/// `Sec-WebSocket-Protocol` and `Sec-WebSocket-Extensions`, [`HandshakeError::AcceptMismatch`] and
/// [`HandshakeError::UnofferedSubprotocol`].
pub fn verify(
    response: &Response,
    key: &str,
    offered_subprotocols: &[String],
) -> Result<Negotiated, HandshakeError> {
    if response.status != 101 {
        return Err(HandshakeError::InvalidStatus(Box::new(response.clone())));
    }
    let headers = &response.headers;
    let upgrade = headers
        .get_bytes("Upgrade")
        .ok_or(HandshakeError::MissingHeader("Upgrade"))?;
    let mut upgrades = list_elements(headers, "Upgrade").peekable();
    if upgrades.peek().is_none()
        || upgrades.any(|protocol| !protocol.eq_ignore_ascii_case(b"websocket"))
    {
        return Err(HandshakeError::invalid_header("Upgrade", upgrade));
    }
    let connection = headers
        .get_bytes("Connection")
        .ok_or(HandshakeError::MissingHeader("Connection"))?;
    if !has_token(headers, "Connection", "Upgrade") {
        return Err(HandshakeError::invalid_header("Connection", connection));
    }
    let received = once(headers, "Sec-WebSocket-Accept")?
        .ok_or(HandshakeError::MissingHeader("Sec-WebSocket-Accept"))?;
    let expected = accept_key(key);
    if received != expected.as_bytes() {
        let (expected, received) = (expected.into_boxed_str(), shown(received));
        return Err(HandshakeError::AcceptMismatch { expected, received });
    }
    let subprotocol = match once(headers, subprotocol::FIELD)? {
        None => None,
        Some(name) => Some(
            offered_subprotocols
                .iter()
                .find(|offered| offered.as_bytes() == name)
                .ok_or_else(|| HandshakeError::UnofferedSubprotocol(shown(name)))?
                .clone(),
        ),
    };
    Ok(Negotiated {
        subprotocol,
        extensions: parse_extensions(headers)?,
    })
}

/// The value of a field that may stand once.
fn once<'a>(headers: &'a Headers, name: &'static str) -> Result<Option<&'a [u8]>, HandshakeError> {
    let mut values = headers.get_all(name);
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        (_, Some(_)) => Err(HandshakeError::DuplicateHeader(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

    fn request(url: &str) -> ClientRequest {
        ClientRequest::new(WebSocketUrl::parse(url).expect("valid"))
    }

    fn written(request: &ClientRequest) -> String {
        let mut out = Vec::new();
        request.write(KEY, &mut out).expect("valid");
        String::from_utf8(out).expect("UTF-8")
    }

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

    const GOOD: [(&str, &str); 3] = [
        ("Upgrade", "WebSocket"),
        ("Connection", "upgrade"),
        ("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
    ];

    /// A good response with the field of this name set to these values.
    fn changed(name: &str, values: &[&str]) -> Response {
        let mut response = response(101, &GOOD);
        response.headers.remove(name);
        for value in values {
            response.headers.push(name, value).expect("valid");
        }
        response
    }

    #[test]
    fn a_bare_request_is_written() {
        let mut bare = request("ws://example.com:8080/chat?x=1");
        bare.user_agent = None;
        bare.extensions = Some(String::new());
        let expected = "GET /chat?x=1 HTTP/1.1\r\nHost: example.com:8080\r\nUpgrade: websocket\r\n\
                        Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                        Sec-WebSocket-Version: 13\r\n\r\n";
        assert_eq!(written(&bare), expected);
    }

    #[test]
    fn a_full_request_is_written() {
        let mut full = request("wss://user:pass@example.com/");
        full.subprotocols = vec!["chat".into(), "superchat".into()];
        full.origin = Some("https://example.com".into());
        full.extensions = Some("permessage-deflate".into());
        full.headers.push("Cookie", "a=b").expect("valid");
        let text = written(&full);
        for line in [
            "Host: example.com",
            "Origin: https://example.com",
            concat!("User-Agent: ropeway/", env!("CARGO_PKG_VERSION")),
            "Authorization: Basic dXNlcjpwYXNz",
            "Sec-WebSocket-Protocol: chat, superchat",
            "Sec-WebSocket-Extensions: permessage-deflate",
            "Cookie: a=b",
        ] {
            assert!(
                text.contains(&format!("\r\n{line}\r\n")),
                "{line} in {text}"
            );
        }
        assert!(!format!("{full:?}").contains("pass@"), "{full:?}");
    }

    #[test]
    fn the_callers_fields_take_the_place_of_defaults() {
        let mut own = request("ws://user:pass@example.com/");
        own.origin = Some("https://example.com".into());
        for name in ["host", "origin", "user-agent", "authorization"] {
            own.headers.push(name, "mine").expect("valid");
        }
        let text = written(&own);
        for name in ["Host", "Origin", "User-Agent", "Authorization"] {
            assert!(!text.contains(&format!("\r\n{name}: ")), "{text}");
            assert!(
                text.contains(&format!("\r\n{}: mine\r\n", name.to_lowercase())),
                "{text}"
            );
        }
        own.headers.push("Host", "twice").expect("valid");
        let mut out = Vec::new();
        assert_eq!(
            own.write(KEY, &mut out),
            Err(HeaderError::Duplicate("Host").into())
        );
        assert!(out.is_empty());
    }

    #[test]
    fn cve_2026_1527_a_request_has_only_the_lines_it_should() {
        let cases: [fn(&mut ClientRequest); 6] = [
            |request| request.origin = Some("a\r\nX: y".into()),
            |request| request.user_agent = Some("a\nb".into()),
            |request| request.extensions = Some("a\0".into()),
            |request| request.subprotocols = vec!["a\r\nX: y".into()],
            |request| request.subprotocols = vec!["a".into(), "a".into()],
            |request| request.headers.push("SEC-websocket-x", "y").expect("valid"),
        ];
        for change in cases {
            let mut request = request("ws://h");
            change(&mut request);
            let mut out = b"before".to_vec();
            let error = request.write(KEY, &mut out).expect_err("refused");
            assert_eq!(error.status(), 500);
            assert_eq!(out, b"before", "{error}");
        }
        for name in [
            "upgrade",
            "Connection",
            "Sec-WebSocket-Key",
            "Content-Length",
            "Transfer-Encoding",
        ] {
            let mut request = request("ws://h");
            request.headers.push(name, "x").expect("valid");
            let error = HeaderError::Reserved(name.into()).into();
            assert_eq!(request.write(KEY, &mut Vec::new()), Err(error));
        }
    }

    #[test]
    fn a_good_response_is_agreement() {
        let offered = ["a".to_owned(), "b".to_owned()];
        assert_eq!(
            verify(&response(101, &GOOD), KEY, &offered),
            Ok(Negotiated::default())
        );
        let mut response = changed("Sec-WebSocket-Protocol", &["b"]);
        response
            .headers
            .push("Sec-WebSocket-Extensions", "x; y=1")
            .expect("valid");
        let agreed = verify(&response, KEY, &offered).expect("valid");
        assert_eq!(agreed.subprotocol.as_deref(), Some("b"));
        assert_eq!(agreed.extensions[0].to_string(), "x; y=1");
        assert_eq!(
            agreed.require_no_extensions(),
            Err(HandshakeError::UnofferedExtension("x".into()))
        );
        assert_eq!(Negotiated::default().require_no_extensions(), Ok(()));
    }

    #[test]
    fn another_status_keeps_the_whole_response() {
        let mut refusal = response(403, &[("X-Why", "because")]);
        refusal.reason = "Forbidden".into();
        refusal.body = b"no".to_vec();
        let error = verify(&refusal, KEY, &[]).expect_err("refused");
        assert_eq!(
            error.to_string(),
            "the server refused the WebSocket with HTTP status 403 (Forbidden)"
        );
        assert_eq!(error, HandshakeError::InvalidStatus(Box::new(refusal)));
        assert!(matches!(
            verify(&response(200, &GOOD), KEY, &[]),
            Err(HandshakeError::InvalidStatus(_))
        ));
    }

    #[test]
    fn each_field_is_held_to_its_rule() {
        let invalid = |name, value: &str| HandshakeError::InvalidHeader {
            name,
            value: value.into(),
        };
        let accept = GOOD[2].1;
        let mismatch = |received: &str| HandshakeError::AcceptMismatch {
            expected: accept.into(),
            received: received.into(),
        };
        let unoffered = |name: &str| HandshakeError::UnofferedSubprotocol(name.into());
        let cases: [(&'static str, &[&str], HandshakeError); 17] = [
            ("Upgrade", &[], HandshakeError::MissingHeader("Upgrade")),
            (
                "Upgrade",
                &["notwebsocket"],
                invalid("Upgrade", "notwebsocket"),
            ),
            (
                "Upgrade",
                &["websocket, h2c"],
                invalid("Upgrade", "websocket, h2c"),
            ),
            ("Upgrade", &[""], invalid("Upgrade", "")),
            (
                "Connection",
                &[],
                HandshakeError::MissingHeader("Connection"),
            ),
            ("Connection", &["close"], invalid("Connection", "close")),
            (
                "Connection",
                &["notupgrade"],
                invalid("Connection", "notupgrade"),
            ),
            (
                "Sec-WebSocket-Accept",
                &[],
                HandshakeError::MissingHeader("Sec-WebSocket-Accept"),
            ),
            (
                "Sec-WebSocket-Accept",
                &[accept, accept],
                HandshakeError::DuplicateHeader("Sec-WebSocket-Accept"),
            ),
            (
                "Sec-WebSocket-Accept",
                &["S3pPLMBiTxaQ9kYGzzhZRbK+xOo="],
                mismatch("S3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
            ),
            ("Sec-WebSocket-Accept", &[""], mismatch("")),
            ("Sec-WebSocket-Protocol", &["c"], unoffered("c")),
            ("Sec-WebSocket-Protocol", &["A"], unoffered("A")),
            ("Sec-WebSocket-Protocol", &["a, b"], unoffered("a, b")),
            ("Sec-WebSocket-Protocol", &[""], unoffered("")),
            (
                "Sec-WebSocket-Protocol",
                &["a", "a"],
                HandshakeError::DuplicateHeader("Sec-WebSocket-Protocol"),
            ),
            (
                "Sec-WebSocket-Extensions",
                &["a; b=\"c"],
                invalid("Sec-WebSocket-Extensions", "a; b=\"c"),
            ),
        ];
        let offered = ["a".to_owned(), "b".to_owned()];
        for (name, values, error) in cases {
            assert_eq!(
                verify(&changed(name, values), KEY, &offered),
                Err(error),
                "{name}: {values:?}"
            );
        }
    }
}
