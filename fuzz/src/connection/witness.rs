//! The other end's view of what is sent: it breaks no rule, and says what was meant.

use std::sync::Arc;

use ropeway_core::Role;
use ropeway_core::deflate::{Compression, judge};
use ropeway_core::handshake::{Extension, HeadLimits, HeadReader};
use ropeway_core::protocol::{Event, Input, Options, Output, Protocol, Time};

use super::end::{Told, keep, with};
use super::op::Setting;

/// The other end's view of what is sent: first a head, if there is a handshake, then frames.
pub(super) struct Witness {
    head: Option<HeadReader>,
    protocol: Protocol,
    input: Input,
    output: Output,
    pub(super) told: Vec<Told>,
    pub(super) sent_head: bool,
    /// After a refusal a body follows, and no frames.
    over: bool,
}

impl Witness {
    pub(super) fn new(role: Role, setting: &Setting) -> Self {
        let now = Time::from_micros(1);
        let other = match role {
            Role::Client => Role::Server,
            Role::Server => Role::Client,
        };
        let unlimited = Arc::new(Options {
            max_message_size: u64::MAX,
            max_fragments: u32::MAX,
            ..Options::default()
        });
        Self {
            head: setting
                .handshake
                .then(|| HeadReader::new(HeadLimits::default())),
            protocol: with(
                Protocol::open(other, unlimited, now),
                setting.agreed().filter(|_| !setting.handshake),
            ),
            input: Input::new(),
            output: Output::new(),
            told: Vec::new(),
            sent_head: false,
            over: false,
        }
    }

    pub(super) fn opened(&mut self, extensions: &[Extension]) {
        let agreed = judge(extensions, &Compression::on()).expect("what was agreed on is in order");
        let fresh = Protocol::open(
            self.protocol.role(),
            Arc::clone(self.protocol.options()),
            Time::from_micros(1),
        );
        self.protocol = with(fresh, agreed);
    }

    pub(super) fn read(&mut self, mut bytes: &[u8]) {
        if let Some(reader) = self.head.as_mut().filter(|_| !bytes.is_empty()) {
            // Heads are written at once.
            let size = reader
                .push(bytes)
                .expect("a good head")
                .expect("a whole one");
            bytes = &bytes[size..];
            let reader = self.head.take().expect("it is there");
            self.sent_head = true;
            if self.protocol.role() == Role::Client {
                self.over = reader.into_response().expect("a response").status != 101;
            } else {
                reader.into_request().expect("a request");
            }
        }
        if self.over {
            return;
        }
        self.input.extend(bytes);
        while let Some(event) =
            self.protocol
                .next_event(&mut self.input, &mut self.output, Time::from_micros(1))
        {
            if let Event::Closed(closed) = &event {
                assert_eq!(closed.cause, None, "what was sent breaks the rules");
            }
            keep(&mut self.told, event);
            self.output.consume(usize::MAX);
        }
    }
}
