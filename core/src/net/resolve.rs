//! Name resolution by the system's resolver, on helper threads, since it blocks.

use std::collections::VecDeque;
use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// Look-ups at once; further ones wait.
const THREADS: usize = 4;

/// What came of a look-up.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The number given with the question.
    pub(crate) tag: u64,
    /// The addresses in the system's order (RFC 6724), or the resolver's message.
    pub(crate) result: Result<Vec<SocketAddr>, String>,
}

#[derive(Default)]
struct Shared {
    questions: VecDeque<(u64, String, u16)>,
    answers: Vec<Answer>,
    threads: usize,
}

/// Asks without blocking. Threads exist only while there are questions.
pub(crate) struct Resolver {
    shared: Arc<Mutex<Shared>>,
    answered: Arc<dyn Fn() + Send + Sync>,
}

impl Resolver {
    /// `answered` is called on a helper thread when answers can be taken.
    pub(crate) fn new(answered: Arc<dyn Fn() + Send + Sync>) -> Self {
        Self {
            shared: Arc::default(),
            answered,
        }
    }

    /// Asks for a host's addresses.
    ///
    /// # Errors
    /// When no thread can be started.
    pub(crate) fn ask(&self, tag: u64, host: &str, port: u16) -> std::io::Result<()> {
        let mut shared = lock(&self.shared);
        shared.questions.push_back((tag, host.to_owned(), port));
        if shared.threads == THREADS {
            return Ok(());
        }
        let (work, answered) = (Arc::clone(&self.shared), Arc::clone(&self.answered));
        let started = thread::Builder::new()
            .name("ropeway-resolve".to_owned())
            .stack_size(256 << 10)
            .spawn(move || serve(&work, &*answered));
        match started {
            Ok(_) => shared.threads += 1,
            // A thread that runs already will come to it.
            Err(_) if shared.threads > 0 => {}
            Err(error) => {
                shared.questions.pop_back();
                return Err(error);
            }
        }
        Ok(())
    }

    /// The answers that have come.
    pub(crate) fn answers(&self) -> Vec<Answer> {
        std::mem::take(&mut lock(&self.shared).answers)
    }
}

impl Drop for Resolver {
    fn drop(&mut self) {
        lock(&self.shared).questions.clear();
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Resolver")
    }
}

fn serve(shared: &Mutex<Shared>, answered: &dyn Fn()) {
    loop {
        let (tag, host, port) = {
            let mut shared = lock(shared);
            match shared.questions.pop_front() {
                Some(question) => question,
                None => {
                    shared.threads -= 1;
                    return;
                }
            }
        };
        let result = (host.as_str(), port)
            .to_socket_addrs()
            .map(Iterator::collect)
            .map_err(|error| error.to_string());
        lock(shared).answers.push(Answer { tag, result });
        answered();
    }
}

fn lock(shared: &Mutex<Shared>) -> std::sync::MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn questions_beyond_the_threads_are_answered_too() {
        let (sender, receiver) = mpsc::channel();
        let resolver = Resolver::new(Arc::new(move || {
            let _ = sender.send(());
        }));
        for tag in 0..20 {
            resolver.ask(tag, "localhost", 80).expect("a thread starts");
        }
        let mut answers = Vec::new();
        while answers.len() < 20 {
            receiver.recv().expect("the resolver lives");
            answers.extend(resolver.answers());
        }
        answers.sort_by_key(|answer| answer.tag);
        for (tag, answer) in (0..20).zip(&answers) {
            assert_eq!(answer.tag, tag);
            let addresses = answer.result.as_ref().expect("localhost resolves");
            assert!(
                addresses
                    .iter()
                    .all(|address| address.ip().is_loopback() && address.port() == 80)
            );
            assert!(!addresses.is_empty());
        }
    }

    #[test]
    fn a_name_that_cannot_be_is_an_error_in_words() {
        let (sender, receiver) = mpsc::channel();
        let resolver = Resolver::new(Arc::new(move || {
            let _ = sender.send(());
        }));
        resolver
            .ask(7, "no such name", 80)
            .expect("a thread starts");
        receiver.recv().expect("the resolver lives");
        let answers = resolver.answers();
        assert!(
            matches!(&answers[..], [Answer { tag: 7, result: Err(message) }] if !message.is_empty())
        );
    }
}
