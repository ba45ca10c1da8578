//! Sockets: streams and listeners, non-blocking, plain and in TLS; name resolution; racing of addresses (RFC 8305);
//! proxies.

mod address;
mod adopted;
mod alarm;
mod dial;
mod fork;
mod listener;
mod proxy;
mod race;
mod resolve;
mod socket;
mod socket_options;
mod stream;
mod tls;
mod unix;

pub(crate) use address::{ListenAddress, parse_listen_url};
pub(crate) use alarm::Alarm;
pub(crate) use dial::{Dial, DialState};
pub(crate) use fork::ForkGuard;
pub use listener::ListenOptions;
pub(crate) use listener::Listener;
pub use proxy::{ProxySetting, ProxyUrl, rehearse_proxy};
pub use resolve::NameResolver;
pub(crate) use resolve::{Question, Resolver};
pub(crate) use socket::Socket;
pub use socket_options::SocketOptions;
pub(crate) use stream::Stream;
pub use tls::{
    Pem, TlsClient, TlsClientOptions, TlsIdentity, TlsInfo, TlsServer, TlsServerOptions,
};

use std::io;
use std::net::SocketAddr;

use crate::error::{Error, IoError};
use crate::tls_error::TlsError;

/// Settings of one dialled connection's transport.
#[derive(Clone, Debug, Default)]
pub struct ConnectOptions {
    /// The TLS settings of a `wss` URL; `None`: [`TlsClient::shared`].
    pub tls: Option<TlsClient>,
    /// Default: the proxy that the environment names.
    pub proxy: ProxySetting,
    /// The TLS settings of an `https` proxy itself; `None`: [`TlsClient::shared`].
    pub proxy_tls: Option<TlsClient>,
    /// Redirects that are followed (statuses 301, 302, 303, 307 and 308), all within one `open_timeout`. Default 0: a
    /// redirecting answer is the error [`InvalidStatus`](crate::handshake::HandshakeError::InvalidStatus).
    ///
    /// None leads from wss to ws. One that leads to another origin (scheme, host or port; from ws to wss on one host's
    /// ports 80 and 443 is none) takes no secrets along: user and password of the URL and the fields `Authorization`,
    /// `Cookie`, `Proxy-Authorization` and `Host` are left out from there on. Whatever else is secret in the options,
    /// a subprotocol or a TLS client certificate perhaps, goes along.
    pub max_redirects: u32,
    /// Resolves the host's name. Default `None`: the system does.
    pub resolver: Option<NameResolver>,
    /// The socket's own settings.
    pub socket: SocketOptions,
    /// The address to connect from, one of this machine's; port 0 lets the system choose one. Addresses of the other
    /// family then cannot be connected to. Default `None`: the system chooses.
    pub local_address: Option<SocketAddr>,
}

/// An error of a [`Stream`]: TLS has its own, the operating system's come with what was being done.
pub(crate) fn stream_error(what: &'static str, error: &io::Error) -> Error {
    match error
        .get_ref()
        .and_then(|error| error.downcast_ref::<TlsError>())
    {
        Some(error) => Error::Tls(error.clone()),
        None => Error::Io(IoError::new(what, error)),
    }
}
