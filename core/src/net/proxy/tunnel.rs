//! A way through a proxy: the connection to it, over which the negotiation runs, becomes the one to the server.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::SocketAddr;

use super::connect::Connect;
use super::socks5::Socks5;
use super::url::{ProxyUrl, Scheme, authority};
use super::{Negotiation, Progress, ProxySetting, environment};
use crate::error::{Error, IoError};
use crate::handshake::{HeadLimits, WebSocketUrl, generate_key};
use crate::net::{ConnectOptions, Socket, Stream, TlsClient};
use crate::opening_stage::OpeningStage;
use crate::proxy_error::{ProxyError, ProxyProblem};
use crate::tls_error::TlsError;

/// Bytes asked of the stream at once.
const READ_SIZE: usize = 4 << 10;
/// Reads before other connections get their turn.
const READS: usize = 16;

/// The way to one server through one proxy.
pub(crate) struct Route {
    url: ProxyUrl,
    /// For an `https` proxy.
    tls: Option<TlsClient>,
    negotiation: Negotiation,
    /// Once a connection to the proxy is made.
    tunnel: Option<Tunnel>,
}

struct Tunnel {
    /// The proxy's.
    address: SocketAddr,
    stream: Stream,
    /// What is still to be sent to the proxy.
    out: Vec<u8>,
}

/// Where a tunnel stands.
pub(crate) enum TunnelState {
    /// The socket will tell when it goes on.
    Pending,
    /// It goes on without that.
    Busy,
    /// It needs a new connection to this address of the proxy's.
    Reconnect(SocketAddr),
    /// It is the server's stream now.
    Open(Stream),
    Failed(Error),
}

impl Route {
    /// The way to `target`; `None` where it is reached without a proxy.
    ///
    /// # Errors
    /// [`Error::ProxyUrl`] when the environment's cannot be used, [`Error::Proxy`] for what cannot be told to it, and
    /// as [`TlsClient::shared`].
    pub(crate) fn new(
        target: &WebSocketUrl,
        connect: &ConnectOptions,
        limits: HeadLimits,
    ) -> Result<Option<Self>, Error> {
        let url = match &connect.proxy {
            _ if target.socket_path().is_some() => None,
            ProxySetting::Off => None,
            ProxySetting::Url(url) => Some(url.clone()),
            ProxySetting::Environment => environment::proxy(target, &|name| {
                std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
            })?,
        };
        let Some(url) = url else { return Ok(None) };
        let tls = match (&url.scheme, &connect.proxy_tls) {
            (Scheme::Https, Some(tls)) => Some(tls.clone()),
            (Scheme::Https, None) => Some(TlsClient::shared()?),
            _ => None,
        };
        match negotiation(&url, target, limits) {
            Ok(negotiation) => Ok(Some(Self {
                url,
                tls,
                negotiation,
                tunnel: None,
            })),
            Err(problem) => Err(failed(&url, problem)),
        }
    }

    /// The host whose addresses are wanted next: the server's where SOCKS5 has this side resolve it, then the proxy's.
    pub(crate) fn host<'a>(&'a self, target: &'a WebSocketUrl) -> (&'a str, u16) {
        if self.wants_target() {
            (target.host(), target.port())
        } else {
            (&self.url.host, self.url.port)
        }
    }

    /// Whether the server's addresses are wanted.
    pub(crate) fn wants_target(&self) -> bool {
        self.url.scheme == Scheme::Socks5
            && matches!(&self.negotiation, Negotiation::Socks5(socks) if socks.has_name())
    }

    /// The server's addresses, at least one.
    pub(crate) fn target_resolved(&mut self, addresses: VecDeque<SocketAddr>) {
        if let Negotiation::Socks5(socks) = &mut self.negotiation {
            socks.resolved(addresses);
        }
    }

    /// Whether a connection to the proxy is made.
    pub(crate) const fn is_connected(&self) -> bool {
        self.tunnel.is_some()
    }

    /// A connection to the proxy is made.
    pub(crate) fn connected(&mut self, address: SocketAddr, socket: Socket) -> TunnelState {
        let stream = Stream::Plain(socket);
        let stream = match &self.tls {
            None => Ok(stream),
            Some(tls) => tls.wrap(stream, &self.url.host),
        };
        let stream = match stream {
            Ok(stream) => stream,
            Err(Error::Tls(error)) => return self.fail(ProxyProblem::Tls(error)),
            Err(error) => return TunnelState::Failed(error),
        };
        let mut out = Vec::new();
        self.negotiation.begin(&mut out);
        self.tunnel = Some(Tunnel {
            address,
            stream,
            out,
        });
        self.go_on()
    }

    /// The connection may have got ready.
    pub(crate) fn go_on(&mut self) -> TunnelState {
        let Some(mut tunnel) = self.tunnel.take() else {
            return TunnelState::Pending;
        };
        for _ in 0..READS {
            tunnel.send();
            let mut buffer = [0; READ_SIZE];
            let (progress, rest) = match tunnel.stream.receive(&mut buffer) {
                Ok(0) => (self.negotiation.end(), &[][..]),
                Ok(count) => {
                    let mut bytes = &buffer[..count];
                    let progress = self.negotiation.receive(&mut bytes, &mut tunnel.out);
                    (progress, bytes)
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if tunnel.stream.has_more() {
                        break;
                    }
                    self.tunnel = Some(tunnel);
                    return TunnelState::Pending;
                }
                Err(error) => (self.negotiation.end().map_err(|_| broken(&error)), &[][..]),
            };
            match progress {
                Ok(Progress::More) => {}
                Ok(Progress::Reconnect) => return TunnelState::Reconnect(tunnel.address),
                Ok(Progress::Done) => return TunnelState::Open(tunnel.stream.tunnel(rest)),
                Err(problem) => return self.fail(problem),
            }
        }
        self.tunnel = Some(tunnel);
        TunnelState::Busy
    }

    /// What a tunnel waits for, once there is one.
    pub(crate) fn stage(&self) -> Option<OpeningStage> {
        let stream = &self.tunnel.as_ref()?.stream;
        let stage = if stream.is_securing() {
            OpeningStage::ProxyTls
        } else {
            OpeningStage::Proxy
        };
        Some(stage(self.url.to_string().into()))
    }

    /// The proxy.
    pub(crate) const fn proxy(&self) -> &ProxyUrl {
        &self.url
    }

    /// The error that a problem on this way is.
    pub(crate) fn error(&self, problem: ProxyProblem) -> Error {
        failed(&self.url, problem)
    }

    fn fail(&self, problem: ProxyProblem) -> TunnelState {
        TunnelState::Failed(self.error(problem))
    }
}

impl Tunnel {
    /// Sends as much as is taken. That the proxy takes nothing any more shows when it is read: it may have answered
    /// before.
    fn send(&mut self) {
        if self.stream.flush().is_ok()
            && !self.out.is_empty()
            && let Ok(count) = self.stream.send(&self.out)
        {
            self.out.drain(..count);
        }
    }
}

/// What there is to say to a proxy.
fn negotiation(
    url: &ProxyUrl,
    target: &WebSocketUrl,
    limits: HeadLimits,
) -> Result<Negotiation, ProxyProblem> {
    let (host, port, credentials) = (target.host(), target.port(), url.credentials.clone());
    Ok(match url.scheme {
        Scheme::Http | Scheme::Https => {
            let cnonce = generate_key().map_err(|_| ProxyProblem::Random)?;
            Connect::new(authority(host, port), credentials, cnonce, limits).into()
        }
        Scheme::Socks5 | Scheme::Socks5h => Socks5::new(host, port, credentials)?.into(),
    })
}

fn failed(url: &ProxyUrl, problem: ProxyProblem) -> Error {
    Error::Proxy(Box::new(ProxyError {
        proxy: url.to_string().into(),
        problem,
    }))
}

fn broken(error: &io::Error) -> ProxyProblem {
    match super::super::stream_error("receive", error) {
        Error::Tls(TlsError::Truncated) => ProxyProblem::Closed,
        Error::Tls(error) => ProxyProblem::Tls(error),
        _ => ProxyProblem::Io(IoError::new("receive", error)),
    }
}

impl fmt::Debug for Route {
    /// What is sent to the proxy may hold credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Route")
            .field("proxy", &self.url)
            .field("connected", &self.is_connected())
            .finish_non_exhaustive()
    }
}
