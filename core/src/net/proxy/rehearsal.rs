//! A negotiation without a network, for tests and fuzzers.

use super::connect::Connect;
use super::socks5::Socks5;
use super::url::{ProxyUrl, Scheme, authority};
use super::{Negotiation, Progress};
use crate::handshake::HeadLimits;
use crate::proxy_error::ProxyProblem;

/// What came of a negotiation, with what followed the last reply; and what was sent on each connection.
type Outcome = (Result<Vec<u8>, ProxyProblem>, Vec<Vec<u8>>);

/// How a negotiation with such a proxy goes, about a server of this name, when the proxy says so much on each connection in
/// turn, in portions of at most `most` bytes: what followed its last reply, or the problem; and what was sent to it. For
/// fuzzers: it is no part of the interface, and panics when more connections are wanted.
#[doc(hidden)]
pub fn rehearse_proxy(
    proxy: &ProxyUrl,
    host: &str,
    limits: HeadLimits,
    connections: &[&[u8]],
    most: usize,
) -> Outcome {
    let credentials = proxy.credentials.clone();
    let negotiation = match proxy.scheme {
        Scheme::Http | Scheme::Https => Connect::new(
            authority(host, 80),
            credentials,
            "cnonce".to_owned(),
            limits,
        )
        .into(),
        Scheme::Socks5 | Scheme::Socks5h => match Socks5::new(host, 80, credentials) {
            Ok(socks) => socks.into(),
            Err(problem) => return (Err(problem), Vec::new()),
        },
    };
    drive(negotiation, connections, most)
}

/// Plays what a proxy says on each connection in turn, in portions of at most `most` bytes, and ends each. What
/// came of it, what followed the last reply, and what was sent on each connection.
pub(super) fn drive(
    mut negotiation: Negotiation,
    connections: &[impl AsRef<[u8]>],
    most: usize,
) -> Outcome {
    let mut sent = Vec::new();
    for connection in connections {
        let mut out = Vec::new();
        negotiation.begin(&mut out);
        let mut rest = connection.as_ref();
        let result = loop {
            let (mut now, later) = rest.split_at(rest.len().min(most));
            rest = later;
            match negotiation.receive(&mut now, &mut out) {
                Ok(Progress::Done) => break Ok(Some([now, rest].concat())),
                Ok(Progress::Reconnect) => break Ok(None),
                Ok(Progress::More) if !rest.is_empty() => assert!(now.is_empty()),
                Ok(Progress::More) => break negotiation.end().map(|_| None),
                Err(problem) => break Err(problem),
            }
        };
        sent.push(out);
        match result {
            Ok(None) => {}
            Ok(Some(rest)) => return (Ok(rest), sent),
            Err(problem) => return (Err(problem), sent),
        }
    }
    panic!("it wants more connections than {}", sent.len());
}
