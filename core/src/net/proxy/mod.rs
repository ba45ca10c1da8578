//! Proxies: HTTP CONNECT (RFC 9110 section 9.3.6) and SOCKS 5 (RFC 1928), from the options or the environment.
//!
//! What is said to a proxy is decided by state machines without I/O (`connect`, `socks5`): bytes in, bytes out.
//! `tunnel` drives them over a stream to the proxy, and gives the stream on as one to the server.
#![forbid(unsafe_code)]

mod challenge;
mod connect;
mod digest;
mod environment;
mod rehearsal;
mod socks5;
mod tunnel;
mod url;

use connect::Connect;
use socks5::Socks5;

use crate::proxy_error::ProxyProblem;
pub use rehearsal::rehearse_proxy;
pub(super) use tunnel::{Route, TunnelState};
pub use url::ProxyUrl;

/// Which proxy a connection is made through. A Unix socket is never dialled through one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ProxySetting {
    /// The one that the environment names when a connection is dialled, if any: for `ws` URLs `ws_proxy`, `http_proxy`,
    /// `all_proxy`, for `wss` URLs `wss_proxy`, `https_proxy`, `all_proxy`, the first of these that is not empty, in
    /// lower case or else in upper case; except for hosts in `no_proxy`, and this machine itself. Where
    /// `REQUEST_METHOD` is set, `HTTP_PROXY` is not looked at: there it is a header field of a web server's client.
    #[default]
    Environment,
    /// None.
    Off,
    /// This one, for every host.
    Url(ProxyUrl),
}

/// What is said to a proxy, whichever it speaks.
enum Negotiation {
    Connect(Connect),
    Socks5(Socks5),
}

/// Where a negotiation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// The proxy has to say more.
    More,
    /// It goes on with [`Negotiation::begin`] on a new connection.
    Reconnect,
    /// The tunnel stands.
    Done,
}

impl Negotiation {
    /// Begins on a new connection to the proxy. What is to be sent is appended to `out`.
    fn begin(&mut self, out: &mut Vec<u8>) {
        match self {
            Self::Connect(connect) => connect.begin(out),
            Self::Socks5(socks) => socks.begin(out),
        }
    }

    /// Takes bytes of the proxy's off the front of `bytes`; when it is done, what is left is the server's. The outcome
    /// is the same in whatever portions they come.
    fn receive(&mut self, bytes: &mut &[u8], out: &mut Vec<u8>) -> Result<Progress, ProxyProblem> {
        match self {
            Self::Connect(connect) => connect.receive(bytes, out),
            Self::Socks5(socks) => socks.receive(bytes, out),
        }
    }

    /// The connection has ended. What comes of it is never [`Progress::More`].
    fn end(&self) -> Result<Progress, ProxyProblem> {
        match self {
            Self::Connect(connect) => connect.end(),
            Self::Socks5(_) => Err(ProxyProblem::Closed),
        }
    }
}

impl From<Connect> for Negotiation {
    fn from(connect: Connect) -> Self {
        Self::Connect(connect)
    }
}

impl From<Socks5> for Negotiation {
    fn from(socks: Socks5) -> Self {
        Self::Socks5(socks)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::TestRunner;

    use super::rehearsal::drive;
    use super::*;

    pub(super) fn assert_same_in_any_cut(
        make: impl Fn() -> Negotiation,
        connections: &[impl AsRef<[u8]>],
    ) {
        let whole = drive(make(), connections, usize::MAX);
        TestRunner::deterministic()
            .run(&(1_usize..40), |most| {
                prop_assert_eq!(&drive(make(), connections, most), &whole);
                Ok(())
            })
            .expect("is the same");
    }

    /// Whatever a proxy says, there is an answer to it, and always the same.
    #[test]
    fn no_bytes_make_a_panic_or_a_difference() {
        let piece = prop_oneof![
            Just(&b"HTTP/1.1 407 A\r\n"[..]),
            Just(&b"HTTP/1.1 200 OK\r\n\r\n"[..]),
            Just(&b"HTTP/1.1 103 E\r\n\r\n"[..]),
            Just(&b"Proxy-Authenticate: Digest realm=\"r\", nonce=n, qop=auth, stale=true\r\n"[..]),
            Just(&b"Proxy-Authenticate: Basic realm=\"x\\\"\r\n"[..]),
            Just(&b"Content-Length: 3\r\n"[..]),
            Just(&b"Connection: close\r\n"[..]),
            Just(&b"\r\n"[..]),
            Just(&b"abc"[..]),
            Just(&b"\x05"[..]),
            Just(&b"\x00"[..]),
            Just(&b"\x02"[..]),
            Just(&b"\x01\x04"[..]),
            Just(&b"\x03\xff"[..]),
            Just(&b"\xff"[..]),
        ];
        let connections = proptest::collection::vec(proptest::collection::vec(piece, 0..12), 6);
        let make = |socks: bool| -> Negotiation {
            let url = ProxyUrl::parse("http://user:secret@proxy").expect("a URL");
            if socks {
                let made = Socks5::new("h", 80, url.credentials);
                return made.expect("short enough").into();
            }
            let limits = crate::handshake::HeadLimits::default();
            Connect::new("h:80".to_owned(), url.credentials, "c".to_owned(), limits).into()
        };
        TestRunner::deterministic()
            .run(
                &(connections, 1_usize..9, any::<bool>()),
                |(said, most, socks)| {
                    let said: Vec<_> = said.iter().map(|pieces| pieces.concat()).collect();
                    let whole = drive(make(socks), &said, usize::MAX);
                    prop_assert_eq!(drive(make(socks), &said, most), whole);
                    Ok(())
                },
            )
            .expect("is the same");
    }
}
