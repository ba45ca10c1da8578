"""What the interoperation checks share: certificates, programs on free ports, and the two parts that every peer plays.

A peer is a program on another WebSocket library, under tests/interop/peers, and takes the same words as each of the others:

  serve [--tls CERTIFICATE KEY] [--deflate MODE]   listens on a free port of 127.0.0.1, says "listening on PORT" in one line
      and ends on SIGTERM. It sends every message back, but for three texts: at "close" it closes with 4001 and the reason
      "as asked", at "fragments" it answers with the text "one two three" in three fragments, and at "ping" it sends a ping
      with the payload "there?" and, when the pong has come, the text "pong".
  tour URL [--ca CERTIFICATE] [--deflate MODE]     has text, binary, empty messages, one of 1 MiB, fragments and a ping
      sent back by an echo server, closes once with 1000 and once with 4001, prints the agreed value of
      Sec-WebSocket-Extensions as its one line, and exits with 0 when all was as it should be.

MODE is "off", "takeover" or "no-takeover". Ropeway's own client with the second part is tests/interop/client.c; it uses the
three texts as well when told --commands.
"""

import contextlib
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = ROOT / "build/bin"
PEERS = ROOT / "tests/interop/peers"
PYTHON = ROOT / "build/venv/bin/python"
PATIENCE = 60
MODES = {"off": [], "no-takeover": ["--deflate"], "takeover": ["--deflate-takeover"]}
"""The ways to compress, with what makes the echo server accept them."""


class Skip(Exception):
    """The check cannot be made here; the message says why."""


class Wrong(AssertionError):
    """Something is not as it should be."""


def run_check(check: Callable[[pathlib.Path], str]) -> None:
    """Runs a check in an empty folder, prints the line it gives, and exits as tests/run wants it."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            print(check(pathlib.Path(folder)))
    except Skip as reason:
        print(reason)
        sys.exit(77)
    except (AssertionError, OSError, subprocess.SubprocessError) as problem:
        print(problem)
        sys.exit(1)


def need(tool: str) -> str:
    """The path of a program that a system package brings."""
    if not (path := shutil.which(tool, path="/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin")):
        raise Skip(f"no {tool} on this machine: make test-deps")
    return path


def certificate(folder: pathlib.Path, *names: str) -> tuple[pathlib.Path, pathlib.Path]:
    """A certificate for localhost, 127.0.0.1 and further names that signs itself, and its key, in PEM."""
    chain, key = folder / "certificate.pem", folder / "key.pem"
    all_names = ",".join(["DNS:localhost", "IP:127.0.0.1", *(f"DNS:{name}" for name in names)])
    subprocess.run(
        [need("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-days", "2", "-subj", "/CN=Ropeway interoperation check", "-addext", f"subjectAltName={all_names}",
         "-addext", "basicConstraints=critical,CA:FALSE", "-keyout", key, "-out", chain],
        check=True, capture_output=True, timeout=PATIENCE,
    )  # fmt: skip
    return chain, key


def listening() -> socket.socket:
    """A socket that listens on a free port of 127.0.0.1, for a program that takes over one of its parent's."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=100)
    listener.setblocking(False)
    return listener


@contextlib.contextmanager
def started(command: Sequence[object], says: str = "", ends_with: int = 0, **more) -> Iterator[str]:
    """Runs a program for as long as the block lasts, and ends it by SIGTERM, or by itself; its exit status must be
    `ends_with`. It is killed after PATIENCE seconds.

    With `says`, waits until a line of its standard output matches, and gives the match's first group.
    """
    words = [str(word) for word in command]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, **more)
    watchdog = threading.Timer(PATIENCE, process.kill)
    watchdog.start()
    try:
        found = ""
        if says:
            line = process.stdout.readline()
            if not (match := re.search(says, line)):
                raise Wrong(f"{words} said {line!r}, not {says!r}")
            found = match[1]
        yield found
    finally:
        process.send_signal(signal.SIGTERM)
        status = process.wait()
        watchdog.cancel()
        process.stdout.close()
    if status != ends_with:
        raise Wrong(f"{words} ended with {status}, not {ends_with}")


def echo_server(*arguments: object):
    """Ropeway's echo server, for as long as the block lasts; gives the URL that it says it listens on."""
    return started([BIN / "echo_server", *arguments], r"^listening on (\S+)$")


def port_of(url: str) -> int:
    """The port of such a URL."""
    return int(url.rstrip("/").rsplit(":", 1)[1])


def tour(*command: object, mode: str = "off", **more) -> None:
    """Runs a client's tour and holds what was agreed against `mode`."""
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, **more)
    if done.returncode != 0:
        raise Wrong(f"{words} ended with {done.returncode}: {done.stderr.strip() or done.stdout.strip()}")
    agreed = done.stdout.strip()
    alone = "server_no_context_takeover" in agreed and "client_no_context_takeover" in agreed
    expected = {"off": not agreed, "takeover": agreed and "takeover" not in agreed, "no-takeover": alone}[mode]
    if not expected:
        raise Wrong(f"{words} agreed on {agreed!r}")


def our_tour(url: str, *arguments: object, mode: str = "off", **more) -> None:
    """Ropeway's client against an echo server at `url`."""
    tour(BIN / "interop_client", *arguments, "--deflate", mode, url, mode=mode, **more)


def both_ways(
    peer: Sequence[object],
    folder: pathlib.Path,
    client: Sequence[str] = tuple(MODES),
    server: Sequence[str] = tuple(MODES),
) -> str:
    """Plainly and over TLS: a peer's tour of Ropeway's server with the modes of `client`, and Ropeway's tour of the peer's
    server with those of `server`; says how many tours that were."""
    chain, key = certificate(folder)
    for tls in False, True:
        scheme, trust = ("wss", ["--ca", chain]) if tls else ("ws", [])
        for mode in client:
            ours = ["--tls-cert", chain, "--tls-key", key] if tls else []
            with echo_server("--port", "0", *ours, *MODES[mode]) as url:
                tour(*peer, "tour", f"{scheme}://localhost:{port_of(url)}/", *trust, "--deflate", mode, mode=mode)
        for mode in server:
            theirs = ["--tls", chain, key] if tls else []
            with started([*peer, "serve", *theirs, "--deflate", mode], r"^listening on (\d+)$") as port:
                our_tour(f"{scheme}://localhost:{port}/", "--commands", *trust, mode=mode)
    return f"{2 * len(client)} tours of Ropeway's server, {2 * len(server)} of its client"
