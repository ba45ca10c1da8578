#!/usr/bin/env python3
"""Measures echo servers side by side: messages per second of the server's own CPU time, and memory per idle connection.

Each server runs alone on the first core, the load generator on the second. Rounds are interleaved: in each
round every server is measured once on a row before the next round begins, so that a machine that slows down slows all of
them. A figure is the median of its rounds; the spread is from the lowest to the highest. See bench/README.md.
"""

import argparse
import dataclasses
import datetime
import fnmatch
import json
import os
import pathlib
import platform
import re
import resource
import statistics
import subprocess
import sys
import time

from clients import NODE_CLIENTS, PYTHON_CLIENTS, Client, client_table, run_clients
from servers import (
    FLOOR, NODE_SERVERS, PLAIN, ROOT, SERVERS, VARIANTS, Running, Server, chosen, make_certificate, python_servers,
)

LOAD_CORE = "1"
RESULTS = ROOT / "build/bench"
DOCUMENT = ROOT / "docs/performance.md"


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
        size = f"{self.size}B"
        for unit, bytes_ in (("MiB", 1 << 20), ("KiB", 1 << 10)):
            if self.size % bytes_ == 0:
                size = f"{self.size // bytes_}{unit}"
                break
        depth = f"d{self.depth}" if self.depth > 1 else ""
        return f"{size}x{self.connections}{depth}{'' if self.kind == 'binary' else self.kind}"


SIZES = (20, 125, 1 << 10, 16 << 10)
ECHO = [Row(size, connections, depth) for size in SIZES for connections in (1, 100) for depth in (1, 16)]
ECHO += [Row(1 << 20, 1), Row(1 << 20, 100)]
TEXT = [
    Row(125, 100, 1, "text"),
    Row(1 << 10, 100, 16, "text"),
    Row(1 << 10, 100, 16, "mixed"),
    Row(16 << 10, 100, 1, "text"),
    Row(16 << 10, 100, 1, "mixed"),
]
IDLE = (5000, 10000)
# Ropeway with TLS and with compression beside itself, in JSON.
VARIANT_ROWS = [Row(size, 100, depth, "json") for size in (125, 1 << 10, 16 << 10) for depth in (1, 16)]
VARIANT_IDLE = (2000,)
NODE_ROWS = [Row(size, connections, depth) for size in (20, 1 << 10, 16 << 10) for connections, depth in ((1, 1), (100, 1), (100, 16))]
NODE_ROWS += [Row(1 << 20, 1)]
PYTHON_ROWS = [Row(20, 1), Row(20, 100), Row(20, 100, 16), Row(8 << 10, 100)]


@dataclasses.dataclass(frozen=True)
class Suite:
    """What is measured together: rows, or counts of idle connections, over servers."""

    servers: list[Server]
    rows: list[Row] = dataclasses.field(default_factory=list)
    counts: tuple[int, ...] = ()
    base: str = FLOOR
    clients: list[Client] = dataclasses.field(default_factory=list)
    program: tuple[str, ...] = ()
    """Prints its table itself."""


SUITES = {
    "echo": Suite(SERVERS, ECHO),
    "text": Suite(SERVERS, TEXT),
    "memory": Suite(SERVERS, counts=IDLE),
    "variants": Suite(VARIANTS, VARIANT_ROWS, base=PLAIN),
    "variants-memory": Suite(VARIANTS, counts=VARIANT_IDLE),
    "python-uvloop": Suite(python_servers("uvloop"), PYTHON_ROWS, base="ropeway"),
    "python-asyncio": Suite(python_servers("asyncio"), PYTHON_ROWS, base="ropeway"),
    "python-clients": Suite([], clients=PYTHON_CLIENTS),
    "node": Suite(NODE_SERVERS, NODE_ROWS, base="ropeway"),
    "node-clients": Suite([], clients=NODE_CLIENTS),
    "node-crossings": Suite([], program=("node", "bench/node/crossings.js")),
}


def measure(server: Server, row: Row, seconds: float) -> dict:
    """One window of one row against one freshly started server; the generator's JSON."""
    with Running(server) as running:
        command = ["taskset", "--cpu-list", LOAD_CORE, *server.load]
        command += ["--port", running.port, "--server-pid", running.process.pid]
        command += ["--size", row.size, "--connections", row.connections, "--depth", row.depth, "--kind", row.kind]
        command += ["--seconds", seconds]
        done = subprocess.run([str(word) for word in command], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        if done.returncode != 0:
            raise SystemExit(f"{server.name}, {row.name}: the load generator ended with status {done.returncode}")
        return json.loads(done.stdout)


def run_echo(rows: list[Row], servers: list[Server], base: str, rounds: int, seconds: float) -> dict:
    """All rows over all servers; by row and server, each round's figures. Ratios are to the server named `base`."""
    results = {}
    for row in rows:
        windows = {server.name: [] for server in servers}
        for _ in range(rounds):
            for server in servers:
                windows[server.name].append(measure(server, row, seconds))
        results[row.name] = windows
        for name, measured in windows.items():
            print_figure(row, name, base, summary(measured, windows.get(base)))
    return results


def summary(windows: list[dict], base: list[dict] | None) -> dict:
    """Median and spread of a server's rounds on one row, and the median's ratio to the base's."""
    rates = [w["messages"] / w["server_cpu_seconds"] for w in windows]
    figure = {
        "per_cpu_second": statistics.median(rates),
        "lowest": min(rates),
        "highest": max(rates),
        "server_busy": statistics.median(w["server_cpu_seconds"] / w["seconds"] for w in windows),
        "load_busy": statistics.median(w["load_cpu_seconds"] / w["seconds"] for w in windows),
        "p50_us": statistics.median(w["p50_ns"] for w in windows) / 1e3,
        "p99_us": statistics.median(w["p99_ns"] for w in windows) / 1e3,
        "p99_9_us": statistics.median(w["p99_9_ns"] for w in windows) / 1e3,
    }
    if base:
        figure["ratio"] = figure["per_cpu_second"] / statistics.median(
            w["messages"] / w["server_cpu_seconds"] for w in base
        )
    return figure


def print_figure(row: Row, name: str, base: str, figure: dict) -> None:
    """One line of the table on the terminal."""
    ratio = f"{figure['ratio']:5.2f}" if "ratio" in figure else "    –"
    print(
        f"{row.name:<18} {name:<18} {thousands(figure['per_cpu_second']):>8} k/CPU-s  × {base} {ratio}  "
        f"({thousands(figure['lowest'])}–{thousands(figure['highest'])})  busy {figure['server_busy']:.2f}"
        f"/{figure['load_busy']:.2f}  "
        f"p50 {figure['p50_us']:.0f} p99 {figure['p99_us']:.0f} p99.9 {figure['p99_9_us']:.0f} µs",
        flush=True,
    )


def thousands(rate: float) -> str:
    """A rate in thousands, to three places that mean something."""
    return f"{rate / 1e3:,.0f}" if rate >= 100e3 else f"{rate / 1e3:.1f}"


def run_memory(servers: list[Server], counts: tuple[int, ...]) -> dict:
    """Memory per idle connection, fresh and after one 1 KiB echo on each, by count and server."""
    results = {}
    for count in counts:
        results[str(count)] = {server.name: hold(server, count) for server in servers}
        for name, held in results[str(count)].items():
            print(f"{count:>6} connections  {name:<18} bytes each, fresh: {pages(held['fresh'])}")
            print(f"{'':>39}after one echo: {pages(held['echoed'])}", flush=True)
    return results


def pages(each: dict[str, float]) -> str:
    """Bytes per connection by kind of page, in words."""
    return ", ".join(f"{key} {value:,.0f}" for key, value in each.items())


def hold(server: Server, count: int) -> dict[str, dict[str, float]]:
    """Opens `count` connections to one server; what each added to its memory, in bytes."""
    with Running(server) as running:
        command = ["taskset", "--cpu-list", LOAD_CORE, *server.load]
        command += ["--port", running.port, "--idle", count, "--size", 1024]
        words = [str(word) for word in command]
        before = running.memory()
        load = subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        each = {}
        for state, word in (("fresh", "open"), ("echoed", "echoed")):
            if state == "echoed":
                load.stdin.write("echo\n")
                load.stdin.flush()
            if load.stdout.readline() != f"{word} {count}\n":
                raise SystemExit(f"{server.name}: could not hold {count} connections")
            time.sleep(0.5)
            after = running.memory()
            each[state] = {key: (after[key] - before[key]) / count for key in after}
        load.stdin.close()
        load.wait()
        return each


def machine() -> str:
    """A sentence on the machine, the day and the versions."""
    cpu = re.search(r"^model name\s*:\s*(.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    rustc = subprocess.run(["rustc", "--version"], capture_output=True, text=True).stdout.split()[1:2]
    cc = subprocess.run(["cc", "-dumpfullversion"], capture_output=True, text=True).stdout.strip()
    revision = ["git", "-C", str(ROOT), "rev-parse", "--short=10", "HEAD"]
    commit = subprocess.run(revision, capture_output=True, text=True).stdout.strip()
    return (
        f"{cpu[1] if cpu else platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}, loopback; "
        f"{datetime.date.today().isoformat()}; rustc {''.join(rustc) or 'unknown'}, cc {cc}; commit {commit or 'unknown'}"
    )


def echo_table(results: dict, servers: list[str], base: str) -> list[str]:
    """The Markdown table of an echo suite: thousands per server-CPU-second, the ratio to the base, the spread."""
    lines = ["| row | " + " | ".join(servers) + " |", "|---|" + "---:|" * len(servers)]
    for row, windows in results.items():
        cells = []
        for name in servers:
            figure = summary(windows[name], windows.get(base))
            ratio = f" **{figure['ratio']:.2f}**" if name != base and "ratio" in figure else ""
            spread = f"{thousands(figure['lowest'])}–{thousands(figure['highest'])}"
            cells.append(f"{thousands(figure['per_cpu_second'])}{ratio} ({spread})")
        lines.append(f"| {row} | {' | '.join(cells)} |")
    return lines


def memory_table(results: dict, servers: list[str]) -> list[str]:
    """The Markdown table of the memory suite: resident bytes per connection, fresh / after one echo."""
    lines = ["| idle connections | " + " | ".join(servers) + " |", "|---:|" + "---:|" * len(servers)]
    for count, held in results.items():
        cells = [f"{held[name]['fresh']['Rss']:,.0f} / {held[name]['echoed']['Rss']:,.0f}" for name in servers]
        lines.append(f"| {int(count):,} | {' | '.join(cells)} |")
    return lines


def write_document(suite: str, lines: list[str], how: str) -> None:
    """Lays a suite's table, and what it was measured on, between its markers in docs/performance.md."""
    begin, end = f"<!-- {suite}: begin -->\n", f"<!-- {suite}: end -->"
    head, rest = DOCUMENT.read_text().split(begin)
    DOCUMENT.write_text(head + begin + f"{machine()}. {how}\n\n" + "\n".join(lines) + "\n" + end + rest.split(end, 1)[1])


def main() -> int:
    """Runs the suites asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--suite", choices=SUITES, action="append", help="one suite (repeatable; all)")
    parser.add_argument("--rows", default="", help="only rows like these, e.g. '20Bx100 16KiB*'; for memory, the counts")
    parser.add_argument("--server", action="append", default=[], help="a server's name, or NAME=COMMAND (repeatable; all)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each row (5)")
    parser.add_argument("--seconds", type=float, default=1.5, help="length of each measured window (1.5)")
    parser.add_argument("--write-docs", action="store_true", help="lay the tables into docs/performance.md")
    arguments = parser.parse_args()
    if (os.cpu_count() or 1) < 2:
        parser.error("two cores are needed: one for the server, one for the load")

    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limits[1], limits[1]))
    subprocess.run(["make", "--silent", "bench-programs"], cwd=ROOT, check=True)
    subprocess.run([ROOT / "tools/need", "taskset"], check=True)
    if os.getloadavg()[0] > 0.5:
        print(f"note: load average {os.getloadavg()[0]:.1f}: on a busy machine figures are low and wide", flush=True)
    patterns = arguments.rows.split() or ["*"]
    RESULTS.mkdir(parents=True, exist_ok=True)
    make_certificate()

    # Python's and Node's peers are wanted by name only: they have to be installed first.
    for name in arguments.suite or [name for name in SUITES if not name.startswith(("python", "node"))]:
        print(f"suite {name}: {machine()}", flush=True)
        suite = SUITES[name]
        servers = chosen(arguments.server, suite.servers)
        names = [server.name for server in servers]
        if suite.program:
            command = ["taskset", "--cpu-list", LOAD_CORE, *suite.program]
            done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
            results, lines = {}, done.stdout.splitlines()
            how = "Nanoseconds, the best of several rounds."
            print(done.stdout, flush=True)
        elif suite.clients:
            results = run_clients(suite.clients, arguments.rounds, arguments.seconds)
            how = (
                "Microseconds of the client's processor time for one round trip, **ratio to Ropeway's on the same loop**; "
                f"median of {arguments.rounds} interleaved rounds of {arguments.seconds:g} s."
            )
            lines = client_table(suite.clients, results)
        elif suite.counts:
            counts = tuple(n for n in suite.counts if any(fnmatch.fnmatch(str(n), p) for p in patterns))
            results = run_memory(servers, counts)
            how = "Resident bytes (Rss) added per connection: fresh / after one echo of 1 KiB on each."
            lines = memory_table(results, names)
        else:
            rows = [row for row in suite.rows if any(fnmatch.fnmatch(row.name, p) for p in patterns)]
            results = run_echo(rows, servers, suite.base, arguments.rounds, arguments.seconds)
            how = (
                f"Thousands of messages per server-CPU-second, **ratio to {suite.base}**, (lowest–highest); "
                f"median of {arguments.rounds} interleaved rounds of {arguments.seconds:g} s."
            )
            lines = echo_table(results, names, suite.base)
        if results:
            (RESULTS / f"{name}.json").write_text(json.dumps({"machine": machine(), "results": results}, indent=1) + "\n")
        if arguments.write_docs:
            write_document(name, lines, how)
    return 0


if __name__ == "__main__":
    sys.exit(main())
