"""Scaling: the cost of a message from one to 15,000 open connections, and of one and two engines on one port."""

from harness.load import SERVED, Row, serve, serve_unpinned
from harness.subject import OURS, Server
from harness.suite import Suite
from suites.echo import ABOUT
from suites.servers import GENERATOR, floors, peers, ropeway_c

COUNTS = [Row(125, connections) for connections in (1, 10, 100, 1000, 5000, 15_000)]
SERVERS = [floors()[0], ropeway_c("ropeway C"), *peers(names=("uWebSockets.js", "tokio-websockets"))]


def engines(count: int) -> Server:
    """So many engines, each on a thread of its own, that listen on one port by SO_REUSEPORT."""
    name = "1 engine" if count == 1 else f"{count} engines"
    command = ("target/release/examples/echo_server", "0", str(count))
    return Server(name, command, "core/examples/echo_server", OURS, ("bench-core-echo_server",))


SUITES = {
    "scaling": Suite(SERVERS, COUNTS, serve, SERVED, ABOUT, needs=GENERATOR),
    "scaling-engines": Suite(
        [engines(1), engines(2)],
        [Row(125, 100), Row(1 << 10, 100, 16)],
        serve_unpinned,
        SERVED,
        f"{ABOUT}; server and load share both cores",
        needs=GENERATOR,
    ),
}
