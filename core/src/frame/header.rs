//! A frame's header: everything in front of its payload (RFC 6455 section 5.2), read and written.
//!
//! [`Header::parse`] stands on the path of every frame received. A frame with a payload below 126 bytes takes its short
//! path: no loop, no table, and one test each of the first byte, the mask bit and the length.
#![forbid(unsafe_code)]

use super::{FrameError, MAX_CONTROL_PAYLOAD, Opcode};

/// The longest header, in bytes: 2, an extended length of 8 and a masking key of 4.
pub const MAX_HEADER: usize = 14;

const FIN: u8 = 0x80;
const RSV: u8 = 0x70;
const RSV1: u8 = 0x40;
const OPCODE: u8 = 0x0f;
const MASK: u8 = 0x80;
const LENGTH: u8 = 0x7f;
/// The value of the 7-bit length that announces a length of 16 bits.
const LENGTH_16: u8 = 126;
/// The value of the 7-bit length that announces a length of 64 bits.
const LENGTH_64: u8 = 127;

/// A frame's header (RFC 6455 section 5.2). RSV2 and RSV3 do not appear: no extension that this library speaks defines
/// them, so they are errors when received and never sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// This is the last (or only) frame of its message.
    pub fin: bool,
    /// The message is compressed by permessage-deflate (RFC 7692 section 6).
    pub rsv1: bool,
    /// What the frame is.
    pub opcode: Opcode,
    /// The masking key, if the payload is masked: on every frame of a client and none of a server.
    pub mask: Option<[u8; 4]>,
    /// The payload's length, in bytes; below 2^63.
    pub length: u64,
}

/// What this connection's headers have to obey, apart from the rules that hold for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeaderRules {
    /// The frames come from a client and must be masked; otherwise from a server and must not be
    /// (RFC 6455 section 5.1).
    pub masked: bool,
    /// permessage-deflate was negotiated, so RSV1 may be set on a message's first frame (RFC 7692 section 6).
    pub rsv1: bool,
}

impl Header {
    /// Reads the header at the start of `bytes`, which may hold more than the header or only part of it. Gives the
    /// header and its size in bytes, or `None` if more bytes are needed.
    ///
    /// Which error a broken header gives does not depend on how much of it is there: the first byte is judged before
    /// the second, that before the extended length, and each as soon as it is complete (the length in whole, so that
    /// an error about it can state it). The masking key is not waited for.
    ///
    /// # Errors
    /// [`FrameError`]: reserved bits or opcodes, a fragmented or too long control frame, RSV1 where permessage-deflate
    /// does not allow it, masking that does not fit the sender, and lengths not in their shortest form or from 2^63.
    #[inline]
    pub fn parse(bytes: &[u8], rules: HeaderRules) -> Result<Option<(Self, usize)>, FrameError> {
        if let [first, second, k0, k1, k2, k3, ..] = *bytes
            && first & RSV == 0
            && let Some(opcode) = Opcode::from_bits(first & OPCODE)
            && (first & FIN != 0 || !opcode.is_control())
            && (second & MASK != 0) == rules.masked
            && second & LENGTH < LENGTH_16
        {
            let (mask, size) = if rules.masked {
                (Some([k0, k1, k2, k3]), 6)
            } else {
                (None, 2)
            };
            let length = u64::from(second & LENGTH);
            return Ok(Some((
                Self {
                    fin: first & FIN != 0,
                    rsv1: false,
                    opcode,
                    mask,
                    length,
                },
                size,
            )));
        }
        Self::parse_any(bytes, rules)
    }

    /// As [`parse`](Self::parse), for every header: long, incomplete, compressed or broken.
    fn parse_any(bytes: &[u8], rules: HeaderRules) -> Result<Option<(Self, usize)>, FrameError> {
        let Some((&first, rest)) = bytes.split_first() else {
            return Ok(None);
        };
        let fin = first & FIN != 0;
        let rsv1 = first & RSV1 != 0;
        let allowed = if rules.rsv1 { RSV1 } else { 0 };
        if first & RSV & !allowed != 0 {
            return Err(FrameError::ReservedBits(first & RSV & !allowed));
        }
        let bits = first & OPCODE;
        let opcode = Opcode::from_bits(bits).ok_or(FrameError::ReservedOpcode(bits))?;
        if opcode.is_control() {
            if !fin {
                return Err(FrameError::FragmentedControl(opcode));
            }
            if rsv1 {
                return Err(FrameError::CompressedControl(opcode));
            }
        } else if rsv1 && opcode == Opcode::Continuation {
            return Err(FrameError::CompressedContinuation);
        }

        let Some((&second, rest)) = rest.split_first() else {
            return Ok(None);
        };
        let masked = second & MASK != 0;
        if masked != rules.masked {
            return Err(if masked {
                FrameError::MaskedByServer
            } else {
                FrameError::UnmaskedByClient
            });
        }

        let (length, encoded_in, rest) = match second & LENGTH {
            LENGTH_16 => {
                let Some((field, rest)) = rest.split_first_chunk() else {
                    return Ok(None);
                };
                let length = u16::from_be_bytes(*field);
                if length < u16::from(LENGTH_16) {
                    return Err(FrameError::OverlongLength {
                        length: length.into(),
                        encoded_in: 2,
                    });
                }
                (u64::from(length), 2, rest)
            }
            LENGTH_64 => {
                let Some((field, rest)) = rest.split_first_chunk() else {
                    return Ok(None);
                };
                let length = u64::from_be_bytes(*field);
                if length > i64::MAX as u64 {
                    return Err(FrameError::LengthTooLarge(length));
                }
                if length <= u64::from(u16::MAX) {
                    return Err(FrameError::OverlongLength {
                        length,
                        encoded_in: 8,
                    });
                }
                (length, 8, rest)
            }
            length => (u64::from(length), 0, rest),
        };
        if opcode.is_control() && length > MAX_CONTROL_PAYLOAD as u64 {
            return Err(FrameError::ControlTooLong { opcode, length });
        }

        let mask = if masked {
            let Some(key) = rest.first_chunk() else {
                return Ok(None);
            };
            Some(*key)
        } else {
            None
        };
        let size = 2 + encoded_in + if masked { 4 } else { 0 };
        Ok(Some((
            Self {
                fin,
                rsv1,
                opcode,
                mask,
                length,
            },
            size,
        )))
    }

    /// Writes the header to the start of `out` and gives its size in bytes, 2 to 14; the rest of `out` is left in no
    /// particular state. The length is written in its shortest form. The caller keeps the rules: a length below 2^63,
    /// and for control frames FIN and at most 125 bytes.
    #[inline]
    pub fn encode(&self, out: &mut [u8; MAX_HEADER]) -> usize {
        out[0] =
            if self.fin { FIN } else { 0 } | if self.rsv1 { RSV1 } else { 0 } | self.opcode.bits();
        let mask = if self.mask.is_some() { MASK } else { 0 };
        let key = self.mask.unwrap_or_default();
        if self.length < u64::from(LENGTH_16) {
            out[1] = mask | self.length as u8;
            out[2..6].copy_from_slice(&key);
        } else if self.length <= u64::from(u16::MAX) {
            out[1] = mask | LENGTH_16;
            out[2..4].copy_from_slice(&(self.length as u16).to_be_bytes());
            out[4..8].copy_from_slice(&key);
        } else {
            out[1] = mask | LENGTH_64;
            out[2..10].copy_from_slice(&self.length.to_be_bytes());
            out[10..14].copy_from_slice(&key);
        }
        self.encoded_length()
    }

    /// The size in bytes of this header when [`encode`](Self::encode)d: 2 to 14.
    #[inline]
    #[must_use]
    pub const fn encoded_length(&self) -> usize {
        let extended = if self.length < LENGTH_16 as u64 {
            0
        } else if self.length <= u16::MAX as u64 {
            2
        } else {
            8
        };
        2 + extended + if self.mask.is_some() { 4 } else { 0 }
    }
}
