//! Received control frames (RFC 6455 section 5.5): a ping is answered, a pong measured, a Close frame ends the connection.

use crate::error::Error;
use crate::frame::{CloseCode, Opcode, apply_mask, parse_close_payload};

use super::receive::{Raw, Source};
use super::{CloseFrame, Frame, Input, Output, Protocol, State, Time};

impl Protocol {
    pub(super) fn control_payload(
        &mut self,
        input: &mut Input,
        output: &mut Output,
        now: Time,
    ) -> Result<Option<Raw>, Error> {
        let count = self.at_hand(input);
        let key = self.key;
        let complete = count as u64 == self.remaining;
        let gathered = self
            .partial
            .as_ref()
            .is_some_and(|partial| !partial.control.is_empty());
        if complete && !gathered {
            apply_mask(&mut input.bytes()[..count], key, 0);
            let source = input.take(count);
            return self.control_frame(source, input, output, now);
        }
        if count == 0 {
            return Ok(None);
        }
        let partial = self.partial.get_or_insert_default();
        let before = partial.control.len();
        (partial.control).extend_masked(&input.bytes()[..count], key, before);
        input.take(count);
        self.remaining -= count as u64;
        if !complete {
            return Ok(None);
        }
        input.message = std::mem::take(&mut partial.control);
        self.drop_empty_partial();
        self.control_frame(Source::Message, input, output, now)
    }

    fn control_frame(
        &mut self,
        source: Source,
        input: &mut Input,
        output: &mut Output,
        now: Time,
    ) -> Result<Option<Raw>, Error> {
        let frame = std::mem::replace(&mut self.frame, Frame::None);
        let payload = input.payload(source);
        match frame {
            Frame::Ping => {
                self.answer_ping(payload, output);
                Ok(Some(Raw::Ping { source }))
            }
            Frame::Pong => Ok(Some(Raw::Pong {
                source,
                round_trip: self.round_trip(payload, now),
            })),
            _ => {
                let received = match parse_close_payload(payload)? {
                    Some((code, reason)) => CloseFrame {
                        code,
                        reason: reason.to_owned(),
                    },
                    None => CloseFrame {
                        code: CloseCode::NO_STATUS,
                        reason: String::new(),
                    },
                };
                self.peer_closes(received, output, now);
                Ok(None)
            }
        }
    }

    fn answer_ping(&mut self, payload: &[u8], output: &mut Output) {
        if self.state != State::Open || !self.options.answer_pings {
            return;
        }
        if output.blocked {
            self.partial.get_or_insert_default().pong = Some(payload.to_vec());
        } else {
            // Without random bytes for its mask the pong is left out; the peer's next ping gets one.
            let _ = output.frame(
                self.role,
                true,
                Opcode::Pong,
                payload,
                self.options.trace.as_ref(),
            );
        }
    }

    /// RFC 6455 section 5.5.1: the other Close frame, with the same code and reason, unless ours was sent before.
    fn peer_closes(&mut self, received: CloseFrame, output: &mut Output, now: Time) {
        let mut closed = self.closed();
        let CloseFrame { code, reason } = &received;
        if self.state == State::Open && self.write_close(output, *code, reason).is_ok() {
            closed.sent = Some(received.clone());
        }
        closed.received = Some(received);
        self.end(closed, now);
    }
}
