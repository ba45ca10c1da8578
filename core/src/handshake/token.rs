//! Tokens and comma-separated lists of them (RFC 9110 sections 5.6.1 and 5.6.2).

use super::headers::Headers;

/// Whether `byte` may stand in a token.
pub(super) fn is_tchar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Whether `bytes` is a token: not empty, and made of letters, digits and ``!#$%&'*+-.^_`|~`` alone.
pub fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().copied().all(is_tchar)
}

/// `bytes` without the spaces and tabs (OWS, RFC 9110 section 5.6.3) round it.
pub(super) fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = bytes {
        bytes = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

/// The elements of the comma-separated list that all fields of this name make up together, in order,
/// without white space round them and without the empty ones, which RFC 9110 section 5.6.1.2 has a
/// recipient ignore.
///
/// For lists whose elements hold no quoted strings. Looks at each byte a fixed number of times.
pub fn list_elements<'a>(headers: &'a Headers, name: &str) -> impl Iterator<Item = &'a [u8]> {
    headers
        .get_all(name)
        .flat_map(|value| value.split(|&byte| byte == b','))
        .map(trim)
        .filter(|element| !element.is_empty())
}

/// Whether the list in all fields of this name has `token` as one of its elements: the whole element,
/// compared without regard to case (`notupgrade` is not `upgrade`).
pub fn has_token(headers: &Headers, name: &str, token: &str) -> bool {
    list_elements(headers, name).any(|element| element.eq_ignore_ascii_case(token.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&str]) -> Headers {
        let mut headers = Headers::new();
        for value in values {
            headers.push("Upgrade", value).expect("valid");
        }
        headers
    }

    #[test]
    fn tokens_are_as_rfc_9110_has_them() {
        let allowed: Vec<u8> = (0..=255).filter(|&byte| is_token(&[byte])).collect();
        let mut expected: Vec<u8> = b"!#$%&'*+-.^_`|~".to_vec();
        expected.extend(b'0'..=b'9');
        expected.extend(b'A'..=b'Z');
        expected.extend(b'a'..=b'z');
        expected.sort_unstable();
        assert_eq!(allowed, expected);
        assert!(!is_token(b"") && !is_token(b"a b"));
    }

    #[test]
    fn lists_run_over_fields_and_skip_empty_elements() {
        let headers = headers(&["a,, b ,", "", " ,\t,", "c d"]);
        let elements: Vec<_> = list_elements(&headers, "upgrade").collect();
        assert_eq!(elements, [&b"a"[..], b"b", b"c d"]);
    }

    #[test]
    fn aiohttp_12723_a_token_matches_whole() {
        for value in [
            "websocket",
            "WebSocket",
            "h2c, websocket",
            "h2c ,\twebsocket\t,x",
        ] {
            assert!(
                has_token(&headers(&[value]), "Upgrade", "websocket"),
                "{value}"
            );
        }
        for value in [
            "notwebsocket",
            "websocket2",
            "web socket",
            "websocket;x",
            "\"websocket\"",
            "websocket/13",
            "x websocket",
            "",
        ] {
            assert!(
                !has_token(&headers(&[value]), "Upgrade", "websocket"),
                "{value}"
            );
        }
        assert!(has_token(
            &headers(&["x", "websocket"]),
            "upgrade",
            "WEBSOCKET"
        ));
        assert!(!has_token(&Headers::new(), "upgrade", "websocket"));
    }
}
