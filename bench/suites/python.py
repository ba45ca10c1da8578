"""Python: echo servers and clients of its libraries, by event loop."""

from harness.load import SERVED, Row, serve
from harness.subject import FLOOR, OURS, PEER, Server, Subject
from harness.suite import Suite
from suites import clients
from suites.servers import GENERATOR

PYTHON = "build/venv/bin/python"
NEEDS = ("bench-python",)
ROWS = [Row(20, 1), Row(20, 100), Row(20, 100, 16), Row(8 << 10, 100)]
ABOUT = "Thousands of messages per second of the server's CPU time, CPython 3.11"
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
THREADS = ("ropeway", "websockets", "websocket-client", "floor")


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


def servers(loop: str) -> Suite:
    """All echo servers on one loop."""
    libraries = {**LIBRARIES, "floor": "`add_reader`, no WebSocket"}
    subjects = [server(library, about, loop) for library, about in libraries.items()]
    return Suite(subjects, ROWS, serve, SERVED, ABOUT, needs=GENERATOR)


SUITES = {
    "python-uvloop": servers("uvloop"),
    "python-asyncio": servers("asyncio"),
    "python-clients-uvloop": clients.suite([client(library, "uvloop") for library in LIBRARIES]),
    "python-clients-asyncio": clients.suite([client(library, "asyncio") for library in LIBRARIES]),
    "python-clients-threads": clients.suite([client(library, "threads") for library in THREADS]),
}
