"""Close frames (RFC 6455 section 5.5.1) and their codes (section 7.4)."""

from __future__ import annotations

import dataclasses
import enum

__all__ = ["Close", "CloseCode", "Frame", "Opcode"]


class CloseCode(enum.IntEnum):
    """The close codes that have names."""

    NORMAL_CLOSURE = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    UNSUPPORTED_DATA = 1003
    NO_STATUS_RCVD = 1005
    ABNORMAL_CLOSURE = 1006
    INVALID_DATA = 1007
    POLICY_VIOLATION = 1008
    MESSAGE_TOO_BIG = 1009
    MANDATORY_EXTENSION = 1010
    INTERNAL_ERROR = 1011
    SERVICE_RESTART = 1012
    TRY_AGAIN_LATER = 1013
    BAD_GATEWAY = 1014
    TLS_HANDSHAKE = 1015


@dataclasses.dataclass
class Close:
    """A Close frame's content."""

    code: CloseCode | int
    reason: str

    def __str__(self) -> str:
        try:
            name = CloseCode(self.code).name.lower().replace("_", " ")
        except ValueError:
            name = (
                "private use" if 4000 <= self.code < 5000 else "registered" if 3000 <= self.code < 4000 else "unknown"
            )
        return f"{int(self.code)} ({name})" + (f" {self.reason}" if self.reason else "")


class Opcode(enum.IntEnum):
    """What a frame is (section 5.2)."""

    CONT, TEXT, BINARY = 0x00, 0x01, 0x02
    CLOSE, PING, PONG = 0x08, 0x09, 0x0A


@dataclasses.dataclass
class Frame:
    """A frame as the sans-I/O protocol tells it; a message that came in fragments is one frame, put together."""

    opcode: Opcode
    data: bytes
    fin: bool = True
