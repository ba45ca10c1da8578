//! Tests of the codec (RFC 7692 section 7.2).

use super::super::*;

fn config() -> Config {
    Config::new(&Compression::default(), 15)
}

fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let byte = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    std::iter::repeat_with(byte).take(length).collect()
}

fn inflated(
    inflater: &mut Inflater,
    mut input: &[u8],
    takes_over: bool,
) -> Result<Vec<u8>, InflateError> {
    let mut whole = Vec::new();
    let mut room = [0; 100];
    loop {
        let Progress { taken, made } = inflater.inflate(input, &mut room)?;
        input = &input[taken..];
        whole.extend_from_slice(&room[..made]);
        if made < room.len() {
            assert!(input.is_empty());
            return inflater.end(takes_over).map(|()| whole);
        }
    }
}

#[test]
fn cve_2026_29035_output_may_end_anywhere() {
    // The buffer starts at every small size, so that it has to grow at every place, the flush included.
    let mut compressors = Compressors::new();
    let mut inflater = Inflater::new();
    for payload in [noise(1000), vec![b'a'; 1000], noise(7)] {
        let mut expected = None;
        for room in 0..1400 {
            compressors.buffer = vec![0xa5; room];
            let length = compressors.message(config(), &payload).expect("compressed");
            let made = compressors.buffer[..length].to_vec();
            assert_eq!(inflated(&mut inflater, &made, false).as_ref(), Ok(&payload));
            let expected = expected.get_or_insert(made.len());
            // Cut short within its flush, zlib flushes again: an empty block more, and no more than that.
            assert!(
                made.len() <= *expected + 5,
                "{room}: {}, {expected}",
                made.len()
            );
        }
    }
}

#[test]
fn incompressible_data_grow_by_little() {
    for length in [1, 100, 65_535, 65_536, 1 << 20] {
        for memory_level in [1, 8, 9] {
            let settings = Compression {
                memory_level,
                level: 6,
                ..Compression::on()
            };
            let payload = noise(length);
            let mut compressors = Compressors::new();
            let made = compressors
                .message(Config::new(&settings, 9), &payload)
                .expect("compressed");
            assert!(made < length + length / 16 + 16, "{made} of {length}");
            let whole = inflated(&mut Inflater::new(), &compressors.buffer[..made], false);
            assert!(whole.as_ref() == Ok(&payload));
        }
    }
}

#[test]
fn memory_is_taken_as_it_is_needed_and_given_back() {
    let payload = noise(2 << 20);
    for (payload, most) in [
        (vec![b'a'; payload.len()], payload.len() / 2 + 1024),
        (payload.clone(), payload.len() + payload.len() / 2 + 1024),
    ] {
        let mut compressors = Compressors::new();
        let length = compressors.message(config(), &payload).expect("compressed");
        let size = compressors.buffer.len();
        assert!((length..most).contains(&size), "{size} for {length} bytes");
        compressors.shrink();
        assert_eq!(compressors.buffer.capacity(), 0);
    }
    let mut compressors = Compressors::new();
    compressors.message(config(), b"hello").expect("compressed");
    let kept = compressors.buffer.len();
    compressors.shrink();
    assert_eq!(compressors.buffer.len(), kept);
    // What an inflater counts as holds its window at least.
    const { assert!(INFLATER_MEMORY >= 1 << MAX_WINDOW_BITS) };
}

#[test]
fn an_empty_message_is_an_empty_block() {
    let mut compressors = Compressors::new();
    assert_eq!(compressors.message(config(), b""), Ok(1));
    assert_eq!(compressors.buffer[..1], [0]);
    let mut own = compressors.take(config());
    for message in [&b""[..], b"a", b"", b"a"] {
        let mut inflater = Inflater::new();
        own.reset();
        let length = compressors
            .piece(&mut own, message, true)
            .expect("compressed");
        let whole = inflated(&mut inflater, &compressors.buffer[..length], true);
        assert_eq!(whole.as_deref(), Ok(message));
    }
}

#[test]
fn compressors_are_kept_by_their_settings_and_not_without_bound() {
    let mut compressors = Compressors::new();
    for round in 0..3 {
        for bits in 9..=15 {
            let config = Config::new(&Compression::default(), bits);
            let length = compressors
                .message(config, b"hello hello hello")
                .expect("compressed");
            let whole = inflated(&mut Inflater::new(), &compressors.buffer[..length], false);
            assert_eq!(
                whole.as_deref(),
                Ok(&b"hello hello hello"[..]),
                "{round} {bits}"
            );
            let kept = compressors.take(config);
            assert!(format!("{kept:?}").contains(&format!("{config:?}")));
            compressors.give(kept);
        }
    }
    assert!(format!("{compressors:?}").matches("config").count() <= 4);
}

/// RFC 7692 section 7.2.3: the examples, and what senders make of the rules.
#[test]
fn examples_of_section_7_2_3() {
    let hello = b"Hello".to_vec();
    let compressed = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    let mut inflater = Inflater::new();
    // 7.2.3.1, and 7.2.3.2: the second message refers to the first.
    assert_eq!(
        inflated(&mut inflater, &compressed, true).as_ref(),
        Ok(&hello)
    );
    let second = [0xf2, 0x00, 0x11, 0x00, 0x00];
    assert_eq!(inflated(&mut inflater, &second, true).as_ref(), Ok(&hello));
    let without = inflated(&mut Inflater::new(), &second, true);
    assert_eq!(without, Err(InflateError::Corrupt));
    // 7.2.3.3: a block without compression. 7.2.3.4: one with BFINAL. 7.2.3.5: two blocks in one message.
    let stored = [
        0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00,
    ];
    let last = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00];
    let two = [
        0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00,
    ];
    for takes_over in [false, true] {
        let mut inflater = Inflater::new();
        for _ in 0..2 {
            for message in [&compressed[..], &stored, &last, &two, &last[..7], &[0], &[]] {
                let whole = inflated(&mut inflater, message, takes_over);
                let expected: &[u8] = if message.len() < 2 { b"" } else { b"Hello" };
                assert_eq!(whole.as_deref(), Ok(expected), "{message:x?}");
            }
        }
    }
}

#[test]
fn the_empty_block_may_be_left_in_repeated_or_left_out() {
    let compressed = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    let left_in = [&compressed[..], &EMPTY].concat();
    let repeated = [&compressed[..], &EMPTY, &[0], &EMPTY, &[0]].concat();
    let repeated_left_in = [&compressed[..], &EMPTY, &[0], &EMPTY].concat();
    for takes_over in [false, true] {
        let mut inflater = Inflater::new();
        for message in [&left_in, &repeated, &repeated_left_in, &left_in] {
            let whole = inflated(&mut inflater, message, takes_over);
            assert_eq!(whole.as_deref(), Ok(&b"Hello"[..]), "{message:x?}");
        }
    }
    // Left out altogether: a block of the fixed code, 3 + 9 bits for each of these bytes + 7, and padding.
    let mut inflater = Inflater::new();
    for count in 1..=8u8 {
        let payload: Vec<u8> = (0..count).map(|byte| 0xf0 + byte).collect();
        let mut encoder = flate2::Compress::new(flate2::Compression::fast(), false);
        let mut bytes = Vec::with_capacity(100);
        encoder
            .compress_vec(&payload, &mut bytes, flate2::FlushCompress::Sync)
            .expect("compressed");
        let bits = 10 + 9 * usize::from(count);
        assert_eq!(bytes.len(), (bits + 3).div_ceil(8) + EMPTY.len());
        let without = &bytes[..bits.div_ceil(8)];
        let whole = inflated(&mut inflater, without, false);
        assert_eq!(whole.as_ref(), Ok(&payload));
        let mut own = Inflater::new();
        let whole = inflated(&mut own, without, true);
        if without.len() * 8 - bits < 3 {
            assert_eq!(whole, Err(InflateError::Unfinished));
        } else {
            // In step with the sender, whatever comes next.
            assert_eq!(whole.as_ref(), Ok(&payload));
            let next = inflated(&mut own, &compressed, true);
            assert_eq!(next.as_deref(), Ok(&b"Hello"[..]));
        }
    }
}

const EMPTY: [u8; 4] = [0, 0, 0xff, 0xff];

#[test]
fn a_message_that_stops_within_a_block_is_an_error() {
    let mut compressors = Compressors::new();
    let text: String = (0..300).map(|number| format!("{number},")).collect();
    let length = compressors
        .message(config(), text.as_bytes())
        .expect("compressed");
    for takes_over in [false, true] {
        for cut in 1..length - 1 {
            let mut inflater = Inflater::new();
            let whole = inflated(&mut inflater, &compressors.buffer[..cut], takes_over);
            assert!(whole.is_err(), "{cut} of {length}: {whole:?}");
        }
    }
    // A block's header of which the empty block's bytes are a part.
    let within = [0x7c, 0x06, 0x00, 0x00, 0xff, 0xff];
    let whole = inflated(&mut Inflater::new(), &within, false);
    assert_eq!(whole, Err(InflateError::Unfinished));
    // A block's header whose code lengths end too soon, which the empty block's end would only prolong.
    let mut header = [0; 28];
    header[..2].copy_from_slice(&[0x2c, 0x27]);
    for takes_over in [false, true] {
        let whole = inflated(&mut Inflater::new(), &header, takes_over);
        assert_eq!(whole, Err(InflateError::Unfinished));
    }
}

#[test]
fn a_window_of_any_size_is_kept_to() {
    // Everything repeats at every distance up to 32 KiB, so that a larger window would be used.
    let piece = noise(200);
    let payload = [piece.as_slice(), &noise(40_000), &piece, &noise(20_000)]
        .concat()
        .repeat(2);
    // From the largest on, so that one with too large a window is at hand.
    let mut compressors = Compressors::new();
    for bits in (9..=15).rev() {
        let config = Config::new(&Compression::default(), bits);
        let length = compressors.message(config, &payload).expect("compressed");
        // An inflater with no more window than that.
        let mut strict = zlib_rs::Inflate::new(false, bits);
        let mut whole = vec![0; payload.len()];
        let read = strict.decompress(
            &compressors.buffer[..length],
            &mut whole,
            zlib_rs::InflateFlush::SyncFlush,
        );
        assert!(read.is_ok() && whole == payload, "{bits}: {read:?}");
        let ours = inflated(&mut Inflater::new(), &compressors.buffer[..length], false);
        assert!(ours.as_ref() == Ok(&payload), "{bits}");
    }
}
