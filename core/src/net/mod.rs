//! Sockets: streams and listeners, non-blocking; name resolution; racing of addresses (RFC 8305).

mod address;
mod dial;
mod fork;
mod listener;
mod resolve;
mod stream;

pub(crate) use address::parse_listen_url;
pub(crate) use dial::{Dial, DialState};
pub(crate) use fork::ForkGuard;
pub(crate) use listener::{ListenOptions as Listen, Listener};
pub use listener::ListenOptions;
pub(crate) use resolve::Resolver;
pub(crate) use stream::Stream;
