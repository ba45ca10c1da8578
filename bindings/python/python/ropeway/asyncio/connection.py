"""What client and server connections have in common."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from .._ropeway import Closed, _broadcast
from .._ropeway import Connection as NativeConnection
from ..exceptions import ConnectionClosed, PayloadTooBig, ProtocolError
from ..facts import Facts, response_of
from ..frames import CloseCode
from ..pieces import Pieces
from ..states import State

__all__ = ["Connection", "broadcast"]

Data = str | bytes | bytearray | memoryview


class Connection(NativeConnection, Facts):
    """A WebSocket connection.

    `recv`, `send`, `async for`, `subscribe` and `on_message` are native; here stands what is not on the data path.
    """

    _ended: Closed | None = None
    _closed_waiters: Sequence[asyncio.Future[None]] = ()

    def __init__(self, *_arguments: Any) -> None:
        """What is always the same, or rare, is the class's: an idle connection is small."""

    # Receiving

    async def recv_streaming(self, decode: bool | None = None) -> AsyncIterator[str | bytes]:
        """The next message in pieces, as they come, in constant memory.

        Where a piece ends says nothing: it may be in the middle of a fragment. The iterator must be consumed to its
        end; until then `recv` raises ConcurrencyError. A message longer than `max_size` closes the connection with
        1009.
        """
        self._stream()
        pieces, last = Pieces(decode, self._max_size), False
        while not last:
            piece, is_text, last = await self._piece()
            try:
                turned = pieces.turned(piece, is_text, last)
            except PayloadTooBig as error:
                self._close(CloseCode.MESSAGE_TOO_BIG, str(error))
                await self.wait_closed()
                raise self._closed_error() from error
            yield turned

    # Sending

    async def _send_fragments(self, message: Any, text: bool | None) -> None:
        if isinstance(message, Mapping):
            raise TypeError("a message is no dict-like object")
        if isinstance(message, AsyncIterable):
            fragments: Any = message.__aiter__()
        elif isinstance(message, Iterable):
            fragments = _each(message)
        else:
            raise TypeError("a message is str, bytes-like, iterable or async iterable")
        first: Data
        try:
            first = await anext(fragments)
        except StopAsyncIteration:
            return
        while self._fragmenting:
            await self._after_fragments()
        is_text = isinstance(first, str) if text is None else text
        kind: Any = (str,) if isinstance(first, str) else (bytes, bytearray, memoryview)
        if not isinstance(first, (str, bytes, bytearray, memoryview)):
            raise TypeError("a fragment is str or bytes-like")
        self._fragmenting = True
        try:
            if (wait := self._fragment(first, is_text, False)) is not None:
                await wait
            async for fragment in fragments:
                if not isinstance(fragment, kind):
                    raise TypeError("all fragments of a message are of one type")
                if (wait := self._fragment(fragment, is_text, False)) is not None:
                    await wait
            self._fragmenting = False
            if (wait := self._fragment("" if is_text else b"", is_text, True)) is not None:
                await wait
        except ConnectionClosed:
            raise
        except BaseException:
            # Half a message is out and cannot be taken back.
            if self._fragmenting and self.state is State.OPEN:
                self._close(CloseCode.INTERNAL_ERROR, "error in fragmented message")
            raise
        finally:
            self._fragmenting = False

    _fragmenting = False

    async def ping(self, data: Data | None = None) -> asyncio.Future[float]:
        """Sends a ping. The future returned is done when the pong comes, with the round trip in seconds.

        Raises:
            ConnectionClosed: the connection has ended.
            ConcurrencyError: a ping with the same data is under way.
        """
        if data is None:
            data = random.getrandbits(32).to_bytes(4, "big")
        return self._ping(data.encode() if isinstance(data, str) else bytes(data))

    async def pong(self, data: Data = b"") -> None:
        """Sends a pong that nobody asked for. Pings are answered without it."""
        self._pong(data.encode() if isinstance(data, str) else bytes(data))

    # Closing

    async def close(self, code: CloseCode | int = CloseCode.NORMAL_CLOSURE, reason: str = "") -> None:
        """Closes the connection, and waits until it is closed, for `close_timeout` at most. Again it does nothing."""
        if self.state is State.CLOSED:
            return
        if code == CloseCode.NO_STATUS_RCVD:
            raise ProtocolError("the close code 1005 must not be sent")
        self._close(int(code), reason)
        await self.wait_closed()

    async def wait_closed(self) -> None:
        """Waits until the connection is closed."""
        if self.state is State.CLOSED:
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._closed_waiters = (*self._closed_waiters, waiter)
        await waiter

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close(CloseCode.NORMAL_CLOSURE if kind is None else CloseCode.INTERNAL_ERROR)

    # What the engine tells

    def _on_opened(self, subprotocol: str | None, response: tuple[Any, ...] | None) -> None:
        if subprotocol is not None:
            self.subprotocol = subprotocol
        if response is not None:
            self.response = response_of(response)
        self._tell_opened()
        # After the task that has been told: what it does first, such as setting on_message, comes before any message.
        asyncio.get_running_loop().call_soon(self._begin)

    def _tell_opened(self) -> None:
        """The connection is open: who waits for that is woken."""

    def _ending(self) -> Closed | None:
        return self._ended

    def _on_closed(self, closed: Closed) -> None:
        self._ended = closed
        waiters, self._closed_waiters = self._closed_waiters, ()
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def _listener_failed(self, error: BaseException) -> None:
        if not isinstance(error, Exception):
            raise error
        self.logger.error("on_message failed", exc_info=error)
        if self.state is State.OPEN:
            self._close(CloseCode.INTERNAL_ERROR, "")


async def _each(fragments: Iterable[Data]) -> Any:
    for fragment in fragments:
        yield fragment


def broadcast(
    connections: Iterable[Connection], message: Data, *, text: bool | None = None, raise_exceptions: bool = False
) -> None:
    """Sends a message to connections without waiting for any; those that are not open are left out.

    What a connection does not take, its send queue being full, is logged on it; with `raise_exceptions` all such are
    raised together as an ExceptionGroup.
    """
    if not isinstance(message, (str, bytes, bytearray, memoryview)):
        raise TypeError("data must be str or bytes")
    failed = _broadcast(list(connections), message, text)
    if failed and raise_exceptions:
        raise ExceptionGroup("skipped broadcast", [RuntimeError(why) for _, why in failed])
    for connection, why in failed:
        assert isinstance(connection, Connection)
        connection.logger.warning("skipped broadcast: %s", why)
