//! `Sec-WebSocket-Key` and the `Sec-WebSocket-Accept` that answers it (RFC 6455 sections 4.1, 4.2.2
//! and 11.3.1).

use base64::Engine as _;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::general_purpose::{GeneralPurpose, PAD, STANDARD};
use sha1::{Digest as _, Sha1};

use crate::frame::RandomError;

/// What a server appends to the key before hashing (RFC 6455 section 1.3).
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Base64 that passes over unused bits in the last character: the example key in RFC 6455 section 4.1,
/// `AQIDBAUGBwgJCgsMDQ4PEC==`, has some.
const LENIENT: GeneralPurpose =
    GeneralPurpose::new(&ALPHABET, PAD.with_decode_allow_trailing_bits(true));

/// The `Sec-WebSocket-Accept` that answers `key`: base64 of SHA-1 of the key and a fixed text, 28
/// characters.
pub fn accept_key(key: &str) -> String {
    let mut hash = Sha1::new();
    hash.update(key.as_bytes());
    hash.update(GUID);
    STANDARD.encode(hash.finalize())
}

/// A new key: base64 of 16 bytes from the operating system's random source, 24 characters.
///
/// # Errors
/// [`RandomError`] when the random source fails.
pub fn generate_key() -> Result<String, RandomError> {
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce).map_err(RandomError)?;
    Ok(STANDARD.encode(nonce))
}

/// Whether `key` is the base64 form of exactly 16 bytes.
pub fn is_valid_key(key: &str) -> bool {
    // 24 characters decode to at most 18 bytes, as the decoder reckons before it sees the padding.
    let mut nonce = [0; 18];
    key.len() == 24 && LENIENT.decode_slice(key, &mut nonce) == Ok(16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_6455_section_1_3_example() {
        assert_eq!(
            accept_key("dGhlIHNhbXBsZSBub25jZQ=="),
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
    }

    #[test]
    fn second_worked_example() {
        assert_eq!(
            accept_key("q4xkcO32u266gldTuKaSOw=="),
            "fA9dggdnMPU79lJgAE3W4TRnyDM="
        );
    }

    #[test]
    fn generated_keys_are_valid_and_differ() {
        let (one, two) = (
            generate_key().expect("random"),
            generate_key().expect("random"),
        );
        assert!(is_valid_key(&one) && is_valid_key(&two));
        assert_ne!(one, two);
    }

    #[test]
    fn keys_are_base64_of_sixteen_bytes() {
        assert!(is_valid_key("dGhlIHNhbXBsZSBub25jZQ=="));
        assert!(
            is_valid_key("AQIDBAUGBwgJCgsMDQ4PEC=="),
            "the example in RFC 6455 section 4.1"
        );
        let bad = [
            "",
            "dGhlIHNhbXBsZSBub25jZQ",
            "dGhlIHNhbXBsZSBub25jZQ=",
            "dGhlIHNhbXBsZSBub25jZ===",
            "dGhlIHNhbXBsZSBub25jZTE=",
            "dGhlIHNhbXBsZSBub25jZTEy",
            "dGhlIHNhbXBsZSBub2 jZQ==",
            "dGhlIHNhbXBsZSBub25-ZQ==",
            "dGhlIHNhbXBsZSBub25jZQ==dGhlIHNhbXBsZSBub25jZQ==",
        ];
        for key in bad {
            assert!(!is_valid_key(key), "{key:?}");
        }
        assert!(is_valid_key(&STANDARD.encode([7; 16])));
        assert!(!is_valid_key(&STANDARD.encode([7; 15])));
        assert!(!is_valid_key(&STANDARD.encode([7; 17])));
    }
}
