//! The bodies of the fuzz targets. Each takes any bytes and holds Ropeway to one contract: what comes of them is
//! accepted, or refused by the error that is named for it; no panic, no loop, no limit passed, and the same however the
//! bytes are divided among reads.
//!
//! fuzz/runner hands them to libFuzzer (`make fuzz TARGET=… SECONDS=…`), fuzz/tests/corpora.rs replays what the fuzzers
//! have found worth keeping, in every test run.

mod abi;
mod compression;
mod connection;
mod frame;
mod grammar;
mod handshake;
mod proxy;
#[path = "../../core/tests/differential/verdict.rs"]
mod verdict;

pub use abi::abi;
pub use compression::{inflate, round_trip};
pub use connection::{client, server};
pub use frame::{header, payload};
pub use grammar::{extension, url};
pub use handshake::{request, response};
pub use proxy::proxy;

use ropeway_core::Role;

/// A target: it panics when the contract is broken.
pub type Target = fn(&[u8]);

/// Every target, by the name of its corpus.
pub const TARGETS: [(&str, Target); 13] = [
    ("abi", abi),
    ("client", client),
    ("differential", differential),
    ("extension", extension),
    ("header", header),
    ("inflate", inflate),
    ("payload", payload),
    ("proxy", proxy),
    ("request", request),
    ("response", response),
    ("round_trip", round_trip),
    ("server", server),
    ("url", url),
];

/// Frames before Ropeway and tungstenite; the first byte says who receives them.
pub fn differential(data: &[u8]) {
    let Some((&first, bytes)) = data.split_first() else {
        return;
    };
    let role = if first & 1 == 0 {
        Role::Client
    } else {
        Role::Server
    };
    if let Err(difference) = verdict::compare(role, bytes) {
        panic!("{difference}");
    }
}

/// The longest payload that is made of an input: beyond every length at which something changes.
const LONGEST: usize = 72_000;

/// Bytes so many times, at least once, so that few make many.
fn repeated(bytes: &[u8], times: u8) -> Vec<u8> {
    let most = LONGEST / bytes.len().max(1);
    bytes.repeat(usize::from(times).min(most).max(1))
}

/// Divides bytes by a plan of sizes, which is repeated; 0 counts as 1. There are at most about 500 pieces.
fn pieces<'a>(mut bytes: &'a [u8], sizes: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let mut sizes = sizes.iter().cycle();
    let least = (bytes.len() / 500).max(1);
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let size = sizes
            .next()
            .map_or(bytes.len(), |&size| usize::from(size).max(least));
        let (piece, rest) = bytes.split_at(size.min(bytes.len()));
        bytes = rest;
        Some(piece)
    })
}
