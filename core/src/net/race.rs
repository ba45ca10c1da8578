//! Racing a host's addresses (RFC 8305, "Happy Eyeballs"): families alternate, and a slow address is not waited for before
//! the next is tried.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::time::Duration;

use mio::{Registry, Token};
use socket2::{Domain, Protocol, Type};

use super::{ConnectOptions, Socket, SocketOptions};
use crate::error::IoError;
use crate::protocol::Time;

/// RFC 8305 section 5: the delay before the next address is tried beside those under way.
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);
/// The most addresses of one host that are tried: more than the default `open_timeout` has time for when none answers.
const MOST_ADDRESSES: usize = 64;

/// The addresses of one host, those under way and those that have failed.
#[derive(Debug)]
pub(super) struct Race {
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

/// Where a race stands.
#[derive(Debug)]
pub(super) enum RaceState {
    /// Under way.
    Pending,
    /// An address has taken the connection; the others are given up.
    Won(SocketAddr, Socket),
    /// No address is left: [`Race::take_failed`] tells why.
    Lost,
}

impl Race {
    /// A race without addresses.
    pub(super) fn new(connect: &ConnectOptions) -> Self {
        Self {
            socket: connect.socket.clone(),
            local_address: connect.local_address,
            untried: VecDeque::new(),
            attempts: Vec::new(),
            failed: Vec::new(),
            next_attempt: None,
        }
    }

    /// Tries the addresses, in order of preference; of very many only the first.
    pub(super) fn begin(
        &mut self,
        addresses: Vec<SocketAddr>,
        registry: &Registry,
        token: Token,
        now: Time,
    ) -> RaceState {
        self.untried = in_turn(addresses);
        self.attempt(registry, token, now)
    }

    /// When [`on_time`](Self::on_time) wants to be called.
    pub(super) const fn next_attempt(&self) -> Option<Time> {
        self.next_attempt
    }

    /// The next address's turn may have come.
    pub(super) fn on_time(&mut self, registry: &Registry, token: Token, now: Time) -> RaceState {
        if self.next_attempt.is_some_and(|next| next <= now) {
            self.attempt(registry, token, now)
        } else {
            RaceState::Pending
        }
    }

    /// One of the sockets may be connected or have failed.
    pub(super) fn on_ready(&mut self, registry: &Registry, token: Token, now: Time) -> RaceState {
        let mut index = 0;
        let mut failed = false;
        while index < self.attempts.len() {
            match self.attempts[index].socket.connect_error() {
                None => return self.won(index),
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
            RaceState::Pending
        }
    }

    fn won(&mut self, index: usize) -> RaceState {
        let Attempt { address, socket } = self.attempts.swap_remove(index);
        self.attempts.clear();
        self.untried.clear();
        self.next_attempt = None;
        RaceState::Won(address, socket)
    }

    /// Addresses that have not answered.
    pub(super) fn silent(&self) -> Vec<SocketAddr> {
        (self.attempts.iter())
            .map(|attempt| attempt.address)
            .collect()
    }

    /// How many addresses are still to be tried.
    pub(super) fn untried(&self) -> usize {
        self.untried.len()
    }

    /// Addresses that did not take the connection, and why; once.
    pub(super) fn take_failed(&mut self) -> Vec<(SocketAddr, IoError)> {
        std::mem::take(&mut self.failed)
    }

    /// Tries the next addresses until one is under way.
    fn attempt(&mut self, registry: &Registry, token: Token, now: Time) -> RaceState {
        while let Some(address) = self.untried.pop_front() {
            match self.connect(address, registry, token) {
                Ok(socket) => {
                    self.attempts.push(Attempt { address, socket });
                    self.next_attempt = (!self.untried.is_empty()).then(|| now + ATTEMPT_DELAY);
                    return RaceState::Pending;
                }
                Err(error) => self.failed.push((address, error)),
            }
        }
        self.next_attempt = None;
        if self.attempts.is_empty() {
            return RaceState::Lost;
        }
        RaceState::Pending
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
}

fn is_pending(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotConnected || error.raw_os_error() == Some(libc::EINPROGRESS)
}

/// RFC 8305 section 4: the preferred family first, then in turn; none twice, and at most [`MOST_ADDRESSES`].
pub(super) fn in_turn(addresses: Vec<SocketAddr>) -> VecDeque<SocketAddr> {
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
    use std::net::{Ipv4Addr, TcpListener};

    use super::*;

    const TOKEN: Token = Token(1);
    const BEGUN: Time = Time::from_micros(1);

    fn listener() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("listens");
        let address = listener.local_addr().expect("has one");
        (listener, address)
    }

    /// A port that the system gives to nobody who asks for any.
    fn refusing(port: u16) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, port).into()
    }

    fn begun(addresses: &[SocketAddr], poll: &mio::Poll) -> (Race, RaceState) {
        let mut race = Race::new(&ConnectOptions::default());
        let state = race.begin(addresses.to_vec(), poll.registry(), TOKEN, BEGUN);
        (race, state)
    }

    /// Goes on whenever a socket is ready, until the race has come to an end.
    fn end(race: &mut Race, poll: &mut mio::Poll, mut state: RaceState) -> RaceState {
        let mut events = mio::Events::with_capacity(8);
        while let RaceState::Pending = state {
            poll.poll(&mut events, Some(Duration::from_secs(30)))
                .expect("polls");
            assert!(!events.is_empty(), "nothing ever comes of it");
            state = race.on_ready(poll.registry(), TOKEN, BEGUN);
        }
        state
    }

    fn winner(state: RaceState) -> SocketAddr {
        match state {
            RaceState::Won(address, socket) => {
                assert_eq!(socket.peer_address().expect("has one"), address);
                address
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_address_that_refuses_is_followed_by_the_next_at_once() {
        let (_listener, open) = listener();
        let mut poll = mio::Poll::new().expect("a poller");
        let (mut race, state) = begun(&[refusing(1), open], &poll);
        assert_eq!(winner(end(&mut race, &mut poll, state)), open);
    }

    #[test]
    fn an_address_that_is_silent_is_joined_by_the_next_after_a_while() {
        // A backlog that is full answers nothing.
        let full = socket2::Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        full.bind(&refusing(0).into()).expect("binds");
        full.listen(0).expect("listens");
        let silent = full.local_addr().expect("has one");
        let silent = silent.as_socket().expect("an IP address");
        let _waiting: Vec<_> = (0..4)
            .map(|_| mio::net::TcpStream::connect(silent))
            .collect();
        let (_listener, open) = listener();
        let mut poll = mio::Poll::new().expect("a poller");
        let (mut race, state) = begun(&[silent, open], &poll);
        assert!(matches!(state, RaceState::Pending), "{state:?}");
        let then = BEGUN + ATTEMPT_DELAY;
        assert_eq!(race.next_attempt(), Some(then));
        assert_eq!((race.silent(), race.untried()), (vec![silent], 1));
        let state = race.on_time(poll.registry(), TOKEN, then);
        assert_eq!(race.silent(), [silent, open], "both are under way");
        assert_eq!(race.next_attempt(), None);
        assert_eq!(winner(end(&mut race, &mut poll, state)), open);
        assert!(race.silent().is_empty(), "the other is given up");
    }

    #[test]
    fn a_race_that_is_lost_knows_of_every_address() {
        let addresses = [refusing(1), refusing(2)];
        let mut poll = mio::Poll::new().expect("a poller");
        let (mut race, state) = begun(&addresses, &poll);
        let state = end(&mut race, &mut poll, state);
        assert!(matches!(state, RaceState::Lost), "{state:?}");
        let failed = race.take_failed();
        let tried: Vec<SocketAddr> = failed.iter().map(|(address, _)| *address).collect();
        assert_eq!(tried, addresses);
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
