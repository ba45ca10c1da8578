//! The connection, its buffers, and what it told.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use ropeway_core::frame::CloseCode;
use ropeway_core::handshake::{HandshakeError, Headers, Refusal, WebSocketUrl, accept_key};
use ropeway_core::protocol::{
    Accept, Closed, Event, Input, MessageKind, Output, Protocol, Shutdown, Time,
};
use ropeway_core::{Error, Fault, Limit, Role, SendError};

use super::op::{Op, Setting, TIGHT, deflated, frame_to, header_to, kind};
use super::witness::Witness;

/// An event that can be kept, and compared with what other portions of bytes make of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Told {
    Request(String),
    Opened(Option<String>, usize),
    /// Pieces of one message in a row are one.
    Message(MessageKind, Vec<u8>, bool),
    Ping(Vec<u8>),
    Pong(Vec<u8>, Option<Duration>),
    Closed(Box<Closed>),
}

/// What a run has come to.
#[derive(Debug, PartialEq)]
pub(super) struct Verdict<'a> {
    told: &'a [Told],
    witnessed: &'a [Told],
    sent_head: bool,
    shutdown: Shutdown,
    deadline: Option<Time>,
}

pub(super) struct End {
    protocol: Protocol,
    input: Input,
    output: Output,
    now: Time,
    longest: u64,
    streaming: bool,
    compression: bool,
    told: Vec<Told>,
    /// The peer's message under way, for [`Op::Message`].
    peer_begun: bool,
    /// This side's message under way.
    sending: Option<MessageKind>,
    /// What was taken to be sent: whole messages, and the beginning of one.
    taken: VecDeque<(MessageKind, Vec<u8>)>,
    begun: Vec<u8>,
    key: String,
    witness: Witness,
}

impl End {
    pub(super) fn new(role: Role, setting: &Setting) -> Self {
        let now = Time::from_micros(1);
        let options = Arc::new(setting.options());
        let (longest, streaming) = (options.max_message_size, options.streaming);
        let mut output = Output::new();
        let url = WebSocketUrl::parse("ws://h/").expect("a URL");
        let protocol = match (setting.handshake, role) {
            (true, Role::Client) => {
                Protocol::client(&url, options, &mut output, now).expect("good options")
            }
            (true, Role::Server) => Protocol::server(options, now),
            (false, role) => with(Protocol::open(role, options, now), setting.agreed()),
        };
        let witness = Witness::new(role, setting);
        let mut end = Self {
            protocol,
            input: if setting.tight {
                Input::with_incomplete_limit(TIGHT)
            } else {
                Input::new()
            },
            output,
            now,
            longest,
            streaming,
            compression: setting.compression,
            told: Vec::new(),
            peer_begun: false,
            sending: None,
            taken: VecDeque::new(),
            begun: Vec::new(),
            key: String::new(),
            witness,
        };
        if let Some(key) = std::str::from_utf8(end.output.bytes())
            .ok()
            .and_then(|head| head.split_once("Sec-WebSocket-Key: "))
            .and_then(|(_, rest)| rest.split_once("\r\n"))
        {
            end.key = key.0.to_owned();
        }
        end.settle();
        end
    }

    pub(super) fn apply(&mut self, op: &Op<'_>, sizes: &[u8]) {
        let role = self.protocol.role();
        match op {
            Op::Greet {
                extension,
                cut,
                subprotocol,
            } if self.is_opening() => {
                let mut bytes = self.greeting(*extension, *subprotocol);
                bytes.truncate(bytes.len() - usize::from(*cut).min(bytes.len()));
                self.receive(&bytes, sizes);
            }
            Op::Greet { .. } => {}
            Op::Bytes(bytes) => self.receive(bytes, sizes),
            Op::Frame { first, payload } => {
                self.receive(&frame_to(role, *first, &payload.bytes()), sizes);
            }
            Op::Message {
                text,
                fin,
                compressed,
                payload,
            } => {
                let mut payload = payload.bytes();
                if *text {
                    payload = String::from_utf8_lossy(&payload).into_owned().into_bytes();
                }
                let mut first = if self.peer_begun {
                    0
                } else if *text {
                    1
                } else {
                    2
                };
                if *compressed && !self.peer_begun {
                    payload = deflated(&payload);
                    first |= 0x40;
                }
                self.peer_begun = !fin;
                first |= if *fin { 0x80 } else { 0 };
                self.receive(&frame_to(role, first, &payload), sizes);
            }
            Op::Header { first, length } => self.receive(&header_to(role, *first, *length), sizes),
            Op::Wait(millis) => {
                self.now = self.now + Duration::from_millis(u64::from(*millis) % 60_000);
                self.protocol.on_deadline(&mut self.output, self.now);
            }
            Op::Pause(paused) => self.protocol.set_paused(*paused, self.now),
            Op::Block(blocked) => self.output.set_blocked(*blocked),
            Op::ReleasePong => {
                self.output.set_blocked(false);
                self.protocol
                    .release_pong(&mut self.output)
                    .expect("random bytes");
            }
            Op::Progress => self.protocol.on_progress(self.now),
            Op::Eof => self.protocol.on_eof(&mut self.output, self.now),
            Op::Abort => self.protocol.abort(self.now),
            op => self.call(op),
        }
        self.settle();
    }

    /// The calls that may be refused: nothing is written then.
    fn call(&mut self, op: &Op<'_>) {
        let before = self.output.bytes().len();
        let open = self.protocol.is_open();
        let output = &mut self.output;
        let refused = match op {
            Op::Send { text, payload } => {
                let (kind, payload) = (kind(*text), payload.bytes());
                let good = kind == MessageKind::Binary || std::str::from_utf8(&payload).is_ok();
                let sent = self.protocol.send(output, kind, &payload);
                assert_eq!(
                    sent.is_ok(),
                    open && good && self.sending.is_none(),
                    "{sent:?}"
                );
                if sent.is_ok() {
                    self.taken.push_back((kind, payload));
                }
                sent.is_err()
            }
            Op::SendFragment {
                text,
                last,
                payload,
            } => {
                let (kind, payload) = (kind(*text), payload.bytes());
                let sent = self.protocol.send_fragment(output, kind, &payload, *last);
                let follows = self.sending.is_none_or(|begun| begun == kind);
                assert!(sent.is_err() || (open && follows));
                assert!(sent.is_ok() || !open || !follows || kind == MessageKind::Text);
                if sent.is_ok() {
                    self.begun.extend_from_slice(&payload);
                    self.sending = (!last).then_some(kind);
                    if *last {
                        self.taken
                            .push_back((kind, std::mem::take(&mut self.begun)));
                    }
                }
                sent.is_err()
            }
            Op::Ping(payload) | Op::Pong(payload) => {
                let sent = if matches!(op, Op::Ping(_)) {
                    self.protocol.ping(output, payload)
                } else {
                    self.protocol.pong(output, payload)
                };
                assert_eq!(sent.is_ok(), open && payload.len() <= 125, "{sent:?}");
                sent.is_err()
            }
            Op::Close { code, reason } => {
                let code = CloseCode::new(*code);
                let closed = self.protocol.close(output, code, reason, self.now);
                match closed {
                    Ok(()) => assert!(
                        code.is_sendable() || (code == CloseCode::NO_STATUS && reason.is_empty())
                    ),
                    Err(SendError::InvalidCloseCode(_)) => {
                        assert!(!code.is_sendable() || code == CloseCode::NO_STATUS)
                    }
                    Err(SendError::ControlTooLong(length)) => {
                        assert!(length == reason.len() && length > 123)
                    }
                    Err(SendError::Closed) => assert!(!open),
                    Err(other) => panic!("{other:?}"),
                }
                closed.is_err()
            }
            Op::Accept { subprotocol } => {
                let waits = self.protocol.awaits_decision();
                let accept = Accept {
                    subprotocol: subprotocol.then_some("chat"),
                    headers: None,
                };
                let accepted = self.protocol.accept(output, &accept, self.now);
                assert!(waits || accepted.is_err());
                accepted.is_err()
            }
            Op::Refuse { status, body } => {
                let Ok(refusal) = Refusal::new(*status, *body) else {
                    return assert!(!(200..600).contains(status));
                };
                let waits = self.protocol.awaits_decision();
                let refused = self.protocol.refuse(output, &refusal, self.now);
                assert_eq!(refused.is_ok(), waits);
                refused.is_err()
            }
            _ => false,
        };
        assert!(
            !refused || self.output.bytes().len() == before,
            "{op:?} was refused and wrote"
        );
    }

    /// Whether the handshake is still to come; behind it a greeting, with the twin's other key, would be another payload.
    fn is_opening(&self) -> bool {
        !(self.told.iter()).any(|told| matches!(told, Told::Opened(..) | Told::Closed(_)))
    }

    fn greeting(&self, extension: bool, subprotocol: bool) -> Vec<u8> {
        let mut headers = Headers::new();
        let mut push = |name, value| headers.push(name, value).expect("a field");
        push("Upgrade", "websocket");
        push("Connection", "Upgrade");
        if extension {
            push("Sec-WebSocket-Extensions", "permessage-deflate");
        }
        if subprotocol {
            push("Sec-WebSocket-Protocol", "chat");
        }
        let accept = accept_key(&self.key);
        let mut bytes = match self.protocol.role() {
            Role::Server => {
                push("Host", "h");
                push("Sec-WebSocket-Version", "13");
                push("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
                b"GET / HTTP/1.1\r\n".to_vec()
            }
            Role::Client => {
                push("Sec-WebSocket-Accept", &accept);
                b"HTTP/1.1 101 x\r\n".to_vec()
            }
        };
        headers.write_to(&mut bytes);
        bytes.extend_from_slice(b"\r\n");
        bytes
    }

    fn receive(&mut self, bytes: &[u8], sizes: &[u8]) {
        for piece in crate::pieces(bytes, sizes) {
            self.input.extend(piece);
            self.settle();
        }
    }

    /// Takes all events, hands what is sent to the witness, and holds the state against the contract.
    fn settle(&mut self) {
        while let Some(event) =
            self.protocol
                .next_event(&mut self.input, &mut self.output, self.now)
        {
            assert!(
                !matches!(self.told.last(), Some(Told::Closed(_))),
                "{event:?} after the end"
            );
            if let Event::Message { payload, .. } = &event {
                assert!(!self.streaming && payload.len() as u64 <= self.longest);
            }
            if let Event::Opened(opened) = &event {
                self.witness.opened(&opened.extensions);
            }
            keep(&mut self.told, event);
        }
        assert!(self.input.is_empty(), "bytes are left over");
        let ended = matches!(self.told.last(), Some(Told::Closed(_)));
        assert_eq!(ended, self.protocol.is_ended());
        assert!(self.input.incomplete_bytes() <= 512 << 20);
        assert!(!ended || self.input.incomplete_bytes() == 0);
        if let Some(Told::Closed(closed)) = self.told.last() {
            check_end(closed);
        }
        if let Some(deadline) = self
            .protocol
            .next_deadline()
            .filter(|&deadline| deadline <= self.now)
        {
            // It is due now; done once, it must not be due at the same time again.
            self.protocol.on_deadline(&mut self.output, self.now);
            assert!(
                self.protocol
                    .next_deadline()
                    .is_none_or(|next| next > deadline.min(self.now))
            );
            return self.settle();
        }
        self.witness.read(self.output.bytes());
        let size = self.output.bytes().len();
        self.output.consume(size);
    }

    pub(super) fn verdict(&self) -> Verdict<'_> {
        Verdict {
            told: self.comparable(),
            witnessed: if self.compression {
                &[]
            } else {
                &self.witness.told
            },
            sent_head: self.witness.sent_head,
            shutdown: self.protocol.shutdown(),
            deadline: self.protocol.next_deadline(),
        }
    }

    /// Of compressed messages the first error may be another one where more is at hand: they are compared up to the end.
    fn comparable(&self) -> &[Told] {
        match self.told.split_last() {
            Some((Told::Closed(_), before)) if self.compression => before,
            _ => &self.told,
        }
    }

    /// Ends it, whatever it stands at.
    pub(super) fn finish(mut self) {
        self.protocol.abort(self.now);
        self.settle();
        assert!(matches!(self.told.last(), Some(Told::Closed(_))));
        assert_eq!(self.input.incomplete_bytes(), 0);
        assert_eq!(self.protocol.shutdown(), Shutdown::Drop);
        assert_eq!(self.protocol.next_deadline(), None);
        let messages = self.witness.told.iter().filter_map(|told| match told {
            Told::Message(kind, payload, true) => Some((*kind, payload.clone())),
            _ => None,
        });
        assert!(
            messages.eq(self.taken),
            "what was sent is not what was read"
        );
    }
}

pub(super) fn with(
    protocol: Protocol,
    agreed: Option<ropeway_core::deflate::Parameters>,
) -> Protocol {
    match agreed {
        Some(agreed) => protocol.with_deflate(agreed),
        None => protocol,
    }
}

pub(super) fn keep(told: &mut Vec<Told>, event: Event<'_>) {
    match event {
        Event::UpgradeRequest(request) | Event::HttpRequest(request) => {
            told.push(Told::Request(format!("{request:?}")));
        }
        Event::Opened(opened) => {
            told.push(Told::Opened(
                opened.subprotocol.clone(),
                opened.extensions.len(),
            ));
        }
        Event::Message { kind, payload } => told.push(Told::Message(kind, payload.to_vec(), true)),
        Event::Fragment {
            kind,
            payload,
            first,
            last,
        } => {
            // Control frames may stand in between.
            let begun = told
                .iter_mut()
                .rev()
                .find(|told| matches!(told, Told::Message(_, _, false)));
            match begun {
                Some(Told::Message(of, whole, ended)) if !first => {
                    assert_eq!(*of, kind);
                    whole.extend_from_slice(payload);
                    *ended = last;
                }
                begun => {
                    assert!(first && begun.is_none());
                    told.push(Told::Message(kind, payload.to_vec(), last));
                }
            }
        }
        Event::Ping { payload } => told.push(Told::Ping(payload.to_vec())),
        Event::Pong {
            payload,
            round_trip,
        } => told.push(Told::Pong(payload.to_vec(), round_trip)),
        Event::Closed(closed) => {
            // How much of a streamed message was told before it broke off depends on the portions.
            told.retain(|told| !matches!(told, Told::Message(_, _, false)));
            let mut closed = Box::new(closed.clone());
            if let Some(Error::Handshake(error)) = &closed.cause {
                // Errors show the key, which is another one on the twin.
                closed.cause = Some(Error::Handshake(HandshakeError::Refused(error.status())));
            }
            told.push(Told::Closed(closed));
        }
        other => panic!("{other:?}"),
    }
}

/// The end has a cause that may be, and figures that fit it.
fn check_end(closed: &Closed) {
    match &closed.cause {
        None => assert!(closed.is_clean()),
        Some(Error::Limit {
            limit,
            value,
            actual,
            ..
        }) => {
            assert!(matches!(
                limit,
                Limit::MessageSize | Limit::Fragments | Limit::IncompleteMessages
            ));
            assert!(actual > value);
        }
        Some(
            Error::Frame(_)
            | Error::Inflate(_)
            | Error::Handshake(_)
            | Error::Timeout { .. }
            | Error::ConnectionLost
            | Error::Aborted,
        ) => {}
        Some(other) => panic!("{other:?}"),
    }
    if let (Some(sent), Some(cause)) = (&closed.sent, &closed.cause)
        && closed.received.is_none()
        && cause.fault() == Fault::Peer
    {
        assert!(sent.code.is_sendable() || sent.code == CloseCode::NO_STATUS);
    }
}
