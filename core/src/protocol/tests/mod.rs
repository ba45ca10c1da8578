//! Tests of the state machine, and the rig they share: one peer fed by hand ([`Peer`]), or two of them joined by a
//! simulated network with a clock and a latency of its own ([`Pair`]).

mod calls;
mod chunking;
mod closing;
mod control;
mod deflate;
mod extension;
mod frames;
mod inflation;
mod keepalive;
mod limits;
mod memory;
mod opening;
mod pair;
mod streaming;
#[path = "../../../tests/streams/mod.rs"]
mod streams;
mod tracing;

use std::sync::Arc;
use std::time::Duration;

use super::{
    CloseFrame, Closed, Event, Input, MessageKind, Opened, Options, Output, Protocol, Shutdown,
    Time, append_server_frame, compress_server_frames,
};
use crate::error::{Error, Role};
use crate::frame::{CloseCode, FrameError, Header, HeaderRules, Opcode, append_masked, apply_mask};
use crate::handshake::{HandshakeError, WebSocketUrl};

const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;
const TEXT_BEGINS: u8 = 0x01;
const BINARY_BEGINS: u8 = 0x02;
const CONTINUES: u8 = 0x00;
const ENDS: u8 = 0x80;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;
const PONG: u8 = 0x8a;

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// A time of the simulated clock, which starts at a second.
fn at(millis: u64) -> Time {
    Time::from_micros(1_000_000 + millis * 1000)
}

/// An event that can be kept.
#[derive(Clone, Debug, PartialEq)]
enum Told {
    UpgradeRequest(String),
    HttpRequest(String),
    Opened(Box<Opened>),
    Message(MessageKind, Vec<u8>),
    Fragment {
        kind: MessageKind,
        payload: Vec<u8>,
        first: bool,
        last: bool,
    },
    Ping(Vec<u8>),
    Pong(Vec<u8>, Option<Duration>),
    Closed(Box<Closed>),
}

impl From<Event<'_>> for Told {
    fn from(event: Event<'_>) -> Self {
        match event {
            Event::UpgradeRequest(request) => Self::UpgradeRequest(request.target.clone()),
            Event::HttpRequest(request) => Self::HttpRequest(request.target.clone()),
            Event::Opened(opened) => Self::Opened(Box::new(opened.clone())),
            Event::Message { kind, payload } => Self::Message(kind, payload.to_vec()),
            Event::Fragment {
                kind,
                payload,
                first,
                last,
            } => Self::Fragment {
                kind,
                payload: payload.to_vec(),
                first,
                last,
            },
            Event::Ping { payload } => Self::Ping(payload.to_vec()),
            Event::Pong {
                payload,
                round_trip,
            } => Self::Pong(payload.to_vec(), round_trip),
            Event::Closed(closed) => Self::Closed(Box::new(closed.clone())),
        }
    }
}

fn text(payload: &str) -> Told {
    Told::Message(MessageKind::Text, payload.into())
}

fn binary(payload: &[u8]) -> Told {
    Told::Message(MessageKind::Binary, payload.to_vec())
}

/// One end, fed by hand.
struct Peer {
    protocol: Protocol,
    input: Input,
    output: Output,
    told: Vec<Told>,
}

impl Peer {
    fn new(protocol: Protocol, output: Output) -> Self {
        Self {
            protocol,
            input: Input::new(),
            output,
            told: Vec::new(),
        }
    }

    /// After the handshake.
    fn open(role: Role, options: Options) -> Self {
        Self::new(
            Protocol::open(role, Arc::new(options), at(0)),
            Output::new(),
        )
    }

    /// Before it, as a server.
    fn server(options: Options) -> Self {
        Self::new(Protocol::server(Arc::new(options), at(0)), Output::new())
    }

    /// Before it, as a client that has asked for `/`.
    fn client(options: Options) -> Self {
        let url = WebSocketUrl::parse("ws://example.com/").expect("a URL");
        let mut output = Output::new();
        let protocol =
            Protocol::client(&url, Arc::new(options), &mut output, at(0)).expect("a request");
        Self::new(protocol, output)
    }

    /// Takes `bytes` from the transport.
    fn receive(&mut self, bytes: &[u8], now: Time) -> &mut Self {
        self.protocol.receive(&mut self.input, bytes);
        self.drain(now)
    }

    /// As [`receive`](Self::receive), but the frame is made as the other end has to make it.
    fn frame(&mut self, first: u8, payload: &[u8], now: Time) -> &mut Self {
        let bytes = frame_to(self.protocol.role(), first, payload);
        self.receive(&bytes, now)
    }

    /// Keeps every event there is. `Closed` must be the last, and come once.
    fn drain(&mut self, now: Time) -> &mut Self {
        while let Some(event) = self
            .protocol
            .next_event(&mut self.input, &mut self.output, now)
        {
            let event = Told::from(event);
            assert!(
                !matches!(self.told.last(), Some(Told::Closed(_))),
                "{event:?} after the end"
            );
            self.told.push(event);
        }
        assert!(self.input.is_empty(), "bytes are left over");
        let closed = matches!(self.told.last(), Some(Told::Closed(_)));
        assert_eq!(closed, self.protocol.is_ended());
        self
    }

    fn eof(&mut self, now: Time) -> &mut Self {
        self.protocol.on_eof(&mut self.output, now);
        self.drain(now)
    }

    /// Lets time come to `now`.
    fn wait(&mut self, now: Time) -> &mut Self {
        self.protocol.on_deadline(&mut self.output, now);
        self.drain(now)
    }

    /// The events since the last call.
    fn events(&mut self) -> Vec<Told> {
        let events = self.told.clone();
        if !self.protocol.is_ended() {
            self.told.clear();
        }
        events
    }

    /// The end, which must have come.
    #[track_caller]
    fn closed(&self) -> &Closed {
        match self.told.last() {
            Some(Told::Closed(closed)) => closed,
            other => panic!("not closed: {other:?}"),
        }
    }

    /// What is to be sent, which is taken away.
    fn sent(&mut self) -> Vec<u8> {
        let bytes = self.output.bytes().to_vec();
        self.output.consume(bytes.len());
        bytes
    }

    fn sent_text(&mut self) -> String {
        String::from_utf8(self.sent()).expect("an HTTP head")
    }

    /// As [`sent`](Self::sent), taken apart into first bytes and unmasked payloads.
    fn sent_frames(&mut self) -> Vec<(u8, Vec<u8>)> {
        let bytes = self.sent();
        frames_of(self.protocol.role(), &bytes)
    }

    fn close(&mut self, code: u16, reason: &str, now: Time) {
        let code = CloseCode::new(code);
        self.protocol
            .close(&mut self.output, code, reason, now)
            .expect("a close");
    }
}

/// One frame as the other end of `role` sends it.
fn frame_to(role: Role, first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = header_to(role, first, payload.len() as u64);
    match role {
        Role::Server => append_masked(&mut bytes, payload, KEY, 0),
        Role::Client => bytes.extend_from_slice(payload),
    }
    bytes
}

/// The header of such a frame.
fn header_to(role: Role, first: u8, length: u64) -> Vec<u8> {
    let mask = if role == Role::Server { 0x80 } else { 0 };
    let mut bytes = vec![first];
    if length < 126 {
        bytes.push(mask | length as u8);
    } else if let Ok(length) = u16::try_from(length) {
        bytes.push(mask | 126);
        bytes.extend_from_slice(&length.to_be_bytes());
    } else {
        bytes.push(mask | 127);
        bytes.extend_from_slice(&length.to_be_bytes());
    }
    if role == Role::Server {
        bytes.extend_from_slice(&KEY);
    }
    bytes
}

/// What `sender` has sent, which must be whole frames.
fn frames_of(sender: Role, mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let rules = HeaderRules {
        masked: sender == Role::Client,
        rsv1: true,
    };
    let mut frames = Vec::new();
    while !bytes.is_empty() {
        let (header, size) = Header::parse(bytes, rules)
            .expect("a good frame")
            .expect("a whole one");
        let first = bytes[0];
        let mut payload = bytes[size..size + header.length as usize].to_vec();
        bytes = &bytes[size + payload.len()..];
        apply_mask(&mut payload, header.mask.unwrap_or_default(), 0);
        frames.push((first, payload));
    }
    frames
}

fn close_payload(code: u16, reason: &str) -> Vec<u8> {
    [&code.to_be_bytes(), reason.as_bytes()].concat()
}

fn close_frame(code: u16, reason: &str) -> CloseFrame {
    CloseFrame {
        code: CloseCode::new(code),
        reason: reason.to_owned(),
    }
}

const BOTH: [Role; 2] = [Role::Client, Role::Server];
