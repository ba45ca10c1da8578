//! What the applications say and are told.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::super::{ConnectionId, Connections, Event, EventKind, Remote};
use super::message::Message;
use super::random::Random;
use super::seeds::Extent;
use crate::deflate::{Compress, Compression};
use crate::error::{Deadline, Error, Role, SendError};
use crate::frame::CloseCode;
use crate::handshake::{HandshakeError, Refusal};
use crate::protocol::{Accept, Closed, MessageKind, Options, Time};

const TOPIC: &str = "topic";

/// A message that the engine has taken. Unless it is `sure`, it may have been dropped without a word to its sender: published
/// to a slow subscriber, or sent by another thread to a connection that was not open.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said {
    pub(super) message: Message,
    pub(super) sure: bool,
}

/// One end of a connection, as its application knows it.
pub(super) struct End {
    pub(super) id: ConnectionId,
    pub(super) options: Arc<Options>,
    pub(super) opened: bool,
    pub(super) said: Vec<Said>,
    /// The longest of them, in bytes.
    pub(super) longest: usize,
    /// How many of the other end's messages have been told, or passed over.
    heard: usize,
    under_way: Vec<u8>,
    sending: Option<(Message, usize)>,
    pub(super) closed: Option<Closed>,
    decides: bool,
    paused: bool,
    /// When it was last read again after a pause.
    resumed: Time,
    /// It has been told to close: what comes until the peer's Close frame is told, in a pause too.
    closes: bool,
    subscribed: bool,
}

impl End {
    pub(super) fn new(id: ConnectionId, options: Arc<Options>) -> Self {
        Self {
            id,
            options,
            opened: false,
            said: Vec::new(),
            longest: 0,
            heard: 0,
            under_way: Vec::new(),
            sending: None,
            closed: None,
            decides: false,
            paused: false,
            resumed: Time::from_micros(0),
            closes: false,
            subscribed: false,
        }
    }
}

/// A connection with both its ends: 0 is the client's, 1 the server's.
pub(super) struct Line {
    pub(super) ends: [End; 2],
    /// Whether the network or an application has done something that ends a connection without a closing handshake.
    pub(super) disturbed: bool,
}

pub(super) struct Talk {
    pub(super) now: Time,
    pub(super) random: Random,
    pub(super) lines: Vec<Line>,
    pub(super) remotes: [Remote; 2],
    /// What other threads have had each engine told, and it has not taken yet: which connection's, and what.
    commands: [Vec<(usize, Message)>; 2],
    pub(super) messages: u64,
    pub(super) faults: u64,
    numbers: u64,
    pub(super) extent: Extent,
    /// Nobody breaks anything off.
    pub(super) calm: bool,
    pub(super) shown: bool,
}

impl Talk {
    pub(super) fn new(
        random: Random,
        extent: Extent,
        remotes: [Remote; 2],
        calm: bool,
        shown: bool,
    ) -> Self {
        Self {
            now: Time::from_micros(0),
            random,
            lines: Vec::new(),
            remotes,
            commands: [Vec::new(), Vec::new()],
            messages: 0,
            faults: 0,
            numbers: 0,
            extent,
            calm,
            shown,
        }
    }

    pub(super) fn options(&mut self, role: Role) -> Arc<Options> {
        let random = &mut self.random;
        let compression = Compression {
            enabled: Some(random.one_in(2)),
            server_no_context_takeover: Some(random.one_in(2)),
            client_no_context_takeover: Some(random.one_in(2)),
            server_max_window_bits: random.pick(&[15, 15, 10]),
            threshold: 20,
            ..Compression::default()
        };
        let limit = random.pick(&[3000, 50_000, 1 << 20]);
        Arc::new(Options {
            max_message_size: random.pick(&[5000, 100_000, 1 << 20]),
            streaming: random.one_in(4),
            ask_upgrade: role == Role::Server && random.one_in(3),
            idle_timeout: Duration::from_secs(random.pick(&[0, 0, 25])),
            send_queue_limit: limit,
            send_queue_high: limit / 2,
            send_queue_low: limit / 8,
            close_slow_subscribers: random.one_in(4),
            compression,
            ..Options::default()
        })
    }

    /// Something that an application does with one of its connections.
    pub(super) fn act(&mut self, side: usize, line: usize, connections: &mut Connections) {
        let id = self.lines[line].ends[side].id;
        match self.random.below(if self.calm { 30 } else { 34 }) {
            0..10 => {
                for _ in 0..=self.random.below(8) {
                    self.send(side, line, connections);
                }
            }
            10..15 => self.send_fragment(side, line, connections),
            15..18 => {
                let pinged = connections.ping(id, b"ping");
                self.check_sent(side, line, pinged.err());
            }
            18..20 => self.send_remotely(side, line),
            20..22 => self.publish(side, connections),
            22 => {
                let subscribes = self.random.one_in(2);
                let end = &mut self.lines[line].ends[side];
                let done = if subscribes {
                    connections.subscribe(id, TOPIC)
                } else {
                    connections.unsubscribe(id, TOPIC)
                };
                end.subscribed = subscribes && done.is_ok();
            }
            23..25 => self.pause(side, line, connections),
            25..27 => self.resume(side, line, connections),
            27 => connections.flush(),
            28 => self.close(side, line, connections),
            29 => {
                self.show(side, line, "is closed by another thread");
                let Line { ends, disturbed } = &mut self.lines[line];
                *disturbed |= !ends[side].opened;
                ends[side].closes = true;
                let closed = self.remotes[side].close(id, CloseCode::NORMAL, "enough");
                closed.expect("the engine is there");
            }
            30 => {
                self.disturb(side, line, "aborts");
                let _ = connections.abort(id);
            }
            31 => {
                self.disturb(side, line, "is aborted by another thread");
                self.remotes[side].abort(id).expect("the engine is there");
            }
            _ => {}
        }
        self.decide(side, line, connections);
    }

    fn message(&mut self) -> Message {
        self.numbers += 1;
        Message::any(&mut self.random, self.numbers, self.extent.longest)
    }

    /// A message that no other is like, since it may be dropped.
    fn distinct_message(&mut self) -> Message {
        let message = self.message();
        let size = message.size.max(16);
        Message { size, ..message }
    }

    fn send(&mut self, side: usize, line: usize, connections: &mut Connections) {
        let message = self.message();
        let compress = self
            .random
            .pick(&[Compress::ByOptions, Compress::Never, Compress::Always]);
        let id = self.lines[line].ends[side].id;
        let sent = match compress {
            Compress::ByOptions => connections.send(id, message.kind, &message.bytes()),
            _ => connections.send_with(id, message.kind, &message.bytes(), compress),
        };
        if sent.is_ok() {
            self.show(side, line, &format!("sends {message:?}"));
            self.said(side, line, message, true);
        }
        self.check_sent(side, line, sent.err());
    }

    fn said(&mut self, side: usize, line: usize, message: Message, sure: bool) {
        let end = &mut self.lines[line].ends[side];
        end.said.push(Said { message, sure });
        end.longest = end.longest.max(message.size);
    }

    fn send_fragment(&mut self, side: usize, line: usize, connections: &mut Connections) {
        let (message, count) = (self.message(), self.random.below(5000));
        let end = &mut self.lines[line].ends[side];
        let (message, from) = end.sending.unwrap_or((message, 0));
        let bytes = message.bytes();
        let to = bytes.len().min(from + count);
        let last = to == bytes.len();
        let sent = connections.send_fragment(end.id, message.kind, &bytes[from..to], last);
        if sent.is_ok() {
            end.sending = (!last).then_some((message, to));
            if last {
                self.said(side, line, message, true);
            }
        }
        self.check_sent(side, line, sent.err());
    }

    /// Why something was not sent, if it was not.
    fn check_sent(&self, side: usize, line: usize, error: Option<SendError>) {
        let end = &self.lines[line].ends[side];
        match error {
            None => assert!(end.opened && end.closed.is_none()),
            Some(SendError::Full { queued, limit }) => {
                assert!(queued > 0 && limit == end.options.send_queue_limit);
            }
            Some(SendError::MessageInProgress) => assert!(end.sending.is_some()),
            Some(SendError::NotOpen) => assert!(!end.opened),
            Some(SendError::Closed) => {}
            Some(error) => panic!("{error:?}"),
        }
    }

    fn send_remotely(&mut self, side: usize, line: usize) {
        let message = self.distinct_message();
        let id = self.lines[line].ends[side].id;
        let sent = self.remotes[side].send(id, message.kind, message.bytes());
        if sent.is_ok() {
            self.commands[side].push((line, message));
        } else {
            assert!(matches!(sent, Err(Error::Limit { .. })), "{sent:?}");
        }
    }

    /// The engine has carried out what other threads want.
    pub(super) fn obeyed(&mut self, side: usize, is_open: impl Fn(ConnectionId) -> bool) {
        for (line, message) in std::mem::take(&mut self.commands[side]) {
            let sure = is_open(self.lines[line].ends[side].id);
            self.show(side, line, &format!("sends {message:?} by another thread"));
            self.said(side, line, message, sure);
        }
    }

    fn publish(&mut self, side: usize, connections: &mut Connections) {
        let message = self.distinct_message();
        let result = connections.publish(TOPIC, message.kind, &message.bytes(), None);
        let subscribed = |line: &usize| self.lines[*line].ends[side].subscribed;
        let receivers: Vec<usize> = (0..self.lines.len()).filter(subscribed).collect();
        assert!(result.expect("good text") <= self.lines.len());
        for line in receivers {
            self.show(side, line, &format!("may get published {message:?}"));
            self.said(side, line, message, false);
        }
    }

    fn pause(&mut self, side: usize, line: usize, connections: &mut Connections) {
        self.show(side, line, "pauses");
        let end = &mut self.lines[line].ends[side];
        let paused = connections.pause(end.id);
        assert!(paused.is_ok() || end.closed.is_some());
        end.paused = true;
    }

    pub(super) fn resume(&mut self, side: usize, line: usize, connections: &mut Connections) {
        let end = &mut self.lines[line].ends[side];
        let resumed = connections.resume(end.id);
        assert!(resumed.is_ok() || end.closed.is_some());
        if std::mem::take(&mut end.paused) {
            end.resumed = self.now;
        }
    }

    pub(super) fn close(&mut self, side: usize, line: usize, connections: &mut Connections) {
        self.show(side, line, "closes");
        let Line { ends, disturbed } = &mut self.lines[line];
        *disturbed |= !ends[side].opened;
        ends[side].closes = true;
        // However full the queue, the Close frame finds its place.
        let closed = connections.close(ends[side].id, CloseCode::NORMAL, "enough");
        assert!(
            matches!(closed, Ok(()) | Err(SendError::Closed)),
            "{closed:?}"
        );
    }

    pub(super) fn decide(&mut self, side: usize, line: usize, connections: &mut Connections) {
        if !std::mem::take(&mut self.lines[line].ends[side].decides) {
            return;
        }
        let accepts = !self.random.one_in(5);
        self.show(side, line, if accepts { "accepts" } else { "refuses" });
        let id = self.lines[line].ends[side].id;
        let decided = if accepts {
            connections.accept(id, &Accept::default())
        } else {
            connections.refuse(id, &Refusal::new(403, "no\n").expect("a refusal"))
        };
        // Its time may be over, or an abort not told yet.
        assert!(matches!(
            decided,
            Ok(()) | Err(Error::UnknownId | Error::Misuse(_))
        ));
    }

    /// What an engine tells, held against what the other end said. Which connection it was about.
    pub(super) fn hear(&mut self, side: usize, event: &Event<'_>) -> usize {
        let named = |line: &Line| line.ends[side].id == event.id;
        let line = self.lines.iter().position(named).expect("a connection");
        let end = &mut self.lines[line].ends[side];
        assert!(end.closed.is_none(), "{event:?} after the end");
        match &event.kind {
            EventKind::UpgradeRequest(_) => end.decides = true,
            EventKind::Opened(_) => end.opened = true,
            EventKind::Message { kind, payload } => {
                assert!(!end.paused || end.closes, "a message in a pause");
                assert!(payload.len() as u64 <= end.options.max_message_size);
                self.heard(side, line, *kind, payload);
            }
            EventKind::Fragment {
                kind,
                payload,
                first,
                last,
            } => {
                assert_eq!(*first, end.under_way.is_empty());
                end.under_way.extend_from_slice(payload);
                if *last {
                    let message = std::mem::take(&mut end.under_way);
                    self.heard(side, line, *kind, &message);
                }
            }
            EventKind::Closed(closed) => {
                end.closed = Some((*closed).clone());
                end.subscribed = false;
                self.show(side, line, &format!("{closed:?}"));
                self.check_end(side, line);
            }
            EventKind::Undelivered { bytes, .. } => {
                // Which of several of one size it was is not told.
                let same = |said: &&mut Said| said.message.size as u64 == *bytes;
                for said in end.said.iter_mut().filter(same) {
                    said.sure = false;
                }
            }
            EventKind::Ping { .. } | EventKind::Pong { .. } | EventKind::Writable => {}
            other => panic!("{other:?}"),
        }
        line
    }

    fn heard(&mut self, side: usize, line: usize, kind: MessageKind, payload: &[u8]) {
        self.show(
            side,
            line,
            &format!("gets {} bytes of {kind:?}", payload.len()),
        );
        self.messages += 1;
        let [client, server] = &mut self.lines[line].ends;
        let (end, other) = if side == 0 {
            (client, server)
        } else {
            (server, client)
        };
        loop {
            let said = other.said.get(end.heard);
            let said = said.expect("a message that nobody sent, or one that has come before");
            end.heard += 1;
            let message = said.message;
            if message.kind == kind && message.size == payload.len() && message.bytes() == payload {
                return;
            }
            assert!(!said.sure, "{message:?} has not come, but one behind it");
        }
    }

    /// A connection has ended: by a closing handshake with nothing lost, or for a reason that there was.
    fn check_end(&self, side: usize, line: usize) {
        let Line { ends, disturbed } = &self.lines[line];
        let (end, other) = (&ends[side], &ends[1 - side]);
        let closed = end.closed.as_ref().expect("it has ended");
        if closed.received.is_some() && closed.cause.is_none() {
            let lost = other.said[end.heard..].iter().find(|said| said.sure);
            assert!(
                lost.is_none(),
                "{lost:?} stood in front of the Close frame and is lost"
            );
        }
        match &closed.cause {
            None => assert!(closed.is_clean()),
            Some(Error::Aborted) => assert!(*disturbed),
            Some(Error::Io(error)) => {
                assert!(
                    *disturbed || other.closed.is_some(),
                    "no reason for {error:?}"
                );
                let broken = [io::ErrorKind::ConnectionReset, io::ErrorKind::BrokenPipe];
                assert!(broken.contains(&error.kind()), "{error:?}");
            }
            Some(Error::ConnectionLost | Error::Handshake(HandshakeError::Incomplete { .. })) => {
                assert!(*disturbed || other.closed.is_some(), "lost for no reason");
            }
            Some(Error::Limit { value, actual, .. }) => assert!(actual > value),
            Some(Error::Timeout {
                deadline: Deadline::Pong,
                ..
            }) => {
                let wait = end.options.ping_interval + end.options.pong_timeout;
                assert!(self.now.since(end.resumed) >= wait, "silence in a pause");
            }
            Some(Error::Timeout { deadline, .. }) => assert!(matches!(
                deadline,
                Deadline::Open | Deadline::Idle | Deadline::Close
            )),
            Some(Error::Handshake(HandshakeError::Refused(status))) => {
                assert_eq!((*status, side), (403, 1));
            }
            Some(Error::Handshake(HandshakeError::InvalidStatus(response))) => {
                assert!(matches!(response.status, 403 | 408 | 503) && side == 0);
            }
            Some(other) => panic!("an end accuses the other of what it does not do: {other:?}"),
        }
    }

    /// Something that may end a connection without a closing handshake.
    pub(super) fn disturb(&mut self, side: usize, line: usize, what: &str) {
        self.fault(side, line, what);
        self.lines[line].disturbed = true;
    }

    pub(super) fn fault(&mut self, side: usize, line: usize, what: &str) {
        self.show(side, line, what);
        self.faults += 1;
    }

    pub(super) fn show(&self, side: usize, line: usize, what: &str) {
        if self.shown {
            let at = self.now.as_micros() as f64 / 1e6;
            println!("{at:>12.6} {} {line} {what}", ["client", "server"][side]);
        }
    }
}
