//! Credentials in the `Authorization` field: Basic (RFC 7617) and Bearer (RFC 6750), sent by a client and judged by a
//! server.

use std::fmt::{self, Debug, Formatter};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use subtle::ConstantTimeEq as _;

use super::error::HeaderError;
use super::headers::Headers;

const FIELD: &str = "Authorization";

impl Headers {
    /// Sets `Authorization` to a user name and password (Basic, RFC 7617), in place of what it was. They go over the
    /// wire in clear but for base64: use `wss`.
    ///
    /// # Errors
    /// [`HeaderError::Credentials`] for a colon in the name, or a control character.
    pub fn basic_auth(&mut self, user: &str, password: &str) -> Result<(), HeaderError> {
        if user.contains(':') {
            return Err(HeaderError::Credentials("a colon in the user name"));
        }
        if user.chars().chain(password.chars()).any(char::is_control) {
            return Err(HeaderError::Credentials("a control character"));
        }
        self.remove(FIELD);
        self.push(FIELD, &basic(user, password))
    }

    /// Sets `Authorization` to a token (Bearer, RFC 6750 section 2.1), in place of what it was.
    ///
    /// # Errors
    /// [`HeaderError::Credentials`] for a token that is empty or has other characters than letters, digits, `-._~+/` and
    /// `=` at its end.
    pub fn bearer_auth(&mut self, token: &str) -> Result<(), HeaderError> {
        let body = token.trim_end_matches('=');
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
        if body.is_empty() || !body.bytes().all(allowed) {
            return Err(HeaderError::Credentials("a token that is none"));
        }
        self.remove(FIELD);
        self.push(FIELD, &format!("Bearer {token}"))
    }
}

/// The value of the field that sends a user name and password.
pub(super) fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

/// The user name and password that a request brings (Basic, RFC 7617). `Debug` hides the password.
#[derive(Clone, PartialEq, Eq)]
pub struct BasicCredentials {
    /// The name; it has no colon.
    pub user: String,
    /// The password, in clear.
    pub password: String,
}

impl BasicCredentials {
    /// Those of a request; `None` when it has none, others than Basic ones, several, or ones that cannot be decoded.
    pub fn of(headers: &Headers) -> Option<Self> {
        let mut values = headers.get_all(FIELD);
        let (value, None) = (values.next()?, values.next()) else {
            return None;
        };
        let (scheme, encoded) = std::str::from_utf8(value).ok()?.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("Basic") {
            return None;
        }
        let decoded = STANDARD.decode(encoded.trim_start_matches(' ')).ok()?;
        let text = String::from_utf8(decoded).ok()?;
        let (user, password) = text.split_once(':')?;
        Some(Self {
            user: user.to_owned(),
            password: password.to_owned(),
        })
    }

    /// Whether they are these. The time that it takes tells nothing of where they differ, or whether the name alone is
    /// right; it may tell a length.
    pub fn matches(&self, user: &str, password: &str) -> bool {
        let user = self.user.as_bytes().ct_eq(user.as_bytes());
        let password = self.password.as_bytes().ct_eq(password.as_bytes());
        (user & password).into()
    }
}

impl Debug for BasicCredentials {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("BasicCredentials")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(headers: &Headers) -> &str {
        headers.get(FIELD).expect("is there")
    }

    fn received(values: &[&str]) -> Option<BasicCredentials> {
        let mut headers = Headers::new();
        for value in values {
            headers.push("authorization", value).expect("valid");
        }
        BasicCredentials::of(&headers)
    }

    #[test]
    fn the_examples_of_rfc_7617_and_rfc_6750() {
        let mut headers = Headers::new();
        headers.basic_auth("Aladdin", "open sesame").expect("valid");
        assert_eq!(value(&headers), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        headers.basic_auth("test", "123£").expect("valid");
        assert_eq!(value(&headers), "Basic dGVzdDoxMjPCow==");
        headers.bearer_auth("mF_9.B5f-4.1JqM").expect("valid");
        assert_eq!(value(&headers), "Bearer mF_9.B5f-4.1JqM");
        assert_eq!(headers.len(), 1, "the last one counts");
    }

    #[test]
    fn cve_2026_1527_credentials_add_no_line() {
        let mut headers = Headers::new();
        for (user, password) in [
            ("a:b", "c"),
            ("a\r\nX: y", "b"),
            ("a", "b\r\nX: y"),
            ("a", "b\0"),
            ("a\n", ""),
            ("a", "\u{85}"),
        ] {
            let error = headers.basic_auth(user, password).expect_err("refused");
            assert!(matches!(error, HeaderError::Credentials(_)));
        }
        for token in ["", "=", "a b", "a\r\nX: y", "a=b", "ä", "a,b", "\n"] {
            assert!(headers.bearer_auth(token).is_err(), "{token:?}");
        }
        assert!(headers.is_empty());
    }

    #[test]
    fn what_was_sent_is_what_is_found() {
        for (user, password) in [("user", "pass"), ("", ""), ("ä", "a:b:c"), ("u", "ünï")] {
            let mut headers = Headers::new();
            headers.basic_auth(user, password).expect("valid");
            let found = BasicCredentials::of(&headers).expect("some");
            assert_eq!((&*found.user, &*found.password), (user, password));
        }
        let found = received(&["bAsIc   dXNlcjpwYXNz"]).expect("some");
        assert!(found.matches("user", "pass"));
        assert!(!format!("{found:?}").contains("pass\""), "{found:?}");
        for values in [
            &[][..],
            &["Basic"],
            &["Basic "],
            &["Basic dXNlcg=="],
            &["Basic ?"],
            &["Basic /w=="],
            &["Bearer dXNlcjpwYXNz"],
            &["Basic dXNlcjpwYXNz", "Basic dXNlcjpwYXNz"],
        ] {
            assert_eq!(received(values), None, "{values:?}");
        }
    }

    /// What can be tested of it: that nothing but both whole strings is a match.
    #[test]
    fn pysec_2021_95_both_are_compared_whole() {
        let found = received(&["Basic dXNlcjpwYXNz"]).expect("some");
        for (user, password) in [
            ("user", "pasS"),
            ("user", "pas"),
            ("user", "passs"),
            ("user", ""),
            ("User", "pass"),
            ("use", "pass"),
            ("", "pass"),
            ("", ""),
        ] {
            assert!(!found.matches(user, password), "{user}:{password}");
        }
    }
}
