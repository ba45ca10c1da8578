//! SOCKS 5 (RFC 1928), with user name and password (RFC 1929) where the proxy wants them.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};

use super::Progress;
use super::url::{Credentials, authority};
use crate::proxy_error::ProxyProblem;

const VERSION: u8 = 5;
/// RFC 1928 section 3: the authentication methods.
const NONE: u8 = 0;
const USER_PASSWORD: u8 = 2;
const NO_METHOD: u8 = 0xFF;
/// RFC 1928 section 5: the types of addresses.
const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;
/// RFC 1928 section 6: the replies after which another of the server's addresses may do better.
const UNREACHED: [u8; 6] = [1, 3, 4, 5, 6, 8];

/// One CONNECT command, over as many connections as the server has addresses.
pub(super) struct Socks5 {
    /// Where the proxy is to connect to, what comes first to be tried first. Never empty.
    hosts: VecDeque<Host>,
    credentials: Option<Credentials>,
    state: State,
    /// The beginning of a message.
    received: Vec<u8>,
}

enum Host {
    /// The proxy resolves it. At most 255 bytes.
    Name(String, u16),
    Address(SocketAddr),
}

#[derive(Clone, Copy)]
enum State {
    Method,
    Authentication,
    Reply,
}

impl Socks5 {
    /// `host` is a name or an address.
    pub(super) fn new(
        host: &str,
        port: u16,
        credentials: Option<Credentials>,
    ) -> Result<Self, ProxyProblem> {
        if host.len() > 255 {
            return Err(ProxyProblem::NameTooLong(host.len()));
        }
        let host = match host.parse() {
            Ok(address) => Host::Address(SocketAddr::new(address, port)),
            Err(_) => Host::Name(host.to_owned(), port),
        };
        Ok(Self {
            hosts: VecDeque::from([host]),
            credentials,
            state: State::Method,
            received: Vec::new(),
        })
    }

    /// Whether the server is known by name only.
    pub(super) fn has_name(&self) -> bool {
        matches!(self.hosts.front(), Some(Host::Name(..)))
    }

    /// The addresses of the name, at least one.
    pub(super) fn resolved(&mut self, addresses: VecDeque<SocketAddr>) {
        self.hosts = addresses.into_iter().map(Host::Address).collect();
    }

    /// As [`Negotiation::begin`](super::Negotiation::begin).
    pub(super) fn begin(&mut self, out: &mut Vec<u8>) {
        self.state = State::Method;
        self.received.clear();
        match self.credentials {
            Some(_) => out.extend_from_slice(&[VERSION, 2, NONE, USER_PASSWORD]),
            None => out.extend_from_slice(&[VERSION, 1, NONE]),
        }
    }

    /// As [`Negotiation::receive`](super::Negotiation::receive).
    pub(super) fn receive(
        &mut self,
        bytes: &mut &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Progress, ProxyProblem> {
        loop {
            let lacking = self.length()? - self.received.len();
            let (now, later) = bytes.split_at(lacking.min(bytes.len()));
            self.received.extend_from_slice(now);
            *bytes = later;
            if now.len() < lacking {
                return Ok(Progress::More);
            }
            match self.message(out)? {
                Progress::More => {}
                progress => return Ok(progress),
            }
        }
    }

    /// How long the message is, as far as is known; more than has been received of it.
    fn length(&self) -> Result<usize, ProxyProblem> {
        Ok(match self.received[..] {
            [_, _, _, IPV4, _, ..] => 4 + 4 + 2,
            [_, _, _, IPV6, _, ..] => 4 + 16 + 2,
            [_, _, _, NAME, length, ..] => 4 + 1 + usize::from(length) + 2,
            [_, _, _, _, _, ..] => {
                return Err(ProxyProblem::NotSocks(
                    "its reply has an address of an unknown type",
                ));
            }
            // A reply that succeeds.
            [_, _, ..] => 5,
            _ => 2,
        })
    }

    /// Looks at the message, as much of it as [`length`](Self::length) said.
    fn message(&mut self, out: &mut Vec<u8>) -> Result<Progress, ProxyProblem> {
        let [version, code, ref more @ ..] = self.received[..] else {
            return Ok(Progress::More);
        };
        // What RFC 1929 has in the version's place is told differently by different proxies.
        if version != VERSION && !matches!(self.state, State::Authentication) {
            return Err(ProxyProblem::NotSocks(if version == b'H' {
                "it answers as an HTTP proxy does"
            } else {
                "its answer begins with another version"
            }));
        }
        match (self.state, code) {
            (State::Method, NONE) | (State::Authentication, 0) => self.request(out),
            (State::Method, USER_PASSWORD) => self.authenticate(out)?,
            (State::Method, NO_METHOD) => return Err(self.no_method()),
            (State::Method, _) => return Err(not_offered()),
            (State::Authentication, _) => return Err(ProxyProblem::CredentialsRefused),
            (State::Reply, 0) if more.len() > 3 => return Ok(Progress::Done),
            (State::Reply, 0) => {}
            // The rest of a refusal says nothing, and some proxies leave it out.
            (State::Reply, _) => return self.refused(code),
        }
        Ok(Progress::More)
    }

    /// RFC 1929 section 2.
    fn authenticate(&mut self, out: &mut Vec<u8>) -> Result<(), ProxyProblem> {
        let Some(Credentials { user, password }) = &self.credentials else {
            return Err(not_offered());
        };
        out.push(1);
        put(out, user);
        put(out, password);
        self.next(State::Authentication);
        Ok(())
    }

    /// RFC 1928 section 4.
    fn request(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[VERSION, 1, 0]);
        let port = match self.hosts.front() {
            Some(Host::Address(address)) => {
                match address.ip() {
                    IpAddr::V4(address) => {
                        out.push(IPV4);
                        out.extend_from_slice(&address.octets());
                    }
                    IpAddr::V6(address) => {
                        out.push(IPV6);
                        out.extend_from_slice(&address.octets());
                    }
                }
                address.port()
            }
            Some(Host::Name(name, port)) => {
                out.push(NAME);
                put(out, name);
                *port
            }
            None => return,
        };
        out.extend_from_slice(&port.to_be_bytes());
        self.next(State::Reply);
    }

    fn next(&mut self, state: State) {
        self.state = state;
        self.received.clear();
    }

    fn no_method(&self) -> ProxyProblem {
        match self.credentials {
            Some(_) => ProxyProblem::AuthenticationUnsupported {
                offered: "others than user name with password".into(),
            },
            None => ProxyProblem::CredentialsNeeded { offered: "".into() },
        }
    }

    fn refused(&mut self, code: u8) -> Result<Progress, ProxyProblem> {
        if UNREACHED.contains(&code) && self.hosts.len() > 1 {
            self.hosts.pop_front();
            return Ok(Progress::Reconnect);
        }
        let target = match self.hosts.front() {
            Some(Host::Name(name, port)) => authority(name, *port),
            Some(Host::Address(address)) => address.to_string(),
            None => String::new(),
        };
        Err(ProxyProblem::Reply {
            target: target.into(),
            code,
        })
    }
}

const fn not_offered() -> ProxyProblem {
    ProxyProblem::NotSocks("it chose a method of authentication that was not offered")
}

/// Text of at most 255 bytes behind its length.
fn put(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    let length = u8::try_from(bytes.len()).unwrap_or(u8::MAX);
    out.push(length);
    out.extend_from_slice(bytes.get(..length.into()).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::super::rehearsal::drive;
    use super::super::tests::assert_same_in_any_cut;
    use super::*;

    const OK: &[u8] = b"\x05\x00\x00\x01\x7f\x00\x00\x01\x1f\x90";

    fn socks(host: &str, credentials: Option<(&str, &str)>) -> Socks5 {
        let credentials = credentials.map(|(user, password)| Credentials {
            user: user.into(),
            password: password.into(),
        });
        Socks5::new(host, 443, credentials).expect("short enough")
    }

    fn talk(socks: Socks5, connections: &[&[u8]]) -> (Result<Vec<u8>, ProxyProblem>, Vec<Vec<u8>>) {
        drive(socks.into(), connections, usize::MAX)
    }

    #[test]
    fn each_kind_of_host_is_asked_for() {
        for (host, asked) in [
            ("10.0.0.1", &b"\x05\x01\x00\x01\x0a\x00\x00\x01\x01\xbb"[..]),
            (
                "::1",
                b"\x05\x01\x00\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x01\xbb",
            ),
            ("example.com", b"\x05\x01\x00\x03\x0bexample.com\x01\xbb"),
        ] {
            let (result, sent) = talk(socks(host, None), &[&[&b"\x05\x00"[..], OK].concat()]);
            assert_eq!(result, Ok(Vec::new()), "{host}");
            assert_eq!(sent, [[&b"\x05\x01\x00"[..], asked].concat()], "{host}");
        }
    }

    #[test]
    fn replies_of_each_kind_of_address_end_where_they_end() {
        for address in [
            &b"\x01abcd"[..],
            b"\x04abcdefghijklmnop",
            b"\x03\x00",
            b"\x03\x03abc",
        ] {
            let reply = [b"\x05\x00\x05\x00\x00", address, b"\0\0tail"].concat();
            let (result, _) = talk(socks("h", None), &[&reply]);
            assert_eq!(result, Ok(b"tail".to_vec()), "{address:?}");
        }
    }

    #[test]
    fn a_user_name_and_password_are_given_when_asked_for() {
        let user = Some(("us", "pass"));
        let greeting = b"\x05\x02\x00\x02".to_vec();
        let request = b"\x05\x01\x00\x03\x01h\x01\xbb";
        let asked = [b"\x05\x02\x01\x00", OK].concat();
        let (result, sent) = talk(socks("h", user), &[&asked]);
        assert_eq!(result, Ok(Vec::new()));
        let told = b"\x01\x02us\x04pass";
        assert_eq!(sent, [[&greeting[..], told, request].concat()]);
        let (result, sent) = talk(socks("h", user), &[&[b"\x05\x00", OK].concat()]);
        assert_eq!(result, Ok(Vec::new()));
        assert_eq!(sent, [[&greeting[..], request].concat()]);
    }

    #[test]
    fn refusals_are_told_apart() {
        let user = Some(("u", "p"));
        let needed = ProxyProblem::CredentialsNeeded { offered: "".into() };
        let others = "others than user name with password".into();
        let unsupported = ProxyProblem::AuthenticationUnsupported { offered: others };
        let reply = |code| ProxyProblem::Reply {
            target: "h:443".into(),
            code,
        };
        let cases: [(_, &[u8], _); 9] = [
            (None, b"\x05\xff", needed),
            (user, b"\x05\xff", unsupported),
            (None, b"\x05\x02", not_offered()),
            (user, b"\x05\x01", not_offered()),
            (user, b"\x05\x02\x01\x01", ProxyProblem::CredentialsRefused),
            (None, b"\x05\x00\x05\x02", reply(2)),
            (None, b"\x05\x00\x05\x05\x00\x01\0\0\0\0\0\0", reply(5)),
            (None, b"\x05\x00\x05\x63", reply(0x63)),
            (None, b"\x05\x00\x05\x00\x00", ProxyProblem::Closed),
        ];
        for (credentials, bytes, problem) in cases {
            assert_eq!(
                talk(socks("h", credentials), &[bytes]).0,
                Err(problem),
                "{bytes:?}"
            );
        }
        for garbage in [
            &b"HTTP/1.1"[..],
            b"\x04\x5a",
            b"\x05\x00\x04\x00",
            b"\x05\x00\x05\x00\x00\x07\x00",
        ] {
            let (result, _) = talk(socks("h", None), &[garbage]);
            assert!(
                matches!(result, Err(ProxyProblem::NotSocks(_))),
                "{result:?}"
            );
        }
        let long = "x".repeat(256);
        assert_eq!(
            Socks5::new(&long, 1, None).err(),
            Some(ProxyProblem::NameTooLong(256))
        );
    }

    #[test]
    fn the_servers_other_addresses_are_tried() {
        let addresses = ["[2001:db8::1]:443", "10.0.0.1:443", "10.0.0.2:444"];
        let make = || {
            let mut socks = socks("h", None);
            assert!(socks.has_name());
            socks.resolved(
                addresses
                    .map(|address| address.parse().expect("an address"))
                    .into(),
            );
            assert!(!socks.has_name());
            socks
        };
        let unreachable: &[u8] = b"\x05\x00\x05\x04\x00\x01\0\0\0\0\0\0";
        let open = [b"\x05\x00", OK].concat();
        let (result, sent) = talk(make(), &[unreachable, unreachable, &open]);
        assert_eq!(result, Ok(Vec::new()));
        assert!(
            sent[2].ends_with(b"\x01\x0a\x00\x00\x02\x01\xbc"),
            "{sent:?}"
        );
        let last = ProxyProblem::Reply {
            target: "10.0.0.2:444".into(),
            code: 4,
        };
        assert_eq!(talk(make(), &[unreachable; 3]).0, Err(last));
        // What the proxy's rules forbid they forbid.
        let first = ProxyProblem::Reply {
            target: "[2001:db8::1]:443".into(),
            code: 2,
        };
        assert_eq!(talk(make(), &[b"\x05\x00\x05\x02"]).0, Err(first));
    }

    #[test]
    fn any_cut_gives_the_same() {
        let user = Some(("u", "p"));
        for reply in [
            [b"\x05\x02\x01\x00", OK, b"tail"].concat(),
            [b"\x05\x00\x05\x00\x00\x03\x03abc\0\0", OK].concat(),
            b"\x05\x02\x01\x01tail".to_vec(),
            b"\x05\x00\x05\x04tail".to_vec(),
            b"HTTP/1.1 400 Bad\r\n\r\n".to_vec(),
        ] {
            assert_same_in_any_cut(|| socks("h", user).into(), &[reply]);
        }
    }
}
