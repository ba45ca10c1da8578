"""What an event loop's connections, and each of them, have done."""

from __future__ import annotations

import dataclasses
from typing import Any

__all__ = ["ConnectionMetrics", "Metrics", "RelayMetrics", "Traffic"]


@dataclasses.dataclass(frozen=True)
class Traffic:
    """What went one way."""

    #: Messages, one for each receiver of a published one. One in fragments or pieces counts with its last.
    messages: int
    #: Bytes of messages: after inflation, before compression. Text counts as UTF-8.
    payload: int
    #: Bytes from or to the socket: handshakes, headers and control frames included, what TLS adds not.
    bytes: int
    #: Pings.
    pings: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Metrics:
    """What all connections of an event loop have done since its first, its clients' included."""

    #: Connections there are, those being made or closed included.
    connections: int
    #: Bytes that wait in all send queues.
    queued: int
    #: Connections that clients made.
    accepted: int
    #: Connections asked for by `connect`.
    dialled: int
    #: Opening handshakes that ended well.
    opened: int
    #: Connections that ended, opened or not.
    closed: int
    #: The same by the close code that came, without the refused ones: "1000" to "1015", "1016-3999", "4000-4999".
    #: Codes that did not occur are left out; "1006" is an end without a Close frame.
    close_codes: dict[str, int]
    #: Connections that did not open, by the reason: "connections" and "addresses" for limits, "application" for a
    #: status of 400 or more, "handshake", "tls", "timeout".
    refused: dict[str, int]
    received: Traffic
    sent: Traffic
    #: Pongs that answered a keep-alive ping.
    round_trips: int
    #: Seconds from those pings to their pongs, all together.
    round_trip_total: float
    #: Published messages that a subscriber did not get because its queue was over the high-water mark.
    publishes_dropped: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class ConnectionMetrics:
    """What one connection has done."""

    #: Bytes that the kernel has not taken yet.
    queued: int
    received: Traffic
    sent: Traffic
    #: Seconds from the last keep-alive ping that was answered to its pong; None before the first.
    round_trip: float | None


@dataclasses.dataclass(frozen=True)
class RelayMetrics:
    """What an event loop's relay has done."""

    #: Whether it gets what other nodes publish at present.
    connected: bool
    #: Messages that the broker took.
    sent: int
    #: Messages of other nodes that were published here.
    received: int
    #: Messages that were dropped: the queue of 16 MiB was full, the connection broke before the broker's answer, or one
    #: was larger than the broker takes.
    dropped: int
    #: Messages of other nodes that did not come here, as far as is known.
    lost: int
    #: Bytes that wait for the broker.
    queued: int


def of_engine(counts: dict[str, Any]) -> Metrics:
    """Metrics from what the core counts."""
    return Metrics(**_with_traffic(counts))


def of_connection(counts: dict[str, Any]) -> ConnectionMetrics:
    """The same of a connection."""
    return ConnectionMetrics(**_with_traffic(counts))


def _with_traffic(counts: dict[str, Any]) -> dict[str, Any]:
    return counts | {way: Traffic(*counts[way]) for way in ("received", "sent")}
