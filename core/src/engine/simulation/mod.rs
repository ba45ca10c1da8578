//! Two engines, one with the clients and one with the servers, over a network and a clock that are made of one seed. The
//! engines are whole but for two things: they are told the time, and their sockets are pairs whose other ends the
//! network holds ([`wire`]). What is ready is attended to in any order. What applications do, and what must hold of what they
//! are told, is in [`talk`]; what must hold of the engines at each step, and at the end, in [`world`].
//!
//! `make simulate SEEDS=…` runs more seeds than every test run does. A failure prints the command that runs its seed again.

#[path = "../../../tests/simulation/figures.rs"]
mod figures;
#[path = "../../../tests/simulation/message.rs"]
mod message;
#[path = "../../../tests/simulation/network.rs"]
mod network;
#[path = "../../../tests/simulation/random.rs"]
mod random;
#[path = "../../../tests/simulation/seeds.rs"]
mod seeds;
mod talk;
mod wire;
mod world;

use figures::Figures;
use world::World;

fn run(seed: u64, shown: bool) -> Figures {
    World::new(seed, shown).run()
}

#[test]
fn every_seed_keeps_its_promises() {
    seeds::run_all(run, "--lib engine::simulation::every_seed").check();
}

#[test]
fn a_seed_says_the_same_each_time() {
    for seed in 0..20 {
        assert_eq!(run(seed, false), run(seed, false), "seed {seed}");
    }
}
