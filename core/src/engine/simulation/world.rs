//! One run: what happens, in which order, and what must hold whatever happens.

use std::time::Duration;

use super::super::{ConnectOptions, Engine, EngineOptions};
use super::figures::{Figures, name};
use super::random::Random;
use super::seeds::Extent;
use super::talk::{End, Line, Talk};
use super::wire::{Given, Move, Wire};
use crate::error::Role;
use crate::protocol::{Protocol, Time};

/// More steps than any run needs.
const STEPS: u64 = 400_000;
/// What control frames, and what is gathered for one write, may add to a queue.
const RESERVE: u64 = 160 << 10;

/// What can be done now.
#[derive(Clone, Copy)]
enum Step {
    Turn,
    Wire(usize, Move),
}

pub(super) struct World {
    now: Time,
    engines: [Engine; 2],
    budgets: [u64; 2],
    /// Something may be ready of which the engine has not heard.
    roused: [bool; 2],
    wires: Vec<Wire>,
    talk: Talk,
    winding_up: bool,
    figures: Figures,
}

impl World {
    pub(super) fn new(seed: u64, shown: bool) -> Self {
        let mut random = Random::new(seed);
        let now = Time::from_micros(1_000_000);
        let extent = Extent::any(&mut random);
        let budgets = [0, 1].map(|_| random.pick(&[512 << 20, extent.longest as u64]));
        let engines = budgets.map(|budget| {
            let mut engine = Engine::new(EngineOptions {
                max_incomplete_bytes: budget,
                remote_queue_limit: random.pick(&[64 << 20, 100_000]),
                ..EngineOptions::default()
            })
            .expect("an engine");
            engine.connections.clock.tell(now);
            engine.connections.now = now;
            engine
        });
        let remotes = [engines[0].remote(), engines[1].remote()];
        Self {
            now,
            engines,
            budgets,
            roused: [false; 2],
            wires: Vec::new(),
            talk: Talk::new(random, extent, remotes, seed.is_multiple_of(2), shown),
            winding_up: false,
            figures: Figures::default(),
        }
    }

    pub(super) fn run(mut self) -> Figures {
        for _ in 0..=self.talk.random.below(4) {
            self.dial();
        }
        self.let_pass(Duration::from_secs(2));
        let mut pause = Duration::ZERO;
        for _ in 0..self.talk.extent.actions {
            if self.talk.random.one_in(3) {
                let pauses = [0, 10, 1000, 200_000, 2_000_000];
                pause = Duration::from_micros(self.talk.random.pick(&pauses));
            }
            self.let_pass(pause);
            self.act();
        }
        self.wind_up();
        self.check_nothing_left();
        self.figures
    }

    fn dial(&mut self) {
        let options = [Role::Client, Role::Server].map(|role| self.talk.options(role));
        let (wire, [client, server]) = Wire::new(&mut self.talk.random);
        self.wires.push(wire);
        let [clients, servers] = &mut self.engines;
        let ids = [
            clients.connections().connect_over(
                client,
                "ws://example.com/",
                &ConnectOptions::default(),
                options[0].clone(),
            ),
            servers.connections().adopt(server, b"", options[1].clone()),
        ];
        let [client, server] = ids.map(|id| id.expect("a connection"));
        let [of_client, of_server] = options;
        self.talk.lines.push(Line {
            ends: [End::new(client, of_client), End::new(server, of_server)],
            disturbed: false,
        });
        self.roused = [true; 2];
    }

    /// Something that an application or the network does.
    fn act(&mut self) {
        let random = &mut self.talk.random;
        let line = random.below(self.wires.len());
        let side = random.below(2);
        let now = self.now;
        match random.below(if self.talk.calm { 30 } else { 40 }) {
            30 => {
                self.talk.disturb(side, line, "is reset");
                self.wires[line].reset(now);
            }
            31 => {
                self.talk.disturb(side, line, "is cut off");
                self.wires[line].pipes[1 - side].finish(now);
            }
            32..35 => {
                let seconds = random.pick(&[1, 5, 15, 45]);
                self.talk.fault(side, line, "is stalled");
                self.wires[line].stall(now + Duration::from_secs(seconds));
            }
            35 => {
                let jump = Duration::from_secs(random.pick(&[1, 15, 60]));
                self.talk.fault(side, line, "sees the clock jump");
                self.pass_to(now + jump);
            }
            36..39 if self.wires.len() < 6 => self.dial(),
            _ => {
                let connections = self.engines[side].connections();
                self.talk.act(side, line, connections);
                self.touched(side);
            }
        }
    }

    /// From here on nobody does anything. Whatever is going on ends, for good or by a time-out.
    fn wind_up(&mut self) {
        self.winding_up = true;
        let quiet = self.now;
        let silent = self.talk.random.one_in(3);
        for line in 0..self.wires.len() {
            if silent {
                self.wires[line].stall(quiet + Duration::from_secs(1000));
            }
            for side in 0..2 {
                let connections = self.engines[side].connections();
                self.talk.resume(side, line, connections);
                if !silent {
                    self.talk.close(side, line, connections);
                }
                self.touched(side);
            }
        }
        let longest = Duration::from_secs(70);
        while self
            .engines
            .iter()
            .any(|engine| !engine.connections.is_empty())
        {
            assert!(self.now.since(quiet) <= longest, "it has not ended");
            self.let_pass(Duration::from_secs(1));
        }
    }

    /// At the end nothing is held, in neither engine, and every connection was told of.
    fn check_nothing_left(&mut self) {
        for engine in &self.engines {
            let connections = &engine.connections;
            assert_eq!(engine.input.incomplete_bytes(), 0, "memory is left counted");
            assert!(!connections.has_work(), "something is left to do");
            assert!(connections.next_deadline().is_none(), "a timer is left");
            assert_eq!(connections.subscribers("topic"), 0);
            let counters = connections.counters();
            assert_eq!(counters.closed, self.wires.len() as u64);
            assert_eq!(counters.accepted + counters.dialled, counters.closed);
        }
        for wire in &mut self.wires {
            assert!(wire.is_closed(0) && wire.is_closed(1), "a socket is left");
        }
        self.figures.runs = 1;
        self.figures.connections = self.wires.len() as u64;
        self.figures.messages = self.talk.messages;
        self.figures.faults = self.talk.faults;
        for end in self.talk.lines.iter().flat_map(|line| &line.ends) {
            let closed = end.closed.as_ref().expect("it was told that it has ended");
            *self
                .figures
                .ends
                .entry(name(closed.cause.as_ref()))
                .or_default() += 1;
        }
    }

    /// Lets time pass, and whatever is due in it happen.
    fn let_pass(&mut self, duration: Duration) {
        let end = self.now + duration;
        loop {
            self.settle();
            let next = self.next_time().filter(|&next| next <= end);
            let Some(next) = next else { break };
            self.pass_to(next);
        }
        self.pass_to(end);
        self.settle();
    }

    fn pass_to(&mut self, time: Time) {
        self.now = self.now.max(time);
        self.talk.now = self.now;
        for engine in &mut self.engines {
            engine.connections.clock.tell(self.now);
        }
    }

    /// When something happens by itself: an engine wakes up at its alarm, and at no other time.
    fn next_time(&self) -> Option<Time> {
        let alarms = self
            .engines
            .iter()
            .filter_map(|engine| engine.connections.alarm_at);
        let arrivals = self.wires.iter().filter_map(Wire::next_time);
        alarms.chain(arrivals).filter(|&time| time > self.now).min()
    }

    /// Does what can be done now, in any order, until nothing is left.
    fn settle(&mut self) {
        let mut ready = Vec::new();
        loop {
            ready.clear();
            for side in 0..2 {
                let connections = &self.engines[side].connections;
                let rings = connections.alarm_at.is_some_and(|at| at <= self.now);
                if self.roused[side] || rings || connections.has_work() {
                    ready.push((side, Step::Turn));
                }
                for (line, wire) in self.wires.iter().enumerate() {
                    let moves = wire.moves(side, self.now);
                    ready.extend(moves.map(|step| (side, Step::Wire(line, step))));
                }
            }
            if ready.is_empty() {
                return;
            }
            let (side, step) = self.talk.random.pick(&ready);
            match step {
                Step::Turn => self.turn(side),
                Step::Wire(line, step) => self.carry(line, side, step),
            }
            self.figures.steps += 1;
            assert!(self.figures.steps < STEPS, "it goes on and on");
        }
    }

    fn carry(&mut self, line: usize, side: usize, step: Move) {
        let portions = [1, 100, 3000, 3000, 100_000, 100_000];
        let most = self.talk.random.pick(&portions);
        self.roused[side] |= match step {
            Move::Take => self.wires[line].take(side, most, self.now),
            Move::Give => {
                let given = self.wires[line].give(side, most, self.now);
                self.talk.lines[line].disturbed |= given == Given::Reset;
                given == Given::Something
            }
        };
    }

    /// An engine has done something with its sockets.
    fn touched(&mut self, side: usize) {
        self.wires.iter_mut().for_each(|wire| wire.touched(side));
        self.roused[side] = true;
    }

    /// One turn of an engine, whose application acts in between now and then.
    fn turn(&mut self, side: usize) {
        let Self { engines, talk, .. } = self;
        let engine = &mut engines[side];
        if engine.connections.alarm_at.is_some_and(|at| at <= self.now) {
            engine.connections.alarm_at = None;
        }
        engine.poll(Some(Duration::ZERO)).expect("polls");
        let slots = &engine.connections.slots;
        talk.obeyed(side, |id| {
            let slot = slots.get(id).and_then(|slot| slot.protocol.as_ref());
            slot.is_some_and(Protocol::is_open)
        });
        let listed = engine.connections.listed.make_contiguous();
        for place in (1..listed.len()).rev() {
            listed.swap(place, talk.random.below(place + 1));
        }
        while let Some((event, connections)) = engine.next_event() {
            let line = talk.hear(side, &event);
            if !self.winding_up && talk.random.one_in(4) {
                let line = if talk.random.one_in(2) {
                    line
                } else {
                    talk.random.below(talk.lines.len())
                };
                talk.act(side, line, connections);
            }
            talk.decide(side, line, connections);
        }
        self.check(side);
        self.wires.iter_mut().for_each(|wire| wire.touched(side));
        self.roused[side] = false;
    }

    /// What holds between two turns.
    fn check(&self, side: usize) {
        let engine = &self.engines[side];
        let connections = &engine.connections;
        assert!(engine.input.is_empty(), "bytes are left over");
        assert!(
            engine.input.incomplete_bytes() <= self.budgets[side],
            "the budget is passed"
        );
        if let Some(deadline) = connections.next_deadline() {
            let alarm = connections.alarm_at;
            assert!(
                alarm.is_some_and(|at| at <= deadline),
                "no alarm for {deadline:?}, but for {alarm:?}"
            );
            assert!(deadline > self.now, "a deadline does not move on");
        }
        for line in &self.talk.lines {
            let end = &line.ends[side];
            let Ok(queued) = connections.queued_bytes(end.id) else {
                continue;
            };
            let longest = end.longest as u64;
            let most = end.options.send_queue_limit.max(longest + longest / 16) + RESERVE;
            assert!(queued <= most, "{queued} bytes queued, of {most}");
        }
    }
}
