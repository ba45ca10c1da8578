//! Name resolution, by the system's resolver or one of the user's, on helper threads, since it blocks.

use std::collections::VecDeque;
use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// Look-ups at once; further ones wait.
const THREADS: usize = 4;

/// A resolver of the user's, in place of the system's: a function from a host name and the URL's port to the addresses
/// to connect to, in order of preference, or to the reason why there are none. A port of 0 in an address stands for the
/// URL's. An address in the URL needs no resolver and is not shown to it.
///
/// It is called on a helper thread, so it may block; at most four calls of one engine are under way, and a dial that has
/// ended meanwhile does not look at the answer. A panic in it is an error of that one dial.
#[derive(Clone)]
pub struct NameResolver(Arc<Resolve>);

type Resolve = dyn Fn(&str, u16) -> Result<Vec<SocketAddr>, String> + Send + Sync;

impl NameResolver {
    /// Resolves by `resolve`.
    pub fn new(
        resolve: impl Fn(&str, u16) -> Result<Vec<SocketAddr>, String> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(resolve))
    }

    fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
        let mut addresses = catch_unwind(AssertUnwindSafe(|| (self.0)(host, port)))
            .unwrap_or_else(|_| Err("the resolver panicked".to_owned()))?;
        for address in addresses.iter_mut().filter(|address| address.port() == 0) {
            address.set_port(port);
        }
        Ok(addresses)
    }
}

impl fmt::Debug for NameResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NameResolver")
    }
}

/// What is asked.
#[derive(Debug)]
pub(crate) struct Question {
    /// A number that comes back with the answer.
    pub(crate) tag: u64,
    pub(crate) host: String,
    pub(crate) port: u16,
    /// `None` for the system's.
    pub(crate) by: Option<NameResolver>,
}

impl Question {
    fn answer(&self) -> Result<Vec<SocketAddr>, String> {
        match &self.by {
            Some(resolver) => resolver.resolve(&self.host, self.port),
            None => (self.host.as_str(), self.port)
                .to_socket_addrs()
                .map(Iterator::collect)
                .map_err(|error| error.to_string()),
        }
    }
}

/// What came of a look-up.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The number given with the question.
    pub(crate) tag: u64,
    /// The addresses in the resolver's order (the system's is that of RFC 6724), or its message.
    pub(crate) result: Result<Vec<SocketAddr>, String>,
}

#[derive(Default)]
struct Shared {
    questions: VecDeque<Question>,
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
    pub(crate) fn ask(&self, question: Question) -> std::io::Result<()> {
        let mut shared = lock(&self.shared);
        shared.questions.push_back(question);
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
        let question = {
            let mut shared = lock(shared);
            match shared.questions.pop_front() {
                Some(question) => question,
                None => {
                    shared.threads -= 1;
                    return;
                }
            }
        };
        let result = question.answer();
        let tag = question.tag;
        drop(question);
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

    fn question(tag: u64, host: &str, by: Option<NameResolver>) -> Question {
        let host = host.to_owned();
        Question {
            tag,
            host,
            port: 80,
            by,
        }
    }

    /// What comes of one question.
    fn resolved(host: &str, by: Option<NameResolver>) -> Result<Vec<SocketAddr>, String> {
        let (sender, receiver) = mpsc::channel();
        let resolver = Resolver::new(Arc::new(move || {
            let _ = sender.send(());
        }));
        resolver
            .ask(question(7, host, by))
            .expect("a thread starts");
        receiver.recv().expect("the resolver lives");
        let [Answer { tag: 7, result }] =
            <[Answer; 1]>::try_from(resolver.answers()).expect("one answer")
        else {
            panic!("the answer to another question");
        };
        result
    }

    #[test]
    fn questions_beyond_the_threads_are_answered_too() {
        let (sender, receiver) = mpsc::channel();
        let resolver = Resolver::new(Arc::new(move || {
            let _ = sender.send(());
        }));
        for tag in 0..20 {
            resolver
                .ask(question(tag, "localhost", None))
                .expect("a thread starts");
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
        let message = resolved("no such name", None).expect_err("there is none");
        assert!(!message.is_empty());
    }

    #[test]
    fn a_resolver_of_the_user_s_takes_the_place_of_the_system_s() {
        let resolver = NameResolver::new(|host, port| {
            assert_eq!((host, port), ("no such name", 80));
            Ok(vec![
                ([192, 0, 2, 1], 0).into(),
                ([192, 0, 2, 2], 81).into(),
            ])
        });
        let addresses = [([192, 0, 2, 1], 80).into(), ([192, 0, 2, 2], 81).into()];
        assert_eq!(
            resolved("no such name", Some(resolver)),
            Ok(addresses.to_vec())
        );
        let refusing = NameResolver::new(|_, _| Err("not today".to_owned()));
        assert_eq!(
            resolved("localhost", Some(refusing)),
            Err("not today".to_owned())
        );
        let panicking = NameResolver::new(|_, _| panic!("by design"));
        assert_eq!(
            resolved("localhost", Some(panicking)),
            Err("the resolver panicked".to_owned())
        );
    }
}
