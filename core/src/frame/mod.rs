//! Frames: RFC 6455 section 5, with no I/O and no state beyond one frame.
//!
//! ```text
//!  byte 0                  byte 1             bytes 2 …            4 bytes        length bytes
//! +---+----+----+----+--------+----+-------+--------------------+-------------+----------------+
//! |FIN|RSV1|RSV2|RSV3| opcode |MASK|length7| extended length    | masking key | payload        |
//! | 1 |  1 |  1 |  1 |   4    |  1 |   7   | 0, 16 or 64 bits   | if MASK     | XOR key if MASK|
//! +---+----+----+----+--------+----+-------+--------------------+-------------+----------------+
//!                                   0…125: the length itself, nothing follows
//!                                   126:   16 bits follow (126…65,535)
//!                                   127:   64 bits follow (65,536…2^63 - 1)
//! ```
//!
//! [`Header`] reads and writes everything in front of the payload, [`apply_mask`] and [`append_masked`] do the
//! payload's masking, [`MaskingKeys`] hands out the keys, [`utf8::is_valid`] and [`Utf8Validator`] check text, and
//! [`parse_close_payload`] reads what a close frame carries. Rules that span frames (which opcode may follow which,
//! limits on messages) belong to the protocol; [`FrameError`] names their violations as well, so that one type says
//! everything a peer can do wrong at this level.

mod close_code;
mod error;
mod header;
mod keys;
mod mask;
mod opcode;
pub mod utf8;

pub use close_code::{CloseCode, MAX_CLOSE_REASON, MAX_CONTROL_PAYLOAD, parse_close_payload};
pub use error::FrameError;
pub use header::{Header, HeaderRules, MAX_HEADER};
pub use keys::{MaskingKeys, RandomError};
pub(crate) use mask::append_plain;
pub use mask::{append_masked, apply_mask};
pub use opcode::Opcode;
pub use utf8::{InvalidUtf8, Utf8Validator, is_valid};
