"""`ropeway.protocol`: the sans-I/O client and server, against each other and against those of `websockets`."""

from __future__ import annotations

from typing import Any

import pytest
import ropeway
import websockets.client
import websockets.server
import websockets.uri
from ropeway.protocol import ClientProtocol, ServerProtocol, State

URI = "ws://example.com/chat?x=1"


def pump(one: Any, other: Any, chunk: int = 1 << 20) -> bool:
    """Carries what one has to say to the other. Whether there was anything."""
    moved = False
    for data in one.data_to_send():
        moved = True
        for start in range(0, len(data), chunk):
            other.receive_data(data[start : start + chunk])
        if not data:
            other.receive_eof()
    return moved


def settle(one: Any, other: Any, chunk: int = 1 << 20) -> None:
    while pump(one, other, chunk) | pump(other, one, chunk):
        pass


def opened(client: Any, server: Any, chunk: int = 1 << 20) -> None:
    client.send_request(client.connect())
    pump(client, server, chunk)
    (request,) = server.events_received()
    server.send_response(server.accept(request))
    settle(client, server, chunk)
    (response,) = client.events_received()
    assert response.status_code == 101
    assert client.state == server.state == State.OPEN


@pytest.mark.parametrize("chunk", [1, 7, 1 << 20])
def test_a_conversation(chunk: int) -> None:
    client, server = (
        ClientProtocol(URI, subprotocols=["a", "b"], origin="http://here"),
        ServerProtocol(subprotocols=["b"], compression="deflate"),
    )
    opened(client, server, chunk)
    assert client.subprotocol == server.subprotocol == "b"
    assert server.request is not None and server.request.path == "/chat?x=1"
    assert server.request.headers["Origin"] == "http://here" and server.request.headers["Host"] == "example.com"
    client.send_text("grüße".encode())
    client.send_binary(b"\0" * 1000)
    client.send_text(b"frag", fin=False)
    client.send_continuation(b"ment", fin=True)
    client.send_ping(b"there?")
    settle(client, server, chunk)
    told = server.events_received()
    assert [(frame.opcode, frame.data) for frame in told if isinstance(frame, ropeway.Frame)] == [
        (ropeway.Opcode.TEXT, "grüße".encode()),
        (ropeway.Opcode.BINARY, b"\0" * 1000),
        (ropeway.Opcode.TEXT, b"fragment"),
        (ropeway.Opcode.PING, b"there?"),
    ]
    assert client.events_received() == [ropeway.Frame(ropeway.Opcode.PONG, b"there?")]
    server.send_close(4000, "done")
    assert server.state is State.CLOSING and not server.close_expected()
    settle(client, server, chunk)
    assert client.events_received() == [ropeway.Frame(ropeway.Opcode.CLOSE, b"\x0f\xa0done")]
    for end in (client, server):
        assert end.state is State.CLOSED and end.close_code == 4000 and end.close_expected()
        assert isinstance(end.close_exc, ropeway.ConnectionClosedError)


def test_a_message_in_pieces() -> None:
    client, server = ClientProtocol(URI, max_size=10), ServerProtocol()
    opened(client, server)
    client.stream_message()
    server.send_binary(b"x" * 100)
    pump(server, client, 30)
    frames = [frame for frame in client.events_received() if isinstance(frame, ropeway.Frame)]
    assert b"".join(frame.data for frame in frames) == b"x" * 100
    assert [frame.fin for frame in frames] == [False] * (len(frames) - 1) + [True] and len(frames) > 2
    assert frames[0].opcode is ropeway.Opcode.BINARY and frames[1].opcode is ropeway.Opcode.CONT
    server.send_binary(b"x" * 100)
    settle(client, server)
    assert isinstance(client.close_exc.__cause__, ropeway.PayloadTooBig)
    assert server.close_code == 1009


@pytest.mark.parametrize(("arguments", "status"), [({"origins": ["http://good"]}, 403), ({"subprotocols": ["z"]}, 400)])
def test_refusals(arguments: dict[str, Any], status: int) -> None:
    client, server = ClientProtocol(URI, subprotocols=["a"]), ServerProtocol(**arguments)
    client.send_request(client.connect())
    pump(client, server)
    (request,) = server.events_received()
    assert isinstance(request, ropeway.Request)
    server.send_response(server.accept(request))
    settle(client, server)
    (response,) = client.events_received()
    assert isinstance(response, ropeway.Response) and response.status_code == status
    assert isinstance(client.handshake_exc, ropeway.InvalidStatus) and server.handshake_exc is not None


def test_plain_http_and_a_lost_handshake() -> None:
    server = ServerProtocol()
    server.receive_data(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
    (request,) = server.events_received()
    assert isinstance(request, ropeway.Request) and server.accept(request).status_code == 426
    server.send_response(server.reject(200, "well\n"))
    data, end = server.data_to_send()
    assert data.startswith(b"HTTP/1.1 200 ") and data.endswith(b"well\n") and end == b""
    client = ClientProtocol(URI)
    with pytest.raises(ropeway.InvalidState):
        client.receive_data(b"")
    client.send_request(client.connect())
    client.receive_eof()
    assert isinstance(client.handshake_exc, ropeway.InvalidMessage)
    with pytest.raises(ropeway.InvalidURI):
        ClientProtocol("http://x/")
    with pytest.raises(ropeway.InvalidURI):
        ClientProtocol("ws://x:99999/").send_request(ropeway.Request("/", ropeway.Headers()))


def test_errors_of_the_caller() -> None:
    client, server = ClientProtocol(URI), ServerProtocol()
    opened(client, server)
    with pytest.raises(ropeway.ProtocolError):
        client.send_text(b"\xff")
    with pytest.raises(ropeway.ProtocolError):
        client.send_ping(b"x" * 126)
    with pytest.raises(ropeway.InvalidState):
        _ = client.close_exc
    client.send_text(b"half", fin=False)
    with pytest.raises(ropeway.ProtocolError):
        client.send_binary(b"whole")
    client.fail(1011, "no more")
    settle(client, server)
    assert server.close_code == 1011
    with pytest.raises(ropeway.InvalidState):
        client.send_text(b"late")


def test_time_is_the_callers() -> None:
    client = ClientProtocol(URI, open_timeout=3)
    client.send_request(client.connect(), now=100.0)
    assert client.next_deadline() == pytest.approx(103.0)
    client.on_deadline(now=102.9)
    assert client.state is State.CONNECTING
    client.on_deadline(now=103.1)
    assert isinstance(client.handshake_exc, TimeoutError) and client.close_expected()
    server = ServerProtocol(ping_interval=5, ping_timeout=2, now=0.0)
    client = ClientProtocol(URI, ping_interval=None)
    client.send_request(client.connect(), now=0.0)
    server.receive_data(b"".join(client.data_to_send()), now=0.0)
    (request,) = server.events_received()
    assert isinstance(request, ropeway.Request)
    server.send_response(server.accept(request), now=0.0)
    assert server.data_to_send()
    deadline = server.next_deadline()
    assert deadline is not None and deadline <= 5.0
    server.on_deadline(now=5.1)
    (ping,) = server.data_to_send()
    assert ping[0] == 0x89
    server.on_deadline(now=7.2)
    assert isinstance(server.close_exc.__cause__, TimeoutError)


def test_with_those_of_websockets() -> None:
    ours, theirs = ClientProtocol(URI, compression=None), websockets.server.ServerProtocol()
    opened(ours, theirs)
    ours.send_text(b"hello")
    pump(ours, theirs)
    (frame,) = theirs.events_received()
    assert isinstance(frame, websockets.frames.Frame) and frame.data == b"hello"
    theirs.send_close(1001, "bye")
    settle(ours, theirs)
    ours.receive_eof()
    assert ours.close_code == theirs.close_code == 1001
    client = websockets.client.ClientProtocol(websockets.uri.parse_uri(URI))
    server = ServerProtocol()
    opened(client, server)
    client.send_binary(b"\1\2\3")
    settle(client, server)
    assert server.events_received() == [ropeway.Frame(ropeway.Opcode.BINARY, b"\1\2\3")]
