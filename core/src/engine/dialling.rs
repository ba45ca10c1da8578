//! Dialling: from a URL to a stream on which the opening handshake begins.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::connections::Connections;
use super::id::ConnectionId;
use super::slots::{Flags, Transport};
use crate::error::{Deadline, Error, IoError, Role};
use crate::handshake::WebSocketUrl;
use crate::net::{ConnectOptions, Dial, DialState};
use crate::protocol::{Options, Protocol};

impl Connections {
    /// Dials a server: `ws://host/path`, `wss://host/path`, or `ws+unix:/path/to.sock:/path` for a Unix socket. The id
    /// is good at once; [`Opened`](super::EventKind::Opened) or [`Closed`](super::EventKind::Closed) tells what came of
    /// it, within `open_timeout`.
    ///
    /// # Errors
    /// [`Error::Url`] for a URL that is none, [`Error::Tls`] when TLS cannot be set up, [`Error::Limit`] at
    /// `max_connections`, [`Error::Io`] when no thread can be started for name resolution,
    /// [`Error::Compression`] for settings a client cannot use, [`Error::Forked`].
    pub fn connect(&mut self, url: &str, options: Arc<Options>) -> Result<ConnectionId, Error> {
        self.connect_with(url, &ConnectOptions::default(), options)
    }

    /// Dials a server by other settings of the transport than the default ones.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub fn connect_with(
        &mut self,
        url: &str,
        connect: &ConnectOptions,
        options: Arc<Options>,
    ) -> Result<ConnectionId, Error> {
        self.check_fork()?;
        options.compression.check(Role::Client)?;
        let url = WebSocketUrl::parse(url)?;
        self.tick();
        let dial = Dial::new(url, connect, options, self.now)?;
        let index = self.reserve()?;
        let id = self
            .ids
            .connection(index)
            .ok_or(Error::Misuse("this engine has no ids left"));
        let address = dial
            .url
            .bracketed_host()
            .trim_matches(['[', ']'])
            .parse::<IpAddr>();
        let asked = match (&id, &address) {
            (Ok(id), Err(_)) if dial.url.socket_path().is_none() => {
                self.resolver
                    .ask(id.bits(), dial.url.host(), dial.url.port())
            }
            _ => Ok(()),
        };
        let (Ok(id), Ok(())) = (&id, &asked) else {
            self.slots.release(index);
            asked.map_err(|error| {
                Error::Io(IoError::new("start a thread to resolve a name", &error))
            })?;
            return id;
        };
        let (id, port, unix) = (*id, dial.url.port(), dial.url.socket_path().is_some());
        self.counters.dialled += 1;
        let slot = self.slots.at(index);
        slot.id = id;
        slot.transport = Transport::Dial(Box::new(dial));
        match address {
            _ if unix => self.dial_unix(index),
            Ok(address) => self.dial_with(index, vec![SocketAddr::new(address, port)]),
            Err(_) => self.schedule(index),
        }
        Ok(id)
    }

    /// Takes the resolver's answers.
    pub(super) fn take_answers(&mut self) {
        for answer in self.resolver.answers() {
            let id = ConnectionId::from_bits(answer.tag);
            let Some(Transport::Dial(dial)) = self.slots.get(id).map(|slot| &slot.transport) else {
                continue;
            };
            match answer.result {
                Ok(addresses) => self.dial_with(id.index(), addresses),
                Err(message) => {
                    let host = dial.url.host().to_owned();
                    self.fail(id.index(), Error::Resolve { host, message });
                }
            }
        }
    }

    /// A dialled host's addresses are known.
    pub(super) fn dial_with(&mut self, index: u32, addresses: Vec<SocketAddr>) {
        let now = self.now;
        let slot = self.slots.at(index);
        let Transport::Dial(dial) = &mut slot.transport else {
            return;
        };
        let state = dial.resolved(addresses, &self.registry, slot.id.token(), now);
        self.dial_goes_on(index, state);
    }

    /// Dials a Unix socket.
    pub(super) fn dial_unix(&mut self, index: u32) {
        let now = self.now;
        let slot = self.slots.at(index);
        let Transport::Dial(dial) = &mut slot.transport else {
            return;
        };
        let state = dial.unix(&self.registry, slot.id.token(), now);
        self.dial_goes_on(index, state);
    }

    /// One of a dial's sockets may be connected or have failed.
    pub(super) fn dial_ready(&mut self, index: u32) {
        let now = self.now;
        let slot = self.slots.at(index);
        let Transport::Dial(dial) = &mut slot.transport else {
            return;
        };
        let state = dial.on_ready(&self.registry, slot.id.token(), now);
        self.dial_goes_on(index, state);
    }

    /// A dial's next step, or the end of its time, may have come.
    pub(super) fn dial_time(&mut self, index: u32) {
        let now = self.now;
        let slot = self.slots.at(index);
        let Transport::Dial(dial) = &mut slot.transport else {
            return;
        };
        let wait = dial.options.open_timeout;
        let state = if !wait.is_zero() && dial.started + wait <= now {
            DialState::Failed(Error::Timeout {
                deadline: Deadline::Open,
                after: wait,
            })
        } else {
            dial.on_time(&self.registry, slot.id.token(), now)
        };
        self.dial_goes_on(index, state);
    }

    fn dial_goes_on(&mut self, index: u32, state: DialState) {
        match state {
            DialState::Pending => self.schedule(index),
            DialState::Failed(error) => self.fail(index, error),
            DialState::Connected(stream) => {
                let slot = self.slots.at(index);
                let Transport::Dial(dial) =
                    std::mem::replace(&mut slot.transport, Transport::Stream(stream))
                else {
                    return;
                };
                // It may have been told already that the server has spoken, or gone.
                slot.flags.keep(Flags::INCOMING);
                self.cork(index);
                match Protocol::client(
                    &dial.url,
                    dial.options.clone(),
                    &mut self.output,
                    dial.started,
                ) {
                    Ok(protocol) => {
                        self.slots.at(index).protocol = Some(protocol);
                        self.sent(index);
                        self.schedule(index);
                        if self.slots.at(index).flags.has(Flags::READABLE) {
                            self.list(index);
                        }
                    }
                    Err(error) => {
                        let protocol = Protocol::open(Role::Client, dial.options, self.now);
                        self.slots.at(index).protocol = Some(protocol);
                        self.fail(index, error);
                    }
                }
            }
        }
    }
}
