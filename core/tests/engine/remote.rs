//! An engine from other threads.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use ropeway_core::engine::{ConnectionId, Engine, EngineOptions, EventKind};
use ropeway_core::frame::CloseCode;
use ropeway_core::protocol::{MessageKind, Options};
use ropeway_core::{Error, Limit, SendError};

use crate::rig::*;

#[test]
fn several_threads_send_each_in_its_order() {
    const THREADS: u32 = 4;
    const EACH: u32 = 2_000;
    let mut engine = engine();
    let (client, server) = pair(&mut engine, Options::default(), Options::default());
    engine
        .connections()
        .subscribe(server, "all")
        .expect("is there");
    let threads: Vec<_> = (0..THREADS)
        .map(|thread| {
            let remote = engine.remote();
            std::thread::spawn(move || {
                for number in 0..EACH {
                    let payload = [thread.to_be_bytes(), number.to_be_bytes()].concat();
                    if number % 2 == 0 {
                        remote
                            .send(server, MessageKind::Binary, payload)
                            .expect("is taken");
                    } else {
                        remote
                            .publish("all", MessageKind::Binary, payload)
                            .expect("is taken");
                    }
                }
            })
        })
        .collect();
    let mut next = [0; THREADS as usize];
    run(&mut engine, |event, _| {
        assert_eq!(event.id, client);
        let (_, payload) = message(&event).expect("messages only");
        let (thread, number) = payload.split_at(4);
        let thread = usize::from(thread[3]);
        assert_eq!(number, u32::to_be_bytes(next[thread]), "thread {thread}");
        next[thread] += 1;
        next == [EACH; THREADS as usize]
    });
    threads
        .into_iter()
        .for_each(|thread| thread.join().expect("no panic"));
}

#[test]
fn waiting_commands_are_bounded() {
    let options = EngineOptions {
        remote_queue_limit: 10_000,
        ..EngineOptions::default()
    };
    let mut engine = Engine::new(options).expect("an engine");
    let (client, server) = pair(&mut engine, Options::default(), Options::default());
    let remote = engine.remote();
    let mut taken = 0;
    let error = loop {
        match remote.send(server, MessageKind::Binary, vec![0; 1_000]) {
            Ok(()) => taken += 1,
            Err(error) => break error,
        }
    };
    assert!(taken > 5);
    match error {
        Error::Limit {
            limit: Limit::RemoteQueue,
            value,
            actual,
            ..
        } => {
            assert_eq!(value, 10_000);
            assert!(actual > value);
        }
        other => panic!("{other:?}"),
    }
    let mut came = 0;
    run(&mut engine, |event, _| {
        came += usize::from(event.id == client && message(&event).is_some());
        came == taken
    });
    remote
        .send(server, MessageKind::Binary, vec![0; 9_000])
        .expect("there is room again");
}

#[test]
fn an_engine_that_is_gone_says_so() {
    let remote = engine().remote();
    let id = ConnectionId::from_bits(1 << 20);
    assert_eq!(
        remote.send(id, MessageKind::Text, vec![]),
        Err(Error::EngineGone)
    );
    assert_eq!(
        remote.publish("t", MessageKind::Text, vec![]),
        Err(Error::EngineGone)
    );
    assert_eq!(
        remote.close(id, CloseCode::NORMAL, ""),
        Err(Error::EngineGone)
    );
    assert_eq!(remote.abort(id), Err(Error::EngineGone));
    assert_eq!(remote.wake(), Err(Error::EngineGone));
}

#[test]
fn wake_ends_a_wait() {
    let mut engine = engine();
    let remote = engine.remote();
    let (waiting, waits) = mpsc::channel();
    let waker = std::thread::spawn(move || {
        waits.recv().expect("it is said");
        remote.wake().expect("the engine is there");
    });
    let begun = Instant::now();
    waiting.send(()).expect("somebody listens");
    engine.poll(Some(PATIENCE)).expect("polls");
    assert!(begun.elapsed() < PATIENCE);
    assert!(engine.next_event().is_none());
    waker.join().expect("no panic");
    // Before the wait it counts as well.
    engine.remote().wake().expect("the engine is there");
    engine.poll(None).expect("polls");
}

#[test]
fn closes_and_aborts() {
    let mut engine = engine();
    let (client, server) = pair(&mut engine, Options::default(), Options::default());
    let remote = engine.remote();
    std::thread::spawn(move || {
        remote
            .close(server, CloseCode::GOING_AWAY, "from elsewhere")
            .expect("is taken");
        remote
            .close(server, CloseCode::GOING_AWAY, "twice")
            .expect("is taken");
    })
    .join()
    .expect("no panic");
    assert_eq!(end_of(&mut engine, client).reason(), "from elsewhere");
    all_gone(&mut engine);

    let (client, server) = pair(&mut engine, Options::default(), Options::default());
    engine
        .remote()
        .close(server, CloseCode::NO_STATUS, "no code for it")
        .expect("is taken");
    assert_eq!(
        end_of(&mut engine, client).code(),
        CloseCode::INTERNAL_ERROR
    );
    all_gone(&mut engine);

    let (_, server) = pair(&mut engine, Options::default(), Options::default());
    engine.remote().abort(server).expect("is taken");
    engine.remote().abort(server).expect("is taken");
    assert_eq!(end_of(&mut engine, server).cause, Some(Error::Aborted));
    all_gone(&mut engine);
}

#[test]
fn what_cannot_be_delivered_is_told_unless_the_connection_is_gone() {
    let mut engine = engine();
    let options = Options {
        send_queue_limit: 100_000,
        ..Options::default()
    };
    let (_, address) = listen(&mut engine, options);
    let raw = std::thread::spawn(move || Raw::open(address));
    let mut server = ConnectionId::NONE;
    run(&mut engine, |event, _| {
        server = event.id;
        true
    });
    let _raw = raw.join().expect("opens");
    while engine
        .connections()
        .send_binary(server, &pattern(50_000))
        .is_ok()
    {}
    let remote = engine.remote();
    remote
        .send(server, MessageKind::Binary, vec![0; 70_000])
        .expect("is taken");
    remote
        .send(server, MessageKind::Text, vec![0xFF])
        .expect("is taken");
    remote
        .publish("t", MessageKind::Text, vec![0xFF])
        .expect("is taken");
    let gone = ConnectionId::from_bits(99 << 20);
    remote
        .send(gone, MessageKind::Text, vec![])
        .expect("is taken");
    let mut log = Vec::new();
    run(&mut engine, |event, _| {
        match event.kind {
            EventKind::Undelivered { bytes, error } => log.push((event.id, bytes, error)),
            ref other => panic!("{other:?}"),
        }
        log.len() == 3
    });
    assert!(matches!(log[0], (id, 70_000, SendError::Full { limit: 100_000, .. }) if id == server));
    assert_eq!(log[1], (server, 1, SendError::InvalidUtf8));
    assert_eq!(log[2], (ConnectionId::NONE, 1, SendError::InvalidUtf8));
    engine.poll(Some(Duration::ZERO)).expect("polls");
    assert!(engine.next_event().is_none());
}

#[test]
fn what_others_published_is_told_after_its_subscribers_have_got_it() {
    let mut engine = engine();
    let (client, server) = pair(&mut engine, Options::default(), Options::default());
    engine
        .connections()
        .subscribe(server, "cats")
        .expect("is there");
    let remote = engine.remote();
    for (topic, kind, payload) in [
        ("cats", MessageKind::Text, "grüezi".as_bytes()),
        ("dogs", MessageKind::Binary, b"\xFF"),
        ("dogs", MessageKind::Text, b"\xFF"),
    ] {
        remote
            .deliver(topic, kind, payload.to_vec())
            .expect("is taken");
    }
    let mut log = Vec::new();
    run(&mut engine, |event, _| {
        log.push(match event.kind {
            EventKind::Relayed {
                topic,
                kind,
                payload,
            } => {
                assert_eq!(event.id, ConnectionId::NONE);
                format!("{topic}: {kind:?} {payload:?}")
            }
            EventKind::Undelivered { bytes, error } => format!("{bytes}: {error:?}"),
            _ => {
                assert_eq!(event.id, client);
                format!("{:?}", message(&event).expect("a message"))
            }
        });
        log.len() == 4
    });
    let payload = "grüezi".as_bytes();
    let expected = [
        format!("cats: Text {payload:?}"),
        "dogs: Binary [255]".to_owned(),
        "1: InvalidUtf8".to_owned(),
        format!("{:?}", (MessageKind::Text, payload)),
    ];
    assert_eq!(log, expected);
}
