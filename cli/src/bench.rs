//! `ropeway bench`: messages to a server that sends them back, one at a time or several under way on each connection.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

use clap::Args;
use hdrhistogram::Histogram;
use indicatif::{ProgressBar, ProgressStyle};
use ropeway_core::engine::{ConnectionId, Connections, Engine, EngineOptions, EventKind};
use ropeway_core::protocol::MessageKind;

use crate::Failure;
use crate::dial::Dial;

/// How often the progress is shown anew.
const SHOWN: Duration = Duration::from_millis(200);

#[derive(Args)]
pub(crate) struct Bench {
    #[command(flatten)]
    dial: Dial,
    /// Connections
    #[arg(long, default_value_t = 100)]
    connections: u32,
    /// Bytes of a message
    #[arg(long, default_value_t = 64)]
    size: usize,
    /// Messages under way on each connection
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pipeline: u32,
    /// Seconds to measure
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
}

/// What is measured.
struct Measured {
    /// When each message under way was sent, by connection.
    sent: HashMap<ConnectionId, VecDeque<Instant>>,
    /// Round trips in microseconds.
    round_trips: Histogram<u64>,
    began: Option<Instant>,
}

impl Bench {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let length = Duration::try_from_secs_f64(self.seconds)?;
        let mut engine = Engine::new(EngineOptions::default())?;
        let (transport, options) = (self.dial.transport()?, self.dial.options(None)?);
        for _ in 0..self.connections {
            let connections = engine.connections();
            connections.connect_with(self.dial.url(), &transport, options.clone())?;
        }
        let message = vec![b'r'; self.size];
        let mut measured = Measured {
            sent: HashMap::new(),
            round_trips: Histogram::new(3)?,
            began: None,
        };
        let progress = ProgressBar::new(self.connections.into());
        progress.set_style(ProgressStyle::with_template(
            "connecting {bar:40} {pos}/{len}",
        )?);
        loop {
            engine.poll(Some(SHOWN))?;
            while let Some((event, connections)) = engine.next_event() {
                match event.kind {
                    EventKind::Opened(_) => {
                        measured.sent.insert(event.id, VecDeque::new());
                        progress.inc(1);
                        if measured.sent.len() == self.connections as usize {
                            measured.begin(connections, self.pipeline, &message)?;
                            progress.set_length(length.as_millis() as u64);
                            let style = "{bar:40} {msg}";
                            progress.set_style(ProgressStyle::with_template(style)?);
                        }
                    }
                    EventKind::Message { .. } => measured.back(event.id, connections, &message)?,
                    EventKind::Closed(closed) => {
                        progress.finish_and_clear();
                        return Err(match &closed.cause {
                            Some(error) => error.to_string().into(),
                            None => format!("the server closed with {}", closed.code()).into(),
                        });
                    }
                    _ => {}
                }
            }
            let Some(began) = measured.began else {
                continue;
            };
            let passed = began.elapsed();
            let rate = measured.round_trips.len() as f64 / passed.as_secs_f64();
            if passed >= length {
                progress.finish_and_clear();
                measured.print(rate);
                return Ok(());
            }
            progress.set_position(passed.as_millis() as u64);
            progress.set_message(format!("{rate:.0} messages/s"));
        }
    }
}

impl Measured {
    /// All are open: sends the first messages.
    fn begin(
        &mut self,
        connections: &mut Connections,
        pipeline: u32,
        message: &[u8],
    ) -> Result<(), Failure> {
        self.began = Some(Instant::now());
        for (id, sent) in &mut self.sent {
            for _ in 0..pipeline {
                sent.push_back(Instant::now());
                connections.send(*id, MessageKind::Binary, message)?;
            }
        }
        Ok(())
    }

    /// A message has come back: the next one goes.
    fn back(
        &mut self,
        id: ConnectionId,
        connections: &mut Connections,
        message: &[u8],
    ) -> Result<(), Failure> {
        let Some(sent) = self.sent.get_mut(&id) else {
            return Ok(());
        };
        let Some(then) = sent.pop_front() else {
            return Err("a message came that was not sent: this is no echo server".into());
        };
        let took = u64::try_from(then.elapsed().as_micros())?;
        self.round_trips.record(took.max(1))?;
        sent.push_back(Instant::now());
        connections.send(id, MessageKind::Binary, message)?;
        Ok(())
    }

    fn print(&self, rate: f64) {
        println!("{rate:.0} messages/s, {} in all", self.round_trips.len());
        let [median, most, nearly_all] =
            [0.5, 0.99, 0.999].map(|part| self.round_trips.value_at_quantile(part));
        let longest = self.round_trips.max();
        println!(
            "round trip: median {median} µs, 99 % {most} µs, 99.9 % {nearly_all} µs, longest {longest} µs"
        );
    }
}
