//! What an HTTP proxy asks for in `Proxy-Authenticate` (RFC 9110 sections 11.3 and 11.6).

use crate::handshake::{Headers, is_token, shown};

/// A challenge: an authentication scheme with its parameters, names in lower case, values unquoted. What is no
/// parameter, a token68 for instance, is left out.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Challenge {
    pub(super) scheme: String,
    params: Vec<(String, Vec<u8>)>,
}

impl Challenge {
    pub(super) fn param(&self, name: &str) -> Option<&[u8]> {
        let found = self.params.iter().find(|(param, _)| param == name);
        found.map(|(_, value)| value.as_slice())
    }

    pub(super) fn is(&self, scheme: &str) -> bool {
        self.scheme.eq_ignore_ascii_case(scheme)
    }
}

/// All challenges in order. A field's rest is left out where its grammar is broken.
pub(super) fn challenges(headers: &Headers) -> Vec<Challenge> {
    let mut challenges = Vec::new();
    for value in headers.get_all("Proxy-Authenticate") {
        let mut reader = Reader(value);
        // A parameter belongs to the field's last challenge.
        let first = challenges.len();
        loop {
            let separated = reader.skip_separators() || challenges.len() == first;
            let Some(token) = reader.token() else { break };
            let value = reader.value();
            match (value, challenges[first..].last_mut()) {
                (Some(value), Some(Challenge { params, .. })) => {
                    params.push((token.to_ascii_lowercase(), value));
                }
                (None, _) if separated => challenges.push(Challenge {
                    scheme: token,
                    params: Vec::new(),
                }),
                _ => reader.skip_element(),
            }
        }
    }
    challenges
}

/// The schemes for a reader, each once.
pub(super) fn offered(challenges: &[Challenge]) -> Box<str> {
    let mut names: Vec<String> = Vec::new();
    for challenge in challenges {
        let name = match challenge.param("algorithm") {
            Some(algorithm) => format!("{} {}", challenge.scheme, shown(algorithm)),
            None => challenge.scheme.clone(),
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    shown(names.join(", ").as_bytes())
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    /// Whether a comma was among them.
    fn skip_separators(&mut self) -> bool {
        let mut comma = false;
        while let [byte @ (b' ' | b'\t' | b','), rest @ ..] = self.0 {
            comma |= *byte == b',';
            self.0 = rest;
        }
        comma
    }

    fn skip_space(&mut self) {
        while let [b' ' | b'\t', rest @ ..] = self.0 {
            self.0 = rest;
        }
    }

    fn token(&mut self) -> Option<String> {
        let length = (self.0.iter())
            .position(|&byte| !is_token(&[byte]))
            .unwrap_or(self.0.len());
        let (token, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        let token = std::str::from_utf8(token).ok()?;
        (!token.is_empty()).then(|| token.to_owned())
    }

    /// `=` and a token or quoted string, where they come next.
    fn value(&mut self) -> Option<Vec<u8>> {
        let start = self.0;
        self.skip_space();
        let value = match self.0 {
            [b'=', rest @ ..] => {
                self.0 = rest;
                self.skip_space();
                match self.0 {
                    [b'"', rest @ ..] => {
                        self.0 = rest;
                        self.quoted()
                    }
                    _ => self.token().map(String::into_bytes),
                }
            }
            _ => None,
        };
        if value.is_none() {
            self.0 = start;
        }
        value
    }

    fn quoted(&mut self) -> Option<Vec<u8>> {
        let mut value = Vec::new();
        loop {
            match self.0 {
                [b'"', rest @ ..] => {
                    self.0 = rest;
                    return Some(value);
                }
                [b'\\', byte, rest @ ..] | [byte, rest @ ..] => {
                    value.push(*byte);
                    self.0 = rest;
                }
                [] => return None,
            }
        }
    }

    fn skip_element(&mut self) {
        while let [byte, rest @ ..] = self.0
            && *byte != b','
        {
            self.0 = rest;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> Vec<Challenge> {
        let mut headers = Headers::new();
        for value in values {
            headers.push("proxy-authenticate", value).expect("valid");
        }
        challenges(&headers)
    }

    fn shortly(values: &[&str]) -> Vec<String> {
        let show = |challenge: &Challenge| {
            let mut text = challenge.scheme.clone();
            for (name, value) in &challenge.params {
                text += &format!(" {name}=<{}>", String::from_utf8_lossy(value));
            }
            text
        };
        read(values).iter().map(show).collect()
    }

    #[test]
    fn challenges_are_told_from_their_parameters() {
        for (values, expected) in [
            (&["Basic realm=\"a b\""][..], &["Basic realm=<a b>"][..]),
            (&["Basic", "Negotiate"], &["Basic", "Negotiate"]),
            (
                &[
                    "Digest Realm = \"a, \\\"b\\\\\" , nonce=n,qop=\"auth,auth-int\",, Basic realm=x",
                ],
                &[
                    "Digest realm=<a, \"b\\> nonce=<n> qop=<auth,auth-int>",
                    "Basic realm=<x>",
                ],
            ),
            (
                &["NTLM TlRMTVNT/AB==, Basic realm=\"\""],
                &["NTLM", "Basic realm=<>"],
            ),
            (&["Negotiate abc, NTLM abc="], &["Negotiate", "NTLM"]),
            (&[", ,Basic ,\t"], &["Basic"]),
            (
                &["Basic realm=\"unended", "Digest nonce=1"],
                &["Basic", "Digest nonce=<1>"],
            ),
            (&["realm=x", "\"", ""], &[]),
        ] {
            assert_eq!(shortly(values), expected, "{values:?}");
        }
    }

    #[test]
    fn the_offer_is_shown_each_scheme_once() {
        let list = read(&[
            "Digest algorithm=MD5, Digest algorithm=MD5, NTLM",
            "Basic realm=\"x\"",
        ]);
        assert_eq!(&*offered(&list), "Digest MD5, NTLM, Basic");
    }
}
