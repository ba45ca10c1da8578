//! What a connection tells the application.

use std::time::Duration;

use crate::error::Error;
use crate::frame::CloseCode;
use crate::handshake::{Extension, Request, Response};

/// Text or binary (RFC 6455 section 5.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageKind {
    /// UTF-8 text; a received payload has been validated.
    Text,
    /// Any bytes.
    Binary,
}

/// The outcome of a successful opening handshake.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Opened {
    /// The agreed subprotocol.
    pub subprotocol: Option<String>,
    /// The agreed extensions, as the response lists them.
    pub extensions: Vec<Extension>,
    /// The peer's request, on a server.
    pub request: Option<Request>,
    /// The peer's response, on a client.
    pub response: Option<Response>,
}

/// A Close frame's content. A Close frame without a payload counts as [`CloseCode::NO_STATUS`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseFrame {
    /// Why (RFC 6455 section 7.4).
    pub code: CloseCode,
    /// The reason in words, at most 123 bytes; for logs, not for programs.
    pub reason: String,
}

/// How a connection ended. After it nothing more comes of the connection.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Closed {
    /// The Close frame that the peer sent, if it came.
    pub received: Option<CloseFrame>,
    /// The Close frame that this side sent, if it was.
    pub sent: Option<CloseFrame>,
    /// Whether this side's Close frame came first. False also when there was none.
    pub by_us: bool,
    /// The error that ended the connection; `None` after a closing handshake.
    pub cause: Option<Error>,
    /// Server: the request that was refused, where one could be read.
    pub refused: Option<Box<Request>>,
}

impl Closed {
    /// The code as RFC 6455 section 7.1.5 defines it: the received one; 1006 when no Close frame came.
    #[must_use]
    pub fn code(&self) -> CloseCode {
        self.received
            .as_ref()
            .map_or(CloseCode::ABNORMAL, |frame| frame.code)
    }

    /// The received reason, or an empty string.
    #[must_use]
    pub fn reason(&self) -> &str {
        self.received.as_ref().map_or("", |frame| &frame.reason)
    }

    /// Whether both Close frames were exchanged without an error.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.received.is_some() && self.sent.is_some() && self.cause.is_none()
    }
}

/// What has happened on a connection. It borrows the [`Input`](super::Input) it was read from, not the protocol, so
/// an answer can be sent while it is looked at.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// Server with `ask_upgrade`: a client asks to open. Answer by `accept` or `refuse`, now or later; until then
    /// nothing more is read, and `open_timeout` runs.
    UpgradeRequest(&'a Request),
    /// Server with `plain_http`: an HTTP request that asks for no upgrade. Answer by `refuse`, whose status may be
    /// any final one.
    HttpRequest(&'a Request),
    /// The connection is open: messages can be sent.
    Opened(&'a Opened),
    /// A whole message.
    Message {
        /// Text (validated as UTF-8) or binary.
        kind: MessageKind,
        /// Its payload, all fragments together.
        payload: &'a [u8],
    },
    /// With `streaming`: a piece of a message, as it came from the transport. Text is validated as it comes; a piece
    /// may end inside a character.
    Fragment {
        /// Text or binary.
        kind: MessageKind,
        /// The bytes; empty only in the last piece.
        payload: &'a [u8],
        /// Whether the message begins here.
        first: bool,
        /// Whether the message ends here.
        last: bool,
    },
    /// A ping came; the pong has been sent already.
    Ping {
        /// At most 125 bytes.
        payload: &'a [u8],
    },
    /// A pong came.
    Pong {
        /// At most 125 bytes.
        payload: &'a [u8],
        /// The time since the keep-alive ping that it answers; `None` for any other pong.
        round_trip: Option<Duration>,
    },
    /// The end. Comes exactly once on every connection.
    Closed(&'a Closed),
}
