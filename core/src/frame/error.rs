//! What a peer can do wrong in its frames: every "MUST fail the connection" of RFC 6455 section 5, and of RFC 7692
//! section 6 as far as it concerns single frames.
#![forbid(unsafe_code)]

use std::fmt;

use super::{CloseCode, MAX_CONTROL_PAYLOAD, Opcode};

/// A violation of the framing rules by the peer, with the figures that show it. The connection must be failed with
/// [`close_code`](Self::close_code) (RFC 6455 section 7.1.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FrameError {
    /// Reserved bits are set that no negotiated extension defines (section 5.2). The bits stand as in the frame's first
    /// byte: 0x40 is RSV1, 0x20 RSV2, 0x10 RSV3.
    ReservedBits(u8),
    /// The opcode is one of the reserved ones, 3 to 7 or 11 to 15 (section 5.2).
    ReservedOpcode(u8),
    /// A control frame with FIN not set (section 5.5).
    FragmentedControl(Opcode),
    /// A control frame whose payload passes 125 bytes (section 5.5).
    ControlTooLong {
        /// Which control frame.
        opcode: Opcode,
        /// The length its header declares, in bytes.
        length: u64,
    },
    /// A server's frame was masked (section 5.1).
    MaskedByServer,
    /// A client's frame was not masked (section 5.1).
    UnmaskedByClient,
    /// The length was not encoded in the fewest bytes possible (section 5.2).
    OverlongLength {
        /// The declared length, in bytes.
        length: u64,
        /// The size of the extended length field that was used, in bytes: 2 or 8.
        encoded_in: u8,
    },
    /// The 64-bit length has its highest bit set (section 5.2). The number is the whole field.
    LengthTooLarge(u64),
    /// A continuation frame while no fragmented message is under way (section 5.4).
    UnexpectedContinuation,
    /// A new message's first frame, with this opcode, while a fragmented message is under way (section 5.4).
    ExpectedContinuation(Opcode),
    /// A close frame's payload of a single byte, which cannot hold a close code (section 5.5.1).
    ClosePayloadOfOneByte,
    /// A close frame with a code that may not stand on the wire (section 7.4).
    InvalidCloseCode(u16),
    /// A text message that is not UTF-8 (section 8.1).
    InvalidUtf8InText,
    /// A close frame's reason that is not UTF-8 (sections 5.5.1 and 8.1).
    InvalidUtf8InCloseReason,
    /// A control frame with RSV1 set, though permessage-deflate compresses only messages (RFC 7692 section 6.1).
    CompressedControl(Opcode),
    /// A continuation frame with RSV1 set, which only a message's first frame may bear (RFC 7692 section 6.1).
    CompressedContinuation,
}

impl FrameError {
    /// The close code to fail the connection with: 1007 for text that is not UTF-8, otherwise 1002.
    #[must_use]
    pub const fn close_code(&self) -> CloseCode {
        match self {
            Self::InvalidUtf8InText | Self::InvalidUtf8InCloseReason => CloseCode::INVALID_PAYLOAD,
            _ => CloseCode::PROTOCOL_ERROR,
        }
    }
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::ReservedBits(bits) => {
                f.write_str("the peer set ")?;
                let mut separator = "";
                for (bit, name) in [(0x40, "RSV1"), (0x20, "RSV2"), (0x10, "RSV3")] {
                    if bits & bit != 0 {
                        write!(f, "{separator}{name}")?;
                        separator = " and ";
                    }
                }
                f.write_str(" in a frame, but no negotiated extension defines it")
            }
            Self::ReservedOpcode(opcode) => {
                write!(f, "the peer sent a frame with opcode {opcode}, which is reserved")
            }
            Self::FragmentedControl(opcode) => {
                write!(f, "the peer sent a {opcode} frame without FIN, but control frames must not be fragmented")
            }
            Self::ControlTooLong { opcode, length } => write!(
                f,
                "the peer sent a {opcode} frame of {length} bytes, but control frames hold at most {MAX_CONTROL_PAYLOAD}"
            ),
            Self::MaskedByServer => f.write_str("the server sent a masked frame; only clients mask"),
            Self::UnmaskedByClient => f.write_str("the client sent a frame that is not masked"),
            Self::OverlongLength { length, encoded_in } => write!(
                f,
                "the peer encoded the frame length {length} in {encoded_in} bytes, more than it needs"
            ),
            Self::LengthTooLarge(length) => {
                write!(f, "the peer declared a frame of {length} bytes, but lengths stay below 2^63")
            }
            Self::UnexpectedContinuation => {
                f.write_str("the peer sent a continuation frame, but no fragmented message is under way")
            }
            Self::ExpectedContinuation(opcode) => write!(
                f,
                "the peer began a {opcode} message before the last frame of the fragmented message under way"
            ),
            Self::ClosePayloadOfOneByte => {
                f.write_str("the peer sent a close frame with a payload of 1 byte; a close code takes 2")
            }
            Self::InvalidCloseCode(code) => {
                write!(f, "the peer sent a close frame with code {}, which must not be sent", CloseCode::new(code))
            }
            Self::InvalidUtf8InText => f.write_str("the peer sent a text message that is not valid UTF-8"),
            Self::InvalidUtf8InCloseReason => {
                f.write_str("the peer sent a close frame whose reason is not valid UTF-8")
            }
            Self::CompressedControl(opcode) => {
                write!(f, "the peer marked a {opcode} frame as compressed (RSV1), but control frames never are")
            }
            Self::CompressedContinuation => f.write_str(
                "the peer marked a continuation frame as compressed (RSV1); only a message's first frame bears the mark",
            ),
        }
    }
}

impl std::error::Error for FrameError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_utf8_closes_with_1007_and_the_rest_with_1002() {
        assert_eq!(
            FrameError::InvalidUtf8InText.close_code(),
            CloseCode::INVALID_PAYLOAD
        );
        assert_eq!(
            FrameError::InvalidUtf8InCloseReason.close_code(),
            CloseCode::INVALID_PAYLOAD
        );
        assert_eq!(
            FrameError::ReservedBits(0x40).close_code(),
            CloseCode::PROTOCOL_ERROR
        );
        assert_eq!(
            FrameError::InvalidCloseCode(1005).close_code(),
            CloseCode::PROTOCOL_ERROR
        );
    }

    #[test]
    fn sentences_carry_the_figures() {
        assert_eq!(
            FrameError::ReservedBits(0x50).to_string(),
            "the peer set RSV1 and RSV3 in a frame, but no negotiated extension defines it"
        );
        assert_eq!(
            FrameError::ControlTooLong {
                opcode: Opcode::Ping,
                length: 126
            }
            .to_string(),
            "the peer sent a ping frame of 126 bytes, but control frames hold at most 125"
        );
        assert_eq!(
            FrameError::InvalidCloseCode(1005).to_string(),
            "the peer sent a close frame with code 1005 (no status received), which must not be sent"
        );
    }
}
