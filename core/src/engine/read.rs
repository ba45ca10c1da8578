//! Reading: how much is asked of a socket at once, and where it goes.
//!
//! What comes is read into the engine's one buffer and told from there. The rest of a large message is read into the
//! message itself, and while it is on its way the socket is asked to report itself only when it holds all of that, or
//! much: one wake-up and one call take what would otherwise cost several. Where the application makes memory for a message,
//! and all of the rest is there, it goes there, and so that little of the next one is copied, that is read in two parts from
//! the start.

use std::io;

use super::Engine;
use super::connections::Connections;
use super::slots::{Flags, Transport};
use crate::error::Error;
use crate::net;

/// Bytes asked of a socket at once.
pub(super) const READ_SIZE: usize = 64 << 10;
/// Bytes asked of a socket at once when so much waits that a read has been filled: a message of 1 MiB is then told from where
/// it was received.
const BULK_READ_SIZE: usize = (1 << 20) + (64 << 10);
/// Bytes asked of a socket at once behind a message that was received into the application's memory.
const HEAD_READ_SIZE: usize = 8 << 10;
/// Bytes of a large message asked for at once, and awaited.
const PAYLOAD_READ_SIZE: usize = 1 << 20;
/// Bytes read of one connection in one turn, while they all belong to one large message.
pub(super) const BURST: usize = 1 << 20;

impl Engine {
    /// Whether a large message is in the middle of coming, and the turn has room for more of it.
    pub(super) fn goes_on(&mut self, index: u32) -> bool {
        let slot = self.connections.slots.at(index);
        slot.flags.has(Flags::READABLE)
            && self.burst > 0
            && (slot.protocol.as_ref())
                .is_some_and(|protocol| protocol.wants_payload() > 0 && protocol.reads())
    }

    /// Reads once.
    pub(super) fn read(&mut self, index: u32) {
        let connections = &mut self.connections;
        let now = connections.now;
        connections.cork(index);
        let slot = connections.slots.at(index);
        let (Some(protocol), Transport::Stream(stream)) = (&mut slot.protocol, &mut slot.transport)
        else {
            return;
        };
        let mut room = self.read_size;
        let wanted = protocol.wants_payload();
        let there = if wanted > 0 { stream.waiting() } else { 0 };
        let made = protocol.room(&mut self.input, there, PAYLOAD_READ_SIZE);
        let result = if let Some((mut memory, rest)) = made {
            room = rest + usize::from(there == rest);
            let received = memory.fill(protocol.gathered_bytes(), &mut |memory| {
                stream.receive_uninit(memory)
            });
            received.inspect(|&count| {
                self.read_size = HEAD_READ_SIZE;
                self.read_ahead = protocol.received_in_room(&mut self.input, memory, count, now);
            })
        } else if wanted > 0 {
            let read = |buffer: &mut Vec<u8>, most: usize| {
                // When all that was there has been read the socket is empty.
                room = if there > 0 { most.min(there + 1) } else { most };
                stream.receive_into(buffer, most)
            };
            let result = protocol.read_payload(
                &mut self.input,
                &mut connections.output,
                PAYLOAD_READ_SIZE,
                there,
                now,
                read,
            );
            result.map(|(count, raw)| {
                self.read_ahead = raw;
                count
            })
        } else {
            let result = stream.receive(&mut self.input.spare(room)[..room]);
            if let Ok(count) = result {
                self.input.filled(count);
                if self.input.has_rooms() {
                    self.read_size = READ_SIZE;
                } else if count == room {
                    self.read_size = BULK_READ_SIZE;
                }
            }
            result
        };
        self.active = Some(index);
        match result {
            Ok(0) if room > 0 => {
                slot.flags.take(Flags::READABLE);
                protocol.on_eof(&mut connections.output, now);
            }
            Ok(count) => {
                (connections.tally).received(index, |traffic| traffic.bytes += count as u64);
                // The socket is empty, and will tell when it no longer is; its end it has told already.
                if count < room && !slot.flags.has(Flags::HANGUP) && !stream.has_more() {
                    slot.flags.take(Flags::READABLE);
                }
                self.burst = self.burst.saturating_sub(count);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                if stream.has_more() {
                    // What came was no application data: others have their turn first.
                    self.burst = 0;
                    return;
                }
                slot.flags.take(Flags::READABLE);
                // It was another address's socket that hung up while this one was dialled.
                slot.flags.take(Flags::HANGUP);
                if slot.flags.has(Flags::SENDING_FAILED) {
                    protocol.on_transport_error(Error::ConnectionLost, now);
                }
            }
            Err(error) => {
                slot.flags.take(Flags::READABLE);
                protocol.on_transport_error(net::stream_error("receive", &error), now);
            }
        }
    }
}

impl Connections {
    /// Has a socket that has been read empty report itself only when it holds the rest of the large message under way, or
    /// much of it; at its next byte where there is none.
    pub(super) fn await_rest(&mut self, index: u32) {
        let slot = self.slots.at(index);
        let (Some(protocol), Transport::Stream(stream)) = (&slot.protocol, &slot.transport) else {
            return;
        };
        if slot.flags.has(Flags::READABLE) {
            return;
        }
        let wanted = protocol.wants_payload().min(PAYLOAD_READ_SIZE);
        if wanted > 0 {
            slot.flags.set(Flags::AWAITING);
            stream.await_bytes(wanted);
        } else if slot.flags.take(Flags::AWAITING) {
            stream.await_bytes(1);
        }
    }
}
