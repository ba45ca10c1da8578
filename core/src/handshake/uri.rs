//! URLs of WebSockets (RFC 6455 section 3, and the WHATWG URL and WebSockets Standards).

use std::fmt::{self, Debug, Display, Formatter, Write as _};

use url::Url;

use super::authorization::basic;
use super::error::{UrlError, shown};

/// The URL of a WebSocket: `ws://host:port/path?query`, `wss:` for one over TLS, or
/// `ws+unix:/path/to.sock:/path?query` for one over a Unix socket.
///
/// Parsed as browsers do: `http` and `https` stand for `ws` and `wss`, a host name is lower-cased and
/// put into its ASCII form, and what may not stand in a path or query is percent-encoded. Other than
/// in browsers, control characters are refused and not dropped. A fragment is refused (RFC 6455
/// section 3). `Display` and `Debug` hide the password.
///
/// A Unix socket's path is absolute and ends at the first colon; what may not stand in a URL, and a colon, is
/// percent-encoded in it. The host of such a URL is `localhost`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct WebSocketUrl {
    /// Of scheme ws or wss, with a host, without a fragment.
    url: Url,
    /// The path of a Unix socket, decoded; the host is `localhost` then.
    socket: Option<Box<str>>,
}

impl WebSocketUrl {
    /// Parses an absolute URL.
    ///
    /// # Errors
    /// See [`UrlError`].
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        check_characters(text)?;
        let scheme = "ws+unix:";
        if let Some(start) = text.get(..scheme.len())
            && start.eq_ignore_ascii_case(scheme)
        {
            return Self::parse_unix(text.get(scheme.len()..).unwrap_or_default());
        }
        Self::from_url(Url::parse(text).map_err(UrlError::Syntax)?)
    }

    /// Parses a reference, such as a redirect's `Location`, against this URL.
    ///
    /// # Errors
    /// See [`UrlError`].
    pub fn join(&self, reference: &str) -> Result<Self, UrlError> {
        check_characters(reference)?;
        let joined = Self::from_url(self.url.join(reference).map_err(UrlError::Syntax)?)?;
        let socket = self.socket.clone().filter(|_| {
            (joined.secure(), joined.host(), joined.port()) == (false, "localhost", 80)
        });
        Ok(Self { socket, ..joined })
    }

    /// What stands behind `ws+unix:`; an empty authority may stand in front of the path.
    fn parse_unix(text: &str) -> Result<Self, UrlError> {
        let text = text.strip_prefix("//").unwrap_or(text);
        let (path, target) = text.split_once(':').unwrap_or((text, "/"));
        let path =
            percent_decode(path).filter(|path| path.starts_with('/') && !path.contains('\0'));
        let path = path.ok_or(UrlError::SocketPath)?;
        if !target.starts_with('/') {
            return Err(UrlError::SocketPath);
        }
        let url = Url::parse(&format!("ws://localhost{target}")).map_err(UrlError::Syntax)?;
        Ok(Self {
            socket: Some(path.into()),
            ..Self::from_url(url)?
        })
    }

    fn from_url(mut url: Url) -> Result<Self, UrlError> {
        let scheme = match url.scheme() {
            "ws" | "wss" => None,
            "http" => Some("ws"),
            "https" => Some("wss"),
            other => return Err(UrlError::Scheme(shown(other.as_bytes()))),
        };
        if let Some(scheme) = scheme {
            // Between these schemes the change is always allowed.
            let _ = url.set_scheme(scheme);
        }
        if url.fragment().is_some() {
            return Err(UrlError::Fragment);
        }
        let user = percent_decode(url.username()).ok_or(UrlError::Credentials)?;
        let password = percent_decode(url.password().unwrap_or_default());
        let password = password.ok_or(UrlError::Credentials)?;
        if user.contains(':')
            || user
                .chars()
                .chain(password.chars())
                .any(|c| c.is_ascii_control())
        {
            return Err(UrlError::Credentials);
        }
        Ok(Self { url, socket: None })
    }

    /// The path of the Unix socket of a `ws+unix` URL; `None` for the others.
    pub fn socket_path(&self) -> Option<&str> {
        self.socket.as_deref()
    }

    /// Whether the scheme is wss: the WebSocket runs over TLS.
    pub fn secure(&self) -> bool {
        self.url.scheme() == "wss"
    }

    /// The host to connect to: a name in ASCII form, or an address, that of IPv6 without brackets.
    pub fn host(&self) -> &str {
        let host = self.bracketed_host();
        host.strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(host)
    }

    /// The host as it stands in the URL, an IPv6 address in brackets.
    pub fn bracketed_host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// The port: the one given, or 80 for ws and 443 for wss.
    pub fn port(&self) -> u16 {
        self.url
            .port()
            .unwrap_or(if self.secure() { 443 } else { 80 })
    }

    /// The value of the `Host` field: the host, and the port unless it is the scheme's own.
    pub fn host_header(&self) -> String {
        match self.url.port() {
            Some(port) => format!("{}:{port}", self.bracketed_host()),
            None => self.bracketed_host().to_owned(),
        }
    }

    /// The request target: path and query, `/` when the path is empty. ASCII without spaces.
    pub fn request_target(&self) -> String {
        let path = self.url.path();
        let path = if path.is_empty() { "/" } else { path };
        match self.url.query() {
            Some(query) => format!("{path}?{query}"),
            None => path.to_owned(),
        }
    }

    /// User name and password, percent-decoded; the password is empty when only a name is given.
    pub fn credentials(&self) -> Option<(String, String)> {
        let (user, password) = (self.url.username(), self.url.password());
        if user.is_empty() && password.is_none() {
            return None;
        }
        Some((
            percent_decode(user)?,
            percent_decode(password.unwrap_or_default())?,
        ))
    }

    /// The value of the `Authorization` field that sends the credentials (Basic, RFC 7617).
    pub fn authorization(&self) -> Option<String> {
        let (user, password) = self.credentials()?;
        Some(basic(&user, &password))
    }

    /// This URL with the user name and password of `other`, unless it has its own.
    #[must_use]
    pub fn or_credentials_of(mut self, other: &Self) -> Self {
        if self.credentials().is_none() {
            // Both have a host, so neither call can fail.
            let _ = self.url.set_username(other.url.username());
            let _ = self.url.set_password(other.url.password());
        }
        self
    }

    /// Whether both URLs have the same scheme, host and port, or Unix socket, so that credentials for one may be sent
    /// to the other.
    pub fn same_origin(&self, other: &Self) -> bool {
        let origin = |url: &Self| (url.secure(), url.port(), url.socket.clone());
        self.host() == other.host() && origin(self) == origin(other)
    }
}

/// A URL parser drops CR, LF and tabs without a word, so they are looked for in the text it is given.
fn check_characters(text: &str) -> Result<(), UrlError> {
    match text.bytes().position(|byte| byte.is_ascii_control()) {
        Some(position) => Err(UrlError::ControlCharacter { position }),
        None => Ok(()),
    }
}

/// `text` with `%XX` decoded; `None` when that is not UTF-8.
pub(crate) fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let decoded = match rest {
            [b'%', high, low, ..] => hex(*high).zip(hex(*low)),
            _ => None,
        };
        match decoded {
            Some((high, low)) => {
                bytes.push(high << 4 | low);
                rest = rest.get(3..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

impl Display for WebSocketUrl {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(path) = &self.socket {
            f.write_str("ws+unix:")?;
            if path.starts_with("//") {
                // An authority, or the path's beginning would be taken for one.
                f.write_str("//")?;
            }
            for byte in path.bytes() {
                match byte {
                    b'%' | b':' | b'?' | b'#' => write!(f, "%{byte:02X}")?,
                    byte if byte.is_ascii_graphic() => f.write_char(byte.into())?,
                    byte => write!(f, "%{byte:02X}")?,
                }
            }
            return write!(f, ":{}", self.request_target());
        }
        write!(f, "{}://", self.url.scheme())?;
        if self.url.password().is_some() {
            write!(f, "{}:***@", self.url.username())?;
        } else if !self.url.username().is_empty() {
            write!(f, "{}@", self.url.username())?;
        }
        write!(f, "{}{}", self.host_header(), self.request_target())
    }
}

impl Debug for WebSocketUrl {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "WebSocketUrl({self})")
    }
}

impl std::str::FromStr for WebSocketUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> WebSocketUrl {
        WebSocketUrl::parse(text).expect(text)
    }

    #[test]
    fn parts_are_told_apart() {
        let cases = [
            (
                "ws://example.com",
                false,
                "example.com",
                80,
                "example.com",
                "/",
            ),
            (
                "WSS://Example.COM/Chat?x=1&y",
                true,
                "example.com",
                443,
                "example.com",
                "/Chat?x=1&y",
            ),
            (
                "ws://example.com:80/",
                false,
                "example.com",
                80,
                "example.com",
                "/",
            ),
            (
                "ws://example.com:443/",
                false,
                "example.com",
                443,
                "example.com:443",
                "/",
            ),
            (
                "wss://example.com:443",
                true,
                "example.com",
                443,
                "example.com",
                "/",
            ),
            (
                "wss://example.com:80",
                true,
                "example.com",
                80,
                "example.com:80",
                "/",
            ),
            (
                "ws://[2001:DB8::1]:9000/a",
                false,
                "2001:db8::1",
                9000,
                "[2001:db8::1]:9000",
                "/a",
            ),
            ("wss://[::1]", true, "::1", 443, "[::1]", "/"),
            (
                "ws://127.0.0.1:8080?q",
                false,
                "127.0.0.1",
                8080,
                "127.0.0.1:8080",
                "/?q",
            ),
            (
                "ws://bücher.example/ü?ü",
                false,
                "xn--bcher-kva.example",
                80,
                "xn--bcher-kva.example",
                "/%C3%BC?%C3%BC",
            ),
            ("http://h/", false, "h", 80, "h", "/"),
            ("https://h:8443/x", true, "h", 8443, "h:8443", "/x"),
            ("http://h:443/", false, "h", 443, "h:443", "/"),
            ("https://h:80/", true, "h", 80, "h:80", "/"),
        ];
        for (text, secure, host, port, host_header, target) in cases {
            let url = parse(text);
            assert_eq!(
                (url.secure(), url.host(), url.port()),
                (secure, host, port),
                "{text}"
            );
            assert_eq!(
                (url.host_header().as_str(), url.request_target().as_str()),
                (host_header, target),
                "{text}"
            );
        }
        assert_eq!(parse("ws://[::1]:1").bracketed_host(), "[::1]");
    }

    #[test]
    fn what_is_no_websocket_url_is_refused() {
        let scheme = |name: &str| UrlError::Scheme(name.into());
        let cases = [
            ("ws://h/#", UrlError::Fragment),
            ("ws://h/#frag", UrlError::Fragment),
            ("ftp://h/", scheme("ftp")),
            ("mailto:x@y", scheme("mailto")),
            (
                "example.com",
                UrlError::Syntax(url::ParseError::RelativeUrlWithoutBase),
            ),
            (
                "",
                UrlError::Syntax(url::ParseError::RelativeUrlWithoutBase),
            ),
            ("ws://", UrlError::Syntax(url::ParseError::EmptyHost)),
            (
                "ws://h:70000/",
                UrlError::Syntax(url::ParseError::InvalidPort),
            ),
            (
                "ws://[::1/",
                UrlError::Syntax(url::ParseError::InvalidIpv6Address),
            ),
        ];
        for (text, error) in cases {
            assert_eq!(WebSocketUrl::parse(text), Err(error), "{text}");
        }
        assert_eq!("ws://h/#x".parse::<WebSocketUrl>(), Err(UrlError::Fragment));
    }

    #[test]
    fn cve_2026_1527_nothing_in_a_url_breaks_the_request_line() {
        for (text, position) in [
            ("ws://h/a\r\nX: y", 8),
            ("ws://h/\ta", 7),
            ("ws://h/?\0", 8),
            ("\nws://h/", 0),
            ("ws://h\r/", 6),
            ("ws://h/\x7f", 7),
        ] {
            assert_eq!(
                WebSocketUrl::parse(text),
                Err(UrlError::ControlCharacter { position }),
                "{text:?}"
            );
        }
        assert!(
            WebSocketUrl::parse("ws://h%0d%0aX/").is_err(),
            "an encoded line break in the host"
        );
        assert_eq!(
            parse("ws://h/a b?c d%0d%0aX:%20y").request_target(),
            "/a%20b?c%20d%0d%0aX:%20y"
        );
        assert_eq!(
            WebSocketUrl::parse("ws://a%0d%0a:b@h/"),
            Err(UrlError::Credentials)
        );
    }

    #[test]
    fn pysec_2020_25_a_redirect_cannot_break_the_request_line() {
        let base = parse("ws://h/a/b?c");
        let error = Err(UrlError::ControlCharacter { position: 2 });
        assert_eq!(base.join("/?\r\nSet-Cookie: x=y"), error);
        assert_eq!(
            base.join("c?x").map(|url| url.to_string()),
            Ok("ws://h/a/c?x".into())
        );
        assert_eq!(
            base.join("https://other/").map(|url| url.to_string()),
            Ok("wss://other/".into())
        );
        assert_eq!(base.join("#x"), Err(UrlError::Fragment));
    }

    #[test]
    fn credentials_are_decoded_and_kept_out_of_print() {
        let url = parse("wss://us%40er:pa%3Ass%C3%A9%@h/");
        assert_eq!(url.credentials(), Some(("us@er".into(), "pa:ssé%".into())));
        assert_eq!(url.to_string(), "wss://us%40er:***@h/");
        assert_eq!(format!("{url:?}"), "WebSocketUrl(wss://us%40er:***@h/)");
        let url = parse("ws://Aladdin:open%20sesame@h");
        assert_eq!(
            url.authorization().as_deref(),
            Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")
        );
        assert_eq!(
            parse("ws://user@h").credentials(),
            Some(("user".into(), String::new()))
        );
        assert_eq!(parse("ws://user@h").to_string(), "ws://user@h/");
        assert_eq!(parse("ws://h").credentials(), None);
        assert_eq!(parse("ws://h").authorization(), None);
        for bad in ["ws://a%3Ab:c@h", "ws://a:%00@h", "ws://a:%FF@h"] {
            assert_eq!(
                WebSocketUrl::parse(bad),
                Err(UrlError::Credentials),
                "{bad}"
            );
        }
    }

    #[test]
    fn unix_sockets_have_a_path_and_a_request() {
        for (text, path, target) in [
            (
                "ws+unix:/run/x.sock:/chat?a=b:c",
                "/run/x.sock",
                "/chat?a=b:c",
            ),
            ("ws+unix:/run/x.sock", "/run/x.sock", "/"),
            ("WS+UNIX:///run/x.sock:/", "/run/x.sock", "/"),
            ("ws+unix:/a%20b%3Ac:/%20", "/a b:c", "/%20"),
        ] {
            let url = parse(text);
            assert_eq!(url.socket_path(), Some(path), "{text}");
            assert_eq!(url.request_target(), target, "{text}");
            assert_eq!(
                (url.host_header().as_str(), url.secure()),
                ("localhost", false)
            );
        }
        for text in [
            "ws+unix:",
            "ws+unix:x.sock:/",
            "ws+unix://host/x.sock:/",
            "ws+unix:/x.sock:chat",
            "ws+unix:/x%00.sock:/",
            "ws+unix:/%ff:/",
        ] {
            assert_eq!(
                WebSocketUrl::parse(text),
                Err(UrlError::SocketPath),
                "{text}"
            );
        }
        assert_eq!(
            WebSocketUrl::parse("ws+unix:/x:/#y"),
            Err(UrlError::Fragment)
        );
        assert!(WebSocketUrl::parse("wss+unix:/x:/").is_err());
        let url = parse("ws+unix:/x:/a/b");
        assert_eq!(url.to_string(), "ws+unix:/x:/a/b");
        // What is printed is the same URL again.
        for text in [
            "ws+unix:/it's.sock:/",
            "ws+unix:/a%20%25%3A%3F%23b%C3%A9:/%20",
            "ws+unix:////run//x.sock:/",
        ] {
            assert_eq!(parse(text).to_string(), text);
        }
        assert_eq!(parse("ws://localhost/").socket_path(), None);
        assert!(!url.same_origin(&parse("ws://localhost/")));
        let joined = |reference| url.join(reference).expect("a URL");
        assert_eq!(joined("c").to_string(), "ws+unix:/x:/a/c");
        assert_eq!(joined("ws://other/").socket_path(), None);
    }

    #[test]
    fn origins_are_scheme_host_and_port() {
        let url = parse("ws://h/a");
        assert!(url.same_origin(&parse("http://u@H:80/b?c")));
        for other in ["wss://h/a", "ws://i/a", "ws://h:81/a"] {
            assert!(!url.same_origin(&parse(other)), "{other}");
        }
    }
}
