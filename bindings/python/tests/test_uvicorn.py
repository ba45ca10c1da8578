"""ASGI applications under uvicorn, over real sockets: FastAPI's as they are, bare ones for the standard."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import gc
import os
import pathlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import ropeway
import ropeway.asyncio.connection
import trustme
import uvicorn
from conftest import Run
from fastapi import FastAPI, WebSocket, WebSocketDisconnect, WebSocketException
from ropeway.uvicorn import WebSocketProtocol
from starlette.responses import PlainTextResponse

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]


@dataclasses.dataclass
class Serving:
    server: uvicorn.Server
    port: int
    scheme: str

    def uri(self, path: str) -> str:
        return f"{self.scheme}://localhost:{self.port}{path}"


@contextlib.asynccontextmanager
async def serving(app: Any, **settings: Any) -> AsyncIterator[Serving]:
    """The application under uvicorn in this loop."""
    defaults = {
        "ws": "ropeway.uvicorn:WebSocketProtocol",
        "lifespan": "off",
        "log_level": "warning",
        "log_config": None,
    }
    config = uvicorn.Config(app, **(defaults | settings))
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        task = asyncio.ensure_future(server.serve(sockets=[listening]))
        while not server.started:
            await asyncio.sleep(0.001)
        scheme = "wss" if config.is_ssl else "ws"
        try:
            yield Serving(server, listening.getsockname()[1], scheme)
        finally:
            server.should_exit = True
            await task


def application(seen: list[Any]) -> FastAPI:
    app = FastAPI()

    @app.websocket("/echo")
    async def _(websocket: WebSocket) -> None:
        await websocket.accept()
        try:
            while True:
                message = await websocket.receive()
                if message["type"] == "websocket.disconnect":
                    raise WebSocketDisconnect(message["code"], message["reason"])
                if (text := message.get("text")) is not None:
                    await websocket.send_text(text)
                else:
                    await websocket.send_bytes(message["bytes"])
        except WebSocketDisconnect as error:
            seen.append((error.code, error.reason))

    @app.websocket("/rooms/{room}")
    async def _(websocket: WebSocket, room: str, page: int) -> None:
        seen.append(dict(websocket.scope))
        await websocket.accept(subprotocol="chat", headers=[(b"X-Room", room.encode("latin-1"))])
        await websocket.send_json({"room": room, "page": page, "cookie": websocket.cookies["token"]})
        await websocket.close(4001, "enough")

    @app.websocket("/closed")
    async def _(websocket: WebSocket) -> None:
        await websocket.close()

    @app.websocket("/denied")
    async def _(websocket: WebSocket) -> None:
        await websocket.send_denial_response(PlainTextResponse("not you", 418, {"X-Why": "tea"}))

    @app.websocket("/policy")
    async def _(websocket: WebSocket) -> None:
        raise WebSocketException(1008, "no")

    @app.websocket("/broken")
    async def _(websocket: WebSocket, after: bool) -> None:
        if after:
            await websocket.accept()
        raise ZeroDivisionError

    @app.websocket("/returns")
    async def _(websocket: WebSocket) -> None:
        await websocket.accept()

    return app


@pytest.mark.parametrize("http", ["h11", "httptools"])
def test_a_fastapi_application(run: Run, http: str) -> None:
    seen: list[Any] = []

    async def main() -> None:
        async with serving(application(seen), http=http, root_path="/api") as there:
            async with ropeway.connect(there.uri("/echo")) as client:
                for message in "text", "", b"bytes", b"\0" * 300_000, "ü" * 70_000:
                    await client.send(message)
                    assert await client.recv() == message
                await client.close(4000, "bye")
            assert client.close_code == 4000
            headers = {"Cookie": "token=secret", "X-Name": "Jürgen"}
            async with ropeway.connect(
                there.uri("/rooms/a%20b?page=2"), subprotocols=["other", "chat"], additional_headers=headers
            ) as client:
                assert client.subprotocol == "chat"
                assert client.response is not None and client.response.headers["X-Room"] == "a b"
                assert await client.recv() == '{"room":"a b","page":2,"cookie":"secret"}'
                with pytest.raises(ropeway.ConnectionClosedError) as caught:
                    await client.recv()
                assert caught.value.rcvd == ropeway.Close(4001, "enough")
                address = client.local_address
            while not there.server.server_state.connections == set():
                await asyncio.sleep(0.001)
        assert seen[0] == (4000, "bye")
        scope = seen[1]
        assert (scope["path"], scope["raw_path"]) == ("/api/rooms/a b", b"/api/rooms/a%20b")
        assert (scope["query_string"], scope["root_path"]) == (b"page=2", "/api")
        assert scope["client"] == address and scope["server"] == ("127.0.0.1", there.port)
        assert scope["subprotocols"] == ["other", "chat"] and scope["scheme"] == "ws"
        assert (b"x-name", "Jürgen".encode()) in scope["headers"]

    run(main())


def test_refusals(run: Run) -> None:
    async def main() -> None:
        async with serving(application([])) as there:
            for path, status, body in [
                ("/closed", 403, b""),
                ("/denied", 418, b"not you"),
                ("/policy", 403, b""),
                ("/nowhere", 403, b""),
                ("/broken?after=false", 500, b"Internal Server Error"),
            ]:
                with pytest.raises(ropeway.InvalidStatus) as caught:
                    await ropeway.connect(there.uri(path))
                response = caught.value.response
                assert (response.status_code, response.body) == (status, body), path
                if path == "/denied":
                    assert response.headers["X-Why"] == "tea"
            for path, code in [("/broken?after=true", 1011), ("/returns", 1000)]:
                async with ropeway.connect(there.uri(path)) as client:
                    await client.wait_closed()
                    assert client.close_code == code

    run(main())


def test_what_an_application_may_not_send(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    said: list[str] = []

    async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        path = scope["path"]
        assert await receive() == {"type": "websocket.connect"}
        try:
            if path == "/early":
                await send({"type": "websocket.send", "text": "x"})
            elif path == "/again":
                await send({"type": "websocket.accept"})
                await send({"type": "websocket.accept"})
            elif path == "/late":
                await send({"type": "websocket.accept"})
                await send({"type": "websocket.close", "code": 4002, "reason": "r"})
                assert await receive() == {"type": "websocket.disconnect", "code": 4002, "reason": "r"}
                await send({"type": "websocket.send", "text": "x"})
            elif path == "/gone":
                await send({"type": "websocket.accept"})
                assert (await receive())["type"] == "websocket.disconnect"
                await send({"type": "websocket.send", "text": "x"})
            elif path == "/denial":
                await send({"type": "websocket.http.response.start", "status": 404, "headers": []})
                await send({"type": "websocket.http.response.body", "body": b"no", "more_body": True})
                await send({"type": "websocket.http.response.body", "body": b"where"})
                assert await receive() == {"type": "websocket.disconnect", "code": 1006, "reason": ""}
        except (RuntimeError, OSError) as error:
            said.append(f"{path} {type(error).__name__} {error}")
            raise

    async def main() -> None:
        async with serving(app) as there:
            with pytest.raises(ropeway.InvalidStatus) as caught:
                await ropeway.connect(there.uri("/early"))
            assert caught.value.response.status_code == 500
            with pytest.raises(ropeway.InvalidStatus) as caught:
                await ropeway.connect(there.uri("/denial"))
            assert (caught.value.response.status_code, caught.value.response.body) == (404, b"nowhere")
            with pytest.raises(ropeway.InvalidStatus) as caught:
                await ropeway.connect(there.uri("/silent"))
            assert caught.value.response.status_code == 500
            async with ropeway.connect(there.uri("/again")) as client:
                await client.wait_closed()
                assert client.close_code == 1011
            async with ropeway.connect(there.uri("/late")) as client:
                await client.wait_closed()
                assert client.close_code == 4002
            async with ropeway.connect(there.uri("/gone")):
                pass

    run(main())
    assert "without completing handshake" in caplog.text
    assert [line.split()[:2] for line in said] == [
        ["/early", "RuntimeError"],
        ["/again", "RuntimeError"],
        ["/late", "ClientDisconnected"],
        ["/gone", "ClientDisconnected"],
    ]


def test_settings_of_uvicorn(run: Run) -> None:
    async def main() -> None:
        seen: list[Any] = []
        settings = {"ws_max_size": 1000, "ws_per_message_deflate": False}
        async with serving(application(seen), **settings) as there, ropeway.connect(there.uri("/echo")) as client:
            assert client.response is not None and "Sec-WebSocket-Extensions" not in client.response.headers
            await client.send("x" * 1000)
            assert len(await client.recv()) == 1000
            await client.send("x" * 1001)
            await client.wait_closed()
            assert client.close_code == 1009
        assert seen == [(1006, "")]
        async with serving(application(seen)) as there, ropeway.connect(there.uri("/echo")) as client:
            assert client.response is not None
            assert client.response.headers["Sec-WebSocket-Extensions"].startswith("permessage-deflate")
        async with serving(application(seen), ws_ping_interval=0.01) as there:
            reader, writer = await asyncio.open_connection("127.0.0.1", there.port)
            writer.write(
                b"GET /echo HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            )
            await reader.readuntil(b"\r\n\r\n")
            assert (await reader.readexactly(1))[0] == 0x89
            writer.close()
            await writer.wait_closed()

    run(main())


def test_shutdown_says_to_come_again(run: Run) -> None:
    async def main() -> None:
        seen: list[Any] = []
        async with serving(application(seen)) as there:
            client = await ropeway.connect(there.uri("/echo"))
            await client.send("x")
            assert await client.recv() == "x"
        assert client.close_code == 1012
        assert seen == [(1012, "")]

    run(main())


def test_shutdown_refuses_who_has_no_answer_yet(run: Run) -> None:
    events: list[Any] = []

    async def app(_: dict[str, Any], receive: Receive, send: Send) -> None:
        events.extend([await receive(), await receive()])
        with pytest.raises(OSError):
            await send({"type": "websocket.accept"})
        raise OSError

    async def main() -> None:
        async with serving(app) as there:
            connecting = asyncio.ensure_future(ropeway.connect(there.uri("/")).connect())
            while not events and not there.server.server_state.tasks:
                await asyncio.sleep(0.001)
        with pytest.raises(ropeway.InvalidStatus) as caught:
            await connecting
        assert caught.value.response.status_code == 503

    run(main())
    assert [event["type"] for event in events] == ["websocket.connect", "websocket.disconnect"]


def test_a_handshake_that_is_none(run: Run) -> None:
    async def main() -> None:
        async with serving(application([])) as there:
            reader, writer = await asyncio.open_connection("127.0.0.1", there.port)
            writer.write(b"GET /echo HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
            assert (await reader.readline()).startswith(b"HTTP/1.1 4")
            writer.close()
            await writer.wait_closed()

    run(main())


def test_connections_leave_nothing_behind(run: Run, tmp_path: pathlib.Path) -> None:
    """Neither taken over nor carried across; a client that is gone without a word leaves nothing either."""
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    pem = tmp_path / "server.pem"
    certificate.private_key_and_cert_chain_pem.write_to_path(str(pem))
    trusting = ropeway.ClientTLS(roots=[authority.cert_pem.bytes()])

    def descriptors() -> int:
        return len(os.listdir("/proc/self/fd"))

    async def batch(there: Serving, count: int, **arguments: Any) -> int:
        for number in range(count):
            client = await ropeway.connect(there.uri("/echo"), **arguments)
            await client.send("x")
            assert await client.recv() == "x"
            if number % 2:
                await client.close()
            else:
                client._abort()
        while there.server.server_state.connections or there.server.server_state.tasks:
            await asyncio.sleep(0.001)
        gc.collect()
        kinds = (ropeway.asyncio.connection.Connection, asyncio.Task, WebSocketProtocol)
        return sum(isinstance(thing, kinds) for thing in gc.get_objects())

    async def main() -> None:
        files = {"ssl_certfile": pem}
        for settings, arguments in ({}, {}), (files, {"ssl": trusting}):
            async with serving(application([]), **settings) as there:
                before, opened = await batch(there, 10, **arguments), descriptors()
                assert await batch(there, 100, **arguments) <= before
                # A socket may outlive what was told of it by a moment; one that stays makes this last too long.
                while descriptors() > opened:
                    await asyncio.sleep(0.001)

    run(main())


def test_in_tls(run: Run, tmp_path: pathlib.Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    certificate.cert_chain_pems[0].write_to_path(str(chain))
    certificate.private_key_pem.write_to_path(str(key))

    async def main() -> None:
        trusting = ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())
        files = {"ssl_certfile": chain, "ssl_keyfile": key}
        async with serving(application([]), **files, ws_max_size=1 << 24) as there:
            async with ropeway.connect(there.uri("/echo"), ssl=trusting, max_size=None) as client:
                for message in "text", b"\0" * 9_000_000:
                    await client.send(message)
                    assert await client.recv() == message
                await asyncio.gather(*(client.send(b"x" * 50_000) for _ in range(40)))
                for _ in range(40):
                    assert await client.recv() == b"x" * 50_000
            assert client.close_code == 1000
            cut = await ropeway.connect(there.uri("/echo"), ssl=trusting)
            cut._abort()
            while there.server.server_state.connections:
                await asyncio.sleep(0.001)

    run(main())
