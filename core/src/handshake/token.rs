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
