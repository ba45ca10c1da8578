//! Frame headers, masks, text and close payloads (RFC 6455 section 5), each against its definition.

use arbitrary::{Arbitrary, Unstructured};
use ropeway_core::frame::{
    FrameError, Header, HeaderRules, MAX_HEADER, Opcode, Utf8Validator, append_masked, apply_mask,
    is_valid, parse_close_payload,
};

/// A header under all four rules: every prefix of the bytes gives the same verdict or none yet, and what was read is
/// written the same way.
pub fn header(data: &[u8]) {
    for masked in [false, true] {
        for rsv1 in [false, true] {
            read(data, HeaderRules { masked, rsv1 });
        }
    }
}

fn read(data: &[u8], rules: HeaderRules) {
    let verdict = Header::parse(data, rules);
    let decided = (0..=data.len().min(MAX_HEADER))
        .map(|length| Header::parse(&data[..length], rules))
        .find(|verdict| *verdict != Ok(None));
    assert_eq!(decided.unwrap_or(Ok(None)), verdict);
    match verdict {
        Ok(Some((header, size))) => {
            assert!(header.length <= i64::MAX as u64 && (rules.rsv1 || !header.rsv1));
            assert_eq!(header.mask.is_some(), rules.masked);
            assert!(
                !header.opcode.is_control() || (header.fin && header.length <= 125 && !header.rsv1)
            );
            assert!(!header.rsv1 || header.opcode != Opcode::Continuation);
            let mut encoded = [0; MAX_HEADER];
            assert_eq!(header.encode(&mut encoded), size);
            assert_eq!(&encoded[..size], &data[..size]);
        }
        Ok(None) => assert!(data.len() < MAX_HEADER),
        Err(error) => assert!([1002, 1007].contains(&error.close_code().get())),
    }
}

#[derive(Arbitrary)]
struct Payload<'a> {
    key: [u8; 4],
    offset: usize,
    start: u8,
    sizes: &'a [u8],
    bytes: &'a [u8],
}

/// A payload: masking against the definition, text in pieces against the standard library, and a close payload.
pub fn payload(data: &[u8]) {
    let Ok(input) = Payload::arbitrary_take_rest(Unstructured::new(data)) else {
        return;
    };
    let bytes = input.bytes;
    let expected: Vec<u8> = bytes
        .iter()
        .zip(0_usize..)
        .map(|(byte, at)| byte ^ input.key[input.offset.wrapping_add(at) % 4])
        .collect();
    let start = usize::from(input.start);
    let mut masked = vec![0xa5; start];
    masked.extend_from_slice(bytes);
    masked.extend([0xa5; 64]);
    apply_mask(
        &mut masked[start..start + bytes.len()],
        input.key,
        input.offset,
    );
    assert_eq!(&masked[start..start + bytes.len()], expected);
    assert!(
        masked[..start]
            .iter()
            .chain(&masked[start + bytes.len()..])
            .all(|&byte| byte == 0xa5)
    );
    let mut appended = vec![0xa5; start];
    append_masked(&mut appended, bytes, input.key, input.offset);
    assert_eq!(&appended[start..], expected);

    let text = std::str::from_utf8(bytes).is_ok();
    assert_eq!(is_valid(bytes), text);
    let mut validator = Utf8Validator::default();
    let pushed = crate::pieces(bytes, input.sizes).all(|piece| validator.push(piece).is_ok());
    assert_eq!(pushed && validator.finish().is_ok(), text);

    match (parse_close_payload(bytes), bytes) {
        (Ok(None), []) | (Err(FrameError::ClosePayloadOfOneByte), [_]) => {}
        (Ok(Some((code, reason))), [a, b, rest @ ..]) => {
            assert_eq!(
                (code.get(), reason.as_bytes()),
                (u16::from_be_bytes([*a, *b]), rest)
            );
            assert!(
                code.is_sendable()
                    && !matches!(code.get(), 0..1000 | 1004..=1006 | 1015..3000 | 5000..)
            );
        }
        (Err(FrameError::InvalidCloseCode(code)), [a, b, ..]) => {
            assert_eq!(code, u16::from_be_bytes([*a, *b]));
        }
        (Err(FrameError::InvalidUtf8InCloseReason), [_, _, rest @ ..]) => assert!(!is_valid(rest)),
        (verdict, _) => panic!("{verdict:?}"),
    }
}
