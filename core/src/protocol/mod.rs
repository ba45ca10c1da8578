//! The sans-I/O state machine of one connection: bytes in, events out; calls in, bytes out; the time is told to it.
//!
//! ```text
//!             bytes ──▶ Input ──▶ ┌──────────┐ ──▶ events (lent from Input)
//!                                 │ Protocol │
//!   bytes to be sent ◀── Output ◀─└──────────┘ ◀── send, ping, close, accept, refuse
//!                         next_deadline │ ▲ on_deadline(now)
//! ```
//!
//! A driver owns one [`Input`] and one [`Output`] for as many protocols as it likes, since a `Protocol` leaves
//! nothing in them. For each read of a transport:
//!
//! ```
//! use std::sync::Arc;
//! use ropeway_core::protocol::{Event, Input, MessageKind, Options, Output, Protocol, Time};
//!
//! let now = Time::from_micros(1);
//! let (mut input, mut output) = (Input::new(), Output::new());
//! let mut server = Protocol::server(Arc::new(Options::default()), now);
//! input.extend(b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
//!     Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
//! while let Some(event) = server.next_event(&mut input, &mut output, now) {
//!     match event {
//!         Event::Opened(_) => server.send(&mut output, MessageKind::Text, b"welcome").unwrap(),
//!         Event::Message { kind, payload } => server.send(&mut output, kind, payload).unwrap(),
//!         Event::Closed(closed) => println!("{}", closed.code()),
//!         _ => {}
//!     }
//! }
//! assert!(output.bytes().starts_with(b"HTTP/1.1 101 "));
//! ```
//!
//! After every call the driver sends [`Output::bytes`], looks at [`Protocol::shutdown`], and arranges to call
//! [`Protocol::on_deadline`] at [`Protocol::next_deadline`].
#![forbid(unsafe_code)]

mod control;
mod deflate;
mod event;
mod gather;
mod gathered;
mod input;
mod keepalive;
mod opening;
mod options;
mod output;
mod plain;
mod receive;
mod room;
mod send;
#[cfg(test)]
mod tests;
mod time;
mod trace;

use std::fmt;
use std::sync::Arc;

pub(crate) use deflate::{Alone, compress_server_frames};
pub use event::{CloseFrame, Closed, Event, MessageKind, Opened};
pub use gathered::Gathered;
pub use input::Input;
pub use opening::Accept;
pub use options::Options;
pub use output::Output;
pub(crate) use output::append_server_frame;
pub(crate) use receive::{Raw, Source};
pub use room::{MakeRoom, Receive, Room};
pub use time::Time;
pub use trace::{Trace, TracedFrame};

use crate::deflate::Parameters;
use crate::error::{Deadline, Error, Role};
use crate::frame::{MAX_HEADER, Utf8Validator};
use crate::opening_stage::OpeningStage;
use deflate::Codecs;
use opening::Opening;
use receive::Partial;

/// Where the connection stands (RFC 6455 section 4 to 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The opening handshake is under way.
    Opening,
    /// Messages flow both ways.
    Open,
    /// This side has sent its Close frame and waits for the peer's.
    Closing,
    /// It is over; `Closed` may still have to be told.
    Ended,
}

/// What a driver has to do with its transport, once the output has been sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shutdown {
    /// Go on reading and writing.
    No,
    /// Read and drop until the peer ends the stream or [`Protocol::next_deadline`] passes, then close: the server
    /// closes first (RFC 6455 section 7.1.1).
    AwaitEnd,
    /// End the sending direction, then as [`AwaitEnd`](Self::AwaitEnd), so that the peer can read what it was sent
    /// before unread data of its own resets the stream.
    HalfClose,
    /// Close, once the output has been sent.
    Close,
    /// Close at once: the transport is of no use any more, or there has been time enough.
    Drop,
}

/// One connection, client or server, without its transport. See the [module](self) for the order of calls.
///
/// It is compact (about 100 bytes while idle and open): what is rare lives in boxes that are freed when done.
/// It has no thread rules beyond Rust's own.
pub struct Protocol {
    options: Arc<Options>,
    opening: Option<Box<Opening>>,
    partial: Option<Box<Partial>>,
    codecs: Option<Box<Codecs>>,
    ending: Option<Box<Closed>>,
    /// Bytes of the current frame's payload that are still to come.
    remaining: u64,
    /// When the peer was last heard.
    heard: Time,
    /// When something of its last data frame came.
    last_message: Time,
    /// When the wait of the present state began: the handshake, the outstanding ping (or never), the close.
    since: Time,
    key: [u8; 4],
    header: [u8; MAX_HEADER],
    header_len: u8,
    /// Position in the current frame's payload, modulo 4: the masking key's phase.
    phase: u8,
    frame: Frame,
    /// The received message under way.
    receiving: Option<MessageKind>,
    /// The sent message under way.
    sending: Option<MessageKind>,
    sending_utf8: Utf8Validator,
    utf8: Utf8Validator,
    state: State,
    role: Role,
    /// permessage-deflate, where it was agreed on.
    deflate: Option<Parameters>,
    /// Whether the received message under way is compressed.
    inflating: bool,
    /// Whether the sent message under way is.
    deflating: bool,
    /// The message under way, or else the next one, is told in pieces.
    streams: bool,
    /// Streaming: no piece of the message has been told yet.
    first: bool,
    /// Whether the current frame is its message's last.
    fin: bool,
    /// The transport has nothing more for us.
    ended: bool,
    /// The peer has ended its direction after the connection's end: there is nothing more to wait for, but what is
    /// queued can still be sent.
    eof: bool,
    /// `Closed` has been told.
    told: bool,
    paused: bool,
}

/// Whether the bytes that come next are a frame's payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Frame {
    None,
    Data,
    Ping,
    Pong,
    Close,
}

impl Protocol {
    fn new(
        role: Role,
        state: State,
        options: Arc<Options>,
        opening: Option<Box<Opening>>,
        now: Time,
    ) -> Self {
        Self {
            streams: options.streaming,
            options,
            opening,
            partial: None,
            codecs: None,
            ending: None,
            remaining: 0,
            heard: now,
            last_message: now,
            since: if state == State::Opening {
                now
            } else {
                Time::NEVER
            },
            key: [0; 4],
            header: [0; MAX_HEADER],
            header_len: 0,
            phase: 0,
            frame: Frame::None,
            receiving: None,
            sending: None,
            sending_utf8: Utf8Validator::default(),
            utf8: Utf8Validator::default(),
            state,
            role,
            deflate: None,
            inflating: false,
            deflating: false,
            first: false,
            fin: false,
            ended: false,
            eof: false,
            told: false,
            paused: false,
        }
    }

    /// A connection whose opening handshake was done elsewhere, by an HTTP server say: frames come next. No
    /// [`Event::Opened`] will come.
    #[must_use]
    pub fn open(role: Role, options: Arc<Options>, now: Time) -> Self {
        Self::new(role, State::Open, options, None, now)
    }

    /// The same with permessage-deflate, agreed on in that handshake by [`accept`](crate::deflate::accept) or
    /// [`judge`](crate::deflate::judge). To be called before anything is sent or received.
    #[must_use]
    pub fn with_deflate(mut self, agreed: Parameters) -> Self {
        self.deflate = Some(agreed);
        self
    }

    /// Which end this is.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    /// Its settings.
    #[must_use]
    pub const fn options(&self) -> &Arc<Options> {
        &self.options
    }

    /// Has the message under way told in pieces, what is there of it first, or else the next message. Those after it
    /// come whole again. It does what [`Options::streaming`] does for all: no limit of size applies to that message.
    pub fn stream_message(&mut self) {
        self.streams = true;
    }

    /// Whether messages can be sent.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.state == State::Open
    }

    /// Whether the connection has ended; [`Event::Closed`] has come or comes next.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.state == State::Ended
    }

    /// The next thing that happened, given the bytes in `input`; `None` when more bytes are needed. Answers that the
    /// RFC demands (a pong, the other Close frame, a refusal) are put into `output` on the way.
    ///
    /// `now` counts as the time at which the bytes came.
    pub fn next_event<'i>(
        &mut self,
        input: &'i mut Input,
        output: &mut Output,
        now: Time,
    ) -> Option<Event<'i>> {
        if let Some((kind, source)) = self.plain_message(input, output, now) {
            let payload = input.payload(source);
            return Some(Event::Message { kind, payload });
        }
        let raw = self.step(input, output, now)?;
        input.lend(raw)
    }

    /// Whether a driver should read: not while paused or until a request is answered; after the end to find the
    /// stream's.
    pub(crate) fn reads(&self) -> bool {
        !self.is_paused() && !self.eof && !self.awaits_decision()
    }

    /// What the driver has to do with the transport once the output is sent.
    #[must_use]
    pub fn shutdown(&self) -> Shutdown {
        if self.state != State::Ended {
            return Shutdown::No;
        }
        if self.ended {
            return Shutdown::Drop;
        }
        match &self.ending {
            Some(closed) if closed.cause.is_none() => match self.role {
                Role::Client if !self.eof => Shutdown::AwaitEnd,
                _ => Shutdown::Close,
            },
            // A client that was refused, or refuses the response, has nothing to say that must arrive.
            _ if self.opening.is_some() && self.role == Role::Client => Shutdown::Drop,
            _ if self.eof => Shutdown::Close,
            _ => Shutdown::HalfClose,
        }
    }

    /// The peer has ended its direction of the stream. What comes of it is told by the next
    /// [`next_event`](Self::next_event), as with every call that may end the connection.
    pub fn on_eof(&mut self, output: &mut Output, now: Time) {
        match self.state {
            State::Ended => self.eof = true,
            State::Opening => {
                let error = self.opening_eof();
                self.on_transport_error(error, now);
            }
            _ => {
                self.fail(Error::ConnectionLost, output, now);
                self.ended = true;
            }
        }
    }

    /// The transport has failed: nothing can be sent or received any more.
    pub fn on_transport_error(&mut self, error: Error, now: Time) {
        if self.state != State::Ended {
            let mut closed = self.closed();
            closed.cause = Some(error);
            self.end(closed, now);
        }
        self.ended = true;
    }

    /// Ends the connection without a word to the peer: the driver closes the transport.
    pub fn abort(&mut self, now: Time) {
        self.on_transport_error(Error::Aborted, now);
    }

    /// Frees what the connection holds of `input`'s bound on incomplete messages. A driver that drops a protocol
    /// before [`Event::Closed`] was told calls it first.
    pub fn release(&mut self, input: &mut Input) {
        if let Some(partial) = self.partial.take() {
            input.release(&partial.message);
        }
        self.release_inflater(input);
        self.codecs = None;
    }

    /// Fails the connection (RFC 6455 section 7.1.7): a Close frame is put into `output` where the error has a code
    /// and one may still be sent.
    fn fail(&mut self, error: Error, output: &mut Output, now: Time) {
        if self.state == State::Ended {
            return;
        }
        let mut closed = self.closed();
        if self.state == State::Open
            && let Some(code) = error.close_code()
        {
            let reason = shorten(&error.to_string());
            if self.write_close(output, code, &reason).is_ok() {
                closed.by_us = true;
                closed.sent = Some(CloseFrame { code, reason });
            }
        }
        closed.cause = Some(error);
        self.end(closed, now);
    }

    /// What is known of the end so far.
    fn closed(&mut self) -> Box<Closed> {
        self.ending.take().unwrap_or_default()
    }

    /// Whether it has ended, and `Closed` is still to come.
    pub(crate) fn has_to_tell_its_end(&self) -> bool {
        self.is_ended() && !self.told
    }

    /// What is to be told of the end, once.
    fn untold(&mut self) -> Option<Box<Closed>> {
        if std::mem::replace(&mut self.told, true) {
            None
        } else {
            self.ending.clone()
        }
    }

    fn end(&mut self, closed: Box<Closed>, now: Time) {
        // One deadline for the whole close: from this side's Close frame, if it came first.
        if self.state != State::Closing {
            self.since = now;
        }
        self.ending = Some(closed);
        self.state = State::Ended;
        self.frame = Frame::None;
        self.receiving = None;
        self.paused = false;
    }

    fn timeout(&self, deadline: Deadline) -> Error {
        let after = self.options.wait(deadline);
        match deadline {
            Deadline::Open if self.awaits_decision() => OpeningStage::Decision.timeout(after),
            Deadline::Open => OpeningStage::Handshake.timeout(after),
            deadline => Error::Timeout {
                deadline,
                after,
                stage: None,
            },
        }
    }
}

/// The longest prefix that fits a Close frame's reason.
fn shorten(reason: &str) -> String {
    let mut end = reason.len().min(crate::frame::MAX_CLOSE_REASON);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    reason[..end].to_owned()
}

impl fmt::Debug for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Protocol")
            .field("role", &self.role)
            .field("state", &self.state)
            .field("receiving", &self.receiving)
            .field("remaining", &self.remaining)
            .finish_non_exhaustive()
    }
}
