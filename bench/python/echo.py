"""Echo servers of Python's WebSocket libraries, for bench/run.py.

python echo.py LIBRARY asyncio|uvloop|threads
"""

import asyncio
import contextlib
import gc
import logging
import socket
import sys
import threading
from collections.abc import Awaitable, Callable
from typing import Any

LIMIT = 16 << 20
"""Bytes of a message, the same for all; nobody compresses."""


async def ropeway_recv() -> int:
    """Ropeway, a task that waits in `async for`."""
    import ropeway

    async def echo(connection: ropeway.ServerConnection) -> None:
        async for message in connection:
            await connection.send(message)

    server = await ropeway.serve(echo, "127.0.0.1", 0, max_size=LIMIT)
    keep.append(server)
    return server.port


async def ropeway_listener() -> int:
    """Ropeway, `on_message`."""
    import ropeway

    def echo(connection: ropeway.ServerConnection, data: str | bytes, _: bool) -> None:
        connection.send_nowait(data)

    def listen(connection: ropeway.ServerConnection) -> None:
        connection.on_message = echo

    server = await ropeway.serve(listen, "127.0.0.1", 0, max_size=LIMIT)
    keep.append(server)
    return server.port


async def websockets() -> int:
    """The `websockets` package."""
    from websockets.asyncio.server import serve

    return await like_websockets(serve)


async def picows_websockets() -> int:
    """picows by its face of `websockets`."""
    from picows.websockets.asyncio.server import serve

    return await like_websockets(serve)


async def like_websockets(serve: Callable[..., Awaitable[Any]]) -> int:
    """A server of that API."""

    async def echo(connection: Any) -> None:
        async for message in connection:
            await connection.send(message)

    server = await serve(echo, "127.0.0.1", 0, compression=None, max_size=LIMIT)
    keep.append(server)
    return int(next(iter(server.sockets)).getsockname()[1])


async def picows() -> int:
    """picows by its own API: frames, not messages."""
    import picows

    class Echo(picows.WSListener):
        def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
            if frame.msg_type is picows.WSMsgType.CLOSE:
                transport.disconnect()
            else:
                transport.send(frame.msg_type, frame.get_payload_as_memoryview())

    server = await picows.ws_create_server(lambda _: Echo(), "127.0.0.1", 0, max_frame_size=LIMIT)
    await server.start_serving()
    keep.append(server)
    return int(server.sockets[0].getsockname()[1])


async def aiohttp() -> int:
    """aiohttp's server."""
    from aiohttp import WSMsgType, web

    async def handle(request: web.Request) -> web.WebSocketResponse:
        connection = web.WebSocketResponse(compress=False, max_msg_size=LIMIT)
        await connection.prepare(request)
        async for message in connection:
            if message.type is WSMsgType.BINARY:
                await connection.send_bytes(message.data)
            else:
                await connection.send_str(message.data)
        return connection

    app = web.Application()
    app.router.add_get("/", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return int(runner.addresses[0][1])


async def floor() -> int:
    """No WebSocket: `add_reader`, and what is read is written."""
    loop = asyncio.get_running_loop()
    server = socket.create_server(("127.0.0.1", 0), backlog=1024)
    server.setblocking(False)

    def accept() -> None:
        connection, _ = server.accept()
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        loop.add_reader(connection, echo, connection)

    def echo(connection: socket.socket) -> None:
        try:
            data = connection.recv(65536)
        except ConnectionResetError:
            data = b""
        if data:
            connection.send(data)
        else:
            loop.remove_reader(connection)
            connection.close()

    loop.add_reader(server, accept)
    return int(server.getsockname()[1])


def threads_echo(connection: Any) -> None:
    """What a thread does in either library."""
    for message in connection:
        connection.send(message)


def ropeway_threads() -> None:
    """Ropeway for threads."""
    from ropeway.sync import serve

    with serve(threads_echo, "127.0.0.1", 0, max_size=LIMIT, backlog=1024) as server:
        listening(server.port)
        server.serve_forever()


def websockets_threads() -> None:
    """The `websockets` package for threads."""
    from websockets.sync.server import serve

    with serve(threads_echo, "127.0.0.1", 0, compression=None, max_size=LIMIT, backlog=1024) as server:
        listening(server.socket.getsockname()[1])
        server.serve_forever()


def floor_threads() -> None:
    """No WebSocket: each thread writes what it has read."""

    def echo(connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection, contextlib.suppress(ConnectionResetError):
            while data := connection.recv(65536):
                connection.sendall(data)

    with socket.create_server(("127.0.0.1", 0), backlog=1024) as server:
        listening(server.getsockname()[1])
        while True:
            connection, _ = server.accept()
            threading.Thread(target=echo, args=(connection,), daemon=True).start()


THREADED = {"ropeway": ropeway_threads, "websockets": websockets_threads, "floor": floor_threads}
SERVERS = {
    "ropeway": ropeway_recv,
    "ropeway-listener": ropeway_listener,
    "picows": picows,
    "picows-websockets": picows_websockets,
    "websockets": websockets,
    "aiohttp": aiohttp,
    "floor": floor,
}
keep: list[Any] = []


def listening(port: int) -> None:
    """The start is over."""
    gc.freeze()
    # Nobody spends time on telling that the load goes without a Close frame.
    logging.disable()
    print(f"listening on ws://127.0.0.1:{port}/", flush=True)


async def main(library: str) -> None:
    """Serves for ever."""
    listening(await SERVERS[library]())
    await asyncio.Event().wait()


if __name__ == "__main__":
    wanted, runs_on = sys.argv[1:]
    if runs_on == "threads":
        THREADED[wanted]()
    elif runs_on == "uvloop":
        import uvloop

        uvloop.run(main(wanted))
    else:
        asyncio.run(main(wanted))
