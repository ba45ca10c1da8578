//! One run: what happens, in which order, and what must hold whatever happens.

mod checks;

use std::time::Duration;

use ropeway_core::Role;
use ropeway_core::deflate::{Compress, Compression};
use ropeway_core::protocol::{Options, Time};

use crate::figures::{Figures, name};
use crate::host::{Connection, Host};
use crate::message::Message;
use crate::network::Pipe;
use crate::random::Random;
use crate::seeds::Extent;

/// More steps than any run needs.
const STEPS: usize = 200_000;

/// A connection with both its ends: 0 is the client's, 1 the server's.
struct Line {
    ends: [Connection; 2],
    /// What each end reads from.
    pipes: [Pipe; 2],
    /// Whether the network or an application has done something that ends a connection without a closing handshake.
    disturbed: bool,
}

pub(crate) struct World {
    random: Random,
    now: Time,
    hosts: [Host; 2],
    lines: Vec<Line>,
    numbers: u64,
    extent: Extent,
    /// Neither the network nor an application breaks anything off.
    calm: bool,
    figures: Figures,
    shown: bool,
    seed: u64,
}

impl World {
    pub(crate) fn new(seed: u64, shown: bool) -> Self {
        let mut random = Random::new(seed);
        let extent = Extent::any(&mut random);
        let budgets = [512 << 20, extent.longest as u64];
        let hosts = [
            Host::new(random.pick(&budgets)),
            Host::new(random.pick(&budgets)),
        ];
        Self {
            random,
            now: Time::from_micros(1_000_000),
            hosts,
            lines: Vec::new(),
            numbers: 0,
            extent,
            calm: seed.is_multiple_of(2),
            figures: Figures::default(),
            shown,
            seed,
        }
    }

    pub(crate) fn run(mut self) -> Figures {
        for _ in 0..=self.random.below(4) {
            self.dial();
        }
        self.let_pass(Duration::from_secs(2));
        let mut pause = Duration::ZERO;
        for _ in 0..self.extent.actions {
            if self.random.one_in(3) {
                pause = Duration::from_micros(self.random.pick(&[0, 10, 1000, 200_000, 2_000_000]));
            }
            self.let_pass(pause);
            self.act();
        }
        // From here on nobody does anything. Whatever is going on ends, for good or by a time-out.
        let quiet = self.now;
        let silent = self.random.one_in(3);
        for line in 0..self.lines.len() {
            if silent {
                self.stall(line, Duration::from_secs(1000));
            }
            for side in 0..2 {
                self.resume(line, side);
                if !silent {
                    self.close(line, side);
                }
            }
        }
        let longest = Duration::from_secs(70);
        while self
            .lines
            .iter()
            .any(|line| line.ends.iter().any(|end| !end.gone))
        {
            assert!(
                self.now.since(quiet) <= longest,
                "it has not ended by {:?}",
                self.now
            );
            self.let_pass(Duration::from_secs(1));
        }
        for host in &self.hosts {
            assert_eq!(host.input.incomplete_bytes(), 0, "memory is left counted");
        }
        self.figures.runs = 1;
        self.figures.connections = self.lines.len() as u64;
        for line in &self.lines {
            for end in &line.ends {
                self.figures.messages += end.delivered as u64;
                let closed = end.closed.as_ref().expect("it has ended");
                *self
                    .figures
                    .ends
                    .entry(name(closed.cause.as_ref()))
                    .or_default() += 1;
            }
        }
        self.figures
    }

    fn options(&mut self, role: Role) -> Options {
        let random = &mut self.random;
        let compression = Compression {
            enabled: Some(random.one_in(2)),
            server_no_context_takeover: Some(random.one_in(2)),
            client_no_context_takeover: Some(random.one_in(2)),
            server_max_window_bits: random.pick(&[15, 15, 10]),
            threshold: 20,
            ..Compression::default()
        };
        Options {
            max_message_size: random.pick(&[5000, 100_000, 1 << 20]),
            streaming: random.one_in(4),
            ask_upgrade: role == Role::Server && random.one_in(3),
            idle_timeout: Duration::from_secs(random.pick(&[0, 0, 25])),
            send_queue_limit: random.pick(&[3000, 50_000, 1 << 20]),
            compression,
            ..Options::default()
        }
    }

    fn dial(&mut self) {
        let ends = [(0, Role::Client), (1, Role::Server)].map(|(side, role)| {
            let options = self.options(role);
            self.hosts[side].connect(role, options, self.now)
        });
        let pipes = [0, 1].map(|_| {
            let capacity = self.random.pick(&[100, 5000, 100_000]);
            let latency = Duration::from_micros(self.random.pick(&[1, 500, 30_000, 400_000]));
            Pipe::new(capacity, latency)
        });
        self.lines.push(Line {
            ends,
            pipes,
            disturbed: false,
        });
    }

    /// Something that an application or the network does.
    fn act(&mut self) {
        let line = self.random.below(self.lines.len());
        let side = self.random.below(2);
        match self.random.below(if self.calm { 27 } else { 40 }) {
            0..15 => {
                for _ in 0..=self.random.below(8) {
                    self.send(line, side);
                }
            }
            15..20 => self.send_fragment(line, side),
            20..23 => {
                let Self { hosts, lines, .. } = self;
                hosts[side].ping(&mut lines[line].ends[side]);
            }
            23..25 => {
                self.show(line, side, "pauses");
                let paused = self.random.one_in(2);
                self.lines[line].ends[side]
                    .protocol
                    .set_paused(paused, self.now);
            }
            25..27 => self.resume(line, side),
            27 => self.close(line, side),
            28 if self.random.one_in(3) => {
                self.disturb(line, side, "aborts");
                let Self {
                    hosts, lines, now, ..
                } = self;
                let news = hosts[side].abort(&mut lines[line].ends[side], *now);
                self.tell(line, side, news);
            }
            29 if self.random.one_in(3) => {
                self.disturb(line, side, "is reset");
                let now = self.now;
                self.lines[line]
                    .pipes
                    .iter_mut()
                    .for_each(|pipe| pipe.reset(now));
            }
            30 if self.random.one_in(3) => {
                // The stream ends, though nobody has ended the connection.
                self.disturb(line, side, "is cut off");
                let now = self.now;
                self.lines[line].pipes[1 - side].finish(now);
            }
            31..33 => {
                let seconds = self.random.pick(&[1, 5, 15, 45]);
                self.stall(line, Duration::from_secs(seconds));
            }
            33 if self.random.one_in(3) => {
                let jump = Duration::from_secs(self.random.pick(&[1, 15, 60]));
                self.fault(line, side, "sees the clock jump");
                self.now = self.now + jump;
            }
            34..37 if self.lines.len() < 6 => self.dial(),
            _ => {}
        }
        self.decide(line);
    }

    fn message(&mut self) -> Message {
        self.numbers += 1;
        Message::any(&mut self.random, self.numbers, self.extent.longest)
    }

    fn send(&mut self, line: usize, side: usize) {
        let message = self.message();
        let compress = self
            .random
            .pick(&[Compress::ByOptions, Compress::Never, Compress::Always]);
        let Self { hosts, lines, .. } = self;
        if hosts[side].send(&mut lines[line].ends[side], message, compress) {
            self.show(line, side, &format!("sends {message:?}"));
        }
    }

    fn send_fragment(&mut self, line: usize, side: usize) {
        let (message, count) = (self.message(), self.random.below(5000));
        let Self { hosts, lines, .. } = self;
        if hosts[side].send_fragment(&mut lines[line].ends[side], message, count) {
            self.show(line, side, &format!("sends {count} bytes of a message"));
        }
    }

    fn resume(&mut self, line: usize, side: usize) {
        self.lines[line].ends[side]
            .protocol
            .set_paused(false, self.now);
    }

    fn close(&mut self, line: usize, side: usize) {
        self.show(line, side, "closes");
        let Self {
            hosts, lines, now, ..
        } = self;
        let end = &mut lines[line].ends[side];
        let opening = !end.opened;
        let news = hosts[side].close(end, *now);
        self.lines[line].disturbed |= opening;
        self.tell(line, side, news);
    }

    fn decide(&mut self, line: usize) {
        if self.lines[line].ends[1].decides && self.lines[line].ends[1].protocol.awaits_decision() {
            let accepts = !self.random.one_in(5);
            self.show(line, 1, if accepts { "accepts" } else { "refuses" });
            let Self {
                hosts, lines, now, ..
            } = self;
            lines[line].ends[1].decides = false;
            let news = hosts[1].decide(&mut lines[line].ends[1], accepts, *now);
            self.tell(line, 1, news);
        }
    }

    fn stall(&mut self, line: usize, duration: Duration) {
        self.fault(line, 0, &format!("is stalled for {duration:?}"));
        let until = self.now + duration;
        self.lines[line]
            .pipes
            .iter_mut()
            .for_each(|pipe| pipe.stall(until));
    }

    /// Lets time pass, and whatever is due in it happen.
    fn let_pass(&mut self, duration: Duration) {
        let end = self.now + duration;
        loop {
            self.settle();
            let next = self.next_time().filter(|&next| next <= end);
            let Some(next) = next else { break };
            self.now = self.now.max(next);
        }
        self.now = self.now.max(end);
        self.settle();
    }

    fn next_time(&self) -> Option<Time> {
        let mut times = Vec::new();
        for line in &self.lines {
            for side in 0..2 {
                let end = &line.ends[side];
                if !end.gone {
                    times.extend(end.protocol.next_deadline());
                }
                if !end.gone && reads(end) {
                    times.extend(line.pipes[side].next_time());
                }
            }
        }
        times.into_iter().min().filter(|&time| time > self.now)
    }

    /// Does what can be done now, in any order, until nothing is left.
    fn settle(&mut self) {
        loop {
            let mut ready = Vec::new();
            for line in 0..self.lines.len() {
                for side in 0..2 {
                    self.shut_down(line, side);
                    let Line { ends, pipes, .. } = &self.lines[line];
                    let end = &ends[side];
                    if end.gone {
                        if pipes[side].next_time().is_some_and(|time| time <= self.now) {
                            ready.push((line, side, Step::Reset));
                        }
                        continue;
                    }
                    if end
                        .protocol
                        .next_deadline()
                        .is_some_and(|time| time <= self.now)
                    {
                        ready.push((line, side, Step::Deadline));
                    }
                    if reads(end) && pipes[side].next_time().is_some_and(|time| time <= self.now) {
                        ready.push((line, side, Step::Read));
                    }
                    if !end.queue.is_empty() && pipes[1 - side].room() > 0 {
                        ready.push((line, side, Step::Write));
                    }
                }
            }
            if ready.is_empty() {
                return;
            }
            let (line, side, step) = self.random.pick(&ready);
            self.step(line, side, step);
            self.figures.steps += 1;
            assert!(self.figures.steps < STEPS as u64, "it goes on and on");
        }
    }

    fn step(&mut self, line: usize, side: usize, step: Step) {
        let now = self.now;
        let most = self.random.pick(&[1, 100, 3000, 3000, 100_000, 100_000]);
        let Self { hosts, lines, .. } = self;
        let Line { ends, pipes, .. } = &mut lines[line];
        let (end, host) = (&mut ends[side], &mut hosts[side]);
        let news = match step {
            Step::Read => host.read(end, &mut pipes[side], most, now),
            Step::Write => {
                host.write(end, &mut pipes[1 - side], most, now);
                Vec::new()
            }
            Step::Deadline => {
                let news = host.on_deadline(end, now);
                let next = end.protocol.next_deadline();
                assert!(
                    next.is_none_or(|next| next > now),
                    "a deadline does not move on"
                );
                news
            }
            Step::Reset => {
                // Bytes for one that has gone: the other end is reset, and loses what is on its way to it.
                if let Some(crate::network::Read::Bytes(_)) = pipes[side].read(usize::MAX, now) {
                    pipes[1 - side].reset(now);
                    lines[line].disturbed = true;
                }
                return;
            }
        };
        self.tell(line, side, news);
    }

    fn shut_down(&mut self, line: usize, side: usize) {
        let now = self.now;
        let Self { hosts, lines, .. } = self;
        let Line { ends, pipes, .. } = &mut lines[line];
        let before = ends[side].gone;
        hosts[side].shut_down(&mut ends[side], &mut pipes[1 - side], now);
        if ends[side].gone && !before {
            self.show(line, side, "has closed its socket");
        }
    }

    /// Something that may end a connection without a closing handshake.
    fn disturb(&mut self, line: usize, side: usize, what: &str) {
        self.fault(line, side, what);
        self.lines[line].disturbed = true;
    }

    fn fault(&mut self, line: usize, side: usize, what: &str) {
        self.show(line, side, what);
        self.figures.faults += 1;
    }

    fn show(&self, line: usize, side: usize, what: &str) {
        if self.shown {
            let who = ["client", "server"][side];
            let at = self.now.as_micros() as f64 / 1e6;
            println!("{at:>12.6} {who} {line} {what} (seed {})", self.seed);
        }
    }
}

#[derive(Clone, Copy)]
enum Step {
    Read,
    Write,
    Deadline,
    Reset,
}

/// Whether a driver reads: not while the application pauses or owes a decision.
fn reads(end: &Connection) -> bool {
    !end.protocol.is_paused() && !end.protocol.awaits_decision()
}
