//! The vectors of tests/vectors/frames.txt before the sans-I/O protocol, in portions of any size. Every binding's echo server
//! is held to the same ones by tests/vectors/check.

use std::sync::Arc;

use ropeway_core::Role;
use ropeway_core::frame::{Header, HeaderRules, Opcode};
use ropeway_core::protocol::{Event, Input, Options, Output, Protocol, Time};

const VECTORS: &str = include_str!("../../tests/vectors/frames.txt");

/// A server's frames without compression.
const RULES: HeaderRules = HeaderRules {
    masked: false,
    rsv1: false,
};

/// An answer: its kind and payload; of a close its code.
#[derive(Debug, PartialEq)]
enum Answer {
    Text(Vec<u8>),
    Binary(Vec<u8>),
    Pong(Vec<u8>),
    Close(u16),
}

/// The bytes of the vectors' notation.
fn unhex(text: &str) -> Vec<u8> {
    text.split_whitespace()
        .flat_map(|word| {
            let (digits, times) = word.split_once('*').unwrap_or((word, "1"));
            let bytes: Vec<u8> = (digits.as_bytes().chunks(2))
                .map(|pair| {
                    let pair = std::str::from_utf8(pair).expect("hex");
                    u8::from_str_radix(pair, 16).expect("hex")
                })
                .collect();
            bytes.repeat(times.parse().expect("a count"))
        })
        .collect()
}

fn expected(text: &str) -> Answer {
    let (kind, value) = text.split_once(' ').unwrap_or((text, ""));
    match kind {
        "text" => Answer::Text(unhex(value)),
        "binary" => Answer::Binary(unhex(value)),
        "pong" => Answer::Pong(unhex(value)),
        "close" => Answer::Close(value.parse().expect("a code")),
        other => panic!("{other}"),
    }
}

/// What an echo server sends when these bytes come in portions of `most`.
fn echoed(sent: &[u8], most: usize) -> Vec<u8> {
    let now = Time::from_micros(1);
    let mut protocol = Protocol::open(Role::Server, Arc::new(Options::default()), now);
    let (mut input, mut output) = (Input::new(), Output::new());
    for portion in sent.chunks(most) {
        input.extend(portion);
        loop {
            let event = protocol.next_event(&mut input, &mut output, now);
            let Some(event) = event else { break };
            if let Event::Message { kind, payload } = event {
                let payload = payload.to_vec();
                protocol
                    .send(&mut output, kind, &payload)
                    .expect("it is open");
            }
        }
    }
    output.bytes().to_vec()
}

/// A server's frames, which are whole and unmasked.
fn answers(mut bytes: &[u8]) -> Vec<Answer> {
    let mut answers = Vec::new();
    while !bytes.is_empty() {
        let (header, size) = Header::parse(bytes, RULES)
            .expect("a good frame")
            .expect("a whole frame");
        let (payload, rest) = bytes[size..].split_at(header.length as usize);
        bytes = rest;
        answers.push(match header.opcode {
            Opcode::Text => Answer::Text(payload.to_vec()),
            Opcode::Binary => Answer::Binary(payload.to_vec()),
            Opcode::Pong => Answer::Pong(payload.to_vec()),
            Opcode::Close => Answer::Close(match payload {
                [a, b, ..] => u16::from_be_bytes([*a, *b]),
                _ => 1005,
            }),
            other => panic!("{other:?}"),
        });
    }
    answers
}

#[test]
fn every_vector_gets_its_answer_in_any_portions() {
    let lines = VECTORS
        .lines()
        .filter(|line| line.contains('|') && !line.starts_with('#'));
    let mut count = 0;
    for line in lines {
        let [name, sent, wanted] = line.split('|').map(str::trim).collect::<Vec<_>>()[..] else {
            panic!("{line}");
        };
        let sent = unhex(sent);
        let wanted: Vec<Answer> = wanted
            .split(',')
            .map(|answer| expected(answer.trim()))
            .collect();
        for most in [1, 7, 1000, usize::MAX] {
            assert!(answers(&echoed(&sent, most)) == wanted, "{name}, by {most}");
        }
        count += 1;
    }
    assert!(count >= 30, "{count} vectors");
}
