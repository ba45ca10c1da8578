//! What a frame is: the four-bit opcode of RFC 6455 section 5.2 (registry: section 11.8).
#![forbid(unsafe_code)]

use std::fmt;

/// A frame's opcode (RFC 6455 section 5.2). Only the defined ones: 3 to 7 and 11 to 15 are reserved, and a frame that
/// bears one of them fails the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Opcode {
    /// A further fragment of the message begun by an earlier text or binary frame (section 5.4).
    Continuation = 0,
    /// A text message, or its first fragment: UTF-8 (section 5.6).
    Text = 1,
    /// A binary message, or its first fragment (section 5.6).
    Binary = 2,
    /// The closing handshake's frame (section 5.5.1).
    Close = 8,
    /// A ping, to be answered by a pong with the same payload (section 5.5.2).
    Ping = 9,
    /// The answer to a ping, or an unsolicited heartbeat (section 5.5.3).
    Pong = 10,
}

impl Opcode {
    /// The opcode of these four bits; `None` for the reserved ones and for anything above 15.
    #[inline]
    #[must_use]
    pub const fn from_bits(bits: u8) -> Option<Self> {
        match bits {
            0 => Some(Self::Continuation),
            1 => Some(Self::Text),
            2 => Some(Self::Binary),
            8 => Some(Self::Close),
            9 => Some(Self::Ping),
            10 => Some(Self::Pong),
            _ => None,
        }
    }

    /// The opcode as it stands in the low four bits of a frame's first byte.
    #[inline]
    #[must_use]
    pub const fn bits(self) -> u8 {
        self as u8
    }

    /// Whether this is a control frame (section 5.5): never fragmented, at most 125 bytes of payload, allowed between
    /// the fragments of a message.
    #[inline]
    #[must_use]
    pub const fn is_control(self) -> bool {
        self.bits() & 0x8 != 0
    }
}

impl fmt::Display for Opcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Continuation => "continuation",
            Self::Text => "text",
            Self::Binary => "binary",
            Self::Close => "close",
            Self::Ping => "ping",
            Self::Pong => "pong",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Opcode;

    #[test]
    fn bits_and_opcodes_map_one_to_one() {
        let defined: Vec<u8> = (0..=255)
            .filter(|&bits| Opcode::from_bits(bits).is_some())
            .collect();
        assert_eq!(defined, [0, 1, 2, 8, 9, 10]);
        for bits in defined {
            let opcode = Opcode::from_bits(bits).expect("defined");
            assert_eq!(opcode.bits(), bits);
            assert_eq!(opcode.is_control(), bits >= 8);
        }
    }

    #[test]
    fn display_gives_the_name_and_honours_width() {
        assert_eq!(Opcode::Continuation.to_string(), "continuation");
        assert_eq!(format!("{:>6}", Opcode::Ping), "  ping");
    }
}
