//! What a driver writes from.

use crate::deflate::Compressors;
use crate::error::{Role, SendError};
use crate::frame::{Header, MAX_HEADER, MaskingKeys, Opcode, append_masked};

use super::MessageKind;
use super::trace::{Trace, TracedFrame};

/// Bytes that a [`Protocol`](super::Protocol) wants sent, in order, and what is needed to make them. One serves any
/// number of connections in turn, if it is emptied in between.
#[derive(Debug, Default)]
pub struct Output {
    bytes: Vec<u8>,
    sent: usize,
    keys: MaskingKeys,
    pub(super) compressors: Compressors,
    /// The transport takes nothing at present: pongs are held back, and only the newest is kept.
    pub(crate) blocked: bool,
}

impl Output {
    /// Nothing to send.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            bytes: Vec::new(),
            sent: 0,
            keys: MaskingKeys::new(),
            compressors: Compressors::new(),
            blocked: false,
        }
    }

    /// What is to be sent.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[self.sent..]
    }

    /// Says that the first `count` bytes have been sent, or are the driver's business now. More than there are count
    /// as all.
    pub fn consume(&mut self, count: usize) {
        self.sent = self.sent.saturating_add(count).min(self.bytes.len());
        if self.sent == self.bytes.len() {
            self.sent = 0;
            self.bytes.clear();
        }
    }

    /// Says whether the transport takes bytes. While it does not, answers to pings are held back (the newest only)
    /// until [`Protocol::release_pong`](super::Protocol::release_pong).
    pub fn set_blocked(&mut self, blocked: bool) {
        self.blocked = blocked;
    }

    /// Whether there is nothing to send.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sent == self.bytes.len()
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len() - self.sent
    }

    /// Gives back memory beyond `capacity` bytes.
    pub(crate) fn shrink(&mut self, capacity: usize) {
        if self.bytes.capacity() > capacity && self.is_empty() {
            self.bytes.shrink_to(capacity);
        }
    }

    /// Adds frames that were made before.
    pub(crate) fn append(&mut self, frames: &[u8]) -> Result<(), SendError> {
        reserve(&mut self.bytes, frames.len())?;
        self.bytes.extend_from_slice(frames);
        Ok(())
    }

    pub(super) fn raw(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Writes one frame (RFC 6455 section 5.2), masked with a fresh key when this side is a client.
    #[inline]
    pub(super) fn frame(
        &mut self,
        role: Role,
        fin: bool,
        opcode: Opcode,
        payload: &[u8],
        trace: Option<&Trace>,
    ) -> Result<(), SendError> {
        let header = unmasked(fin, opcode, payload.len());
        self.write(role, header, payload, trace)
    }

    /// As [`frame`](Self::frame), of the first `length` bytes of what has been compressed. RSV1 marks a message's first
    /// frame (RFC 7692 section 6.1).
    pub(super) fn compressed_frame(
        &mut self,
        role: Role,
        fin: bool,
        opcode: Opcode,
        length: usize,
        trace: Option<&Trace>,
    ) -> Result<(), SendError> {
        let compressed = std::mem::take(&mut self.compressors.buffer);
        let header = Header {
            rsv1: opcode != Opcode::Continuation,
            ..unmasked(fin, opcode, length)
        };
        let result = self.write(role, header, &compressed[..length], trace);
        self.compressors.buffer = compressed;
        self.compressors.shrink();
        result
    }

    #[inline]
    fn write(
        &mut self,
        role: Role,
        header: Header,
        payload: &[u8],
        trace: Option<&Trace>,
    ) -> Result<(), SendError> {
        reserve(&mut self.bytes, MAX_HEADER + payload.len())?;
        let header = self.write_header(role, header, payload, trace)?;
        match header.mask {
            Some(key) => append_masked(&mut self.bytes, payload, key, 0),
            None => self.bytes.extend_from_slice(payload),
        }
        Ok(())
    }

    /// Writes a frame's header alone; the payload follows by another way.
    #[inline]
    pub(super) fn header(
        &mut self,
        role: Role,
        fin: bool,
        opcode: Opcode,
        payload: &[u8],
        trace: Option<&Trace>,
    ) -> Result<(), SendError> {
        let header = unmasked(fin, opcode, payload.len());
        self.write_header(role, header, payload, trace).map(|_| ())
    }

    #[inline]
    fn write_header(
        &mut self,
        role: Role,
        mut header: Header,
        payload: &[u8],
        trace: Option<&Trace>,
    ) -> Result<Header, SendError> {
        header.mask = match role {
            Role::Client => Some(self.keys.next().map_err(SendError::Random)?),
            Role::Server => None,
        };
        if let Some(trace) = trace {
            trace.show(&TracedFrame {
                role,
                sent: true,
                header,
                payload,
            });
        }
        header.append_to(&mut self.bytes);
        Ok(header)
    }
}

/// A header without a mask.
#[inline]
const fn unmasked(fin: bool, opcode: Opcode, length: usize) -> Header {
    Header {
        fin,
        rsv1: false,
        opcode,
        mask: None,
        length: length as u64,
    }
}

/// Appends a whole message as one frame of a server, unmasked, which any number of clients can be given.
#[inline(always)]
pub(crate) fn append_server_frame(
    out: &mut Vec<u8>,
    kind: MessageKind,
    payload: &[u8],
) -> Result<(), SendError> {
    let header = unmasked(true, kind.opcode(), payload.len());
    reserve(out, MAX_HEADER + payload.len())?;
    header.append_to(out);
    out.extend_from_slice(payload);
    Ok(())
}

/// Makes room for `more` bytes, if there is memory.
#[inline(always)]
fn reserve(out: &mut Vec<u8>, more: usize) -> Result<(), SendError> {
    out.try_reserve(more)
        .map_err(|_| SendError::OutOfMemory(more))
}
