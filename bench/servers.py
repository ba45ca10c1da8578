"""The servers that are measured side by side: how each is started, and how it says that it is listening."""

import dataclasses
import pathlib
import re
import shutil
import subprocess
import threading

ROOT = pathlib.Path(__file__).resolve().parent.parent
SERVER_CORE = "0"


@dataclasses.dataclass(frozen=True)
class Server:
    """A server under measurement. Port 0 stands in `command`, so each start gets a free one."""

    name: str
    command: tuple[str, ...]
    about: str
    load: tuple[str, ...] = ("build/bin/load",)
    """The load generator it is measured by, with what it has to be told of this server."""
    listening: str = r"listening on \w+://[\d.]+:(\d+)"
    """The line on standard output that ends its start; its first group is the port."""


FLOOR = "floor 64 KiB"

SERVERS = [
    Server(FLOOR, ("build/bin/floor",), "bare epoll TCP echo, receive buffer of 64 KiB", load=("build/bin/load", "--raw")),
    Server("floor 512 KiB", ("build/bin/floor", "--buffer", "524288"), "the same with 512 KiB", load=("build/bin/load", "--raw")),
    Server("ropeway C", ("build/bin/echo_server", "--port", "0"), "examples/c/echo_server on the shared library"),
]

PLAIN = "plain"
CERTIFICATE, KEY = "build/bench/certificate.pem", "build/bench/key.pem"


def variant(name: str, about: str, server: tuple[str, ...] = (), load: tuple[str, ...] = ()) -> Server:
    """Ropeway's echo server with words of its own, and the load that speaks with it."""
    return Server(name, ("build/bin/echo_server", "--port", "0", *server), about, ("build/bin/ropeway_load", *load))


VARIANTS = [
    variant(PLAIN, "neither TLS nor compression"),
    variant("TLS", "TLS 1.3", ("--tls-cert", CERTIFICATE, "--tls-key", KEY), ("--ca", CERTIFICATE)),
    variant("deflate, shared", "nothing kept between messages", ("--deflate",), ("--deflate", "no-takeover")),
    variant("deflate, takeover", "a window each way", ("--deflate-takeover",), ("--deflate", "takeover")),
]


def python_servers(loop: str) -> list[Server]:
    """Python's libraries on one event loop; bench/python/requirements.txt has those that the tests do not want."""
    libraries = {
        "ropeway": "`async for`",
        "ropeway-listener": "`on_message`",
        "picows": "its own API, frame by frame",
        "picows-websockets": "its face of `websockets`",
        "websockets": "its asyncio API",
        "aiohttp": "its web server",
        "floor": "`add_reader`, no WebSocket",
    }
    return [
        Server(
            library,
            ("build/venv/bin/python", "bench/python/echo.py", library, loop),
            about,
            ("build/bin/load", "--raw") if library == "floor" else ("build/bin/load",),
        )
        for library, about in libraries.items()
    ]


NODE_SERVERS = [
    Server(library, ("node", "bench/node/echo.js", library), about)
    for library, about in {
        "ropeway": "bindings/node",
        "ws": "with bufferutil",
        "uWebSockets.js": "the package uwebsockets",
        "websocket": "its server over Node's http",
    }.items()
]


def make_certificate() -> None:
    """A certificate for 127.0.0.1 that signs itself, for the variants with TLS."""
    (ROOT / CERTIFICATE).parent.mkdir(parents=True, exist_ok=True)
    words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=bench".split()
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"]
    command = ["openssl", *words, *names, "-keyout", KEY, "-out", CERTIFICATE]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)


class Running:
    """A started server, pinned to the first core; ends with the `with` block."""

    def __init__(self, server: Server):
        self.server = server

    def __enter__(self) -> "Running":
        command = ["taskset", "--cpu-list", SERVER_CORE, *self.server.command]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        watchdog = threading.Timer(20, self.process.kill)
        watchdog.start()
        try:
            for line in self.process.stdout:
                if found := re.search(self.server.listening, line):
                    self.port = int(found[1])
                    threading.Thread(target=self.process.stdout.read, daemon=True).start()
                    return self
        finally:
            watchdog.cancel()
        self.process.wait()
        raise SystemExit(f"{self.server.name} ended before it listened (status {self.process.returncode})")

    def __exit__(self, *_) -> None:
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def memory(self) -> dict[str, int]:
        """The process's memory in bytes, as /proc/PID/smaps_rollup counts it: Rss, Pss and private dirty pages."""
        rollup = pathlib.Path(f"/proc/{self.process.pid}/smaps_rollup").read_text()
        fields = dict(re.findall(r"^(\w+):\s+(\d+) kB", rollup, re.M))
        return {key: int(fields[key]) * 1024 for key in ("Rss", "Pss", "Private_Dirty")}


def chosen(names: list[str], known: list[Server]) -> list[Server]:
    """Those of the known servers with these names, or all; one given as NAME=COMMAND is added for this run alone."""
    if not names:
        return [s for s in known if (ROOT / s.command[0]).exists() or shutil.which(s.command[0])]
    servers = []
    for name in names:
        if "=" in name:
            label, command = name.split("=", 1)
            servers.append(Server(label, tuple(command.split()), "given on the command line"))
        elif found := [s for s in known if s.name == name]:
            servers += found
        else:
            raise SystemExit(f"no server named {name!r}; there are: {', '.join(s.name for s in known)}")
    return servers
