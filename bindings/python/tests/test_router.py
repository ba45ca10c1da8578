"""Handlers chosen by werkzeug's maps."""

from __future__ import annotations

import asyncio
import pathlib
from collections.abc import Callable
from typing import Any

import pytest
import ropeway
import ropeway.sync
from common import running, uri
from conftest import Run
from werkzeug.routing import Map, Rule


async def say(connection: ropeway.ServerConnection, **variables: Any) -> None:
    await connection.send(repr(variables))


def url_map(say: Callable[..., Any] = say) -> Map:
    return Map(
        [
            Rule("/", endpoint=say),
            Rule("/rooms/<string:room>/<int:page>", endpoint=say),
            Rule("/old", redirect_to="/rooms/hall/1"),
            Rule("/branch/", endpoint=say),
        ]
    )


def test_the_path_chooses_the_handler(run: Run, tmp_path: pathlib.Path) -> None:
    async def main() -> None:
        async with ropeway.route(url_map(), "127.0.0.1", 0) as server:
            for path, said in [
                ("/", "{}"),
                ("/rooms/blue/2?x=1", "{'room': 'blue', 'page': 2}"),
                ("/old", "{'room': 'hall', 'page': 1}"),
                ("/branch", "{}"),
            ]:
                async with ropeway.connect(uri(server, path)) as client:
                    assert await client.recv() == said
            with pytest.raises(ropeway.InvalidStatus) as caught:
                await ropeway.connect(uri(server, "/nowhere"))
            assert caught.value.response.status_code == 404
        place = tmp_path / "x.sock"
        async with ropeway.unix_route(url_map(), place), ropeway.unix_connect(place) as client:
            assert await client.recv() == "{}"

    run(main())


def test_process_request_comes_before_the_map(run: Run) -> None:
    def now(connection: ropeway.ServerConnection, request: ropeway.Request) -> ropeway.Response | None:
        return connection.respond(401, "no\n") if request.path == "/nowhere" else None

    async def later(connection: ropeway.ServerConnection, request: ropeway.Request) -> ropeway.Response | None:
        await asyncio.sleep(0)
        return now(connection, request)

    async def main() -> None:
        for process_request in now, later:
            settings: dict[str, Any] = {"process_request": process_request, "server_name": "example.org", "ssl": True}
            async with ropeway.route(url_map(), "127.0.0.1", 0, **settings) as server:
                async with ropeway.connect(uri(server)) as client:
                    assert await client.recv() == "{}"
                with pytest.raises(ropeway.InvalidStatus) as caught:
                    await ropeway.connect(uri(server, "/nowhere"))
                assert caught.value.response.status_code == 401
                own = await asyncio.open_connection("127.0.0.1", server.port)
                own[1].write(
                    b"GET /branch HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
                )
                assert b"Location: wss://example.org/branch/\r\n" in await own[0].read()
                own[1].close()
                await own[1].wait_closed()

    run(main())


def say_in_a_thread(connection: ropeway.sync.ServerConnection, **variables: Any) -> None:
    connection.send(repr(variables))


def test_threads_have_the_same(tmp_path: pathlib.Path) -> None:
    def first(connection: ropeway.sync.ServerConnection, request: ropeway.Request) -> ropeway.Response | None:
        return connection.respond(401, "no\n") if request.path == "/secret" else None

    place = tmp_path / "x.sock"
    tcp = ropeway.sync.route(url_map(say_in_a_thread), "127.0.0.1", 0, process_request=first)
    unix = ropeway.sync.unix_route(url_map(say_in_a_thread), place)
    with running(tcp), running(unix):
        address = f"ws://127.0.0.1:{tcp.port}"
        for path, said in [("/", "{}"), ("/old", "{'room': 'hall', 'page': 1}"), ("/branch", "{}")]:
            with ropeway.sync.connect(address + path) as client:
                assert client.recv() == said
        for path, status in [("/nowhere", 404), ("/secret", 401)]:
            with pytest.raises(ropeway.InvalidStatus) as caught:
                ropeway.sync.connect(address + path).__enter__()
            assert caught.value.response.status_code == status
        with ropeway.sync.unix_connect(place) as client:
            assert client.recv() == "{}"
