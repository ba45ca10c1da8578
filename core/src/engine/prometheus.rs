//! Metrics as text for Prometheus: its text exposition format 0.0.4, which OpenMetrics scrapers read too.

use std::fmt::{self, Write};

use super::metrics::Metrics;

/// The media type to answer with.
pub const PROMETHEUS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What a family of samples has.
enum Samples {
    /// A figure that goes up and down.
    Now(u64),
    Total(u64),
    /// A total for each value of a label.
    Totals(&'static str, Vec<(&'static str, u64)>),
}

impl Metrics {
    /// These metrics as Prometheus reads them, some 4 KB. Their names begin with `ropeway_`; the media type is
    /// [`PROMETHEUS_TYPE`].
    #[must_use]
    pub fn to_prometheus(&self) -> String {
        let mut page = String::with_capacity(5 << 10);
        // A String takes all that is written to it.
        let _ = self.write(&mut page);
        page
    }

    fn write(&self, page: &mut String) -> fmt::Result {
        use Samples::{Now, Total, Totals};
        let counters = &self.counters;
        let (received, sent) = (&counters.received, &counters.sent);
        let ways = |received: u64, sent: u64| {
            Totals("direction", vec![("received", received), ("sent", sent)])
        };
        let codes = Totals("code", counters.close_codes.named().collect());
        let reasons = Totals("reason", counters.refused.named().collect());
        let (messages, payload) = (
            ways(received.messages, sent.messages),
            ways(received.payload, sent.payload),
        );
        let (bytes, pings) = (
            ways(received.bytes, sent.bytes),
            ways(received.pings, sent.pings),
        );
        for (name, help, samples) in [
            (
                "connections",
                "Connections, with those that open or close",
                Now(self.connections),
            ),
            (
                "queued_bytes",
                "Bytes that wait in send queues",
                Now(self.queued),
            ),
            (
                "accepted_total",
                "Connections taken from listeners",
                Total(counters.accepted),
            ),
            (
                "dialled_total",
                "Connections asked for",
                Total(counters.dialled),
            ),
            (
                "opened_total",
                "Opening handshakes that ended well",
                Total(counters.opened),
            ),
            (
                "closed_total",
                "Connections that ended, by close code",
                codes,
            ),
            (
                "refused_total",
                "Connections that did not open, by the reason",
                reasons,
            ),
            ("messages_total", "Messages", messages),
            (
                "payload_bytes_total",
                "Bytes of messages, uncompressed",
                payload,
            ),
            ("wire_bytes_total", "Bytes on the wire", bytes),
            ("pings_total", "Pings", pings),
            (
                "publishes_dropped_total",
                "Published messages that a slow subscriber did not get",
                Total(counters.publishes_dropped),
            ),
        ] {
            family(page, name, help, samples)?;
        }
        let (count, sum) = (
            counters.round_trips,
            counters.round_trip_total.as_secs_f64(),
        );
        head(
            page,
            "round_trip_seconds",
            "From keep-alive pings to their pongs",
            "summary",
        )?;
        writeln!(page, "ropeway_round_trip_seconds_sum {sum}")?;
        writeln!(page, "ropeway_round_trip_seconds_count {count}")
    }
}

fn head(page: &mut String, name: &str, help: &str, kind: &str) -> fmt::Result {
    writeln!(page, "# HELP ropeway_{name} {help}.")?;
    writeln!(page, "# TYPE ropeway_{name} {kind}")
}

fn family(page: &mut String, name: &str, help: &str, samples: Samples) -> fmt::Result {
    let kind = match samples {
        Samples::Now(_) => "gauge",
        Samples::Total(_) | Samples::Totals(..) => "counter",
    };
    head(page, name, help, kind)?;
    match samples {
        Samples::Now(value) | Samples::Total(value) => writeln!(page, "ropeway_{name} {value}"),
        Samples::Totals(label, values) => values.iter().try_for_each(|(what, value)| {
            writeln!(page, "ropeway_{name}{{{label}=\"{what}\"}} {value}")
        }),
    }
}
