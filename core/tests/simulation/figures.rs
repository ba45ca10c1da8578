//! What a run, or many, came to.

use std::collections::BTreeMap;

use ropeway_core::{Deadline, Error};

/// How often things happened.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Figures {
    pub(crate) runs: u64,
    pub(crate) steps: u64,
    pub(crate) connections: u64,
    pub(crate) messages: u64,
    /// Resets, cut streams, stalls, jumps of the clock, and applications that abort.
    pub(crate) faults: u64,
    /// How the connections ended, by the cause's name.
    pub(crate) ends: BTreeMap<&'static str, u64>,
}

impl Figures {
    pub(crate) fn add(&mut self, other: &Self) {
        self.runs += other.runs;
        self.steps += other.steps;
        self.connections += other.connections;
        self.messages += other.messages;
        self.faults += other.faults;
        for (name, count) in &other.ends {
            *self.ends.entry(name).or_default() += count;
        }
    }

    /// In some hundred runs each of these has happened: what never happens shows nothing.
    pub(crate) fn check(&self) {
        if self.runs < 300 {
            return;
        }
        for end in [
            "clean", "aborted", "lost", "reset", "open", "pong", "close", "size", "memory",
            "refused",
        ] {
            assert!(self.ends.contains_key(end), "no connection ended so: {end}");
        }
        assert!(self.messages > 10 * self.runs);
    }
}

/// An end's cause in one word.
pub(crate) fn name(cause: Option<&Error>) -> &'static str {
    match cause {
        None => "clean",
        Some(Error::Aborted) => "aborted",
        Some(Error::Io(_)) => "reset",
        Some(Error::ConnectionLost) => "lost",
        Some(Error::Limit { limit, .. }) => match limit.option() {
            "max_message_size" => "size",
            "max_fragments" => "fragments",
            "send_queue_high" => "slow",
            _ => "memory",
        },
        Some(Error::Timeout { deadline, .. }) => match deadline {
            Deadline::Open => "open",
            Deadline::Pong => "pong",
            Deadline::Idle => "idle",
            _ => "close",
        },
        Some(Error::Handshake(_)) => "refused",
        Some(_) => "other",
    }
}
