//! Where a server's connections come from: listeners, and sockets that the host hands over.

use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::connections::Connections;
use super::event::Notice;
use super::id::{self, ConnectionId, ListenerId};
use super::peers::Peer;
use super::slots::{Flags, Transport};
use crate::error::{Error, IoError, Role};
use crate::net::{self, ListenAddress, ListenOptions, Listener, Socket, Stream, TlsServer};
use crate::protocol::{Options, Protocol};

/// Connections accepted of one listener in one turn.
const ACCEPTS: usize = 64;
/// How long a listener rests that could not accept.
const ACCEPT_REST: Duration = Duration::from_millis(100);

const NO_ROOM: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

/// A listener.
#[derive(Debug)]
pub(super) struct ListenerSlot {
    pub(super) id: ListenerId,
    pub(super) socket: Listener,
    pub(super) options: Arc<Options>,
    /// Accepting has failed, and that has been told.
    pub(super) failing: bool,
}

impl Connections {
    /// Listens for connections, which then come as events.
    ///
    /// # Errors
    /// [`Error::Io`] when the address cannot be had, [`Error::Compression`] for settings a server cannot use,
    /// [`Error::Forked`].
    pub fn listen(
        &mut self,
        address: SocketAddr,
        listen: &ListenOptions,
        options: Arc<Options>,
    ) -> Result<ListenerId, Error> {
        self.listen_at(&ListenAddress::Tcp(address), listen, options)
    }

    /// Listens on a Unix socket, by its path in the file system. A socket that a server left behind is replaced; one
    /// that a server still listens on, or a file of another kind, is an error. The socket is removed when the listener
    /// is closed or the engine dropped.
    ///
    /// # Errors
    /// [`Error::Io`], for a path of more than about 100 bytes too; [`Error::Forked`].
    pub fn listen_unix(
        &mut self,
        path: impl Into<PathBuf>,
        listen: &ListenOptions,
        options: Arc<Options>,
    ) -> Result<ListenerId, Error> {
        self.listen_at(&ListenAddress::Unix(path.into()), listen, options)
    }

    fn listen_at(
        &mut self,
        address: &ListenAddress,
        listen: &ListenOptions,
        options: Arc<Options>,
    ) -> Result<ListenerId, Error> {
        self.check_fork()?;
        options.compression.check(Role::Server)?;
        listen.socket.check()?;
        let socket = Listener::bind(address, listen).map_err(|error| failed("listen", &error))?;
        self.listen_with(socket, options)
    }

    /// Takes over a socket that listens already, as systemd's socket activation or a parent process hands it in. It is
    /// made non-blocking and closed on exec. Of `listen` only [`tls`](ListenOptions::tls) and
    /// [`max_per_address`](ListenOptions::max_per_address) count. The file of a Unix
    /// socket stays when the listener ends: it is the host's.
    ///
    /// # Errors
    /// [`Error::Io`] for a descriptor that is no listening stream socket, which is closed then;
    /// [`Error::Compression`] for settings a server cannot use, [`Error::Forked`].
    pub fn adopt_listener(
        &mut self,
        socket: OwnedFd,
        listen: &ListenOptions,
        options: Arc<Options>,
    ) -> Result<ListenerId, Error> {
        self.check_fork()?;
        options.compression.check(Role::Server)?;
        let socket = Listener::adopt(socket, listen)
            .map_err(|error| failed("take over a listening socket", &error))?;
        self.listen_with(socket, options)
    }

    /// Takes over a connected stream socket as a server's connection, as an HTTP server hands it in that has seen an
    /// upgrade coming. It is made non-blocking and closed on exec. `received` is what has been read of it already,
    /// from the first byte of the request on; it is copied. The handshake goes on from there, and its events follow,
    /// those of no listener ([`ListenerId::NONE`]). TLS is not spoken on it: a host that has ended TLS itself drives a
    /// [`Protocol`] of its own, and [`adopt_tls`](Self::adopt_tls) has the engine speak it.
    ///
    /// # Errors
    /// [`Error::Io`] for a descriptor that is no connected stream socket, [`Error::Limit`] at `max_connections`: it is
    /// closed then; [`Error::Compression`] for settings a server cannot use, [`Error::Forked`].
    pub fn adopt(
        &mut self,
        socket: OwnedFd,
        received: &[u8],
        options: Arc<Options>,
    ) -> Result<ConnectionId, Error> {
        self.check_fork()?;
        let stream = Stream::adopt(socket, received)
            .map_err(|error| failed("take over a connection", &error))?;
        self.take_over(stream, options)
    }

    /// As [`adopt`](Self::adopt), for a client that speaks TLS from its first byte on.
    ///
    /// # Errors
    /// As [`adopt`](Self::adopt), and [`Error::Tls`].
    pub fn adopt_tls(
        &mut self,
        socket: OwnedFd,
        tls: &TlsServer,
        options: Arc<Options>,
    ) -> Result<ConnectionId, Error> {
        self.check_fork()?;
        let socket =
            Socket::adopt(socket).map_err(|error| failed("take over a connection", &error))?;
        self.take_over(tls.wrap(socket)?, options)
    }

    fn take_over(&mut self, stream: Stream, options: Arc<Options>) -> Result<ConnectionId, Error> {
        options.compression.check(Role::Server)?;
        let (index, id) = self.place()?;
        self.tick();
        let protocol = Protocol::server(options, self.now);
        self.seat((index, id), stream, ListenerId::NONE, protocol);
        // What has been read already makes no socket ready.
        self.slots.at(index).flags.set(Flags::READABLE);
        self.list(index);
        Ok(id)
    }

    fn listen_with(
        &mut self,
        socket: Listener,
        options: Arc<Options>,
    ) -> Result<ListenerId, Error> {
        let index = match self.listeners.iter().position(Option::is_none) {
            Some(index) => index,
            None => {
                self.listeners.push(None);
                self.listeners.len() - 1
            }
        };
        let id = self.ids.listener(index as u32).ok_or(id::NONE_LEFT)?;
        socket
            .register(&self.registry, id.token())
            .map_err(|error| failed("listen", &error))?;
        self.listeners[index] = Some(ListenerSlot {
            id,
            socket,
            options,
            failing: false,
        });
        Ok(id)
    }

    /// Listens at a URL such as `ws://127.0.0.1:8080/`, whose host must be an IP address or `localhost`. Port 0 lets
    /// the system choose; the path is not looked at. `ws+unix:/path/to.sock` is a Unix socket. The URL decides whether
    /// TLS is spoken: `wss` needs [`tls`](ListenOptions::tls), the others leave it aside.
    ///
    /// # Errors
    /// [`Error::Url`], [`Error::Misuse`] for another host, or `wss` without TLS settings, and as
    /// [`listen`](Self::listen).
    pub fn listen_url(
        &mut self,
        url: &str,
        listen: &ListenOptions,
        options: Arc<Options>,
    ) -> Result<ListenerId, Error> {
        let (address, secure) = net::parse_listen_url(url)?;
        if secure && listen.tls.is_none() {
            return Err(Error::Misuse(
                "listening on wss needs a certificate and its key in the TLS settings",
            ));
        }
        let tls = listen.tls.clone().filter(|_| secure);
        let listen = ListenOptions {
            tls,
            ..listen.clone()
        };
        self.listen_at(&address, &listen, options)
    }

    /// Where a listener listens, with the port that the system chose.
    ///
    /// # Errors
    /// [`Error::UnknownId`], [`Error::Misuse`] for a Unix socket.
    pub fn listener_address(&self, listener: ListenerId) -> Result<SocketAddr, Error> {
        self.listener(listener)?
            .socket
            .address()
            .ok_or(Error::Misuse("a Unix socket has a path and no address"))
    }

    /// The path of a listener on a Unix socket; `None` for others.
    ///
    /// # Errors
    /// [`Error::UnknownId`].
    pub fn listener_path(&self, listener: ListenerId) -> Result<Option<&Path>, Error> {
        Ok(self.listener(listener)?.socket.path())
    }

    /// Gives a listener other TLS settings, renewed certificates for instance. They are for connections accepted from
    /// now on; those that there are keep theirs.
    ///
    /// # Errors
    /// [`Error::UnknownId`], [`Error::Misuse`] for a listener that does not speak TLS, [`Error::Forked`].
    pub fn set_listener_tls(&mut self, listener: ListenerId, tls: TlsServer) -> Result<(), Error> {
        self.check_fork()?;
        self.listener(listener)?;
        let slot = self.listeners[listener.index() as usize].as_mut();
        if slot.is_some_and(|slot| slot.socket.set_tls(tls)) {
            Ok(())
        } else {
            Err(Error::Misuse("this listener does not speak TLS"))
        }
    }

    /// Stops listening. Its connections live on.
    ///
    /// # Errors
    /// [`Error::UnknownId`], [`Error::Forked`].
    pub fn close_listener(&mut self, listener: ListenerId) -> Result<(), Error> {
        self.check_fork()?;
        self.listener(listener)?;
        self.listeners[listener.index() as usize] = None;
        Ok(())
    }

    /// Accepts what waits at a listener, within bounds.
    pub(super) fn accept_from(&mut self, place: u32) {
        for _ in 0..ACCEPTS {
            let Some(Some(listener)) = self.listeners.get_mut(place as usize) else {
                return;
            };
            match listener.socket.accept() {
                Ok(Some((stream, peer))) => {
                    listener.failing = false;
                    let (id, limit) = (listener.id, listener.socket.max_per_address);
                    let protocol = Protocol::server(listener.options.clone(), self.now);
                    let counted = peer.filter(|_| limit > 0).map(Peer::from);
                    if counted.is_some_and(|peer| self.peers.count(id, peer) >= limit) {
                        self.tally.counters.refused.addresses += 1;
                        turn_away(stream);
                    } else {
                        self.accepted(stream, id, counted, protocol);
                    }
                }
                Ok(None) => return,
                Err(error) => {
                    let id = listener.id;
                    if !std::mem::replace(&mut listener.failing, true) {
                        self.notices.push_back(Notice::AcceptFailed(id, error));
                    }
                    self.accept_again = Some(self.now + ACCEPT_REST);
                    return;
                }
            }
        }
        self.resting.push_back(place);
    }

    fn accepted(
        &mut self,
        stream: Stream,
        listener: ListenerId,
        counted: Option<Peer>,
        protocol: Protocol,
    ) {
        let Ok(place) = self.place() else {
            self.tally.counters.refused.connections += 1;
            return turn_away(stream);
        };
        if let Some(peer) = counted {
            self.peers.add(place.0, listener, peer);
        }
        self.seat(place, stream, listener, protocol);
    }

    /// A free place, and the id of the connection that will have it.
    pub(super) fn place(&mut self) -> Result<(u32, ConnectionId), Error> {
        let index = self.reserve()?;
        let id = self.ids.connection(index).ok_or_else(|| {
            self.slots.release(index);
            id::NONE_LEFT
        })?;
        self.tally.begin(index);
        Ok((index, id))
    }

    fn seat(
        &mut self,
        (index, id): (u32, ConnectionId),
        stream: Stream,
        listener: ListenerId,
        protocol: Protocol,
    ) {
        let registered = stream.register(&self.registry, id.token());
        let slot = self.slots.at(index);
        slot.id = id;
        slot.listener = listener;
        slot.protocol = Some(protocol);
        slot.transport = Transport::Stream(stream);
        self.tally.counters.accepted += 1;
        match registered {
            Ok(()) => self.schedule(index),
            Err(error) => self.fail(index, failed("watch a connection", &error)),
        }
    }

    pub(super) fn listener(&self, id: ListenerId) -> Result<&ListenerSlot, Error> {
        let slot = self
            .listeners
            .get(id.index() as usize)
            .and_then(Option::as_ref);
        slot.filter(|slot| slot.id == id).ok_or(Error::UnknownId)
    }
}

/// Whether it learns of it or not, the peer has to come again.
fn turn_away(mut stream: Stream) {
    let _ = stream.send(NO_ROOM);
}

fn failed(what: &'static str, error: &std::io::Error) -> Error {
    Error::Io(IoError::new(what, error))
}
