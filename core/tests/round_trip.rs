//! Whatever one end sends arrives so at the other, in both directions at once and in any chunking.

use std::sync::Arc;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use ropeway_core::Role;
use ropeway_core::frame::CloseCode;
use ropeway_core::protocol::{
    CloseFrame, Closed, Event, Input, MessageKind, Options, Output, Protocol, Time,
};

/// One call of an application.
#[derive(Clone, Debug)]
enum Call {
    Send(MessageKind, Vec<u8>),
    /// A message in fragments, a ping in front of each but the first.
    Fragments(MessageKind, Vec<Vec<u8>>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
}

/// What an application is told, answers to its own pings apart.
#[derive(Clone, Debug, PartialEq)]
enum Told {
    Message(MessageKind, Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
}

const NOW: Time = Time::from_micros(1);
/// What a ping's payload begins with, so that its answer is told from an unsolicited pong.
const PING: u8 = 1;
const BETWEEN: &[u8] = &[PING, 0xff];

struct Peer {
    protocol: Protocol,
    input: Input,
    output: Output,
    told: Vec<Told>,
    answers: Vec<Vec<u8>>,
    closed: Vec<Closed>,
}

impl Peer {
    fn new(role: Role) -> Self {
        let options = Options {
            ping_interval: Duration::ZERO,
            ..Options::default()
        };
        Self {
            protocol: Protocol::open(role, Arc::new(options), NOW),
            input: Input::new(),
            output: Output::new(),
            told: Vec::new(),
            answers: Vec::new(),
            closed: Vec::new(),
        }
    }

    fn call(&mut self, call: &Call) {
        let (protocol, output) = (&mut self.protocol, &mut self.output);
        match call {
            Call::Send(kind, payload) => protocol.send(output, *kind, payload),
            Call::Fragments(kind, parts) => {
                for (number, part) in parts.iter().enumerate() {
                    if number > 0 {
                        protocol.ping(output, BETWEEN).expect("open");
                    }
                    let last = number + 1 == parts.len();
                    protocol
                        .send_fragment(output, *kind, part, last)
                        .expect("open");
                }
                Ok(())
            }
            Call::Ping(payload) => protocol.ping(output, payload),
            Call::Pong(payload) => protocol.pong(output, payload),
        }
        .expect("open");
    }

    /// Takes at most `size` bytes of what `other` has to send; whether there was anything.
    fn take(&mut self, other: &mut Self, size: usize) -> bool {
        let size = size.min(other.output.bytes().len());
        self.input.extend(&other.output.bytes()[..size]);
        other.output.consume(size);
        while let Some(event) = self
            .protocol
            .next_event(&mut self.input, &mut self.output, NOW)
        {
            match event {
                Event::Message { kind, payload } => {
                    self.told.push(Told::Message(kind, payload.to_vec()));
                }
                Event::Ping { payload } => self.told.push(Told::Ping(payload.to_vec())),
                Event::Pong { payload, .. } if payload.first() == Some(&PING) => {
                    self.answers.push(payload.to_vec());
                }
                Event::Pong { payload, .. } => self.told.push(Told::Pong(payload.to_vec())),
                Event::Closed(closed) => self.closed.push(closed.clone()),
                other => panic!("{other:?}"),
            }
        }
        size > 0
    }
}

/// What the other end is to be told of `calls`, and the pings among them.
fn expected(calls: &[Call]) -> (Vec<Told>, Vec<Vec<u8>>) {
    let mut told = Vec::new();
    let mut pings = Vec::new();
    for call in calls {
        match call {
            Call::Send(kind, payload) => told.push(Told::Message(*kind, payload.clone())),
            Call::Fragments(kind, parts) => {
                for _ in 1..parts.len() {
                    told.push(Told::Ping(BETWEEN.to_vec()));
                    pings.push(BETWEEN.to_vec());
                }
                told.push(Told::Message(*kind, parts.concat()));
            }
            Call::Ping(payload) => {
                told.push(Told::Ping(payload.clone()));
                pings.push(payload.clone());
            }
            Call::Pong(payload) => told.push(Told::Pong(payload.clone())),
        }
    }
    (told, pings)
}

fn payload() -> impl Strategy<Value = (MessageKind, Vec<u8>)> {
    let length = prop_oneof![
        8 => 0_usize..50,
        2 => 120_usize..140,
        1 => 65_500_usize..65_600,
        1 => 0_usize..200_000,
    ];
    let binary = (length, any::<u8>()).prop_map(|(length, start)| {
        let bytes = (0..length).map(|index| start.wrapping_mul(index as u8) ^ start);
        (MessageKind::Binary, bytes.collect())
    });
    let text = "\\PC{0,60}".prop_map(|text| (MessageKind::Text, text.into_bytes()));
    prop_oneof![binary, text]
}

/// The payload cut at any places, within characters too.
fn fragments(mut payload: &[u8], cuts: &[usize]) -> Vec<Vec<u8>> {
    let mut parts = Vec::new();
    for cut in cuts {
        let (part, rest) = payload.split_at(cut % (payload.len() + 1));
        parts.push(part.to_vec());
        payload = rest;
    }
    parts.push(payload.to_vec());
    parts
}

fn calls() -> impl Strategy<Value = Vec<Call>> {
    let control = |first: u8| {
        vec(any::<u8>(), 0..125).prop_map(move |mut bytes| {
            bytes.insert(0, first);
            bytes
        })
    };
    let call = prop_oneof![
        4 => payload().prop_map(|(kind, payload)| Call::Send(kind, payload)),
        2 => (payload(), vec(any::<usize>(), 0..5)).prop_map(|((kind, payload), cuts)| {
            Call::Fragments(kind, fragments(&payload, &cuts))
        }),
        1 => control(PING).prop_map(Call::Ping),
        1 => control(2).prop_map(Call::Pong),
    ];
    vec(call, 0..8)
}

fn close() -> impl Strategy<Value = Option<(u16, String)>> {
    let code = prop::sample::select(&[1000_u16, 1001, 1003, 1007, 1014, 3000, 4999][..]);
    prop_oneof![
        3 => (code, "[a-zé€]{0,40}").prop_map(Some),
        1 => Just(Some((1005, String::new()))),
        2 => Just(None),
    ]
}

fn frame(close: &(u16, String)) -> CloseFrame {
    CloseFrame {
        code: CloseCode::new(close.0),
        reason: close.1.clone(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn what_is_sent_arrives(
        calls in [calls(), calls()],
        close in [close(), close()],
        sizes in vec(prop_oneof![1_usize..10, 100_usize..1000, 50_000_usize..100_000], 1..10),
    ) {
        let mut peers = [Peer::new(Role::Client), Peer::new(Role::Server)];
        let mut sizes = sizes.iter().cycle().copied();
        let mut carry = |peers: &mut [Peer; 2], all: bool| {
            let [client, server] = peers;
            loop {
                // Small reads for a while, then large ones, or long messages would take their time.
                let size = sizes.next().unwrap_or(1);
                let least = if client.output.bytes().len() + server.output.bytes().len() > 1000 { 500 } else { 1 };
                let there = server.take(client, size.max(least));
                let back = client.take(server, size.max(least));
                if !all || !(there || back) {
                    break;
                }
            }
        };
        for number in 0..8 {
            for (peer, calls) in peers.iter_mut().zip(&calls) {
                if let Some(call) = calls.get(number) {
                    peer.call(call);
                }
            }
            carry(&mut peers, false);
        }
        carry(&mut peers, true);
        for (sender, receiver) in [(0, 1), (1, 0)] {
            let (told, pings) = expected(&calls[sender]);
            prop_assert_eq!(&peers[receiver].told, &told);
            prop_assert_eq!(&peers[sender].answers, &pings);
            prop_assert!(peers[sender].closed.is_empty());
        }

        for (peer, close) in peers.iter_mut().zip(&close) {
            if let Some((code, reason)) = close {
                let code = CloseCode::new(*code);
                peer.protocol.close(&mut peer.output, code, reason, NOW).expect("open");
            }
        }
        carry(&mut peers, true);
        for (side, other) in [(0, 1), (1, 0)] {
            let sent = close[side].as_ref().map(frame);
            let received = close[other].as_ref().map(frame);
            if sent.is_none() && received.is_none() {
                prop_assert!(peers[side].closed.is_empty());
                continue;
            }
            // Who has not begun answers with the same.
            let closed = Closed {
                by_us: sent.is_some(),
                received: received.clone().or_else(|| sent.clone()),
                sent: sent.or(received),
                ..Closed::default()
            };
            prop_assert_eq!(&peers[side].closed, &[closed]);
        }
        for peer in &mut peers {
            prop_assert_eq!(peer.input.incomplete_bytes(), 0);
        }
    }
}
