//! Ropeway's core: WebSocket (RFC 6455) frames, handshake, state machine and connection engine.
//!
//! Arrows run one way: [`frame`] ← [`handshake`] ← [`deflate`] ← [`protocol`] ← `net` ← `engine`.

pub mod deflate;
pub mod engine;
mod error;
mod fault;
pub mod frame;
pub mod handshake;
mod net;
pub mod protocol;
mod proxy_error;
mod tls_error;

pub use error::{Deadline, Error, IoError, Limit, Role, SendError};
pub use fault::Fault;
pub use proxy_error::{ProxyError, ProxyProblem, ProxyStage, ProxyUrlError};
pub use tls_error::{CertificateProblem, TlsError};
