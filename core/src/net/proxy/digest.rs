//! Digest authentication to an HTTP proxy (RFC 7616): MD5 and SHA-256, with and without `-sess`, quality of protection
//! `auth`.

use md5::Md5;
use sha2::Sha256;
use sha2::digest::Digest as _;

use super::challenge::Challenge;
use super::url::Credentials;

/// A challenge that can be answered.
#[derive(Debug)]
pub(super) struct Digest<'a> {
    algorithm: Algorithm,
    /// The algorithm's name, where the challenge has it.
    named: Option<&'static str>,
    session: bool,
    realm: &'a [u8],
    nonce: &'a [u8],
    opaque: Option<&'a [u8]>,
    /// An earlier answer failed for the age of its nonce alone.
    pub(super) stale: bool,
}

/// The weaker one first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Algorithm {
    Md5,
    Sha256,
}

impl<'a> Digest<'a> {
    /// `None` for another scheme, algorithm or quality of protection, or when a required parameter is missing.
    pub(super) fn of(challenge: &'a Challenge) -> Option<Self> {
        if !challenge.is("Digest") {
            return None;
        }
        let named = match challenge.param("algorithm") {
            None => None,
            Some(name) => Some(
                ["MD5", "MD5-sess", "SHA-256", "SHA-256-sess"]
                    .into_iter()
                    .find(|known| name.eq_ignore_ascii_case(known.as_bytes()))?,
            ),
        };
        let (algorithm, session) = match named {
            None | Some("MD5") => (Algorithm::Md5, false),
            Some("MD5-sess") => (Algorithm::Md5, true),
            Some("SHA-256") => (Algorithm::Sha256, false),
            Some(_) => (Algorithm::Sha256, true),
        };
        let mut qualities = challenge.param("qop")?.split(|&byte| byte == b',');
        qualities.find(|quality| quality.trim_ascii().eq_ignore_ascii_case(b"auth"))?;
        Some(Self {
            algorithm,
            named,
            session,
            realm: challenge.param("realm")?,
            nonce: challenge.param("nonce")?,
            opaque: challenge.param("opaque"),
            stale: (challenge.param("stale"))
                .is_some_and(|stale| stale.eq_ignore_ascii_case(b"true")),
        })
    }

    pub(super) const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The `Proxy-Authorization` field's value for the first request with this nonce (section 3.4).
    pub(super) fn answer(
        &self,
        credentials: &Credentials,
        method: &str,
        target: &str,
        cnonce: &str,
    ) -> Vec<u8> {
        let (user, target) = (credentials.user.as_bytes(), target.as_bytes());
        let cnonce = cnonce.as_bytes();
        let response = self.response(credentials, method.as_bytes(), target, cnonce);
        let mut value = b"Digest ".to_vec();
        let quoted = [
            ("username", user),
            ("realm", self.realm),
            ("nonce", self.nonce),
            ("uri", target),
            ("cnonce", cnonce),
            ("response", response.as_bytes()),
        ];
        for (name, text) in quoted
            .into_iter()
            .chain(self.opaque.map(|it| ("opaque", it)))
        {
            quote(&mut value, name, text);
            value.extend_from_slice(b", ");
        }
        if let Some(name) = self.named {
            value.extend_from_slice(format!("algorithm={name}, ").as_bytes());
        }
        value.extend_from_slice(b"qop=auth, nc=00000001");
        value
    }

    /// Section 3.4.1.
    fn response(
        &self,
        credentials: &Credentials,
        method: &[u8],
        target: &[u8],
        cnonce: &[u8],
    ) -> String {
        let hash = |parts: &[&[u8]]| self.algorithm.hash(&parts.join(&b':'));
        let (user, password) = (credentials.user.as_bytes(), credentials.password.as_bytes());
        let mut secret = hash(&[user, self.realm, password]);
        if self.session {
            secret = hash(&[secret.as_bytes(), self.nonce, cnonce]);
        }
        let request = hash(&[method, target]);
        let count = b"00000001";
        hash(&[
            secret.as_bytes(),
            self.nonce,
            count,
            cnonce,
            b"auth",
            request.as_bytes(),
        ])
    }
}

impl Algorithm {
    /// In lower-case hexadecimal digits.
    fn hash(self, data: &[u8]) -> String {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        match self {
            Self::Md5 => hex(&Md5::digest(data)),
            Self::Sha256 => hex(&Sha256::digest(data)),
        }
    }
}

/// `name="text"` (RFC 9110 section 5.6.4).
fn quote(value: &mut Vec<u8>, name: &str, text: &[u8]) {
    value.extend_from_slice(name.as_bytes());
    value.extend_from_slice(b"=\"");
    for &byte in text {
        if matches!(byte, b'"' | b'\\') {
            value.push(b'\\');
        }
        value.push(byte);
    }
    value.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::super::challenge::challenges;
    use super::*;
    use crate::handshake::Headers;

    fn credentials(user: &str, password: &str) -> Credentials {
        Credentials {
            user: user.into(),
            password: password.into(),
        }
    }

    fn read(value: &str) -> Vec<Challenge> {
        let mut headers = Headers::new();
        headers.push("Proxy-Authenticate", value).expect("valid");
        challenges(&headers)
    }

    /// RFC 7616 section 3.9.1.
    #[test]
    fn the_rfcs_worked_examples() {
        let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        for (algorithm, response) in [
            (
                "SHA-256",
                "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
            ),
            ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ] {
            let challenge = read(&format!(
                "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm={algorithm}, \
                 nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", \
                 opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
            ));
            let digest = Digest::of(&challenge[0]).expect("is spoken");
            let mufasa = credentials("Mufasa", "Circle of Life");
            let answer = digest.answer(&mufasa, "GET", "/dir/index.html", cnonce);
            let expected = format!(
                "Digest username=\"Mufasa\", realm=\"http-auth@example.org\", \
                 nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", uri=\"/dir/index.html\", \
                 cnonce=\"{cnonce}\", response=\"{response}\", \
                 opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\", algorithm={algorithm}, qop=auth, nc=00000001"
            );
            assert_eq!(String::from_utf8_lossy(&answer), expected);
        }
    }

    /// The session variants hash once more (section 3.4.2).
    #[test]
    fn sessions_mix_the_nonces_into_the_secret() {
        for algorithm in [Algorithm::Md5, Algorithm::Sha256] {
            let name = match algorithm {
                Algorithm::Md5 => "md5-SESS",
                Algorithm::Sha256 => "sha-256-sess",
            };
            let challenge = read(&format!(
                "Digest realm=r, nonce=n, qop=auth, algorithm=\"{name}\""
            ));
            let digest = Digest::of(&challenge[0]).expect("is spoken");
            let secret = algorithm.hash(b"u:r:p");
            let secret = algorithm.hash(format!("{secret}:n:c").as_bytes());
            let request = algorithm.hash(b"CONNECT:h:1");
            let response =
                algorithm.hash(format!("{secret}:n:00000001:c:auth:{request}").as_bytes());
            let answer = digest.answer(&credentials("u", "p"), "CONNECT", "h:1", "c");
            let text = String::from_utf8(answer).expect("text");
            assert!(text.contains(&format!("response=\"{response}\"")), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_answered_is_left_alone() {
        for value in [
            "Basic realm=r, nonce=n, qop=auth",
            "Digest realm=r, nonce=n",
            "Digest realm=r, nonce=n, qop=auth-int",
            "Digest realm=r, qop=auth",
            "Digest nonce=n, qop=auth",
            "Digest realm=r, nonce=n, qop=auth, algorithm=SHA-512-256",
        ] {
            assert!(Digest::of(&read(value)[0]).is_none(), "{value}");
        }
    }

    #[test]
    fn quotes_in_a_name_end_nothing() {
        let challenge = read("Digest realm=\"a\\\"b\", nonce=n, qop=auth");
        let digest = Digest::of(&challenge[0]).expect("is spoken");
        let answer = digest.answer(&credentials("x\", y=\"\\", "p"), "CONNECT", "h:1", "c");
        let text = String::from_utf8(answer).expect("text");
        assert!(
            text.starts_with("Digest username=\"x\\\", y=\\\"\\\\\", realm=\"a\\\"b\", "),
            "{text}"
        );
        assert!(!text.contains("algorithm"), "{text}");
    }
}
