//! Settings of TCP sockets, of dialled and of accepted ones alike.

use std::io;
use std::time::Duration;

use socket2::{Socket, TcpKeepalive};

use crate::error::Error;

/// Settings of a TCP connection's socket. A Unix socket leaves them aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketOptions {
    /// Send at once, and do not wait for more or for an acknowledgement (`TCP_NODELAY`). Default on: what belongs
    /// together leaves in one write anyway.
    pub nodelay: bool,
    /// Silence after which TCP asks whether the peer is there (`SO_KEEPALIVE`), in whole seconds, rounded up. Default
    /// [`Duration::ZERO`]: never, since WebSocket pings ask the peer itself and not the next proxy.
    pub keepalive: Duration,
    /// The differentiated services code point of what is sent (RFC 2474), 0 to 63, such as 46 for expedited forwarding.
    /// Default `None`: the system's.
    pub dscp: Option<u8>,
    /// Bytes the kernel holds of what is sent (`SO_SNDBUF`), within the system's own bounds; Linux doubles the number.
    /// Default `None`: as many as the system finds right from time to time.
    pub send_buffer: Option<u32>,
    /// Bytes the kernel holds of what has come (`SO_RCVBUF`), likewise.
    pub receive_buffer: Option<u32>,
    /// The only network interface to use, by its name (`SO_BINDTODEVICE`). Linux alone; elsewhere it is an error.
    /// Default none.
    pub interface: Option<String>,
}

impl Default for SocketOptions {
    fn default() -> Self {
        Self {
            nodelay: true,
            keepalive: Duration::ZERO,
            dscp: None,
            send_buffer: None,
            receive_buffer: None,
            interface: None,
        }
    }
}

impl SocketOptions {
    /// Whether they can be used at all.
    ///
    /// # Errors
    /// [`Error::Misuse`].
    pub(crate) fn check(&self) -> Result<(), Error> {
        match self.dscp {
            Some(64..) => Err(Error::Misuse(
                "a differentiated services code point is from 0 to 63",
            )),
            _ => Ok(()),
        }
    }

    /// Sets them, before the socket is connected or listens: the size of the receive buffer counts from then on.
    pub(super) fn apply(&self, socket: &Socket, ipv6: bool) -> io::Result<()> {
        socket.set_tcp_nodelay(self.nodelay)?;
        if !self.keepalive.is_zero() {
            let partial = u64::from(self.keepalive.subsec_nanos() > 0);
            let seconds = self.keepalive.as_secs().saturating_add(partial);
            let idle = TcpKeepalive::new().with_time(Duration::from_secs(seconds));
            socket.set_tcp_keepalive(&idle)?;
        }
        if let Some(dscp) = self.dscp {
            // The two bits below are ECN's (RFC 3168).
            let class = u32::from(dscp) << 2;
            if ipv6 {
                socket.set_tclass_v6(class)?;
            } else {
                socket.set_tos_v4(class)?;
            }
        }
        if let Some(size) = self.send_buffer {
            socket.set_send_buffer_size(size as usize)?;
        }
        if let Some(size) = self.receive_buffer {
            socket.set_recv_buffer_size(size as usize)?;
        }
        match &self.interface {
            Some(name) => bind_to(socket, name),
            None => Ok(()),
        }
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn bind_to(socket: &Socket, interface: &str) -> io::Result<()> {
    socket.bind_device(Some(interface.as_bytes()))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn bind_to(_: &Socket, _: &str) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use socket2::{Domain, Type};

    use super::*;

    fn applied(options: &SocketOptions, domain: Domain) -> io::Result<Socket> {
        let socket = Socket::new(domain, Type::STREAM, None)?;
        options.apply(&socket, domain == Domain::IPV6)?;
        Ok(socket)
    }

    #[test]
    fn the_defaults_change_nodelay_alone() {
        let plain = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        let socket = applied(&SocketOptions::default(), Domain::IPV4).expect("applies");
        assert!(socket.tcp_nodelay().expect("has it"));
        assert!(!socket.keepalive().expect("has it"));
        assert_eq!(socket.tos_v4().expect("has it"), 0);
        for size in [Socket::send_buffer_size, Socket::recv_buffer_size] {
            assert_eq!(
                size(&socket).expect("has it"),
                size(&plain).expect("has it")
            );
        }
    }

    #[test]
    fn each_option_is_set_on_the_socket() {
        let options = SocketOptions {
            nodelay: false,
            keepalive: Duration::from_millis(41_500),
            dscp: Some(46),
            send_buffer: Some(40_000),
            receive_buffer: Some(50_000),
            interface: None,
        };
        let socket = applied(&options, Domain::IPV4).expect("applies");
        assert!(!socket.tcp_nodelay().expect("has it"));
        assert!(socket.keepalive().expect("has it"));
        let idle = socket.tcp_keepalive_time().expect("has it");
        assert_eq!(idle, Duration::from_secs(42));
        assert_eq!(socket.tos_v4().expect("has it"), 46 << 2);
        // Linux gives twice what was asked for.
        let size = socket.send_buffer_size().expect("has it");
        assert!((40_000..=80_000).contains(&size), "{size}");
        let size = socket.recv_buffer_size().expect("has it");
        assert!((50_000..=100_000).contains(&size), "{size}");
        match applied(&options, Domain::IPV6) {
            Ok(socket) => assert_eq!(socket.tclass_v6().expect("has it"), 46 << 2),
            Err(error) => eprintln!("SKIPPED: no IPv6 socket here: {error}"),
        }
    }

    #[test]
    fn accepted_connections_have_the_listener_s_settings() {
        use crate::net::{ListenAddress, ListenOptions, Listener, Stream};
        let options = ListenOptions {
            socket: SocketOptions {
                keepalive: Duration::from_secs(42),
                dscp: Some(10),
                receive_buffer: Some(50_000),
                ..SocketOptions::default()
            },
            ..ListenOptions::default()
        };
        let any = ListenAddress::Tcp("127.0.0.1:0".parse().expect("an address"));
        let listener = Listener::bind(&any, &options).expect("listens");
        let address = listener.address().expect("has one");
        let _client = std::net::TcpStream::connect(address).expect("connects");
        let Ok(Some((Stream::Plain(socket), Some(peer)))) = listener.accept() else {
            panic!("no connection");
        };
        assert!(peer.is_loopback());
        let socket = socket.system();
        assert!(socket.tcp_nodelay().expect("has it"));
        let idle = socket.tcp_keepalive_time().expect("has it");
        assert_eq!(idle, Duration::from_secs(42));
        assert_eq!(socket.tos_v4().expect("has it"), 10 << 2);
        let size = socket.recv_buffer_size().expect("has it");
        assert!((50_000..=100_000).contains(&size), "{size}");
    }

    #[test]
    fn a_code_point_has_six_bits() {
        let with = |dscp| SocketOptions {
            dscp: Some(dscp),
            ..SocketOptions::default()
        };
        assert_eq!(with(63).check(), Ok(()));
        assert!(matches!(with(64).check(), Err(Error::Misuse(_))));
    }
}
