"""Round trips of Python's WebSocket clients with an echo server, for bench/run.py.

python client.py LIBRARY asyncio|uvloop|threads URI SIZE SECONDS

Prints the processor's time, user and system, that this process took for one round trip, in microseconds.
"""

import asyncio
import os
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

LIMIT = 16 << 20


class Window:
    """Counts round trips and processor time, after a tenth of the time to warm up, from the first round trip on."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.begins = self.ends = 0.0
        self.trips, self.cpu = 0, 0.0

    def over(self) -> bool:
        """Asked after each round trip."""
        now = time.monotonic()
        if not self.begins:
            self.begins = now + self.seconds / 10
            self.ends = self.begins + self.seconds
        if not self.cpu and now >= self.begins:
            self.trips, self.cpu = 0, time.process_time()
        elif now >= self.ends:
            print((time.process_time() - self.cpu) / self.trips * 1e6)
            return True
        self.trips += 1
        return False


async def like_websockets(connect: Callable[..., Any], uri: str, message: bytes, window: Window) -> None:
    """A client of the API of `websockets`."""
    async with connect(uri, compression=None, max_size=LIMIT) as connection:
        while not window.over():
            await connection.send(message)
            await connection.recv()


async def ropeway(uri: str, message: bytes, window: Window) -> None:
    """Ropeway."""
    from ropeway import connect

    await like_websockets(connect, uri, message, window)


async def websockets(uri: str, message: bytes, window: Window) -> None:
    """The `websockets` package."""
    from websockets.asyncio.client import connect

    await like_websockets(connect, uri, message, window)


async def picows_websockets(uri: str, message: bytes, window: Window) -> None:
    """picows by its face of `websockets`."""
    from picows.websockets.asyncio.client import connect

    await like_websockets(connect, uri, message, window)


async def ropeway_listener(uri: str, message: bytes, window: Window) -> None:
    """Ropeway, `on_message`."""
    from ropeway import connect

    over = asyncio.Event()

    def answered(connection: Any, _: Any, __: bool) -> None:
        if window.over():
            over.set()
        else:
            connection.send_nowait(message)

    async with connect(uri, compression=None, max_size=LIMIT) as connection:
        connection.on_message = answered
        connection.send_nowait(message)
        await over.wait()


async def picows(uri: str, message: bytes, window: Window) -> None:
    """picows by its own API; a message's bytes are taken out, as the others do."""
    import picows

    over = asyncio.Event()

    class Client(picows.WSListener):
        def on_ws_connected(self, transport: picows.WSTransport) -> None:
            transport.send(picows.WSMsgType.BINARY, message)

        def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
            frame.get_payload_as_bytes()
            if window.over():
                over.set()
            else:
                transport.send(picows.WSMsgType.BINARY, message)

    transport, _ = await picows.ws_connect(Client, uri, max_frame_size=LIMIT)
    await over.wait()
    transport.disconnect()


async def aiohttp(uri: str, message: bytes, window: Window) -> None:
    """aiohttp's client."""
    from aiohttp import ClientSession

    async with ClientSession() as session, session.ws_connect(uri, max_msg_size=LIMIT) as connection:
        while not window.over():
            await connection.send_bytes(message)
            await connection.receive_bytes()


def ropeway_sync(uri: str, message: bytes, window: Window) -> None:
    """Ropeway for threads."""
    from ropeway.sync import connect

    with connect(uri, compression=None, max_size=LIMIT) as connection:
        while not window.over():
            connection.send(message)
            connection.recv()


def websockets_sync(uri: str, message: bytes, window: Window) -> None:
    """The `websockets` package for threads."""
    from websockets.sync.client import connect

    with connect(uri, compression=None, max_size=LIMIT) as connection:
        while not window.over():
            connection.send(message)
            connection.recv()


def websocket_client(uri: str, message: bytes, window: Window) -> None:
    """The `websocket-client` package."""
    from websocket import create_connection

    connection = create_connection(uri)
    while not window.over():
        connection.send_binary(message)
        connection.recv()
    connection.close()


def floor(uri: str, message: bytes, window: Window) -> None:
    """No library: a blocking socket, frames made beforehand, and as many bytes read as must come back."""
    connection = socket.create_connection(("127.0.0.1", int(uri.split(":")[2].strip("/"))))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall(
        b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += connection.recv(1)
    size = len(message)
    length = bytes([size]) if size < 126 else b"\x7e" + size.to_bytes(2) if size < 65536 else b"\x7f" + size.to_bytes(8)
    # A masking key of zeros leaves the payload as it is.
    frame = bytes([0x82, length[0] | 0x80]) + length[1:] + bytes(4) + message
    expected = 1 + len(length) + size
    while not window.over():
        connection.sendall(frame)
        left = expected
        while left:
            left -= len(connection.recv(min(left, 1 << 18)))
    connection.close()


LOOPS: dict[str, Callable[[str, bytes, Window], Awaitable[None]]] = {
    "ropeway": ropeway,
    "ropeway-listener": ropeway_listener,
    "picows": picows,
    "picows-websockets": picows_websockets,
    "websockets": websockets,
    "aiohttp": aiohttp,
}
THREADS: dict[str, Callable[[str, bytes, Window], None]] = {
    "ropeway": ropeway_sync,
    "websockets": websockets_sync,
    "websocket-client": websocket_client,
    "floor": floor,
}


def main() -> None:
    """Runs one client."""
    library, loop, uri, size, seconds = sys.argv[1:]
    message, window = os.urandom(int(size)), Window(float(seconds))
    if loop == "threads":
        THREADS[library](uri, message, window)
        return
    factory = None
    if loop == "uvloop":
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(LOOPS[library](uri, message, window))


if __name__ == "__main__":
    main()
