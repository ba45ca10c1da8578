"""`ropeway.sync`: the API of threads."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import logging
import os
import pathlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import ropeway
import ropeway.sync
import trustme
import websockets.sync.client
import websockets.sync.server
from common import WAIT, serving, threads_echo
from ropeway.sync.keeper import keeper

MESSAGES: list[Any] = ["text", "", b"", b"\x00" * 70_000, "ü" * 300, "x" * 500_000]


def uri(server: ropeway.sync.Server, path: str = "/") -> str:
    return f"ws://127.0.0.1:{server.port}{path}"


def open_at(address: str, **arguments: Any) -> ropeway.sync.ClientConnection:
    connection = ropeway.sync.connect(address, **arguments)
    assert isinstance(connection, ropeway.sync.ClientConnection)
    return connection


@contextlib.contextmanager
def pair(
    client: dict[str, Any] | None = None, server: dict[str, Any] | None = None
) -> Iterator[tuple[ropeway.sync.ClientConnection, ropeway.sync.ServerConnection]]:
    """A client's connection and its server's; the server's handler waits until the connection is closed."""
    accepted: list[ropeway.sync.ServerConnection] = []
    there, done = threading.Event(), threading.Event()

    def handler(connection: ropeway.sync.ServerConnection) -> None:
        accepted.append(connection)
        there.set()
        done.wait(WAIT)

    with serving(handler, **(server or {})) as listening:
        try:
            with open_at(uri(listening), **(client or {})) as connection:
                assert there.wait(WAIT)
                yield connection, accepted[0]
                done.set()
        finally:
            done.set()


def test_messages_go_and_come() -> None:
    with serving(subprotocols=["b", "a"]) as server:
        with open_at(uri(server, "/x?y=1"), subprotocols=["a", "b"]) as client:
            for message in MESSAGES:
                client.send(message)
                assert client.recv(WAIT) == message
            client.send(memoryview(b"view"))
            assert client.recv() == b"view"
            client.send("as bytes", text=False)
            assert client.recv(decode=True) == "as bytes"
            client.send(b"as text", text=True)
            assert client.recv(decode=False) == b"as text"
            assert client.subprotocol == "b" and client.state is ropeway.State.OPEN
            assert client.remote_address == ("127.0.0.1", server.port)
            assert client.response is not None and client.response.status_code == 101
            (other,) = server.connections
            assert other.request is not None and other.request.path == "/x?y=1"
            assert other.remote_address == client.local_address
            assert client.id == client.id != other.id
        assert (client.close_code, client.close_reason, client.state) == (1000, "", ropeway.State.CLOSED)
        assert client.remote_address == ("127.0.0.1", server.port)
        with pytest.raises(ropeway.ConnectionClosedOK):
            client.recv()
        with pytest.raises(ropeway.ConnectionClosedOK):
            client.send("late")
        client.close()


def test_a_time_out_of_recv_loses_nothing() -> None:
    with pair() as (client, server):
        with pytest.raises(TimeoutError, match="timed out"):
            client.recv(timeout=0)
        with pytest.raises(TimeoutError):
            client.recv(timeout=-1)
        got: list[str] = []

        def receive() -> None:
            turn = 0
            while len(got) < 300:
                turn += 1
                with contextlib.suppress(TimeoutError):
                    got.append(str(client.recv(timeout=turn % 5 * 1e-4)))

        thread = threading.Thread(target=receive)
        thread.start()
        for number in range(300):
            server.send(str(number))
        thread.join(WAIT)
        assert got == [str(number) for number in range(300)]


def test_fragments_and_streaming() -> None:
    with serving() as server, open_at(uri(server)) as client:
        client.send(["frag", "ments"])
        assert client.recv() == "fragments"
        client.send([])
        client.send(iter([b"a" * 100_000] * 5))
        assert b"".join(client.recv_streaming()) == b"a" * 500_000  # type: ignore[arg-type]
        client.send("ü€🚠" * 50_000)
        assert "".join(client.recv_streaming()) == "ü€🚠" * 50_000  # type: ignore[arg-type]
        client.send("whole")
        assert list(client.recv_streaming(decode=False)) == [b"whole"]
        with pytest.raises(TypeError):
            client.send({"a": 1})
        with pytest.raises(TypeError):
            client.send(7)  # type: ignore[arg-type]
        pieces = client.recv_streaming()
        client.send("x")
        assert next(pieces) == "x"
        client.send("y")
        assert client.recv() == "y"


def test_a_stream_is_taken_to_its_end_first() -> None:
    goes_on = threading.Event()

    def fragments() -> Iterator[bytes]:
        yield b"begun"
        assert goes_on.wait(WAIT)
        yield b", ended"

    with pair() as (client, server):
        sending = threading.Thread(target=server.send, args=(fragments(),))
        sending.start()
        try:
            pieces = client.recv_streaming()
            assert next(pieces) == b"begun"
            with pytest.raises(ropeway.ConcurrencyError):
                client.recv()
        finally:
            goes_on.set()
            sending.join(WAIT)
        assert b"".join(pieces) == b", ended"  # type: ignore[arg-type]


def test_a_bad_fragment_fails_the_connection() -> None:
    with pair() as (client, server):
        with pytest.raises(TypeError, match="one type"):
            client.send(["text", b"bytes"])
        with pytest.raises(ropeway.ConnectionClosedError) as caught:
            server.recv()
        assert caught.value.rcvd is not None and caught.value.rcvd.code == 1011


def test_streaming_is_bound_by_max_size_too() -> None:
    with pair(client={"max_size": 100_000}) as (client, server):
        sender = threading.Thread(target=server.send, args=([b"x" * 50_000] * 3,))
        stream = client.recv_streaming()
        sender.start()
        with pytest.raises(ropeway.ConnectionClosedError) as caught:
            for _ in stream:
                pass
        sender.join(WAIT)
        assert isinstance(caught.value.__cause__, ropeway.PayloadTooBig)
        assert caught.value.sent is not None and caught.value.sent.code == 1009


def test_several_threads_on_one_connection() -> None:
    with serving() as server, open_at(uri(server)) as client:
        got: list[str | bytes] = []
        total = 400

        def receive() -> None:
            while len(got) < total:
                got.append(client.recv(WAIT))

        def send(name: str) -> None:
            for number in range(total // 4):
                client.send(f"{name} {number}")

        threads = [threading.Thread(target=receive), *(threading.Thread(target=send, args=(str(n),)) for n in range(4))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(WAIT)
        assert sorted(map(str, got)) == sorted(f"{n} {number}" for n in range(4) for number in range(total // 4))


def test_a_second_recv_is_refused_and_close_ends_the_first() -> None:
    with pair() as (client, _):
        ended: list[BaseException] = []
        begun = threading.Event()

        def receive() -> None:
            begun.set()
            try:
                client.recv()
            except ropeway.ConnectionClosedOK as error:
                ended.append(error)

        thread = threading.Thread(target=receive)
        thread.start()
        begun.wait(WAIT)
        # The thread is in recv soon.
        while True:
            try:
                client.recv(timeout=0)
            except ropeway.ConcurrencyError:
                break
            except TimeoutError:
                pass
        client.close()
        thread.join(WAIT)
        assert len(ended) == 1


def test_pings_are_answered_whoever_waits() -> None:
    with pair() as (client, server):
        first, second = client.ping(b"1"), client.ping("2")
        assert not first.is_set() and first.latency is None
        with pytest.raises(ropeway.ConcurrencyError):
            client.ping(b"1")
        # Nobody waits on the server's side: the keeper answers.
        assert second.wait(WAIT) and first.is_set()
        assert first.latency is not None and 0 < client.latency < WAIT
        client.pong(b"unasked")
        server.close()
        with pytest.raises(ropeway.ConnectionClosedOK):
            client.ping()


def test_ack_on_close() -> None:
    with socket.create_server(("127.0.0.1", 0)) as raw:
        thread = threading.Thread(target=open_and_close, args=(raw,))
        thread.start()
        client = open_at(f"ws://127.0.0.1:{raw.getsockname()[1]}/")
        kept, ended = client.ping(), client.ping(ack_on_close=True)
        assert not kept.wait(WAIT)
        assert ended.wait(WAIT) and ended.latency is None
        client.close()
        thread.join(WAIT)


def upgraded(raw: socket.socket) -> socket.socket:
    """A connection to a server that is a bare socket, after the handshake."""
    connection, _ = raw.accept()
    head = b""
    while b"\r\n\r\n" not in head:
        head += connection.recv(4096)
    (key,) = [line[19:] for line in head.split(b"\r\n") if line.startswith(b"Sec-WebSocket-Key: ")]
    accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    connection.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )
    return connection


def open_and_close(raw: socket.socket) -> None:
    with upgraded(raw) as connection:
        connection.recv(4)


def test_keep_alive_runs_while_nobody_waits() -> None:
    with socket.create_server(("127.0.0.1", 0)) as raw:
        thread = threading.Thread(target=open_and_close, args=(raw,))
        thread.start()
        client = open_at(f"ws://127.0.0.1:{raw.getsockname()[1]}/", ping_interval=0.01)
        # The server hangs up at the first byte: the ping, which nobody here asks for.
        thread.join(WAIT)
        assert not thread.is_alive()
        with pytest.raises(ropeway.ConnectionClosedError):
            client.recv()


def test_keep_alive_runs_in_a_wait_without_end() -> None:
    with socket.create_server(("127.0.0.1", 0)) as raw:
        done = threading.Event()

        def silent() -> None:
            with upgraded(raw):
                done.wait(WAIT)

        thread = threading.Thread(target=silent)
        thread.start()
        client = open_at(f"ws://127.0.0.1:{raw.getsockname()[1]}/", ping_interval=1.1, ping_timeout=0.05)
        with pytest.raises(ropeway.ConnectionClosedError) as caught:
            client.recv()
        assert isinstance(caught.value.__cause__, TimeoutError)
        done.set()
        thread.join(WAIT)


def test_the_close_time_out_ends_a_close() -> None:
    with socket.create_server(("127.0.0.1", 0)) as raw:
        done = threading.Event()

        def upgrade() -> None:
            with upgraded(raw):
                done.wait(WAIT)

        thread = threading.Thread(target=upgrade)
        thread.start()
        client = open_at(f"ws://127.0.0.1:{raw.getsockname()[1]}/", close_timeout=0.05)

        def receive() -> None:
            with pytest.raises(ropeway.ConnectionClosed):
                client.recv()

        waiting = threading.Thread(target=receive)
        waiting.start()
        client.close()
        assert client.state is ropeway.State.CLOSED and client.close_code == 1006
        waiting.join(WAIT)
        assert not waiting.is_alive()
        done.set()
        thread.join(WAIT)


def test_a_slow_consumer_bounds_memory() -> None:
    with pair(client={"max_queue": 4, "max_size": None}) as (client, server):
        sent = 0
        stop = threading.Event()

        def send() -> None:
            nonlocal sent
            with contextlib.suppress(ropeway.ConnectionClosed):
                while not stop.is_set():
                    server.send(b"x" * 100_000)
                    sent += 1

        sender = threading.Thread(target=send)
        sender.start()
        before = -1
        while before != sent:
            before = sent
            time.sleep(0.6)
        assert client._queued_messages <= 4
        stop.set()
        for _ in range(sent):
            client.recv(WAIT)
        sender.join(WAIT)


def test_process_request_origins_and_plain_http(caplog: pytest.LogCaptureFixture) -> None:
    import urllib.error
    import urllib.request

    def decide(connection: ropeway.sync.ServerConnection, request: ropeway.Request) -> ropeway.Response | None:
        if request.path == "/fail":
            raise ZeroDivisionError
        return connection.respond(401, "who?\n") if request.path == "/secret" else None

    def change(_: Any, __: ropeway.Request, response: ropeway.Response) -> None:
        response.headers["X-Seen"] = "1"

    with serving(process_request=decide, process_response=change, origins=["http://good"]) as server:
        for path, origin, status in (("/secret", "http://good", 401), ("/", "http://bad", 403), ("/fail", None, 500)):
            with pytest.raises(ropeway.InvalidStatus) as caught:
                open_at(uri(server, path), origin=origin)
            assert caught.value.response.status_code == status
        with open_at(uri(server), origin="http://good") as client:
            assert client.response is not None and client.response.headers["X-Seen"] == "1"
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"http://127.0.0.1:{server.port}/")
        assert refused.value.code == 426
        refused.value.close()
    assert "opening handshake failed" in caplog.text


def test_a_failing_handler_closes_with_1011(caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: Any) -> None:
        raise ZeroDivisionError

    with serving(fail) as server, open_at(uri(server)) as client:
        with pytest.raises(ropeway.ConnectionClosedError) as caught:
            client.recv()
        assert caught.value.rcvd is not None and caught.value.rcvd.code == 1011
    assert "connection handler failed" in caplog.text


def test_shutdown_closes_the_connections() -> None:
    with serving() as server:
        client = open_at(uri(server))
        client.send("x")
        client.recv()
        server.shutdown(code=1012, reason="back soon")
        with pytest.raises(ropeway.ConnectionClosedError) as caught:
            client.recv()
        assert caught.value.rcvd == ropeway.Close(1012, "back soon")
        with pytest.raises(ConnectionRefusedError):
            open_at(uri_of(client))


def uri_of(client: ropeway.sync.ClientConnection) -> str:
    host, port = client.remote_address
    return f"ws://{host}:{port}/"


def test_errors_of_connecting() -> None:
    with pytest.raises(ropeway.InvalidURI):
        ropeway.sync.connect("http://x/")
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(TimeoutError):
        open_at(f"ws://127.0.0.1:{silent.getsockname()[1]}/", open_timeout=0.05)


def test_tls(tmp_path: pathlib.Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    identity = (certificate.cert_chain_pems[0].bytes(), certificate.private_key_pem.bytes())
    roots = ropeway.ClientTLS(roots=[authority.cert_pem.bytes()], system_roots=False)
    with serving(ssl=ropeway.ServerTLS([identity])) as server:
        address = f"wss://localhost:{server.port}/"
        with open_at(address, ssl=roots) as client:
            for message in MESSAGES:
                client.send(message)
                assert client.recv(WAIT) == message
            with pytest.raises(TimeoutError):
                client.recv(timeout=0)
            assert client.ping().wait(WAIT)
            assert client.tls is not None and client.tls.version == "TLSv1.3"
        assert client.close_code == 1000 and client.tls is None
        with pytest.raises(ropeway.CertificateError):
            open_at(address, ssl=ropeway.ClientTLS(system_roots=False, roots=[trustme.CA().cert_pem.bytes()]))
        with pytest.raises((ropeway.InvalidHandshake, OSError)):
            open_at(uri(server))


def test_basic_auth() -> None:
    with serving(process_request=ropeway.sync.basic_auth("realm", ("user", "secret"))) as server:
        with pytest.raises(ropeway.InvalidStatus) as caught:
            open_at(uri(server))
        assert caught.value.response.status_code == 401
        with open_at(f"ws://user:secret@127.0.0.1:{server.port}/"):
            pass


def test_unix_sockets(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "s"
    with ropeway.sync.unix_serve(threads_echo, path) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        with ropeway.sync.unix_connect(path) as client:
            client.send("local")
            assert client.recv() == "local"
        server.shutdown()
        thread.join(WAIT)
    assert not path.exists()


def test_iteration_connects_again() -> None:
    attempts = 0

    def sometimes(connection: ropeway.sync.ServerConnection, _: ropeway.Request) -> ropeway.Response | None:
        nonlocal attempts
        attempts += 1
        return connection.respond(503, "not now") if attempts == 2 else None

    def delays() -> Any:
        while True:
            yield 0.0

    with serving(process_request=sometimes) as server:
        opened = 0
        for client in ropeway.sync.reconnect(uri(server), reconnect_delays=delays):
            opened += 1
            client.send("x")
            assert client.recv() == "x"
            if opened == 2:
                break
        assert attempts == 3
        with ropeway.sync.reconnect(uri(server)) as client:
            assert client.state is ropeway.State.OPEN
        again = ropeway.sync.connect(uri(server), legacy=False)
        assert isinstance(again, ropeway.sync.reconnect)


def test_broadcast_skips_those_that_are_not_open() -> None:
    with serving() as server:
        clients = [open_at(uri(server)) for _ in range(3)]
        for client in clients:
            client.send("here")
            client.recv()
        clients[2].close()
        ropeway.sync.broadcast(server.connections, "news")
        assert [client.recv(WAIT) for client in clients[:2]] == ["news", "news"]
        clients[0]._begin_fragments()
        with pytest.raises(ExceptionGroup):
            ropeway.sync.broadcast(clients, b"x", raise_exceptions=True)
        with pytest.raises(TypeError):
            ropeway.sync.broadcast(clients, ["x"])  # type: ignore[arg-type]
        clients[0]._end_fragments()
        for client in clients:
            client.close()


def test_no_thread_and_no_descriptor_is_left() -> None:
    with serving() as server:

        def talk() -> None:
            with open_at(uri(server)) as client:
                client.send("x")
                client.recv()

        def settle(most: int) -> int:
            end = time.monotonic() + WAIT
            while server.connections or server._threads or len(os.listdir("/proc/self/fd")) > most:
                assert time.monotonic() < end
                time.sleep(0.01)
            return len(os.listdir("/proc/self/fd"))

        talk()
        before = settle(1 << 20)
        for _ in range(20):
            talk()
        dropped = open_at(uri(server))
        dropped.send("x")
        del dropped
        settle(before)
    end = time.monotonic() + WAIT
    while any(thread.name == "ropeway-keeper" for thread in threading.enumerate()):
        assert time.monotonic() < end
        time.sleep(0.01)
    assert keeper._thread is None


def test_a_forked_child_is_told() -> None:
    with serving() as server, open_at(uri(server)) as client:
        child = os.fork()
        if child == 0:
            code = 1
            with contextlib.suppress(BaseException):
                try:
                    client.send("from the child")
                except RuntimeError as error:
                    code = 0 if "fork" in str(error) else 2
            os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        client.send("the parent goes on")
        assert client.recv(WAIT) == "the parent goes on"


def test_with_websockets_on_the_other_end() -> None:
    with serving() as server:
        with websockets.sync.client.connect(uri(server)) as theirs:
            for message in MESSAGES:
                theirs.send(message)
                assert theirs.recv() == message
            assert theirs.ping().wait(WAIT)
    with websockets.sync.server.serve(threads_echo, "127.0.0.1", 0) as other:
        thread = threading.Thread(target=other.serve_forever)
        thread.start()
        with open_at(f"ws://127.0.0.1:{other.socket.getsockname()[1]}/") as client:
            for message in MESSAGES:
                client.send(message)
                assert client.recv() == message
            assert client.ping().wait(WAIT)
        other.shutdown()
        thread.join(WAIT)


def test_loggers_are_those_given() -> None:
    logger = logging.getLogger("mine")
    with serving(logger=logger) as server, open_at(uri(server), logger=logger) as client:
        assert client.logger is logger
