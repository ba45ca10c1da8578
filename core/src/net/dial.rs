//! Making a connection to one of a host's addresses (RFC 8305, "Happy Eyeballs"): families alternate, and a slow
//! address is not waited for before the next is tried. With a proxy they are the proxy's, and the way from there to
//! the server follows.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use mio::net::UnixStream;
use mio::{Registry, Token};
use socket2::{Domain, Protocol, Type};

use super::proxy::{Route, TunnelState};
use super::{
    ConnectOptions, NameResolver, Question, Resolver, Socket, SocketOptions, Stream, TlsClient,
};
use crate::error::{Error, IoError};
use crate::handshake::WebSocketUrl;
use crate::opening_stage::OpeningStage;
use crate::protocol::{Options, Time};
use crate::proxy_error::ProxyProblem;

/// RFC 8305 section 5: the delay before the next address is tried beside those under way.
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);
/// The most addresses of one host that are tried: more than the default `open_timeout` has time for when none answers.
const MOST_ADDRESSES: usize = 64;
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
    socket: SocketOptions,
    local_address: Option<SocketAddr>,
    untried: VecDeque<SocketAddr>,
    attempts: Vec<Attempt>,
    failed: Vec<(SocketAddr, IoError)>,
    next_attempt: Option<Time>,
}

#[derive(Debug)]
struct Attempt {
    address: SocketAddr,
    socket: Socket,
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
            socket: connect.socket.clone(),
            local_address: connect.local_address,
            untried: VecDeque::new(),
            attempts: Vec::new(),
            failed: Vec::new(),
            next_attempt: None,
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
        self.untried = in_turn(addresses);
        self.attempt(registry, token, now)
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
                self.next_attempt = Some(now + FULL_DELAY);
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
        match (self.next_attempt, self.end()) {
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
        if self.next_attempt.is_some_and(|next| next <= now) {
            if self.url.socket_path().is_some() {
                return self.unix(registry, token, now);
            }
            return self.attempt(registry, token, now);
        }
        DialState::Pending
    }

    /// One of the sockets may be connected or have failed.
    pub(crate) fn on_ready(&mut self, registry: &Registry, token: Token, now: Time) -> DialState {
        if let Some(route) = &mut self.route
            && route.is_connected()
        {
            let state = route.go_on();
            return self.tunnelled(state, registry, token, now);
        }
        let mut index = 0;
        let mut failed = false;
        while index < self.attempts.len() {
            match self.attempts[index].socket.connect_error() {
                None => return self.connected(index, registry, token, now),
                Some(error) if is_pending(&error) => index += 1,
                Some(error) => {
                    let attempt = self.attempts.swap_remove(index);
                    self.failed
                        .push((attempt.address, IoError::new("connect", &error)));
                    failed = true;
                }
            }
        }
        if failed {
            self.attempt(registry, token, now)
        } else {
            DialState::Pending
        }
    }

    /// Tries the next addresses until one is under way.
    fn attempt(&mut self, registry: &Registry, token: Token, now: Time) -> DialState {
        while let Some(address) = self.untried.pop_front() {
            match self.connect(address, registry, token) {
                Ok(socket) => {
                    self.attempts.push(Attempt { address, socket });
                    self.next_attempt = (!self.untried.is_empty()).then(|| now + ATTEMPT_DELAY);
                    return DialState::Pending;
                }
                Err(error) => self.failed.push((address, error)),
            }
        }
        self.next_attempt = None;
        if self.attempts.is_empty() {
            return DialState::Failed(self.failure());
        }
        DialState::Pending
    }

    /// Begins to connect to one address.
    fn connect(
        &self,
        address: SocketAddr,
        registry: &Registry,
        token: Token,
    ) -> Result<Socket, IoError> {
        let failed = |what| move |error: io::Error| IoError::new(what, &error);
        let kind = Type::STREAM.nonblocking().cloexec();
        let socket = socket2::Socket::new(Domain::for_address(address), kind, Some(Protocol::TCP))
            .map_err(failed("make a socket"))?;
        self.socket
            .apply(&socket, address.is_ipv6())
            .map_err(failed("set the socket's options"))?;
        if let Some(local) = self.local_address {
            // The attempts of one dial share a port that was chosen.
            socket
                .set_reuse_address(local.port() != 0)
                .and_then(|()| socket.bind(&local.into()))
                .map_err(failed("bind to the local address"))?;
        }
        match socket.connect(&address.into()) {
            Err(error) if !is_pending(&error) => return Err(IoError::new("connect", &error)),
            _ => {}
        }
        let socket = Socket::from(OwnedFd::from(socket));
        socket
            .register(registry, token)
            .map_err(failed("watch a socket"))?;
        Ok(socket)
    }

    /// An attempt has succeeded.
    fn connected(
        &mut self,
        index: usize,
        registry: &Registry,
        token: Token,
        now: Time,
    ) -> DialState {
        let Attempt { address, socket } = self.attempts.swap_remove(index);
        let Some(route) = &mut self.route else {
            return self.reached(Stream::Plain(socket));
        };
        self.attempts.clear();
        self.untried.clear();
        self.next_attempt = None;
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
                self.untried.push_back(address);
                self.attempt(registry, token, now)
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
        if self.attempts.is_empty() {
            let host = self.host().0.to_owned();
            return OpeningStage::Resolving { host };
        }
        OpeningStage::Connecting {
            host: match &self.route {
                Some(route) => format!("the proxy {}", route.proxy()),
                None => self.url.host_header(),
            },
            silent: self
                .attempts
                .iter()
                .map(|attempt| attempt.address)
                .collect(),
            failed: std::mem::take(&mut self.failed),
            untried: self.untried.len(),
        }
    }

    /// What has been tried so far.
    fn failure(&mut self) -> Error {
        let attempts = std::mem::take(&mut self.failed);
        match &self.route {
            Some(route) => route.error(ProxyProblem::Connect(attempts)),
            None => Error::Connect {
                host: self.url.host_header(),
                attempts,
            },
        }
    }
}

fn is_pending(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotConnected || error.raw_os_error() == Some(libc::EINPROGRESS)
}

/// RFC 8305 section 4: the preferred family first, then in turn; none twice, and at most [`MOST_ADDRESSES`].
fn in_turn(addresses: Vec<SocketAddr>) -> VecDeque<SocketAddr> {
    let Some(first) = addresses.first() else {
        return VecDeque::new();
    };
    let (preferred, other): (Vec<_>, Vec<_>) = addresses
        .iter()
        .copied()
        .partition(|address| address.is_ipv4() == first.is_ipv4());
    let mut order = VecDeque::with_capacity(addresses.len().min(MOST_ADDRESSES));
    let (mut preferred, mut other) = (preferred.into_iter(), other.into_iter());
    while order.len() < MOST_ADDRESSES {
        let (one, two) = (preferred.next(), other.next());
        if (one, two) == (None, None) {
            break;
        }
        for address in one.into_iter().chain(two) {
            if !order.contains(&address) {
                order.push_back(address);
            }
        }
    }
    order.truncate(MOST_ADDRESSES);
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: Token = Token(1);
    const BEGUN: Time = Time::from_micros(1);

    fn dial() -> Dial {
        let url = WebSocketUrl::parse("ws://localhost/").expect("a URL");
        let connect = ConnectOptions::default();
        Dial::new(url, &connect, Arc::new(Options::default()), BEGUN).expect("no TLS to set up")
    }

    fn listener() -> (std::net::TcpListener, SocketAddr) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("listens");
        let address = listener.local_addr().expect("has one");
        (listener, address)
    }

    /// A port that the system gives to nobody who asks for any.
    fn refusing(port: u16) -> SocketAddr {
        (std::net::Ipv4Addr::LOCALHOST, port).into()
    }

    /// Goes on whenever a socket is ready, until it has come to an end.
    fn race(dial: &mut Dial, poll: &mut mio::Poll, mut state: DialState) -> DialState {
        let mut events = mio::Events::with_capacity(8);
        while let DialState::Pending = state {
            poll.poll(&mut events, Some(Duration::from_secs(30)))
                .expect("polls");
            assert!(!events.is_empty(), "nothing ever comes of it");
            state = dial.on_ready(poll.registry(), TOKEN, BEGUN);
        }
        state
    }

    #[test]
    fn an_address_that_refuses_is_followed_by_the_next_at_once() {
        let (_listener, open) = listener();
        let closed = refusing(1);
        let mut poll = mio::Poll::new().expect("a poller");
        let mut dial = dial();
        let state = dial.resolved(vec![closed, open], poll.registry(), TOKEN, BEGUN);
        match race(&mut dial, &mut poll, state) {
            DialState::Connected(stream) => {
                assert_eq!(stream.peer_address().expect("has one"), open);
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_address_that_is_silent_is_joined_by_the_next_after_a_while() {
        // A backlog that is full answers nothing.
        let full = socket2::Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
        full.bind(&any.into()).expect("binds");
        full.listen(0).expect("listens");
        let silent = full.local_addr().expect("has one");
        let silent = silent.as_socket().expect("an IP address");
        let _waiting: Vec<_> = (0..4)
            .map(|_| mio::net::TcpStream::connect(silent))
            .collect();
        let (_listener, open) = listener();
        let mut poll = mio::Poll::new().expect("a poller");
        let mut dial = dial();
        let state = dial.resolved(vec![silent, open], poll.registry(), TOKEN, BEGUN);
        assert!(matches!(state, DialState::Pending), "{state:?}");
        let then = BEGUN + ATTEMPT_DELAY;
        assert_eq!(dial.next_deadline(), Some(then));
        let state = dial.on_time(poll.registry(), TOKEN, then);
        assert_eq!(dial.attempts.len(), 2, "both are under way");
        assert_eq!(
            dial.next_deadline(),
            Some(BEGUN + Options::default().open_timeout)
        );
        match race(&mut dial, &mut poll, state) {
            DialState::Connected(stream) => {
                assert_eq!(stream.peer_address().expect("has one"), open);
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_failure_lists_every_address() {
        let addresses = [refusing(1), refusing(2)];
        let mut poll = mio::Poll::new().expect("a poller");
        let mut dial = dial();
        let state = dial.resolved(addresses.to_vec(), poll.registry(), TOKEN, BEGUN);
        match race(&mut dial, &mut poll, state) {
            DialState::Failed(Error::Connect { host, attempts }) => {
                assert_eq!(host, "localhost");
                let tried: Vec<SocketAddr> = attempts.iter().map(|(address, _)| *address).collect();
                assert_eq!(tried, addresses);
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn families_alternate_beginning_with_the_preferred() {
        let address = |text: &str| text.parse::<SocketAddr>().expect("an address");
        let (a, b, c) = (address("[::1]:1"), address("[::2]:1"), address("[::3]:1"));
        let (x, y) = (address("1.1.1.1:1"), address("2.2.2.2:1"));
        assert_eq!(in_turn(vec![a, b, c, x, y]), [a, x, b, y, c]);
        assert_eq!(in_turn(vec![x, a, b]), [x, a, b]);
        assert_eq!(in_turn(Vec::new()), []);
    }

    #[test]
    fn nn_2025_0103_of_very_many_addresses_the_first_are_tried() {
        let many = |count: u16| (1..=count).map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        let lone: SocketAddr = "[::1]:1".parse().expect("an address");
        let order = in_turn(many(10_000).chain([lone]).collect());
        assert_eq!(order.len(), MOST_ADDRESSES);
        assert_eq!(order[1], lone);
        // The same address again and again is one address.
        assert_eq!(in_turn(vec![lone; 10_000]), [lone]);
    }
}
