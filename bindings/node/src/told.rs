//! What the engine tells of openings and ends, as plain objects for JavaScript.

use std::net::SocketAddr;

use napi::bindgen_prelude::Buffer;
use napi_derive::napi;
use ropeway_core::frame::FrameError;
use ropeway_core::handshake::{
    self, HandshakeError, HeadLimits, HeadReader, Headers, Kind, Refusal, Request, Response,
    format_extensions,
};
use ropeway_core::protocol::{Closed, Opened};
use ropeway_core::{Deadline, Error, Fault, Limit};

/// A client's request to open, for the server that is to answer it.
#[napi(object, object_from_js = false)]
pub struct ToldRequest {
    pub listener: u32,
    pub method: String,
    pub url: String,
    /// Whether it asks for a WebSocket.
    pub is_upgrade: bool,
    /// Names and values in turn.
    pub headers: Vec<String>,
}

#[napi(object, object_from_js = false)]
pub struct ToldOpened {
    pub protocol: String,
    pub extensions: String,
    /// The server's response, on a client.
    pub response: Option<ToldResponse>,
}

#[napi(object, object_from_js = false)]
pub struct ToldResponse {
    pub status: u16,
    pub reason: String,
    /// Names and values in turn.
    pub headers: Vec<String>,
    pub body: Buffer,
}

#[napi(object, object_from_js = false)]
pub struct ToldClosed {
    /// The listener's number, for a connection that had no place yet.
    pub listener: Option<u32>,
    /// The received code; 1006 when no Close frame came.
    pub code: u16,
    pub reason: Buffer,
    pub received: bool,
    pub sent: bool,
    pub cause: Option<ToldError>,
    /// The request of a server's connection that the core has refused.
    pub refused: Option<ToldRequest>,
}

/// A message of another node's.
#[napi(object, object_from_js = false)]
pub struct ToldRelayed {
    pub topic: String,
    pub data: Buffer,
    pub is_binary: bool,
}

/// An error of the core's.
#[napi(object, object_from_js = false)]
pub struct ToldError {
    pub message: String,
    /// `WS_ERR_…` where the `ws` package has one, otherwise `ROPEWAY_…`.
    pub code: String,
    /// Who has to change something: `caller`, `peer`, `limit`, `network` or `internal`.
    pub fault: String,
    /// The operating system's number.
    pub errno: Option<i32>,
    pub address: Option<String>,
    pub port: Option<u16>,
    /// The answer of a server that refused.
    pub response: Option<ToldResponse>,
}

#[napi(object, object_from_js = false)]
pub struct ToldAddress {
    pub address: String,
    pub family: String,
    pub port: u16,
}

/// Header fields, names and values in turn; bytes beyond ASCII are taken as Latin-1, as Node's `http` takes them.
fn list(headers: &Headers) -> Vec<String> {
    let text = |bytes: &[u8]| bytes.iter().copied().map(char::from).collect();
    headers
        .iter()
        .flat_map(|(name, value)| [name.to_owned(), text(value)])
        .collect()
}

impl ToldRequest {
    pub(crate) fn new(request: &Request, listener: u32) -> Self {
        Self {
            listener,
            method: request.method.clone(),
            url: request.path_and_query().into_owned(),
            is_upgrade: true,
            headers: list(&request.headers),
        }
    }
}

impl From<&Opened> for ToldOpened {
    fn from(opened: &Opened) -> Self {
        Self {
            protocol: opened.subprotocol.clone().unwrap_or_default(),
            extensions: format_extensions(&opened.extensions).unwrap_or_default(),
            response: opened.response.as_ref().map(ToldResponse::from),
        }
    }
}

impl From<&Response> for ToldResponse {
    fn from(response: &Response) -> Self {
        Self {
            status: response.status,
            reason: response.reason.clone(),
            headers: list(&response.headers),
            body: response.body.clone().into(),
        }
    }
}

impl From<&Closed> for ToldClosed {
    fn from(closed: &Closed) -> Self {
        Self {
            listener: None,
            code: closed.code().get(),
            reason: closed.reason().as_bytes().to_vec().into(),
            received: closed.received.is_some(),
            sent: closed.sent.is_some(),
            cause: closed.cause.as_ref().map(ToldError::from),
            refused: (closed.refused.as_deref()).map(|request| ToldRequest::new(request, 0)),
        }
    }
}

impl From<SocketAddr> for ToldAddress {
    fn from(address: SocketAddr) -> Self {
        let family = if address.is_ipv4() { "IPv4" } else { "IPv6" };
        Self {
            address: address.ip().to_string(),
            family: family.to_owned(),
            port: address.port(),
        }
    }
}

impl From<&Error> for ToldError {
    fn from(error: &Error) -> Self {
        let (errno, peer) = match error {
            Error::Io(error) | Error::ConnectUnix { error, .. } => (error.os_code(), None),
            Error::Connect { attempts, .. } => match attempts.last() {
                Some((address, error)) => (error.os_code(), Some(*address)),
                None => (None, None),
            },
            _ => (None, None),
        };
        let response = match error {
            Error::Handshake(HandshakeError::InvalidStatus(response)) => Some(&**response),
            _ => None,
        };
        Self {
            message: error.to_string(),
            code: code(error).to_owned(),
            fault: fault(error.fault()).to_owned(),
            errno,
            address: peer.map(|peer| peer.ip().to_string()),
            port: peer.map(|peer| peer.port()),
            response: response.map(ToldResponse::from),
        }
    }
}

const fn fault(fault: Fault) -> &'static str {
    match fault {
        Fault::Caller => "caller",
        Fault::Peer => "peer",
        Fault::Limit => "limit",
        Fault::Network => "network",
        Fault::Internal => "internal",
    }
}

/// The code of an error: that of the `ws` package where it has one.
fn code(error: &Error) -> &'static str {
    match error {
        Error::Frame(error) => frame_code(*error),
        Error::Inflate(_) => "ROPEWAY_INFLATE",
        Error::Limit { limit, .. } => match limit {
            Limit::MessageSize => "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH",
            Limit::Fragments | Limit::IncompleteMessages => "WS_ERR_TOO_MANY_BUFFERED_PARTS",
            _ => "ROPEWAY_LIMIT",
        },
        Error::Timeout { deadline, .. } => match deadline {
            Deadline::Open => "ROPEWAY_HANDSHAKE_TIMEOUT",
            Deadline::Pong => "ROPEWAY_PONG_TIMEOUT",
            Deadline::Idle => "ROPEWAY_IDLE_TIMEOUT",
            _ => "ROPEWAY_CLOSE_TIMEOUT",
        },
        Error::Handshake(HandshakeError::InvalidStatus(_)) => "ROPEWAY_UNEXPECTED_RESPONSE",
        Error::Handshake(_) => "ROPEWAY_HANDSHAKE",
        Error::Tls(_) => "ROPEWAY_TLS",
        Error::Resolve { .. } => "ENOTFOUND",
        Error::ConnectionLost => "ROPEWAY_CONNECTION_LOST",
        Error::Aborted => "ROPEWAY_ABORTED",
        Error::Io(_) | Error::Connect { .. } | Error::ConnectUnix { .. } => "ROPEWAY_NETWORK",
        _ => "ROPEWAY_ERROR",
    }
}

const fn frame_code(error: FrameError) -> &'static str {
    match error {
        FrameError::ReservedBits(bits) if bits & 0x40 == 0 => "WS_ERR_UNEXPECTED_RSV_2_3",
        FrameError::ReservedBits(_)
        | FrameError::CompressedControl(_)
        | FrameError::CompressedContinuation => "WS_ERR_UNEXPECTED_RSV_1",
        FrameError::FragmentedControl(_) => "WS_ERR_EXPECTED_FIN",
        FrameError::ControlTooLong { .. } | FrameError::ClosePayloadOfOneByte => {
            "WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH"
        }
        FrameError::MaskedByServer => "WS_ERR_UNEXPECTED_MASK",
        FrameError::UnmaskedByClient => "WS_ERR_EXPECTED_MASK",
        FrameError::LengthTooLarge(_) | FrameError::OverlongLength { .. } => {
            "WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH"
        }
        FrameError::InvalidCloseCode(_) => "WS_ERR_INVALID_CLOSE_CODE",
        FrameError::InvalidUtf8InText | FrameError::InvalidUtf8InCloseReason => {
            "WS_ERR_INVALID_UTF8"
        }
        _ => "WS_ERR_INVALID_OPCODE",
    }
}

/// How a request is refused.
#[napi(object, object_from_js = false)]
pub struct ToldRefusal {
    pub status: u16,
    pub message: String,
    /// The whole response.
    pub response: Buffer,
}

/// Looks at a request's head as the server's side of the protocol does: `None` when it can be accepted.
pub(crate) fn judge(head: &[u8]) -> Option<ToldRefusal> {
    let refusal = match read(head).map(|request| handshake::classify(&request)) {
        Ok(Ok(Kind::Upgrade(_))) => return None,
        Ok(Ok(Kind::Http)) => Refusal::upgrade_required(),
        Ok(Err(refusal)) => refusal,
        Err(error) => Refusal::from_error(error),
    };
    let mut response = Vec::new();
    refusal.write(&mut response);
    Some(ToldRefusal {
        status: refusal.status,
        message: refusal.error.to_string(),
        response: response.into(),
    })
}

fn read(head: &[u8]) -> Result<Request, HandshakeError> {
    let mut reader = HeadReader::new(HeadLimits::default());
    reader.push(head)?;
    reader.into_request()
}
