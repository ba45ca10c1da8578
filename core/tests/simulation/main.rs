//! Clients and servers on the sans-I/O [`Protocol`](ropeway_core::protocol::Protocol), with a network and a clock made of
//! one seed: latencies, portions, partial writes, stalls, resets, half-closes, jumps of the clock, pauses, small bounds.
//! What must hold is checked at every step ([`world`]).
//!
//! `make simulate SEEDS=…` runs more seeds than every test run does. A failure prints the command that runs its seed again.

mod figures;
mod host;
mod message;
mod network;
mod random;
mod seeds;
mod world;

use figures::Figures;
use world::World;

fn run(seed: u64, shown: bool) -> Figures {
    World::new(seed, shown).run()
}

#[test]
fn every_seed_keeps_its_promises() {
    seeds::run_all(run, "--test simulation every_seed").check();
}

#[test]
fn a_seed_says_the_same_each_time() {
    for seed in 0..20 {
        assert_eq!(run(seed, false), run(seed, false), "seed {seed}");
    }
}

/// Memory for a message was asked for with a few bytes beyond the budget.
#[test]
fn a_seed_that_passed_the_budget_keeps_to_it() {
    run(869_306, false);
}
