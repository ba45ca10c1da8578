//! A connection over a stream of JavaScript's (TLS of Node's, or any Duplex): the core's sans-I/O protocol, which
//! `lib/duplex.js` drives.

use ropeway_core::SendError;
use ropeway_core::engine::EventKind;
use ropeway_core::frame::CloseCode;
use ropeway_core::protocol::{Input, Output, Protocol, Shutdown, Time};

use crate::seats::Decision;

/// The protocol, and what it wants sent.
pub(crate) struct Detached {
    pub(crate) protocol: Protocol,
    pub(crate) outgoing: Vec<u8>,
    /// For a server: how the request is to be answered.
    pub(crate) decision: Option<Box<Decision>>,
}

/// The buffers that all of them share.
pub(crate) struct Shared {
    pub(crate) input: Input,
    pub(crate) output: Output,
}

impl Detached {
    pub(crate) fn new(protocol: Protocol, decision: Option<Box<Decision>>) -> Box<Self> {
        Box::new(Self {
            protocol,
            outgoing: Vec::new(),
            decision,
        })
    }

    /// Does something that may make output.
    pub(crate) fn with<T>(
        &mut self,
        shared: &mut Shared,
        action: impl FnOnce(&mut Protocol, &mut Output) -> T,
    ) -> T {
        let result = action(&mut self.protocol, &mut shared.output);
        self.outgoing.extend_from_slice(shared.output.bytes());
        shared.output.consume(usize::MAX);
        result
    }

    /// Tells what has happened since; `tell` gets each event. False when a message has been told and there is more behind
    /// it, which is to be looked at when the message has been answered.
    pub(crate) fn events(
        &mut self,
        shared: &mut Shared,
        now: Time,
        mut tell: impl FnMut(EventKind<'_>),
    ) -> bool {
        let mut is_done = false;
        let mut is_message = false;
        while !is_done && (!is_message || shared.input.is_empty()) {
            let event = self
                .protocol
                .next_event(&mut shared.input, &mut shared.output, now);
            match event.map(EventKind::from) {
                None => is_done = true,
                Some(EventKind::UpgradeRequest(_)) => {
                    let decision = self.decision.take().unwrap_or_default();
                    decision.carry_out(&mut self.protocol, &mut shared.output, now);
                }
                Some(event) => {
                    is_message = matches!(event, EventKind::Message { .. });
                    tell(event);
                }
            }
        }
        self.with(shared, |_, _| ());
        is_done
    }

    pub(crate) fn close(
        &mut self,
        shared: &mut Shared,
        code: CloseCode,
        reason: &str,
        now: Time,
    ) -> Result<(), SendError> {
        self.with(shared, |protocol, output| {
            protocol.close(output, code, reason, now)
        })
    }

    /// What is to be done with the stream: 0 to go on, 1 to wait for the peer's end, 2 to end it, 3 to destroy it.
    pub(crate) fn shutdown(&self) -> u8 {
        match self.protocol.shutdown() {
            Shutdown::No => 0,
            Shutdown::AwaitEnd => 1,
            Shutdown::HalfClose | Shutdown::Close => 2,
            Shutdown::Drop => 3,
        }
    }
}
