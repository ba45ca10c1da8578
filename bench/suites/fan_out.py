"""Fan-out: one publisher, and a thousand or ten thousand subscribers."""

import dataclasses

from harness.load import SERVED, Row, bytes_name, serve
from harness.subject import OURS, Server
from harness.suite import Suite
from suites.servers import FAN_OUT, GENERATOR, floor, peers


@dataclasses.dataclass(frozen=True)
class Publish(Row):
    """Messages of one size to so many subscribers."""

    @property
    def name(self) -> str:
        """E.g. 128B-to-1000."""
        return f"{bytes_name(self.size)}-to-{self.connections}"

    @property
    def words(self) -> tuple[object, ...]:
        """What the generator is told."""
        return ("--fan-out", *super().words)


ROWS = [Publish(size, subscribers) for subscribers in (1000, 10_000) for size in (128, 4 << 10)]
ROPEWAY = Server(
    "ropeway C", ("build/bin/broadcast_server", "0"), "examples/c/broadcast_server on the shared library", OURS, ("examples",)
)
NAMES = ("uWebSockets.js", "ws", "libwebsockets", "Boost.Beast", "tokio-tungstenite", "tokio-websockets", "fastwebsockets", "yawc")
SERVERS = [floor("floor", *FAN_OUT), ROPEWAY, *peers(*FAN_OUT, names=NAMES)]
ABOUT = (
    "Thousands of deliveries per second of the server's CPU time; the floor is a bare loop of send() of the same bytes, "
    "uWebSockets.js publishes, ws and libwebsockets loop, the Rust peers have a broadcast channel of Tokio's"
)

SUITES = {"fan-out": Suite(SERVERS, ROWS, serve, SERVED, ABOUT, needs=GENERATOR)}
