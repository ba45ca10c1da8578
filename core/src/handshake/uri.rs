//! URLs of WebSockets (RFC 6455 section 3, and the WHATWG URL and WebSockets Standards).

use std::fmt::{self, Debug, Display, Formatter};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::Url;

use super::error::{UrlError, shown};

/// The URL of a WebSocket: `ws://host:port/path?query`, or `wss:` for one over TLS.
///
/// Parsed as browsers do: `http` and `https` stand for `ws` and `wss`, a host name is lower-cased and
/// put into its ASCII form, and what may not stand in a path or query is percent-encoded. Other than
/// in browsers, control characters are refused and not dropped. A fragment is refused (RFC 6455
/// section 3). `Display` and `Debug` hide the password.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct WebSocketUrl {
    /// Of scheme ws or wss, with a host, without a fragment.
    url: Url,
}

impl WebSocketUrl {
    /// Parses an absolute URL.
    ///
    /// # Errors
    /// See [`UrlError`].
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        check_characters(text)?;
        Self::from_url(Url::parse(text).map_err(UrlError::Syntax)?)
    }

    /// Parses a reference, such as a redirect's `Location`, against this URL.
    ///
    /// # Errors
    /// See [`UrlError`].
    pub fn join(&self, reference: &str) -> Result<Self, UrlError> {
        check_characters(reference)?;
        Self::from_url(self.url.join(reference).map_err(UrlError::Syntax)?)
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
        Ok(Self { url })
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
        Some(format!(
            "Basic {}",
            STANDARD.encode(format!("{user}:{password}"))
        ))
    }

    /// Whether both URLs have the same scheme, host and port, so that credentials for one may be sent
    /// to the other.
    pub fn same_origin(&self, other: &Self) -> bool {
        (self.secure(), self.host(), self.port()) == (other.secure(), other.host(), other.port())
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
fn percent_decode(text: &str) -> Option<String> {
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
