//! A frame's header: everything in front of its payload (RFC 6455 section 5.2), read and written.
//!
//! [`Header::parse`] stands on the path of every frame received. A frame with a payload below 126 bytes takes its short
//! path: no loop, no table, and one test each of the first byte, the mask bit and the length. A client's data frame with a
//! length of 16 bits has another.
#![forbid(unsafe_code)]

use super::{FrameError, MAX_CONTROL_PAYLOAD, Opcode, append_plain};

/// The longest header, in bytes: 2, an extended length of 8 and a masking key of 4.
pub const MAX_HEADER: usize = 14;

const FIN: u8 = 0x80;
const RSV: u8 = 0x70;
const RSV1: u8 = 0x40;
const OPCODE: u8 = 0x0f;
const MASK: u8 = 0x80;
const LENGTH: u8 = 0x7f;
/// The value of the 7-bit length that announces a length of 16 bits.
const LENGTH_16: u8 = 126;
/// The value of the 7-bit length that announces a length of 64 bits.
const LENGTH_64: u8 = 127;

/// A frame's header (RFC 6455 section 5.2). RSV2 and RSV3 do not appear: no extension that this library speaks defines
/// them, so they are errors when received and never sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// This is the last (or only) frame of its message.
    pub fin: bool,
    /// The message is compressed by permessage-deflate (RFC 7692 section 6).
    pub rsv1: bool,
    /// What the frame is.
    pub opcode: Opcode,
    /// The masking key, if the payload is masked: on every frame of a client and none of a server.
    pub mask: Option<[u8; 4]>,
    /// The payload's length, in bytes; below 2^63.
    pub length: u64,
}

/// What this connection's headers have to obey, apart from the rules that hold for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeaderRules {
    /// The frames come from a client and must be masked; otherwise from a server and must not be
    /// (RFC 6455 section 5.1).
    pub masked: bool,
    /// permessage-deflate was negotiated, so RSV1 may be set on a message's first frame (RFC 7692 section 6).
    pub rsv1: bool,
}

impl Header {
    /// Reads the header at the start of `bytes`, which may hold more than the header or only part of it. Gives the
    /// header and its size in bytes, or `None` if more bytes are needed.
    ///
    /// Which error a broken header gives does not depend on how much of it is there: the first byte is judged before
    /// the second, that before the extended length, and each as soon as it is complete (the length in whole, so that
    /// an error about it can state it). The masking key is not waited for.
    ///
    /// # Errors
    /// [`FrameError`]: reserved bits or opcodes, a fragmented or too long control frame, RSV1 where permessage-deflate
    /// does not allow it, masking that does not fit the sender, and lengths not in their shortest form or from 2^63.
    #[inline(always)]
    pub fn parse(bytes: &[u8], rules: HeaderRules) -> Result<Option<(Self, usize)>, FrameError> {
        if let [first, second, k0, k1, k2, k3, ..] = *bytes
            && first & RSV == 0
            && let Some(opcode) = Opcode::from_bits(first & OPCODE)
            && (first & FIN != 0 || !opcode.is_control())
            && (second & MASK != 0) == rules.masked
            && second & LENGTH < LENGTH_16
        {
            let (mask, size) = if rules.masked {
                (Some([k0, k1, k2, k3]), 6)
            } else {
                (None, 2)
            };
            let length = u64::from(second & LENGTH);
            return Ok(Some((
                Self {
                    fin: first & FIN != 0,
                    rsv1: false,
                    opcode,
                    mask,
                    length,
                },
                size,
            )));
        }
        if let [first, second, l0, l1, k0, k1, k2, k3, ..] = *bytes
            && rules.masked
            && second == MASK | LENGTH_16
            && first & RSV == 0
            && let Some(opcode) = Opcode::from_bits(first & OPCODE)
            && !opcode.is_control()
            && let length = u16::from_be_bytes([l0, l1])
            && length >= u16::from(LENGTH_16)
        {
            let header = Self {
                fin: first & FIN != 0,
                rsv1: false,
                opcode,
                mask: Some([k0, k1, k2, k3]),
                length: length.into(),
            };
            return Ok(Some((header, 8)));
        }
        Self::parse_any(bytes, rules)
    }

    /// As [`parse`](Self::parse), for every header: long, incomplete, compressed or broken.
    /// Not inlined: a loop that parses and unmasks measured a third slower with it, though one that only parses gained.
    #[inline(never)]
    fn parse_any(bytes: &[u8], rules: HeaderRules) -> Result<Option<(Self, usize)>, FrameError> {
        let Some((&first, rest)) = bytes.split_first() else {
            return Ok(None);
        };
        let fin = first & FIN != 0;
        let rsv1 = first & RSV1 != 0;
        let allowed = if rules.rsv1 { RSV1 } else { 0 };
        if first & RSV & !allowed != 0 {
            return Err(FrameError::ReservedBits(first & RSV & !allowed));
        }
        let bits = first & OPCODE;
        let opcode = Opcode::from_bits(bits).ok_or(FrameError::ReservedOpcode(bits))?;
        if opcode.is_control() {
            if !fin {
                return Err(FrameError::FragmentedControl(opcode));
            }
            if rsv1 {
                return Err(FrameError::CompressedControl(opcode));
            }
        } else if rsv1 && opcode == Opcode::Continuation {
            return Err(FrameError::CompressedContinuation);
        }

        let Some((&second, rest)) = rest.split_first() else {
            return Ok(None);
        };
        let masked = second & MASK != 0;
        if masked != rules.masked {
            return Err(if masked {
                FrameError::MaskedByServer
            } else {
                FrameError::UnmaskedByClient
            });
        }

        let (length, encoded_in, rest) = match second & LENGTH {
            LENGTH_16 => {
                let Some((field, rest)) = rest.split_first_chunk() else {
                    return Ok(None);
                };
                let length = u16::from_be_bytes(*field);
                if length < u16::from(LENGTH_16) {
                    return Err(FrameError::OverlongLength {
                        length: length.into(),
                        encoded_in: 2,
                    });
                }
                (u64::from(length), 2, rest)
            }
            LENGTH_64 => {
                let Some((field, rest)) = rest.split_first_chunk() else {
                    return Ok(None);
                };
                let length = u64::from_be_bytes(*field);
                if length > i64::MAX as u64 {
                    return Err(FrameError::LengthTooLarge(length));
                }
                if length <= u64::from(u16::MAX) {
                    return Err(FrameError::OverlongLength {
                        length,
                        encoded_in: 8,
                    });
                }
                (length, 8, rest)
            }
            length => (u64::from(length), 0, rest),
        };
        if opcode.is_control() && length > MAX_CONTROL_PAYLOAD as u64 {
            return Err(FrameError::ControlTooLong { opcode, length });
        }

        let mask = if masked {
            let Some(key) = rest.first_chunk() else {
                return Ok(None);
            };
            Some(*key)
        } else {
            None
        };
        let size = 2 + encoded_in + if masked { 4 } else { 0 };
        Ok(Some((
            Self {
                fin,
                rsv1,
                opcode,
                mask,
                length,
            },
            size,
        )))
    }

    /// Writes the header to the start of `out` and gives its size in bytes, 2 to 14; the rest of `out` is left in no
    /// particular state. The length is written in its shortest form. The caller keeps the rules: a length below 2^63,
    /// and for control frames FIN and at most 125 bytes.
    #[inline]
    pub fn encode(&self, out: &mut [u8; MAX_HEADER]) -> usize {
        out[0] =
            if self.fin { FIN } else { 0 } | if self.rsv1 { RSV1 } else { 0 } | self.opcode.bits();
        let mask = if self.mask.is_some() { MASK } else { 0 };
        let key = self.mask.unwrap_or_default();
        if self.length < u64::from(LENGTH_16) {
            out[1] = mask | self.length as u8;
            out[2..6].copy_from_slice(&key);
        } else if self.length <= u64::from(u16::MAX) {
            out[1] = mask | LENGTH_16;
            out[2..4].copy_from_slice(&(self.length as u16).to_be_bytes());
            out[4..8].copy_from_slice(&key);
        } else {
            out[1] = mask | LENGTH_64;
            out[2..10].copy_from_slice(&self.length.to_be_bytes());
            out[10..14].copy_from_slice(&key);
        }
        self.encoded_length()
    }

    /// Appends the header, as [`encode`](Self::encode) writes it, to `out`.
    #[inline(always)]
    pub fn append_to(&self, out: &mut Vec<u8>) {
        let first =
            if self.fin { FIN } else { 0 } | if self.rsv1 { RSV1 } else { 0 } | self.opcode.bits();
        // The most common headers, in one store each.
        match (self.mask, u16::try_from(self.length)) {
            (None, Ok(length)) if length < LENGTH_16.into() => {
                append_plain(out, &[first, length as u8]);
            }
            (None, Ok(length)) => {
                let [high, low] = length.to_be_bytes();
                append_plain(out, &[first, LENGTH_16, high, low]);
            }
            _ => {
                let mut encoded = [0; MAX_HEADER];
                let size = self.encode(&mut encoded);
                out.extend_from_slice(&encoded[..size]);
            }
        }
    }

    /// The size in bytes of this header when [`encode`](Self::encode)d: 2 to 14.
    #[inline]
    #[must_use]
    pub const fn encoded_length(&self) -> usize {
        let extended = if self.length < LENGTH_16 as u64 {
            0
        } else if self.length <= u16::MAX as u64 {
            2
        } else {
            8
        };
        2 + extended + if self.mask.is_some() { 4 } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CLIENT: HeaderRules = HeaderRules {
        masked: true,
        rsv1: false,
    };
    const SERVER: HeaderRules = HeaderRules {
        masked: false,
        rsv1: false,
    };
    const DEFLATE: HeaderRules = HeaderRules {
        masked: false,
        rsv1: true,
    };

    #[test]
    fn examples_of_section_5_7() {
        let header = |fin, opcode, mask, length| Header {
            fin,
            rsv1: false,
            opcode,
            mask,
            length,
        };
        let key = Some([0x37, 0xfa, 0x21, 0x3d]);
        let examples: [(&[u8], HeaderRules, Header); 7] = [
            (
                b"\x81\x05Hello",
                SERVER,
                header(true, Opcode::Text, None, 5),
            ),
            (
                b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58",
                CLIENT,
                header(true, Opcode::Text, key, 5),
            ),
            (b"\x01\x03Hel", SERVER, header(false, Opcode::Text, None, 3)),
            (
                b"\x80\x02lo",
                SERVER,
                header(true, Opcode::Continuation, None, 2),
            ),
            (
                b"\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58",
                CLIENT,
                header(true, Opcode::Pong, key, 5),
            ),
            (
                b"\x82\x7e\x01\x00",
                SERVER,
                header(true, Opcode::Binary, None, 256),
            ),
            (
                b"\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00",
                SERVER,
                header(true, Opcode::Binary, None, 65_536),
            ),
        ];
        for (bytes, rules, expected) in examples {
            let size = expected.encoded_length();
            assert_eq!(Header::parse(bytes, rules), Ok(Some((expected, size))));
            let mut out = [0xaa; MAX_HEADER];
            assert_eq!(expected.encode(&mut out), size);
            assert_eq!(out[..size], bytes[..size]);
        }
    }

    #[test]
    fn the_first_byte_is_judged_by_itself() {
        for first in 0..=255u8 {
            let (fin, rsv, bits) = (first & 0x80 != 0, first & 0x70, first & 0x0f);
            for rules in [CLIENT, SERVER, DEFLATE] {
                let illegal = if rules.rsv1 { rsv & 0x30 } else { rsv };
                let expected = match Opcode::from_bits(bits) {
                    _ if illegal != 0 => Err(FrameError::ReservedBits(illegal)),
                    None => Err(FrameError::ReservedOpcode(bits)),
                    Some(opcode) if opcode.is_control() && !fin => {
                        Err(FrameError::FragmentedControl(opcode))
                    }
                    Some(opcode) if opcode.is_control() && rsv != 0 => {
                        Err(FrameError::CompressedControl(opcode))
                    }
                    Some(Opcode::Continuation) if rsv != 0 => {
                        Err(FrameError::CompressedContinuation)
                    }
                    Some(opcode) => Ok(opcode),
                };
                assert_eq!(
                    Header::parse(&[first], rules),
                    expected.map(|_| None),
                    "{first:#x}"
                );
                let second = if rules.masked { 0x83 } else { 0x03 };
                let parsed = Header::parse(&[first, second, 1, 2, 3, 4, 5, 6, 7], rules);
                let mask = rules.masked.then_some([1, 2, 3, 4]);
                let size = if rules.masked { 6 } else { 2 };
                let header = expected.map(|opcode| Header {
                    fin,
                    rsv1: rsv != 0,
                    opcode,
                    mask,
                    length: 3,
                });
                assert_eq!(
                    parsed,
                    header.map(|header| Some((header, size))),
                    "{first:#x}"
                );
            }
        }
    }

    #[test]
    fn a_mask_must_stand_exactly_on_a_clients_frames() {
        assert_eq!(
            Header::parse(b"\x82\x00", CLIENT),
            Err(FrameError::UnmaskedByClient)
        );
        assert_eq!(
            Header::parse(b"\x82\x80", SERVER),
            Err(FrameError::MaskedByServer)
        );
        assert_eq!(
            Header::parse(b"\x82\x00\0\0\0\0\0\0", CLIENT),
            Err(FrameError::UnmaskedByClient)
        );
        assert_eq!(
            Header::parse(b"\x82\x80\0\0\0\0\0\0", SERVER),
            Err(FrameError::MaskedByServer)
        );
    }

    #[test]
    fn lengths_must_be_in_their_shortest_form_and_below_2_to_the_63() {
        let long = |length: u64| {
            let mut bytes = b"\x82\x7f".to_vec();
            bytes.extend_from_slice(&length.to_be_bytes());
            Header::parse(&bytes, SERVER).map(|header| header.expect("complete").0.length)
        };
        for length in [0, 125, 126, 65_535] {
            assert_eq!(
                long(length),
                Err(FrameError::OverlongLength {
                    length,
                    encoded_in: 8
                })
            );
        }
        assert_eq!(long(65_536), Ok(65_536));
        assert_eq!(long((1 << 63) - 1), Ok((1 << 63) - 1));
        assert_eq!(long(1 << 63), Err(FrameError::LengthTooLarge(1 << 63)));
        assert_eq!(long(u64::MAX), Err(FrameError::LengthTooLarge(u64::MAX)));
        for length in 0..126u8 {
            let expected = FrameError::OverlongLength {
                length: length.into(),
                encoded_in: 2,
            };
            assert_eq!(
                Header::parse(&[0x82, 0x7e, 0, length], SERVER),
                Err(expected)
            );
            assert_eq!(
                Header::parse(&[0x82, 0xfe, 0, length], CLIENT),
                Err(expected)
            );
        }
        let size = Header::parse(b"\x82\x7e\x00\x7e", SERVER)
            .map(|header| header.map(|(header, _)| header.length));
        assert_eq!(size, Ok(Some(126)));
    }

    #[test]
    fn control_frames_hold_at_most_125_bytes() {
        for opcode in [Opcode::Close, Opcode::Ping, Opcode::Pong] {
            let first = 0x80 | opcode.bits();
            assert!(Header::parse(&[first, 125], SERVER).is_ok_and(|header| header.is_some()));
            assert_eq!(Header::parse(&[first, 126, 0], SERVER), Ok(None));
            let expected = FrameError::ControlTooLong {
                opcode,
                length: 126,
            };
            assert_eq!(Header::parse(&[first, 126, 0, 126], SERVER), Err(expected));
            let expected = FrameError::ControlTooLong {
                opcode,
                length: 1 << 40,
            };
            assert_eq!(
                Header::parse(&[first, 127, 0, 0, 1, 0, 0, 0, 0, 0], SERVER),
                Err(expected)
            );
        }
    }

    /// Bytes that are often nearly a header: a length field of each form, with values round the limits.
    fn likely_bytes() -> impl Strategy<Value = Vec<u8>> {
        let second = prop_oneof![0u8..=255, Just(126), Just(127), Just(254), Just(255)];
        let tail = proptest::collection::vec(prop_oneof![Just(0u8), 0u8..=255, 124u8..=127], 12);
        (any::<u8>(), second, tail)
            .prop_map(|(first, second, tail)| [&[first, second], &tail[..]].concat())
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_parsed_back(
            fin: bool, rsv1: bool, bits in 0u8..3, key: [u8; 4], masked: bool,
            length in prop_oneof![0u64..300, 65_000u64..66_000, 0..(1u64 << 63)],
        ) {
            let opcode = Opcode::from_bits(bits).expect("defined");
            let rsv1 = rsv1 && opcode != Opcode::Continuation;
            let header = Header { fin, rsv1, opcode, mask: masked.then_some(key), length };
            let mut out = [0xaa; MAX_HEADER];
            let size = header.encode(&mut out);
            prop_assert_eq!(size, header.encoded_length());
            let rules = HeaderRules { masked, rsv1: true };
            prop_assert_eq!(Header::parse(&out[..size], rules), Ok(Some((header, size))));
            prop_assert_eq!(Header::parse(&out, rules), Ok(Some((header, size))));
            for part in 0..size {
                prop_assert_eq!(Header::parse(&out[..part], rules), Ok(None));
            }
        }

        #[test]
        fn bytes_that_follow_change_no_verdict(bytes in likely_bytes(), masked: bool, rsv1: bool) {
            let rules = HeaderRules { masked, rsv1 };
            let whole = Header::parse(&bytes, rules);
            let first = (0..=bytes.len()).find_map(|part| Header::parse(&bytes[..part], rules).transpose());
            prop_assert_eq!(whole, first.transpose());
            if let Ok(Some((header, size))) = whole {
                let mut out = [0; MAX_HEADER];
                prop_assert_eq!(header.encode(&mut out), size);
                prop_assert_eq!(&out[..size], &bytes[..size]);
            }
        }
    }
}
