"""Whom a server lets in: its functions, authentication, and what it says of itself."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from collections.abc import Sequence
from typing import Any

import pytest
import ropeway
from common import echo, uri
from conftest import Run


def status_of(error: pytest.ExceptionInfo[ropeway.InvalidStatus]) -> tuple[int, bytes]:
    return error.value.response.status_code, error.value.response.body


def test_process_response_changes_or_replaces_the_response(run: Run) -> None:
    seen: list[ropeway.Response] = []

    def change(_: ropeway.ServerConnection, request: ropeway.Request, response: ropeway.Response) -> None:
        seen.append(response)
        response.headers["X-Path"] = request.path

    async def replace(
        connection: ropeway.ServerConnection, request: ropeway.Request, response: ropeway.Response
    ) -> ropeway.Response | None:
        await asyncio.sleep(0)
        return connection.respond(418, "short and stout\n") if request.path == "/tea" else None

    async def main() -> None:
        async with ropeway.serve(echo, "127.0.0.1", 0, process_response=change, subprotocols=["chat"]) as server:
            async with ropeway.connect(uri(server, "/here"), subprotocols=["chat"]) as client:
                assert client.response is not None and client.response.headers["X-Path"] == "/here"
                assert client.response.headers["Server"].startswith("Python ropeway/")
                for name in "Sec-WebSocket-Accept", "Sec-WebSocket-Protocol":
                    assert client.response.headers[name] == seen[0].headers[name]
        async with ropeway.serve(echo, "127.0.0.1", 0, process_response=replace, server_header=None) as server:
            async with ropeway.connect(uri(server)) as client:
                assert client.response is not None and "Server" not in client.response.headers
            with pytest.raises(ropeway.InvalidStatus) as caught:
                await ropeway.connect(uri(server, "/tea"))
            assert status_of(caught) == (418, b"short and stout\n")

    run(main())


def test_a_response_of_101_from_process_request_opens(run: Run) -> None:
    def accept(_: ropeway.ServerConnection, request: ropeway.Request) -> ropeway.Response:
        key = request.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
        headers = [
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Accept", accept),
            ("X-By", "me"),
        ]
        return ropeway.Response(101, "Switching Protocols", ropeway.Headers(headers))

    async def main() -> None:
        async with ropeway.serve(echo, "127.0.0.1", 0, process_request=accept, origins=["http://other"]) as server:
            async with ropeway.connect(uri(server)) as client:
                assert client.response is not None and client.response.headers["X-By"] == "me"

    run(main())


def test_select_subprotocol_decides(run: Run) -> None:
    def last(_: ropeway.ServerConnection, offers: Sequence[str]) -> str | None:
        if "never" in offers:
            raise ropeway.NegotiationError("not that one")
        return offers[-1] if offers else None

    async def later(connection: ropeway.ServerConnection, offers: Sequence[str]) -> str | None:
        await asyncio.sleep(0)
        return last(connection, offers)

    async def main() -> None:
        for select in last, later:
            async with ropeway.serve(echo, "127.0.0.1", 0, select_subprotocol=select) as server:
                async with ropeway.connect(uri(server), subprotocols=["a", "b"]) as client:
                    assert client.subprotocol == "b"
                async with ropeway.connect(uri(server)) as client:
                    assert client.subprotocol is None
                with pytest.raises(ropeway.InvalidStatus) as caught:
                    await ropeway.connect(uri(server), subprotocols=["never"])
                assert status_of(caught) == (400, b"not that one.\n")

    run(main())


def test_a_missing_origin_can_be_allowed(run: Run) -> None:
    async def main() -> None:
        origins = [None, re.compile(r"https?://good\.example")]
        async with ropeway.serve(echo, "127.0.0.1", 0, origins=origins) as server:
            for origin in None, "https://good.example":
                async with ropeway.connect(uri(server), origin=origin):
                    pass
            for origin in "https://good.example.org", "x https://good.example":
                with pytest.raises(ropeway.InvalidStatus) as caught:
                    await ropeway.connect(uri(server), origin=origin)
                assert status_of(caught)[0] == 403

    run(main())


async def slow_check(user: str, password: str) -> bool:
    await asyncio.sleep(0)
    return (user, password) == ("ann", "böse")


@pytest.mark.parametrize(
    "how",
    [
        {"credentials": ("ann", "böse")},
        {"credentials": [("bob", ""), ("ann", "böse")]},
        {"check_credentials": lambda user, password: (user, password) == ("ann", "böse")},
        {"check_credentials": slow_check},
    ],
)
def test_basic_authentication(run: Run, how: dict[str, Any]) -> None:
    names: list[str] = []

    async def handler(connection: ropeway.ServerConnection) -> None:
        names.append(connection.username)

    async def main() -> None:
        guard = ropeway.basic_auth(realm='a "b"', **how)
        async with ropeway.serve(handler, "127.0.0.1", 0, process_request=guard) as server:
            host = f"127.0.0.1:{server.port}/"
            async with ropeway.connect(f"ws://ann:b%C3%B6se@{host}") as client:
                await client.wait_closed()
            for userinfo in "", "ann:wrong@", "eve:b%C3%B6se@", "eve:@":
                with pytest.raises(ropeway.InvalidStatus) as caught:
                    await ropeway.connect(f"ws://{userinfo}{host}")
                assert status_of(caught)[0] == 401
                asked = caught.value.response.headers["WWW-Authenticate"]
                assert asked == r'Basic realm="a \"b\"", charset="UTF-8"'
            for authorization in "Bearer x", "Basic !", "Basic " + base64.b64encode(b"no colon").decode():
                with pytest.raises(ropeway.InvalidStatus) as caught:
                    await ropeway.connect(f"ws://{host}", additional_headers={"Authorization": authorization})
                assert status_of(caught) == (401, b"Unsupported credentials\n")
        assert names == ["ann"]

    run(main())


def test_credentials_that_are_none() -> None:
    with pytest.raises(ValueError):
        ropeway.basic_auth()
    with pytest.raises(ValueError):
        ropeway.basic_auth(credentials=("a", "b"), check_credentials=lambda *_: True)
    with pytest.raises(TypeError):
        ropeway.basic_auth(credentials=["ab"])  # type: ignore[list-item]


def test_a_decision_that_comes_too_late_is_given_up(run: Run) -> None:
    async def main() -> None:
        given_up = asyncio.Event()

        async def ponder(*_: Any) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                given_up.set()

        async with ropeway.serve(echo, "127.0.0.1", 0, process_request=ponder, open_timeout=0.05) as server:
            with pytest.raises((ropeway.InvalidHandshake, OSError)):
                await ropeway.connect(uri(server))
            await given_up.wait()

    run(main())


def test_a_closing_server_says_so_to_those_who_come_late(run: Run) -> None:
    async def main() -> None:
        decide = asyncio.Event()
        asked = asyncio.Event()

        async def ponder(*_: Any) -> None:
            asked.set()
            await decide.wait()

        async with ropeway.serve(echo, "127.0.0.1", 0, process_request=ponder) as server:
            connecting = asyncio.ensure_future(ropeway.connect(uri(server)).connect())
            await asked.wait()
            server.close()
            decide.set()
            with pytest.raises(ropeway.InvalidStatus) as caught:
                await connecting
            assert status_of(caught)[0] == 503

    run(main())
