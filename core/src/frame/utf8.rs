//! UTF-8 in text messages and close reasons (RFC 6455 section 8.1; the encoding itself: RFC 3629).
#![forbid(unsafe_code)]

use std::fmt;

/// The bytes are not UTF-8, or end within a character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidUtf8;

impl fmt::Display for InvalidUtf8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not valid UTF-8")
    }
}

impl std::error::Error for InvalidUtf8 {}

/// Whether the whole of `bytes` is UTF-8.
#[inline]
#[must_use]
pub fn is_valid(bytes: &[u8]) -> bool {
    as_str(bytes).is_some()
}

/// The bytes as a string, if the whole is UTF-8.
#[inline]
pub(super) fn as_str(bytes: &[u8]) -> Option<&str> {
    simdutf8::basic::from_utf8(bytes).ok()
}

/// Validates UTF-8 that arrives in pieces, and fails at the first byte that no valid text could have in its place, even
/// if it stands in a character whose end is still to come. Holds nothing but the unfinished character at the end.
///
/// After an error the validator is as new.
#[derive(Clone, Copy, Debug, Default)]
pub struct Utf8Validator {
    /// The first `pending` bytes of a character whose end has not arrived.
    partial: [u8; 3],
    pending: u8,
}

impl Utf8Validator {
    /// Validates the next piece.
    ///
    /// # Errors
    /// [`InvalidUtf8`] if all pieces so far, taken together, are not the beginning of any valid text.
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), InvalidUtf8> {
        let rest = self.complete(chunk)?;
        let (whole, partial) = split_unfinished(rest);
        if !is_valid(whole) {
            return Err(InvalidUtf8);
        }
        if !partial.is_empty() {
            if !is_beginning(partial) {
                return Err(InvalidUtf8);
            }
            self.partial[..partial.len()].copy_from_slice(partial);
            self.pending = partial.len() as u8;
        }
        Ok(())
    }

    /// Ends the text.
    ///
    /// # Errors
    /// [`InvalidUtf8`] if it ends within a character. Either way the validator is then as new.
    #[inline]
    pub fn finish(&mut self) -> Result<(), InvalidUtf8> {
        if std::mem::take(self).pending == 0 {
            Ok(())
        } else {
            Err(InvalidUtf8)
        }
    }

    /// Finishes the pending character from the front of `chunk` and gives what follows it.
    fn complete<'a>(&mut self, chunk: &'a [u8]) -> Result<&'a [u8], InvalidUtf8> {
        let mut rest = chunk;
        while self.pending != 0
            && let Some((&byte, after)) = rest.split_first()
        {
            let held = usize::from(self.pending);
            let mut character = [0; 4];
            character[..held].copy_from_slice(&self.partial[..held]);
            character[held] = byte;
            let character = &character[..=held];
            if std::str::from_utf8(character).is_ok() {
                self.pending = 0;
            } else if held < self.partial.len() && is_beginning(character) {
                self.partial[held] = byte;
                self.pending += 1;
            } else {
                *self = Self::default();
                return Err(InvalidUtf8);
            }
            rest = after;
        }
        Ok(rest)
    }
}

/// Splits off a character at the end of `bytes` that its lead byte declares longer than what is there: 0 to 3 bytes.
fn split_unfinished(bytes: &[u8]) -> (&[u8], &[u8]) {
    for (back, &byte) in bytes.iter().rev().take(3).enumerate() {
        let needed = match byte {
            0x80..0xc0 => continue,
            0xf0.. => 4,
            0xe0.. => 3,
            0xc0.. => 2,
            _ => 1,
        };
        if needed > back + 1 {
            return bytes.split_at(bytes.len() - back - 1);
        }
        break;
    }
    (bytes, &[])
}

/// Whether some character begins with these bytes, more than which it needs.
fn is_beginning(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes)
        .is_err_and(|error| error.valid_up_to() == 0 && error.error_len().is_none())
}
