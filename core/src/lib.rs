//! Ropeway's core: WebSocket (RFC 6455) frames, handshake, state machine and connection engine.
//!
//! Arrows run one way: [`frame`] ← [`handshake`] ← [`protocol`] ← `net` ← `engine`.

pub mod engine;
mod error;
pub mod frame;
pub mod handshake;
mod net;
pub mod protocol;

pub use error::{Deadline, Error, Fault, IoError, Limit, Role, SendError};
