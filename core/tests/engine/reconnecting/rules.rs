//! Which ends are final, and what an application and a server may say about it.

use super::*;

#[test]
fn a_503_is_waited_out_and_its_retry_after_honoured_within_the_cap() {
    let (address, server) = script(|listener| {
        answer(
            listener,
            "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 120\r\nContent-Length: 0\r\n\r\n",
        );
        open(listener).0.rest()
    });
    let mut engine = engine();
    let id = supervise(&mut engine, address, quick());
    let begun = Instant::now();
    let tale = tale(&mut engine, "opened", |event, _| {
        if let EventKind::Reconnecting { closed, delay, .. } = event.kind {
            assert!(!Reconnect::is_final(closed));
            assert_eq!(delay, quick().cap);
        }
    });
    assert_eq!(tale, ["reconnecting 1", "opened"]);
    assert!(begun.elapsed() >= quick().cap);
    engine.connections().abort(id).expect("is there");
    drop(engine);
    server.join().expect("no panic");
}

#[test]
fn an_answer_of_401_is_final() {
    let (address, server) = script(|listener| {
        answer(
            listener,
            "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n",
        )
    });
    let mut engine = engine();
    supervise(&mut engine, address, quick());
    let mut closed = None;
    let tale = tale(&mut engine, "closed", |event, _| end(event, &mut closed));
    assert_eq!(tale, ["closed"]);
    let cause = closed.expect("ends").cause;
    assert!(
        matches!(
            cause,
            Some(Error::Handshake(HandshakeError::InvalidStatus(_)))
        ),
        "{cause:?}"
    );
    server.join().expect("no panic");
    all_gone(&mut engine);
}

#[test]
fn each_attempt_may_carry_a_fresh_token() {
    let (address, server) = script(|listener| {
        let refused = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n";
        let heads = [answer(listener, refused), answer(listener, refused)];
        let (mut raw, head) = open(listener);
        raw.rest();
        [&heads[..], &[head]].concat()
    });
    let token = |number: u32| {
        let mut headers = Headers::new();
        let value = format!("Bearer {number}");
        headers.push("Authorization", &value).expect("a field");
        headers
    };
    let mut engine = engine();
    let options = Options {
        headers: token(0),
        ..Options::default()
    };
    let every_end = Reconnect {
        every_end: true,
        ..quick()
    };
    let id = supervise_with(&mut engine, address, options, every_end);
    tale(&mut engine, "opened", |event, connections| {
        if let EventKind::Reconnecting {
            closed, attempt, ..
        } = event.kind
        {
            assert!(Reconnect::is_final(closed), "but for the application");
            let mut forbidden = Headers::new();
            forbidden.push("Upgrade", "x").expect("a field");
            let error = connections.set_headers(id, forbidden);
            assert!(matches!(error, Err(Error::Handshake(_))), "{error:?}");
            connections.set_headers(id, token(attempt)).expect("ok");
        }
    });
    engine.connections().abort(id).expect("is there");
    drop(engine);
    let heads = server.join().expect("no panic");
    assert_eq!(heads.len(), 3);
    for (number, head) in heads.iter().enumerate() {
        let line = format!("\r\nAuthorization: Bearer {number}\r\n");
        assert!(head.contains(&line), "{head}");
    }
}

#[test]
fn the_application_may_take_an_end_for_final() {
    let (_socket, address) = refusing();
    let mut engine = engine();
    let id = supervise(&mut engine, address, quick());
    let mut closed = None;
    let tale = tale(&mut engine, "closed", |event, connections| {
        end(event, &mut closed);
        if let EventKind::Reconnecting { attempt: 2, .. } = event.kind {
            connections
                .close(id, CloseCode::NORMAL, "")
                .expect("is there");
        }
    });
    assert_eq!(tale, ["reconnecting 1", "reconnecting 2", "closed"]);
    assert_eq!(closed.expect("ends").cause, Some(Error::Aborted));
    all_gone(&mut engine);
}

#[test]
fn attempts_may_be_bounded() {
    let (_socket, address) = refusing();
    let mut engine = engine();
    let bounded = Reconnect {
        max_attempts: 2,
        ..quick()
    };
    supervise(&mut engine, address, bounded);
    let mut closed = None;
    let tale = tale(&mut engine, "closed", |event, _| end(event, &mut closed));
    assert_eq!(tale, ["reconnecting 1", "reconnecting 2", "closed"]);
    let cause = closed.expect("ends").cause;
    assert!(matches!(cause, Some(Error::Connect { .. })), "{cause:?}");
    all_gone(&mut engine);
}

#[test]
fn what_the_peers_close_code_says_decides() {
    let (address, server) = script(|listener| {
        for code in [1012, 1001, 1000] {
            let (mut raw, _) = open(listener);
            raw.send(CLOSE, &close_payload(code, "so"));
            assert_eq!(raw.receive(), (CLOSE, close_payload(code, "so")));
            raw.rest();
        }
    });
    let mut engine = engine();
    supervise(&mut engine, address, quick());
    let mut closed = None;
    let tale = tale(&mut engine, "closed", |event, _| {
        end(event, &mut closed);
        if let EventKind::Reconnecting { closed, .. } = event.kind {
            assert!(closed.is_clean() && closed.reason() == "so", "{closed:?}");
        }
    });
    assert_eq!(
        tale,
        [
            "opened",
            "reconnecting 1",
            "opened",
            "reconnecting 2",
            "opened",
            "closed"
        ]
    );
    assert_eq!(closed.expect("ends").code(), CloseCode::NORMAL);
    drop(engine);
    server.join().expect("no panic");
}

#[test]
fn each_attempt_has_an_open_timeout_of_its_own() {
    let (address, server) = script(|listener| {
        let mut silent = Raw::accept(listener);
        silent.head();
        open(listener).0.rest();
        drop(silent);
    });
    let mut engine = engine();
    let wait = Duration::from_millis(500);
    let options = Options {
        open_timeout: wait,
        ..Options::default()
    };
    let begun = Instant::now();
    supervise_with(&mut engine, address, options, quick());
    let tale = tale(&mut engine, "opened", |event, _| {
        if let EventKind::Reconnecting { closed, .. } = event.kind {
            assert!(
                matches!(closed.cause, Some(Error::Timeout { .. })),
                "{closed:?}"
            );
            assert!(begun.elapsed() >= wait);
        }
    });
    assert_eq!(tale, ["reconnecting 1", "opened"]);
    drop(engine);
    server.join().expect("no panic");
}

#[test]
fn a_certificate_that_is_not_trusted_is_final() {
    let server = Served::with(
        engine(),
        "127.0.0.1:0",
        &in_tls(Authority::new().server()),
        Options::default(),
        |_, _| {},
    );
    let mut engine = engine();
    let trusting_another = Authority::new().client();
    let options = Arc::new(Options::default());
    let url = format!("wss://{}/", server.address);
    engine
        .connections()
        .connect_supervised(&url, &trusting_another, options, quick())
        .expect("dials");
    let mut closed = None;
    let tale = tale(&mut engine, "closed", |event, _| end(event, &mut closed));
    assert_eq!(tale, ["closed"]);
    let cause = closed.expect("ends").cause;
    assert!(
        matches!(cause, Some(Error::Tls(TlsError::Certificate { .. }))),
        "{cause:?}"
    );
}
