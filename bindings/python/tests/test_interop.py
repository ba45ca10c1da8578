"""aiohttp, picows, and websockets in TLS and under uvicorn, on the other end."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import aiohttp.web
import picows
import pytest
import ropeway
import trustme
import websockets.asyncio.client
import websockets.asyncio.server
from common import echo, uri
from conftest import Run
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from ropeway import ClientTLS, ServerTLS
from test_uvicorn import serving

MESSAGES: list[Any] = ["text", "", b"", b"\x00" * 70_000, "ü" * 300, "x" * 500_000]


async def talk(client: ropeway.ClientConnection) -> None:
    """Our side of a conversation with an echo server."""
    for message in MESSAGES:
        await client.send(message)
        assert await client.recv() == message
    await client.send(iter(["frag", "ments"]))
    assert await client.recv() == "fragments"
    await (await client.ping())


async def talk_by_aiohttp(address: str, **settings: Any) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(address, protocols=("other", "chat"), **settings) as client:
            assert client.protocol == "chat"
            for message in MESSAGES:
                if isinstance(message, str):
                    await client.send_str(message)
                    assert await client.receive_str() == message
                else:
                    await client.send_bytes(message)
                    assert await client.receive_bytes() == message
            await client.ping(b"there?")
            await client.close(code=4001, message=b"done")
            assert client.close_code == 4001


@pytest.mark.parametrize("compress", [0, 15])
def test_a_client_of_aiohttp(run: Run, compress: int) -> None:
    async def main() -> None:
        settings: dict[str, Any] = {"subprotocols": ["chat"], "compression": "deflate"}
        async with ropeway.serve(echo, "127.0.0.1", 0, **settings) as server:
            await talk_by_aiohttp(uri(server), compress=compress)

    run(main())


@contextlib.asynccontextmanager
async def aiohttp_server(**settings: Any) -> AsyncIterator[str]:
    async def handle(request: aiohttp.web.Request) -> aiohttp.web.WebSocketResponse:
        connection = aiohttp.web.WebSocketResponse(protocols=("chat",), **settings)
        await connection.prepare(request)
        async for message in connection:
            if message.type is aiohttp.WSMsgType.TEXT:
                await connection.send_str(message.data)
            else:
                await connection.send_bytes(message.data)
        return connection

    app = aiohttp.web.Application()
    app.router.add_get("/", handle)
    runner = aiohttp.web.AppRunner(app)
    await runner.setup()
    try:
        await aiohttp.web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"ws://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("compress", [True, False])
def test_a_server_of_aiohttp(run: Run, compress: bool) -> None:
    async def main() -> None:
        async with aiohttp_server(compress=compress) as address:
            async with ropeway.connect(address, subprotocols=["chat"]) as client:
                assert client.subprotocol == "chat" and client.response is not None
                assert ("Sec-WebSocket-Extensions" in client.response.headers) is compress
                await talk(client)
            assert client.close_code == 1000

    run(main())


class PicowsEcho(picows.WSListener):
    """Sends whole messages back; of a fragmented one, frame by frame."""

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        if frame.msg_type is picows.WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()
        elif frame.msg_type in (picows.WSMsgType.TEXT, picows.WSMsgType.BINARY, picows.WSMsgType.CONTINUATION):
            transport.send(frame.msg_type, frame.get_payload_as_bytes(), fin=frame.fin)


def test_a_server_of_picows(run: Run) -> None:
    async def main() -> None:
        server = await picows.ws_create_server(lambda _: PicowsEcho(), "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            async with ropeway.connect(f"ws://127.0.0.1:{port}/") as client:
                await talk(client)
            assert client.close_code == 1000

    run(main())


def test_a_client_of_picows(run: Run) -> None:
    class Client(picows.WSListener):
        def __init__(self) -> None:
            self.received: asyncio.Queue[Any] = asyncio.Queue()

        def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
            if frame.msg_type is picows.WSMsgType.TEXT:
                self.received.put_nowait(frame.get_payload_as_utf8_text())
            elif frame.msg_type is picows.WSMsgType.BINARY:
                self.received.put_nowait(frame.get_payload_as_bytes())
            elif frame.msg_type is picows.WSMsgType.CLOSE:
                self.received.put_nowait(frame.get_close_code())
                transport.disconnect()

    async def main() -> None:
        async with ropeway.serve(echo, "127.0.0.1", 0) as server:
            transport, client = await picows.ws_connect(Client, uri(server))
            assert isinstance(client, Client)
            for message in MESSAGES:
                if isinstance(message, str):
                    transport.send(picows.WSMsgType.TEXT, message.encode())
                else:
                    transport.send(picows.WSMsgType.BINARY, message)
                assert await client.received.get() == message
            transport.send_close(picows.WSCloseCode.GOING_AWAY, b"done")
            assert await client.received.get() == 1001
            await transport.wait_disconnected()

    run(main())


def test_websockets_in_tls(run: Run) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    identity = certificate.cert_chain_pems[0].bytes(), certificate.private_key_pem.bytes()

    async def reply(connection: Any) -> None:
        async for message in connection:
            await connection.send(message)

    async def main() -> None:
        theirs = ssl.create_default_context()
        authority.configure_trust(theirs)
        async with ropeway.serve(echo, "127.0.0.1", 0, ssl=ServerTLS([identity])) as server:
            address = f"wss://localhost:{server.port}/"
            async with websockets.asyncio.client.connect(address, ssl=theirs) as client:
                for message in MESSAGES:
                    await client.send(message)
                    assert await client.recv() == message
        serving_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(serving_tls)
        async with websockets.asyncio.server.serve(reply, "127.0.0.1", 0, ssl=serving_tls) as other:
            port = next(iter(other.sockets)).getsockname()[1]
            settings = ClientTLS(roots=[authority.cert_pem.bytes()])
            async with ropeway.connect(f"wss://localhost:{port}/", ssl=settings) as ours:
                await talk(ours)

    run(main())


def test_clients_of_others_under_uvicorn(run: Run) -> None:
    app = FastAPI()

    @app.websocket("/")
    async def _(websocket: WebSocket) -> None:
        await websocket.accept("chat" if "chat" in websocket.scope["subprotocols"] else None)
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                message = await websocket.receive()
                websocket._raise_on_disconnect(message)
                if (text := message.get("text")) is not None:
                    await websocket.send_text(text)
                else:
                    await websocket.send_bytes(message["bytes"])

    async def main() -> None:
        async with serving(app) as there:
            await talk_by_aiohttp(there.uri("/"), compress=15)
            async with websockets.asyncio.client.connect(there.uri("/")) as client:
                for message in MESSAGES:
                    await client.send(message)
                    assert await client.recv() == message
                await client.close(4001, "done")
            assert client.close_code == 4001

    run(main())


def test_a_fastapi_application_served_by_websockets_itself(run: Run) -> None:
    """What uvicorn does by itself, with our client."""
    app = FastAPI()

    @app.websocket("/")
    async def _(websocket: WebSocket) -> None:
        await websocket.accept()
        with contextlib.suppress(WebSocketDisconnect):
            async for text in websocket.iter_text():
                await websocket.send_text(text)

    async def main() -> None:
        async with serving(app, ws="websockets-sansio") as there, ropeway.connect(there.uri("/")) as client:
            for message in "text", "ü" * 70_000:
                await client.send(message)
                assert await client.recv() == message

    run(main())
