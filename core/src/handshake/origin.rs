//! Which pages may connect (RFC 6455 section 10.2, and RFC 6454 on origins). A browser says in `Origin` which page a
//! WebSocket is for, and sends that page's user's cookies to any server, so a server that knows its users by cookies has
//! to look at it. Other clients can send what they like, or nothing: the check keeps browsers' users safe, and nobody
//! else out.

use super::error::{HandshakeError, shown};
use super::headers::Headers;

/// The origins that a server serves. An empty list stands for all, and for requests without an origin too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedOrigins(Vec<Pattern>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Pattern {
    /// A request without the field.
    Missing,
    /// This value, `null` for instance.
    Exact(Box<str>),
    /// What begins with the one, as `https://`, ends with the other, as `.example.com:8443`, and has labels of a host name
    /// between.
    Below(Box<str>, Box<str>),
}

impl AllowedOrigins {
    /// An empty list.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds an origin as browsers write it: `https://example.com`, with a port where it is not the scheme's own
    /// (`http://localhost:3000`); or `https://*.example.com` for the hosts below a domain, at any depth but not the
    /// domain itself; or `null`, which files and sandboxed pages send; or the empty string for requests without
    /// `Origin`, which programs other than browsers make.
    ///
    /// # Errors
    /// [`HandshakeError::InvalidOrigin`] for anything else, a path behind the host for instance.
    pub fn add(&mut self, origin: &str) -> Result<(), HandshakeError> {
        let pattern = match origin {
            "" => Pattern::Missing,
            "null" => Pattern::Exact(origin.into()),
            _ => parse(origin)
                .ok_or_else(|| HandshakeError::InvalidOrigin(shown(origin.as_bytes())))?,
        };
        self.0.push(pattern);
        Ok(())
    }

    /// Whether a request may go on.
    ///
    /// # Errors
    /// [`HandshakeError::OriginNotAllowed`].
    pub(crate) fn check(&self, headers: &Headers) -> Result<(), HandshakeError> {
        let origin = headers.get_bytes("Origin");
        if self.0.is_empty() || self.0.iter().any(|pattern| pattern.admits(origin)) {
            return Ok(());
        }
        Err(HandshakeError::OriginNotAllowed(origin.map(shown)))
    }
}

impl Pattern {
    fn admits(&self, origin: Option<&[u8]>) -> bool {
        match (self, origin) {
            (Self::Missing, None) => true,
            (Self::Exact(exact), Some(origin)) => origin.eq_ignore_ascii_case(exact.as_bytes()),
            (Self::Below(start, end), Some(origin)) => {
                let Some(middle) = origin.len().checked_sub(start.len() + end.len()) else {
                    return false;
                };
                let (first, rest) = origin.split_at(start.len());
                let (labels, last) = rest.split_at(middle);
                first.eq_ignore_ascii_case(start.as_bytes())
                    && last.eq_ignore_ascii_case(end.as_bytes())
                    && labels.split(|&byte| byte == b'.').all(is_label)
            }
            _ => false,
        }
    }
}

/// RFC 6454 section 6.2: scheme, host, and the port where it is not the scheme's own.
fn parse(origin: &str) -> Option<Pattern> {
    let origin = origin.to_ascii_lowercase();
    let (scheme, authority) = origin.split_once("://")?;
    if !scheme.starts_with(|first: char| first.is_ascii_lowercase())
        || !(scheme.bytes()).all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    {
        return None;
    }
    let (host, port) = match authority.rsplit_once(':') {
        // Within the brackets of an IPv6 address.
        Some((_, end)) if end.ends_with(']') => (authority, None),
        Some((host, port)) => (host, Some(port.parse::<u16>().ok()?)),
        None => (authority, None),
    };
    let own = matches!((scheme, port), ("http", Some(80)) | ("https", Some(443)));
    let port = match port {
        Some(port) if !own => format!(":{port}"),
        _ => String::new(),
    };
    if let Some(domain) = host.strip_prefix("*.") {
        let labels = domain.as_bytes().split(|&byte| byte == b'.');
        let pattern = Pattern::Below(
            format!("{scheme}://").into(),
            format!(".{domain}{port}").into(),
        );
        return labels.into_iter().all(is_label).then_some(pattern);
    }
    let address = (host.strip_prefix('[')).and_then(|host| host.strip_suffix(']'));
    let is_host = match address {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => host.as_bytes().split(|&byte| byte == b'.').all(is_label),
    };
    is_host.then(|| Pattern::Exact(format!("{scheme}://{host}{port}").into()))
}

/// A part of a host name between dots, in ASCII form.
fn is_label(label: &[u8]) -> bool {
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_".contains(byte);
    !label.is_empty() && label.iter().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(patterns: &[&str]) -> AllowedOrigins {
        let mut origins = AllowedOrigins::new();
        for pattern in patterns {
            origins.add(pattern).expect("a pattern");
        }
        origins
    }

    fn admits(patterns: &[&str], origin: Option<&str>) -> bool {
        let mut headers = Headers::new();
        if let Some(origin) = origin {
            headers.push("Origin", origin).expect("valid");
        }
        allowed(patterns).check(&headers).is_ok()
    }

    #[test]
    fn an_empty_list_serves_all() {
        for origin in [None, Some("null"), Some("https://example.com"), Some("?")] {
            assert!(admits(&[], origin));
        }
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let list = [
            "https://example.com",
            "http://localhost:3000",
            "http://[::1]:80",
        ];
        for good in [
            "https://example.com",
            "HTTPS://Example.COM",
            "http://localhost:3000",
            "http://[::1]",
        ] {
            assert!(admits(&list, Some(good)), "{good}");
        }
        for bad in [
            "http://example.com",
            "https://example.com:8443",
            "https://example.com.evil.example",
            "https://evil.example/https://example.com",
            "https://www.example.com",
            "https://example.com/",
            "http://localhost",
            "http://localhost:30000",
            "null",
            "",
        ] {
            assert!(!admits(&list, Some(bad)), "{bad}");
        }
        // What programs send is to be allowed by name, like what files send.
        assert!(!admits(&list, None));
        assert!(admits(&["https://example.com", ""], None));
        assert!(!admits(&[""], Some("null")));
        assert!(!admits(&["null"], None));
        assert!(admits(&["null"], Some("null")));
        assert!(admits(
            &["moz-extension://d6a1-4f"],
            Some("moz-extension://d6a1-4f")
        ));
    }

    #[test]
    fn a_star_stands_for_hosts_below_a_domain() {
        let list = ["https://*.example.com", "http://*.test:8080"];
        for good in [
            "https://www.example.com",
            "https://a.b-c.example.com",
            "https://WWW.example.com",
            "http://x.test:8080",
        ] {
            assert!(admits(&list, Some(good)), "{good}");
        }
        for bad in [
            "https://example.com",
            "https://.example.com",
            "https://a..example.com",
            "https://evilexample.com",
            "https://evil.example/.example.com",
            "https://evil.example:443.example.com",
            "https://user@www.example.com",
            "https://evil.example#.example.com",
            "https://www.example.com:8443",
            "http://www.example.com",
            "http://x.test",
            "https:",
            "https://.com",
        ] {
            assert!(!admits(&list, Some(bad)), "{bad}");
        }
    }

    #[test]
    fn what_is_no_origin_cannot_be_allowed() {
        for bad in [
            "*",
            "example.com",
            "https://",
            "https://example.com/",
            "https://example.com/path",
            "https://a.*.example.com",
            "https://*",
            "https://*.",
            "https://exa mple.com",
            "https://user@example.com",
            "https://example.com:port",
            "https://example.com:99999",
            "https://münchen.example",
            "://example.com",
            "https://[::1",
            "a\r\nX: y://h",
        ] {
            let error = AllowedOrigins::new().add(bad).expect_err("refused");
            assert!(matches!(error, HandshakeError::InvalidOrigin(_)), "{bad}");
        }
    }
}
