"""`python -m ropeway URI`: an interactive client; `python -m ropeway serve --echo`: an echo server."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys

from . import __version__, connect, serve
from .asyncio.client import ClientConnection
from .asyncio.listening import Address
from .asyncio.server import ServerConnection
from .exceptions import ConnectionClosed, WebSocketException


async def echo(connection: ServerConnection) -> None:
    """Sends each message back."""
    try:
        async for message in connection:
            await connection.send(message)
    except ConnectionClosed:
        pass


async def run_server(arguments: argparse.Namespace) -> None:
    """Serves until it is interrupted."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    limit = arguments.max_size
    async with serve(echo, arguments.host, arguments.port, max_size=limit, compression=None) as server:
        for address in server.addresses:
            print(f"listening on {_uri(address)}", flush=True)
        await stopped.wait()


def _uri(address: Address) -> str:
    if isinstance(address, str):
        return f"ws+unix:{address}"
    host, port = address
    return f"ws://{f'[{host}]' if ':' in host else host}:{port}/"


async def show(connection: ClientConnection) -> None:
    """Prints what comes."""
    async for message in connection:
        print(f"< {message if isinstance(message, str) else message.hex(' ')}", flush=True)


async def run_client(uri: str) -> int:
    """Sends each line of standard input, prints each message, until one side closes."""
    try:
        connection = await connect(uri)
    except (OSError, ValueError, WebSocketException) as error:
        print(f"cannot connect to {uri}: {error}", file=sys.stderr)
        return 1
    print(f"connected to {uri}", flush=True)
    loop = asyncio.get_running_loop()
    shown = loop.create_task(show(connection))
    lines: asyncio.Queue[str | None] = asyncio.Queue()
    # A line can be waited for by a thread only: standard input may be a file.
    reader = loop.run_in_executor(None, _read, loop, lines)
    try:
        while True:
            line = loop.create_task(lines.get())
            await asyncio.wait([line, shown], return_when=asyncio.FIRST_COMPLETED)
            if shown.done():
                line.cancel()
                break
            if (text := line.result()) is None:
                break
            await connection.send(text)
        await connection.close()
        await asyncio.wait([shown])
    finally:
        reader.cancel()
    if not shown.cancelled():
        shown.exception()
    print(f"connection closed: {connection.close_code} {connection.close_reason}".rstrip(), flush=True)
    return 0


def _read(loop: asyncio.AbstractEventLoop, lines: asyncio.Queue[str | None]) -> None:
    for line in sys.stdin:
        loop.call_soon_threadsafe(lines.put_nowait, line.rstrip("\n"))
    loop.call_soon_threadsafe(lines.put_nowait, None)


def main() -> int:
    """Runs the command line."""
    if sys.argv[1:2] == ["serve"]:
        parser = argparse.ArgumentParser(prog="python -m ropeway serve", description="A server.")
        parser.add_argument("--echo", action="store_true", required=True, help="send each message back")
        parser.add_argument("--host", default="127.0.0.1", help="the address to listen at (127.0.0.1)")
        parser.add_argument("--port", type=int, default=8765, help="the port; 0 lets the system choose (8765)")
        parser.add_argument("--max-size", type=int, default=64 << 20, help="bytes of a message at most (64 MiB)")
        parser.add_argument("--uvloop", action="store_true", help="run on uvloop")
        arguments = parser.parse_args(sys.argv[2:])
        factory = None
        if arguments.uvloop:
            import uvloop

            factory = uvloop.new_event_loop
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(run_server(arguments))
        return 0
    parser = argparse.ArgumentParser(prog="python -m ropeway", description="An interactive client.")
    parser.add_argument("--version", action="version", version=f"ropeway {__version__}")
    parser.add_argument("uri", help="ws://…, or the word serve")
    return asyncio.run(run_client(parser.parse_args().uri))


if __name__ == "__main__":
    sys.exit(main())
