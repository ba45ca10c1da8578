//! Messages that the application keeps: their memory, where it comes back, and where it is the application's from the start.

use std::any::Any;
use std::io;
use std::mem::MaybeUninit;

use ropeway_core::SendError;
use ropeway_core::engine::{Engine, EventKind};
use ropeway_core::protocol::{Gathered, MessageKind, Options, Receive, Room};

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
    assert!(engine.reuse(second).is_none(), "and so is another one");
    let third = kept(&mut engine);
    assert_eq!(third.bytes(), sent);
    // What stands in the receive buffer is copied.
    assert_eq!(kept(&mut engine).bytes(), b"short");
    drop(peer.join());
}

/// Memory of the application's.
#[derive(Debug)]
struct Own(usize, Vec<u8>);

impl Room for Own {
    fn fill(&mut self, before: &[u8], receive: &mut Receive<'_>) -> io::Result<usize> {
        self.1.extend(before);
        let mut rest = vec![MaybeUninit::uninit(); self.0 - before.len()];
        let received = receive(&mut rest)?;
        self.1.extend_from_slice(received);
        Ok(received.len())
    }

    fn bytes(&self) -> &[u8] {
        &self.1
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.1
    }
}

#[test]
fn large_messages_come_in_the_applications_memory_and_others_as_ever() {
    let mut engine = engine();
    engine.make_rooms(Box::new(|length| {
        (length != 300_000).then(|| Box::new(Own(length, Vec::new())) as Box<dyn Room>)
    }));
    let (_, address) = listen(&mut engine, Options::default());
    let mut peer = Raw::open_in(&mut engine, address);
    let mut in_rooms = Vec::new();
    // The kernel may hand over any of them bit by bit, though not all.
    for size in [200_000, 10, 300_000, 70_000, 20_000, 2 << 20]
        .into_iter()
        .cycle()
    {
        if size == 200_000 && !in_rooms.is_empty() {
            break;
        }
        let sent = pattern(size);
        let text = vec![b'x'; size];
        let writer = std::thread::spawn({
            let (sent, text) = (sent.clone(), text.clone());
            move || {
                peer.send(BINARY, &sent);
                peer.send(TEXT, &text);
                peer
            }
        });
        let mut received = Vec::new();
        while received.len() < 2 {
            engine.poll(Some(PATIENCE)).expect("polls");
            while let Some((event, _)) = engine.next_event() {
                let EventKind::Message { payload, .. } = event.kind else {
                    panic!("{:?}", event.kind);
                };
                received.push(payload.to_vec());
                let room = engine.take_room();
                assert!(engine.take_room().is_none(), "it is taken once");
                if let Some(room) = room {
                    assert_eq!(room.bytes(), received[received.len() - 1]);
                    assert!((room as Box<dyn Any>).is::<Own>());
                    in_rooms.push((size, received.len()));
                }
            }
        }
        assert!(received == [sent, text]);
        peer = writer.join().expect("no panic");
    }
    assert!(
        in_rooms
            .iter()
            .all(|&(size, nth)| size > 50_000 && size != 300_000 && nth == 1),
        "{in_rooms:?}"
    );
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

#[test]
fn messages_are_kept_where_they_were_read_and_the_rest_is_read_on() {
    let mut engine = engine();
    let (_, address) = listen(&mut engine, Options::default());
    let mut peer = Raw::open_in(&mut engine, address);
    let sent: Vec<_> = (1000..1020).map(pattern).collect();
    let frames: Vec<_> = sent
        .iter()
        .flat_map(|payload| frame(BINARY, payload, true))
        .collect();
    let (most, rest) = frames.split_at(frames.len() - 100);
    let (mut received, mut kept) = (Vec::new(), 0);
    for bytes in [most, rest] {
        peer.write(bytes);
        engine.poll(Some(PATIENCE)).expect("polls");
        loop {
            let mut places = Vec::new();
            while engine.next_message().is_some() {
                let (place, behind) = engine.payload_place().expect("it was read at once");
                assert_eq!(engine.payload().len(), place.len());
                places.push(place);
                if places.len() == 3 {
                    assert!(behind > 0);
                    break;
                }
            }
            if !places.is_empty() {
                let memory = engine.keep_input(Vec::new());
                kept += places.len();
                received.extend(places.into_iter().map(|place| memory[place].to_vec()));
                continue;
            }
            match engine.next_event() {
                Some((event, _)) => received.extend(message(&event).map(|(_, payload)| payload)),
                None => break,
            }
        }
    }
    assert!(kept > 10, "{kept}");
    assert_eq!(received, sent);
}
