//! A listening socket.

use std::io;
use std::net::SocketAddr;

use mio::event::Source;
use mio::net::TcpListener;
use mio::{Interest, Registry, Token};
use socket2::{Domain, Protocol, Socket, Type};

use super::Stream;

/// Settings of a listening socket.
#[derive(Clone, Copy, Debug)]
pub struct ListenOptions {
    /// Connections the kernel holds until they are accepted; it may hold fewer. Default 1,024.
    pub backlog: u32,
    /// Let several sockets listen on the same port, so that the kernel spreads connections over several engines
    /// (`SO_REUSEPORT`). Default off.
    pub reuse_port: bool,
    /// On an IPv6 address, take no IPv4 connections. Default on, the same on every system.
    pub ipv6_only: bool,
}

impl Default for ListenOptions {
    fn default() -> Self {
        Self {
            backlog: 1024,
            reuse_port: false,
            ipv6_only: true,
        }
    }
}

/// A listening TCP socket. Its descriptor is closed when it is dropped.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: TcpListener,
    address: SocketAddr,
}

impl Listener {
    pub(crate) fn bind(address: SocketAddr, options: &ListenOptions) -> io::Result<Self> {
        let socket = Socket::new(
            Domain::for_address(address),
            Type::STREAM,
            Some(Protocol::TCP),
        )?;
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
        // Connections inherit it, which saves a system call on each.
        socket.set_tcp_nodelay(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(i32::try_from(options.backlog).unwrap_or(i32::MAX))?;
        let socket = TcpListener::from_std(socket.into());
        let address = socket.local_addr()?;
        Ok(Self { socket, address })
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next connection; `None` when there is none for now.
    pub(crate) fn accept(&self) -> io::Result<Option<Stream>> {
        loop {
            match self.socket.accept() {
                Ok((stream, _)) => {
                    // Elsewhere than on Linux the listener's setting is not inherited.
                    #[cfg(not(target_os = "linux"))]
                    stream.set_nodelay(true)?;
                    return Ok(Some(Stream::new(stream)));
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
                Err(error) => return Err(error),
            }
        }
    }

    pub(crate) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        self.socket.register(registry, token, Interest::READABLE)
    }
}
