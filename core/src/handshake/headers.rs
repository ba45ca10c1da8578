//! Header fields of an HTTP/1.1 head (RFC 9110 section 5), in the order they stand.

use std::fmt::{self, Debug, Formatter};

use super::error::{HeaderError, shown};
use super::token::{is_token, trim};

/// An ordered list of header fields.
///
/// Names are compared without regard to case and kept as written. All fields share one byte buffer
/// (for a head that was received, the head itself), so a head costs two allocations however many
/// fields it has. Every name in the list is a token and no value holds a control character other than
/// HTAB: whatever is written out of it cannot break out of its line.
///
/// `Debug` hides the values of `Authorization`, `Proxy-Authorization`, `Cookie` and `Set-Cookie`.
#[derive(Clone, Default)]
pub struct Headers {
    bytes: Vec<u8>,
    fields: Vec<Field>,
}

/// Where a field's name and value stand in [`Headers::bytes`].
#[derive(Clone, Copy)]
struct Field {
    name: Range,
    value: Range,
}

/// Fields found in a head that is not yet theirs.
pub(super) struct Located(Vec<Field>);

/// A range of bytes in half the space of `std::ops::Range<usize>`.
#[derive(Clone, Copy)]
struct Range {
    start: u32,
    end: u32,
}

impl Range {
    fn of(self, bytes: &[u8]) -> &[u8] {
        bytes
            .get(self.start as usize..self.end as usize)
            .unwrap_or_default()
    }
}

impl Headers {
    /// An empty list; allocates nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a field. Spaces and tabs round the value are left out, as they are not part of it.
    ///
    /// # Errors
    /// [`HeaderError::InvalidName`] when `name` is not a token, [`HeaderError::InvalidValue`] when
    /// `value` holds a control character other than HTAB, [`HeaderError::TooLarge`] past 4 GiB.
    pub fn push(&mut self, name: &str, value: &str) -> Result<(), HeaderError> {
        self.push_bytes(name, value.as_bytes())
    }

    /// As [`push`](Self::push), for a value that need not be UTF-8 (obs-text, RFC 9110 section 5.5).
    ///
    /// # Errors
    /// As for [`push`](Self::push).
    pub fn push_bytes(&mut self, name: &str, value: &[u8]) -> Result<(), HeaderError> {
        check_field(name, value)?;
        let value = trim(value);
        let start = self.bytes.len();
        let name_end = start + name.len();
        let end = u32::try_from(name_end + value.len()).map_err(|_| HeaderError::TooLarge)?;
        // `end` fits into 32 bits, so what stands before it does.
        let (start, name_end) = (start as u32, name_end as u32);
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.extend_from_slice(value);
        self.fields.push(Field {
            name: Range {
                start,
                end: name_end,
            },
            value: Range {
                start: name_end,
                end,
            },
        });
        Ok(())
    }

    /// The fields of a received head, kept where they stand in it.
    ///
    /// `fields` gives names and values that were cut out of `head`, checked to be tokens and to be
    /// free of control characters.
    pub(super) fn locate<'a>(
        head: &[u8],
        fields: impl Iterator<Item = (&'a str, &'a [u8])>,
    ) -> Result<Located, HeaderError> {
        let range = |part: &[u8]| {
            let start = part.as_ptr().addr().wrapping_sub(head.as_ptr().addr());
            let end = u32::try_from(start.wrapping_add(part.len()));
            let end = end.map_err(|_| HeaderError::TooLarge)?;
            // `start` is not past `end`, which fits into 32 bits.
            Ok(Range {
                start: start as u32,
                end,
            })
        };
        let fields = fields.map(|(name, value)| {
            Ok(Field {
                name: range(name.as_bytes())?,
                value: range(trim(value))?,
            })
        });
        Ok(Located(fields.collect::<Result<_, _>>()?))
    }

    /// The list of fields located in `head`, which is kept.
    pub(super) fn within(head: Vec<u8>, located: Located) -> Self {
        Self {
            bytes: head,
            fields: located.0,
        }
    }

    /// Removes every field of this name and says how many there were.
    pub fn remove(&mut self, name: &str) -> usize {
        let before = self.fields.len();
        let bytes = &self.bytes;
        self.fields
            .retain(|field| !field.name.of(bytes).eq_ignore_ascii_case(name.as_bytes()));
        before - self.fields.len()
    }

    /// The value of the first field of this name; `None` when there is none or it is not UTF-8.
    pub fn get(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.get_bytes(name)?).ok()
    }

    /// The value of the first field of this name.
    pub fn get_bytes(&self, name: &str) -> Option<&[u8]> {
        self.get_all(name).next()
    }

    /// The values of all fields of this name, in order.
    pub fn get_all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.fields
            .iter()
            .filter(move |field| {
                field
                    .name
                    .of(&self.bytes)
                    .eq_ignore_ascii_case(name.as_bytes())
            })
            .map(|field| field.value.of(&self.bytes))
    }

    /// Whether there is a field of this name.
    pub fn contains(&self, name: &str) -> bool {
        self.get_bytes(name).is_some()
    }

    /// All fields, name and value, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.fields.iter().map(|field| {
            // A name is a token, so it is ASCII.
            let name = std::str::from_utf8(field.name.of(&self.bytes)).unwrap_or_default();
            (name, field.value.of(&self.bytes))
        })
    }

    /// The number of fields.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there are no fields.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Appends `Name: value` and CRLF for each field to `out`; the empty line that ends a head is the
    /// caller's to add.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        for (name, value) in self.iter() {
            write_field(out, name, value);
        }
    }
}

/// Whether `name` and `value` can stand in a head: a token, and nothing that ends the line.
pub(super) fn check_field(name: &str, value: &[u8]) -> Result<(), HeaderError> {
    if !is_token(name.as_bytes()) {
        return Err(HeaderError::InvalidName(shown(name.as_bytes())));
    }
    match value
        .iter()
        .position(|&byte| byte.is_ascii_control() && byte != b'\t')
    {
        Some(position) => Err(HeaderError::InvalidValue {
            name: name.into(),
            position,
        }),
        None => Ok(()),
    }
}

/// Appends one field's line to `out`, unchecked.
pub(super) fn write_field(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

/// The same fields in the same order, names compared without regard to case.
impl PartialEq for Headers {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len()
            && self
                .iter()
                .zip(other.iter())
                .all(|((name, value), (other_name, other_value))| {
                    name.eq_ignore_ascii_case(other_name) && value == other_value
                })
    }
}

impl Eq for Headers {}

impl Debug for Headers {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        const SECRET: [&str; 4] = [
            "authorization",
            "proxy-authorization",
            "cookie",
            "set-cookie",
        ];
        let mut map = f.debug_map();
        for (name, value) in self.iter() {
            if SECRET
                .iter()
                .any(|secret| name.eq_ignore_ascii_case(secret))
            {
                map.entry(&name, &format_args!("[hidden]"));
            } else {
                map.entry(&name, &format_args!("\"{}\"", value.escape_ascii()));
            }
        }
        map.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Headers {
        let mut headers = Headers::new();
        headers.push("Accept", "a").expect("valid");
        headers.push("X-Name", " \tspaced out\t ").expect("valid");
        headers.push("accept", "b").expect("valid");
        headers.push_bytes("X-Bytes", b"\xff\tx").expect("valid");
        headers.push("X-Empty", "").expect("valid");
        headers
    }

    #[test]
    fn names_are_found_whatever_their_case() {
        let headers = sample();
        assert!(!headers.is_empty());
        assert_eq!(headers.len(), 5);
        assert_eq!(headers.get("ACCEPT"), Some("a"));
        assert_eq!(headers.get_all("Accept").collect::<Vec<_>>(), [b"a", b"b"]);
        assert_eq!(headers.get("x-name"), Some("spaced out"));
        assert_eq!(headers.get("x-empty"), Some(""));
        assert_eq!(headers.get("x"), None);
        assert!(!headers.contains("x"));
    }

    #[test]
    fn values_need_not_be_utf8() {
        let headers = sample();
        assert_eq!(headers.get("X-Bytes"), None);
        assert_eq!(headers.get_bytes("X-Bytes"), Some(&b"\xff\tx"[..]));
    }

    #[test]
    fn fields_are_written_in_order() {
        let mut out = Vec::new();
        sample().write_to(&mut out);
        let expected =
            b"Accept: a\r\nX-Name: spaced out\r\naccept: b\r\nX-Bytes: \xff\tx\r\nX-Empty: \r\n";
        assert_eq!(out, expected);
    }

    #[test]
    fn removal_takes_every_field_of_the_name() {
        let mut headers = sample();
        assert_eq!(headers.remove("ACCEPT"), 2);
        assert_eq!(headers.remove("ACCEPT"), 0);
        assert_eq!(headers.iter().next(), Some(("X-Name", &b"spaced out"[..])));
        headers.push("Accept", "c").expect("valid");
        assert_eq!(headers.get("accept"), Some("c"));
        assert_eq!(headers.get("x-empty"), Some(""));
    }

    #[test]
    fn cve_2026_1527_no_line_break_enters_a_field() {
        for bad in [
            "a\rb",
            "a\nb",
            "a\r\nX: y",
            "a\0",
            "\x1b",
            "a\x7f",
            "\r",
            "a\n",
        ] {
            let mut headers = Headers::new();
            let position = bad.find(|c: char| c.is_ascii_control()).expect("one");
            let error = HeaderError::InvalidValue {
                name: "X".into(),
                position,
            };
            assert_eq!(headers.push("X", bad), Err(error), "{bad:?}");
            let error = HeaderError::InvalidName(shown(bad.as_bytes()));
            assert_eq!(headers.push(bad, "x"), Err(error), "{bad:?}");
            assert!(headers.is_empty());
        }
        for bad in ["", " ", "a b", "a:", "a:b", "é", "a\t", "(a)", "\u{2028}"] {
            let error = HeaderError::InvalidName(shown(bad.as_bytes()));
            assert_eq!(Headers::new().push(bad, "x"), Err(error), "{bad:?}");
        }
    }

    #[test]
    fn equality_looks_at_what_the_fields_say() {
        let mut one = Headers::new();
        one.push("Gone", "x").expect("valid");
        one.push("Accept", "a").expect("valid");
        one.remove("gone");
        let mut two = Headers::new();
        two.push("ACCEPT", "a").expect("valid");
        assert_eq!(one, two);
        two.push("B", "").expect("valid");
        assert_ne!(one, two);
        assert_ne!(two, Headers::new());
    }

    #[test]
    fn debug_hides_secrets() {
        let mut headers = Headers::new();
        for name in [
            "authorization",
            "Proxy-Authorization",
            "COOKIE",
            "Set-Cookie",
        ] {
            headers.push(name, "hunter2").expect("valid");
        }
        headers.push("X", "plain\t\"é").expect("valid");
        let text = format!("{headers:?}");
        assert!(!text.contains("hunter2"), "{text}");
        assert_eq!(text.matches("[hidden]").count(), 4);
        assert!(text.contains(r#""X": "plain\t\"\xc3\xa9""#), "{text}");
    }
}
