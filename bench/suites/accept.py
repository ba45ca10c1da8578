"""Connects and handshakes: connections opened, past the WebSocket handshake, and closed."""

import dataclasses

from harness.load import SERVED, serve
from harness.suite import Suite
from suites.servers import GENERATOR, PLAIN


@dataclasses.dataclass(frozen=True)
class Connects:
    """So many connections opened at a time."""

    count: int

    @property
    def name(self) -> str:
        """E.g. 64-at-a-time."""
        return f"{self.count}-at-a-time"

    @property
    def words(self) -> tuple[object, ...]:
        """What the generator is told."""
        return ("--accept", "--connections", self.count)


CONNECTS = [Connects(1), Connects(64)]
ABOUT = (
    "Thousands of connections opened, past the handshake, and closed per second of the server's CPU time; "
    "the floor sends the request back"
)

SUITES = {"accept": Suite(PLAIN, CONNECTS, serve, SERVED, ABOUT, needs=GENERATOR)}
