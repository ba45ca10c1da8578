//! What can be done to a connection, and how it can be set.

use std::time::Duration;

use arbitrary::Arbitrary;
use flate2::{Compress, Compression as Level, FlushCompress};
use ropeway_core::Role;
use ropeway_core::deflate::{Compression, Parameters};
use ropeway_core::protocol::{MessageKind, Options};

#[derive(Arbitrary, Clone, Debug)]
pub(super) struct Setting {
    /// Whether the opening handshake is part of the run.
    pub(super) handshake: bool,
    pub(super) compression: bool,
    pub(super) takeover: bool,
    streaming: bool,
    asks: bool,
    idle: bool,
    /// Whether incomplete messages have a small bound.
    pub(super) tight: bool,
    longest: u8,
    fragments: u8,
    pub(super) sizes: [u8; 4],
}

/// The bound on incomplete messages of a tight run.
pub(super) const TIGHT: u64 = 100_000;

impl Setting {
    pub(super) fn options(&self) -> Options {
        let longest = [0, 1, 125, 126, 5000, 65_536, 70_000, 1 << 20];
        let fragments = [1, 2, 5, 65_536];
        Options {
            max_message_size: longest[usize::from(self.longest) % longest.len()],
            max_fragments: fragments[usize::from(self.fragments) % fragments.len()],
            streaming: self.streaming,
            ask_upgrade: self.asks,
            plain_http: self.asks,
            idle_timeout: Duration::from_secs(if self.idle { 30 } else { 0 }),
            subprotocols: vec!["chat".to_owned()],
            compression: if self.compression {
                Compression {
                    server_no_context_takeover: Some(!self.takeover),
                    client_no_context_takeover: Some(!self.takeover),
                    threshold: 10,
                    ..Compression::on()
                }
            } else {
                Compression::off()
            },
            ..Options::default()
        }
    }

    /// What is agreed on, where no handshake says it.
    pub(super) fn agreed(&self) -> Option<Parameters> {
        self.compression.then_some(Parameters {
            server_no_context_takeover: !self.takeover,
            client_no_context_takeover: !self.takeover,
            server_max_window_bits: 15,
            client_max_window_bits: 15,
        })
    }
}

/// Bytes, repeated so that few make many.
#[derive(Arbitrary, Debug)]
pub(super) struct Payload<'a> {
    bytes: &'a [u8],
    times: u8,
}

impl Payload<'_> {
    pub(super) fn bytes(&self) -> Vec<u8> {
        crate::repeated(self.bytes, self.times)
    }
}

/// A step of a run.
#[derive(Arbitrary, Debug)]
pub(super) enum Op<'a> {
    /// The handshake that the peer owes, in order but for its last bytes.
    Greet {
        extension: bool,
        cut: u8,
        subprotocol: bool,
    },
    /// Any bytes.
    Bytes(&'a [u8]),
    /// A frame, as the peer has to send it.
    Frame {
        first: u8,
        payload: Payload<'a>,
    },
    /// The same, in the order that RFC 6455 asks for.
    Message {
        text: bool,
        fin: bool,
        compressed: bool,
        payload: Payload<'a>,
    },
    /// The header of a frame that declares any length.
    Header {
        first: u8,
        length: u64,
    },
    Send {
        text: bool,
        payload: Payload<'a>,
    },
    SendFragment {
        text: bool,
        last: bool,
        payload: Payload<'a>,
    },
    Ping(&'a [u8]),
    Pong(&'a [u8]),
    Close {
        code: u16,
        reason: &'a str,
    },
    Accept {
        subprotocol: bool,
    },
    Refuse {
        status: u16,
        body: &'a [u8],
    },
    Wait(u32),
    Pause(bool),
    Block(bool),
    ReleasePong,
    Progress,
    Eof,
    Abort,
}

pub(super) fn kind(text: bool) -> MessageKind {
    if text {
        MessageKind::Text
    } else {
        MessageKind::Binary
    }
}

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// The header of a frame to `role`, in its shortest form.
pub(super) fn header_to(role: Role, first: u8, length: u64) -> Vec<u8> {
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

/// A whole frame to `role`.
pub(super) fn frame_to(role: Role, first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = header_to(role, first, payload.len() as u64);
    let key = if role == Role::Server { KEY } else { [0; 4] };
    bytes.extend(
        payload
            .iter()
            .zip(key.iter().cycle())
            .map(|(byte, key)| byte ^ key),
    );
    bytes
}

/// A message's payload as RFC 7692 section 7.2.1 compresses it.
pub(super) fn deflated(payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(payload.len() + 100);
    let mut compress = Compress::new(Level::fast(), false);
    let _ = compress.compress_vec(payload, &mut bytes, FlushCompress::Sync);
    bytes.truncate(bytes.len().saturating_sub(4));
    bytes
}
