//! What a connection costs while nothing happens on it.

use super::*;
use crate::protocol::Gathered;

#[test]
fn an_idle_connection_is_compact_and_holds_no_heap_of_its_own() {
    let size = size_of::<Protocol>();
    println!("size_of::<Protocol>() is {size} bytes");
    assert!(size <= 128, "{size} bytes");
    for mut peer in [
        Peer::server(Options::default()),
        Peer::client(Options::default()),
    ] {
        let role = peer.protocol.role();
        let mut other = match role {
            Role::Server => Peer::client(Options::default()),
            Role::Client => Peer::server(Options::default()),
        };
        let (client, server) = match role {
            Role::Server => (&mut other, &mut peer),
            Role::Client => (&mut peer, &mut other),
        };
        server.receive(&client.sent(), at(0));
        client.receive(&server.sent(), at(0));
        assert_idle(&peer);
        // Everything that takes a box for a while.
        peer.protocol.hold(&mut peer.input);
        assert_idle(&peer);
        peer.output.set_blocked(true);
        peer.frame(TEXT_BEGINS, b"a", at(1));
        peer.frame(PING, b"p", at(1)).frame(ENDS, b"b", at(1));
        peer.output.set_blocked(false);
        peer.protocol
            .release_pong(&mut peer.output)
            .expect("random bytes");
        assert_idle(&peer);
        for first in [TEXT, PING, PONG] {
            let bytes = frame_to(role, first, b"payload");
            for split in 0..bytes.len() {
                peer.receive(&bytes[..split], at(2));
                peer.receive(&bytes[split..], at(2));
                assert_idle(&peer);
            }
            peer.input.extend(&bytes);
            peer.protocol.hold(&mut peer.input);
            assert!(peer.input.is_empty() && peer.protocol.partial.is_some());
            assert!(peer.protocol.unhold(&mut peer.input));
            assert!(!peer.protocol.unhold(&mut peer.input));
            peer.drain(at(2));
            assert_idle(&peer);
        }
    }
}

#[test]
fn a_pong_held_back_during_a_streamed_message_leaves_nothing_behind() {
    for role in BOTH {
        let mut peer = Peer::open(
            role,
            Options {
                streaming: true,
                ..Options::default()
            },
        );
        peer.frame(TEXT_BEGINS, b"a", at(1));
        peer.output.set_blocked(true);
        peer.frame(PING, b"p", at(1));
        peer.output.set_blocked(false);
        peer.protocol
            .release_pong(&mut peer.output)
            .expect("random bytes");
        peer.frame(ENDS, b"b", at(1));
        assert_idle(&peer);
    }
}

#[track_caller]
fn assert_idle(peer: &Peer) {
    let protocol = &peer.protocol;
    assert!(protocol.is_open());
    assert!(protocol.opening.is_none() && protocol.partial.is_none() && protocol.ending.is_none());
    assert_eq!(peer.input.incomplete_bytes(), 0);
}

#[test]
fn what_is_kept_for_other_messages_is_bounded() {
    // Inflaters: one for each message that is under way, of which a few are kept.
    let mut input = Input::new();
    for (under_way, kept) in [(1, 1), (3, 3), (9, 4)] {
        let inflaters: Vec<_> = (0..under_way).map(|_| input.take_inflater()).collect();
        inflaters
            .into_iter()
            .for_each(|inflater| input.give_inflater(inflater));
        assert_eq!(format!("{input:?}").matches("Inflater {").count(), kept);
    }
    // Memory of messages that the application has done with: 32 MiB in blocks of up to 2.
    let block = |size| {
        let mut memory = Gathered::new();
        assert!(memory.reserve(size));
        memory
    };
    assert!(input.reuse(block(3 << 20)).is_some());
    let wanted = (0..100).take_while(|_| input.reuse(block(1 << 20)).is_none());
    assert_eq!(wanted.count(), 32);
}

#[test]
fn output_is_empty_once_all_of_it_is_consumed() {
    let mut peer = Peer::open(Role::Server, Options::default());
    assert!(peer.output.is_empty());
    peer.protocol.ping(&mut peer.output, b"abc").expect("open");
    let length = peer.output.bytes().len();
    for consumed in 0..length {
        assert!(!peer.output.is_empty(), "{consumed} of {length}");
        peer.output.consume(1);
    }
    assert!(peer.output.is_empty());
    assert_eq!(peer.output.bytes(), []);
}
