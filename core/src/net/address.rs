//! Where to listen.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use crate::Error;
use crate::handshake::WebSocketUrl;

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ListenAddress {
    /// A TCP port of an address.
    Tcp(SocketAddr),
    /// A Unix socket's path.
    Unix(PathBuf),
}

/// The address that a URL such as `ws://127.0.0.1:8080/` asks to listen on, and whether in TLS. The host is an IP
/// address or `localhost` (127.0.0.1); port 0 lets the system choose. `ws+unix:/path` is a Unix socket.
///
/// # Errors
/// [`Error::Url`], or [`Error::Misuse`] for another host name.
pub(crate) fn parse_listen_url(url: &str) -> Result<(ListenAddress, bool), Error> {
    let url = WebSocketUrl::parse(url)?;
    if let Some(path) = url.socket_path() {
        return Ok((ListenAddress::Unix(path.into()), false));
    }
    let host: IpAddr = match url.host() {
        "localhost" => Ipv4Addr::LOCALHOST.into(),
        host => host
            .parse::<Ipv4Addr>()
            .map(IpAddr::from)
            .or_else(|_| host.parse::<Ipv6Addr>().map(IpAddr::from))
            .map_err(|_| {
                Error::Misuse("to listen, the URL's host must be an IP address or localhost")
            })?,
    };
    Ok((
        ListenAddress::Tcp(SocketAddr::new(host, url.port())),
        url.secure(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_to_listen_on() {
        for (url, address, secure) in [
            ("ws://127.0.0.1:0/", "127.0.0.1:0", false),
            ("ws://[::1]:8080", "[::1]:8080", false),
            ("ws://0.0.0.0", "0.0.0.0:80", false),
            ("ws://localhost:9/", "127.0.0.1:9", false),
            ("wss://[::1]/", "[::1]:443", true),
        ] {
            let address = ListenAddress::Tcp(address.parse().expect("an address"));
            assert_eq!(parse_listen_url(url), Ok((address, secure)), "{url}");
        }
        assert_eq!(
            parse_listen_url("ws+unix:/run/x.sock"),
            Ok((ListenAddress::Unix("/run/x.sock".into()), false))
        );
        for url in [
            "ws://example.com/",
            "wss://example.com/",
            "tcp://127.0.0.1",
            "127.0.0.1:80",
        ] {
            assert!(parse_listen_url(url).is_err(), "{url}");
        }
    }
}
