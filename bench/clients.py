"""Clients, measured side by side: processor time of one round trip with Ropeway's echo server in C."""

import dataclasses
import statistics
import subprocess

from servers import ROOT, SERVERS, Running

CLIENT_CORE = "1"
PYTHON = ("build/venv/bin/python", "bench/python/client.py")
NODE = ("node", "bench/node/client.js")
SIZES = (20, 256, 8 << 10, 100 << 10, 1 << 20)


@dataclasses.dataclass(frozen=True)
class Client:
    """A library, and what it runs on."""

    library: str
    loop: str

    @property
    def name(self) -> str:
        """E.g. `picows, uvloop`."""
        return f"{self.library}, {self.loop}"

    @property
    def program(self) -> tuple[str, ...]:
        """The command that measures it, without the URI, the size and the seconds."""
        return (*NODE, self.library) if self.loop == "Node" else (*PYTHON, self.library, self.loop)


LIBRARIES = ("ropeway", "ropeway-listener", "picows", "picows-websockets", "websockets", "aiohttp")
PYTHON_CLIENTS = [Client(library, loop) for loop in ("uvloop", "asyncio") for library in LIBRARIES]
PYTHON_CLIENTS += [Client(library, "threads") for library in ("ropeway", "websockets", "websocket-client", "floor")]
NODE_CLIENTS = [Client(library, "Node") for library in ("ropeway", "ws", "undici", "websocket")]


def run_clients(clients: list[Client], rounds: int, seconds: float) -> dict[str, dict[str, list[float]]]:
    """Microseconds of each round, by client and size; in each round every client has its turn."""
    results: dict[str, dict[str, list[float]]] = {client.name: {} for client in clients}
    server = next(server for server in SERVERS if server.name == "ropeway C")
    with Running(server) as running:
        uri = f"ws://127.0.0.1:{running.port}/"
        for size in SIZES:
            for _ in range(rounds):
                for client in clients:
                    words = [*client.program, uri, str(size), str(seconds)]
                    command = ["taskset", "--cpu-list", CLIENT_CORE, *words]
                    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
                    if done.returncode != 0:
                        raise SystemExit(f"{client.name}, {size} bytes: ended with status {done.returncode}")
                    results[client.name].setdefault(str(size), []).append(float(done.stdout))
            for client in clients:
                measured = results[client.name][str(size)]
                print(f"{size:>8} B  {client.name:<28} {statistics.median(measured):9.1f} µs/round trip", flush=True)
    return results


def client_table(clients: list[Client], results: dict[str, dict[str, list[float]]]) -> list[str]:
    """The Markdown table: microseconds, and the ratio to Ropeway's on the same loop."""
    lines = ["| client | " + " | ".join(f"{size:,} B" for size in SIZES) + " |", "|---|" + "---:|" * len(SIZES)]
    for client in clients:
        cells = []
        for size in map(str, SIZES):
            figure = statistics.median(results[client.name][size])
            ours = statistics.median(results[Client("ropeway", client.loop).name][size])
            ratio = "" if client.library == "ropeway" else f" **{figure / ours:.2f}**"
            cells.append(f"{figure:,.1f}{ratio}")
        lines.append(f"| {client.name} | {' | '.join(cells)} |")
    return lines
