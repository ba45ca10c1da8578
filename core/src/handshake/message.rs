//! Requests and responses of the handshake, parsed (RFC 9112 sections 3 and 4).

use std::borrow::Cow;

use super::headers::Headers;

/// The head of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The method, as sent (methods are case-sensitive).
    pub method: String,
    /// The request target, as sent: `/chat?x=1`, or in absolute form `ws://example.com/chat?x=1`.
    pub target: String,
    /// The header fields.
    pub headers: Headers,
}

impl Request {
    /// The target's authority, when it is in absolute form (RFC 9112 section 3.2.2), and what follows.
    fn split_target(&self) -> (Option<&str>, &str) {
        if self.target.starts_with('/') {
            return (None, &self.target);
        }
        let Some((_, rest)) = self.target.split_once("://") else {
            return (None, &self.target);
        };
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        (Some(authority), rest)
    }

    /// The target's path, `/` when an absolute target has none. Not percent-decoded.
    pub fn path(&self) -> &str {
        let (authority, rest) = self.split_target();
        let path = rest.split('?').next().unwrap_or_default();
        if path.is_empty() && authority.is_some() {
            "/"
        } else {
            path
        }
    }

    /// What stands after the target's first `?`. Not percent-decoded.
    pub fn query(&self) -> Option<&str> {
        self.split_target()
            .1
            .split_once('?')
            .map(|(_, query)| query)
    }

    /// Path and query as they stand, without an absolute target's scheme and authority.
    pub fn path_and_query(&self) -> Cow<'_, str> {
        let (authority, rest) = self.split_target();
        if authority.is_some() && !rest.starts_with('/') {
            Cow::Owned(format!("/{rest}"))
        } else {
            Cow::Borrowed(rest)
        }
    }

    /// The host, with its port if one was sent, that the request is for: an absolute target's, which
    /// takes precedence (RFC 9112 section 3.2.2), else the Host field's.
    pub fn host(&self) -> Option<&str> {
        match self.split_target().0 {
            Some(authority) => Some(
                authority
                    .rsplit_once('@')
                    .map_or(authority, |(_, host)| host),
            ),
            None => self.headers.get("Host"),
        }
    }
}

/// A response: its head and, for a refusal, its body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// The status, three digits and at least 100.
    pub status: u16,
    /// The reason phrase, which may be empty and means nothing to a program.
    pub reason: String,
    /// The header fields.
    pub headers: Headers,
    /// The body, as far as it was kept (see [`BodyReader`](super::BodyReader)); empty in a response
    /// just parsed.
    pub body: Vec<u8>,
}

impl Response {
    /// Whether this is an interim response (RFC 9110 section 15.2), such as 100 or 103, after which
    /// the one that counts follows. 101 is not one.
    pub fn is_interim(&self) -> bool {
        self.status < 200 && self.status != 101
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_target(target: &str) -> Request {
        let mut request = Request {
            target: target.into(),
            ..Request::default()
        };
        request.headers.push("Host", "h").expect("valid");
        request
    }

    #[test]
    fn targets_in_absolute_form() {
        let cases = [
            ("/chat", "/chat", None, "/chat", "h"),
            ("/chat?x=1?y", "/chat", Some("x=1?y"), "/chat?x=1?y", "h"),
            ("/a://b/c", "/a://b/c", None, "/a://b/c", "h"),
            (
                "ws://example.com:8181/chat?x=1",
                "/chat",
                Some("x=1"),
                "/chat?x=1",
                "example.com:8181",
            ),
            ("ws://example.com:8181/", "/", None, "/", "example.com:8181"),
            ("wss://[::1]", "/", None, "/", "[::1]"),
            ("http://u:p@e?x=a/b", "/", Some("x=a/b"), "/?x=a/b", "e"),
            ("*", "*", None, "*", "h"),
        ];
        for (target, path, query, path_and_query, host) in cases {
            let request = with_target(target);
            assert_eq!(request.path(), path, "{target}");
            assert_eq!(request.query(), query, "{target}");
            assert_eq!(request.path_and_query(), path_and_query, "{target}");
            assert_eq!(request.host(), Some(host), "{target}");
        }
    }

    #[test]
    fn interim_responses_are_told_apart() {
        let interim = |status| {
            Response {
                status,
                ..Response::default()
            }
            .is_interim()
        };
        assert!(interim(100) && interim(103));
        assert!(!interim(101) && !interim(200) && !interim(426));
    }
}
