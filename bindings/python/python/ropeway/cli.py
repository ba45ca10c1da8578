"""The command line."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from typing import Any

from . import ClientTLS, Compression, ServerTLS, __version__, connect, serve
from .asyncio.client import ClientConnection
from .asyncio.listening import Address
from .asyncio.server import ServerConnection
from .exceptions import ConnectionClosed, WebSocketException

__all__ = ["main"]


def main() -> int:
    """Runs the command line; the exit status."""
    if sys.argv[1:2] == ["serve"]:
        return _serve(sys.argv[2:])
    parser = argparse.ArgumentParser(prog="python -m ropeway", description="An interactive client.")
    parser.add_argument("--version", action="version", version=f"ropeway {__version__}")
    parser.add_argument("--ca", metavar="FILE", help="authorities to trust besides the system's, in PEM")
    parser.add_argument("uri", help="ws://…, wss://… or ws+unix:…; or the word serve")
    arguments = parser.parse_args()
    tls = None if arguments.ca is None else ClientTLS(roots=[arguments.ca])
    try:
        return asyncio.run(_talk(arguments.uri, tls))
    except KeyboardInterrupt:
        return 130


# The server


def _serve(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m ropeway serve", description="A server.")
    parser.add_argument("--echo", action="store_true", required=True, help="send each message back")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen at (127.0.0.1)")
    parser.add_argument("--port", type=int, default=8765, help="the port; 0 lets the system choose (8765)")
    parser.add_argument("--unix", metavar="PATH", help="listen on a Unix socket instead")
    parser.add_argument("--tls-cert", metavar="FILE", help="speak TLS with this certificate chain, in PEM")
    parser.add_argument("--tls-key", metavar="FILE", help="the certificate's private key, in PEM")
    parser.add_argument("--deflate", action="store_true", help="compress for clients that offer it")
    parser.add_argument("--deflate-threshold", type=int, default=128, help="bytes from which on to compress (128)")
    parser.add_argument("--max-size", type=int, default=64 << 20, help="bytes of a message at most (64 MiB)")
    parser.add_argument("--uvloop", action="store_true", help="run on uvloop")
    arguments = parser.parse_args(words)
    if (arguments.tls_cert is None) != (arguments.tls_key is None):
        parser.error("--tls-cert and --tls-key go together")
    factory = None
    if arguments.uvloop:
        import uvloop

        factory = uvloop.new_event_loop
    try:
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(_listen(arguments))
    except (OSError, ValueError) as error:
        print(f"cannot listen: {error}", file=sys.stderr)
        return 1
    return 0


async def _listen(arguments: argparse.Namespace) -> None:
    """Serves until it is interrupted."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    settings: dict[str, Any] = {"host": arguments.host, "port": arguments.port}
    if arguments.unix is not None:
        settings = {"path": arguments.unix, "unix": True}
    if arguments.tls_cert is not None:
        settings["ssl"] = ServerTLS([(arguments.tls_cert, arguments.tls_key)])
    if arguments.deflate:
        settings["compression"] = Compression(threshold=arguments.deflate_threshold)
    async with serve(_echo, max_size=arguments.max_size, **settings) as server:
        for address in server.addresses:
            print(f"listening on {_uri(address, 'ssl' in settings)}", flush=True)
        await stopped.wait()


async def _echo(connection: ServerConnection) -> None:
    try:
        async for message in connection:
            await connection.send(message)
    except ConnectionClosed:
        pass


def _uri(address: Address, secure: bool) -> str:
    if isinstance(address, str):
        return f"ws+unix:{address}"
    host, port = address
    return f"{'wss' if secure else 'ws'}://{f'[{host}]' if ':' in host else host}:{port}/"


# The client


async def _talk(uri: str, tls: ClientTLS | None) -> int:
    """Sends each line of standard input, shows each message, until one side closes."""
    try:
        connection = await connect(uri, ssl=tls)
    except (OSError, ValueError, WebSocketException) as error:
        print(f"cannot connect to {uri}: {error}", file=sys.stderr)
        return 1
    screen = _Screen()
    screen.show(f"connected to {uri}")
    lines = _Lines()
    loop = asyncio.get_running_loop()
    shown = loop.create_task(_show(connection, screen))
    try:
        while True:
            screen.prompt()
            line = loop.create_task(lines.next())
            await asyncio.wait([line, shown], return_when=asyncio.FIRST_COMPLETED)
            if shown.done():
                line.cancel()
                break
            if (text := line.result()) is None:
                break
            await connection.send(text)
        await connection.close()
        await shown
    except ConnectionClosed:
        await shown
    finally:
        lines.stop()
        shown.cancel()
    screen.leave()
    print(f"connection closed: {connection.close_code} {connection.close_reason}".rstrip(), flush=True)
    return 0


async def _show(connection: ClientConnection, screen: _Screen) -> None:
    try:
        async for message in connection:
            screen.show(f"< {message if isinstance(message, str) else message.hex(' ')}")
    except ConnectionClosed:
        pass


class _Screen:
    """Standard output. On a terminal the prompt stands in the last line, and what is shown goes above it."""

    def __init__(self) -> None:
        self._terminal = sys.stdin.isatty() and sys.stdout.isatty()
        self._prompted = False

    def prompt(self) -> None:
        """Asks for a line."""
        if self._terminal:
            print("> ", end="", flush=True)
            self._prompted = True

    def show(self, line: str) -> None:
        """Shows a line, and leaves what has been typed where it is."""
        if self._prompted:
            # Remember the place; see to it that there is a line below; put one in above; and one further down is the
            # place that was remembered.
            print(f"\x1b7\n\x1b[A\r\x1b[L{line}\x1b8\x1b[B", end="", flush=True)
        else:
            print(line, flush=True)

    def leave(self) -> None:
        """The last prompt is not answered."""
        if self._prompted:
            print()


class _Lines:
    """Lines of standard input, without a thread: it is read when there is something, and a file is always readable."""

    def __init__(self) -> None:
        self._lines: asyncio.Queue[str | None] = asyncio.Queue()
        self._rest = b""
        self._loop = asyncio.get_running_loop()
        try:
            self._loop.add_reader(sys.stdin.fileno(), self._read)
        except PermissionError:
            self._loop.call_soon(self._read_file)

    async def next(self) -> str | None:
        """The next line, without its end; None after the last."""
        return await self._lines.get()

    def stop(self) -> None:
        """Reads no more."""
        self._loop.remove_reader(sys.stdin.fileno())

    def _read(self) -> None:
        *lines, self._rest = (self._rest + (data := os.read(sys.stdin.fileno(), 65536))).split(b"\n")
        for line in lines:
            self._lines.put_nowait(line.decode(errors="replace"))
        if not data:
            self.stop()
            if self._rest:
                self._lines.put_nowait(self._rest.decode(errors="replace"))
            self._lines.put_nowait(None)

    def _read_file(self) -> None:
        for line in sys.stdin:
            self._lines.put_nowait(line.rstrip("\n"))
        self._lines.put_nowait(None)
