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

/// Up to this many bytes are first looked at for being ASCII, as most short texts are: vectors spend longer on what is left
/// over behind their last full block than all of this takes.
const SHORT: usize = 255;

/// The bytes that simdutf8 validates at a time.
const BLOCK: usize = 64;

/// From this many bytes a padded block is faster than single characters.
const WORTH_A_BLOCK: usize = 24;

/// Whether the whole of `bytes` is UTF-8.
#[inline]
#[must_use]
pub fn is_valid(bytes: &[u8]) -> bool {
    (bytes.len() <= SHORT && is_ascii(bytes)) || is_valid_beyond_ascii(bytes)
}

/// As [`is_valid`], for what is probably not ASCII.
fn is_valid_beyond_ascii(bytes: &[u8]) -> bool {
    // Below a block's length simdutf8 goes character by character, which takes several times as long as a padded block. The
    // padding is ASCII, so a character cut off in front of it is found.
    let mut block = [0; BLOCK];
    match block.get_mut(..bytes.len()) {
        Some(front) if bytes.len() >= WORTH_A_BLOCK => {
            front.copy_from_slice(bytes);
            simdutf8::basic::from_utf8(&block).is_ok()
        }
        _ => simdutf8::basic::from_utf8(bytes).is_ok(),
    }
}

/// Whether no byte has its highest bit set. The last full word is looked at again with what is left over, so that no byte
/// is looked at alone but in the shortest texts.
#[inline]
fn is_ascii(bytes: &[u8]) -> bool {
    if let Some(last) = bytes.last_chunk() {
        let words = bytes.as_chunks().0.iter();
        let seen = words.fold(u128::from_ne_bytes(*last), |seen, word| {
            seen | u128::from_ne_bytes(*word)
        });
        seen & u128::from_ne_bytes([0x80; 16]) == 0
    } else if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        (u64::from_ne_bytes(*first) | u64::from_ne_bytes(*last)) & u64::from_ne_bytes([0x80; 8])
            == 0
    } else {
        bytes.iter().fold(0, |seen, byte| seen | byte) < 0x80
    }
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The verdict on a text that arrives in these pieces: the number of the piece that fails, or of the end.
    fn failing_piece(pieces: &[&[u8]]) -> Option<usize> {
        let mut validator = Utf8Validator::default();
        for (number, piece) in pieces.iter().enumerate() {
            if validator.push(piece).is_err() {
                return Some(number);
            }
        }
        validator.finish().is_err().then_some(pieces.len())
    }

    /// The same, from the standard library's judgement of each byte more.
    fn expected_piece(pieces: &[&[u8]]) -> Option<usize> {
        let mut text = Vec::new();
        for (number, piece) in pieces.iter().enumerate() {
            text.extend_from_slice(piece);
            if std::str::from_utf8(&text).is_err_and(|error| error.error_len().is_some()) {
                return Some(number);
            }
        }
        std::str::from_utf8(&text).is_err().then_some(pieces.len())
    }

    #[test]
    fn a_validator_takes_no_more_room_than_a_word() {
        assert!(size_of::<Utf8Validator>() <= 8);
    }

    #[test]
    fn fails_at_the_first_bad_byte_even_in_an_unfinished_character() {
        for bad in [
            "f490", "eda0", "e080", "f080", "c0", "c1", "f5", "ff", "80", "e28280c0", "e282c3",
        ] {
            let bytes: Vec<u8> = (0..bad.len())
                .step_by(2)
                .map(|i| u8::from_str_radix(&bad[i..i + 2], 16).expect("hex"))
                .collect();
            for before in [
                "",
                "a",
                "☂",
                "sixty-four and some more bytes of plain text before the bad byte, as in life",
            ] {
                let text = [before.as_bytes(), &bytes].concat();
                let pieces: Vec<&[u8]> = text.chunks(1).collect();
                assert_eq!(failing_piece(&pieces), Some(text.len() - 1), "{bad}");
                assert_eq!(failing_piece(&[&text]), Some(0), "{bad}");
                assert_eq!(
                    failing_piece(&[&text[..text.len() - 1], &text[text.len() - 1..]]),
                    Some(1),
                    "{bad}"
                );
            }
        }
    }

    #[test]
    fn an_unfinished_character_fails_only_at_the_end() {
        for (text, length) in [("é", 2), ("☂", 3), ("🚡", 4)] {
            for part in 1..length {
                let mut validator = Utf8Validator::default();
                assert_eq!(validator.push(&text.as_bytes()[..part]), Ok(()));
                assert_eq!(validator.push(b""), Ok(()));
                assert_eq!(validator.finish(), Err(InvalidUtf8));
                assert_eq!(validator.push(text.as_bytes()), Ok(()));
                assert_eq!(validator.finish(), Ok(()));
            }
        }
    }

    #[test]
    fn every_pair_of_bytes_gets_the_verdict_of_the_standard_library() {
        for pair in 0..=u16::MAX {
            let bytes = pair.to_be_bytes();
            assert_eq!(is_valid(&bytes), std::str::from_utf8(&bytes).is_ok());
            let pieces: [&[u8]; 2] = [&bytes[..1], &bytes[1..]];
            assert_eq!(
                failing_piece(&pieces),
                expected_piece(&pieces),
                "{pair:#06x}"
            );
            assert_eq!(
                failing_piece(&[&bytes]),
                expected_piece(&[&bytes]),
                "{pair:#06x}"
            );
        }
    }

    /// Text of all character lengths, at times with a byte spoilt.
    fn likely_bytes() -> impl Strategy<Value = Vec<u8>> {
        let character = prop_oneof![
            proptest::char::range(' ', '~'),
            proptest::char::range('\u{80}', '\u{7ff}'),
            proptest::char::range('\u{800}', '\u{d7ff}'),
            proptest::char::range('\u{10000}', '\u{10ffff}'),
        ];
        let spoilt = proptest::option::of((any::<prop::sample::Index>(), any::<u8>()));
        (proptest::collection::vec(character, 0..200), spoilt).prop_map(|(text, spoilt)| {
            let mut bytes = String::from_iter(text).into_bytes();
            if let Some((index, byte)) = spoilt
                && !bytes.is_empty()
            {
                let index = index.index(bytes.len());
                bytes[index] = byte;
            }
            bytes
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 8 } else { 1024 }, ..ProptestConfig::default() })]

        #[test]
        fn any_chunking_gives_the_verdict_of_the_standard_library(
            bytes in likely_bytes(),
            cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..20),
        ) {
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]).collect();
            prop_assert_eq!(failing_piece(&pieces), expected_piece(&pieces));
            prop_assert_eq!(is_valid(&bytes), std::str::from_utf8(&bytes).is_ok());
        }
    }
}
