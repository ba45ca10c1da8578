//! One end of a connection, fed by hand through the public interface.

use std::sync::Arc;

use ropeway_core::deflate::Parameters;
use ropeway_core::handshake::WebSocketUrl;
use ropeway_core::protocol::{Closed, Event, Input, MessageKind, Options, Output, Protocol, Time};
use ropeway_core::{Error, Role};

pub(crate) const TEXT: u8 = 0x81;
pub(crate) const BINARY: u8 = 0x82;
pub(crate) const BINARY_BEGINS: u8 = 0x02;
pub(crate) const CONTINUES: u8 = 0x00;
pub(crate) const PING: u8 = 0x89;
pub(crate) const COMPRESSED: u8 = 0x40;

pub(crate) const BOTH: [Role; 2] = [Role::Client, Role::Server];
pub(crate) const NOW: Time = Time::from_micros(1);

const MASKING_KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// A protocol and its driver's buffers.
pub(crate) struct Peer {
    pub(crate) protocol: Protocol,
    pub(crate) input: Input,
    pub(crate) output: Output,
    pub(crate) messages: usize,
    pub(crate) closed: Option<Closed>,
}

impl Peer {
    fn new(protocol: Protocol, output: Output) -> Self {
        Self {
            protocol,
            input: Input::new(),
            output,
            messages: 0,
            closed: None,
        }
    }

    /// After the handshake.
    pub(crate) fn open(role: Role, options: Options) -> Self {
        let protocol = Protocol::open(role, Arc::new(options), NOW);
        Self::new(protocol, Output::new())
    }

    /// After a handshake that agreed on compression, each message by itself or not.
    pub(crate) fn compressing(role: Role, takes_over: bool, options: Options) -> Self {
        let protocol = Protocol::open(role, Arc::new(options), NOW).with_deflate(Parameters {
            server_no_context_takeover: !takes_over,
            client_no_context_takeover: !takes_over,
            server_max_window_bits: 15,
            client_max_window_bits: 15,
        });
        Self::new(protocol, Output::new())
    }

    /// Before it, as a server.
    pub(crate) fn server(options: Options) -> Self {
        Self::new(Protocol::server(Arc::new(options), NOW), Output::new())
    }

    /// Before it, as a client that has asked for `/`.
    pub(crate) fn client(options: Options) -> Self {
        let url = WebSocketUrl::parse("ws://example.com/").expect("a URL");
        let mut output = Output::new();
        let protocol =
            Protocol::client(&url, Arc::new(options), &mut output, NOW).expect("a request");
        Self::new(protocol, output)
    }

    /// Takes `bytes` from the transport; messages are counted.
    pub(crate) fn receive(&mut self, bytes: &[u8]) {
        self.receive_each(bytes, |_, _| {});
    }

    /// As [`receive`](Self::receive), with a look at each message.
    pub(crate) fn receive_each(&mut self, bytes: &[u8], mut look: impl FnMut(MessageKind, &[u8])) {
        self.input.extend(bytes);
        while let Some(event) = self
            .protocol
            .next_event(&mut self.input, &mut self.output, NOW)
        {
            match event {
                Event::Message { kind, payload } => {
                    look(kind, payload);
                    self.messages += 1;
                }
                Event::Closed(closed) => self.closed = Some(closed.clone()),
                _ => {}
            }
        }
        assert!(self.input.is_empty(), "bytes are left over");
    }

    /// The next message sent by hand: `first` holds FIN, RSV1 and the opcode.
    pub(crate) fn frame(&mut self, first: u8, payload: &[u8]) {
        self.receive(&frame_to(self.protocol.role(), first, payload));
    }

    /// The error that has ended the connection.
    #[track_caller]
    pub(crate) fn cause(&self) -> &Error {
        let closed = self.closed.as_ref().expect("it has not ended");
        closed
            .cause
            .as_ref()
            .expect("it has ended without an error")
    }

    /// What is to be sent, which is taken away.
    pub(crate) fn sent(&mut self) -> Vec<u8> {
        let bytes = self.output.bytes().to_vec();
        self.output.consume(bytes.len());
        bytes
    }
}

/// One frame as the other end of `role` sends it.
pub(crate) fn frame_to(role: Role, first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = header_to(role, first, payload.len() as u64);
    let key = if role == Role::Server {
        MASKING_KEY
    } else {
        [0; 4]
    };
    bytes.extend(
        payload
            .iter()
            .zip(key.iter().cycle())
            .map(|(byte, key)| byte ^ key),
    );
    bytes
}

/// The header of such a frame.
pub(crate) fn header_to(role: Role, first: u8, length: u64) -> Vec<u8> {
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
        bytes.extend_from_slice(&MASKING_KEY);
    }
    bytes
}

/// A raw deflate stream of `payload` as RFC 7692 section 7.2.1 puts it into a message.
pub(crate) fn deflated(payload: &[u8]) -> Vec<u8> {
    use flate2::{Compress, Compression, FlushCompress};
    let mut bytes = Vec::with_capacity(payload.len() + 1024);
    Compress::new(Compression::best(), false)
        .compress_vec(payload, &mut bytes, FlushCompress::Sync)
        .expect("compresses");
    bytes.truncate(bytes.len() - 4);
    bytes
}
