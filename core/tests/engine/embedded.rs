//! The engine's descriptor in a foreign loop: each kind of work makes it ready, and nothing else does.
#![allow(unsafe_code, reason = "the foreign loop is poll(2)")]

use std::net::TcpListener;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ropeway_core::Error;
use ropeway_core::engine::{ConnectionId, Connections, Engine, Event, EventKind};
use ropeway_core::frame::CloseCode;
use ropeway_core::protocol::{MessageKind, Options};

use crate::rig::*;

/// Whether the descriptor becomes readable in time.
fn ready(descriptor: RawFd, wait: Duration) -> bool {
    let mut watched = libc::pollfd {
        fd: descriptor,
        events: libc::POLLIN,
        revents: 0,
    };
    // SAFETY: `watched` is one valid pollfd for the time of the call.
    let count = unsafe { libc::poll(&raw mut watched, 1, wait.as_millis() as libc::c_int) };
    assert!(count >= 0, "{}", std::io::Error::last_os_error());
    count > 0
}

/// A loop that knows nothing but the descriptor. Counts its wake-ups.
fn embed(engine: &mut Engine, mut step: impl FnMut(Event<'_>, &mut Connections) -> bool) -> usize {
    let descriptor = engine.descriptor();
    let mut wakeups = 0;
    loop {
        assert!(ready(descriptor, PATIENCE), "a wake-up is lost");
        wakeups += 1;
        assert!(wakeups < 100_000, "it never happens, and the loop is busy");
        let mut done = false;
        while let Some((event, connections)) = engine.next_event() {
            done |= step(event, connections);
        }
        if done {
            return wakeups;
        }
    }
}

/// No work: the descriptor stays quiet once what is pending has been drained.
fn quiet(engine: &mut Engine) {
    let descriptor = engine.descriptor();
    let mut spurious = 0;
    while ready(descriptor, Duration::from_millis(60)) {
        assert!(engine.next_event().is_none(), "there was work");
        spurious += 1;
        assert!(spurious < 10, "a busy loop");
    }
}

#[test]
fn every_kind_of_work_makes_the_descriptor_ready() {
    let mut engine = engine();
    engine.descriptor();
    let options = Options {
        ask_upgrade: true,
        ..Options::default()
    };
    let (_, address) = listen(&mut engine, options);
    // Connections that come.
    let client = dial(&mut engine, address, Options::default());
    let mut server = ConnectionId::NONE;
    embed(&mut engine, |event, _| {
        assert!(
            matches!(event.kind, EventKind::UpgradeRequest(_)),
            "{event:?}"
        );
        server = event.id;
        true
    });
    quiet(&mut engine);
    // A decision from outside.
    engine
        .connections()
        .accept(server, &Default::default())
        .expect("accepts");
    let mut opened = 0;
    embed(&mut engine, |_, _| {
        opened += 1;
        opened == 2
    });
    quiet(&mut engine);
    // Data.
    engine
        .connections()
        .send_text(client, "data")
        .expect("sends");
    embed(&mut engine, |event, _| message(&event).is_some());
    // A pause holds back, and a resume from outside brings it.
    engine.connections().pause(server).expect("pauses");
    engine
        .connections()
        .send_text(client, "held")
        .expect("sends");
    quiet(&mut engine);
    engine.connections().resume(server).expect("resumes");
    embed(&mut engine, |event, _| message(&event).is_some());
    // Another thread.
    let remote = engine.remote();
    let thread =
        std::thread::spawn(move || remote.send(server, MessageKind::Text, b"remote".to_vec()));
    embed(&mut engine, |event, _| {
        event.id == client && message(&event).is_some()
    });
    thread.join().expect("no panic").expect("is taken");
    quiet(&mut engine);
    // An end of this side's own making.
    engine.connections().abort(client).expect("aborts");
    let mut ends = 0;
    embed(&mut engine, |event, _| {
        ends += usize::from(matches!(event.kind, EventKind::Closed(_)));
        ends == 2
    });
    quiet(&mut engine);
    assert!(engine.connections().is_empty());
    // A name that does not resolve, and a URL without a server.
    let options = Arc::new(Options::default());
    engine
        .connections()
        .connect("ws://no-such-host.invalid/", options)
        .expect("dials");
    embed(&mut engine, |event, _| {
        matches!(event.kind, EventKind::Closed(_))
    });
    dial(
        &mut engine,
        "127.0.0.1:1".parse().expect("an address"),
        Options::default(),
    );
    embed(&mut engine, |event, _| {
        matches!(event.kind, EventKind::Closed(_))
    });
    quiet(&mut engine);
}

#[test]
fn time_outs_make_the_descriptor_ready() {
    let mut engine = engine();
    let listener = TcpListener::bind("127.0.0.1:0").expect("listens");
    engine.descriptor();
    let wait = Duration::from_millis(70);
    let begun = Instant::now();
    let options = Options {
        open_timeout: wait,
        ..Options::default()
    };
    dial(
        &mut engine,
        listener.local_addr().expect("has one"),
        options,
    );
    let wakeups = embed(&mut engine, |event, _| {
        matches!(event.kind, EventKind::Closed(_))
    });
    assert!(begun.elapsed() >= wait);
    assert!(wakeups < 12, "{wakeups} wake-ups for one time-out");
    quiet(&mut engine);
}

#[test]
fn keep_alive_pings_leave_a_foreign_loop() {
    let mut engine = engine();
    let options = Options {
        ping_interval: Duration::from_millis(30),
        ..Options::default()
    };
    let (_, server) = pair(&mut engine, Options::default(), options);
    let mut pongs = 0;
    let wakeups = embed(&mut engine, |event, _| {
        if let EventKind::Pong { round_trip, .. } = event.kind {
            assert_eq!(event.id, server);
            assert!(round_trip.is_some());
            pongs += 1;
        }
        pongs == 3
    });
    assert!(wakeups < 40, "{wakeups} wake-ups for three pings");
}

#[test]
fn work_that_lies_ready_before_the_descriptor_is_asked_for_is_not_lost() {
    let mut engine = engine();
    let id = dial(
        &mut engine,
        "127.0.0.1:1".parse().expect("an address"),
        Options {
            open_timeout: Duration::ZERO,
            ..Options::default()
        },
    );
    engine.connections().abort(id).expect("aborts");
    assert!(ready(engine.descriptor(), PATIENCE));
    let mut told = false;
    while let Some((event, _)) = engine.next_event() {
        told |=
            matches!(event.kind, EventKind::Closed(closed) if closed.cause == Some(Error::Aborted));
    }
    assert!(told);
}

#[test]
fn an_idle_engine_with_connections_and_pending_timers_sleeps() {
    let mut engine = engine();
    for _ in 0..10 {
        pair(&mut engine, Options::default(), Options::default());
    }
    let descriptor = engine.descriptor();
    let end = Instant::now() + Duration::from_millis(400);
    let mut wakeups = 0;
    while Instant::now() < end {
        if ready(descriptor, end.saturating_duration_since(Instant::now())) {
            wakeups += 1;
            assert!(engine.next_event().is_none());
        }
    }
    // Timers of 20 s are looked at again when their wheel turns, and that seldom.
    assert!(wakeups <= 8, "{wakeups} wake-ups while idle");
}

#[test]
fn a_turn_is_bounded_and_a_flood_does_not_starve_others() {
    let mut engine = engine();
    let (_, address) = listen(&mut engine, Options::default());
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let flood = std::thread::spawn(move || {
        let mut raw = Raw::open(address);
        let block: Vec<u8> = (0..2_000)
            .flat_map(|_| frame(BINARY, &[0; 100], true))
            .collect();
        while !stopped.load(std::sync::atomic::Ordering::Relaxed)
            && std::io::Write::write_all(&mut raw.socket, &block).is_ok()
        {}
        raw
    });
    // The flood is on its way before the other one comes.
    let mut flooded = 0;
    embed(&mut engine, |event, _| {
        flooded += usize::from(message(&event).is_some());
        flooded > 10_000
    });
    let modest = std::thread::spawn(move || {
        let mut raw = Raw::open(address);
        for number in 0..50_u8 {
            raw.send(TEXT, &[b'0' + number % 10]);
            assert_eq!(raw.receive(), (TEXT, vec![b'0' + number % 10]));
        }
    });
    let descriptor = engine.descriptor();
    let mut most = 0;
    while !modest.is_finished() {
        assert!(ready(descriptor, PATIENCE), "a wake-up is lost");
        let mut turn = 0;
        while let Some((event, connections)) = engine.next_event() {
            if let EventKind::Message { kind, payload } = event.kind {
                turn += payload.len();
                if kind == MessageKind::Text {
                    connections.send(event.id, kind, payload).expect("echoes");
                }
            }
        }
        most = most.max(turn);
    }
    modest.join().expect("it was served in spite of the flood");
    assert!(most <= 4 << 20, "{most} bytes of payload in one turn");
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    // The flooder may be blocked in a write.
    until(&mut engine, |_, _| {}, |_| flood.is_finished());
    drop(flood.join().expect("no panic"));
}

#[test]
fn a_close_from_outside_ends_a_paused_connection_in_a_foreign_loop() {
    let mut engine = engine();
    let (client, server) = pair(&mut engine, Options::default(), Options::default());
    engine.descriptor();
    engine.connections().pause(server).expect("pauses");
    engine
        .connections()
        .send_text(client, "held")
        .expect("sends");
    quiet(&mut engine);
    engine
        .connections()
        .close(server, CloseCode::NORMAL, "")
        .expect("closes");
    let mut ends = 0;
    embed(&mut engine, |event, _| {
        ends += usize::from(matches!(event.kind, EventKind::Closed(_)));
        ends == 2
    });
    let descriptor = engine.descriptor();
    while !engine.connections().is_empty() {
        assert!(ready(descriptor, PATIENCE), "a wake-up is lost");
        assert!(engine.next_event().is_none());
    }
}

#[test]
fn what_was_read_behind_a_message_is_not_looked_at_before_it_is_asked_for() {
    for behind in [frame(CLOSE, &close_payload(1000, ""), true), Vec::new()] {
        let mut engine = engine();
        let (_, address) = listen(&mut engine, Options::default());
        let mut peer = Raw::connect(address);
        peer.write([REQUEST.as_bytes(), &frame(TEXT, b"question", true), &behind].concat());
        let mut over = false;
        while !over {
            engine.poll(Some(PATIENCE)).expect("polls");
            while let Some((event, _)) = engine.next_event() {
                let id = event.id;
                let is_message = message(&event).is_some();
                over |= matches!(event.kind, EventKind::Closed(_));
                if is_message {
                    assert_eq!(engine.unparsed().is_some(), !behind.is_empty());
                    engine.connections().send_text(id, "answer").expect("open");
                    over = behind.is_empty();
                }
            }
        }
        assert!(engine.unparsed().is_none());
        assert!(peer.head().starts_with("HTTP/1.1 101 "));
        assert_eq!(peer.receive(), (TEXT, b"answer".to_vec()));
    }
}
