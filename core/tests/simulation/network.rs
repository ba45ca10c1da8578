//! One direction of a connection: bytes that are taken in part, arrive late, in other portions, or not at all.

use std::collections::VecDeque;
use std::time::Duration;

use ropeway_core::protocol::Time;

/// What a read of a [`Pipe`] gives.
pub(crate) enum Read {
    Bytes(Vec<u8>),
    End,
    Reset,
}

#[derive(Debug)]
pub(crate) struct Pipe {
    on_its_way: VecDeque<(Time, Vec<u8>)>,
    size: usize,
    capacity: usize,
    latency: Duration,
    /// Nothing arrives before this time.
    stalled: Time,
    /// When the end of the stream arrives, behind all bytes.
    end: Option<Time>,
    /// When the connection is reset for the reader; what is on its way is lost.
    reset: Option<Time>,
    told: bool,
}

impl Pipe {
    pub(crate) fn new(capacity: usize, latency: Duration) -> Self {
        Self {
            on_its_way: VecDeque::new(),
            size: 0,
            capacity,
            latency,
            stalled: Time::from_micros(0),
            end: None,
            reset: None,
            told: false,
        }
    }

    /// Bytes that it takes; none once the stream has ended.
    pub(crate) fn room(&self) -> usize {
        if self.end.is_some() {
            return 0;
        }
        self.capacity.saturating_sub(self.size)
    }

    /// Takes as much as there is room for.
    pub(crate) fn write(&mut self, bytes: &[u8], now: Time) -> usize {
        let count = bytes.len().min(self.room());
        if count > 0 {
            self.size += count;
            let arrival = self.arrival(now);
            self.on_its_way
                .push_back((arrival, bytes[..count].to_vec()));
        }
        count
    }

    fn arrival(&self, now: Time) -> Time {
        let earliest = (now + self.latency).max(self.stalled);
        self.on_its_way
            .back()
            .map_or(earliest, |(last, _)| earliest.max(*last))
    }

    pub(crate) fn finish(&mut self, now: Time) {
        if self.end.is_none() {
            self.end = Some(self.arrival(now));
        }
    }

    pub(crate) fn reset(&mut self, now: Time) {
        if self.reset.is_none() {
            self.reset = Some(now + self.latency);
            self.end.get_or_insert(now + self.latency);
        }
    }

    /// Nothing more arrives before `until`.
    pub(crate) fn stall(&mut self, until: Time) {
        self.stalled = self.stalled.max(until);
        for (time, _) in &mut self.on_its_way {
            *time = (*time).max(until);
        }
        for end in [&mut self.end, &mut self.reset].into_iter().flatten() {
            if !self.told {
                *end = (*end).max(until);
            }
        }
    }

    /// When there is something to be read next.
    pub(crate) fn next_time(&self) -> Option<Time> {
        if self.told {
            return None;
        }
        let bytes = self.on_its_way.front().map(|(time, _)| *time);
        [bytes.or(self.end), self.reset].into_iter().flatten().min()
    }

    /// What has arrived, at most `most` bytes of it.
    pub(crate) fn read(&mut self, most: usize, now: Time) -> Option<Read> {
        if self.next_time().is_none_or(|time| time > now) {
            return None;
        }
        if self.reset.is_some_and(|reset| reset <= now) {
            self.told = true;
            self.on_its_way.clear();
            return Some(Read::Reset);
        }
        let mut read = Vec::new();
        while let Some((time, bytes)) = self.on_its_way.front_mut() {
            if *time > now || read.len() == most {
                break;
            }
            let count = bytes.len().min(most - read.len());
            read.extend(bytes.drain(..count));
            if bytes.is_empty() {
                self.on_its_way.pop_front();
            }
        }
        self.size -= read.len();
        if read.is_empty() {
            self.told = true;
            return Some(Read::End);
        }
        Some(Read::Bytes(read))
    }
}
