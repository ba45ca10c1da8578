"""The opening handshake, its errors, and reconnecting."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
import socket
import urllib.error
import urllib.request
from typing import Any

import pytest
import ropeway
from common import echo, pair, raw_server, uri, wait_closed
from conftest import Run


def test_what_was_agreed_is_there(run: Run) -> None:
    async def main() -> None:
        headers = {"X-Token": "secret"}
        async with ropeway.serve(echo, "127.0.0.1", 0, subprotocols=["b", "a"]) as server:
            seen: list[ropeway.Request] = []
            server.handler = lambda connection: note(connection, seen)
            async with ropeway.connect(
                uri(server, "/chat?x=1"), subprotocols=["a", "b"], additional_headers=headers, origin="http://here"
            ) as client:
                assert client.subprotocol == "b"
                assert client.response is not None and client.response.status_code == 101
                assert client.request is not None and client.request.path == "/chat?x=1"
                assert client.remote_address == ("127.0.0.1", server.port)
                assert client.state is ropeway.State.OPEN
                assert client.id == client.id
                await client.recv()
                request = seen[0]
                assert request.path == "/chat?x=1"
                assert request.headers["x-token"] == "secret"
                assert request.headers["Origin"] == "http://here"
                assert request.headers["User-Agent"].startswith("Python ropeway/")

    async def note(connection: ropeway.ServerConnection, seen: list[ropeway.Request]) -> None:
        assert connection.request is not None
        seen.append(connection.request)
        await connection.send("noted")
        await connection.wait_closed()

    run(main())


def test_process_request_refuses_and_answers_plain_http(run: Run) -> None:
    def health(connection: ropeway.ServerConnection, request: ropeway.Request) -> ropeway.Response | None:
        return connection.respond(200, "well\n") if request.path == "/health" else None

    async def later(connection: ropeway.ServerConnection, request: ropeway.Request) -> ropeway.Response | None:
        await asyncio.sleep(0)
        return connection.respond(401, "who?\n") if request.path != "/open" else None

    def get(port: int) -> tuple[int, bytes]:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health") as response:
            return response.status, response.read()

    async def main() -> None:
        async with ropeway.serve(echo, "127.0.0.1", 0, process_request=health) as server:
            assert await asyncio.to_thread(get, server.port) == (200, b"well\n")
        async with ropeway.serve(echo, "127.0.0.1", 0, process_request=later) as server:
            with pytest.raises(ropeway.InvalidStatus) as caught:
                await ropeway.connect(uri(server))
            assert caught.value.response.status_code == 401
            assert caught.value.response.body == b"who?\n"
            async with ropeway.connect(uri(server, "/open")):
                pass
        async with ropeway.serve(echo, "127.0.0.1", 0) as server:
            with pytest.raises(urllib.error.HTTPError) as refused:
                await asyncio.to_thread(get, server.port)
            assert refused.value.code == 426
            refused.value.close()

    run(main())


def test_a_failing_process_request_is_500(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    def fail(*_: Any) -> None:
        raise ZeroDivisionError

    async def main() -> None:
        async with ropeway.serve(echo, "127.0.0.1", 0, process_request=fail) as server:
            with pytest.raises(ropeway.InvalidStatus) as caught:
                await ropeway.connect(uri(server))
            assert caught.value.response.status_code == 500

    run(main())
    assert "ZeroDivisionError" in caplog.text


def test_origins_and_subprotocols_are_insisted_on(run: Run) -> None:
    async def main() -> None:
        origins: list[str | re.Pattern[str] | None] = ["http://good", re.compile(r"http://.*\.good")]
        async with ropeway.serve(wait_closed, "127.0.0.1", 0, origins=origins, subprotocols=["a"]) as server:
            for origin, protocols, status in [
                ("http://good", None, 101),
                ("http://very.good", ["a"], 101),
                ("http://bad", None, 403),
                (None, None, 403),
                ("http://good", ["z"], 400),
            ]:
                connecting = ropeway.connect(uri(server), origin=origin, subprotocols=protocols)
                if status == 101:
                    async with connecting as client:
                        assert client.subprotocol == (protocols and "a")
                else:
                    with pytest.raises(ropeway.InvalidStatus) as caught:
                        await connecting
                    assert caught.value.response.status_code == status

    run(main())


def test_errors_of_connecting(run: Run) -> None:
    async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"220 smtp.example.com\r\n\r\n")
        await writer.drain()

    async def wrong_key(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n"
        )
        await writer.drain()

    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        with pytest.raises(ConnectionRefusedError):
            await ropeway.connect(f"ws://127.0.0.1:{port}/")
        async with raw_server(garbage) as address:
            with pytest.raises(ropeway.InvalidMessage):
                await ropeway.connect(address)
        async with raw_server(wrong_key) as address:
            with pytest.raises(ropeway.InvalidHeader) as caught:
                await ropeway.connect(address)
            assert caught.value.name == "Sec-WebSocket-Accept"
        with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(TimeoutError):
            await ropeway.connect(f"ws://127.0.0.1:{silent.getsockname()[1]}/", open_timeout=0.05)

    run(main())


@pytest.mark.parametrize("address", ["http://x/", "ws://", "nothing", "ws://x/#part", "ws://x:99999/"])
def test_what_is_no_uri(run: Run, address: str) -> None:
    async def main() -> None:
        with pytest.raises(ropeway.InvalidURI):
            await ropeway.connect(address)

    run(main())


@pytest.mark.parametrize("arguments", [{"extensions": [1]}, {"ssl_handshake_timeout": 1}])
def test_what_is_not_there_says_so(arguments: dict[str, Any]) -> None:
    with pytest.raises(ropeway.NotSupported):
        ropeway.connect("ws://127.0.0.1/", **arguments)


@pytest.mark.parametrize("arguments", [{"extensions": [1]}, {"reuse_address": False}, {"ssl_shutdown_timeout": 1}])
def test_what_a_server_has_not_says_so(arguments: dict[str, Any]) -> None:
    with pytest.raises(ropeway.NotSupported):
        ropeway.serve(echo, **arguments)


def test_unknown_arguments_are_mistakes() -> None:
    with pytest.raises(TypeError, match="colour"):
        ropeway.connect("ws://127.0.0.1/", colour="red")
    with pytest.raises(TypeError, match="colour"):
        ropeway.serve(echo, colour="red")


def test_iteration_connects_again(run: Run) -> None:
    async def main() -> None:
        attempts = 0

        def sometimes(connection: ropeway.ServerConnection, _: ropeway.Request) -> ropeway.Response | None:
            nonlocal attempts
            attempts += 1
            return connection.respond(503, "not now") if attempts == 2 else None

        async with ropeway.serve(echo, "127.0.0.1", 0, process_request=sometimes) as server:
            opened = 0

            def delays() -> Any:
                while True:
                    yield 0.0

            async for client in ropeway.connect(uri(server), reconnect_delays=delays):
                opened += 1
                await client.send("x")
                assert await client.recv() == "x"
                if opened == 2:
                    break
                continue
            assert attempts == 3

    run(main())


def test_a_fatal_error_ends_the_iteration(run: Run) -> None:
    async def main() -> None:
        def never(connection: ropeway.ServerConnection, _: ropeway.Request) -> ropeway.Response:
            return connection.respond(404, "")

        async with ropeway.serve(echo, "127.0.0.1", 0, process_request=never) as server:
            with pytest.raises(ropeway.InvalidStatus):
                async for _ in ropeway.connect(uri(server)):
                    pytest.fail("connected")

    run(main())


def test_latency_of_pings(run: Run) -> None:
    async def main() -> None:
        async with pair() as (client, _):
            pong = await client.ping(b"data")
            with pytest.raises(ropeway.ConcurrencyError):
                await client.ping(b"data")
            latency = await pong
            assert 0 < latency < 30 and 0 < client.latency < 30
            await client.pong(b"unsolicited")
            with pytest.raises(ropeway.ProtocolError):
                await client.ping(b"x" * 126)

    run(main())


def accepting(request: bytes) -> bytes:
    """The response that opens a connection."""
    (key,) = re.findall(rb"(?i)sec-websocket-key: (\S+)", request)
    accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )


def test_what_comes_with_the_handshake_waits_for_the_application(run: Run) -> None:
    """A message, and a frame that breaks the protocol, stand right behind the response: it is answered."""

    async def main() -> None:
        answered: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

        async def eager(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(accepting(await reader.readuntil(b"\r\n\r\n")) + b"\x81\x02hi" + b"\x83\x00")
            answered.set_result(await reader.read())

        async with raw_server(eager) as address:
            async with ropeway.connect(address, compression=None) as client:
                await client.send(await client.recv())
                await client.wait_closed()
            assert client.close_code == 1006
        # Two bytes of a text frame, masked, then the Close frame.
        answer = await answered
        assert answer[0] == 0x81 and answer[8] == 0x88

    run(main())


def test_a_listener_that_is_set_at_once_gets_the_first_message(run: Run) -> None:
    async def greet(connection: ropeway.ServerConnection) -> None:
        await connection.send("welcome")
        await connection.wait_closed()

    async def eager(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(accepting(await reader.readuntil(b"\r\n\r\n")) + b"\x81\x07welcome")
        await reader.read()

    async def first(address: str) -> None:
        got: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        async with ropeway.connect(address) as client:
            client.on_message = lambda _, message, __: got.set_result(message)
            assert await got == "welcome"

    async def main() -> None:
        async with ropeway.serve(greet, "127.0.0.1", 0) as server:
            await first(uri(server))
        async with raw_server(eager) as address:
            await first(address)

    run(main())
