"""Every public name of `websockets` is here, or stands in a list of differences with its reason."""

from __future__ import annotations

import ast
import inspect
import textwrap
from typing import Any

import pytest
import ropeway
import ropeway.asyncio.client
import ropeway.asyncio.server
import ropeway.exceptions
import ropeway.facts
import ropeway.sync.client
import ropeway.sync.server
import websockets
import websockets.asyncio.client
import websockets.asyncio.server
import websockets.exceptions
import websockets.sync.client
import websockets.sync.server

DIFFERENCES = {
    "the state machine, the reads and the writes are the core's": {
        "acknowledge_pings", "close_deadline", "close_exc", "connection_exc", "connection_lost", "connection_made",
        "connection_lost_waiter", "data_received", "drain", "drain_waiters", "eof_received", "handshake", "keepalive",
        "keepalive_task", "keepalive_thread", "pause_writing", "paused", "pending_pings", "process_event", "protocol",
        "protocol_mutex", "recv_bufsize", "recv_events", "recv_events_thread", "recv_flow_control", "recv_messages",
        "request_rcvd", "response_rcvd", "resume_writing", "send_context", "send_data", "send_in_progress",
        "set_connection_exc", "start_keepalive", "terminate_pending_pings", "shutdown_notifier", "shutdown_watcher",
    },
    "there is no transport: the engine has the socket": {"transport", "loop", "socket", "close_socket"},
    "settings are given once, to connect and serve, and are the core's then": {
        "close_timeout", "max_queue_high", "max_queue_low", "ping_interval", "ping_timeout", "write_limit_high",
        "write_limit_low", "debug",
    },
    "how servers and connect work inside": {
        "all_connections", "close_task", "create_server", "handler_tasks", "handlers_waiter", "server", "lock",
        "handler_threads", "socket_closed", "SHUTDOWN_POLLING_INTERVAL", "additional_headers", "factory",
        "create_connection_kwargs", "open_tcp_connection", "open_timeout", "process_redirect", "proxy", "ws_uri",
        "user_agent_header",
    },
    "the router's own business": {"handler", "handler_kwargs"},
    "a warning of a change to come in websockets, which is not to come here": {
        "maybe_raise_legacy_warning", "pending_legacy_warning",
    },
}  # fmt: skip
NOT_HERE = {
    "Side": "a ClientProtocol or a ServerProtocol says by its class which it is",
    "ExtensionName": "there is one extension, compression, with settings of its own",
    "ExtensionParameter": "there is one extension, compression, with settings of its own",
}


def members(cls: type) -> set[str]:
    """The public names of a class and of what its methods set on `self`."""
    names = {name for name in dir(cls) if not name.startswith("_")}
    for base in cls.__mro__:
        names |= {name for name in vars(base).get("__annotations__", {}) if not name.startswith("_")}
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(base)))
        except (OSError, TypeError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                if isinstance(node.value, ast.Name) and node.value.id == "self" and not node.attr.startswith("_"):
                    names.add(node.attr)
    return names


CLASSES: list[tuple[Any, type]] = [
    (websockets.asyncio.client.ClientConnection, ropeway.asyncio.client.ClientConnection),
    (websockets.asyncio.client.connect, ropeway.asyncio.client.connect),
    (websockets.asyncio.server.Server, ropeway.asyncio.server.Server),
    (websockets.asyncio.server.ServerConnection, ropeway.asyncio.server.ServerConnection),
    (websockets.sync.client.ClientConnection, ropeway.sync.client.ClientConnection),
    (websockets.sync.server.Server, ropeway.sync.server.Server),
    (websockets.sync.server.ServerConnection, ropeway.sync.server.ServerConnection),
]


@pytest.mark.parametrize(("theirs", "ours"), CLASSES)
def test_members(theirs: type, ours: type) -> None:
    known = set().union(*DIFFERENCES.values())
    assert members(theirs) - members(ours) - known == set()


def test_no_difference_is_listed_that_is_none() -> None:
    theirs = set().union(*(members(cls) for cls, _ in CLASSES))
    assert set().union(*DIFFERENCES.values()) <= theirs


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (websockets.asyncio.client.connect, ropeway.connect),
        (websockets.asyncio.client.unix_connect, ropeway.unix_connect),
        (websockets.asyncio.server.serve, ropeway.serve),
        (websockets.asyncio.server.unix_serve, ropeway.unix_serve),
        (websockets.asyncio.server.broadcast, ropeway.broadcast),
        (websockets.asyncio.server.basic_auth, ropeway.basic_auth),
        (websockets.sync.client.reconnect, ropeway.sync.reconnect),
        (websockets.sync.client.unix_connect, ropeway.sync.unix_connect),
        (websockets.sync.server.serve, ropeway.sync.serve),
        (websockets.sync.server.unix_serve, ropeway.sync.unix_serve),
    ],
)
def test_arguments(theirs: Any, ours: Any) -> None:
    def of(function: Any) -> dict[str, inspect.Parameter]:
        return dict(inspect.signature(function).parameters)

    known = of(ours)
    # Either takes further arguments, whose names are its own affair.
    assert {name for name in of(theirs) if name != "kwargs"} - set(known) == set()
    for name, parameter in of(theirs).items():
        if name in known and parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD:
            assert known[name].kind is parameter.kind, name


@pytest.mark.parametrize(("theirs", "ours"), [(cls, own) for cls, own in CLASSES if "Connection" in cls.__name__])
def test_arguments_of_methods(theirs: Any, ours: Any) -> None:
    for name in ("recv", "recv_streaming", "send", "ping", "pong", "close", "wait_closed", "respond"):
        if hasattr(theirs, name):
            wanted = set(inspect.signature(getattr(theirs, name)).parameters)
            assert wanted <= set(inspect.signature(getattr(ours, name)).parameters), name


def test_the_package_has_the_names() -> None:
    missing = {name for name in websockets.__all__ if not hasattr(ropeway, name)}
    assert missing == set(NOT_HERE)
    for ours, theirs in ((ropeway.sync.client, websockets.sync.client), (ropeway.sync.server, websockets.sync.server)):
        assert {name for name in theirs.__all__ if not hasattr(ropeway.sync, name) and not hasattr(ours, name)} == set()


def test_exceptions_have_the_same_names_and_bases() -> None:
    for name in websockets.exceptions.__all__:
        theirs, ours = getattr(websockets.exceptions, name), getattr(ropeway.exceptions, name)
        bases = {base.__name__ for base in theirs.__mro__}
        assert bases <= {base.__name__ for base in ours.__mro__}, name


def test_too_many_fragments_have_their_exception() -> None:
    from ropeway.facts import cause

    class Ended:
        kind, message, details = "fragments", "message of 65,537 fragments", None
        received = sent = None

    error = cause(Ended())  # type: ignore[arg-type]
    assert isinstance(error, ropeway.TooManyFragments) and "65,537" in str(error)


@pytest.mark.parametrize("name", ["transport", "socket", "protocol"])
def test_what_is_not_there_says_what_is(name: str) -> None:
    connection = type("Connection", (ropeway.facts.Facts,), {})()
    assert not hasattr(connection, name)
    with pytest.raises(AttributeError, match=f"Connection has no {name}: .*engine"):
        getattr(connection, name)
