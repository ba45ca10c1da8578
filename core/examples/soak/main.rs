//! A server among clients that behave and clients that do not: `cargo run --profile simulation --example soak -- SECONDS CONNECTIONS`.
//!
//! The server is this program again, in a process of its own. For the first quarter of the time only clients that behave are
//! there, which send messages and take the time until each comes back; then others join them: half-open handshakes, floods of
//! pings, fragments of a byte, readers that do not read, garbage, resets, processes that are killed, and so many
//! connections that the server has no descriptor left. Beside it stands a second server, whose incomplete messages may have little
//! memory, which clients of the worst sort use up; those whose messages come whole live on. It fails when an echo is wrong or missing, a
//! server ends, its memory goes on growing, or nothing ever ran out.

mod attacks;
mod good;
mod random;
mod server;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use good::Good;
use server::Server;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Descriptors that the servers may have beyond those of clients that behave.
const SPARE: u64 = 300;
/// The second server: its clients that behave, its memory for incomplete messages, and the longest message, in bytes.
const FEW: u64 = 20;
const LITTLE: u64 = 1 << 20;
const SHORT: usize = 2000;
/// The first server's memory for incomplete messages, and its longest message, in bytes.
const PLENTY: u64 = 512 << 20;
const LONG: usize = 100_000;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, otherwise: u64| {
        let given = arguments.get(at).map(|text| text.parse());
        given.unwrap_or(Ok(otherwise))
    };
    match arguments.first().map(String::as_str) {
        Some("serve") => server::serve(number(1, PLENTY)?),
        Some("crowd") => attacks::crowd(arguments.get(1).ok_or("whom?")?.parse()?),
        _ => soak(Duration::from_secs(number(0, 60)?), number(1, 100)?),
    }
}

fn soak(time: Duration, connections: u64) -> Outcome<()> {
    let server = Server::start(connections + SPARE, PLENTY)?;
    let tight = Server::start(FEW + SPARE, LITTLE)?;
    let (ends, attacks) = (AtomicBool::new(false), AtomicU64::new(0));
    let (alone, beside, memory) = std::thread::scope(|scope| -> Outcome<_> {
        let mut good = Good::new()?;
        good.dial(server.address, connections, LONG)?;
        good.dial(tight.address, FEW, SHORT)?;
        let alone = good.run(time / 4)?;
        let (ends, attacks) = (&ends, &attacks);
        for (seed, address) in [(1, server.address), (2, server.address), (3, tight.address)] {
            scope.spawn(move || attacks::misbehave(address, seed, ends, attacks));
        }
        let address = server.address;
        scope.spawn(move || attacks::exhaust(address, 2 * SPARE, ends, attacks));
        let killer = scope.spawn(move || {
            let killed = attacks::kill(address, ends, attacks);
            killed.map_err(|error| error.to_string())
        });
        // Its memory in the second, third and last quarter, at its highest.
        let mut memory = Vec::new();
        let mut beside = Vec::new();
        let outcome = (0..3).try_for_each(|_| -> Outcome<()> {
            let mut highest = 0;
            for _ in 0..10 {
                beside.extend(good.run(time / 40)?);
                highest = highest.max(server.memory()?);
            }
            memory.push(highest);
            Ok(())
        });
        ends.store(true, Ordering::Release);
        killer.join().map_err(|_| "it panicked")??;
        outcome.map(|()| (alone, beside, memory))
    })?;
    let (no_descriptor, no_memory) = (server.end()?.descriptors, tight.end()?.memory);
    println!(
        "{connections} connections, {} attacks; {no_descriptor} times no descriptor was left; {no_memory} connections ended for want of memory",
        attacks.load(Ordering::Relaxed)
    );
    println!("{} echoes", alone.len() + beside.len());
    report("alone", alone);
    report("beside attacks", beside);
    println!("server's memory by quarter, in KiB: {memory:?}");
    if no_descriptor == 0 || no_memory == 0 {
        return Err("nothing has run out".into());
    }
    let (first, last) = (memory[1], memory[2]);
    if last > first + first / 5 + 4096 {
        return Err(format!("it grows: from {first} KiB to {last} KiB").into());
    }
    Ok(())
}

fn report(when: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |part: usize| {
        times
            .get(times.len() * part / 1000)
            .copied()
            .unwrap_or_default()
    };
    println!(
        "{when}: {} echoes; half within {:?}, 99% within {:?}",
        times.len(),
        at(500),
        at(990)
    );
}
