//! Messages that the application keeps: their memory, where it comes back, and where it is the application's from the start.

use std::any::Any;
use std::io;
use std::mem::MaybeUninit;

use std::ops::Range;

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

/// Where the messages that can be told now are kept, and those that were gathered.
fn kept_in_place(engine: &mut Engine) -> (Vec<Range<usize>>, Vec<Vec<u8>>) {
    let (mut places, mut gathered) = (Vec::new(), Vec::new());
    engine.poll(Some(PATIENCE)).expect("polls");
    loop {
        while engine.next_message().is_some() {
            places.push(engine.keep_in_place().expect("it was read at once"));
        }
        let Some((event, _)) = engine.next_event() else {
            return (places, gathered);
        };
        if let Some((_, payload)) = message(&event) {
            match engine.keep_in_place() {
                Some(place) => places.push(place),
                None => gathered.push(payload),
            }
        }
    }
}

fn payloads(memory: &[u8], places: Vec<Range<usize>>) -> Vec<Vec<u8>> {
    let payload = |place: Range<usize>| memory[place].to_vec();
    places.into_iter().map(payload).collect()
}

#[test]
fn messages_are_kept_where_they_were_read_and_the_engine_reads_on_behind_them() {
    let mut engine = engine();
    let (_, address) = listen(&mut engine, Options::default());
    let mut peer = Raw::open_in(&mut engine, address);
    let sent: Vec<_> = (1000..1020).map(pattern).collect();
    let frames: Vec<_> = sent
        .iter()
        .flat_map(|payload| frame(BINARY, payload, true))
        .collect();
    let (most, rest) = frames.split_at(frames.len() - 100);
    engine.replace_memory(vec![0; 1 << 20]);
    let memory = engine.memory().as_ptr();
    peer.write(most);
    let (places, gathered) = kept_in_place(&mut engine);
    assert!(gathered.is_empty());
    peer.write(rest);
    let (none, gathered) = kept_in_place(&mut engine);
    assert!(none.is_empty());
    assert_eq!(gathered, sent[19..]);
    peer.send(BINARY, &sent[0]);
    let (behind, _) = kept_in_place(&mut engine);
    assert!(behind[0].start > places[18].end);
    assert!(!engine.memory_is_full());
    let kept = engine.replace_memory(Vec::new());
    assert_eq!(kept.as_ptr(), memory);
    assert_eq!(payloads(&kept, places), sent[..19]);
    assert_eq!(payloads(&kept, behind), sent[..1]);
    assert!(
        !engine.memory_is_full(),
        "nothing is kept in the other memory"
    );
}

#[test]
fn what_is_kept_stays_although_the_engine_needs_more_room() {
    let mut engine = engine();
    let (_, address) = listen(&mut engine, Options::default());
    let mut peer = Raw::open_in(&mut engine, address);
    engine.replace_memory(vec![0; engine.read_size()]);
    let memory = engine.memory().as_ptr();
    peer.send(BINARY, &pattern(5000));
    let (places, _) = kept_in_place(&mut engine);
    assert!(engine.memory_is_full());
    peer.send(BINARY, &pattern(6000));
    let (none, copied) = kept_in_place(&mut engine);
    assert!(none.is_empty(), "it is in memory of the engine's own");
    assert_eq!(copied, [pattern(6000)]);
    assert!(engine.memory_is_full());
    let kept = engine.replace_memory(Vec::new());
    assert_eq!(kept.as_ptr(), memory);
    assert_eq!(payloads(&kept, places), [pattern(5000)]);
    peer.send(BINARY, &pattern(7000));
    let (places, _) = kept_in_place(&mut engine);
    assert_eq!(payloads(engine.memory(), places), [pattern(7000)]);
}
