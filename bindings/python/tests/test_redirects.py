"""Redirects of the opening handshake."""

from __future__ import annotations

import asyncio
import socket

import pytest
import ropeway
import ropeway.sync
from common import echo, uri
from conftest import Run


def shows_what_was_asked_last(request: ropeway.Request | None, server: ropeway.Server) -> None:
    assert request is not None and request.path == "/there"
    assert request.headers["Host"] == f"127.0.0.1:{server.port}"
    assert "User-Agent" in request.headers and "Authorization" not in request.headers


def test_redirects_are_followed_without_taking_secrets_elsewhere(run: Run) -> None:
    seen: list[tuple[str, str | None]] = []

    async def main() -> None:
        def end(_: ropeway.ServerConnection, request: ropeway.Request) -> None:
            seen.append((request.path, request.headers.get("Authorization")))

        async with ropeway.serve(echo, "127.0.0.1", 0, process_request=end) as other:

            def away(connection: ropeway.ServerConnection, request: ropeway.Request) -> ropeway.Response | None:
                seen.append((request.path, request.headers.get("Authorization")))
                where = {"/": "/next", "/next": uri(other, "/there")}.get(request.path)
                if where is None:
                    return None
                response = connection.respond(307, "")
                response.headers["Location"] = where
                return response

            async with ropeway.serve(echo, "127.0.0.1", 0, process_request=away) as server:
                secret = {"Authorization": "Bearer x"}
                async with ropeway.connect(uri(server), additional_headers=secret) as client:
                    await client.send("x")
                    assert await client.recv() == "x"
                    assert client.remote_address == ("127.0.0.1", other.port)
                    shows_what_was_asked_last(client.request, other)

                def threaded() -> None:
                    with ropeway.sync.connect(uri(server), additional_headers=secret) as client:
                        shows_what_was_asked_last(client.request, other)

                await asyncio.to_thread(threaded)
                assert seen[:3] == seen[3:]
                del seen[3:]
                assert seen == [("/", "Bearer x"), ("/next", "Bearer x"), ("/there", None)]
                own = socket.create_connection(("127.0.0.1", server.port))
                with pytest.raises(ropeway.InvalidStatus):
                    await ropeway.connect(uri(server), sock=own)

    run(main())


def test_redirects_come_to_an_end(run: Run) -> None:
    asked = 0

    def around(connection: ropeway.ServerConnection, _: ropeway.Request) -> ropeway.Response:
        nonlocal asked
        asked += 1
        response = connection.respond(302, "")
        response.headers["Location"] = "/again"
        return response

    async def main() -> None:
        async with ropeway.serve(echo, "127.0.0.1", 0, process_request=around) as server:
            with pytest.raises(ropeway.SecurityError, match="redirect"):
                await ropeway.connect(uri(server))
            assert asked == 11

    run(main())
