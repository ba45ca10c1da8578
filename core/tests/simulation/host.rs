//! A driver as an engine is one: many connections with one receive buffer and one output, a queue for what the network
//! does not take, and the calls of an application.

use std::io;
use std::sync::Arc;

use ropeway_core::deflate::Compress;
use ropeway_core::frame::CloseCode;
use ropeway_core::handshake::Refusal;
use ropeway_core::protocol::{
    Accept, Closed, Event, Input, MessageKind, Options, Output, Protocol, Shutdown, Time,
};
use ropeway_core::{Error, IoError, Role};

use crate::message::Message;
use crate::network::{Pipe, Read};

/// What may stand in a queue beside messages: one pong, two Close frames, pings of an application.
pub(crate) const RESERVE: usize = 4096;

/// One end of a connection.
pub(crate) struct Connection {
    pub(crate) protocol: Protocol,
    /// Bytes that the network has not taken.
    pub(crate) queue: Vec<u8>,
    pub(crate) opened: bool,
    /// What the application was told has been taken to be sent.
    pub(crate) accepted: Vec<Message>,
    /// The longest of them, in bytes.
    pub(crate) longest: usize,
    /// What it was handed out, in order: how many, and of the message under way its bytes.
    pub(crate) delivered: usize,
    pub(crate) under_way: Vec<u8>,
    /// The message it sends in fragments: which, and how far.
    pub(crate) sending: Option<(Message, usize)>,
    pub(crate) closed: Option<Closed>,
    /// The transport is closed.
    pub(crate) gone: bool,
    pub(crate) decides: bool,
    pub(crate) limit: usize,
}

impl Connection {
    fn accept(&mut self, message: Message) {
        self.accepted.push(message);
        self.longest = self.longest.max(message.size);
    }
}

/// What a step has brought the application.
#[derive(Debug, PartialEq)]
pub(crate) enum News {
    Opened,
    Asked,
    Message(MessageKind, Vec<u8>),
    Ping,
    Pong,
    Closed,
}

pub(crate) struct Host {
    pub(crate) input: Input,
    pub(crate) budget: u64,
    output: Output,
}

impl Host {
    pub(crate) fn new(budget: u64) -> Self {
        Self {
            input: Input::with_incomplete_limit(budget),
            budget,
            output: Output::new(),
        }
    }

    pub(crate) fn connect(&mut self, role: Role, options: Options, now: Time) -> Connection {
        let limit = options.send_queue_limit as usize;
        let options = Arc::new(options);
        let protocol = match role {
            Role::Client => {
                let url = "ws://example.com/".parse().expect("a URL");
                Protocol::client(&url, options, &mut self.output, now).expect("good options")
            }
            Role::Server => Protocol::server(options, now),
        };
        let mut connection = Connection {
            protocol,
            queue: Vec::new(),
            opened: false,
            accepted: Vec::new(),
            longest: 0,
            delivered: 0,
            under_way: Vec::new(),
            sending: None,
            closed: None,
            gone: false,
            decides: false,
            limit,
        };
        self.collect(&mut connection);
        connection
    }

    /// Reads once.
    pub(crate) fn read(
        &mut self,
        connection: &mut Connection,
        pipe: &mut Pipe,
        most: usize,
        now: Time,
    ) -> Vec<News> {
        self.output.set_blocked(!connection.queue.is_empty());
        match pipe.read(most, now) {
            None => return Vec::new(),
            Some(Read::Bytes(bytes)) => self.input.extend(&bytes),
            Some(Read::End) => connection.protocol.on_eof(&mut self.output, now),
            Some(Read::Reset) => {
                let error = io::Error::from(io::ErrorKind::ConnectionReset);
                connection
                    .protocol
                    .on_transport_error(Error::Io(IoError::new("read", &error)), now);
            }
        }
        self.drain(connection, now)
    }

    /// Writes once from the queue.
    pub(crate) fn write(
        &mut self,
        connection: &mut Connection,
        pipe: &mut Pipe,
        most: usize,
        now: Time,
    ) {
        let count = pipe.write(&connection.queue[..most.min(connection.queue.len())], now);
        connection.queue.drain(..count);
        if count > 0 {
            connection.protocol.on_progress(now);
        }
        if connection.queue.is_empty() {
            self.output.set_blocked(false);
            connection
                .protocol
                .release_pong(&mut self.output)
                .expect("random bytes");
            self.collect(connection);
        }
    }

    pub(crate) fn on_deadline(&mut self, connection: &mut Connection, now: Time) -> Vec<News> {
        self.output.set_blocked(!connection.queue.is_empty());
        connection.protocol.on_deadline(&mut self.output, now);
        self.drain(connection, now)
    }

    /// What the protocol tells. Bytes it leaves are moved to the queue.
    pub(crate) fn drain(&mut self, connection: &mut Connection, now: Time) -> Vec<News> {
        let mut news = Vec::new();
        while let Some(event) =
            connection
                .protocol
                .next_event(&mut self.input, &mut self.output, now)
        {
            assert!(connection.closed.is_none(), "{event:?} after the end");
            match event {
                Event::Opened(_) => {
                    connection.opened = true;
                    news.push(News::Opened);
                }
                Event::UpgradeRequest(_) => news.push(News::Asked),
                Event::Message { kind, payload } => {
                    news.push(News::Message(kind, payload.to_vec()))
                }
                Event::Fragment {
                    kind,
                    payload,
                    first,
                    last,
                } => {
                    assert_eq!(first, connection.under_way.is_empty());
                    // An empty piece can only be the last one.
                    connection.under_way.extend_from_slice(payload);
                    if last {
                        news.push(News::Message(
                            kind,
                            std::mem::take(&mut connection.under_way),
                        ));
                    }
                }
                Event::Ping { .. } => news.push(News::Ping),
                Event::Pong { .. } => news.push(News::Pong),
                Event::Closed(closed) => {
                    connection.closed = Some(closed.clone());
                    news.push(News::Closed);
                }
                other => panic!("{other:?}"),
            }
        }
        assert!(self.input.is_empty(), "bytes are left over");
        assert!(
            self.input.incomplete_bytes() <= self.budget,
            "the budget is passed"
        );
        assert_eq!(connection.closed.is_some(), connection.protocol.is_ended());
        self.collect(connection);
        news
    }

    fn collect(&mut self, connection: &mut Connection) {
        connection.queue.extend_from_slice(self.output.bytes());
        self.output.consume(usize::MAX);
    }

    /// Sends a message whole, if the queue has room; all or nothing, as an engine does it.
    pub(crate) fn send(
        &mut self,
        connection: &mut Connection,
        message: Message,
        compress: Compress,
    ) -> bool {
        let bytes = message.bytes();
        let full =
            !connection.queue.is_empty() && connection.queue.len() + bytes.len() > connection.limit;
        if full || connection.sending.is_some() {
            return false;
        }
        let sent = connection
            .protocol
            .send_with(&mut self.output, message.kind, &bytes, compress);
        assert_eq!(sent.is_ok(), connection.protocol.is_open(), "{sent:?}");
        if sent.is_ok() {
            connection.accept(message);
        }
        self.collect(connection);
        sent.is_ok()
    }

    /// Sends up to `count` bytes more of the message that goes in fragments, or begins `message`.
    pub(crate) fn send_fragment(
        &mut self,
        connection: &mut Connection,
        message: Message,
        count: usize,
    ) -> bool {
        let (message, from) = connection.sending.unwrap_or((message, 0));
        let bytes = message.bytes();
        let end = bytes.len().min(from + count);
        let full =
            !connection.queue.is_empty() && connection.queue.len() + count > connection.limit;
        if full {
            return false;
        }
        let last = end == bytes.len();
        let sent = connection.protocol.send_fragment(
            &mut self.output,
            message.kind,
            &bytes[from..end],
            last,
        );
        assert_eq!(sent.is_ok(), connection.protocol.is_open(), "{sent:?}");
        if sent.is_ok() {
            connection.sending = (!last).then_some((message, end));
            if last {
                connection.accept(message);
            }
        }
        self.collect(connection);
        sent.is_ok()
    }

    pub(crate) fn ping(&mut self, connection: &mut Connection) {
        if connection.queue.len() < connection.limit {
            let _ = connection.protocol.ping(&mut self.output, b"ping");
            self.collect(connection);
        }
    }

    pub(crate) fn close(&mut self, connection: &mut Connection, now: Time) -> Vec<News> {
        let before = connection.queue.len();
        let open = connection.protocol.is_open();
        let closed = connection
            .protocol
            .close(&mut self.output, CloseCode::NORMAL, "enough", now);
        let news = self.drain(connection, now);
        // However full the queue, the Close frame finds its place.
        assert!(closed.is_err() || !open || connection.queue.len() > before);
        news
    }

    pub(crate) fn abort(&mut self, connection: &mut Connection, now: Time) -> Vec<News> {
        connection.protocol.abort(now);
        self.drain(connection, now)
    }

    pub(crate) fn decide(
        &mut self,
        connection: &mut Connection,
        accepts: bool,
        now: Time,
    ) -> Vec<News> {
        if accepts {
            connection
                .protocol
                .accept(&mut self.output, &Accept::default(), now)
                .expect("it was asked");
        } else {
            let refusal = Refusal::new(403, "no\n").expect("a refusal");
            connection
                .protocol
                .refuse(&mut self.output, &refusal, now)
                .expect("it was asked");
        }
        self.drain(connection, now)
    }

    /// Ends the sending direction or closes the transport, when it is time.
    pub(crate) fn shut_down(&mut self, connection: &mut Connection, sends: &mut Pipe, now: Time) {
        if connection.gone {
            return;
        }
        let sent = connection.queue.is_empty();
        match connection.protocol.shutdown() {
            Shutdown::No | Shutdown::AwaitEnd => {}
            Shutdown::HalfClose => {
                if sent {
                    sends.finish(now);
                }
            }
            Shutdown::Close if !sent => {}
            Shutdown::Close | Shutdown::Drop => {
                connection.gone = true;
                connection.queue.clear();
                connection.protocol.release(&mut self.input);
                sends.finish(now);
            }
        }
    }
}
