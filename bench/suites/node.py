"""Node.js: echo servers and clients of its libraries, and what a crossing between JavaScript and native code costs."""

import subprocess

from harness.load import HELD, SERVED, Idle, Row, hold, serve
from harness.machine import LOAD_CORE, ROOT, pinned
from harness.subject import OURS, PEER, Server, Subject
from harness.suite import LESS, Column, Suite
from suites import clients
from suites.servers import GENERATOR

NEEDS = ("bench-node",)
SIZES = (20, 1 << 10, 8 << 10, 16 << 10, 100 << 10)
ROWS = [Row(size, connections, depth) for size in SIZES for connections, depth in ((1, 1), (100, 1), (100, 16))]
ROWS += [Row(1 << 20, 1)]
ROWS += [Row(size, 100, depth, "text") for size in (20, 1 << 10, 16 << 10) for depth in (1, 16)]
ABOUT = "Thousands of messages per second of the server's CPU time"
ABOUT_MEMORY = "Bytes of the server's memory added per connection, resident (Rss), fresh and after one echo of 1 KiB on each"
WARMUP = 0.4
LIBRARIES = {
    "ropeway": ("bindings/node", ""),
    "ws": ("with bufferutil", "npm:ws"),
    "uWebSockets.js": ("the package uwebsockets", "npm:uwebsockets"),
    "undici": ("its WebSocket", "npm:undici"),
    "websocket": ("over Node's http", "npm:websocket"),
}
CROSSINGS = (
    "a number, by a function made by hand (`queuedBytes`)",
    "a number, by a method of napi-rs (`abort`)",
    "a Buffer, by a function made by hand (`send`)",
    "a Buffer, by a method of napi-rs (`ping`)",
    "a string, its length told (`send`)",
    "the same as a Buffer made of it first",
    "a view of the slab",
    "a copy of its own instead",
)


def facts(library: str) -> tuple[str, str, tuple[str, ...], str]:
    """What is said of a library, its role, needs and package."""
    about, package = LIBRARIES[library]
    return about, OURS if library == "ropeway" else PEER, NEEDS, package


def server(library: str) -> Server:
    """One library's echo server."""
    return Server(library, ("node", "bench/node/echo.js", library), *facts(library), warmup=WARMUP)


def client(library: str) -> Subject:
    """One library's client."""
    return Subject(library, ("node", "bench/node/client.js", library), *facts(library))


def cross(way: Subject, message: clients.Message, _seconds: float) -> dict[str, float]:
    """Nanoseconds of one crossing; a ping holds 125 bytes."""
    if "ping" in way.name and message.size > 125:
        return {}
    done = subprocess.run(pinned(LOAD_CORE, *way.command, message.size), cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return {"nanoseconds": float(done.stdout)}


def crossing(way: str) -> Subject:
    """One way to cross."""
    return Subject(way, ("node", "bench/node/crossings.js", way), way, OURS, NEEDS)


SERVERS = [server(name) for name in LIBRARIES if name != "undici"]
SUITES = {
    "node": Suite(SERVERS, ROWS, serve, SERVED, ABOUT, needs=GENERATOR),
    "node-memory": Suite(SERVERS, [Idle(5000), Idle(15000)], hold, HELD, ABOUT_MEMORY, LESS, needs=GENERATOR, rounds=1),
    "node-clients": clients.suite([client(name) for name in LIBRARIES if name != "uWebSockets.js"]),
    "node-crossings": Suite(
        [crossing(way) for way in CROSSINGS],
        [clients.Message(size) for size in (20, 125, 1 << 10, 16 << 10)],
        cross,
        (Column("nanoseconds", "ns per crossing"),),
        "Nanoseconds of one crossing",
        LESS,
    ),
}
