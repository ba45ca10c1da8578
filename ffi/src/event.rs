//! What happens on a connection, as one structure for all three layers.

use std::ffi::{CString, c_char, c_void};
use std::ptr;
use std::time::Duration;

use ropeway_core::Error;
use ropeway_core::engine::Message;
use ropeway_core::handshake::{HandshakeError, Request, Response, WebSocketUrl};
use ropeway_core::protocol::{Closed, Event, MessageKind, Opened};

use crate::error::c_string;
use crate::head::ropeway_head;
use crate::mapping;
use crate::status::{ROPEWAY_OK, ropeway_status};

/// A text message: UTF-8 (RFC 6455 section 5.6). The number is its opcode's.
pub const ROPEWAY_TEXT: i32 = 1;
/// A binary message.
pub const ROPEWAY_BINARY: i32 = 2;

/// Names a connection of one engine, by value. 0 names none. When the connection has ended the number is stale and
/// every call with it gives ROPEWAY_ERROR_CLOSED, for ever: numbers are not used again.
pub type ropeway_connection = u64;

/// Names a listener of one engine, by value. 0 names none; a stale one gives ROPEWAY_ERROR_CLOSED.
pub type ropeway_listener = u64;

/// Server with ROPEWAY_OPTION_ASK_UPGRADE: a client asks to open. `head` is its request. Answer by accept or refuse,
/// now or later; until then nothing more is read, and the open time-out runs.
pub const ROPEWAY_EVENT_UPGRADE_REQUEST: i32 = 1;
/// Server with ROPEWAY_OPTION_PLAIN_HTTP: an HTTP request that asks for no upgrade. `head` is the request. Answer by
/// refuse, whose status may be any from 200 to 599.
pub const ROPEWAY_EVENT_HTTP_REQUEST: i32 = 2;
/// The connection is open, or open again: messages can be sent. `subprotocol` was agreed on; `head` is the client's request on a
/// server, the server's response on a client.
pub const ROPEWAY_EVENT_OPENED: i32 = 3;
/// A whole message: `kind`, `data`, `length`. Text has been checked to be UTF-8.
pub const ROPEWAY_EVENT_MESSAGE: i32 = 4;
/// With ROPEWAY_OPTION_STREAMING: a piece of a message, as it came: `kind`, `data`, `length`, and in `flags`
/// ROPEWAY_FLAG_FIRST and ROPEWAY_FLAG_LAST. A piece of text may end inside a character.
pub const ROPEWAY_EVENT_FRAGMENT: i32 = 5;
/// A ping came, with `data` and `length`; its pong has been sent already.
pub const ROPEWAY_EVENT_PING: i32 = 6;
/// A pong came, with `data` and `length`; `round_trip` when it answers a keep-alive ping.
pub const ROPEWAY_EVENT_PONG: i32 = 7;
/// Engine: the send queue has fallen below its low-water mark after ROPEWAY_QUEUED, or went with a loss after which the
/// connection is open again.
pub const ROPEWAY_EVENT_WRITABLE: i32 = 8;
/// The end, once on each connection: `close_code`, the reason in `data` and `length`, `sent_code`, `flags`, and
/// `status` and `error` when an error ended it. After a refusal `head` is the server's response. The connection's
/// number is stale from the next call on.
pub const ROPEWAY_EVENT_CLOSED: i32 = 9;
/// Engine: a connection could not be taken from `listener`: `status`, `error`.
pub const ROPEWAY_EVENT_ACCEPT_FAILED: i32 = 10;
/// Engine: what a remote sent to `connection` was refused when its turn came: `status`, `error`, and in
/// `undelivered` the size of the message.
pub const ROPEWAY_EVENT_UNDELIVERED: i32 = 11;

/// Engine, with ROPEWAY_OPTION_RECONNECT: the connection could not be made, or is lost, and is tried again: as
/// ROPEWAY_EVENT_CLOSED, but the connection's number stays good. `attempt` is the attempt that comes next, counted from 1
/// since the connection was last stable, and `delay` the wait before it.
pub const ROPEWAY_EVENT_RECONNECTING: i32 = 12;
/// Engine, with ROPEWAY_OPTION_MAX_REDIRECTS: the server has redirected the opening handshake to `url`, which is dialled
/// now; `head` is its response.
pub const ROPEWAY_EVENT_REDIRECT: i32 = 13;
/// Engine, with ropeway_engine_relay: another node has published a message, which the subscribers here have got: `topic`,
/// `kind`, `data`, `length`. For a server that keeps something of what is said, whoever listens.
pub const ROPEWAY_EVENT_RELAYED: i32 = 14;

/// ROPEWAY_EVENT_FRAGMENT: a message begins here.
pub const ROPEWAY_FLAG_FIRST: u32 = 1;
/// ROPEWAY_EVENT_FRAGMENT: the message ends here.
pub const ROPEWAY_FLAG_LAST: u32 = 2;
/// ROPEWAY_EVENT_CLOSED: both Close frames were exchanged and no error came between.
pub const ROPEWAY_FLAG_CLEAN: u32 = 4;
/// ROPEWAY_EVENT_CLOSED: the peer's Close frame came.
pub const ROPEWAY_FLAG_CLOSE_RECEIVED: u32 = 8;
/// ROPEWAY_EVENT_CLOSED: this side sent a Close frame.
pub const ROPEWAY_FLAG_CLOSE_SENT: u32 = 16;
/// ROPEWAY_EVENT_CLOSED: this side's Close frame was the first.
pub const ROPEWAY_FLAG_CLOSED_BY_US: u32 = 32;

/// What has happened. It and all that it points to are lent: until the next call of ropeway_engine_next_event or
/// ropeway_engine_poll on the same engine, of ropeway_protocol_next_event or ropeway_protocol_receive on the same
/// protocol, of any function on the same client, or until that object is freed. Sending on an engine or protocol leaves
/// it alone; in all three layers a message can be sent back straight from it.
///
/// A field that the type does not mention is 0 or NULL. Later releases may add fields at the end (`size` says how
/// many there are), and types: leave alone what you do not know.
#[repr(C)]
#[derive(Debug)]
pub struct ropeway_event {
    /// Size of this structure in the library in use, in bytes.
    pub size: u32,
    /// ROPEWAY_EVENT_...
    pub r#type: i32,
    /// The connection it happened on; 0 for none, and in the client and protocol layers.
    pub connection: ropeway_connection,
    /// The listener that the connection came from; 0 for one that was dialled.
    pub listener: ropeway_listener,
    /// What ropeway_engine_set_user_data set for the connection.
    pub user_data: *mut c_void,
    /// Payload of a message, ping or pong; the reason of a close. Not NUL-terminated.
    pub data: *const c_void,
    /// Bytes at `data`.
    pub length: usize,
    /// ROPEWAY_TEXT or ROPEWAY_BINARY.
    pub kind: i32,
    /// ROPEWAY_FLAG_..., added up.
    pub flags: u32,
    /// The code by RFC 6455 section 7.1.5: the peer's; 1005 when its Close frame had none, 1006 when none came.
    pub close_code: i32,
    /// The code that this side sent: 1005 for a Close frame without one, 0 when none was sent.
    pub sent_code: i32,
    /// Why: an error's number, or ROPEWAY_OK.
    pub status: ropeway_status,
    /// The same as a sentence, NUL-terminated; NULL when `status` is ROPEWAY_OK.
    pub error: *const c_char,
    /// The subprotocol that was agreed on, NUL-terminated; NULL for none.
    pub subprotocol: *const c_char,
    /// The peer's handshake, where there is something to read; NULL otherwise.
    pub head: *const ropeway_head,
    /// Time from a keep-alive ping to its pong, in microseconds; -1 when unknown.
    pub round_trip: i64,
    /// Size of a message that was not delivered, in bytes.
    pub undelivered: u64,
    /// Where a redirect leads, NUL-terminated, with a password left out; NULL otherwise.
    pub url: *const c_char,
    /// Wait before the next attempt, in milliseconds.
    pub delay: i64,
    /// Number of the attempt that comes next.
    pub attempt: u32,
    /// The topic of a relayed message, NUL-terminated; NULL otherwise.
    pub topic: *const c_char,
}

const NOTHING: ropeway_event = ropeway_event {
    size: size_of::<ropeway_event>() as u32,
    r#type: 0,
    connection: 0,
    listener: 0,
    user_data: ptr::null_mut(),
    data: ptr::null(),
    length: 0,
    kind: 0,
    flags: 0,
    close_code: 0,
    sent_code: 0,
    status: ROPEWAY_OK,
    error: ptr::null(),
    subprotocol: ptr::null(),
    head: ptr::null(),
    round_trip: -1,
    undelivered: 0,
    url: ptr::null(),
    delay: 0,
    attempt: 0,
    topic: ptr::null(),
};

/// An event while it is lent to C, with what it points to beyond the core's own buffers.
#[derive(Debug)]
pub(crate) struct Lent {
    event: ropeway_event,
    head: Option<Box<ropeway_head>>,
    text: CString,
}

impl Lent {
    pub(crate) fn new() -> Self {
        Self {
            event: NOTHING,
            head: None,
            text: CString::default(),
        }
    }

    /// Begins an event of connection `connection`, from `listener`.
    #[inline]
    pub(crate) fn begin(&mut self, connection: u64, listener: u64, user_data: u64) -> &mut Self {
        self.event = ropeway_event {
            connection,
            listener,
            user_data: ptr::with_exposed_provenance_mut(user_data as usize),
            ..NOTHING
        };
        self
    }

    /// A message of connection `connection`. The common case: after another message only what differs is written.
    #[inline]
    pub(crate) fn next_message(&mut self, message: &Message<'_>) -> *const ropeway_event {
        let (connection, listener) = (message.id.bits(), message.listener.bits());
        if self.event.r#type == ROPEWAY_EVENT_MESSAGE {
            self.event.connection = connection;
            self.event.listener = listener;
            self.event.user_data = ptr::with_exposed_provenance_mut(message.user_data as usize);
        } else {
            self.begin(connection, listener, message.user_data);
        }
        self.message(message.kind, message.payload);
        self.lend()
    }

    /// Lends it.
    #[inline]
    pub(crate) fn lend(&self) -> *const ropeway_event {
        &raw const self.event
    }

    /// Whether `bytes` are, in part, those that the event lends.
    pub(crate) fn holds(&self, bytes: &[u8]) -> bool {
        let (lent, asked) = (self.event.data.addr(), bytes.as_ptr().addr());
        asked < lent + self.event.length && lent < asked + bytes.len()
    }

    #[inline]
    fn data(&mut self, r#type: i32, payload: &[u8]) {
        self.event.r#type = r#type;
        self.event.data = payload.as_ptr().cast();
        self.event.length = payload.len();
    }

    #[inline]
    pub(crate) fn message(&mut self, kind: MessageKind, payload: &[u8]) {
        self.data(ROPEWAY_EVENT_MESSAGE, payload);
        self.event.kind = number(kind);
    }

    pub(crate) fn fragment(&mut self, kind: MessageKind, payload: &[u8], first: bool, last: bool) {
        self.data(ROPEWAY_EVENT_FRAGMENT, payload);
        self.event.kind = number(kind);
        self.event.flags = flag(first, ROPEWAY_FLAG_FIRST) | flag(last, ROPEWAY_FLAG_LAST);
    }

    pub(crate) fn ping(&mut self, payload: &[u8]) {
        self.data(ROPEWAY_EVENT_PING, payload);
    }

    pub(crate) fn pong(&mut self, payload: &[u8], round_trip: Option<Duration>) {
        self.data(ROPEWAY_EVENT_PONG, payload);
        self.event.round_trip = round_trip
            .and_then(|time| i64::try_from(time.as_micros()).ok())
            .unwrap_or(-1);
    }

    pub(crate) fn writable(&mut self) {
        self.event.r#type = ROPEWAY_EVENT_WRITABLE;
    }

    pub(crate) fn request(&mut self, r#type: i32, request: &Request) {
        self.event.r#type = r#type;
        self.head(ropeway_head::request(request));
    }

    pub(crate) fn opened(&mut self, opened: &Opened) {
        self.event.r#type = ROPEWAY_EVENT_OPENED;
        if let Some(subprotocol) = &opened.subprotocol {
            self.text = c_string(subprotocol.clone());
            self.event.subprotocol = self.text.as_ptr();
        }
        if let Some(request) = &opened.request {
            self.head(ropeway_head::request(request));
        } else if let Some(response) = &opened.response {
            self.head(ropeway_head::response(response));
        }
    }

    pub(crate) fn closed(&mut self, closed: &Closed) {
        self.data(ROPEWAY_EVENT_CLOSED, closed.reason().as_bytes());
        self.event.close_code = closed.code().get().into();
        self.event.sent_code = closed
            .sent
            .as_ref()
            .map_or(0, |frame| frame.code.get().into());
        self.event.flags = flag(closed.is_clean(), ROPEWAY_FLAG_CLEAN)
            | flag(closed.received.is_some(), ROPEWAY_FLAG_CLOSE_RECEIVED)
            | flag(closed.sent.is_some(), ROPEWAY_FLAG_CLOSE_SENT)
            | flag(closed.by_us, ROPEWAY_FLAG_CLOSED_BY_US);
        if let Some(cause) = &closed.cause {
            self.error(cause);
            if let Error::Handshake(HandshakeError::InvalidStatus(response)) = cause {
                self.head(ropeway_head::response(response));
            }
        }
    }

    pub(crate) fn reconnecting(&mut self, closed: &Closed, attempt: u32, delay: Duration) {
        self.closed(closed);
        self.event.r#type = ROPEWAY_EVENT_RECONNECTING;
        self.event.attempt = attempt;
        self.event.delay = i64::try_from(delay.as_millis()).unwrap_or(i64::MAX);
    }

    pub(crate) fn redirect(&mut self, response: &Response, url: &WebSocketUrl) {
        self.event.r#type = ROPEWAY_EVENT_REDIRECT;
        self.text = c_string(url.to_string());
        self.event.url = self.text.as_ptr();
        self.head(ropeway_head::response(response));
    }

    pub(crate) fn accept_failed(&mut self, listener: u64, error: &Error) {
        self.event.r#type = ROPEWAY_EVENT_ACCEPT_FAILED;
        self.event.listener = listener;
        self.error(error);
    }

    pub(crate) fn undelivered(&mut self, bytes: u64, error: &Error) {
        self.event.r#type = ROPEWAY_EVENT_UNDELIVERED;
        self.event.undelivered = bytes;
        self.error(error);
    }

    pub(crate) fn relayed(&mut self, topic: &str, kind: MessageKind, payload: &[u8]) {
        self.data(ROPEWAY_EVENT_RELAYED, payload);
        self.event.kind = number(kind);
        self.text = c_string(topic.to_owned());
        self.event.topic = self.text.as_ptr();
    }

    /// An event of the sans-I/O protocol.
    pub(crate) fn protocol(&mut self, event: &Event<'_>) {
        match *event {
            Event::UpgradeRequest(request) => self.request(ROPEWAY_EVENT_UPGRADE_REQUEST, request),
            Event::HttpRequest(request) => self.request(ROPEWAY_EVENT_HTTP_REQUEST, request),
            Event::Opened(opened) => self.opened(opened),
            Event::Message { kind, payload } => self.message(kind, payload),
            Event::Fragment {
                kind,
                payload,
                first,
                last,
            } => self.fragment(kind, payload, first, last),
            Event::Ping { payload } => self.ping(payload),
            Event::Pong {
                payload,
                round_trip,
            } => self.pong(payload, round_trip),
            Event::Closed(closed) => self.closed(closed),
            _ => {}
        }
    }

    fn error(&mut self, error: &Error) {
        self.event.status = mapping::of_error(error);
        self.text = c_string(error.to_string());
        self.event.error = self.text.as_ptr();
    }

    fn head(&mut self, head: ropeway_head) {
        self.event.head = &raw const **self.head.insert(Box::new(head));
    }
}

#[inline]
fn number(kind: MessageKind) -> i32 {
    match kind {
        MessageKind::Text => ROPEWAY_TEXT,
        MessageKind::Binary => ROPEWAY_BINARY,
    }
}

fn flag(set: bool, flag: u32) -> u32 {
    if set { flag } else { 0 }
}
