"""The websockets package as a peer; the parts it plays stand in tests/interop/parts.py."""

import argparse
import asyncio
import contextlib
import random
import signal
import ssl

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    ServerPerMessageDeflateFactory,
)


async def answer(connection: ServerConnection) -> None:
    """Sends messages back, and does what the three texts ask for."""
    with contextlib.suppress(ConnectionClosed):
        async for message in connection:
            if message == "close":
                await connection.close(4001, "as asked")
            elif message == "fragments":
                await connection.send(iter(["one ", "two ", "three"]))
            elif message == "ping":
                await (await connection.ping(b"there?"))
                await connection.send("pong")
            else:
                await connection.send(message)


async def run_server(mode: str, files: list[str] | None) -> None:
    """Serves until SIGTERM."""
    context = None
    if files:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*files)
    alone = mode == "no-takeover"
    deflate = ServerPerMessageDeflateFactory(server_no_context_takeover=alone, client_no_context_takeover=alone)
    extensions = [] if mode == "off" else [deflate]
    async with serve(
        answer, "127.0.0.1", 0, ssl=context, compression=None, extensions=extensions, max_size=2 << 20
    ) as server:
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        print(f"listening on {server.sockets[0].getsockname()[1]}", flush=True)
        await stop.wait()


async def tour(url: str, mode: str, ca: str | None) -> None:
    """Everything that an echo server has to send back."""
    alone = mode == "no-takeover"
    deflate = ClientPerMessageDeflateFactory(
        server_no_context_takeover=alone, client_no_context_takeover=alone, client_max_window_bits=True
    )
    more = {
        "compression": None,
        "extensions": [] if mode == "off" else [deflate],
        "ssl": ssl.create_default_context(cafile=ca) if ca else None,
        "max_size": 2 << 20,
        "proxy": None,
    }
    async with connect(url, **more) as connection:
        print(connection.response.headers.get("Sec-WebSocket-Extensions", ""))
        noise = random.Random(1).randbytes(1 << 20)
        texts = ["café, € and 🚡: the same again, the same again, the same again"] * 3 + ["", "ab" * (1 << 19)]
        binaries = [noise[:size] for size in (0, 1, 125, 126, 127, 65535, 65536, 1 << 20)]
        for message in [*texts, *binaries]:
            await connection.send(message)
            assert await connection.recv() == message, f"{len(message)} came back otherwise"
        await connection.send(iter(["a message ", "", "in four ", "fragments"]))
        assert await connection.recv() == "a message in four fragments"
        await (await connection.ping(b"there?"))
    assert connection.close_code == 1000, connection.close_code
    connection = await connect(url, **more)
    await connection.close(4001, "bye")
    protocol = connection.protocol
    assert (protocol.close_rcvd.code, protocol.close_sent.code) == (4001, 4001), protocol.close_rcvd


def main() -> None:
    """Plays the part that the command line names."""
    parser = argparse.ArgumentParser()
    parts = parser.add_subparsers(dest="part", required=True)
    server = parts.add_parser("serve")
    server.add_argument("--tls", nargs=2)
    client = parts.add_parser("tour")
    client.add_argument("url")
    client.add_argument("--ca")
    for part in server, client:
        part.add_argument("--deflate", default="off")
    words = parser.parse_args()
    asyncio.run(
        run_server(words.deflate, words.tls) if words.part == "serve" else tour(words.url, words.deflate, words.ca)
    )


main()
