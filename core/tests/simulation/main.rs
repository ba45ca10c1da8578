//! Clients and servers on the sans-I/O [`Protocol`](ropeway_core::protocol::Protocol), with a network and a clock made of
//! one seed: latencies, portions, partial writes, stalls, resets, half-closes, jumps of the clock, pauses, small bounds.
//! What must hold is checked at every step ([`world`]).
//!
//! `make simulate SEEDS=…` runs more seeds than every test run does. A failure prints the command that runs its seed again.

mod figures;
mod host;
mod network;
mod random;
mod world;

use std::sync::atomic::{AtomicU64, Ordering};

use figures::Figures;
use world::World;

/// A number from the environment.
fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name}={text} is no number")),
    )
}

/// Says how to run a seed again, if it fails.
struct Named(u64);

impl Drop for Named {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "seed {0} failed; again, with every step: \
                 SEED={0} cargo test -p ropeway-core --test simulation -- every_seed --nocapture",
                self.0
            );
        }
    }
}

fn run(seed: u64, shown: bool) -> Figures {
    let _named = Named(seed);
    World::new(seed, shown).run()
}

#[test]
fn every_seed_keeps_its_promises() {
    if let Some(seed) = setting("SEED") {
        println!("{:?}", run(seed, true));
        return;
    }
    let first = setting("FIRST").unwrap_or(0);
    let end = first + setting("SEEDS").unwrap_or(400);
    let next = AtomicU64::new(first);
    let work = || {
        let mut sum = Figures::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                return sum;
            }
            sum.add(&run(seed, false));
        }
    };
    let threads = setting("THREADS").unwrap_or(1);
    let sum = std::thread::scope(|scope| {
        let workers: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut sum = work();
        for worker in workers {
            sum.add(&worker.join().expect("no seed failed"));
        }
        sum
    });
    println!("seeds {first} to {}: {sum:#?}", end - 1);
    // What never happens shows nothing.
    sum.check();
}

#[test]
fn a_seed_says_the_same_each_time() {
    for seed in 0..20 {
        assert_eq!(run(seed, false), run(seed, false), "seed {seed}");
    }
}
