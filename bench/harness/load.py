"""The load generator (bench/load), and the loads that it is asked for."""

import dataclasses
import json
import subprocess
import time

from harness.machine import BOTH_CORES, LOAD_CORE, ROOT, SERVER_CORE, pinned
from harness.subject import Failed, Running, Server
from harness.suite import Column

LOAD = "build/bin/load"

SERVED = (
    Column("per_cpu_second", "k messages per server-CPU-second", 1e3),
    Column("per_second", "k messages per second", 1e3),
    Column("p50_ns", "p50 µs", 1e3),
    Column("p99_ns", "p99 µs", 1e3),
    Column("p99_9_ns", "p99.9 µs", 1e3),
    Column("server_busy", "server busy"),
    Column("load_busy", "load busy"),
    Column("verified_bytes", "MB verified", 1e6),
)
"""What is told of a window under load. "Busy" is the share of the window that a side was on its core."""

HELD = (
    Column("fresh", "Rss fresh"),
    Column("echoed", "after one echo"),
    Column("fresh_pss", "Pss fresh"),
    Column("echoed_pss", "Pss after"),
    Column("fresh_dirty", "private dirty fresh"),
    Column("echoed_dirty", "private dirty after"),
)
"""What is told of idle connections: bytes of the server's memory for each."""


@dataclasses.dataclass(frozen=True)
class Row:
    """A load: message size in bytes, connections, messages in flight on each, and what the payloads are made of."""

    size: int
    connections: int
    depth: int = 1
    kind: str = "binary"

    @property
    def name(self) -> str:
        """E.g. 20Bx100, 1KiBx100d16, 16KiBx100mixed."""
        depth = f"d{self.depth}" if self.depth > 1 else ""
        return f"{bytes_name(self.size)}x{self.connections}{depth}{'' if self.kind == 'binary' else self.kind}"

    @property
    def words(self) -> tuple[object, ...]:
        """What the generator is told."""
        counts = ("--size", self.size, "--connections", self.connections, "--depth", self.depth)
        return (*counts, "--kind", self.kind)


@dataclasses.dataclass(frozen=True)
class Idle:
    """Connections that nothing is said on, and what the one echo's payload is made of."""

    count: int
    kind: str = "binary"

    @property
    def name(self) -> str:
        """The count."""
        return str(self.count)


def bytes_name(size: int) -> str:
    """E.g. 20B, 1KiB, 1MiB."""
    for unit, bytes_ in (("MiB", 1 << 20), ("KiB", 1 << 10)):
        if size % bytes_ == 0:
            return f"{size // bytes_}{unit}"
    return f"{size}B"


def serve(server: Server, row: Row, seconds: float) -> dict[str, float]:
    """One window of one row against one freshly started server, each on a core of its own."""
    return serve_on(SERVER_CORE, LOAD_CORE, server, row, seconds)


def serve_unpinned(server: Server, row: Row, seconds: float) -> dict[str, float]:
    """The same where server and load share both cores."""
    return serve_on(BOTH_CORES, BOTH_CORES, server, row, seconds)


def serve_on(server_core: str, load_core: str, server: Server, row: Row, seconds: float) -> dict[str, float]:
    """One window on these cores."""
    with Running(server, server_core) as running:
        words = ("--port", running.port, "--server-pid", running.process.pid, *row.words)
        command = pinned(load_core, LOAD, *server.load, *words, "--warmup", server.warmup, "--seconds", seconds)
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        if done.returncode != 0:
            raise Failed(done.stderr.strip() or f"the load generator ended with status {done.returncode}")
    window = json.loads(done.stdout)
    window["per_cpu_second"] = window["messages"] / window["server_cpu_seconds"]
    window["per_second"] = window["messages"] / window["seconds"]
    window["server_busy"] = window["server_cpu_seconds"] / window["seconds"]
    window["load_busy"] = window["load_cpu_seconds"] / window["seconds"]
    return window


def hold(server: Server, row: Idle, _seconds: float) -> dict[str, float]:
    """Opens connections to one server; what each added to its memory, fresh and after one echo of 1 KiB, in bytes."""
    with Running(server) as running:
        words = ("--port", running.port, "--idle", "--connections", row.count, "--size", 1024, "--kind", row.kind)
        command = pinned(LOAD_CORE, LOAD, *server.load, *words)
        before = running.memory()
        each = {}
        with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as load:
            for state, word in (("fresh", "open"), ("echoed", "echoed")):
                if state == "echoed":
                    load.stdin.write("echo\n")
                    load.stdin.flush()
                if load.stdout.readline() != f"{word} {row.count}\n":
                    raise Failed(f"could not hold {row.count} connections")
                # What a server frees or collects a little later counts as freed.
                time.sleep(0.5)
                after = running.memory()
                for key, suffix in (("Rss", ""), ("Pss", "_pss"), ("Private_Dirty", "_dirty")):
                    each[state + suffix] = (after[key] - before[key]) / row.count
        return each
