//! Where to listen.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::Error;
use crate::handshake::WebSocketUrl;

/// The address that a URL such as `ws://127.0.0.1:8080/` asks to listen on. The host is an IP address or `localhost`
/// (127.0.0.1); port 0 lets the system choose.
///
/// # Errors
/// [`Error::Url`], or [`Error::Misuse`] for another host name, or for `wss`, which is not there yet.
pub(crate) fn parse_listen_url(url: &str) -> Result<SocketAddr, Error> {
    let url = WebSocketUrl::parse(url)?;
    if url.secure() {
        return Err(Error::Misuse(
            "listening on wss is not supported yet; use ws",
        ));
    }
    let host: IpAddr = match url.host() {
        "localhost" => Ipv4Addr::LOCALHOST.into(),
        host => host
            .parse::<Ipv4Addr>()
            .map(IpAddr::from)
            .or_else(|_| {
                host.trim_matches(['[', ']'])
                    .parse::<Ipv6Addr>()
                    .map(IpAddr::from)
            })
            .map_err(|_| {
                Error::Misuse("to listen, the URL's host must be an IP address or localhost")
            })?,
    };
    Ok(SocketAddr::new(host, url.port()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_to_listen_on() {
        for (url, address) in [
            ("ws://127.0.0.1:0/", "127.0.0.1:0"),
            ("ws://[::1]:8080", "[::1]:8080"),
            ("ws://0.0.0.0", "0.0.0.0:80"),
            ("ws://localhost:9/", "127.0.0.1:9"),
        ] {
            assert_eq!(
                parse_listen_url(url),
                Ok(address.parse().expect("an address")),
                "{url}"
            );
        }
        for url in [
            "ws://example.com/",
            "wss://127.0.0.1/",
            "tcp://127.0.0.1",
            "127.0.0.1:80",
        ] {
            assert!(parse_listen_url(url).is_err(), "{url}");
        }
    }
}
