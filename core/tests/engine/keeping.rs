//! Messages that the application keeps: their memory, and where it comes back.

use ropeway_core::SendError;
use ropeway_core::engine::{Engine, EventKind};
use ropeway_core::protocol::{Gathered, MessageKind, Options};

use crate::rig::*;

/// The next message of the engine's, kept.
fn kept(engine: &mut Engine) -> Gathered {
    loop {
        engine.poll(Some(PATIENCE)).expect("polls");
        while let Some((event, _)) = engine.next_event() {
            if let EventKind::Message { payload, .. } = event.kind {
                let payload = payload.to_vec();
                let message = engine.keep_message().expect("is a message");
                assert_eq!(message.bytes(), payload);
                assert!(engine.keep_message().is_none(), "it is kept once");
                return message;
            }
            assert!(engine.keep_message().is_none(), "it is no message");
        }
    }
}

#[test]
fn a_gathered_message_is_kept_without_a_copy_and_its_memory_used_again() {
    let mut engine = engine();
    let (_, address) = listen(&mut engine, Options::default());
    let sent = pattern(1 << 20);
    let peer = std::thread::spawn({
        let sent = sent.clone();
        move || {
            let mut peer = Raw::open(address);
            for _ in 0..3 {
                peer.send(BINARY, &sent);
            }
            peer.send(BINARY, b"short");
            peer
        }
    });
    let first = kept(&mut engine);
    let memory = first.bytes().as_ptr();
    assert_eq!(first.bytes(), sent);
    let second = kept(&mut engine);
    assert_ne!(second.bytes().as_ptr(), memory);
    assert_eq!(first.bytes(), sent, "it stays what it is");
    assert!(engine.reuse(first).is_none(), "it is taken");
    let capacity = second.capacity();
    let unwanted = engine.reuse(second).expect("one is enough");
    assert!(unwanted.capacity() >= capacity.min(1 << 20));
    let third = kept(&mut engine);
    assert_eq!(third.bytes(), sent);
    // What stands in the receive buffer is copied.
    assert_eq!(kept(&mut engine).bytes(), b"short");
    drop(peer.join());
}

#[test]
fn a_received_text_is_validated_anew_when_it_was_kept_and_changed() {
    let mut engine = engine();
    let (_, address) = listen(&mut engine, Options::default());
    let text = vec![b'x'; 1 << 20];
    let peer = std::thread::spawn({
        let text = text.clone();
        move || {
            let mut peer = Raw::open(address);
            peer.send(TEXT, &text);
            peer.receive()
        }
    });
    let sender = loop {
        engine.poll(Some(PATIENCE)).expect("polls");
        if let Some((event, connections)) = engine.next_event()
            && let EventKind::Message { kind, payload } = event.kind
        {
            connections.send(event.id, kind, payload).expect("is valid");
            break event.id;
        }
    };
    let mut kept = engine.keep_message().expect("is a message");
    kept.bytes_mut()[0] = 0xff;
    let sent = engine
        .connections()
        .send(sender, MessageKind::Text, kept.bytes());
    assert_eq!(sent, Err(SendError::InvalidUtf8));
    assert!(engine.next_event().is_none());
    assert!(engine.keep_message().is_none(), "its loan is over");
    until(&mut engine, |_, _| {}, |_| peer.is_finished());
    assert!(peer.join().expect("no panic") == (TEXT, text));
}
