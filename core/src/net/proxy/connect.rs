//! HTTP CONNECT (RFC 9110 section 9.3.6), with Basic (RFC 7617) and Digest (RFC 7616) authentication to the proxy.
//!
//! Credentials are sent only when the proxy asks for them, in the strongest way that it offers: a password is not told
//! in clear to a proxy that would take a digest of it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Progress;
use super::challenge::{self, Challenge};
use super::digest::Digest;
use super::url::Credentials;
use crate::handshake::{DEFAULT_USER_AGENT, HeadLimits, HeadReader, Response, has_token, shown};
use crate::proxy_error::ProxyProblem;

/// The longest body of a 407 that is read so as to go on with the same connection; a longer one costs a new connection.
const MOST_BODY: u64 = 64 << 10;

/// One CONNECT, over as many connections as it takes.
pub(super) struct Connect {
    /// Host and port, as the request line has them.
    target: String,
    credentials: Option<Credentials>,
    /// This side's share in a digest.
    cnonce: String,
    limits: HeadLimits,
    /// The `Proxy-Authorization` field's value, once the proxy has asked for one.
    authorization: Option<Vec<u8>>,
    /// A digest was made anew since its nonce had become stale.
    renewed: bool,
    /// The connection has carried an earlier request, so that the proxy may have closed it in the meantime.
    used: bool,
    state: State,
}

enum State {
    Head(HeadReader),
    /// So many bytes of a 407's body are still to come.
    Body(u64),
}

impl Connect {
    pub(super) fn new(
        target: String,
        credentials: Option<Credentials>,
        cnonce: String,
        limits: HeadLimits,
    ) -> Self {
        Self {
            target,
            credentials,
            cnonce,
            limits,
            authorization: None,
            renewed: false,
            used: false,
            state: State::Head(HeadReader::new(limits)),
        }
    }

    /// As [`Negotiation::begin`](super::Negotiation::begin).
    pub(super) fn begin(&mut self, out: &mut Vec<u8>) {
        self.used = false;
        self.request(out);
    }

    fn request(&mut self, out: &mut Vec<u8>) {
        let target = &self.target;
        out.extend_from_slice(
            format!(
                "CONNECT {target} HTTP/1.1\r\nHost: {target}\r\nUser-Agent: {DEFAULT_USER_AGENT}\r\n"
            )
            .as_bytes(),
        );
        if let Some(value) = &self.authorization {
            out.extend_from_slice(b"Proxy-Authorization: ");
            out.extend_from_slice(value);
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b"\r\n");
        self.state = State::Head(HeadReader::new(self.limits));
    }

    /// As [`Negotiation::receive`](super::Negotiation::receive).
    pub(super) fn receive(
        &mut self,
        bytes: &mut &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Progress, ProxyProblem> {
        loop {
            match &mut self.state {
                State::Head(reader) => {
                    let Some(count) = reader.push(bytes).map_err(ProxyProblem::Head)? else {
                        *bytes = &[];
                        return Ok(Progress::More);
                    };
                    *bytes = bytes.get(count..).unwrap_or_default();
                    let next = HeadReader::new(self.limits);
                    let response = std::mem::replace(reader, next).into_response();
                    let response = response.map_err(ProxyProblem::Head)?;
                    match response.status {
                        200..300 => return Ok(Progress::Done),
                        407 => {
                            self.authenticate(&response)?;
                            match length_to_go_on(&response) {
                                Some(length) => self.state = State::Body(length),
                                None => return Ok(Progress::Reconnect),
                            }
                        }
                        _ if response.is_interim() => {}
                        status => {
                            return Err(ProxyProblem::Status {
                                target: self.target.as_str().into(),
                                status,
                                reason: shown(response.reason.as_bytes()),
                            });
                        }
                    }
                }
                State::Body(length) => {
                    let count = bytes
                        .len()
                        .min(usize::try_from(*length).unwrap_or(usize::MAX));
                    *bytes = bytes.get(count..).unwrap_or_default();
                    *length -= count as u64;
                    if *length > 0 {
                        return Ok(Progress::More);
                    }
                    self.used = true;
                    self.request(out);
                }
            }
        }
    }

    /// As [`Negotiation::end`](super::Negotiation::end).
    pub(super) fn end(&self) -> Result<Progress, ProxyProblem> {
        match &self.state {
            // RFC 9112 section 9.3.1: a kept connection may be closed at any time.
            State::Head(reader) if self.used && reader.received() == 0 => Ok(Progress::Reconnect),
            State::Body(_) => Ok(Progress::Reconnect),
            State::Head(reader) if reader.received() == 0 => Err(ProxyProblem::Closed),
            State::Head(reader) => Err(ProxyProblem::Head(reader.eof())),
        }
    }

    /// Prepares the answer to a 407.
    fn authenticate(&mut self, response: &Response) -> Result<(), ProxyProblem> {
        let challenges = challenge::challenges(&response.headers);
        let Some(credentials) = &self.credentials else {
            return Err(ProxyProblem::CredentialsNeeded {
                offered: challenge::offered(&challenges),
            });
        };
        let digest = challenges
            .iter()
            .filter_map(Digest::of)
            .rev()
            .max_by_key(Digest::algorithm);
        if self.authorization.is_some() {
            let stale = digest.as_ref().is_some_and(|digest| digest.stale);
            if !stale || std::mem::replace(&mut self.renewed, true) {
                return Err(ProxyProblem::CredentialsRefused);
            }
        }
        self.authorization = Some(match digest {
            Some(digest) => digest.answer(credentials, "CONNECT", &self.target, &self.cnonce),
            None if challenges.iter().any(|challenge| challenge.is("Basic")) => basic(credentials),
            None => return Err(unsupported(&challenges)),
        });
        Ok(())
    }
}

fn basic(credentials: &Credentials) -> Vec<u8> {
    let Credentials { user, password } = credentials;
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))).into_bytes()
}

fn unsupported(challenges: &[Challenge]) -> ProxyProblem {
    ProxyProblem::AuthenticationUnsupported {
        offered: challenge::offered(challenges),
    }
}

/// How much body to read before the next request on the same connection; `None` where a new connection is called for.
fn length_to_go_on(response: &Response) -> Option<u64> {
    let headers = &response.headers;
    let closes = ["Connection", "Proxy-Connection"]
        .iter()
        .any(|name| has_token(headers, name, "close"));
    if closes || headers.contains("Transfer-Encoding") {
        return None;
    }
    let mut lengths = headers.get_all("Content-Length");
    let length = std::str::from_utf8(lengths.next()?).ok()?.parse().ok()?;
    (lengths.next().is_none() && length <= MOST_BODY).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::super::rehearsal::drive;
    use super::super::tests::assert_same_in_any_cut;
    use super::*;

    const OK: &str = "HTTP/1.1 200 Connection established\r\n\r\n";

    fn connect(credentials: Option<(&str, &str)>) -> Connect {
        let credentials = credentials.map(|(user, password)| Credentials {
            user: user.into(),
            password: password.into(),
        });
        let target = "example.com:443".to_owned();
        Connect::new(
            target,
            credentials,
            "cnonce".to_owned(),
            HeadLimits::default(),
        )
    }

    fn challenge(fields: &str) -> String {
        format!("HTTP/1.1 407 Proxy Authentication Required\r\n{fields}\r\n")
    }

    /// What becomes of a dialogue, the requests it took, and what followed the last reply.
    fn talk(
        credentials: Option<(&str, &str)>,
        connections: &[&str],
    ) -> (Result<String, ProxyProblem>, Vec<String>) {
        let (result, sent) = drive(connect(credentials).into(), connections, usize::MAX);
        let texts = sent
            .iter()
            .map(|sent| String::from_utf8_lossy(sent).into_owned());
        let result = result.map(|rest| String::from_utf8_lossy(&rest).into_owned());
        (result, texts.collect())
    }

    #[test]
    fn a_tunnel_is_asked_for_and_what_follows_the_answer_is_kept() {
        let reply = format!("HTTP/1.1 100 Continue\r\n\r\n{OK}early");
        let (result, sent) = talk(Some(("u", "p")), &[&reply]);
        assert_eq!(result, Ok("early".to_owned()));
        let agent = DEFAULT_USER_AGENT;
        let request = format!(
            "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\nUser-Agent: {agent}\r\n\r\n"
        );
        assert_eq!(sent, [request]);
    }

    #[test]
    fn lengths_in_a_success_mean_nothing() {
        let reply = "HTTP/1.1 204 \r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello";
        assert_eq!(talk(None, &[reply]).0, Ok("hello".to_owned()));
    }

    #[test]
    fn basic_is_answered_on_the_same_connection_or_a_new_one() {
        let basic = "\r\nProxy-Authorization: Basic dTpw\r\n\r\n";
        let kept = challenge("Proxy-Authenticate: Basic realm=x\r\nContent-Length: 5\r\n");
        let (result, sent) = talk(Some(("u", "p")), &[&format!("{kept}sorry{OK}!")]);
        assert_eq!(result, Ok("!".to_owned()));
        assert!(sent.len() == 1 && sent[0].ends_with(basic), "{sent:?}");
        for fields in [
            "Connection: close\r\nContent-Length: 0\r\n",
            "Proxy-Connection: Close\r\nContent-Length: 0\r\n",
            "Transfer-Encoding: chunked\r\n",
            "Content-Length: 65537\r\n",
            "Content-Length: -1\r\n",
            "Content-Length: 1\r\nContent-Length: 1\r\n",
            "",
            // The connection ends within the body, or behind it.
            "Content-Length: 7\r\n",
            "Content-Length: 5\r\n",
        ] {
            let closed = challenge(&format!("Proxy-Authenticate: Basic realm=x\r\n{fields}"));
            let (result, sent) = talk(Some(("u", "p")), &[&format!("{closed}sorry"), OK]);
            assert_eq!(result, Ok(String::new()), "{fields}");
            assert!(sent.len() == 2 && sent[1].ends_with(basic), "{sent:?}");
        }
    }

    #[test]
    fn the_strongest_scheme_is_chosen() {
        let digest =
            |algorithm| format!("Digest realm=r, nonce=n, qop=\"auth\", algorithm={algorithm}");
        let (md5, sha) = (digest("MD5"), digest("SHA-256"));
        for (offers, chosen) in [
            (format!("Basic realm=b, {md5}, {sha}"), "algorithm=SHA-256,"),
            (format!("{sha}, {md5}"), "algorithm=SHA-256,"),
            (format!("Negotiate, {md5}, Basic realm=b"), "algorithm=MD5,"),
            (
                format!("{}, Basic realm=b", digest("SHA-512-256")),
                "Basic dTpw",
            ),
        ] {
            let closed = challenge(&format!("Proxy-Authenticate: {offers}\r\n"));
            let (result, sent) = talk(Some(("u", "p")), &[&closed, OK]);
            assert_eq!(result, Ok(String::new()), "{offers}");
            assert!(sent[1].contains(chosen), "{offers}: {sent:?}");
        }
    }

    #[test]
    fn refusals_are_told_apart() {
        let basic = challenge("Proxy-Authenticate: Basic realm=x\r\n");
        let others = challenge("Proxy-Authenticate: NTLM, Negotiate\r\n");
        let unknown = challenge("");
        let user = Some(("u", "secret"));
        let cases = [
            (
                None,
                vec![&*basic],
                ProxyProblem::CredentialsNeeded {
                    offered: "Basic".into(),
                },
            ),
            (
                user,
                vec![&*basic, &basic],
                ProxyProblem::CredentialsRefused,
            ),
            (
                user,
                vec![&*others],
                ProxyProblem::AuthenticationUnsupported {
                    offered: "NTLM, Negotiate".into(),
                },
            ),
            (
                user,
                vec![&*unknown],
                ProxyProblem::AuthenticationUnsupported { offered: "".into() },
            ),
            (
                user,
                vec!["HTTP/1.1 403 Not here\r\n\r\n"],
                ProxyProblem::Status {
                    target: "example.com:443".into(),
                    status: 403,
                    reason: "Not here".into(),
                },
            ),
            (
                user,
                vec!["HTTP/1.1 101 Switching Protocols\r\n\r\n"],
                ProxyProblem::Status {
                    target: "example.com:443".into(),
                    status: 101,
                    reason: "Switching Protocols".into(),
                },
            ),
            (user, vec![""], ProxyProblem::Closed),
        ];
        for (credentials, connections, problem) in cases {
            assert_eq!(
                talk(credentials, &connections).0,
                Err(problem),
                "{connections:?}"
            );
        }
        for garbage in [
            "\x05\x00",
            "garbage\r\n\r\n",
            "HTTP/1.1 200 O",
            "HTTP/1.1 2000 OK\r\n\r\n",
        ] {
            let (result, _) = talk(user, &[garbage]);
            assert!(matches!(result, Err(ProxyProblem::Head(_))), "{result:?}");
        }
        let endless = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(20_000));
        let (result, _) = talk(user, &[&endless]);
        assert!(matches!(result, Err(ProxyProblem::Head(_))), "{result:?}");
    }

    /// Whatever of a URL, and of what a proxy says, comes back in a request.
    #[test]
    fn cve_2026_1527_no_text_adds_a_line_to_a_request() {
        let odd = [
            "a\"b",
            "a\\",
            "\u{e9}\u{2028}",
            "a b",
            "%",
            "'",
            "=,;",
            "\u{7e}",
        ];
        for user in odd {
            for password in odd {
                for offer in [
                    "Basic realm=\"a\\\"b\"",
                    "Digest realm=\"a\\\\\tb\", nonce=\"c\\\"\", opaque=\"\\\"\", qop=auth",
                ] {
                    let asks = challenge(&format!("Proxy-Authenticate: {offer}\r\n"));
                    let (result, sent) = talk(Some((user, password)), &[&asks, OK]);
                    assert_eq!(result, Ok(String::new()));
                    let lines: Vec<_> = sent[1].split("\r\n").collect();
                    assert_eq!(lines.len(), 6, "{sent:?}");
                    assert!(
                        !sent[1].replace("\r\n", "").contains(['\r', '\n']),
                        "{sent:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_stale_nonce_is_renewed_once() {
        let fresh = challenge("Proxy-Authenticate: Digest realm=r, nonce=one, qop=auth\r\n");
        let stale =
            challenge("Proxy-Authenticate: Digest realm=r, nonce=two, qop=auth, stale=TRUE\r\n");
        let (result, sent) = talk(Some(("u", "p")), &[&fresh, &stale, OK]);
        assert_eq!(result, Ok(String::new()));
        assert!(
            sent[1].contains("nonce=\"one\"") && sent[2].contains("nonce=\"two\""),
            "{sent:?}"
        );
        let (result, _) = talk(Some(("u", "p")), &[&fresh, &stale, &stale, OK]);
        assert_eq!(result, Err(ProxyProblem::CredentialsRefused));
    }

    #[test]
    fn any_cut_gives_the_same() {
        let digest = "Proxy-Authenticate: Basic realm=x, Digest realm=r, nonce=n, qop=auth\r\n";
        let kept = challenge(&format!("{digest}Content-Length: 3\r\n"));
        let closed = challenge(&format!("{digest}Connection: close\r\n"));
        for connections in [
            vec![format!("{kept}no\n{OK}tail")],
            vec![
                format!("{closed}body"),
                format!("HTTP/1.1 103 E\r\n\r\n{OK}tail"),
            ],
            vec![
                format!("{kept}no"),
                "HTTP/1.1 502 Bad\r\nX: y\r\n\r\n".to_owned(),
            ],
            vec![format!("{kept}no\nHTTP/1.1 200\r\nX\r\n\r\n")],
            vec!["\x16\x03\x01".to_owned()],
        ] {
            assert_same_in_any_cut(|| connect(Some(("u", "p"))).into(), &connections);
        }
    }
}
