//! A connection whose socket the host watches itself, beside the engine's descriptor.
#![allow(unsafe_code, reason = "the host's loop is poll(2)")]

use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::time::Duration;

use ropeway_core::engine::{ConnectionId, Engine, Event, EventKind};
use ropeway_core::frame::CloseCode;
use ropeway_core::protocol::{MessageKind, Options};

use crate::rig::*;

/// Which of the two are readable, waited for `wait` at most.
fn readable(descriptors: [RawFd; 2], wait: Duration) -> [bool; 2] {
    let mut watched = descriptors.map(|fd| libc::pollfd {
        fd,
        events: libc::POLLIN,
        revents: 0,
    });
    // SAFETY: `watched` is an array of two for the time of the call.
    let count = unsafe { libc::poll(watched.as_mut_ptr(), 2, wait.as_millis() as libc::c_int) };
    assert!(count >= 0, "{}", std::io::Error::last_os_error());
    watched.map(|watched| watched.revents != 0)
}

/// A loop that watches the engine, and a connection's socket as long as it is the host's to watch.
struct Host {
    engine: Engine,
    id: ConnectionId,
    socket: Option<OwnedFd>,
    /// Turns that the socket itself has asked for.
    turns: usize,
}

impl Host {
    /// One that has found a busy connection to `server`, and watches it.
    fn busy_with(server: &Served) -> Self {
        let mut engine = engine();
        let id = dial(&mut engine, server.address, Options::default());
        run(&mut engine, |event, _| {
            matches!(event.kind, EventKind::Opened(_))
        });
        let found = (0..100).find_map(|_| {
            send(&mut engine, id, b"busy");
            run(&mut engine, |event, _| is_message(&event, b"busy"));
            engine.take_lone()
        });
        assert_eq!(found, Some(id));
        assert_eq!(engine.take_lone(), None, "it is told once");
        let socket = engine.watch_apart(id).expect("can be watched");
        Self {
            engine,
            id,
            socket: Some(socket),
            turns: 0,
        }
    }

    /// Takes turns until `step` has said that it is done.
    fn run(&mut self, mut step: impl FnMut(&Event<'_>) -> bool) {
        let mut done = false;
        while !done {
            let socket = self.socket.as_ref().map_or(-1, AsRawFd::as_raw_fd);
            let ready = readable([self.engine.descriptor(), socket], PATIENCE);
            assert!(ready[0] || ready[1], "a wake-up is lost");
            for (ready, begins) in [(ready[0], false), (ready[1], true)] {
                if !ready {
                    continue;
                }
                if begins && self.engine.is_apart(self.id) {
                    self.turns += 1;
                    self.engine.begin_direct(self.id, true, false);
                }
                while let Some((event, _)) = self.engine.next_event() {
                    done |= step(&event);
                }
                if !self.engine.is_apart(self.id) {
                    self.socket = None;
                }
            }
        }
    }

    fn echoes(&mut self, payload: &[u8]) {
        send(&mut self.engine, self.id, payload);
        self.run(|event| is_message(event, payload));
    }
}

fn send(engine: &mut Engine, id: ConnectionId, payload: &[u8]) {
    engine
        .connections()
        .send(id, MessageKind::Binary, payload)
        .expect("sends");
}

fn is_message(event: &Event<'_>, expected: &[u8]) -> bool {
    matches!(event.kind, EventKind::Message { payload, .. } if payload == expected)
}

#[test]
fn a_busy_connection_is_read_without_the_poller() {
    let server = Served::echo(Options::default());
    let mut host = Host::busy_with(&server);
    // The change itself is told once.
    host.echoes(b"first");
    for turn in 1..=50 {
        let before = host.turns;
        send(&mut host.engine, host.id, b"by itself");
        let socket = host.socket.as_ref().map_or(-1, AsRawFd::as_raw_fd);
        let ready = readable([-1, socket], PATIENCE);
        assert!(ready[1], "message {turn} does not come");
        let descriptor = host.engine.descriptor();
        assert!(!readable([descriptor, -1], Duration::ZERO)[0]);
        host.run(|event| is_message(event, b"by itself"));
        assert_eq!(host.turns, before + 1);
    }
    // Writes that block still go on by the engine's descriptor.
    host.echoes(&pattern(8 << 20));
}

#[test]
fn a_pause_takes_it_back() {
    let server = Served::echo(Options::default());
    let mut host = Host::busy_with(&server);
    host.echoes(b"first");
    send(&mut host.engine, host.id, b"held");
    let id = host.id;
    host.engine.connections().pause(id).expect("pauses");
    assert!(!host.engine.is_apart(id));
    assert!(host.engine.watch_apart(id).is_err(), "nothing is read now");
    host.socket = None;
    host.engine.connections().resume(id).expect("resumes");
    host.run(|event| is_message(event, b"held"));
    // And again, which loses nothing that has come before.
    send(&mut host.engine, id, b"between");
    host.socket = Some(host.engine.watch_apart(id).expect("can be watched"));
    host.run(|event| is_message(event, b"between"));
    send(&mut host.engine, id, b"left");
    host.engine.watch_again(id);
    host.socket = None;
    host.run(|event| is_message(event, b"left"));
}

#[test]
fn the_end_takes_it_back() {
    let ends: [fn(&mut Engine, ConnectionId); 2] = [
        |engine, id| {
            let connections = engine.connections();
            connections
                .close(id, CloseCode::NORMAL, "")
                .expect("closes");
        },
        |engine, id| engine.connections().abort(id).expect("aborts"),
    ];
    for end in ends {
        let server = Served::echo(Options::default());
        let mut host = Host::busy_with(&server);
        end(&mut host.engine, host.id);
        host.run(|event| matches!(event.kind, EventKind::Closed(_)));
        assert!(host.socket.is_none());
        assert!(!host.engine.is_apart(host.id));
        all_gone(&mut host.engine);
    }
}

#[test]
fn two_connections_in_turns_are_not_alone() {
    let server = Served::echo(Options::default());
    let mut engine = engine();
    let ids = [0, 1].map(|_| dial(&mut engine, server.address, Options::default()));
    let mut opened = 0;
    run(&mut engine, |event, _| {
        opened += usize::from(matches!(event.kind, EventKind::Opened(_)));
        opened == 2
    });
    for _ in 0..100 {
        for id in ids {
            send(&mut engine, id, b"busy");
            run(&mut engine, |event, _| is_message(&event, b"busy"));
            assert_eq!(engine.take_lone(), None);
        }
    }
    let unknown = engine.watch_apart(ConnectionId::NONE);
    assert!(unknown.is_err());
}
