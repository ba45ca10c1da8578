//! What concerns a whole process, and so needs one of its own: descriptors running out, forks, leaks.
#![allow(unsafe_code, reason = "limits and forks are system calls")]

use std::os::fd::AsRawFd;
use std::process::Command;
use std::time::{Duration, Instant};

use ropeway_core::engine::{ConnectionId, Engine, EventKind, Remote};
use ropeway_core::frame::CloseCode;
use ropeway_core::handshake::Refusal;
use ropeway_core::protocol::{MessageKind, Options};
use ropeway_core::{Error, SendError};

use crate::rig::*;

const CHILD: &str = "ROPEWAY_TEST_CHILD";

/// Runs `body` in a process that runs no other test; `name` is the test that calls this.
pub(crate) fn alone(name: &str, body: impl FnOnce()) {
    if std::env::var_os(CHILD).is_some_and(|child| *child == *name) {
        return body();
    }
    let output = child(name).output().expect("starts");
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    let ran = String::from_utf8_lossy(&output.stdout).contains("1 passed");
    assert!(ran, "no test of the name {name}");
}

/// This program again, for one test only.
pub(crate) fn child(name: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command
        .args([
            name,
            "--exact",
            "--include-ignored",
            "--test-threads=1",
            "--nocapture",
        ])
        .env(CHILD, name);
    command
}

/// Sets how many descriptors the process may have; `None`: as many as it can get. Says how many those are.
pub(crate) fn limit_descriptors(count: Option<u64>) -> u64 {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: `limit` is valid for writes.
    assert_eq!(
        unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) },
        0
    );
    limit.rlim_cur = count.unwrap_or(limit.rlim_max);
    // SAFETY: `limit` is valid for reads.
    assert_eq!(
        unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) },
        0
    );
    limit.rlim_cur
}

fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("a list").count() - 1
}

/// So many turns within the time, with what they told.
fn turns(engine: &mut Engine, time: Duration, mut told: impl FnMut(EventKind<'_>)) -> usize {
    let end = Instant::now() + time;
    let mut count = 0;
    while let Some(left) = end.checked_duration_since(Instant::now()) {
        engine.poll(Some(left)).expect("polls");
        count += 1;
        while let Some((event, _)) = engine.next_event() {
            told(event.kind);
        }
    }
    count
}

#[test]
fn running_out_of_descriptors_is_told_once_and_passes() {
    alone(
        "process::running_out_of_descriptors_is_told_once_and_passes",
        || {
            let mut engine = engine();
            let (listener, address) = listen(&mut engine, Options::default());
            // One more than there are peers: the system wants a free one even to say that nobody waits.
            let spare: Vec<_> = (0..4)
                .map(|_| std::fs::File::open("/dev/null").expect("opens"))
                .collect();
            let peers: Vec<Raw> = (0..3).map(|_| Raw::connect(address)).collect();
            let highest = peers
                .iter()
                .map(|raw| raw.socket.as_raw_fd())
                .max()
                .expect("three");
            limit_descriptors(Some(highest as u64 + 1));
            let mut failed = 0;
            let count = turns(
                &mut engine,
                Duration::from_millis(350),
                |event| match event {
                    EventKind::AcceptFailed {
                        listener: of,
                        error: Error::Io(error),
                    } => {
                        assert_eq!((of, error.os_code()), (listener, Some(libc::EMFILE)));
                        failed += 1;
                    }
                    other => panic!("{other:?}"),
                },
            );
            assert_eq!(failed, 1);
            assert!(count <= 12, "{count} turns in 350 ms: it spins");
            assert!(engine.connections().is_empty());
            // Descriptors become free: the waiting ones are accepted by themselves.
            drop(spare);
            until(
                &mut engine,
                |event, _| panic!("{event:?}"),
                |connections| connections.len() == 3,
            );
            let mut raw = peers.into_iter().next_back().expect("three");
            raw.write(REQUEST);
            run(&mut engine, |event, _| {
                matches!(event.kind, EventKind::Opened(_))
            });
            assert!(raw.head().starts_with("HTTP/1.1 101 "));
            // The next time is told again.
            limit_descriptors(Some(highest as u64 + 1));
            let mut late = Vec::new();
            while let Ok(socket) = std::net::TcpStream::connect(address) {
                late.push(socket);
            }
            if late.is_empty() {
                limit_descriptors(None);
                late.push(std::net::TcpStream::connect(address).expect("connects"));
                limit_descriptors(Some(highest as u64 + 1));
            }
            run(&mut engine, |event, _| {
                matches!(event.kind, EventKind::AcceptFailed { .. })
            });
            limit_descriptors(None);
            until(
                &mut engine,
                |_, _| {},
                |connections| connections.counters().accepted == 3 + late.len() as u64,
            );
        },
    );
}

/// Every call in a child says that it is one.
fn in_a_child(engine: &mut Engine, remote: &Remote, id: ConnectionId, options: &Options) {
    assert_eq!(engine.poll(Some(Duration::ZERO)), Err(Error::Forked));
    assert!(engine.next_event().is_none());
    let connections = engine.connections();
    let address = "127.0.0.1:0".parse().expect("an address");
    let shared = std::sync::Arc::new(options.clone());
    assert_eq!(
        connections.listen(address, &Default::default(), shared.clone()),
        Err(Error::Forked)
    );
    assert_eq!(
        connections.connect("ws://127.0.0.1:1/", shared),
        Err(Error::Forked)
    );
    assert_eq!(connections.send_text(id, "x"), Err(SendError::Forked));
    assert_eq!(
        connections.send_fragment(id, MessageKind::Text, b"x", true),
        Err(SendError::Forked)
    );
    assert_eq!(connections.ping(id, b""), Err(SendError::Forked));
    assert_eq!(connections.pong(id, b""), Err(SendError::Forked));
    assert_eq!(
        connections.close(id, CloseCode::NORMAL, ""),
        Err(SendError::Forked)
    );
    assert_eq!(connections.abort(id), Err(SendError::Forked));
    assert_eq!(connections.pause(id), Err(Error::Forked));
    assert_eq!(connections.resume(id), Err(Error::Forked));
    assert_eq!(connections.subscribe(id, "t"), Err(Error::Forked));
    assert_eq!(connections.unsubscribe(id, "t"), Err(Error::Forked));
    assert_eq!(
        connections.publish("t", MessageKind::Text, b"x", None),
        Err(SendError::Forked)
    );
    assert_eq!(
        connections.accept(id, &Default::default()),
        Err(Error::Forked)
    );
    let refusal = Refusal::new(400, "").expect("a refusal");
    assert_eq!(connections.refuse(id, &refusal), Err(Error::Forked));
    assert_eq!(
        remote.send(id, MessageKind::Text, vec![]),
        Err(Error::Forked)
    );
    assert_eq!(
        remote.publish("t", MessageKind::Text, vec![]),
        Err(Error::Forked)
    );
    assert_eq!(remote.close(id, CloseCode::NORMAL, ""), Err(Error::Forked));
    assert_eq!(remote.abort(id), Err(Error::Forked));
    assert_eq!(remote.wake(), Err(Error::Forked));
    assert_eq!(Error::from(SendError::Forked), Error::Forked);
}

#[test]
fn a_forked_child_is_told_so_and_the_parent_goes_on() {
    alone(
        "process::a_forked_child_is_told_so_and_the_parent_goes_on",
        || {
            let mut engine = engine();
            let (client, server) = pair(&mut engine, Options::default(), Options::default());
            let remote = engine.remote();
            // SAFETY: the child makes no use of other threads' locks that the allocator's own fork handlers do not cover,
            // and leaves by _exit.
            let child = unsafe { libc::fork() };
            assert!(child >= 0);
            if child == 0 {
                let verdict = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                    in_a_child(&mut engine, &remote, client, &Options::default());
                    // A new engine works in the child, and dropping the old one hurts nobody.
                    let mut own = crate::rig::engine();
                    pair(&mut own, Options::default(), Options::default());
                    drop(engine);
                }));
                // SAFETY: it ends the process, and nothing else.
                unsafe { libc::_exit(i32::from(verdict.is_err())) };
            }
            let mut status = 0;
            // SAFETY: `status` is valid for writes.
            assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
            assert_eq!(status, 0, "the child failed; see its output");
            engine
                .connections()
                .send_text(client, "still here")
                .expect("sends");
            run(&mut engine, |event, connections| {
                if event.id == server {
                    echo(&event, connections);
                }
                event.id == client && message(&event).is_some()
            });
        },
    );
}

#[test]
fn thousands_of_connections_come_and_go_without_a_trace() {
    alone(
        "process::thousands_of_connections_come_and_go_without_a_trace",
        || {
            const ROUNDS: usize = 50;
            const AT_ONCE: usize = 100;
            let mut engine = engine();
            let (_, address) = listen(&mut engine, Options::default());
            // A look-up of a name may leave descriptors of the system's resolver behind, so none is made here.
            let before = open_descriptors();
            for round in 0..ROUNDS {
                for _ in 0..AT_ONCE {
                    dial(&mut engine, address, Options::default());
                }
                let mut ended = 0;
                run(&mut engine, |event, connections| {
                    let own = connections.listener_of(event.id).is_none();
                    match event.kind {
                        EventKind::Opened(_) if own => {
                            connections.subscribe(event.id, "t").expect("is there");
                            connections.send_text(event.id, "hello").expect("sends");
                        }
                        EventKind::Message { .. } if own => match round % 3 {
                            0 => connections
                                .close(event.id, CloseCode::NORMAL, "")
                                .expect("closes"),
                            _ => connections.abort(event.id).expect("aborts"),
                        },
                        EventKind::Message { .. } if round % 3 == 1 => {
                            connections
                                .close(event.id, CloseCode::GOING_AWAY, "")
                                .expect("closes");
                            connections.abort(event.id).expect("aborts");
                        }
                        EventKind::Message { .. } => echo(&event, connections),
                        EventKind::Closed(_) => ended += 1,
                        _ => {}
                    }
                    ended == 2 * AT_ONCE
                });
                all_gone(&mut engine);
            }
            assert_eq!(open_descriptors(), before);
            assert!(engine.connections().is_empty());
            let counters = *engine.connections().counters();
            let each = (ROUNDS * AT_ONCE) as u64;
            assert_eq!(
                (counters.dialled, counters.accepted, counters.closed),
                (each, each, 2 * each)
            );
            assert_eq!(engine.connections().subscribers("t"), 0);
        },
    );
}
