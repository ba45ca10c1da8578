"""`ropeway.sync` as tests/conformance/check wants it: an echo server, or a client of a fuzzing server."""

import concurrent.futures
import contextlib
import signal
import sys
import threading

import ropeway
import ropeway.sync
from settings import PARALLEL, SETTINGS


def echo(connection: ropeway.sync.ServerConnection) -> None:
    """Sends every message back until the connection ends, in whatever way."""
    with contextlib.suppress(ropeway.WebSocketException):
        for message in connection:
            connection.send(message)


def serve() -> None:
    """Serves until SIGTERM."""
    with ropeway.sync.serve(echo, "127.0.0.1", 0, **SETTINGS) as server:
        signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
        print(f"listening on ws://127.0.0.1:{server.port}/", flush=True)
        server.serve_forever()


def run_case(uri: str) -> None:
    """Runs one case."""
    with contextlib.suppress(ropeway.WebSocketException, OSError), ropeway.sync.connect(uri, **SETTINGS) as connection:
        for message in connection:
            connection.send(message)


def be_driven(uri: str) -> None:
    """Asks for the number of cases, runs them, and has the reports written."""
    with ropeway.sync.connect(f"{uri}/getCaseCount") as connection:
        count = int(connection.recv())
    cases = [f"{uri}/runCase?case={number}&agent=ropeway" for number in range(1, count + 1)]
    with concurrent.futures.ThreadPoolExecutor(PARALLEL) as threads:
        list(threads.map(run_case, cases))
    with contextlib.suppress(ropeway.WebSocketException, OSError):
        ropeway.sync.connect(f"{uri}/updateReports?agent=ropeway")


if sys.argv[1] == "serve":
    serve()
else:
    be_driven(sys.argv[-1])
