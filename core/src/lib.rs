//! Ropeway's core: WebSocket (RFC 6455) frames, handshake, state machine and connection engine.
//!
//! Arrows run one way: [`frame`] ← [`handshake`] ← [`deflate`] ← [`protocol`] ← `net` ← `engine`.

// The simulation of the engine shares files with that of the protocol, which is a test from outside.
#[cfg(test)]
extern crate self as ropeway_core;

pub mod deflate;
pub mod engine;
mod error;
mod fault;
pub mod frame;
pub mod handshake;
mod io_error;
mod net;
mod opening_stage;
pub mod protocol;
mod proxy_error;
mod tls_error;

pub use error::{Deadline, Error, IoError, Limit, Role, SendError};
pub use fault::Fault;
pub use opening_stage::OpeningStage;
pub use proxy_error::{ProxyError, ProxyProblem, ProxyUrlError};
pub use tls_error::{CertificateProblem, TlsError};
