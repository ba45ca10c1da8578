//! Topics of several engines, in several processes and on several machines, over a broker: Redis, Valkey or NATS.
//!
//! A [`Relay`] is shown what its engine publishes, gives it to the broker, and publishes on the engine what the other nodes
//! publish. It has two threads of its own; the engine's never waits for it.
//!
//! What is promised: a message arrives at each subscriber at most once, those of one node in their order. What is not: that it
//! arrives. While the broker is away, messages wait up to [`RelayOptions::queue_limit`], further ones are
//! [dropped](RelayMetrics::dropped); one that was under way when a connection to the broker broke, or that came while another
//! node was not connected, is lost there. Each node counts what it has [lost](RelayMetrics::lost) of the others: messages bear
//! their node's number and their own.
//!
//! ```no_run
//! # let mut engine = ropeway_core::engine::Engine::new(Default::default())?;
//! let relay = ropeway_relay::Relay::start(&mut engine, "redis://127.0.0.1/", Default::default())?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod broker;
mod envelope;
mod losses;
mod queue;
mod receive;
mod send;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ropeway_core::engine::{Engine, Forward};

use broker::{Broken, Broker};
use queue::Queue;

/// A broken connection to the broker is made anew after this long, and then after twice as long each time, up to a second.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Settings of a relay.
#[derive(Clone, Debug)]
pub struct RelayOptions {
    /// The channel at the broker, at NATS a subject: nodes with the same belong together. Default `ropeway`.
    pub channel: String,
    /// Bytes of messages that may wait for the broker; further ones are dropped. Default 16 MiB.
    pub queue_limit: u64,
}

impl Default for RelayOptions {
    fn default() -> Self {
        Self {
            channel: "ropeway".to_owned(),
            queue_limit: 16 << 20,
        }
    }
}

/// What a relay has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RelayMetrics {
    /// Whether it gets what other nodes publish at present.
    pub connected: bool,
    /// Messages that the broker took.
    pub sent: u64,
    /// Messages of other nodes that were published here.
    pub received: u64,
    /// Messages of this node that the broker did not get: the queue was full, the connection broke before an answer, or one was
    /// larger than the broker takes; and those of others for which the engine's own queue from other threads was full.
    pub dropped: u64,
    /// Messages of other nodes that did not come here, as far as is known: a node's are missed from its first that came.
    pub lost: u64,
    /// Bytes that wait for the broker.
    pub queued: u64,
}

/// Why a relay could not be started.
#[derive(Debug)]
#[non_exhaustive]
pub enum RelayError {
    /// The URL is none of a broker, or the channel none that it can have.
    Url(String),
    /// The operating system gives no thread, or no random numbers.
    System(std::io::Error),
}

impl fmt::Display for RelayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(message) => {
                write!(
                    f,
                    "this is no broker's URL (redis://HOST:PORT/, nats://HOST:PORT): {message}"
                )
            }
            Self::System(error) => write!(f, "a relay cannot be started: {error}"),
        }
    }
}

impl std::error::Error for RelayError {}

/// Connects an engine's topics with those of other nodes; until it is dropped.
#[derive(Debug)]
pub struct Relay {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

/// What the engine's thread and the relay's share.
#[derive(Debug)]
struct Shared {
    broker: Box<dyn Broker>,
    /// This node's number: random, new with each start.
    node: u64,
    queue: Queue,
    stopped: AtomicBool,
    connected: AtomicBool,
    sent: AtomicU64,
    received: AtomicU64,
    dropped: AtomicU64,
    lost: AtomicU64,
}

impl Relay {
    /// Begins to relay what `engine` publishes and what other nodes do. The broker need not be there yet.
    ///
    /// # Errors
    /// [`RelayError::Url`], [`RelayError::System`].
    pub fn start(
        engine: &mut Engine,
        url: &str,
        options: RelayOptions,
    ) -> Result<Self, RelayError> {
        let broker = broker::open(url, &options.channel)?;
        let mut node = [0; 8];
        getrandom::fill(&mut node)
            .map_err(|error| RelayError::System(std::io::Error::other(error.to_string())))?;
        let shared = Arc::new(Shared {
            broker,
            node: u64::from_be_bytes(node),
            queue: Queue::new(options.queue_limit),
            stopped: AtomicBool::new(false),
            connected: AtomicBool::new(false),
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            lost: AtomicU64::new(0),
        });
        let mut relay = Self {
            shared: Arc::clone(&shared),
            threads: Vec::new(),
        };
        let (sender, receiver, remote) =
            (Arc::clone(&shared), Arc::clone(&shared), engine.remote());
        relay.spawn("ropeway-relay-send", move || send::run(&sender))?;
        relay.spawn("ropeway-relay-receive", move || {
            receive::run(&receiver, &remote)
        })?;
        let forward = Forward::new(move |topic, kind, payload| {
            if !shared.queue.push(topic, kind, payload) {
                shared.dropped.fetch_add(1, Ordering::Relaxed);
            }
        });
        engine.connections().set_forward(Some(forward));
        Ok(relay)
    }

    fn spawn(&mut self, name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), RelayError> {
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(run);
        self.threads.push(thread.map_err(RelayError::System)?);
        Ok(())
    }

    /// What it has done so far.
    #[must_use]
    pub fn metrics(&self) -> RelayMetrics {
        let shared = &*self.shared;
        RelayMetrics {
            connected: shared.connected.load(Ordering::Relaxed),
            sent: shared.sent.load(Ordering::Relaxed),
            received: shared.received.load(Ordering::Relaxed),
            dropped: shared.dropped.load(Ordering::Relaxed),
            lost: shared.lost.load(Ordering::Relaxed),
            queued: shared.queue.bytes(),
        }
    }
}

/// What waits is sent, if the broker is there; what is published later goes nowhere.
impl Drop for Relay {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Release);
        self.shared.queue.stop();
        for thread in self.threads.drain(..) {
            // One that has panicked has nothing more to say.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// Has `serve` make a connection and use it until it breaks, again and again, with pauses in between, until the relay is
    /// stopped.
    fn keep_connected(&self, mut serve: impl FnMut() -> Result<(), Broken>) {
        let mut pause = FIRST_PAUSE;
        while !self.stopped() {
            let began = Instant::now();
            let ended = serve();
            if ended.is_ok() || began.elapsed() > LONGEST_PAUSE {
                pause = FIRST_PAUSE;
            }
            if !self.stopped() {
                self.queue.sleep(pause);
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}
