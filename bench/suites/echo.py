"""Echo servers: binary messages of 20 B to 1 MiB, and text, so that validation of UTF-8 is in the figure."""

from harness.load import SERVED, Row, serve
from harness.suite import Suite
from suites.servers import GENERATOR, LARGE_FLOOR, PLAIN, SMALL_FLOOR

SIZES = (20, 125, 1 << 10, 16 << 10)
BINARY = [Row(size, connections, depth) for size in SIZES for connections in (1, 100) for depth in (1, 16)]
# One in flight only: sixteen on each of 100 connections would measure queues of 1.6 GB.
BINARY += [Row(1 << 20, 1), Row(1 << 20, 100)]
TEXT = [
    Row(125, 100, 1, "text"),
    Row(1 << 10, 100, 16, "text"),
    Row(1 << 10, 100, 16, "mixed"),
    Row(16 << 10, 100, 1, "text"),
    Row(16 << 10, 100, 1, "mixed"),
]
ABOUT = "Thousands of messages per second of the server's CPU time"


def floor_of(row: Row) -> str:
    """The floor with a buffer that holds a message."""
    return SMALL_FLOOR if row.size < 64 << 10 else LARGE_FLOOR


SUITES = {
    "echo": Suite(PLAIN, BINARY, serve, SERVED, ABOUT, needs=GENERATOR, floor=floor_of),
    "text": Suite(PLAIN, TEXT, serve, SERVED, ABOUT, needs=GENERATOR, floor=floor_of),
}
