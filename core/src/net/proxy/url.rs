//! The URL of a proxy: where it is, what it speaks, and the credentials for it.

use std::fmt::{self, Debug, Display, Formatter};

use url::{Host, Url};

use crate::handshake::percent_decode;
use crate::proxy_error::ProxyUrlError;

/// The most that a SOCKS proxy takes of a user name, of a password (RFC 1929 section 2).
const SOCKS_CREDENTIAL: usize = 255;

/// A proxy: `http://`, `https://` (HTTP CONNECT, in plain or in TLS), `socks5://` (SOCKS 5, RFC 1928; this side
/// resolves the server's name) or `socks5h://` (the proxy resolves it), then `user:password@` where it wants
/// credentials, percent-encoded where they hold special characters, the host, and the port: by default 80, 443 or, of
/// SOCKS, 1080. Without a scheme it is `http://`; `socks://` is `socks5h://`.
///
/// `Debug` and `Display` leave the credentials out.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyUrl {
    pub(super) scheme: Scheme,
    /// A name in ASCII form, or an address, that of IPv6 without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) credentials: Option<Credentials>,
}

/// What a proxy speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    Http,
    Https,
    Socks5,
    Socks5h,
}

/// Without control characters, and of a length that the proxy's protocol can carry.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Credentials {
    pub(super) user: String,
    pub(super) password: String,
}

impl ProxyUrl {
    /// Parses a proxy's URL.
    ///
    /// # Errors
    /// [`ProxyUrlError`] for another scheme, no host, a path, a query or a fragment; for credentials with a control
    /// character, with a colon in an HTTP proxy's user name, or of over 255 bytes each for SOCKS.
    pub fn parse(text: &str) -> Result<Self, ProxyUrlError> {
        parse(text).map_err(|problem| ProxyUrlError {
            variable: None,
            problem,
        })
    }
}

impl Scheme {
    const fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Socks5 => "socks5",
            Self::Socks5h => "socks5h",
        }
    }

    const fn is_socks(self) -> bool {
        matches!(self, Self::Socks5 | Self::Socks5h)
    }

    const fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
            Self::Socks5 | Self::Socks5h => 1080,
        }
    }
}

/// The text says what is wrong, and repeats nothing.
pub(super) fn parse(text: &str) -> Result<ProxyUrl, &'static str> {
    if text.bytes().any(|byte| byte.is_ascii_control()) {
        // A URL parser drops them without a word.
        return Err("it has a control character");
    }
    let text = text.trim();
    let url = if text.contains("://") {
        Url::parse(text)
    } else {
        Url::parse(&format!("http://{text}"))
    };
    let url = url.map_err(|_| "it is no URL")?;
    let scheme = match url.scheme() {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        "socks5" => Scheme::Socks5,
        "socks5h" | "socks" => Scheme::Socks5h,
        _ => return Err("its scheme is none of http, https, socks5 and socks5h"),
    };
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err("something stands behind its host and port");
    }
    // Of a scheme that the parser does not know it leaves the host as it is.
    let host = Host::parse(url.host_str().unwrap_or_default()).map_err(|_| "it has no host")?;
    Ok(ProxyUrl {
        scheme,
        host: match host {
            Host::Domain(name) => name,
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        },
        port: url.port().unwrap_or(scheme.default_port()),
        credentials: credentials(&url, scheme)?,
    })
}

fn credentials(url: &Url, scheme: Scheme) -> Result<Option<Credentials>, &'static str> {
    if url.username().is_empty() && url.password().is_none() {
        return Ok(None);
    }
    let decode = |text| percent_decode(text).ok_or("its credentials are not UTF-8");
    let user = decode(url.username())?;
    let password = decode(url.password().unwrap_or_default())?;
    if user.chars().chain(password.chars()).any(char::is_control) {
        return Err("its credentials hold a control character");
    }
    if scheme.is_socks() {
        if user.is_empty() || user.len().max(password.len()) > SOCKS_CREDENTIAL {
            return Err("SOCKS takes a user name of 1 to 255 bytes and a password of up to 255");
        }
    } else if user.contains(':') {
        return Err("its user name holds a colon");
    }
    Ok(Some(Credentials { user, password }))
}

impl Display for ProxyUrl {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}://{}",
            self.scheme.name(),
            authority(&self.host, self.port)
        )
    }
}

impl Debug for ProxyUrl {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "ProxyUrl({self})")
    }
}

impl std::str::FromStr for ProxyUrl {
    type Err = ProxyUrlError;

    fn from_str(text: &str) -> Result<Self, ProxyUrlError> {
        Self::parse(text)
    }
}

/// Host and port as a URL and a CONNECT request have them: an IPv6 address in brackets.
pub(super) fn authority(host: &str, port: u16) -> String {
    if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemes_ports_and_hosts_are_told_apart() {
        for (text, shown) in [
            ("http://proxy", "http://proxy:80"),
            ("HTTP://Proxy:3128/", "http://proxy:3128"),
            ("https://proxy", "https://proxy:443"),
            ("socks5://127.0.0.1", "socks5://127.0.0.1:1080"),
            ("socks5://127.1:80", "socks5://127.0.0.1:80"),
            ("socks5h://[::1]:9050", "socks5h://[::1]:9050"),
            ("socks://proxy:1081/", "socks5h://proxy:1081"),
            ("proxy", "http://proxy:80"),
            (" proxy:3128 ", "http://proxy:3128"),
            (
                "socks5h://BÜCHER.example",
                "socks5h://xn--bcher-kva.example:1080",
            ),
        ] {
            let url = ProxyUrl::parse(text).expect(text);
            assert_eq!(url.to_string(), shown, "{text}");
            assert_eq!(url.credentials.as_ref().map(|it| &it.user), None, "{text}");
        }
    }

    #[test]
    fn credentials_are_decoded_and_never_shown() {
        for (text, user, password) in [
            ("http://u:p@proxy", "u", "p"),
            ("u:p@proxy:1", "u", "p"),
            ("socks5://user@proxy", "user", ""),
            ("https://a%40b:c%3Ad%25@proxy", "a@b", "c:d%"),
            ("socks5h://a%3Ab:%20@proxy", "a:b", " "),
            ("http://:p@proxy", "", "p"),
        ] {
            let url = ProxyUrl::parse(text).expect(text);
            let credentials = url.credentials.as_ref().expect(text);
            assert_eq!(
                (&*credentials.user, &*credentials.password),
                (user, password)
            );
            let shown = format!("{url} {url:?}");
            assert!(
                !shown.contains('@') && shown.matches("proxy").count() == 2,
                "{shown}"
            );
        }
    }

    #[test]
    fn what_cannot_be_used_is_refused_without_repeating_it() {
        let long = format!("socks5://{}:p@proxy", "u".repeat(256));
        for text in [
            "",
            "http://",
            "socks5://",
            "socks4://proxy",
            "ftp://proxy",
            "ws://proxy",
            "http://proxy/path",
            "http://proxy/?q",
            "http://proxy/#f",
            "http://proxy:99999",
            "http://pro xy",
            "socks5://pro xy",
            "socks5://a%0db:p@proxy",
            "http://secret%0d%0aX:p@proxy",
            "http://u:p%00@proxy",
            "http://u:%ff@proxy",
            "http://a%3Ab:p@proxy",
            "http://proxy\r\n",
            "socks5://:p@proxy",
            &long,
        ] {
            let error = ProxyUrl::parse(text).expect_err(text).to_string();
            assert!(
                !error.contains("secret") && !error.contains("proxy:"),
                "{error}"
            );
        }
    }
}
