//! The way of a thread with one connection: it waits on the socket itself, and never asks the poller.
#![allow(unsafe_code, reason = "the thread waits by poll(2)")]

use std::net::TcpListener;
use std::time::{Duration, Instant};

use ropeway_core::engine::{ConnectionId, DirectWait, Engine, EventKind};
use ropeway_core::frame::CloseCode;
use ropeway_core::protocol::{MessageKind, Options};
use ropeway_core::{Deadline, Error};

use crate::rig::*;

/// Waits for what the engine says, and begins the turn.
fn wait(engine: &mut Engine, id: ConnectionId) {
    let (descriptor, events, bound) = match engine.direct_wait(id).expect("no fork") {
        DirectWait::Nothing => return,
        DirectWait::Engine(descriptor) => (descriptor, libc::POLLIN, PATIENCE),
        DirectWait::Socket {
            socket,
            readable,
            writable,
            timeout,
        } => (
            socket,
            if readable { libc::POLLIN } else { 0 } | if writable { libc::POLLOUT } else { 0 },
            timeout.unwrap_or(PATIENCE).min(PATIENCE),
        ),
    };
    let mut watched = libc::pollfd {
        fd: descriptor,
        events,
        revents: 0,
    };
    let millis = bound.as_micros().div_ceil(1000) as libc::c_int;
    // SAFETY: `watched` is one valid pollfd for the time of the call.
    let count = unsafe { libc::poll(&raw mut watched, 1, millis) };
    assert!(count >= 0, "{}", std::io::Error::last_os_error());
    if matches!(engine.direct_wait(id), Ok(DirectWait::Socket { .. })) {
        let readable = watched.revents & !libc::POLLOUT != 0;
        engine.begin_direct(id, readable, watched.revents & libc::POLLOUT != 0);
    }
}

/// Drives until `step` has said that it is done.
fn drive(engine: &mut Engine, id: ConnectionId, mut step: impl FnMut(EventKind<'_>) -> bool) {
    let end = Instant::now() + PATIENCE;
    let mut done = false;
    while !done {
        assert!(Instant::now() < end, "it never happened");
        wait(engine, id);
        while let Some((event, _)) = engine.next_event() {
            done |= step(event.kind);
        }
    }
}

#[test]
fn messages_pings_and_the_end_come_without_the_poller() {
    let server = Served::echo(Options::default());
    let mut engine = engine();
    let id = dial(&mut engine, server.address, Options::default());
    drive(&mut engine, id, |event| {
        matches!(event, EventKind::Opened(_))
    });
    for size in [0, 20, 70_000, 3 << 20] {
        let payload = pattern(size);
        engine
            .connections()
            .send(id, MessageKind::Binary, &payload)
            .expect("sends");
        drive(&mut engine, id, |event| match event {
            EventKind::Message { payload: got, .. } => {
                assert!(got == payload);
                true
            }
            _ => false,
        });
    }
    assert!(matches!(
        engine.direct_wait(id),
        Ok(DirectWait::Nothing
            | DirectWait::Socket {
                writable: false,
                ..
            })
    ));
    engine
        .connections()
        .close(id, CloseCode::NORMAL, "")
        .expect("closes");
    drive(&mut engine, id, |event| match event {
        EventKind::Closed(closed) => {
            assert!(closed.is_clean());
            true
        }
        _ => false,
    });
    while !engine.connections().is_empty() {
        wait(&mut engine, id);
        assert!(engine.next_event().is_none());
    }
}

#[test]
fn its_timers_run() {
    let mut engine = engine();
    let listener = TcpListener::bind("127.0.0.1:0").expect("listens");
    let address = listener.local_addr().expect("has one");
    let server = std::thread::spawn(move || {
        let mut raw = Raw::accept(&listener);
        raw.upgrade();
        // The ping, which stays without an answer, and what the client's end makes of it.
        raw.rest()
    });
    let options = Options {
        ping_interval: Duration::from_millis(20),
        pong_timeout: Duration::from_millis(20),
        ..Options::default()
    };
    let id = dial(&mut engine, address, options);
    drive(&mut engine, id, |event| {
        matches!(event, EventKind::Opened(_))
    });
    drive(&mut engine, id, |event| match event {
        EventKind::Closed(closed) => {
            assert!(matches!(
                closed.cause,
                Some(Error::Timeout {
                    deadline: Deadline::Pong,
                    ..
                })
            ));
            true
        }
        _ => false,
    });
    drop(engine);
    assert_eq!(server.join().expect("no panic")[0], PING);
}
