"""A value that changes once a second, looked at by many: HTTP polling, long polling, and Ropeway."""

import dataclasses
import json
import subprocess

from harness.machine import LOAD_CORE, ROOT, pinned
from harness.subject import OURS, PEER, Failed, Running, Server
from harness.suite import LESS, Column, Results, Suite
from suites.servers import NODE_MODULES

USERS = "build/bin/users"
HEADERS = 52
"""Bytes of IPv4, TCP and its time stamps that a segment has besides its payload."""
MANY = 100_000
"""Users that are extrapolated to."""


@dataclasses.dataclass(frozen=True)
class Way(Server):
    """A server, and how its users look at the value."""

    way: str = ""


@dataclasses.dataclass(frozen=True)
class Crowd:
    """So many users."""

    users: int

    @property
    def name(self) -> str:
        """The count."""
        return f"{self.users:,} users"


LIBEVENT = ("build/bin/poll_server",)
UWEBSOCKETS = ("node", "bench/node/polling.js")
ASK, WAIT = "GET once a second, connections kept", "GET that waits for the next value"


def by_libevent(name: str, about: str, way: str) -> Way:
    """Looking by HTTP at libevent's server."""
    return Way(name, LIBEVENT, about, PEER, LIBEVENT, "debian:libevent-2.1-7", way=way)


def by_uwebsockets(name: str, about: str, way: str) -> Way:
    """Looking by HTTP at uWebSockets.js."""
    return Way(name, UWEBSOCKETS, about, PEER, (NODE_MODULES,), "npm:uwebsockets", way=way)


SUBJECTS = [
    by_libevent("polling libevent", ASK, "polling"),
    by_uwebsockets("polling uWebSockets.js", ASK, "polling"),
    by_libevent("long polling libevent", WAIT, "long"),
    by_uwebsockets("long polling uWebSockets.js", WAIT, "long"),
    Way("ropeway", ("build/bin/push_server",), "published to WebSockets", OURS, ("examples",), way="push"),
]
CROWDS = [Crowd(1_000), Crowd(10_000)]
COLUMNS = (
    Column("wire", "bytes on the wire"),
    Column("cpu_ns", "µs of the server", 1e3),
    Column("p50_ns", "p50 ms", 1e6),
    Column("p99_ns", "p99 ms", 1e6),
    Column("payload", "bytes at the socket"),
    Column("segments", "segments"),
    Column("seen", "values seen a second"),
    Column("late", "polls late"),
)
ABOUT = (
    "For each value that a user sees: bytes on the wire, both directions (those at the sockets, and 52 of IPv4 and TCP for each "
    "segment), the server's CPU time, and how old the value is then"
)


def look(server: Way, crowd: Crowd, seconds: float) -> dict[str, float]:
    """One window."""
    with Running(server) as running:
        words = ("--way", server.way, "--port", running.port, "--users", crowd.users, "--server-pid", running.process.pid)
        command = pinned(LOAD_CORE, USERS, *words, "--seconds", seconds)
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        if done.returncode != 0:
            raise Failed(f"the users ended with status {done.returncode}")
    window = {key: value for line in done.stdout.splitlines() for key, value in json.loads(line).items()}
    seen = window["messages"]
    payload = window["bytes_up"] + window["bytes_down"]
    segments = window["segments_up"] + window["segments_down"]
    return {
        "wire": (payload + HEADERS * segments) / seen,
        "cpu_ns": window["server_cpu_seconds"] * 1e9 / seen,
        "p50_ns": window["p50_ns"],
        "p99_ns": window["p99_ns"],
        "payload": payload / seen,
        "segments": segments / seen,
        "seen": seen / (crowd.users * window["seconds"]),
        "late": window["late"],
    }


def conclude(results: Results) -> str:
    """The arithmetic for more users than were measured."""
    measured = list(results)[-1]
    lines = [f"### {MANY:,} users, by arithmetic", "", f"From the figures for {measured}, times {MANY:,} values seen in a second:", ""]
    lines += ["| | on the wire | the server's cores |", "|---|---|---|"]
    for figure in results[measured]:
        wire, cpu = figure.median("wire"), figure.median("cpu_ns")
        lines.append(
            f"| {figure.subject.name} | {wire:,.0f} B × {MANY:,} × 8 = {wire * MANY * 8 / 1e6:,.0f} Mbit/s "
            f"| {cpu / 1e3:,.1f} µs × {MANY:,} = {cpu * MANY / 1e9:,.2f} s a second |"
        )
    return "\n".join(lines)


SUITES = {
    "polling": Suite(
        SUBJECTS,
        CROWDS,
        look,
        COLUMNS,
        ABOUT,
        better=LESS,
        needs=(USERS,),
        least_seconds=4,
        document="polling.md",
        charted=("wire", "cpu_ns", "p50_ns"),
        conclude=conclude,
    )
}
