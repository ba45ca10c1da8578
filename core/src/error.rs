//! What can go wrong, sorted by who is at fault, with the figures in it.
#![forbid(unsafe_code)]

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use crate::deflate::{CompressionError, InflateError};
use crate::fault::Fault;
use crate::frame::{CloseCode, FrameError, RandomError};
use crate::handshake::{HandshakeError, HeaderError, UrlError};
use crate::io_error::write_attempts;
use crate::opening_stage::OpeningStage;
use crate::proxy_error::{ProxyError, ProxyUrlError};
use crate::tls_error::TlsError;

pub use crate::io_error::IoError;

/// A bound with a default, settable in [`Options`](crate::protocol::Options) or
/// [`EngineOptions`](crate::engine::EngineOptions).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limit {
    /// Bytes of one message.
    MessageSize,
    /// Bytes of the payload of one frame of a message.
    FrameSize,
    /// Frames of one message.
    Fragments,
    /// Bytes held for incomplete messages of all connections of one engine.
    IncompleteMessages,
    /// Bytes queued to be sent on one connection.
    SendQueue,
    /// Bytes queued on a subscriber when a message is published, with `close_slow_subscribers`.
    SlowSubscriber,
    /// Connections of one engine.
    Connections,
    /// Commands waiting for an engine from other threads, in bytes.
    RemoteQueue,
}

impl Limit {
    /// The option that sets this limit.
    #[must_use]
    pub const fn option(self) -> &'static str {
        match self {
            Self::MessageSize => "max_message_size",
            Self::FrameSize => "max_frame_size",
            Self::Fragments => "max_fragments",
            Self::IncompleteMessages => "max_incomplete_bytes",
            Self::SendQueue => "send_queue_limit",
            Self::SlowSubscriber => "send_queue_high",
            Self::Connections => "max_connections",
            Self::RemoteQueue => "remote_queue_limit",
        }
    }
}

/// A wait that has a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Deadline {
    /// Name resolution, connecting and the opening handshake together.
    Open,
    /// A pong, or any other byte, after a keep-alive ping.
    Pong,
    /// A data message from the peer.
    Idle,
    /// The closing handshake.
    Close,
}

impl Deadline {
    /// The option that sets this wait.
    #[must_use]
    pub const fn option(self) -> &'static str {
        match self {
            Self::Open => "open_timeout",
            Self::Pong => "pong_timeout",
            Self::Idle => "idle_timeout",
            Self::Close => "close_timeout",
        }
    }
}

/// Which end of the connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The end that dialled; it masks its frames.
    Client,
    /// The end that accepted.
    Server,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Client => "client",
            Self::Server => "server",
        })
    }
}

/// Why a connection could not be made or did not end cleanly, or why an engine could not do as asked.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Error {
    /// The peer sent a frame that RFC 6455 section 5 forbids.
    Frame(FrameError),
    /// The peer sent a compressed message that cannot be inflated (RFC 7692 section 7.2.2).
    Inflate(InflateError),
    /// The opening handshake failed (RFC 6455 section 4).
    Handshake(HandshakeError),
    /// A limit was passed: `actual` is what it would have taken, `value` the limit.
    Limit {
        /// Which limit.
        limit: Limit,
        /// Its configured value.
        value: u64,
        /// What would have been needed.
        actual: u64,
        /// The side whose limit it is.
        role: Role,
    },
    /// A wait ran out.
    Timeout {
        /// Which wait.
        deadline: Deadline,
        /// Its configured length.
        after: Duration,
        /// Of [`Deadline::Open`]: what was waited for.
        stage: Option<Box<OpeningStage>>,
    },
    /// The peer's end of the stream came before its Close frame.
    ConnectionLost,
    /// The connection was aborted by this side.
    Aborted,
    /// The operating system refused.
    Io(IoError),
    /// The host's name could not be resolved.
    Resolve {
        /// The name.
        host: String,
        /// What the resolver said.
        message: String,
    },
    /// No address of the host took the connection; every attempt is listed.
    Connect {
        /// The host as it was asked for.
        host: String,
        /// Each address tried, and why it failed.
        attempts: Vec<(SocketAddr, IoError)>,
    },
    /// No server took the connection on a Unix socket.
    ConnectUnix {
        /// The socket's path.
        path: Box<str>,
        /// Why.
        error: IoError,
    },
    /// TLS failed, or its settings cannot be used.
    Tls(TlsError),
    /// There is no way through the proxy.
    Proxy(Box<ProxyError>),
    /// The proxy's URL, of the options or the environment, cannot be used.
    ProxyUrl(ProxyUrlError),
    /// A compression setting cannot be used in its role.
    Compression(CompressionError),
    /// The URL cannot be used.
    Url(UrlError),
    /// A header field cannot be sent.
    Header(HeaderError),
    /// A send, ping or close was refused.
    Send(SendError),
    /// The caller broke a rule of the interface; the text says which.
    Misuse(&'static str),
    /// The id names no connection or listener that is still there.
    UnknownId,
    /// The engine was made in another process, from which this one was forked.
    Forked,
    /// The engine has been dropped.
    EngineGone,
}

impl Error {
    /// Who has to change something.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Frame(_) | Self::Inflate(_) => Fault::Peer,
            Self::Handshake(error) => error.fault(),
            Self::Tls(error) => error.fault(),
            Self::Proxy(error) => error.fault(),
            Self::Limit { .. } => Fault::Limit,
            Self::Timeout { .. }
            | Self::ConnectionLost
            | Self::Io(_)
            | Self::Resolve { .. }
            | Self::Connect { .. }
            | Self::ConnectUnix { .. } => Fault::Network,
            Self::Send(error) => error.fault(),
            Self::Aborted
            | Self::Compression(_)
            | Self::ProxyUrl(_)
            | Self::Url(_)
            | Self::Header(_)
            | Self::Misuse(_)
            | Self::UnknownId
            | Self::Forked
            | Self::EngineGone => Fault::Caller,
        }
    }

    /// The code of the Close frame that this error makes an open connection send, if it sends one.
    #[must_use]
    pub fn close_code(&self) -> Option<CloseCode> {
        match self {
            Self::Frame(error) => Some(error.close_code()),
            Self::Inflate(_) => Some(CloseCode::INVALID_PAYLOAD),
            Self::Limit {
                limit: Limit::IncompleteMessages,
                ..
            } => Some(CloseCode::TRY_AGAIN_LATER),
            Self::Limit { .. } => Some(CloseCode::MESSAGE_TOO_BIG),
            Self::Timeout {
                deadline: Deadline::Idle,
                ..
            } => Some(CloseCode::GOING_AWAY),
            Self::Timeout {
                deadline: Deadline::Pong,
                ..
            } => Some(CloseCode::INTERNAL_ERROR),
            _ => None,
        }
    }
}

/// A number of bytes as a person reads it.
struct Bytes(u64);

impl fmt::Display for Bytes {
    #[expect(clippy::cast_precision_loss, reason = "a figure rounded to a tenth")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
        if self.0 < 1024 {
            return write!(f, "{} bytes", self.0);
        }
        let mut value = self.0 as f64 / 1024.0;
        let mut unit = 0;
        while value >= 1024.0 && unit + 1 < UNITS.len() {
            value /= 1024.0;
            unit += 1;
        }
        if value.fract() == 0.0 {
            write!(f, "{value} {}", UNITS[unit])
        } else {
            write!(f, "{value:.1} {}", UNITS[unit])
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Frame(error) => error.fmt(f),
            Self::Inflate(error) => error.fmt(f),
            Self::Compression(error) => error.fmt(f),
            Self::Handshake(error) => error.fmt(f),
            Self::Limit {
                limit,
                value,
                actual,
                role,
            } => {
                let option = limit.option();
                match limit {
                    Limit::MessageSize => write!(
                        f,
                        "message of {} passes this {role}'s {option}, {}",
                        Bytes(*actual),
                        Bytes(*value)
                    ),
                    Limit::FrameSize => write!(
                        f,
                        "frame of {} passes this {role}'s {option}, {}",
                        Bytes(*actual),
                        Bytes(*value)
                    ),
                    Limit::Fragments => {
                        write!(
                            f,
                            "message of {actual} fragments passes this {role}'s {option}, {value}"
                        )
                    }
                    Limit::IncompleteMessages => write!(
                        f,
                        "incomplete messages would hold {} in memory, past {option}, {}",
                        Bytes(*actual),
                        Bytes(*value)
                    ),
                    Limit::SendQueue | Limit::RemoteQueue => {
                        write!(
                            f,
                            "{} queued would pass {option}, {}",
                            Bytes(*actual),
                            Bytes(*value)
                        )
                    }
                    Limit::SlowSubscriber => write!(
                        f,
                        "a subscriber with {} queued is above {option}, {}",
                        Bytes(*actual),
                        Bytes(*value)
                    ),
                    Limit::Connections => write!(f, "{actual} connections pass {option}, {value}"),
                }
            }
            Self::Timeout {
                deadline,
                after,
                stage,
            } => {
                let option = deadline.option();
                match deadline {
                    Deadline::Open => {
                        write!(f, "the connection did not open within {option}, {after:?}")?;
                        match stage {
                            Some(stage) => write!(f, ": {stage}"),
                            None => Ok(()),
                        }
                    }
                    Deadline::Pong => write!(
                        f,
                        "nothing came after a keep-alive ping within {option}, {after:?}"
                    ),
                    Deadline::Idle => write!(f, "no message came within {option}, {after:?}"),
                    Deadline::Close => write!(
                        f,
                        "the closing handshake did not end within {option}, {after:?}"
                    ),
                }
            }
            Self::ConnectionLost => f.write_str("the connection ended without a Close frame"),
            Self::Aborted => f.write_str("the connection was aborted by this side"),
            Self::Io(error) => error.fmt(f),
            Self::Resolve { host, message } => write!(f, "cannot resolve {host}: {message}"),
            Self::Connect { host, attempts } => {
                write!(f, "cannot connect to {host}")?;
                write_attempts(f, attempts)
            }
            Self::ConnectUnix { path, error } => {
                write!(f, "cannot connect to the socket {path}: {error}")
            }
            Self::Tls(error) => error.fmt(f),
            Self::Proxy(error) => error.fmt(f),
            Self::ProxyUrl(error) => error.fmt(f),
            Self::Url(error) => error.fmt(f),
            Self::Header(error) => error.fmt(f),
            Self::Send(error) => error.fmt(f),
            Self::Misuse(what) => f.write_str(what),
            Self::UnknownId => f.write_str("the connection or listener is no longer there"),
            Self::Forked => f.write_str(
                "the engine belongs to the process that was forked; make a new one in the child",
            ),
            Self::EngineGone => f.write_str("the engine has been dropped"),
        }
    }
}

impl std::error::Error for Error {}

macro_rules! from {
    ($($source:ty => $variant:ident),* $(,)?) => {
        $(impl From<$source> for Error {
            fn from(error: $source) -> Self {
                Self::$variant(error)
            }
        })*
    };
}
from! {
    FrameError => Frame,
    InflateError => Inflate,
    CompressionError => Compression,
    HandshakeError => Handshake,
    UrlError => Url,
    ProxyUrlError => ProxyUrl,
    HeaderError => Header,
    TlsError => Tls,
    IoError => Io,
}

impl From<SendError> for Error {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Forked => Self::Forked,
            error => Self::Send(error),
        }
    }
}

/// Why a message, ping, pong or close was not taken. Nothing of it has been sent or queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError {
    /// The connection is closing, closed or unknown.
    Closed,
    /// The engine was made in another process, from which this one was forked.
    Forked,
    /// The connection's opening handshake has not ended.
    NotOpen,
    /// The send queue's hard limit would be passed.
    Full {
        /// Bytes queued now.
        queued: u64,
        /// The limit, `send_queue_limit`.
        limit: u64,
    },
    /// No more messages are kept until a supervised connection is open again.
    HeldFull {
        /// Bytes kept now.
        held: u64,
        /// The limit, `resend_limit` or, if that is less, `send_queue_limit`.
        limit: u64,
    },
    /// A text message or a close reason is not UTF-8.
    InvalidUtf8,
    /// A fragmented message is being sent and has to be finished first.
    MessageInProgress,
    /// A continuation of another kind than the message begun.
    KindChanged,
    /// The payload of a ping or pong is over 125 bytes, or a close reason over 123.
    ControlTooLong(usize),
    /// The close code must not be sent (RFC 6455 section 7.4).
    InvalidCloseCode(u16),
    /// The operating system gave no random bytes for a masking key.
    Random(RandomError),
    /// zlib failed to compress the message.
    Compression,
    /// There is no memory for so many bytes that are to be sent.
    OutOfMemory(usize),
}

impl SendError {
    /// Who has to change something.
    #[must_use]
    pub const fn fault(self) -> Fault {
        match self {
            Self::Full { .. } | Self::HeldFull { .. } => Fault::Limit,
            Self::Random(_) | Self::Compression | Self::OutOfMemory(_) => Fault::Internal,
            _ => Fault::Caller,
        }
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the connection is closed or closing"),
            Self::Forked => Error::Forked.fmt(f),
            Self::NotOpen => f.write_str("the connection is not open yet"),
            Self::Full { queued, limit } => write!(
                f,
                "the send queue holds {} and its send_queue_limit is {}",
                Bytes(*queued),
                Bytes(*limit)
            ),
            Self::HeldFull { held, limit } => write!(
                f,
                "{} wait for the connection to open again, and its resend_limit is {}",
                Bytes(*held),
                Bytes(*limit)
            ),
            Self::InvalidUtf8 => f.write_str("text that is sent must be UTF-8"),
            Self::MessageInProgress => {
                f.write_str("a fragmented message is being sent; send its last fragment first")
            }
            Self::KindChanged => {
                f.write_str("the fragments of one message must be all text or all binary")
            }
            Self::ControlTooLong(length) => write!(
                f,
                "a control frame holds 125 bytes of payload (123 of close reason), not {length}"
            ),
            Self::InvalidCloseCode(code) => write!(
                f,
                "close code {code} cannot be sent; 1000-1003, 1007-1014 and 3000-4999 can"
            ),
            Self::Random(error) => error.fmt(f),
            Self::Compression => f.write_str("the message could not be compressed"),
            Self::OutOfMemory(size) => write!(
                f,
                "there is no memory for {} that are to be sent",
                Bytes(*size as u64)
            ),
        }
    }
}

impl std::error::Error for SendError {}
