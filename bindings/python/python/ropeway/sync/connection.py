"""What client and server connections of threads have in common."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any, Self

from .._ropeway import Pong, ThreadConnection
from ..exceptions import ConcurrencyError, ConnectionClosed, ConnectionClosedOK, PayloadTooBig, ProtocolError
from ..facts import Facts
from ..frames import CloseCode
from ..pieces import Pieces
from ..states import State
from .keeper import keeper

__all__ = ["Connection", "broadcast"]

Data = str | bytes | bytearray | memoryview


class Connection(ThreadConnection, Facts):
    """A WebSocket connection for threads: one may be in `recv` while others send and close.

    There is no thread behind it: whoever waits for something reads the socket meanwhile. While nobody waits, one thread
    for all connections of the process looks every quarter of a second whether there are pings to answer or to send.
    """

    def __init__(self, *_arguments: Any) -> None:
        """The arguments are the native class's."""

    # Receiving

    def __iter__(self) -> Iterator[str | bytes]:
        try:
            while True:
                yield self.recv()
        except ConnectionClosedOK:
            return

    def recv_streaming(self, decode: bool | None = None) -> Iterator[str | bytes]:
        """The next message in pieces, as they come, in constant memory.

        Where a piece ends says nothing: it may be in the middle of a fragment. The iterator must be consumed to its
        end; until then `recv` raises ConcurrencyError. A message longer than `max_size` closes the connection with
        1009.
        """
        self._stream()
        pieces, last = Pieces(decode, self._max_size), False
        while not last:
            piece, is_text, last = self._piece()
            try:
                turned = pieces.turned(piece, is_text, last)
            except PayloadTooBig as error:
                self._close(CloseCode.MESSAGE_TOO_BIG, str(error))
                self.wait_closed()
                raise self._closed_error() from error
            yield turned

    # Sending

    def _send_fragments(self, message: Any, text: bool | None) -> None:
        if isinstance(message, Mapping):
            raise TypeError("a message is no dict-like object")
        if not isinstance(message, Iterable):
            raise TypeError("a message is str, bytes-like, or iterable")
        fragments = iter(message)
        try:
            first = next(fragments)
        except StopIteration:
            return
        if not isinstance(first, (str, bytes, bytearray, memoryview)):
            raise TypeError("a fragment is str or bytes-like")
        kind: Any = (str,) if isinstance(first, str) else (bytes, bytearray, memoryview)
        is_text = isinstance(first, str) if text is None else text
        self._begin_fragments()
        try:
            self._fragment(first, is_text, False)
            for fragment in fragments:
                if not isinstance(fragment, kind):
                    raise TypeError("all fragments of a message are of one type")
                self._fragment(fragment, is_text, False)
            self._fragment("" if is_text else b"", is_text, True)
        except ConnectionClosed:
            raise
        except BaseException:
            # Half a message is out and cannot be taken back.
            if self.state is State.OPEN:
                self._close(CloseCode.INTERNAL_ERROR, "error in fragmented message")
            raise
        finally:
            self._end_fragments()

    def ping(self, data: Data | None = None, *, ack_on_close: bool = False) -> Pong:
        """Sends a ping; what is returned is set when the pong comes, or, with `ack_on_close`, when the connection ends.

        Raises:
            ConnectionClosed: the connection has ended.
            ConcurrencyError: a ping with the same data is under way.
        """
        if data is None:
            data = random.getrandbits(32).to_bytes(4, "big")
        return self._ping(data.encode() if isinstance(data, str) else bytes(data), ack_on_close)

    def pong(self, data: Data = b"") -> None:
        """Sends a pong that nobody asked for. Pings are answered without it."""
        self._pong(data.encode() if isinstance(data, str) else bytes(data))

    # Closing

    def close(self, code: CloseCode | int = CloseCode.NORMAL_CLOSURE, reason: str = "") -> None:
        """Closes the connection, and waits until it is closed, for `close_timeout` at most. Again it does nothing."""
        if code == CloseCode.NO_STATUS_RCVD:
            raise ProtocolError("the close code 1005 must not be sent")
        self._close(int(code), reason)
        self.wait_closed()
        keeper.leave(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close(CloseCode.NORMAL_CLOSURE if kind is None else CloseCode.INTERNAL_ERROR)


def broadcast(
    connections: Iterable[Connection], message: Data, *, raise_exceptions: bool = False, text: bool | None = None
) -> None:
    """Sends a message to connections without waiting for any; those that are not open are left out.

    What a connection does not take is logged on it; with `raise_exceptions` all such are raised together as an
    ExceptionGroup.
    """
    if not isinstance(message, (str, bytes, bytearray, memoryview)):
        raise TypeError("data must be str or bytes")
    failed: list[Exception] = []
    for connection in connections:
        why = connection._post(message, text)
        if why is not None and raise_exceptions:
            failed.append(ConcurrencyError(why) if "fragmented" in why else RuntimeError(why))
        elif why is not None:
            connection.logger.warning("skipped broadcast: %s", why)
    if failed:
        raise ExceptionGroup("skipped broadcast", failed)
