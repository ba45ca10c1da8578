"""Python: echo servers and clients of its libraries, by event loop."""

from harness.load import HELD, SERVED, Idle, Row, hold, serve
from harness.subject import FLOOR, OURS, PEER, Server, Subject
from harness.suite import LESS, Suite
from suites import clients
from suites.servers import GENERATOR

PYTHON = "build/venv/bin/python"
NEEDS = ("bench-python",)
ROWS = [Row(20, 1), Row(20, 100), Row(20, 100, 16), Row(16 << 10, 1), Row(16 << 10, 100)]
ABOUT = "Thousands of messages per second of the server's CPU time, CPython 3.11"
ABOUT_MEMORY = "Bytes added per connection to a server on uvloop, resident (Rss), fresh and after one echo of 1 KiB on each"
WARMUP = 0.3
ROLES = {"ropeway": OURS, "ropeway-listener": OURS, "floor": FLOOR}
PACKAGES = {
    "picows": "picows",
    "picows-websockets": "picows",
    "websockets": "websockets",
    "aiohttp": "aiohttp",
    "websocket-client": "websocket-client",
}
LIBRARIES = {
    "ropeway": "`async for`",
    "ropeway-listener": "`on_message`",
    "picows": "its own API, frame by frame",
    "picows-websockets": "its face of `websockets`",
    "websockets": "its asyncio API",
    "aiohttp": "its web server",
}
ON_LOOPS = {**LIBRARIES, "floor": "`add_reader`, no WebSocket"}
THREADS = ("ropeway", "websockets", "websocket-client", "floor")
"""Clients of programs of threads."""
THREADED = {"ropeway": "`ropeway.sync`", "websockets": "its sync API", "floor": "`recv` and `send`, no WebSocket"}
"""Servers of a thread for each connection."""


def facts(library: str) -> tuple[str, tuple[str, ...], str]:
    """A library's role, needs and package."""
    package = f"pypi:{PACKAGES[library]}" if library in PACKAGES else ""
    return ROLES.get(library, PEER), NEEDS, package


def server(library: str, about: str, loop: str) -> Server:
    """One library's echo server on one loop."""
    command = (PYTHON, "bench/python/echo.py", library, loop)
    load = ("--raw",) if library == "floor" else ()
    return Server(library, command, about, *facts(library), load=load, warmup=WARMUP)


def client(library: str, loop: str) -> Subject:
    """One library's client on one loop, or on a thread of its own."""
    return Subject(library, (PYTHON, "bench/python/client.py", library, loop), "round trips", *facts(library))


def servers(loop: str, libraries: dict[str, str]) -> Suite:
    """Echo servers on one loop, or of a thread for each connection."""
    subjects = [server(library, about, loop) for library, about in libraries.items()]
    return Suite(subjects, ROWS, serve, SERVED, ABOUT, needs=GENERATOR)


def memory() -> Suite:
    """What an idle connection costs."""
    subjects = [server(library, about, "uvloop") for library, about in LIBRARIES.items()]
    return Suite(subjects, [Idle(5000)], hold, HELD, ABOUT_MEMORY, better=LESS, needs=GENERATOR, rounds=1)


SUITES = {
    "python-uvloop": servers("uvloop", ON_LOOPS),
    "python-asyncio": servers("asyncio", ON_LOOPS),
    "python-threads": servers("threads", THREADED),
    "python-memory": memory(),
    "python-clients-uvloop": clients.suite([client(library, "uvloop") for library in LIBRARIES]),
    "python-clients-asyncio": clients.suite([client(library, "asyncio") for library in LIBRARIES]),
    "python-clients-threads": clients.suite([client(library, "threads") for library in THREADS]),
}
