//! Ropeway's core: WebSocket (RFC 6455) frames, handshake, state machine and connection engine.

pub mod frame;
pub mod handshake;
