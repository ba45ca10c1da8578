//! Many runs, each by a seed of its own.

use std::sync::atomic::{AtomicU64, Ordering};

use super::figures::Figures;
use super::random::Random;

/// How much happens in a run. Most are short, for most of what can go wrong shows in few steps; one in eight is long, with
/// messages that pass the larger bounds.
pub(crate) struct Extent {
    pub(crate) actions: usize,
    /// The longest message, in bytes; so much is the smaller of the budgets for incomplete ones.
    pub(crate) longest: usize,
}

impl Extent {
    pub(crate) fn any(random: &mut Random) -> Self {
        let (actions, longest) = if random.one_in(8) {
            (150, 150_000)
        } else {
            (40, 15_000)
        };
        Self {
            actions: 10 + random.below(actions),
            longest,
        }
    }
}

/// A number from the environment.
fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name}={text} is no number")),
    )
}

/// Says how to run a seed again, if it fails.
struct Named(u64, &'static str);

impl Drop for Named {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "seed {0} failed; again, with every step: SEED={0} cargo test -p ropeway-core {1} -- --nocapture",
                self.0, self.1
            );
        }
    }
}

/// Runs SEEDS seeds (400) from FIRST (0) on, by THREADS threads (1); with SEED that one alone, each step of it shown. `test`
/// is what cargo is told to run this test again. The figures are summed up and printed.
pub(crate) fn run_all(run: fn(u64, bool) -> Figures, test: &'static str) -> Figures {
    if let Some(seed) = setting("SEED") {
        let _named = Named(seed, test);
        let figures = run(seed, true);
        println!("{figures:?}");
        return figures;
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
            let _named = Named(seed, test);
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
    sum
}
