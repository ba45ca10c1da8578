//! Dialling: from a URL to a stream on which the opening handshake begins.

use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;
use std::sync::Arc;

use super::connections::Connections;
use super::id::{self, ConnectionId};
use super::outgoing::Outgoing;
use super::slots::{Flags, Transport};
use super::supervise::Reconnect;
use crate::error::{Error, IoError, Role};
use crate::handshake::WebSocketUrl;
use crate::net::{ConnectOptions, Dial, DialState, ProxySetting, Socket};
use crate::protocol::{Options, Protocol};

impl Connections {
    /// Dials a server: `ws://host/path`, `wss://host/path`, or `ws+unix:/path/to.sock:/path` for a Unix socket. The id
    /// is good at once; [`Opened`](super::EventKind::Opened) or [`Closed`](super::EventKind::Closed) tells what came of
    /// it, within `open_timeout`.
    ///
    /// # Errors
    /// [`Error::Url`] for a URL that is none, [`Error::ProxyUrl`] for such a one in the environment, [`Error::Tls`] when
    /// TLS cannot be set up, [`Error::Limit`] at `max_connections`, [`Error::Io`] when no thread can be started for name
    /// resolution, [`Error::Compression`] for settings a client cannot use, [`Error::Forked`].
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
        self.dial(url, connect, options, None)
    }

    pub(super) fn dial(
        &mut self,
        url: &str,
        connect: &ConnectOptions,
        options: Arc<Options>,
        reconnect: Option<Reconnect>,
    ) -> Result<ConnectionId, Error> {
        self.check_fork()?;
        options.compression.check(Role::Client)?;
        let url = WebSocketUrl::parse(url)?;
        self.tick();
        let outgoing = Outgoing::new(&url, connect, &options, reconnect, self.now);
        let dial = Dial::new(url, connect, options, self.now)?;
        let (index, id) = self.place()?;
        let slot = self.slots.at(index);
        slot.id = id;
        slot.outgoing = outgoing;
        if let Err(error) = self.begin_dial(index, dial) {
            self.slots.release(index);
            return Err(error);
        }
        self.tally.counters.dialled += 1;
        Ok(id)
    }

    /// Dials for the connection at this place, which has none.
    ///
    /// # Errors
    /// [`Error::Io`] when no thread can be started for name resolution.
    pub(super) fn begin_dial(&mut self, index: u32, dial: Dial) -> Result<(), Error> {
        let unix = dial.url.socket_path().is_some();
        self.slots.at(index).transport = Transport::Dial(Box::new(dial));
        if unix {
            self.dial_unix(index);
            return Ok(());
        }
        self.look_up(index)
    }

    /// Goes on with the address of the host that a dial asks for, or has its name resolved.
    fn look_up(&mut self, index: u32) -> Result<(), Error> {
        let Transport::Dial(dial) = &mut self.slots.at(index).transport else {
            return Ok(());
        };
        let (host, port) = dial.host();
        if let Ok(address) = host.parse::<IpAddr>() {
            self.dial_with(index, vec![SocketAddr::new(address, port)]);
            return Ok(());
        }
        // A number that no other dial's question has, an earlier one's of this connection included.
        let tag = self.ids.connection(index).ok_or(id::NONE_LEFT)?;
        dial.ask(&self.resolver, tag.bits())
            .map_err(|error| Error::Io(IoError::new("start a thread to resolve a name", &error)))?;
        self.schedule(index);
        Ok(())
    }

    /// Makes a client's connection of a connected stream socket of the host's, a tunnel's for instance: TLS if the URL is
    /// `wss`, then the opening handshake. Whom the socket is connected to is the host's affair; the URL says what is asked
    /// for. The socket is made non-blocking and closed on exec. No redirect is followed: there is nowhere else to go.
    ///
    /// # Errors
    /// As [`connect`](Self::connect), and [`Error::Io`] for a descriptor that is no connected stream socket; it is closed
    /// then.
    pub fn connect_over(
        &mut self,
        socket: OwnedFd,
        url: &str,
        connect: &ConnectOptions,
        options: Arc<Options>,
    ) -> Result<ConnectionId, Error> {
        self.check_fork()?;
        options.compression.check(Role::Client)?;
        let url = WebSocketUrl::parse(url)?;
        self.tick();
        let connect = ConnectOptions {
            proxy: ProxySetting::Off,
            ..connect.clone()
        };
        let dial = Dial::new(url, &connect, options, self.now)?;
        let socket = Socket::adopt(socket)
            .map_err(|error| Error::Io(IoError::new("take over a connection", &error)))?;
        let (index, id) = self.place()?;
        self.tally.counters.dialled += 1;
        let state = dial.over(socket, &self.registry, id.token());
        let slot = self.slots.at(index);
        slot.id = id;
        slot.transport = Transport::Dial(Box::new(dial));
        self.dial_goes_on(index, state);
        Ok(id)
    }

    /// Takes the resolver's answers.
    pub(super) fn take_answers(&mut self) {
        for answer in self.resolver.answers() {
            let index = ConnectionId::from_bits(answer.tag).index();
            let dial = match &self.slots.at(index).transport {
                Transport::Dial(dial) if dial.asked() == Some(answer.tag) => dial,
                _ => continue,
            };
            match answer.result {
                Ok(addresses) => self.dial_with(index, addresses),
                Err(message) => {
                    let error = dial.unresolved(message);
                    self.fail(index, error);
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
        let state = dial.on_time(&self.registry, slot.id.token(), now);
        self.dial_goes_on(index, state);
    }

    fn dial_goes_on(&mut self, index: u32, state: DialState) {
        match state {
            DialState::Pending => self.schedule(index),
            DialState::Busy => {
                self.schedule(index);
                self.list(index);
            }
            DialState::Lookup => {
                if let Err(error) = self.look_up(index) {
                    self.fail(index, error);
                }
            }
            DialState::Failed(error) => self.fail(index, error),
            DialState::Connected(stream) => {
                let slot = self.slots.at(index);
                let Transport::Dial(dial) =
                    std::mem::replace(&mut slot.transport, Transport::Stream(stream))
                else {
                    return;
                };
                // It may have been told already that the server has spoken, or gone.
                slot.flags.keep(Flags::INCOMING | Flags::PAUSED);
                let paused = slot.flags.has(Flags::PAUSED);
                self.cork(index);
                match Protocol::client(
                    &dial.url,
                    dial.options.clone(),
                    &mut self.output,
                    dial.started,
                ) {
                    Ok(mut protocol) => {
                        protocol.set_paused(paused, self.now);
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
