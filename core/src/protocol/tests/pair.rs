//! Two peers joined by a simulated network, and what they say to each other when nothing goes wrong.

use std::collections::VecDeque;

use super::*;

/// What is on its way from one end to the other; `None` is the end of the stream.
type Wire = VecDeque<(Time, Option<Vec<u8>>)>;

/// Two peers with a clock, and a network that takes `latency` each way.
pub(super) struct Pair {
    pub(super) client: Peer,
    pub(super) server: Peer,
    pub(super) now: Time,
    latency: Duration,
    to_server: Wire,
    to_client: Wire,
    /// Whether each side (client, server) has ended its sending direction, and whether it has closed.
    ended: [bool; 2],
    gone: [bool; 2],
}

impl Pair {
    /// Before the handshake, with the client's request in its output.
    pub(super) fn new(client: Options, server: Options, latency: Duration) -> Self {
        Self {
            client: Peer::client(client),
            server: Peer::server(server),
            now: at(0),
            latency,
            to_server: Wire::new(),
            to_client: Wire::new(),
            ended: [false; 2],
            gone: [false; 2],
        }
    }

    /// After the handshake, nothing told.
    pub(super) fn open(client: Options, server: Options, latency: Duration) -> Self {
        let mut pair = Self::new(client, server, latency);
        pair.run(latency * 2);
        assert!(matches!(pair.client.events()[..], [Told::Opened(_)]));
        assert!(matches!(pair.server.events()[..], [Told::Opened(_)]));
        pair
    }

    /// Lets `duration` pass.
    pub(super) fn run(&mut self, duration: Duration) {
        let end = self.now + duration;
        self.transmit();
        while let Some(next) = self.next_time().filter(|&time| time <= end) {
            self.now = self.now.max(next);
            self.deliver();
            for side in 0..2 {
                if !self.gone[side] {
                    let peer = self.peer(side);
                    let due = peer.protocol.next_deadline();
                    let now = self.now;
                    if due.is_some_and(|due| due <= now) {
                        self.peer(side).wait(now);
                    }
                }
            }
            self.transmit();
        }
        self.now = end;
    }

    /// Whether both ends have closed their transports.
    pub(super) fn is_over(&self) -> bool {
        self.gone == [true; 2]
    }

    fn peer(&mut self, side: usize) -> &mut Peer {
        if side == 0 {
            &mut self.client
        } else {
            &mut self.server
        }
    }

    fn next_time(&self) -> Option<Time> {
        let arrivals = [&self.to_server, &self.to_client]
            .into_iter()
            .filter_map(|wire| wire.front().map(|(time, _)| *time));
        let deadlines = [(&self.client, self.gone[0]), (&self.server, self.gone[1])]
            .into_iter()
            .filter(|(_, gone)| !gone)
            .filter_map(|(peer, _)| peer.protocol.next_deadline());
        arrivals.chain(deadlines).min()
    }

    fn deliver(&mut self) {
        let now = self.now;
        for side in 0..2 {
            let wire = if side == 0 {
                &mut self.to_client
            } else {
                &mut self.to_server
            };
            let mut arrived = Vec::new();
            while wire.front().is_some_and(|(time, _)| *time <= now) {
                arrived.extend(wire.pop_front().map(|(_, bytes)| bytes));
            }
            if self.gone[side] {
                continue;
            }
            for bytes in arrived {
                match bytes {
                    Some(bytes) => self.peer(side).receive(&bytes, now),
                    None => self.peer(side).eof(now),
                };
            }
        }
    }

    fn transmit(&mut self) {
        let arrival = self.now + self.latency;
        for side in 0..2 {
            if self.gone[side] {
                continue;
            }
            let bytes = self.peer(side).sent();
            let shutdown = self.peer(side).protocol.shutdown();
            let wire = if side == 0 {
                &mut self.to_server
            } else {
                &mut self.to_client
            };
            if !bytes.is_empty() {
                assert!(!self.ended[side], "bytes after the end of the stream");
                wire.push_back((arrival, Some(bytes)));
            }
            self.gone[side] = matches!(shutdown, Shutdown::Close | Shutdown::Drop);
            if (self.gone[side] || shutdown == Shutdown::HalfClose) && !self.ended[side] {
                self.ended[side] = true;
                wire.push_back((arrival, None));
            }
        }
    }
}

const LATENCY: Duration = Duration::from_millis(25);

fn quick() -> (Options, Options) {
    (Options::default(), Options::default())
}

#[test]
fn both_ends_open_talk_and_close_in_order() {
    let (client, server) = quick();
    let mut pair = Pair::open(client, server, LATENCY);
    pair.client
        .protocol
        .send(&mut pair.client.output, MessageKind::Text, b"hello")
        .expect("open");
    pair.server
        .protocol
        .send(&mut pair.server.output, MessageKind::Binary, &[7; 70_000])
        .expect("open");
    pair.run(LATENCY);
    assert_eq!(pair.server.events(), [text("hello")]);
    assert_eq!(pair.client.events(), [binary(&[7; 70_000])]);

    let now = pair.now;
    pair.client.close(1000, "done", now);
    pair.run(LATENCY * 3);
    assert!(pair.is_over());
    let (client, server) = (pair.client.closed(), pair.server.closed());
    assert!(client.is_clean() && client.by_us);
    assert!(server.is_clean() && !server.by_us);
    assert_eq!(client.sent, Some(close_frame(1000, "done")));
    assert_eq!(client.received, client.sent);
    assert_eq!(server.received, client.sent);
    assert_eq!(server.sent, client.received);
}

#[test]
fn a_server_that_closes_first_waits_for_the_answer_then_closes_the_transport() {
    let (client, server) = quick();
    let mut pair = Pair::open(client, server, LATENCY);
    let now = pair.now;
    pair.server.close(4321, "bye", now);
    pair.run(LATENCY);
    assert_eq!(pair.client.protocol.shutdown(), Shutdown::AwaitEnd);
    assert_eq!(pair.client.closed().code().get(), 4321);
    pair.run(LATENCY);
    assert_eq!(pair.server.protocol.shutdown(), Shutdown::Close);
    pair.run(LATENCY);
    assert!(pair.is_over());
    assert!(pair.server.closed().is_clean() && pair.server.closed().by_us);
}

#[test]
fn simultaneous_closes_are_clean_on_both_ends() {
    let (client, server) = quick();
    let mut pair = Pair::open(client, server, LATENCY);
    let now = pair.now;
    pair.client.close(1000, "", now);
    pair.server.close(1001, "", now);
    pair.run(LATENCY * 3);
    assert!(pair.is_over());
    for (peer, sent, received) in [(&pair.client, 1000, 1001), (&pair.server, 1001, 1000)] {
        let closed = peer.closed();
        assert!(closed.is_clean() && closed.by_us);
        assert_eq!(closed.sent, Some(close_frame(sent, "")));
        assert_eq!(closed.received, Some(close_frame(received, "")));
    }
}

#[test]
fn a_subprotocol_is_chosen_by_the_servers_preference() {
    let options = |names: &[&str]| Options {
        subprotocols: names.iter().map(|&name| name.to_owned()).collect(),
        ..Options::default()
    };
    let cases: [(&[&str], &[&str], Option<&str>); 4] = [
        (&["a", "b"], &["b", "a"], Some("b")),
        (&["a", "b"], &["x", "a"], Some("a")),
        (&["a"], &["x"], None),
        (&[], &["x"], None),
    ];
    for (offered, supported, chosen) in cases {
        let mut pair = Pair::new(options(offered), options(supported), LATENCY);
        pair.run(LATENCY * 2);
        let [Told::Opened(client)] = &pair.client.told[..] else {
            panic!("{:?}", pair.client.told)
        };
        let [Told::Opened(server)] = &pair.server.told[..] else {
            panic!("{:?}", pair.server.told)
        };
        assert_eq!(client.subprotocol.as_deref(), chosen);
        assert_eq!(server.subprotocol.as_deref(), chosen);
        assert!(client.response.is_some() && client.request.is_none());
        assert!(server.request.is_some() && server.response.is_none());
    }
}

#[test]
fn keep_alive_measures_the_round_trip_and_lasts_for_ever() {
    let (client, server) = quick();
    let mut pair = Pair::open(client, server, LATENCY);
    pair.run(Duration::from_secs(3600));
    assert!(pair.client.protocol.is_open() && pair.server.protocol.is_open());
    // A ping is life for the end that gets it, so the two take turns.
    let mut trips = Vec::new();
    for peer in [&mut pair.client, &mut pair.server] {
        for event in peer.events() {
            if let Told::Pong(_, trip) = event {
                trips.extend(trip);
            }
        }
    }
    assert!((170..=180).contains(&trips.len()), "{}", trips.len());
    assert!(trips.iter().all(|&trip| trip == LATENCY * 2));
}

#[test]
fn a_failed_end_half_closes_and_the_other_learns_why() {
    let client = Options::default();
    let server = Options {
        max_message_size: 10,
        ..Options::default()
    };
    let mut pair = Pair::open(client, server, LATENCY);
    pair.client
        .protocol
        .send(&mut pair.client.output, MessageKind::Binary, &[0; 11])
        .expect("open");
    pair.run(LATENCY);
    assert_eq!(pair.server.protocol.shutdown(), Shutdown::HalfClose);
    pair.run(LATENCY * 3);
    assert!(pair.is_over());
    assert_eq!(pair.client.closed().code().get(), 1009);
    assert_eq!(
        pair.client.closed().reason(),
        "message of 11 bytes passes this server's max_message_size, 10 bytes"
    );
    assert!(pair.client.closed().cause.is_none());
}
