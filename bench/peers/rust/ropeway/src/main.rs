//! Ropeway's protocol without a socket.
//!
//! `peer-ropeway codec ...` as all peers: what is received is copied from memory, as a socket's is. With `in-place` for `codec`
//! the same bytes are parsed again and again where they are; their masking keys must then be 0.

use std::sync::Arc;

use bytes::Bytes;
use common::{Failure, LIMIT, Memory, READ, Socket};
use ropeway_core::Role;
use ropeway_core::deflate::Compress;
use ropeway_core::protocol::{Event, Input, MessageKind, Options, Output, Protocol, Time};

/// What is copied at a time while messages are small, to stay in the first-level cache.
const PIECE: usize = 16 << 10;
/// From this size on messages are large: of smaller pieces too few would hold a whole one.
const LARGE: usize = 4 << 10;

struct Connection {
    memory: Memory,
    protocol: Protocol,
    input: Input,
    output: Output,
    in_place: bool,
    /// How long the last message was.
    last: usize,
}

impl Connection {
    fn new(memory: Memory, is_client: bool, in_place: bool) -> Self {
        let role = if is_client {
            Role::Client
        } else {
            Role::Server
        };
        let options = Options {
            max_message_size: LIMIT as u64,
            ..Options::default()
        };
        let mut input = Input::new();
        if in_place {
            input.extend(memory.frames());
        }
        Connection {
            protocol: Protocol::open(role, Arc::new(options), now()),
            memory,
            input,
            output: Output::new(),
            in_place,
            last: 0,
        }
    }

    fn receive(&mut self) {
        if self.in_place {
            let length = self.memory.frames().len();
            self.input.spare(length);
            self.input.filled(length);
        } else {
            let most = if self.last < LARGE { PIECE } else { READ };
            self.protocol
                .receive(&mut self.input, self.memory.read(most));
        }
    }

    fn send(&mut self) {
        let bytes = self.output.bytes();
        self.memory.write(bytes);
        let length = bytes.len();
        self.output.consume(length);
    }
}

fn now() -> Time {
    Time::from_micros(1)
}

impl Socket for Connection {
    type Message = (MessageKind, Bytes);

    fn message(is_text: bool, payload: Bytes) -> Self::Message {
        (
            if is_text {
                MessageKind::Text
            } else {
                MessageKind::Binary
            },
            payload,
        )
    }

    fn payload(message: Self::Message) -> Bytes {
        message.1
    }

    async fn next(&mut self) -> Result<Option<Self::Message>, Failure> {
        Err("messages are lent".into())
    }

    async fn skip(&mut self) -> Result<usize, Failure> {
        loop {
            match self
                .protocol
                .next_event(&mut self.input, &mut self.output, now())
            {
                Some(Event::Message { payload, .. }) => {
                    self.last = std::hint::black_box(&payload).len();
                    return Ok(self.last);
                }
                Some(_) => return Err("no message".into()),
                None => self.receive(),
            }
        }
    }

    async fn feed(&mut self, (kind, payload): Self::Message) -> Result<(), Failure> {
        let rest =
            self.protocol
                .send_lent(&mut self.output, kind, &payload, Compress::ByOptions)?;
        if !rest.is_empty() {
            self.send();
            self.memory.write(rest);
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), Failure> {
        self.send();
        Ok(())
    }
}

fn main() -> Result<(), Failure> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (first, rest) = words.split_first().ok_or("codec or in-place")?;
    let in_place = first == "in-place";
    common::measure_codec(rest, |memory, is_client| {
        Some(Connection::new(memory, is_client, in_place))
    })
}
