//! Ten thousand connections at once, each in use: the server in a process of its own, since each side needs its own
//! descriptors.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use ropeway_core::engine::EventKind;
use ropeway_core::protocol::Options;

use crate::process::{child, limit_descriptors};
use crate::rig::*;

const COUNT: usize = 10_000;
/// Connections being made at once.
const AHEAD: usize = 500;

/// Serves until its standard input ends.
#[test]
#[ignore = "the server's side of the next test, which starts it"]
fn server() {
    if std::env::var_os("ROPEWAY_TEST_CHILD").is_none() {
        return;
    }
    limit_descriptors(None);
    let mut most = 0;
    let server = Served::start(Options::default(), move |event, connections| {
        most = most.max(connections.len());
        if matches!(
            event.kind,
            EventKind::Message {
                payload: b"how many?",
                ..
            }
        ) {
            connections
                .send_text(event.id, &most.to_string())
                .expect("answers");
        } else {
            echo(&event, connections);
        }
    });
    println!("listening on {}", server.address);
    let _ = std::io::stdin().lines().count();
}

#[test]
fn ten_thousand_connections_echo_at_once() {
    if limit_descriptors(None) < COUNT as u64 + 1_000 {
        eprintln!("SKIPPED: too few descriptors for {COUNT} connections");
        return;
    }
    let mut process = child("many::server")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut lines = BufReader::new(process.stdout.take().expect("piped")).lines();
    let address = lines
        .find_map(|line| {
            let line = line.expect("text");
            Some(
                line.split_once("listening on ")?
                    .1
                    .parse()
                    .expect("an address"),
            )
        })
        .expect("it says where it listens");
    let mut engine = engine();
    let options = Options {
        open_timeout: Duration::ZERO,
        ..Options::default()
    };
    let shared = std::sync::Arc::new(options);
    let dialled = url(address);
    let mut clients = Vec::new();
    for _ in 0..AHEAD {
        clients.push(
            engine
                .connections()
                .connect(&dialled, shared.clone())
                .expect("dials"),
        );
    }
    let mut opened = 0;
    run(&mut engine, |event, connections| {
        assert!(matches!(event.kind, EventKind::Opened(_)), "{event:?}");
        opened += 1;
        if clients.len() < COUNT {
            clients.push(
                connections
                    .connect(&dialled, shared.clone())
                    .expect("dials"),
            );
        }
        opened == COUNT
    });
    for (number, &id) in clients.iter().enumerate() {
        let text = number.to_string();
        engine
            .connections()
            .set_user_data(id, number as u64)
            .expect("is there");
        engine.connections().send_text(id, &text).expect("sends");
    }
    let mut came = vec![false; COUNT];
    let mut left = COUNT;
    run(&mut engine, |event, connections| {
        let (_, payload) = message(&event).expect("messages only");
        let number = connections.user_data(event.id).expect("is there");
        assert_eq!(payload, number.to_string().as_bytes());
        assert!(!std::mem::replace(&mut came[number as usize], true));
        left -= 1;
        left == 0
    });
    engine
        .connections()
        .send_text(clients[0], "how many?")
        .expect("sends");
    run(&mut engine, |event, _| {
        assert_eq!(
            message(&event).expect("the answer").1,
            COUNT.to_string().as_bytes()
        );
        true
    });
    drop(process.stdin.take());
    assert!(process.wait().expect("ends").success());
}
