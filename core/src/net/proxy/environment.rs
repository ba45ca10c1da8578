//! The proxy that the environment names, by the customs of curl and others: no RFC has them.

use std::net::IpAddr;

use url::Host;

use super::url::{ProxyUrl, parse};
use crate::handshake::WebSocketUrl;
use crate::proxy_error::ProxyUrlError;

/// Looks for a variable.
pub(super) type Get<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The variables that may name a proxy, those that win first.
const PLAIN: [&str; 6] = [
    "ws_proxy",
    "WS_PROXY",
    "http_proxy",
    "HTTP_PROXY",
    "all_proxy",
    "ALL_PROXY",
];
const SECURE: [&str; 6] = [
    "wss_proxy",
    "WSS_PROXY",
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
];

/// The proxy for a URL, if the environment names one and does not except the URL's host.
pub(super) fn proxy(url: &WebSocketUrl, get: Get<'_>) -> Result<Option<ProxyUrl>, ProxyUrlError> {
    let Some(host) = parsed(url.bracketed_host()) else {
        return Ok(None);
    };
    if is_local(&host) {
        return Ok(None);
    }
    // What a CGI program gets as HTTP_PROXY is a header field of its client's.
    let cgi = get("REQUEST_METHOD").is_some();
    let variables = if url.secure() { SECURE } else { PLAIN };
    let named = variables
        .into_iter()
        .filter(|name| !(cgi && *name == "HTTP_PROXY"))
        .find_map(|name| Some((name, set(get, name)?)));
    let Some((variable, value)) = named else {
        return Ok(None);
    };
    let exceptions = set(get, "no_proxy").or_else(|| set(get, "NO_PROXY"));
    if exceptions.is_some_and(|list| excepts(&list, &host, url.port())) {
        return Ok(None);
    }
    parse(&value).map(Some).map_err(|problem| ProxyUrlError {
        variable: Some(variable),
        problem,
    })
}

/// An empty variable is none.
fn set(get: Get<'_>, name: &str) -> Option<String> {
    get(name).filter(|value| !value.trim().is_empty())
}

/// This machine itself: no proxy could reach it.
fn is_local(host: &Host<String>) -> bool {
    match host {
        Host::Domain(name) => is_within(name, "localhost"),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.to_canonical().is_loopback(),
    }
}

/// Whether a `no_proxy` list has an entry for the host.
fn excepts(list: &str, host: &Host<String>, port: u16) -> bool {
    list.split([',', ' ', '\t'])
        .filter(|entry| !entry.is_empty())
        .any(|entry| matches(entry, host, port))
}

fn matches(entry: &str, host: &Host<String>, port: u16) -> bool {
    if entry == "*" {
        return true;
    }
    if let Some((network, bits)) = entry.split_once('/') {
        return address(host).is_some_and(|address| is_in(address, network, bits));
    }
    let (entry, only) = split_port(entry);
    if only.is_some_and(|only| only.parse() != Ok(port)) {
        return false;
    }
    let entry = entry.strip_prefix('*').unwrap_or(entry);
    let entry = entry.strip_prefix('.').unwrap_or(entry);
    match (parsed(entry), host) {
        (Some(Host::Domain(domain)), Host::Domain(name)) => is_within(name, &domain),
        (Some(entry), host) => address(&entry).is_some() && address(&entry) == address(host),
        (None, _) => false,
    }
}

/// An entry's host and, where it ends in one, its port. An IPv6 address may stand without brackets then has none.
fn split_port(entry: &str) -> (&str, Option<&str>) {
    match entry.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, Some(port)),
        _ => (entry, None),
    }
}

/// A host as URLs have it: a name in lower case and ASCII, or an address.
fn parsed(host: &str) -> Option<Host<String>> {
    match host.parse() {
        Ok(IpAddr::V6(address)) => Some(Host::Ipv6(address)),
        _ => Host::parse(host).ok(),
    }
}

fn address(host: &Host<String>) -> Option<IpAddr> {
    match host {
        Host::Domain(_) => None,
        Host::Ipv4(address) => Some((*address).into()),
        Host::Ipv6(address) => Some(address.to_canonical()),
    }
}

/// Whether `name` is `domain` or under it.
fn is_within(name: &str, domain: &str) -> bool {
    let (name, domain) = (name.trim_end_matches('.'), domain.trim_end_matches('.'));
    name.strip_suffix(domain)
        .is_some_and(|rest| rest.is_empty() || (rest.ends_with('.') && !domain.is_empty()))
}

/// Whether an address is in a network (CIDR, RFC 4632).
fn is_in(address: IpAddr, network: &str, bits: &str) -> bool {
    let Ok(bits) = bits.parse::<u32>() else {
        return false;
    };
    let network = network.trim_matches(['[', ']']).parse();
    // A network of more bits than an address has is none.
    match (address, network) {
        (IpAddr::V4(address), Ok(IpAddr::V4(network))) if bits <= 32 => {
            (u32::from(address) ^ u32::from(network))
                .checked_shr(32 - bits)
                .unwrap_or(0)
                == 0
        }
        (IpAddr::V6(address), Ok(IpAddr::V6(network))) if bits <= 128 => {
            (u128::from(address) ^ u128::from(network))
                .checked_shr(128 - bits)
                .unwrap_or(0)
                == 0
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a URL is dialled through in an environment, `-` for nothing.
    fn through(url: &str, variables: &[(&str, &str)]) -> String {
        let get = |name: &str| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let url = WebSocketUrl::parse(url).expect(url);
        match proxy(&url, &get) {
            Ok(Some(proxy)) => proxy.host,
            Ok(None) => "-".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn each_scheme_has_its_variables() {
        let all = [
            ("ws_proxy", "ws"),
            ("http_proxy", "http"),
            ("wss_proxy", "wss"),
            ("https_proxy", "https"),
            ("all_proxy", "all"),
        ];
        for (url, order) in [
            ("ws://host/", ["ws", "http", "all", "-"]),
            ("wss://host/", ["wss", "https", "all", "-"]),
        ] {
            for (gone, expected) in order.into_iter().enumerate() {
                let left: Vec<_> = all
                    .into_iter()
                    .filter(|(_, value)| !order[..gone].contains(value))
                    .collect();
                assert_eq!(through(url, &left), expected, "{url} {left:?}");
                let upper: Vec<_> = left
                    .iter()
                    .map(|(name, value)| (name.to_uppercase(), *value))
                    .collect();
                let upper: Vec<_> = upper
                    .iter()
                    .map(|(name, value)| (&**name, *value))
                    .collect();
                assert_eq!(through(url, &upper), expected, "{url} {upper:?}");
            }
        }
        let both = [("HTTP_PROXY", "upper"), ("http_proxy", "lower")];
        assert_eq!(through("ws://host/", &both), "lower");
        let empty = [("http_proxy", " "), ("all_proxy", "all")];
        assert_eq!(through("ws://host/", &empty), "all");
    }

    #[test]
    fn cve_2016_5385_a_header_field_names_no_proxy() {
        let mut variables = vec![("HTTP_PROXY", "evil"), ("REQUEST_METHOD", "GET")];
        assert_eq!(through("ws://host/", &variables), "-");
        variables.push(("http_proxy", "good"));
        assert_eq!(through("ws://host/", &variables), "good");
        assert_eq!(through("ws://host/", &[("HTTP_PROXY", "good")]), "good");
        let secure = [("HTTPS_PROXY", "good"), ("REQUEST_METHOD", "GET")];
        assert_eq!(through("wss://host/", &secure), "good");
    }

    #[test]
    fn no_proxy_reaches_this_machine() {
        for host in [
            "localhost",
            "a.localhost",
            "LOCALHOST.",
            "127.0.0.1",
            "127.9.9.9",
            "[::1]",
        ] {
            let url = format!("ws://{host}:8080/");
            assert_eq!(through(&url, &[("all_proxy", "p")]), "-", "{host}");
        }
        assert_eq!(through("ws+unix:/x.sock", &[("all_proxy", "p")]), "-");
        assert_eq!(through("ws://notlocalhost/", &[("all_proxy", "p")]), "p");
    }

    #[test]
    fn exceptions_are_by_name_suffix_address_network_and_port() {
        let table: &[(&str, &[&str], &[&str])] = &[
            ("*", &["example.com", "1.2.3.4", "[2001:db8::1]"], &[]),
            (
                "example.com",
                &[
                    "example.com",
                    "EXAMPLE.com",
                    "a.example.com",
                    "a.b.example.com:81",
                    "example.com.",
                ],
                &["notexample.com", "example.com.org", "com"],
            ),
            (
                ".example.com",
                &["example.com", "a.example.com"],
                &["notexample.com"],
            ),
            (
                "*.example.com.",
                &["example.com", "a.example.com"],
                &["notexample.com"],
            ),
            (
                "Example.COM:81",
                &["example.com:81", "a.example.com:81"],
                &["example.com"],
            ),
            (
                "bücher.example",
                &["bücher.example", "xn--bcher-kva.example"],
                &["b.example"],
            ),
            ("x, y\tz ,,w", &["x", "y", "z", "w"], &["v"]),
            (
                "10.0.0.1",
                &["10.0.0.1", "[::ffff:10.0.0.1]"],
                &["10.0.0.10", "10.0.0.1.example"],
            ),
            ("10.0.0.1:81", &["10.0.0.1:81"], &["10.0.0.1"]),
            ("10.0.0.0/8", &["10.255.0.1"], &["11.0.0.1", "host"]),
            ("0.0.0.0/0", &["10.255.0.1"], &["[2001:db8::1]"]),
            ("10.0.0.1/32", &["10.0.0.1"], &["10.0.0.2"]),
            ("10.0.0.0/33,10.0.0.0/x,/8,10.0.0.0/", &[], &["10.0.0.0"]),
            (
                "2001:db8::/32",
                &["[2001:db8:ffff::1]"],
                &["[2001:db9::1]", "10.0.0.1"],
            ),
            ("::/0", &["[2001:db8::1]"], &["10.0.0.1"]),
            (
                "2001:db8::1",
                &["[2001:db8::1]", "[2001:DB8:0::1]:81"],
                &["[2001:db8::2]"],
            ),
            ("[2001:db8::1]", &["[2001:db8::1]"], &["[2001:db8::2]"]),
            (
                "[2001:db8::1]:81",
                &["[2001:db8::1]:81"],
                &["[2001:db8::1]"],
            ),
            (".", &[], &["example.com"]),
            ("", &[], &["example.com"]),
        ];
        for (list, direct, proxied) in table {
            let variables = [("all_proxy", "p"), ("no_proxy", *list)];
            for host in *direct {
                let url = format!("ws://{host}/");
                assert_eq!(through(&url, &variables), "-", "{list:?} {host}");
            }
            for host in *proxied {
                let url = format!("ws://{host}/");
                assert_eq!(through(&url, &variables), "p", "{list:?} {host}");
            }
        }
        let lower = [("all_proxy", "p"), ("no_proxy", "a"), ("NO_PROXY", "*")];
        assert_eq!(through("ws://host/", &lower), "p");
    }

    #[test]
    fn an_error_names_the_variable_and_not_the_value() {
        let text = through("ws://host/", &[("HTTP_PROXY", "gopher://secret@p")]);
        assert!(
            text.contains("HTTP_PROXY") && !text.contains("secret"),
            "{text}"
        );
        // An exception needs no proxy.
        let excepted = [("HTTP_PROXY", "gopher://p"), ("no_proxy", "host")];
        assert_eq!(through("ws://host/", &excepted), "-");
    }
}
