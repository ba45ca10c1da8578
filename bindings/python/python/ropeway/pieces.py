"""What `recv_streaming` does with each piece of a message."""

from __future__ import annotations

import codecs

from .exceptions import PayloadTooBig

__all__ = ["Pieces"]


class Pieces:
    """The pieces of one message, as `decode` wants them: None leaves text as str and the rest as bytes."""

    def __init__(self, decode: bool | None, max_size: int | None) -> None:
        self._decode, self._max_size = decode, max_size
        self._decoder: codecs.IncrementalDecoder | None = None
        self._size = 0

    def turned(self, piece: str | bytes, is_text: bool, last: bool) -> str | bytes:
        """A piece as it is yielded. A str is a message that was there already as a whole.

        Raises:
            PayloadTooBig: the message passes `max_size`.
        """
        if isinstance(piece, str):
            return piece.encode() if self._decode is False else piece
        self._size += len(piece)
        if self._max_size is not None and self._size > self._max_size:
            raise PayloadTooBig(self._size, self._max_size)
        if not (is_text if self._decode is None else self._decode):
            return piece
        if self._decoder is None:
            self._decoder = codecs.getincrementaldecoder("utf-8")()
        return self._decoder.decode(piece, last)
