//! Sockets: streams and listeners, non-blocking; name resolution; racing of addresses (RFC 8305).

mod address;
mod alarm;
mod dial;
mod fork;
mod listener;
mod resolve;
mod stream;

pub(crate) use address::parse_listen_url;
pub(crate) use alarm::Alarm;
pub(crate) use dial::{Dial, DialState};
pub(crate) use fork::ForkGuard;
pub use listener::ListenOptions;
pub(crate) use listener::Listener;
pub(crate) use resolve::Resolver;
pub(crate) use stream::Stream;
