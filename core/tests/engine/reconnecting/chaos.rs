//! Clients against a server that does anything at any time: what is told stays a story, and no message comes twice.

use ropeway_core::handshake::Refusal;

use super::*;

const CLIENTS: usize = 4;

/// What one client was told, held against what can be told.
#[derive(Default)]
struct Story {
    open: bool,
    redirected: bool,
    /// The client itself has closed.
    closing: bool,
    ended: bool,
    opened: u32,
    attempts: u32,
}

impl Story {
    fn tell(&mut self, event: &Event<'_>) {
        assert!(!self.ended, "after the end: {event:?}");
        let anew = matches!(
            event.kind,
            EventKind::Opened(_) | EventKind::Redirect { .. } | EventKind::Reconnecting { .. }
        );
        assert!(!anew || !self.closing, "after the close: {event:?}");
        match event.kind {
            EventKind::Opened(_) => {
                assert!(!std::mem::replace(&mut self.open, true));
                self.redirected = false;
                self.opened += 1;
            }
            EventKind::Redirect { .. } => {
                assert!(!self.open, "in the middle");
                assert!(
                    !std::mem::replace(&mut self.redirected, true),
                    "one is the limit"
                );
            }
            EventKind::Reconnecting { attempt, .. } => {
                self.attempts += 1;
                assert!(attempt <= self.attempts && attempt > 0);
                (self.open, self.redirected) = (false, false);
            }
            EventKind::Closed(_) => self.ended = true,
            EventKind::Message { .. } | EventKind::Ping { .. } => assert!(self.open),
            EventKind::Writable => {}
            ref other => panic!("{other:?}"),
        }
    }
}

fn answer_somehow(random: &mut Random, id: ConnectionId, connections: &mut Connections) {
    let mut refuse = |status, field: Option<(&str, &str)>| {
        let mut refusal = Refusal::new(status, "no").expect("a status");
        if let Some((name, value)) = field {
            refusal.headers.push(name, value).expect("a field");
        }
        connections.refuse(id, &refusal)
    };
    match random.below(8) {
        0 => refuse(503, Some(("Retry-After", "1"))).expect("refuses"),
        1 => refuse(401, None).expect("refuses"),
        2 => refuse(307, Some(("Location", "/elsewhere"))).expect("refuses"),
        3 => connections.abort(id).expect("is there"),
        _ => connections.accept(id, &Accept::default()).expect("accepts"),
    }
}

/// What the server does with a message.
fn treat_somehow(random: &mut Random, id: ConnectionId, connections: &mut Connections) {
    // It may be closing already.
    let _ = match random.below(24) {
        0 => connections.abort(id),
        1 => connections.close(id, CloseCode::new(1012), "again"),
        2 => connections.close(id, CloseCode::NORMAL, "enough"),
        3 => connections.ping(id, b"there?").map(drop),
        _ => connections.send_text(id, "more").map(drop),
    };
}

#[test]
fn whatever_the_server_does_no_message_comes_twice_or_out_of_order() {
    // Openings, attempts and messages.
    let mut seen = [0; 3];
    for seed in 1..=20 {
        let mut random = Random(seed);
        let mut engine = engine();
        let asking = Options {
            ask_upgrade: true,
            ..Options::default()
        };
        let (listener, address) = listen(&mut engine, asking);
        let following = ConnectOptions {
            max_redirects: 1,
            ..ConnectOptions::default()
        };
        let policy = Reconnect {
            base: Duration::from_millis(2),
            cap: Duration::from_millis(4),
            every_end: true,
            resend_limit: 200,
            seed: Some(seed),
            ..Reconnect::default()
        };
        let mut stories: [Story; CLIENTS] = Default::default();
        for number in 0..CLIENTS {
            let options = Arc::new(Options::default());
            let connections = engine.connections();
            let id = connections
                .connect_supervised(&url(address), &following, options, policy)
                .expect("dials");
            connections.set_user_data(id, number as u64).expect("ok");
        }
        let (mut sent, mut received) = ([0_u32; CLIENTS], [0_u32; CLIENTS]);
        let mut events = 0;
        run(&mut engine, |event, connections| {
            events += 1;
            let (id, number) = (event.id, event.user_data as usize);
            if event.listener == listener {
                match event.kind {
                    EventKind::UpgradeRequest(_) => answer_somehow(&mut random, id, connections),
                    EventKind::Message { payload, .. } => {
                        let text = std::str::from_utf8(payload).expect("text");
                        let mut numbers = text.split(' ').map(|word| word.parse().expect("ok"));
                        let client: usize = numbers.next().expect("the client") as usize;
                        let message = numbers.next().expect("the message");
                        assert!(
                            message > received[client],
                            "{message} after {}",
                            received[client]
                        );
                        received[client] = message;
                        treat_somehow(&mut random, id, connections);
                    }
                    _ => {}
                }
            } else {
                stories[number].tell(&event);
                // One at least, or all would be silent at some time.
                for _ in 0..=random.below(2) {
                    let text = format!("{number} {}", sent[number] + 1);
                    match connections.send_text(id, &text) {
                        Ok(_) => sent[number] += 1,
                        Err(SendError::HeldFull { limit: 200, .. }) => {}
                        Err(SendError::Closed) => assert!(stories[number].closing),
                        Err(error) => panic!("{error}"),
                    }
                }
                if events > 400 && !stories[number].ended {
                    stories[number].closing = true;
                    // The last word: at once, or by a closing handshake.
                    let _ = match random.below(2) {
                        0 => connections.abort(id),
                        _ => connections.close(id, CloseCode::NORMAL, ""),
                    };
                }
            }
            stories.iter().all(|story| story.ended)
        });
        for (number, story) in stories.iter().enumerate() {
            assert!(received[number] <= sent[number]);
            seen[0] += story.opened;
            seen[1] += story.attempts;
            seen[2] += received[number];
        }
        engine
            .connections()
            .close_listener(listener)
            .expect("is there");
        all_gone(&mut engine);
    }
    assert!(seen.iter().all(|count| *count > 100), "{seen:?}");
}
