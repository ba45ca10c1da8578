//! Clients that behave: each has one message on its way, of any size, and checks what comes back.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ropeway_core::engine::{ConnectionId, Engine, EngineOptions, EventKind};
use ropeway_core::protocol::{MessageKind, Options};

use crate::Outcome;
use crate::random::Random;

/// Echoes a second, of all connections together: far from what a server can do, so that the time of one tells something.
const RATE: u64 = 2000;
const LATEST: Duration = Duration::from_secs(10);

pub(crate) struct Good {
    engine: Engine,
    random: Random,
    waiting: HashMap<ConnectionId, (Instant, Vec<u8>)>,
    /// Those with nothing on its way, and the longest message that each sends.
    idle: VecDeque<(ConnectionId, usize)>,
    longest: HashMap<ConnectionId, usize>,
}

impl Good {
    pub(crate) fn new() -> Outcome<Self> {
        Ok(Self {
            engine: Engine::new(EngineOptions::default())?,
            random: Random::new(0x9e37_79b9),
            waiting: HashMap::new(),
            idle: VecDeque::new(),
            longest: HashMap::new(),
        })
    }

    /// Opens so many connections, a few hundred at a time, whose messages have at most `longest` bytes.
    pub(crate) fn dial(&mut self, address: SocketAddr, count: u64, longest: usize) -> Outcome<()> {
        let options = Arc::new(Options::default());
        let url = format!("ws://{address}/");
        let (mut left, all) = (count, self.longest.len() + count as usize);
        while self.idle.len() < all {
            let connections = self.engine.connections();
            let opening = self.longest.len() - self.idle.len();
            for _ in 0..left.min(500 - opening as u64) {
                let id = connections.connect(&url, Arc::clone(&options))?;
                self.longest.insert(id, longest);
                left -= 1;
            }
            self.turn(Duration::from_secs(1), &mut Vec::new())?;
        }
        Ok(())
    }

    /// Echoes for a while, and how long each took.
    pub(crate) fn run(&mut self, time: Duration) -> Outcome<Vec<Duration>> {
        let mut times = Vec::new();
        let (begin, mut sent) = (Instant::now(), 0);
        while begin.elapsed() < time {
            let due = begin.elapsed().as_millis() as u64 * RATE / 1000;
            while sent < due {
                sent += 1;
                if let Some((id, longest)) = self.idle.pop_front() {
                    self.send(id, longest)?;
                }
            }
            self.turn(Duration::from_millis(1), &mut times)?;
        }
        let oldest = self.waiting.values().map(|(sent, _)| sent.elapsed()).max();
        if oldest > Some(LATEST) {
            return Err(format!(
                "{} of {} wait, the longest for {oldest:?}",
                self.waiting.len(),
                self.longest.len()
            )
            .into());
        }
        Ok(times)
    }

    fn send(&mut self, id: ConnectionId, longest: usize) -> Outcome<()> {
        let sizes = [20, 200, 2000, 100_000];
        let size = sizes[self.random.below(64).trailing_ones() as usize % 4].min(longest);
        let payload: Vec<u8> = (0..size).map(|at| (at ^ size) as u8).collect();
        let connections = self.engine.connections();
        connections.send(id, MessageKind::Binary, &payload)?;
        self.waiting.insert(id, (Instant::now(), payload));
        Ok(())
    }

    fn turn(&mut self, timeout: Duration, times: &mut Vec<Duration>) -> Outcome<()> {
        self.engine.poll(Some(timeout))?;
        while let Some((event, _)) = self.engine.next_event() {
            match event.kind {
                EventKind::Opened(_) => {}
                EventKind::Message { payload, .. } => {
                    let (sent, expected) =
                        self.waiting.remove(&event.id).ok_or("nothing was asked")?;
                    if payload != expected {
                        return Err("another message came back than was sent".into());
                    }
                    times.push(sent.elapsed());
                }
                EventKind::Closed(closed) => {
                    return Err(format!(
                        "a client that behaves has lost its connection: {closed:?}"
                    )
                    .into());
                }
                _ => continue,
            }
            let longest = self.longest.get(&event.id).ok_or("nobody dialled it")?;
            self.idle.push_back((event.id, *longest));
        }
        Ok(())
    }
}
