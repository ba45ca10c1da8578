//! Counts for the whole engine and, where it was asked to, for each connection. Plain additions: only the engine's
//! thread counts.

use std::time::Duration;

use super::metrics::{ConnectionMetrics, Counters, Traffic};

/// The counts.
#[derive(Debug)]
pub(super) struct Tally {
    pub(super) counters: Counters,
    /// By place; without any where connections are not counted apart, so that looking one up is all it costs.
    meters: Vec<ConnectionMetrics>,
    metered: bool,
}

impl Tally {
    /// Counts of nothing yet; with `metered` of each connection too.
    pub(super) fn new(metered: bool) -> Self {
        Self {
            counters: Counters::default(),
            meters: Vec::new(),
            metered,
        }
    }

    /// A connection begins at a place.
    pub(super) fn begin(&mut self, index: u32) {
        if !self.metered {
            return;
        }
        let place = index as usize;
        if place >= self.meters.len() {
            self.meters.resize(place + 1, ConnectionMetrics::default());
        }
        self.meters[place] = ConnectionMetrics::default();
    }

    /// What was counted of the connection at a place; `None` when connections are not counted apart.
    pub(super) fn of(&self, index: u32) -> Option<ConnectionMetrics> {
        self.meters.get(index as usize).copied()
    }

    /// Something came on the connection at a place.
    #[inline(always)]
    pub(super) fn received(&mut self, index: u32, count: impl Fn(&mut Traffic)) {
        count(&mut self.counters.received);
        if let Some(meter) = self.meters.get_mut(index as usize) {
            count(&mut meter.received);
        }
    }

    /// Something went on it.
    #[inline(always)]
    pub(super) fn sent(&mut self, index: u32, count: impl Fn(&mut Traffic)) {
        count(&mut self.counters.sent);
        if let Some(meter) = self.meters.get_mut(index as usize) {
            count(&mut meter.sent);
        }
    }

    /// A keep-alive ping was answered.
    pub(super) fn round_trip(&mut self, index: u32, took: Duration) {
        self.counters.round_trips += 1;
        self.counters.round_trip_total += took;
        if let Some(meter) = self.meters.get_mut(index as usize) {
            meter.round_trip = Some(took);
        }
    }
}
