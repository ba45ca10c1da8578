//! A stream of frames before Ropeway and before tungstenite, and every way in which their verdicts may differ.

use std::io::{self, Cursor, Read, Write};
use std::sync::Arc;

use ropeway_core::frame::FrameError;
use ropeway_core::protocol::{Event, Input, MessageKind, Options, Output, Protocol, Time};
use ropeway_core::{Error, Role};
use tungstenite::protocol::{self, WebSocket, WebSocketConfig};

const LIMIT: usize = 150_000;

#[derive(Clone, Debug, PartialEq)]
enum Message {
    Text(Vec<u8>),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    /// The code, 1005 for none, and the reason.
    Close(u16, String),
}

/// How a stream ends.
#[derive(Clone, Debug, PartialEq)]
enum End {
    /// With a Close frame, the last of the messages.
    Close,
    /// It stops where more had to come.
    Lost,
    /// The receiver fails the connection.
    Violation,
}

type Verdict = (Vec<Message>, End);

/// A difference that is meant to be: what it is called, the section of RFC 6455 that decides, and whether it explains
/// the two verdicts, given the error, if any, that was found here.
struct Difference {
    name: &'static str,
    section: &'static str,
    explains: fn(Option<&Error>, &Verdict, &Verdict) -> bool,
}

const DIFFERENCES: [Difference; 4] = [
    Difference {
        name: "lengths not in their shortest form are refused here and taken there",
        section: "5.2: the minimal number of bytes MUST be used to encode the length",
        explains: |error, ours, theirs| {
            matches!(error, Some(Error::Frame(FrameError::OverlongLength { .. })))
                && theirs.0.starts_with(&ours.0)
        },
    },
    Difference {
        name: "a Close frame with a code that must not be sent is refused here; there its message says 1002",
        section: "7.4.1 and 7.4.2: reserved codes MUST NOT be set in a Close frame",
        explains: |error, ours, theirs| {
            matches!(error, Some(Error::Frame(FrameError::InvalidCloseCode(_))))
                && theirs.1 == End::Close
                && matches!(theirs.0.split_last(), Some((Message::Close(1002, _), rest)) if *rest == ours.0)
        },
    },
    Difference {
        name: "close code 1014 is taken here; there its message says 1002",
        section: "7.4.2 and 11.7: IANA registers further codes, as it has 1014 (bad gateway)",
        explains: |error, ours, theirs| {
            error.is_none()
                && matches!(ours.0.split_last(), Some((Message::Close(1014, _), before))
                    if matches!(theirs.0.split_last(), Some((Message::Close(1002, _), rest)) if rest == before))
        },
    },
    Difference {
        name: "a violation in a frame whose end never comes is found here when it comes, there with the whole frame",
        section: "8.1 and 10.4: an endpoint may fail the connection at the first byte that shows the violation",
        explains: |_, ours, theirs| {
            ours.1 == End::Violation && theirs.1 == End::Lost && ours.0 == theirs.0
        },
    },
];

/// Ropeway's verdict, with the error that ended the connection.
fn ours(role: Role, bytes: &[u8]) -> (Verdict, Option<Error>) {
    let options = Options {
        max_message_size: LIMIT as u64,
        max_fragments: u32::MAX,
        ..Options::default()
    };
    let now = Time::from_micros(1);
    let mut protocol = Protocol::open(role, Arc::new(options), now);
    let (mut input, mut output) = (Input::new(), Output::new());
    let mut messages = Vec::new();
    input.extend(bytes);
    loop {
        match protocol.next_event(&mut input, &mut output, now) {
            None => protocol.on_eof(&mut output, now),
            Some(Event::Message { kind, payload }) => messages.push(match kind {
                MessageKind::Text => Message::Text(payload.to_vec()),
                MessageKind::Binary => Message::Binary(payload.to_vec()),
            }),
            Some(Event::Ping { payload }) => messages.push(Message::Ping(payload.to_vec())),
            Some(Event::Pong { payload, .. }) => messages.push(Message::Pong(payload.to_vec())),
            Some(Event::Closed(closed)) => {
                let end = match &closed.cause {
                    None => End::Close,
                    Some(Error::ConnectionLost) => End::Lost,
                    Some(_) => End::Violation,
                };
                if let Some(close) = &closed.received {
                    messages.push(Message::Close(close.code.get(), close.reason.clone()));
                }
                return ((messages, end), closed.cause.clone());
            }
            Some(other) => panic!("{other:?}"),
        }
    }
}

/// Reads a stream; what is written to it is lost.
struct Transport<'a>(Cursor<&'a [u8]>);

impl Read for Transport<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Transport<'_> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn theirs(role: Role, bytes: &[u8]) -> Verdict {
    let role = match role {
        Role::Client => protocol::Role::Client,
        Role::Server => protocol::Role::Server,
    };
    let config = WebSocketConfig::default()
        .read_buffer_size(4 << 10)
        .max_message_size(Some(LIMIT))
        .max_frame_size(Some(LIMIT));
    let transport = Transport(Cursor::new(bytes));
    let mut socket = WebSocket::from_raw_socket(transport, role, Some(config));
    let mut messages = Vec::new();
    loop {
        use tungstenite::Message as Theirs;
        use tungstenite::error::{Error, ProtocolError};
        match socket.read() {
            Ok(Theirs::Text(text)) => messages.push(Message::Text(text.as_bytes().to_vec())),
            Ok(Theirs::Binary(bytes)) => messages.push(Message::Binary(bytes.to_vec())),
            Ok(Theirs::Ping(bytes)) => messages.push(Message::Ping(bytes.to_vec())),
            Ok(Theirs::Pong(bytes)) => messages.push(Message::Pong(bytes.to_vec())),
            Ok(Theirs::Close(frame)) => {
                messages.push(match frame {
                    None => Message::Close(1005, String::new()),
                    Some(frame) => Message::Close(frame.code.into(), frame.reason.to_string()),
                });
                return (messages, End::Close);
            }
            Ok(Theirs::Frame(frame)) => panic!("{frame:?}"),
            Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => {
                return (messages, End::Lost);
            }
            Err(_) => return (messages, End::Violation),
        }
    }
}

/// Holds both verdicts on what the other end of `role` sends against each other: equal, or different as they should be
/// (the difference's name and section), or else an error that shows them.
pub(crate) fn compare(
    role: Role,
    bytes: &[u8],
) -> Result<Option<(&'static str, &'static str)>, String> {
    let (ours, error) = ours(role, bytes);
    let theirs = theirs(role, bytes);
    if ours == theirs {
        return Ok(None);
    }
    DIFFERENCES
        .iter()
        .find(|difference| (difference.explains)(error.as_ref(), &ours, &theirs))
        .map(|difference| Some((difference.name, difference.section)))
        .ok_or_else(|| format!("{error:?}: {ours:?}, tungstenite: {theirs:?}"))
}

#[test]
fn every_difference_listed_is_there() {
    // In the table's order: a length of 1 in two bytes, code 1006, code 1014, and bad text without its end.
    let streams: [&[u8]; 4] = [
        &[0x82, 126, 0, 1, 7],
        &[0x88, 2, 0x03, 0xee],
        &[0x88, 2, 0x03, 0xf6],
        &[0x81, 10, 0xff],
    ];
    for (difference, bytes) in DIFFERENCES.iter().zip(streams) {
        let expected = Some((difference.name, difference.section));
        assert_eq!(compare(Role::Client, bytes), Ok(expected));
    }
}
