//! Metrics as plain objects for JavaScript. Counts are numbers: exact up to 2^53.

use std::collections::HashMap;
use std::time::Duration;

use napi_derive::napi;
use ropeway_core::engine::{ConnectionMetrics, Metrics, Traffic};
use ropeway_relay::RelayMetrics;

#[napi(object, object_from_js = false)]
pub struct ToldTraffic {
    pub messages: f64,
    pub payload: f64,
    pub bytes: f64,
    pub pings: f64,
}

#[napi(object, object_from_js = false)]
pub struct ToldMetrics {
    pub connections: f64,
    pub queued: f64,
    pub accepted: f64,
    pub dialled: f64,
    pub opened: f64,
    pub closed: f64,
    /// Codes that occurred.
    pub close_codes: HashMap<String, f64>,
    pub refused: HashMap<String, f64>,
    pub received: ToldTraffic,
    pub sent: ToldTraffic,
    pub round_trips: f64,
    /// In milliseconds.
    pub round_trip_total: f64,
    pub publishes_dropped: f64,
}

#[napi(object, object_from_js = false)]
pub struct ToldConnectionMetrics {
    pub queued: f64,
    pub received: ToldTraffic,
    pub sent: ToldTraffic,
    /// In milliseconds.
    pub round_trip: Option<f64>,
}

#[napi(object, object_from_js = false)]
pub struct ToldRelayMetrics {
    pub connected: bool,
    pub sent: f64,
    pub received: f64,
    pub dropped: f64,
    pub lost: f64,
    pub queued: f64,
}

impl From<&RelayMetrics> for ToldRelayMetrics {
    fn from(metrics: &RelayMetrics) -> Self {
        Self {
            connected: metrics.connected,
            sent: metrics.sent as f64,
            received: metrics.received as f64,
            dropped: metrics.dropped as f64,
            lost: metrics.lost as f64,
            queued: metrics.queued as f64,
        }
    }
}

impl From<&Traffic> for ToldTraffic {
    fn from(traffic: &Traffic) -> Self {
        Self {
            messages: traffic.messages as f64,
            payload: traffic.payload as f64,
            bytes: traffic.bytes as f64,
            pings: traffic.pings as f64,
        }
    }
}

impl From<&Metrics> for ToldMetrics {
    fn from(metrics: &Metrics) -> Self {
        let counters = &metrics.counters;
        Self {
            connections: metrics.connections as f64,
            queued: metrics.queued as f64,
            accepted: counters.accepted as f64,
            dialled: counters.dialled as f64,
            opened: counters.opened as f64,
            closed: counters.closed as f64,
            close_codes: named(counters.close_codes.named().filter(|(_, count)| *count > 0)),
            refused: named(counters.refused.named()),
            received: (&counters.received).into(),
            sent: (&counters.sent).into(),
            round_trips: counters.round_trips as f64,
            round_trip_total: milliseconds(counters.round_trip_total),
            publishes_dropped: counters.publishes_dropped as f64,
        }
    }
}

impl From<&ConnectionMetrics> for ToldConnectionMetrics {
    fn from(metrics: &ConnectionMetrics) -> Self {
        Self {
            queued: metrics.queued as f64,
            received: (&metrics.received).into(),
            sent: (&metrics.sent).into(),
            round_trip: metrics.round_trip.map(milliseconds),
        }
    }
}

fn named(counts: impl Iterator<Item = (&'static str, u64)>) -> HashMap<String, f64> {
    counts
        .map(|(name, count)| (name.to_owned(), count as f64))
        .collect()
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
