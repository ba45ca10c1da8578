//! What an engine tells the application.

use std::time::Duration;

use super::id::{ConnectionId, ListenerId};
use crate::error::{Error, SendError};
use crate::handshake::{Headers, Request, Response, WebSocketUrl};
use crate::protocol::{self, Closed, MessageKind, Opened};

/// Something that happened on a connection. It borrows the engine's receive buffer until the next call of
/// [`Engine::next_event`](super::Engine::next_event).
#[derive(Debug)]
pub struct Event<'a> {
    /// The connection; [`ConnectionId::NONE`] with [`EventKind::AcceptFailed`] and [`EventKind::Relayed`].
    pub id: ConnectionId,
    /// The application's number for it; see [`set_user_data`](super::Connections::set_user_data).
    pub user_data: u64,
    /// The listener that it came from, which may be closed by now; [`ListenerId::NONE`] for a dialled one.
    pub listener: ListenerId,
    /// What happened.
    pub kind: EventKind<'a>,
}

/// A whole message, as [`Engine::next_message`](super::Engine::next_message) gives it; otherwise as [`Event`].
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// The connection.
    pub id: ConnectionId,
    /// The application's number for it.
    pub user_data: u64,
    /// The listener that it came from.
    pub listener: ListenerId,
    /// Text (validated as UTF-8) or binary.
    pub kind: MessageKind,
    /// Its payload.
    pub payload: &'a [u8],
}

/// Where a text stands that has been validated: an address, which is never followed, and a length.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ToldText(usize, usize);

impl ToldText {
    #[inline]
    pub(super) fn of(kind: MessageKind, payload: &[u8]) -> Self {
        match kind {
            MessageKind::Text => Self(payload.as_ptr().addr(), payload.len()),
            MessageKind::Binary => Self::default(),
        }
    }

    /// Whether `payload` is this text.
    #[inline]
    pub(super) fn is(self, payload: &[u8]) -> bool {
        self.0 == payload.as_ptr().addr() && self.1 == payload.len()
    }
}

/// A message that was published elsewhere.
#[derive(Debug)]
pub(super) struct Relayed {
    pub(super) topic: Box<str>,
    pub(super) kind: MessageKind,
    pub(super) payload: Vec<u8>,
}

/// What happened.
#[derive(Debug)]
#[non_exhaustive]
pub enum EventKind<'a> {
    /// Server with `ask_upgrade`: answer by [`accept`](super::Connections::accept) or
    /// [`refuse`](super::Connections::refuse), now or later; until then nothing more is read of the connection, and
    /// its `open_timeout` runs.
    UpgradeRequest(&'a Request),
    /// Server with `plain_http`: answer by [`refuse`](super::Connections::refuse).
    HttpRequest(&'a Request),
    /// The connection is open, or open again.
    Opened(&'a Opened),
    /// A whole message.
    Message {
        /// Text (validated as UTF-8) or binary.
        kind: MessageKind,
        /// Its payload.
        payload: &'a [u8],
    },
    /// With `streaming`: a piece of a message.
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
    /// A ping came; it has been answered.
    Ping {
        /// At most 125 bytes.
        payload: &'a [u8],
    },
    /// A pong came.
    Pong {
        /// At most 125 bytes.
        payload: &'a [u8],
        /// The time since the engine's own ping that it answers; `None` for any other pong.
        round_trip: Option<Duration>,
    },
    /// The send queue of a connection that answered `Queued` is below its low-water mark, or gone with a loss after which
    /// the connection is open again.
    Writable,
    /// Client with `max_redirects`: the server has sent the opening handshake elsewhere, and that place is dialled now,
    /// within the same `open_timeout`. Close or abort the connection to leave it at that.
    Redirect {
        /// The server's answer.
        response: &'a Response,
        /// Where it leads.
        url: &'a WebSocketUrl,
        /// The application's fields that the next request takes along: without those that another origin shall not see.
        headers: &'a Headers,
    },
    /// A [supervised](super::Connections::connect_supervised) connection could not be made, or is lost, and is tried
    /// again after a wait. Close or abort it to make that the end.
    Reconnecting {
        /// How it ended.
        closed: &'a Closed,
        /// The attempt that comes next, counted from 1 since the connection was last stable.
        attempt: u32,
        /// The wait before it.
        delay: Duration,
    },
    /// The end of the connection, or of the attempt to make it. Comes exactly once; the id names nothing any more
    /// when the event has been dealt with.
    Closed(&'a Closed),
    /// No connection can be accepted for now; it is tried again by itself a tenth of a second later. Told once until
    /// one is accepted again.
    AcceptFailed {
        /// The listener.
        listener: ListenerId,
        /// Such as `EMFILE`: too many open files.
        error: Error,
    },
    /// A message that a [`Remote`](super::Remote) sent could not be taken by its connection. (What was sent to a
    /// connection that is gone is not told.)
    Undelivered {
        /// Its size.
        bytes: u64,
        /// Why.
        error: SendError,
    },
    /// A message that another node has published, which a [`Remote`](super::Remote::deliver) brought: the topic's subscribers
    /// have got it. For a server that keeps something of what is said, such as a room's last lines.
    Relayed {
        /// The topic, with subscribers here or without.
        topic: &'a str,
        /// Text (validated as UTF-8) or binary.
        kind: MessageKind,
        /// Its payload.
        payload: &'a [u8],
    },
}

/// What the engine itself has to tell.
#[derive(Debug)]
pub(super) enum Notice {
    Writable(ConnectionId),
    AcceptFailed(ListenerId, Error),
    Undelivered(ConnectionId, u64, SendError),
    Relayed(Relayed),
}

impl Notice {
    /// The connection that it is about.
    pub(super) const fn connection(&self) -> ConnectionId {
        match *self {
            Self::Writable(id) | Self::Undelivered(id, ..) => id,
            Self::AcceptFailed(..) | Self::Relayed(_) => ConnectionId::NONE,
        }
    }

    /// The event, which lends what `place` then holds.
    pub(super) fn into_kind(self, place: &mut Option<Relayed>) -> EventKind<'_> {
        match self {
            Self::Writable(_) => EventKind::Writable,
            Self::AcceptFailed(listener, error) => EventKind::AcceptFailed { listener, error },
            Self::Undelivered(_, bytes, error) => EventKind::Undelivered { bytes, error },
            Self::Relayed(relayed) => {
                let Relayed {
                    topic,
                    kind,
                    payload,
                } = place.insert(relayed);
                EventKind::Relayed {
                    topic,
                    kind: *kind,
                    payload,
                }
            }
        }
    }
}

impl<'a> From<protocol::Event<'a>> for EventKind<'a> {
    #[inline]
    fn from(event: protocol::Event<'a>) -> Self {
        match event {
            protocol::Event::UpgradeRequest(request) => Self::UpgradeRequest(request),
            protocol::Event::HttpRequest(request) => Self::HttpRequest(request),
            protocol::Event::Opened(opened) => Self::Opened(opened),
            protocol::Event::Message { kind, payload } => Self::Message { kind, payload },
            protocol::Event::Fragment {
                kind,
                payload,
                first,
                last,
            } => Self::Fragment {
                kind,
                payload,
                first,
                last,
            },
            protocol::Event::Ping { payload } => Self::Ping { payload },
            protocol::Event::Pong {
                payload,
                round_trip,
            } => Self::Pong {
                payload,
                round_trip,
            },
            protocol::Event::Closed(closed) => Self::Closed(closed),
        }
    }
}
