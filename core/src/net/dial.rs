//! Making a connection: from a URL by way of the host's addresses to a stream on which the handshake can begin. With a
//! proxy they are the proxy's, and the way from there to the server follows.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use mio::net::UnixStream;
use mio::{Registry, Token};

use super::proxy::{Route, TunnelState};
use super::race::{Race, RaceState, in_turn};
use super::{ConnectOptions, NameResolver, Question, Resolver, Socket, Stream, TlsClient};
use crate::error::{Error, IoError};
use crate::handshake::WebSocketUrl;
use crate::opening_stage::OpeningStage;
use crate::protocol::{Options, Time};
use crate::proxy_error::ProxyProblem;

/// When a Unix socket whose backlog is full is tried again.
const FULL_DELAY: Duration = Duration::from_millis(20);

/// A connection being made. Boxed, since few are at a time.
#[derive(Debug)]
pub(crate) struct Dial {
    pub(crate) url: WebSocketUrl,
    pub(crate) options: Arc<Options>,
    pub(crate) started: Time,
    /// For a `wss` URL.
    tls: Option<TlsClient>,
    /// Where it goes through a proxy.
    route: Option<Route>,
    /// In place of the system's.
    resolver: Option<NameResolver>,
    /// The number of the question for the host's addresses.
    asked: Option<u64>,
    race: Race,
    /// When a Unix socket whose backlog was full is tried again.
    unix_again: Option<Time>,
}

/// Where a dial stands.
#[derive(Debug)]
pub(crate) enum DialState {
    /// Under way.
    Pending,
    /// It goes on without waiting, by [`Dial::on_ready`].
    Busy,
    /// The addresses of another [`host`](Dial::host) are wanted.
    Lookup,
    /// Made.
    Connected(Stream),
    /// No address is left.
    Failed(Error),
}

impl Dial {
    /// A dial whose addresses are not known yet.
    ///
    /// # Errors
    /// As [`TlsClient::shared`], [`Route::new`] and [`SocketOptions::check`].
    pub(crate) fn new(
        url: WebSocketUrl,
        connect: &ConnectOptions,
        options: Arc<Options>,
        started: Time,
    ) -> Result<Self, Error> {
        connect.socket.check()?;
        let tls = match &connect.tls {
            _ if !url.secure() => None,
            Some(tls) => Some(tls.clone()),
            None => Some(TlsClient::shared()?),
        };
        let route = Route::new(&url, connect, options.head_limits)?;
        Ok(Self {
            url,
            options,
            started,
            tls,
            route,
            resolver: connect.resolver.clone(),
            asked: None,
            race: Race::new(connect),
            unix_again: None,
        })
    }

    /// The host, a name or an address, and port whose addresses [`resolved`](Self::resolved) wants: the URL's, or those
    /// of a proxy.
    pub(crate) fn host(&self) -> (&str, u16) {
        match &self.route {
            Some(route) => route.host(&self.url),
            None => (self.url.host(), self.url.port()),
        }
    }

    /// Asks for the addresses of [`host`](Self::host), a name, in the tag's name.
    ///
    /// # Errors
    /// As [`Resolver::ask`].
    pub(crate) fn ask(&mut self, resolver: &Resolver, tag: u64) -> io::Result<()> {
        self.asked = Some(tag);
        let (host, port) = self.host();
        resolver.ask(Question {
            tag,
            host: host.to_owned(),
            port,
            by: self.resolver.clone(),
        })
    }

    /// The tag of the question that was asked.
    pub(crate) const fn asked(&self) -> Option<u64> {
        self.asked
    }

    /// The addresses, in order of preference; the first is tried at once. Of very many only the first are.
    pub(crate) fn resolved(
        &mut self,
        addresses: Vec<SocketAddr>,
        registry: &Registry,
        token: Token,
        now: Time,
    ) -> DialState {
        if addresses.is_empty() {
            return DialState::Failed(self.unresolved("the name has no addresses".to_owned()));
        }
        if let Some(route) = &mut self.route
            && route.wants_target()
        {
            route.target_resolved(in_turn(addresses));
            return DialState::Lookup;
        }
        let state = self.race.begin(addresses, registry, token, now);
        self.raced(state, registry, token, now)
    }

    /// The error when [`host`](Self::host) cannot be resolved.
    pub(crate) fn unresolved(&self, message: String) -> Error {
        match &self.route {
            Some(route) if !route.wants_target() => route.error(ProxyProblem::Resolve(message)),
            _ => Error::Resolve {
                host: self.url.host().to_owned(),
                message,
            },
        }
    }

    /// Tries the URL's Unix socket.
    pub(crate) fn unix(&mut self, registry: &Registry, token: Token, now: Time) -> DialState {
        let path = self.url.socket_path().unwrap_or_default();
        let connected = UnixStream::connect(path).and_then(|stream| {
            let socket = Socket::from(OwnedFd::from(stream));
            socket.register(registry, token)?;
            Ok(socket)
        });
        match connected {
            Ok(socket) => DialState::Connected(Stream::Plain(socket)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.unix_again = Some(now + FULL_DELAY);
                DialState::Pending
            }
            Err(error) => DialState::Failed(Error::ConnectUnix {
                path: path.into(),
                error: IoError::new("connect", &error),
            }),
        }
    }

    /// Goes on with a socket that is connected already.
    pub(crate) fn over(&self, socket: Socket, registry: &Registry, token: Token) -> DialState {
        match socket.register(registry, token) {
            Ok(()) => self.reached(Stream::Plain(socket)),
            Err(error) => DialState::Failed(Error::Io(IoError::new("watch a connection", &error))),
        }
    }

    /// When [`on_time`](Self::on_time) wants to be called.
    pub(crate) fn next_deadline(&self) -> Option<Time> {
        let next = self.race.next_attempt().or(self.unix_again);
        match (next, self.end()) {
            (Some(next), Some(end)) => Some(next.min(end)),
            (next, end) => next.or(end),
        }
    }

    /// When `open_timeout` ends the dial.
    fn end(&self) -> Option<Time> {
        let wait = self.options.open_timeout;
        (!wait.is_zero()).then(|| self.started + wait)
    }

    /// The dial's end, or the next address's turn, may have come.
    pub(crate) fn on_time(&mut self, registry: &Registry, token: Token, now: Time) -> DialState {
        if self.end().is_some_and(|end| end <= now) {
            let after = self.options.open_timeout;
            return DialState::Failed(self.stage().timeout(after));
        }
        if self.unix_again.is_some_and(|again| again <= now) {
            return self.unix(registry, token, now);
        }
        let state = self.race.on_time(registry, token, now);
        self.raced(state, registry, token, now)
    }

    /// One of the sockets may be connected or have failed.
    pub(crate) fn on_ready(&mut self, registry: &Registry, token: Token, now: Time) -> DialState {
        if let Some(route) = &mut self.route
            && route.is_connected()
        {
            let state = route.go_on();
            return self.tunnelled(state, registry, token, now);
        }
        let state = self.race.on_ready(registry, token, now);
        self.raced(state, registry, token, now)
    }

    /// The race of the addresses has come this far.
    fn raced(
        &mut self,
        state: RaceState,
        registry: &Registry,
        token: Token,
        now: Time,
    ) -> DialState {
        let (address, socket) = match state {
            RaceState::Pending => return DialState::Pending,
            RaceState::Lost => return DialState::Failed(self.failure()),
            RaceState::Won(address, socket) => (address, socket),
        };
        let Some(route) = &mut self.route else {
            return self.reached(Stream::Plain(socket));
        };
        let state = route.connected(address, socket);
        self.tunnelled(state, registry, token, now)
    }

    /// The tunnel through a proxy has come this far.
    fn tunnelled(
        &mut self,
        state: TunnelState,
        registry: &Registry,
        token: Token,
        now: Time,
    ) -> DialState {
        match state {
            TunnelState::Pending => DialState::Pending,
            TunnelState::Busy => DialState::Busy,
            TunnelState::Reconnect(address) => {
                let state = self.race.begin(vec![address], registry, token, now);
                self.raced(state, registry, token, now)
            }
            TunnelState::Open(stream) => self.reached(stream),
            TunnelState::Failed(error) => DialState::Failed(error),
        }
    }

    /// There is a stream to the server.
    fn reached(&self, stream: Stream) -> DialState {
        let Some(tls) = &self.tls else {
            return DialState::Connected(stream);
        };
        match tls.wrap(stream, self.url.host()) {
            Ok(stream) => DialState::Connected(stream),
            Err(error) => DialState::Failed(error),
        }
    }

    /// What is waited for.
    fn stage(&mut self) -> OpeningStage {
        if let Some(path) = self.url.socket_path() {
            return OpeningStage::ConnectingUnix { path: path.into() };
        }
        if let Some(stage) = self.route.as_ref().and_then(Route::stage) {
            return stage;
        }
        // Once there are addresses one of them is under way.
        let silent = self.race.silent();
        if silent.is_empty() {
            let host = self.host().0.to_owned();
            return OpeningStage::Resolving { host };
        }
        OpeningStage::Connecting {
            host: match &self.route {
                Some(route) => format!("the proxy {}", route.proxy()),
                None => self.url.host_header(),
            },
            silent,
            failed: self.race.take_failed(),
            untried: self.race.untried(),
        }
    }

    /// What has been tried so far.
    fn failure(&mut self) -> Error {
        let attempts = self.race.take_failed();
        match &self.route {
            Some(route) => route.error(ProxyProblem::Connect(attempts)),
            None => Error::Connect {
                host: self.url.host_header(),
                attempts,
            },
        }
    }
}
