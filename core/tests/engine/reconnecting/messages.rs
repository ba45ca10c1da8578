//! What is sent while the connection is away.

use super::*;

#[test]
fn messages_are_kept_within_their_limit_and_sent_once_in_order() {
    let (socket, address) = refusing();
    let mut engine = engine();
    let limited = Reconnect {
        resend_limit: 3 * (14 + 3),
        ..quick()
    };
    let id = supervise(&mut engine, address, limited);
    let sent = engine.connections().send_text(id, "one");
    assert_eq!(
        sent,
        Ok(Sent::Queued(17)),
        "while the first attempt is under way"
    );
    let invalid = engine
        .connections()
        .send(id, MessageKind::Text, b"\xff\xff\xff");
    assert_eq!(invalid, Err(SendError::InvalidUtf8));
    let mut server = None;
    let tale = tale(&mut engine, "writable", |event, connections| {
        match event.kind {
            EventKind::Reconnecting { attempt: 1, .. } => {
                let sent = connections.send_binary(id, b"two");
                assert_eq!(sent, Ok(Sent::Queued(34)));
                let fragment = connections.send_fragment(id, MessageKind::Text, b"x", false);
                assert_eq!(fragment, Err(SendError::NotOpen));
            }
            EventKind::Reconnecting { attempt: 2, .. } => {
                let sent = connections.send_text(id, "333");
                assert_eq!(sent, Ok(Sent::Queued(51)));
                let full = SendError::HeldFull {
                    held: 51,
                    limit: 51,
                };
                assert_eq!(connections.send_text(id, ""), Err(full));
                socket.listen(8).expect("listens");
                let listener = socket.try_clone().expect("a copy").into();
                server = Some(std::thread::spawn(move || {
                    let (mut raw, _) = open(&listener);
                    let first: [_; 4] = std::array::from_fn(|_| raw.receive());
                    raw.reset();
                    let (mut raw, _) = open(&listener);
                    (first, raw.receive())
                }));
            }
            EventKind::Opened(_) => {
                connections.send_text(id, "after").expect("is open");
            }
            _ => {}
        }
    });
    assert_eq!(
        tale,
        ["reconnecting 1", "reconnecting 2", "opened", "writable"]
    );
    // The connection is lost; what was sent is not sent again.
    run(&mut engine, |event, connections| {
        if let EventKind::Opened(_) = event.kind {
            connections.send_text(id, "again").expect("is open");
            return true;
        }
        false
    });
    let (first, second) = server.expect("started").join().expect("no panic");
    let expected = [
        (TEXT, "one"),
        (BINARY, "two"),
        (TEXT, "333"),
        (TEXT, "after"),
    ];
    assert_eq!(
        first,
        expected.map(|(kind, text)| (kind, text.as_bytes().to_vec()))
    );
    assert_eq!(second, (TEXT, b"again".to_vec()));
}

#[test]
fn messages_of_other_threads_are_kept_too() {
    let (socket, address) = refusing();
    let mut engine = engine();
    let limited = Reconnect {
        resend_limit: 1 << 10,
        ..slow()
    };
    let (kept, refused) = (
        supervise(&mut engine, address, limited),
        supervise(&mut engine, address, slow()),
    );
    for id in [kept, refused] {
        let payload = b"from elsewhere".to_vec();
        let sent = engine.remote().send(id, MessageKind::Text, payload);
        assert_eq!(sent, Ok(()));
    }
    let mut waiting = 0;
    run(&mut engine, |event, _| {
        match event.kind {
            EventKind::Reconnecting { .. } => waiting += 1,
            EventKind::Undelivered { bytes, error } => {
                assert_eq!((event.id, bytes), (refused, 14));
                assert_eq!(error, SendError::NotOpen);
                waiting += 1;
            }
            other => panic!("{other:?}"),
        }
        waiting == 3
    });
    socket.listen(8).expect("listens");
    let server = std::thread::spawn(move || open(&socket.into()).0.receive());
    engine.connections().reconnect_now(kept).expect("is there");
    tale(&mut engine, "opened", |_, _| {});
    let received = server.join().expect("no panic");
    assert_eq!(received, (TEXT, b"from elsewhere".to_vec()));
}

#[test]
fn subscriptions_last() {
    let (address, server) = script(|listener| {
        open(listener).0.reset();
        open(listener).0.receive()
    });
    let mut engine = engine();
    let id = supervise(&mut engine, address, quick());
    let new = engine.connections().subscribe(id, "topic");
    assert_eq!(new, Ok(true));
    tale(&mut engine, "reconnecting 1", |_, _| {});
    assert_eq!(engine.connections().subscribers("topic"), 1);
    tale(&mut engine, "opened", |_, _| {});
    let publish = engine
        .connections()
        .publish("topic", MessageKind::Text, b"news", None);
    assert_eq!(publish, Ok(1));
    assert_eq!(server.join().expect("no panic"), (TEXT, b"news".to_vec()));
    engine.connections().abort(id).expect("is there");
    all_gone(&mut engine);
    assert_eq!(engine.connections().subscribers("topic"), 0);
}

#[test]
fn who_waits_for_a_queue_that_is_lost_is_told_when_it_is_open_again() {
    let (address, server) = script(|listener| {
        let (raw, _) = open(listener);
        raw.reset();
        open(listener).0.rest()
    });
    let mut engine = engine();
    let options = Options {
        send_queue_high: 0,
        ..Options::default()
    };
    let id = supervise_with(&mut engine, address, options, quick());
    let mut queued = false;
    let tale = tale(&mut engine, "writable", |event, connections| {
        if let EventKind::Opened(_) = event.kind
            && !queued
        {
            // More than the kernel takes: the peer does not read.
            let payload = vec![0; 32 << 20];
            let sent = connections.send_binary(id, &payload).expect("is open");
            queued = matches!(sent, Sent::Queued(_));
        }
    });
    assert!(queued);
    assert_eq!(tale, ["opened", "reconnecting 1", "opened", "writable"]);
    assert_eq!(engine.connections().queued_bytes(id), Ok(0));
    drop(engine);
    server.join().expect("no panic");
}
