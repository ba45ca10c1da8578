"""How connections and servers end."""

from __future__ import annotations

import asyncio
import gc

import pytest
import ropeway
from common import echo, pair, raw_server, uri
from conftest import Run

ACCEPT = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n"
)


async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers a handshake by hand."""
    import base64
    import hashlib
    import re

    head = await reader.readuntil(b"\r\n\r\n")
    key = re.search(rb"(?i)sec-websocket-key: (\S+)", head)
    assert key is not None
    digest = hashlib.sha1(key[1] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    writer.write(ACCEPT % base64.b64encode(digest))


@pytest.mark.parametrize("by", ["client", "server"])
def test_either_side_closes(run: Run, by: str) -> None:
    async def main() -> None:
        async with pair() as (client, server):
            one, other = (client, server) if by == "client" else (server, client)
            await one.close(4000, "enough")
            await other.wait_closed()
            for side in one, other:
                assert (side.close_code, side.close_reason, side.state) == (4000, "enough", ropeway.State.CLOSED)
                with pytest.raises(ropeway.ConnectionClosedError) as caught:
                    await side.recv()
                assert caught.value.rcvd == caught.value.sent == ropeway.Close(4000, "enough")
                assert caught.value.rcvd_then_sent is (side is other)
                with pytest.raises(ropeway.ConnectionClosedError):
                    await side.send("too late")
                await side.close()

    run(main())


def test_a_waiting_recv_is_told(run: Run) -> None:
    async def main() -> None:
        async with pair() as (client, server):
            receiving = asyncio.ensure_future(server.recv())
            await asyncio.sleep(0)
            await client.close()
            with pytest.raises(ropeway.ConnectionClosedOK):
                await receiving

    run(main())


def test_messages_before_the_close_can_still_be_received(run: Run) -> None:
    async def main() -> None:
        async with pair() as (client, server):
            for number in range(10):
                await client.send(str(number))
            await client.close()
            await server.wait_closed()
            assert [message async for message in server] == [str(number) for number in range(10)]

    run(main())


def test_an_abnormal_end_is_1006(run: Run) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await accept(reader, writer)

    async def main() -> None:
        async with raw_server(hang_up) as address:
            client = await ropeway.connect(address)
            with pytest.raises(ropeway.ConnectionClosedError) as caught:
                await client.recv()
            assert caught.value.rcvd is None and client.close_code == 1006
            assert str(caught.value) == "no close frame received or sent"

    run(main())


def test_a_broken_protocol_is_told_with_its_cause(run: Run) -> None:
    async def masked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await accept(reader, writer)
        writer.write(b"\x81\x81\x00\x00\x00\x00x")
        await reader.read()

    async def main() -> None:
        async with raw_server(masked) as address:
            client = await ropeway.connect(address)
            with pytest.raises(ropeway.ConnectionClosedError) as caught:
                await client.recv()
            assert isinstance(caught.value.__cause__, ropeway.ProtocolError)
            assert caught.value.sent is not None and caught.value.sent.code == 1002

    run(main())


def test_a_message_past_max_size_closes_with_1009(run: Run) -> None:
    async def main() -> None:
        async with pair(server={"max_size": 100}) as (client, server):
            await client.send("x" * 101)
            with pytest.raises(ropeway.ConnectionClosedError) as caught:
                await server.recv()
            cause = caught.value.__cause__
            assert str(cause) == "message of 101 bytes passes this server's max_message_size, 100 bytes"
            assert isinstance(cause, ropeway.PayloadTooBig) and (cause.size, cause.max_size) == (101, 100)
            await client.wait_closed()
            assert client.close_code == 1009

    run(main())


def test_a_silent_peer_fails_the_keep_alive(run: Run) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await accept(reader, writer)
        await reader.read()

    async def main() -> None:
        async with raw_server(silent) as address:
            client = await ropeway.connect(address, ping_interval=0.05, ping_timeout=0.05, close_timeout=0.05)
            with pytest.raises(ropeway.ConnectionClosedError) as caught:
                await client.recv()
            assert isinstance(caught.value.__cause__, TimeoutError)
            assert caught.value.sent is not None and caught.value.sent.code == 1011

    run(main())


def test_close_gives_up_after_close_timeout(run: Run) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await accept(reader, writer)
        await reader.read()

    async def main() -> None:
        async with raw_server(silent) as address:
            client = await ropeway.connect(address, close_timeout=0.05)
            await client.close()
            assert client.close_code == 1006

    run(main())


def test_pings_under_way_are_told(run: Run) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await accept(reader, writer)
        await reader.readexactly(6)

    async def main() -> None:
        async with raw_server(silent) as address:
            client = await ropeway.connect(address)
            pong = await client.ping(b"")
            with pytest.raises(ropeway.ConnectionClosedError):
                await pong

    run(main())


@pytest.mark.parametrize("code", [1005, 1006, 999, 5000])
def test_codes_that_cannot_be_sent(run: Run, code: int) -> None:
    async def main() -> None:
        async with pair() as (client, _):
            with pytest.raises(ropeway.ProtocolError):
                await client.close(code)

    run(main())


def test_a_handler_that_returns_or_fails_closes(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    async def returns(_: ropeway.ServerConnection) -> None:
        return

    async def fails(_: ropeway.ServerConnection) -> None:
        raise ZeroDivisionError

    async def main() -> None:
        for handler, code in [(returns, 1000), (fails, 1011)]:
            async with ropeway.serve(handler, "127.0.0.1", 0) as server:
                client = await ropeway.connect(uri(server))
                await client.wait_closed()
                assert client.close_code == code

    run(main())
    assert "connection handler failed" in caplog.text


def test_closing_a_server_closes_its_connections(run: Run) -> None:
    async def main() -> None:
        server = await ropeway.serve(echo, "127.0.0.1", 0)
        address = uri(server)
        client = await ropeway.connect(address)
        await client.send("x")
        await client.recv()
        assert len(server.connections) == 1
        server.close(code=1012, reason="restart")
        await server.wait_closed()
        await client.wait_closed()
        assert (client.close_code, client.close_reason) == (1012, "restart")
        assert not server.is_serving() and not server.connections
        with pytest.raises(ConnectionRefusedError):
            await ropeway.connect(address)

    run(main())


def test_a_server_can_start_later_and_let_its_connections_be(run: Run) -> None:
    async def main() -> None:
        server = await ropeway.serve(echo, "127.0.0.1", 0, start_serving=False)
        assert not server.is_serving() and not server.sockets
        await server.start_serving()
        assert server.sockets[0].getsockname() == ("127.0.0.1", server.port)
        client = await ropeway.connect(uri(server))
        server.close(close_connections=False)
        await client.send("still")
        assert await client.recv() == "still"
        await client.close()
        await server.wait_closed()

    run(main())


def test_serve_forever_ends_when_cancelled(run: Run) -> None:
    async def main() -> None:
        server = await ropeway.serve(echo, "127.0.0.1", 0)
        serving = asyncio.create_task(server.serve_forever())
        async with ropeway.connect(uri(server)):
            serving.cancel()
            with pytest.raises(asyncio.CancelledError):
                await serving
        assert not server.is_serving()

    run(main())


def test_a_loop_that_is_left_in_the_middle_leaks_nothing(run: Run) -> None:
    async def main() -> None:
        server = await ropeway.serve(echo, "127.0.0.1", 0)
        client = await ropeway.connect(uri(server))
        await client.send("x")
        await client.recv()

    run(main())
    gc.collect()
