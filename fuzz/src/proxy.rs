//! Proxies: their URLs, and what they say (RFC 9110 section 9.3.6, RFC 1928, RFC 1929).

use arbitrary::{Arbitrary, Unstructured};
use ropeway_core::engine::{ProxyUrl, rehearse_proxy};
use ropeway_core::handshake::HeadLimits;
use ropeway_core::{Fault, ProxyError};

const LIMITS: HeadLimits = HeadLimits {
    bytes: 1000,
    headers: 12,
};
/// More connections than any negotiation asks for.
const CONNECTIONS: usize = 8;
const PROXIES: [&str; 4] = [
    "http://proxy:3128",
    "http://user:secret@proxy:3128",
    "socks5h://proxy",
    "socks5h://user:secret@proxy",
];
const HOSTS: [&str; 3] = ["example.com", "192.0.2.7", "2001:db8::7"];

#[derive(Arbitrary)]
struct Said<'a> {
    proxy: u8,
    host: u8,
    most: u8,
    /// Where the first connections end.
    ends: [u16; 2],
    bytes: &'a [u8],
}

/// What a proxy says, on as many connections as are made to it: the same comes of it in whatever portions, which is a tunnel
/// with the bytes behind the last reply, or a problem that is not this side's own; and no credentials stand in it.
pub fn proxy(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        url(text);
    }
    let Ok(input) = Said::arbitrary_take_rest(Unstructured::new(data)) else {
        return;
    };
    let url = PROXIES[usize::from(input.proxy) % PROXIES.len()];
    let host = HOSTS[usize::from(input.host) % HOSTS.len()];
    let mut connections = [&[][..]; CONNECTIONS];
    let mut rest = input.bytes;
    for (connection, end) in connections.iter_mut().zip(input.ends) {
        (*connection, rest) = rest.split_at(rest.len().min(end.into()));
    }
    connections[input.ends.len()] = rest;

    let parsed = ProxyUrl::parse(url).expect("a proxy's URL");
    let talk = |most| rehearse_proxy(&parsed, host, LIMITS, &connections, most);
    let (result, sent) = talk(usize::MAX);
    let divided = talk(usize::from(input.most.max(1)));
    assert_eq!(divided, (result.clone(), sent.clone()));
    match result {
        Ok(behind) => assert!(connections[sent.len() - 1].ends_with(&behind)),
        Err(problem) => {
            let error = ProxyError {
                proxy: parsed.to_string().into(),
                problem,
            };
            assert!(error.fault() != Fault::Internal, "{error:?}");
            let shown = format!("{error} {error:?}");
            assert!(
                !shown.contains("secret") || input.bytes.windows(6).any(|part| part == b"secret")
            );
            assert!(shown.len() < 2 * LIMITS.bytes);
        }
    }
    if url.starts_with("http:") {
        // A realm may hold any bytes above 127, which are repeated as they came.
        let requests = sent.concat();
        let requests = String::from_utf8_lossy(&requests);
        for request in requests.split_inclusive("\r\n\r\n") {
            let fields = request.matches("\r\n").count();
            assert!(
                request.starts_with("CONNECT ") && (4..=5).contains(&fields),
                "{request}"
            );
        }
    }
}

/// A proxy's URL is shown without its credentials, as one that leads to the same proxy.
fn url(text: &str) {
    let Ok(url) = ProxyUrl::parse(text) else {
        return;
    };
    let shown = url.to_string();
    assert!(!shown.contains('@'), "{shown}");
    let again = ProxyUrl::parse(&shown).expect("what is shown is a URL");
    assert_eq!(again.to_string(), shown);
}
