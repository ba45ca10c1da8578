"""The opening handshake's request and response."""

from __future__ import annotations

import dataclasses
import marshal
from typing import Self

from .datastructures import Headers

__all__ = ["Request", "Response"]


class _Head:
    """What can be packed to be kept in a sixth of its memory."""

    headers: Headers

    def packed(self) -> Self | bytes:
        """All of it, for this process; itself, where something in it is of a type of the application's."""
        try:
            return marshal.dumps(self.__dict__ | {"headers": list(self.headers.raw_items())})
        except ValueError:
            return self

    @classmethod
    def unpacked(cls, packed: bytes) -> Self:
        """What was packed."""
        fields = marshal.loads(packed)
        return cls(**fields | {"headers": Headers(fields["headers"])})


@dataclasses.dataclass
class Request(_Head):
    """A request. `path` includes the query."""

    path: str
    headers: Headers
    method: str = "GET"


@dataclasses.dataclass
class Response(_Head):
    """A response."""

    status_code: int
    reason_phrase: str
    headers: Headers
    body: bytes = b""
