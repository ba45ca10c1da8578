//! The queue of commands from other threads, in every order in which threads may come: loom runs each test for all of them.

#[path = "../src/engine/mailbox.rs"]
mod mailbox;

/// What the queue is locked by here.
mod sync {
    pub(crate) use loom::sync::{Mutex, MutexGuard};
}

use std::collections::VecDeque;

use loom::sync::atomic::{AtomicBool, Ordering};
use loom::sync::{Arc, Condvar, Mutex};
use loom::thread::{self, JoinHandle};
use mailbox::{Mailbox, Refused};

/// An engine's poller: it returns when it has been woken since it was last asked.
#[derive(Default)]
struct Poller {
    woken: Mutex<bool>,
    rung: Condvar,
}

impl Poller {
    fn wake(&self) {
        *self.woken.lock().expect("no panic") = true;
        self.rung.notify_one();
    }

    fn wait(&self) {
        let mut woken = self.woken.lock().expect("no panic");
        while !*woken {
            woken = self.rung.wait(woken).expect("no panic");
        }
        *woken = false;
    }
}

type Commands = Mailbox<(usize, u32)>;

/// A thread that gives these commands, in this order.
fn sender(
    mailbox: &Arc<Commands>,
    poller: &Arc<Poller>,
    name: usize,
    count: u32,
) -> JoinHandle<u32> {
    let (mailbox, poller) = (Arc::clone(mailbox), Arc::clone(poller));
    thread::spawn(move || {
        let taken = (0..count)
            .take_while(|&number| mailbox.push((name, number), 0, || poller.wake()).is_ok())
            .count();
        taken as u32
    })
}

/// The engine sleeps whenever nothing wakes it; still it gets every command, each sender's in its order.
fn all_arrive(counts: &'static [u32]) {
    loom::model(|| {
        let mailbox = Arc::new(Commands::new(1 << 20));
        let poller = Arc::new(Poller::default());
        let senders: Vec<_> = (counts.iter().enumerate())
            .map(|(name, &count)| sender(&mailbox, &poller, name, count))
            .collect();
        let mut expected: Vec<VecDeque<u32>> =
            counts.iter().map(|&count| (0..count).collect()).collect();
        while expected.iter().any(|numbers| !numbers.is_empty()) {
            poller.wait();
            for (name, number) in mailbox.take() {
                assert_eq!(expected[name].pop_front(), Some(number));
            }
        }
        for sender in senders {
            sender.join().expect("no panic");
        }
        assert!(mailbox.take().is_empty());
    });
}

#[test]
fn one_senders_commands_arrive_in_its_order() {
    all_arrive(&[3]);
}

#[test]
fn no_wake_up_is_lost_between_two_senders() {
    all_arrive(&[1, 1]);
}

/// What waits is never more than the limit, and what is taken leaves its room.
#[test]
fn the_bound_holds_whoever_comes_first() {
    loom::model(|| {
        // Each command counts 64 bytes.
        let mailbox = Arc::new(Commands::new(128));
        let poller = Arc::new(Poller::default());
        let senders = [
            sender(&mailbox, &poller, 0, 2),
            sender(&mailbox, &poller, 1, 1),
        ];
        let mut received = mailbox.take().len();
        assert!(received <= 2);
        let taken: u32 = senders
            .into_iter()
            .map(|sender| sender.join().expect("no panic"))
            .sum();
        received += mailbox.take().len();
        assert_eq!(received, taken as usize);
        assert!(taken >= 2);
    });
}

/// After the engine has gone nothing is held, and whoever comes later is told.
#[test]
fn nothing_is_left_in_a_queue_whose_engine_has_gone() {
    loom::model(|| {
        let mailbox = Arc::new(Commands::new(1 << 20));
        let poller = Arc::new(Poller::default());
        let gone = Arc::new(AtomicBool::new(false));
        let sender = {
            let (mailbox, gone) = (Arc::clone(&mailbox), Arc::clone(&gone));
            thread::spawn(move || {
                let knew = gone.load(Ordering::Acquire);
                let pushed = mailbox.push((0, 0), 0, || {});
                assert!(!knew || pushed == Err(Refused::Gone));
            })
        };
        mailbox.retire();
        gone.store(true, Ordering::Release);
        sender.join().expect("no panic");
        assert!(mailbox.take().is_empty());
        let late = mailbox.push((0, 1), 0, || poller.wake());
        assert_eq!(late, Err(Refused::Gone));
    });
}
