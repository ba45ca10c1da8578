//! A listening socket.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;

use mio::event::Source;
use mio::net::{TcpListener, UnixListener};
use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use socket2::{Domain, Protocol, Type};

use super::socket::adopt_stream_socket;
use super::unix::{self, SocketFile};
use super::{ListenAddress, Socket, SocketOptions, Stream, TlsServer};
use crate::error::{Error, IoError};

/// Settings of a listening socket.
#[derive(Clone, Debug)]
pub struct ListenOptions {
    /// Connections the kernel holds until they are accepted; it may hold fewer. Default 1,024.
    pub backlog: u32,
    /// Let several sockets listen on the same port, so that the kernel spreads connections over several engines
    /// (`SO_REUSEPORT`). Default off.
    pub reuse_port: bool,
    /// On an IPv6 address, take no IPv4 connections. Default on, the same on every system.
    pub ipv6_only: bool,
    /// The permissions of a Unix socket's file, such as `0o660`; connecting takes the right to write. Default `None`:
    /// what the process's umask leaves.
    pub unix_mode: Option<u32>,
    /// Speak TLS with every connection. Default `None`: plain.
    pub tls: Option<TlsServer>,
    /// Settings of the accepted connections' sockets.
    pub socket: SocketOptions,
    /// Connections of one address at one time; those of an IPv6 network of 64 bits count together, as a host has all of
    /// such a network. One accepted beyond is answered 503, in TLS closed. Connections by Unix sockets are not counted.
    /// Default 0: as many as come, since behind a proxy all have one address.
    pub max_per_address: u32,
}

impl Default for ListenOptions {
    fn default() -> Self {
        Self {
            backlog: 1024,
            reuse_port: false,
            ipv6_only: true,
            unix_mode: None,
            tls: None,
            socket: SocketOptions::default(),
            max_per_address: 0,
        }
    }
}

/// A listening socket. Its descriptor is closed when it is dropped, and a Unix socket's file removed.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: Listening,
    tls: Option<TlsServer>,
    /// [`ListenOptions::max_per_address`].
    pub(crate) max_per_address: u32,
    #[cfg(not(target_os = "linux"))]
    options: SocketOptions,
}

#[derive(Debug)]
enum Listening {
    Tcp(TcpListener, SocketAddr),
    Unix(UnixListener, SocketFile),
}

impl Listener {
    pub(crate) fn bind(address: &ListenAddress, options: &ListenOptions) -> io::Result<Self> {
        let socket = match address {
            ListenAddress::Tcp(address) => {
                let socket = TcpListener::from_std(bind_tcp(*address, options)?.into());
                let address = socket.local_addr()?;
                Listening::Tcp(socket, address)
            }
            ListenAddress::Unix(path) => {
                let (socket, file) = unix::listen(path, options)?;
                let descriptor: OwnedFd = socket.into();
                Listening::Unix(UnixListener::from_std(descriptor.into()), file)
            }
        };
        Ok(Self::with(socket, options))
    }

    /// Takes over a socket that listens already.
    pub(crate) fn adopt(socket: OwnedFd, options: &ListenOptions) -> io::Result<Self> {
        let socket = adopt_stream_socket(socket)?;
        if !socket.is_listener()? {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "the socket does not listen",
            ));
        }
        let address = socket.local_addr()?;
        let socket = if let Some(address) = address.as_socket() {
            socket.set_tcp_nodelay(true)?;
            Listening::Tcp(TcpListener::from_std(socket.into()), address)
        } else {
            let file = SocketFile::of_the_host(address.as_pathname().unwrap_or(Path::new("")));
            let descriptor: OwnedFd = socket.into();
            Listening::Unix(UnixListener::from_std(descriptor.into()), file)
        };
        Ok(Self::with(socket, options))
    }

    fn with(socket: Listening, options: &ListenOptions) -> Self {
        Self {
            socket,
            tls: options.tls.clone(),
            max_per_address: options.max_per_address,
            #[cfg(not(target_os = "linux"))]
            options: options.socket.clone(),
        }
    }

    /// A TCP listener's address.
    pub(crate) const fn address(&self) -> Option<SocketAddr> {
        match self.socket {
            Listening::Tcp(_, address) => Some(address),
            Listening::Unix(..) => None,
        }
    }

    /// A Unix socket's path.
    pub(crate) fn path(&self) -> Option<&Path> {
        match &self.socket {
            Listening::Tcp(..) => None,
            Listening::Unix(_, file) => Some(file.path()),
        }
    }

    /// Connections accepted from now on speak TLS by these settings. Whether the listener speaks TLS at all.
    pub(crate) fn set_tls(&mut self, tls: TlsServer) -> bool {
        match &mut self.tls {
            Some(old) => {
                *old = tls;
                true
            }
            None => false,
        }
    }

    /// The next connection, with its peer's address if it has one; `None` when there is none for now.
    pub(crate) fn accept(&self) -> Result<Option<(Stream, Option<IpAddr>)>, Error> {
        loop {
            match self.accept_descriptor() {
                Ok((descriptor, peer)) => {
                    let socket = Socket::from(descriptor);
                    // Elsewhere than on Linux the listener's settings are not inherited.
                    #[cfg(not(target_os = "linux"))]
                    if let Some(peer) = peer {
                        let _ = socket.apply(&self.options, peer.is_ipv6());
                    }
                    let stream = match &self.tls {
                        None => Stream::Plain(socket),
                        Some(tls) => tls.wrap(socket)?,
                    };
                    return Ok(Some((stream, peer)));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                // The peer has gone again before it was accepted (accept(2)): the next one.
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::Interrupted
                            | io::ErrorKind::ConnectionAborted
                            | io::ErrorKind::ConnectionReset
                    ) => {}
                Err(error) => return Err(Error::Io(IoError::new("accept", &error))),
            }
        }
    }

    /// Non-blocking, and closed on exec.
    fn accept_descriptor(&self) -> io::Result<(OwnedFd, Option<IpAddr>)> {
        match &self.socket {
            Listening::Tcp(socket, _) => {
                (socket.accept()).map(|(stream, peer)| (stream.into(), Some(peer.ip())))
            }
            Listening::Unix(socket, _) => socket.accept().map(|(stream, _)| (stream.into(), None)),
        }
    }

    pub(crate) fn register(&self, registry: &Registry, token: Token) -> io::Result<()> {
        let descriptor = match &self.socket {
            Listening::Tcp(socket, _) => socket.as_raw_fd(),
            Listening::Unix(socket, _) => socket.as_raw_fd(),
        };
        SourceFd(&descriptor).register(registry, token, Interest::READABLE)
    }
}

fn bind_tcp(address: SocketAddr, options: &ListenOptions) -> io::Result<socket2::Socket> {
    let domain = Domain::for_address(address);
    let socket = socket2::Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(options.ipv6_only)?;
    }
    // A port in TIME_WAIT of an earlier run does not hinder a server's restart.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    #[cfg(all(unix, not(any(target_os = "solaris", target_os = "illumos"))))]
    if options.reuse_port {
        socket.set_reuse_port(true)?;
    }
    // Connections inherit them, which saves system calls on each.
    options.socket.apply(&socket, address.is_ipv6())?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(i32::try_from(options.backlog).unwrap_or(i32::MAX))?;
    Ok(socket)
}
