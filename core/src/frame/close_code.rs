//! Close codes and the payload of a close frame: RFC 6455 sections 5.5.1 and 7.4, with the codes that IANA's WebSocket
//! Close Code Number Registry has added since (1012 to 1014).
#![forbid(unsafe_code)]

use std::fmt;

use super::FrameError;

/// The longest payload of a control frame, in bytes (RFC 6455 section 5.5).
pub const MAX_CONTROL_PAYLOAD: usize = 125;

/// The longest reason of a close frame, in bytes of UTF-8: a control payload less the two bytes of the code.
pub const MAX_CLOSE_REASON: usize = MAX_CONTROL_PAYLOAD - 2;

/// Why a connection was closed (RFC 6455 section 7.4). Any number can be held; [`is_sendable`](Self::is_sendable) says
/// whether it may stand in a close frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CloseCode(u16);

impl CloseCode {
    /// 1000: the purpose of the connection has been fulfilled.
    pub const NORMAL: Self = Self(1000);
    /// 1001: an endpoint goes away (a server shuts down, a page is left).
    pub const GOING_AWAY: Self = Self(1001);
    /// 1002: the peer broke the protocol.
    pub const PROTOCOL_ERROR: Self = Self(1002);
    /// 1003: a kind of data was received that this endpoint does not accept.
    pub const UNSUPPORTED_DATA: Self = Self(1003);
    /// 1005: the close frame carried no code. Never on the wire.
    pub const NO_STATUS: Self = Self(1005);
    /// 1006: the connection ended without a close frame. Never on the wire.
    pub const ABNORMAL: Self = Self(1006);
    /// 1007: a message's data do not fit its type (text that is not UTF-8).
    pub const INVALID_PAYLOAD: Self = Self(1007);
    /// 1008: a message violates this endpoint's policy.
    pub const POLICY_VIOLATION: Self = Self(1008);
    /// 1009: a message is too big to process.
    pub const MESSAGE_TOO_BIG: Self = Self(1009);
    /// 1010: the client needed an extension that the server did not negotiate.
    pub const MANDATORY_EXTENSION: Self = Self(1010);
    /// 1011: the server met a condition that kept it from fulfilling the request.
    pub const INTERNAL_ERROR: Self = Self(1011);
    /// 1012: the service restarts.
    pub const SERVICE_RESTART: Self = Self(1012);
    /// 1013: the service is overloaded; try again later.
    pub const TRY_AGAIN_LATER: Self = Self(1013);
    /// 1014: a gateway got an invalid answer from the server behind it.
    pub const BAD_GATEWAY: Self = Self(1014);
    /// 1015: the TLS handshake failed. Never on the wire.
    pub const TLS_HANDSHAKE: Self = Self(1015);

    /// The close code of this number; any number is taken.
    #[inline]
    #[must_use]
    pub const fn new(code: u16) -> Self {
        Self(code)
    }

    /// The number.
    #[inline]
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }

    /// Whether the code may stand in a close frame: 1000 to 1003, 1007 to 1014 and 3000 to 4999 (RFC 6455 section 7.4.2
    /// and the IANA registry); nothing else.
    #[inline]
    #[must_use]
    pub const fn is_sendable(self) -> bool {
        matches!(self.0, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }

    /// A short description in lower case; for numbers without a name of their own, that of their range in
    /// RFC 6455 section 7.4.2.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self.0 {
            1000 => "normal closure",
            1001 => "going away",
            1002 => "protocol error",
            1003 => "unsupported data",
            1005 => "no status received",
            1006 => "abnormal closure",
            1007 => "invalid payload data",
            1008 => "policy violation",
            1009 => "message too big",
            1010 => "mandatory extension",
            1011 => "internal error",
            1012 => "service restart",
            1013 => "try again later",
            1014 => "bad gateway",
            1015 => "TLS handshake failed",
            3000..=3999 => "registered",
            4000..=4999 => "private use",
            1004 | 1016..=2999 => "reserved",
            _ => "unknown",
        }
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.0, self.name())
    }
}

/// Reads the (unmasked) payload of a close frame: nothing, or a code followed by a reason in UTF-8
/// (RFC 6455 section 5.5.1). The reason is borrowed from `payload` and may be empty.
///
/// # Errors
/// [`FrameError::ClosePayloadOfOneByte`]; [`FrameError::InvalidCloseCode`] for a code that may not stand on the wire;
/// [`FrameError::InvalidUtf8InCloseReason`].
pub fn parse_close_payload(payload: &[u8]) -> Result<Option<(CloseCode, &str)>, FrameError> {
    let Some((code, reason)) = payload.split_first_chunk::<2>() else {
        return if payload.is_empty() {
            Ok(None)
        } else {
            Err(FrameError::ClosePayloadOfOneByte)
        };
    };
    let code = CloseCode(u16::from_be_bytes(*code));
    if !code.is_sendable() {
        return Err(FrameError::InvalidCloseCode(code.0));
    }
    let reason = std::str::from_utf8(reason).map_err(|_| FrameError::InvalidUtf8InCloseReason)?;
    Ok(Some((code, reason)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_codes_of_section_7_4_may_be_sent() {
        for code in 0..=u16::MAX {
            let allowed = (1000..=1003).contains(&code)
                || (1007..=1014).contains(&code)
                || (3000..=4999).contains(&code);
            assert_eq!(CloseCode::new(code).is_sendable(), allowed, "{code}");
            let payload = code.to_be_bytes();
            let expected = if allowed {
                Ok(Some((CloseCode::new(code), "")))
            } else {
                Err(FrameError::InvalidCloseCode(code))
            };
            assert_eq!(parse_close_payload(&payload), expected);
        }
    }

    #[test]
    fn a_close_payload_is_empty_or_a_code_with_a_reason() {
        assert_eq!(parse_close_payload(b""), Ok(None));
        assert_eq!(
            parse_close_payload(b"\x03"),
            Err(FrameError::ClosePayloadOfOneByte)
        );
        let mut payload = 1001u16.to_be_bytes().to_vec();
        payload.extend_from_slice("bye ☂".as_bytes());
        assert_eq!(
            parse_close_payload(&payload),
            Ok(Some((CloseCode::GOING_AWAY, "bye ☂")))
        );
        payload.pop();
        assert_eq!(
            parse_close_payload(&payload),
            Err(FrameError::InvalidUtf8InCloseReason)
        );
    }

    #[test]
    fn the_longest_reason_fills_a_control_frame() {
        let payload = [&[0x03, 0xe8], [b'r'; MAX_CLOSE_REASON].as_slice()].concat();
        assert_eq!(payload.len(), 125);
        let (code, reason) = parse_close_payload(&payload).expect("fits").expect("one");
        assert_eq!((code.get(), reason.len()), (1000, 123));
    }

    #[test]
    fn display_gives_number_and_name() {
        assert_eq!(
            CloseCode::PROTOCOL_ERROR.to_string(),
            "1002 (protocol error)"
        );
        assert_eq!(CloseCode::new(4321).to_string(), "4321 (private use)");
        assert_eq!(CloseCode::new(999).to_string(), "999 (unknown)");
        assert_eq!(CloseCode::new(1004).to_string(), "1004 (reserved)");
    }

    #[test]
    fn every_close_code_has_its_name() {
        for (code, name) in [
            (1000, "normal closure"),
            (1001, "going away"),
            (1002, "protocol error"),
            (1003, "unsupported data"),
            (1004, "reserved"),
            (1005, "no status received"),
            (1006, "abnormal closure"),
            (1007, "invalid payload data"),
            (1008, "policy violation"),
            (1009, "message too big"),
            (1010, "mandatory extension"),
            (1011, "internal error"),
            (1012, "service restart"),
            (1013, "try again later"),
            (1014, "bad gateway"),
            (1015, "TLS handshake failed"),
            (1016, "reserved"),
            (2999, "reserved"),
            (3000, "registered"),
            (3999, "registered"),
            (4000, "private use"),
            (4999, "private use"),
            (5000, "unknown"),
            (999, "unknown"),
        ] {
            assert_eq!(CloseCode::new(code).name(), name, "{code}");
        }
    }
}
