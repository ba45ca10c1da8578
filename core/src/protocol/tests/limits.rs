//! Limits: what passes them is a named error with the figures in it, and costs no memory on the way.

use super::*;
use crate::error::Limit;

fn limited(max_message_size: u64) -> Options {
    Options {
        max_message_size,
        ..Options::default()
    }
}

#[track_caller]
fn too_big(peer: &mut Peer, value: u64, actual: u64) {
    passed(peer, Limit::MessageSize, value, actual);
}

#[track_caller]
fn passed(peer: &mut Peer, limit: Limit, value: u64, actual: u64) {
    let role = peer.protocol.role();
    assert_eq!(
        peer.closed().cause,
        Some(Error::Limit {
            limit,
            value,
            actual,
            role
        })
    );
    let frames = peer.sent_frames();
    let (first, payload) = frames.last().expect("a Close frame");
    assert_eq!((*first, &payload[..2]), (CLOSE, &[0x03, 0xf1][..]));
    assert_eq!(peer.input.incomplete_bytes(), 0);
}

#[test]
fn a_message_may_reach_the_limit_and_not_pass_it() {
    for role in BOTH {
        let mut peer = Peer::open(role, limited(1000));
        peer.frame(BINARY, &[1; 1000], at(1));
        peer.frame(BINARY_BEGINS, &[1; 999], at(1))
            .frame(ENDS, &[1], at(1));
        assert_eq!(peer.events(), [binary(&[1; 1000]), binary(&[1; 1000])]);
        // The header alone decides.
        peer.receive(&header_to(role, BINARY, 1001), at(1));
        too_big(&mut peer, 1000, 1001);
        let mut none = Peer::open(role, limited(0));
        none.frame(TEXT, b"", at(1));
        assert_eq!(none.events(), [text("")]);
        none.frame(TEXT, b"x", at(1));
        too_big(&mut none, 0, 1);
    }
}

#[test]
fn a_frame_has_a_limit_of_its_own_where_one_is_set() {
    let options = || Options {
        max_frame_size: 100,
        ..limited(1000)
    };
    for role in BOTH {
        // Whole in one read, in two, in fragments, and told in pieces.
        let mut peer = Peer::open(role, options());
        let frame = frame_to(role, BINARY, &[1; 100]);
        let (begin, end) = frame.split_at(50);
        peer.receive(&frame, at(1));
        peer.receive(begin, at(1)).receive(end, at(1));
        peer.frame(BINARY_BEGINS, &[1; 100], at(1))
            .frame(ENDS, &[1; 100], at(1));
        assert_eq!(
            peer.events(),
            [binary(&[1; 100]), binary(&[1; 100]), binary(&[1; 200]),]
        );
        peer.frame(BINARY, &[1; 101], at(1));
        passed(&mut peer, Limit::FrameSize, 100, 101);
        let mut peer = Peer::open(role, options());
        peer.frame(BINARY_BEGINS, &[1; 100], at(1));
        peer.receive(&header_to(role, CONTINUES, 101), at(1));
        passed(&mut peer, Limit::FrameSize, 100, 101);
        let streaming = Options {
            streaming: true,
            ..options()
        };
        let mut peer = Peer::open(role, streaming);
        peer.receive(&header_to(role, BINARY_BEGINS, 101), at(1));
        passed(&mut peer, Limit::FrameSize, 100, 101);
    }
}

#[test]
fn undici_b4c287b_the_limit_is_on_the_message_not_the_frame() {
    for role in BOTH {
        let mut peer = Peer::open(role, limited(1000));
        peer.frame(BINARY_BEGINS, &[1; 600], at(1));
        peer.receive(&header_to(role, CONTINUES, 401), at(1));
        too_big(&mut peer, 1000, 1001);
    }
}

#[test]
fn cve_2020_27813_pongs_in_between_do_not_reset_the_count() {
    for role in BOTH {
        let mut peer = Peer::open(role, limited(1000));
        peer.frame(BINARY_BEGINS, &[1; 100], at(1));
        for _ in 0..9 {
            peer.frame(PONG, &[2; 125], at(1));
            peer.frame(CONTINUES, &[1; 100], at(1));
        }
        peer.frame(PING, &[2; 125], at(1));
        assert!(peer.protocol.is_open());
        peer.frame(CONTINUES, &[1; 1], at(1));
        too_big(&mut peer, 1000, 1001);
    }
}

#[test]
fn cve_2026_1528_aiohttp_13415_baresip_1584_nopoll_84_extreme_lengths() {
    const LENGTHS: [u64; 8] = [
        1 << 31,
        (1 << 32) - 1,
        1 << 32,
        1 << 53,
        (1 << 53) + 1,
        1 << 62,
        (1 << 63) - 4,
        (1 << 63) - 1,
    ];
    for role in BOTH {
        for length in LENGTHS {
            let mut peer = Peer::open(role, Options::default());
            peer.receive(&header_to(role, BINARY, length), at(1));
            too_big(&mut peer, 16 << 20, length);
            // As a continuation the lengths add up.
            let mut peer = Peer::open(role, Options::default());
            peer.frame(BINARY_BEGINS, &[1; 100], at(1));
            peer.receive(&header_to(role, ENDS, length), at(1));
            too_big(&mut peer, 16 << 20, length + 100);
        }
        for length in [1 << 63, u64::MAX] {
            let mut peer = Peer::open(role, limited(u64::MAX));
            peer.receive(&header_to(role, BINARY, length), at(1));
            assert_eq!(
                peer.closed().cause,
                Some(Error::Frame(FrameError::LengthTooLarge(length)))
            );
        }
    }
}

#[test]
fn cve_2022_35922_a_declared_length_allocates_nothing() {
    for role in BOTH {
        let mut peer = Peer::open(role, limited(u64::MAX));
        peer.receive(&header_to(role, BINARY, 1 << 62), at(1));
        assert!(peer.protocol.is_open());
        assert_eq!(peer.input.incomplete_bytes(), 0);
        // What comes of it is kept with a bounded lead.
        peer.receive(&[7; 10], at(1));
        assert_eq!(peer.input.incomplete_bytes(), 64 << 10);
        peer.receive(&vec![7; 100 << 10], at(1));
        assert!(peer.input.incomplete_bytes() <= 256 << 10);
        peer.eof(at(2));
        assert_eq!(peer.input.incomplete_bytes(), 0);
    }
}

#[test]
fn cve_2026_48779_cve_2026_12151_tiny_fragments_without_end() {
    for role in BOTH {
        for payload in [&b""[..], b"x"] {
            let mut peer = Peer::open(role, Options::default());
            peer.frame(BINARY_BEGINS, payload, at(1));
            let many = frame_to(role, CONTINUES, payload).repeat(4095);
            let mut fragments = 1;
            while peer.told.is_empty() {
                peer.receive(&many, at(1));
                fragments += 4095;
                assert!(peer.input.incomplete_bytes() <= fragments * 3 / 2 + 64);
            }
            assert_eq!(
                peer.closed().cause,
                Some(Error::Limit {
                    limit: Limit::Fragments,
                    value: 65_536,
                    actual: 65_537,
                    role
                })
            );
            assert_eq!(peer.closed().sent.as_ref().expect("sent").code.get(), 1009);
            assert_eq!(peer.input.incomplete_bytes(), 0);
        }
    }
}

#[test]
fn the_count_of_fragments_begins_anew_with_each_message() {
    for role in BOTH {
        let options = |max_fragments| Options {
            max_fragments,
            ..Options::default()
        };
        let mut peer = Peer::open(role, options(2));
        for _ in 0..3 {
            peer.frame(TEXT_BEGINS, b"a", at(1));
            peer.frame(PING, b"", at(1)).events();
            peer.frame(ENDS, b"b", at(1));
            assert_eq!(peer.events(), [text("ab")]);
        }
        peer.frame(TEXT_BEGINS, b"", at(1))
            .frame(CONTINUES, b"", at(1));
        assert!(peer.protocol.is_open());
        peer.frame(ENDS, b"", at(1));
        assert!(matches!(
            peer.closed().cause,
            Some(Error::Limit {
                limit: Limit::Fragments,
                value: 2,
                actual: 3,
                ..
            })
        ));
        // 0 counts as 1, whether a message comes in one read or in two.
        let mut peer = Peer::open(role, options(0));
        let bytes = frame_to(role, TEXT, b"whole");
        peer.receive(&bytes, at(1));
        let (begin, end) = bytes.split_at(bytes.len() - 2);
        peer.receive(begin, at(1)).receive(end, at(1));
        assert_eq!(peer.events(), [text("whole"), text("whole")]);
        peer.frame(TEXT_BEGINS, b"", at(1)).frame(ENDS, b"", at(1));
        assert!(peer.protocol.is_ended());
    }
}

#[test]
fn many_fragments_are_gathered_in_linear_time() {
    // Grown fragment by fragment, the buffer would be moved 65,535 times.
    let role = Role::Client;
    let mut peer = Peer::open(role, Options::default());
    let fragment = [7; 200];
    let mut moves = 0;
    let mut place = 0;
    peer.frame(BINARY_BEGINS, &fragment, at(1));
    for _ in 0..10_000 {
        peer.frame(CONTINUES, &fragment, at(1));
        let partial = peer.protocol.partial.as_ref().expect("under way");
        let capacity = partial.message.capacity();
        moves += u32::from(capacity != place);
        place = capacity;
    }
    assert!(moves < 40, "{moves} reallocations");
}

/// Several connections that share what a driver shares.
fn connections(role: Role, count: usize, options: Options) -> Vec<Protocol> {
    let options = Arc::new(options);
    (0..count)
        .map(|_| Protocol::open(role, options.clone(), at(0)))
        .collect()
}

#[test]
fn ws_issue_2331_all_incomplete_messages_share_one_bound() {
    for role in BOTH {
        const LIMIT: u64 = 1 << 20;
        let mut input = Input::with_incomplete_limit(LIMIT);
        let mut output = Output::new();
        let mut failed = 0;
        let mut all = connections(role, 100, Options::default());
        for protocol in &mut all {
            input.extend(&frame_to(role, BINARY_BEGINS, &[1; 10_000]));
            input.extend(&frame_to(role, CONTINUES, &[1; 10_000]));
            let event = protocol.next_event(&mut input, &mut output, at(1));
            if let Some(event) = event {
                let Told::Closed(closed) = Told::from(event) else {
                    panic!("not closed")
                };
                let Some(Error::Limit {
                    limit: Limit::IncompleteMessages,
                    value: LIMIT,
                    actual,
                    ..
                }) = closed.cause
                else {
                    panic!("{closed:?}")
                };
                assert!(actual > LIMIT);
                assert_eq!(closed.sent.expect("sent").code.get(), 1013);
                failed += 1;
            }
            assert!(input.incomplete_bytes() <= LIMIT);
        }
        assert!((45..=60).contains(&failed), "{failed} of 100 failed");
        assert!(input.incomplete_bytes() > LIMIT / 2);
        // Some complete, some fail, some are dropped: nothing stays counted.
        let mut completed = 0;
        for (number, protocol) in all.iter_mut().enumerate() {
            match number % 3 {
                0 => input.extend(&frame_to(role, ENDS, b"")),
                1 => input.extend(&frame_to(role, TEXT, b"")),
                _ => protocol.release(&mut input),
            }
            while let Some(event) = protocol.next_event(&mut input, &mut output, at(2)) {
                if let Event::Message { payload, .. } = event {
                    assert_eq!(payload.len(), 20_000);
                    completed += 1;
                }
            }
        }
        assert!(completed > 10);
        assert_eq!(input.incomplete_bytes(), 0);
    }
}

#[test]
fn the_bound_is_given_back_whatever_ends_a_message() {
    for role in BOTH {
        // More than a gathered message's buffer that is kept for the next, and less.
        for size in [1000, 100_000, 3 << 20] {
            let begun = || {
                let mut peer = Peer::open(role, Options::default());
                peer.frame(TEXT_BEGINS, &vec![b'a'; size], at(1));
                assert!(peer.input.incomplete_bytes() >= size as u64);
                peer
            };
            let ends: [fn(&mut Peer); 8] = [
                |peer| _ = peer.frame(ENDS, b"b", at(2)),
                // Not UTF-8: in the middle, and only because the text ends.
                |peer| _ = peer.frame(CONTINUES, b"\xff", at(2)),
                |peer| _ = peer.frame(ENDS, b"\xff", at(2)),
                |peer| _ = peer.frame(ENDS, b"\xe2\x82", at(2)),
                |peer| _ = peer.frame(TEXT, b"", at(2)),
                |peer| _ = peer.frame(CLOSE, b"", at(2)),
                |peer| _ = peer.eof(at(2)),
                |peer| {
                    peer.protocol.abort(at(2));
                    peer.drain(at(2));
                },
            ];
            for end in ends {
                let mut peer = begun();
                end(&mut peer);
                assert_eq!(peer.told.len(), 1);
                assert_eq!(peer.input.incomplete_bytes(), 0);
            }
        }
    }
}

#[test]
fn a_spare_buffer_that_does_not_fit_the_bound_stays_out_of_the_count() {
    let role = Role::Client;
    let mut input = Input::with_incomplete_limit(1 << 20);
    let mut output = Output::new();
    let mut all = connections(role, 3, Options::default());
    let mut feed = |protocol: &mut Protocol, input: &mut Input, bytes: &[u8]| {
        input.extend(bytes);
        let mut events = Vec::new();
        while let Some(event) = protocol.next_event(input, &mut output, at(1)) {
            events.push(Told::from(event));
        }
        events
    };
    // Leaves a spare buffer of 900 KB behind.
    let mut bytes = header_to(role, BINARY, 900_000);
    bytes.resize(bytes.len() + 899_999, 1);
    feed(&mut all[0], &mut input, &bytes);
    assert_eq!(feed(&mut all[0], &mut input, &[1]).len(), 1);
    feed(&mut all[0], &mut input, &[]);
    assert_eq!(input.incomplete_bytes(), 0);
    // 240 KB are held, so the spare does not fit, but a smaller buffer does.
    let fragment = [1; 60_000];
    feed(
        &mut all[1],
        &mut input,
        &frame_to(role, BINARY_BEGINS, &fragment),
    );
    for _ in 0..3 {
        feed(
            &mut all[1],
            &mut input,
            &frame_to(role, CONTINUES, &fragment),
        );
    }
    let after_first = input.incomplete_bytes();
    let mut more = header_to(role, BINARY, 200_000);
    more.resize(more.len() + 100, 1);
    assert!(feed(&mut all[2], &mut input, &more).is_empty());
    assert!(input.incomplete_bytes() > after_first);
    all[2].release(&mut input);
    assert_eq!(input.incomplete_bytes(), after_first);
    all[1].release(&mut input);
    assert_eq!(input.incomplete_bytes(), 0);
}
