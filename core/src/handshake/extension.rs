//! The grammar of `Sec-WebSocket-Extensions` (RFC 6455 section 9.1). What an extension means is not
//! decided here: names and parameters are only data.

use std::fmt::{self, Display, Formatter};

use super::error::HandshakeError;
use super::headers::Headers;
use super::token::{is_tchar, is_token};

/// The name of the field that carries them.
pub(super) const FIELD: &str = "Sec-WebSocket-Extensions";

/// An extension as offered or accepted. `Display` writes it as it stands in the header field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extension {
    /// Its name, a token.
    pub name: String,
    /// Its parameters in order, duplicates included: a name, and a value where one was given. A value
    /// is a token; one that came as a quoted string has been unquoted.
    pub params: Vec<(String, Option<String>)>,
}

impl Display for Extension {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        for (name, value) in &self.params {
            write!(f, "; {name}")?;
            match value {
                None => {}
                Some(value) if is_token(value.as_bytes()) => write!(f, "={value}")?,
                Some(value) => {
                    let escaped = value.replace('\\', "\\\\").replace('"', "\\\"");
                    write!(f, "=\"{escaped}\"")?;
                }
            }
        }
        Ok(())
    }
}

/// The header value for a list of extensions; `None` for an empty list, as the field may not be empty.
pub fn format_extensions(extensions: &[Extension]) -> Option<String> {
    if extensions.is_empty() {
        return None;
    }
    let values: Vec<String> = extensions.iter().map(Extension::to_string).collect();
    Some(values.join(", "))
}

/// The extensions in all `Sec-WebSocket-Extensions` fields together, in order, duplicates included.
///
/// Empty list elements are ignored (RFC 9110 section 5.6.1.2); white space may stand between any two
/// parts, as the grammar's RFC 2616 has it. Looks at each byte once.
///
/// # Errors
/// [`HandshakeError::InvalidHeader`] where the grammar is broken, among others by a quoted string that
/// does not end or whose content is not a token.
pub fn parse_extensions(headers: &Headers) -> Result<Vec<Extension>, HandshakeError> {
    let mut extensions = Vec::new();
    for value in headers.get_all(FIELD) {
        let mut parser = Parser { rest: value };
        parser
            .list(&mut extensions)
            .ok_or_else(|| HandshakeError::invalid_header(FIELD, value))?;
    }
    Ok(extensions)
}

/// A reader of one field's value. Its methods give `None` where the grammar is broken.
struct Parser<'a> {
    rest: &'a [u8],
}

impl Parser<'_> {
    fn list(&mut self, extensions: &mut Vec<Extension>) -> Option<()> {
        loop {
            self.skip_space();
            if self.rest.is_empty() {
                return Some(());
            }
            if !self.accept(b',') {
                extensions.push(self.extension()?);
                if !self.rest.is_empty() && !self.accept(b',') {
                    return None;
                }
            }
        }
    }

    fn extension(&mut self) -> Option<Extension> {
        let name = self.token()?;
        let mut params = Vec::new();
        while self.accept(b';') {
            let name = self.token()?;
            let value = if self.accept(b'=') {
                Some(self.value()?)
            } else {
                None
            };
            params.push((name, value));
        }
        Some(Extension { name, params })
    }

    fn value(&mut self) -> Option<String> {
        self.skip_space();
        let [b'"', rest @ ..] = self.rest else {
            return self.token();
        };
        self.rest = rest;
        let mut value = String::new();
        loop {
            let byte = match self.rest {
                [b'"', rest @ ..] => {
                    self.rest = rest;
                    self.skip_space();
                    return (!value.is_empty()).then_some(value);
                }
                [b'\\', byte, rest @ ..] | [byte, rest @ ..] => {
                    self.rest = rest;
                    *byte
                }
                [] => return None,
            };
            if !is_tchar(byte) {
                return None;
            }
            value.push(char::from(byte));
        }
    }

    fn token(&mut self) -> Option<String> {
        self.skip_space();
        let length = self
            .rest
            .iter()
            .position(|&byte| !is_tchar(byte))
            .unwrap_or(self.rest.len());
        let (token, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        self.skip_space();
        if token.is_empty() {
            return None;
        }
        std::str::from_utf8(token).ok().map(str::to_owned)
    }

    /// Takes `byte` if it is next.
    fn accept(&mut self, byte: u8) -> bool {
        match self.rest {
            [next, rest @ ..] if *next == byte => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    fn skip_space(&mut self) {
        while let [b' ' | b'\t', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(values: &[&str]) -> Result<Vec<Extension>, HandshakeError> {
        let mut headers = Headers::new();
        for value in values {
            headers
                .push("sec-websocket-extensions", value)
                .expect("valid");
        }
        parse_extensions(&headers)
    }

    fn extension(name: &str, params: &[(&str, Option<&str>)]) -> Extension {
        let params = params
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.map(str::to_owned)))
            .collect();
        Extension {
            name: name.to_owned(),
            params,
        }
    }

    #[test]
    fn the_grammar_is_read() {
        let offer = "permessage-deflate; client_max_window_bits; server_max_window_bits=10";
        let read = parse(&[offer, "a ; b = \"c\" ,, d"]).expect("valid");
        let expected = [
            extension(
                "permessage-deflate",
                &[
                    ("client_max_window_bits", None),
                    ("server_max_window_bits", Some("10")),
                ],
            ),
            extension("a", &[("b", Some("c"))]),
            extension("d", &[]),
        ];
        assert_eq!(read, expected);
        assert_eq!(parse(&[]), Ok(Vec::new()));
        assert_eq!(parse(&["", " , ,\t"]), Ok(Vec::new()));
    }

    #[test]
    fn quoted_values_are_unescaped_and_must_be_tokens() {
        assert_eq!(
            parse(&[r#"a; b="c\d\"""#]).ok(),
            None,
            "an escaped quote does not end it"
        );
        assert_eq!(
            parse(&[r#"a; b="\c\d""#]),
            Ok(vec![extension("a", &[("b", Some("cd"))])])
        );
        for bad in [
            r#"a; b="""#,
            r#"a; b="c d""#,
            r#"a; b="c,d""#,
            r#"a; b="\"""#,
            r#"a; b="c\\d""#,
        ] {
            assert!(parse(&[bad]).is_err(), "{bad}");
        }
    }

    #[test]
    fn broken_grammar_is_an_error_that_shows_the_value() {
        let bad = [
            "a;",
            ";",
            "a; =b",
            "a; b=",
            "a b",
            "a; b c",
            "a=b",
            "a; b=c d",
            "a; b=\"c",
            "a; b=\"c\"d",
            "a; b=\"c\\",
            "é",
            "a; b=é",
            "a/b",
            "a; b==c",
            "a, ;b",
            "a; b=\"c\" \"d\"",
        ];
        for value in bad {
            let expected = HandshakeError::invalid_header(FIELD, value.as_bytes());
            assert_eq!(parse(&[value]), Err(expected), "{value}");
        }
        // An element does not run over from one field to the next.
        assert!(parse(&["a; b=\"c", "d\""]).is_err());
    }

    #[test]
    fn duplicates_are_kept_in_order() {
        let read = parse(&["a; x=1; x=2; x", "a, a"]).expect("valid");
        let params = [("x", Some("1")), ("x", Some("2")), ("x", None)];
        assert_eq!(
            read,
            [
                extension("a", &params),
                extension("a", &[]),
                extension("a", &[])
            ]
        );
    }

    #[test]
    fn ws_2017_hostile_names_are_only_data() {
        let long = "x".repeat(16 * 1024);
        for name in [
            "constructor",
            "__proto__",
            "hasOwnProperty",
            "toString",
            long.as_str(),
        ] {
            let read = parse(&[&format!("{name}; {name}={name}, {name}")]).expect("valid");
            assert_eq!(
                read,
                [extension(name, &[(name, Some(name))]), extension(name, &[])]
            );
        }
    }

    #[test]
    fn ghsa_g78m_2chm_r7qv_an_unclosed_quoted_string_takes_linear_time() {
        // A reader that tries again from each backslash would need some 10^12 steps.
        let value = format!("a; b=\"{}", "\\c".repeat(1 << 19));
        assert!(matches!(
            parse(&[&value]),
            Err(HandshakeError::InvalidHeader { .. })
        ));
        let value = format!("{value}\"");
        let read = parse(&[&value]).expect("valid once closed");
        assert_eq!(read[0].params[0].1.as_ref().map(String::len), Some(1 << 19));
    }

    #[test]
    fn the_header_form_is_written() {
        let list = [
            extension("a", &[("b", Some("c")), ("d", None)]),
            extension("e", &[("f", Some("g \"\\"))]),
        ];
        assert_eq!(
            format_extensions(&list).as_deref(),
            Some(r#"a; b=c; d, e; f="g \"\\""#)
        );
        assert_eq!(format_extensions(&[]), None);
    }
}
