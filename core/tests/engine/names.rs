//! Names through a resolver of the user's: what it answers is used, and whatever it answers is harmless.

use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ropeway_core::engine::{Client, ConnectOptions, NameResolver};
use ropeway_core::protocol::Options;
use ropeway_core::{Deadline, Error, OpeningStage};

use crate::rig::*;

type Answer = Result<Vec<SocketAddr>, String>;

fn by(answer: impl Fn() -> Answer + Send + Sync + 'static) -> ConnectOptions {
    resolving(move |_, _| answer())
}

fn resolving(resolve: impl Fn(&str, u16) -> Answer + Send + Sync + 'static) -> ConnectOptions {
    ConnectOptions {
        resolver: Some(NameResolver::new(resolve)),
        ..ConnectOptions::default()
    }
}

/// Why `ws://cabin.example/` could not be opened.
fn failure(connect: &ConnectOptions, open_timeout: Duration) -> Error {
    let options = Options {
        open_timeout,
        ..Options::default()
    };
    Client::open_with("ws://cabin.example/", connect, Arc::new(options)).expect_err("does not open")
}

fn refusing(port: u16) -> SocketAddr {
    ([127, 0, 0, 1], port).into()
}

#[test]
fn a_name_leads_where_the_resolver_says() {
    let server = Served::echo(Options::default());
    let address = server.address;
    let connect = resolving(move |host, port| {
        assert_eq!((host, port), ("cabin.example", address.port()));
        // The first refuses; the port of the second is the URL's.
        Ok(vec![refusing(1), SocketAddr::new(address.ip(), 0)])
    });
    let url = format!("ws://cabin.example:{}/", address.port());
    Client::open_with(&url, &connect, Arc::default()).expect("opens");

    // An address needs no resolver.
    let unasked = by(|| panic!("it was asked"));
    Client::open_with(&super::rig::url(address), &unasked, Arc::default()).expect("opens");
}

#[test]
fn nn_2025_0103_crafted_answers_are_errors_that_say_what_was_tried() {
    let patient = PATIENCE;
    let unresolved = |answer: Answer| match failure(&by(move || answer.clone()), patient) {
        Error::Resolve { host, message } => {
            assert_eq!(host, "cabin.example");
            message
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(unresolved(Ok(vec![])), "the name has no addresses");
    assert_eq!(unresolved(Err("no such cabin".into())), "no such cabin");
    match failure(&by(|| panic!("by design")), patient) {
        Error::Resolve { message, .. } => assert_eq!(message, "the resolver panicked"),
        other => panic!("{other:?}"),
    }

    // Addresses of any family that nobody can be reached at.
    let hopeless: Vec<SocketAddr> = ["0.0.0.0:1", "255.255.255.255:1", "[ff02::1]:1", "[::1]:1"]
        .map(|text| text.parse().expect("an address"))
        .into();
    let given = hopeless.clone();
    match failure(&by(move || Ok(given.clone())), patient) {
        error @ Error::Connect { .. } => {
            for address in hopeless {
                assert!(error.to_string().contains(&address.to_string()), "{error}");
            }
        }
        other => panic!("{other:?}"),
    }

    // Ten thousand that refuse: the first are tried.
    let many = || {
        Ok((1..=10_000_u32)
            .map(|last| ([127, 1, (last >> 8) as u8, last as u8], 1).into())
            .collect())
    };
    match failure(&by(many), patient) {
        Error::Connect { attempts, .. } => assert_eq!(attempts.len(), 64),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_resolver_that_takes_too_long_ends_in_open_timeout() {
    let (release, released) = channel::<()>();
    let released: Mutex<Receiver<()>> = Mutex::new(released);
    let connect = by(move || {
        let _ = released.lock().map(|released| released.recv());
        Ok(vec![refusing(1)])
    });
    let wait = Duration::from_millis(80);
    let error = failure(&connect, wait);
    let stage = OpeningStage::Resolving {
        host: "cabin.example".into(),
    };
    assert_eq!(
        error.to_string(),
        "the connection did not open within open_timeout, 80ms: the name cabin.example was not resolved"
    );
    assert_eq!(
        error,
        Error::Timeout {
            deadline: Deadline::Open,
            after: wait,
            stage: Some(Box::new(stage))
        }
    );
    // Its answer comes to nobody.
    release.send(()).expect("it still waits");
}

#[test]
fn open_timeout_names_the_addresses_and_what_was_wrong_with_each() {
    let (first, second) = (Silent::new(), Silent::new());
    let (one, two) = (first.address, second.address);
    let wait = Duration::from_millis(120);
    let error = failure(&by(move || Ok(vec![refusing(1), one, two])), wait);
    let text = error.to_string();
    let Error::Timeout {
        deadline: Deadline::Open,
        stage: Some(stage),
        ..
    } = error
    else {
        panic!("{error:?}")
    };
    let OpeningStage::Connecting {
        host,
        silent,
        failed,
        untried,
    } = *stage
    else {
        panic!("{stage:?}")
    };
    assert_eq!(host, "cabin.example");
    assert_eq!(silent, [one]);
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].0, refusing(1));
    assert_eq!(failed[0].1.os_code(), Some(libc::ECONNREFUSED));
    assert_eq!(untried, 1);
    let expected = format!(
        "{one}: no answer; 127.0.0.1:1: connect: Connection refused (os error 111); 1 more not tried"
    );
    assert!(text.ends_with(&expected), "{text}");
}
