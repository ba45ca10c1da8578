"""Codecs without a socket: parsing frames (unmasking, UTF-8) as server and as client, and encoding."""

import dataclasses
import random
import subprocess

from harness.load import bytes_name
from harness.machine import BUILD, LOAD_CORE, ROOT, pinned
from harness.subject import FLOOR, OURS, PEER, Failed, Subject
from harness.suite import LESS, Column, Suite
from suites.servers import RUST

RING = 256 << 10
"""Bytes of frames that a codec is given again and again."""
READ = 64 << 10
"""What it gets of them in one read, as of a socket."""
IN_PLACE = "ropeway in place"


@dataclasses.dataclass(frozen=True)
class Operation:
    """What is done to messages of one size and kind, and whose part is played."""

    does: str
    size: int
    kind: str = "binary"

    @property
    def name(self) -> str:
        """E.g. parse-server-1KiB-mixed."""
        return f"{self.does}-{bytes_name(self.size)}{'' if self.kind == 'binary' else f'-{self.kind}'}"


SIZES = (20, 125, 1 << 10, 16 << 10, 1 << 20)
ROWS = [Operation(f"{verb}-{side}", size) for verb in ("parse", "encode") for side in ("server", "client") for size in SIZES]
ROWS += [Operation("parse-server", size, "mixed") for size in (125, 1 << 10, 16 << 10)]


def payload_of(random_: random.Random, size: int, kind: str) -> bytes:
    """Random bytes, or characters of one to four bytes."""
    if kind == "binary":
        return random_.randbytes(size)
    text = b""
    while len(text) < size:
        character = random_.choice("aé中🚡").encode()
        text += character if len(character) <= size - len(text) else b"a"
    return text


def frame_of(random_: random.Random, operation: Operation, key: bytes | None) -> bytes:
    """One frame (RFC 6455 section 5.2), masked where there is a key."""
    payload = payload_of(random_, operation.size, operation.kind)
    size = len(payload)
    length = bytes([size]) if size < 126 else b"\x7e" + size.to_bytes(2) if size < 65536 else b"\x7f" + size.to_bytes(8)
    head = bytes([0x82 if operation.kind == "binary" else 0x81])
    if key is None:
        return head + length + payload
    long_key = (key * (size // 4 + 1))[:size]
    masked = (int.from_bytes(payload) ^ int.from_bytes(long_key)).to_bytes(size)
    return head + bytes([length[0] | 0x80]) + length[1:] + key + masked


def frames_file(operation: Operation, in_place: bool) -> str:
    """The frames that the other side would send, end to end; in place their keys are 0, and a read has all of them."""
    name = BUILD / f"frames-{operation.name}{'-in-place' if in_place else ''}"
    if not name.exists():
        random_ = random.Random(1)
        count = max(1, (READ if in_place else RING) // (operation.size + 14))
        keys = (bytes(4) if in_place else random_.randbytes(4) for _ in range(count))
        masked = operation.does == "parse-server"
        BUILD.mkdir(parents=True, exist_ok=True)
        name.write_bytes(b"".join(frame_of(random_, operation, key if masked else None) for key in keys))
    return str(name)


def work(codec: Subject, operation: Operation, seconds: float) -> dict[str, float]:
    """One window, a fifth as long as those of servers; nothing where a codec cannot do that."""
    if codec.name == IN_PLACE and operation.does.startswith("encode"):
        return {}
    frames = frames_file(operation, codec.name == IN_PLACE)
    command = pinned(LOAD_CORE, *codec.command, operation.does, operation.kind, operation.size, seconds / 5, frames)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if "has no such codec" in done.stderr:
        return {}
    if done.returncode != 0:
        raise Failed(done.stderr.strip() or f"ended with status {done.returncode}")
    nanoseconds = float(done.stdout)
    return {"nanoseconds": nanoseconds, "bytes_per_second": operation.size / nanoseconds * 1e9}


def rust(name: str, crate: str, about: str, role: str, word: str = "codec") -> Subject:
    """A program of bench/peers/rust."""
    package = "" if role != PEER else f"cargo:{crate}"
    return Subject(name, (f"build/peers/release/peer-{crate}", word), about, role, (f"bench-rust-{crate}",), package)


CODECS = [
    rust("memcpy", "memcpy", "a copy of the frame", FLOOR),
    rust("ropeway", "ropeway", "Protocol over Input and Output", OURS),
    rust(IN_PLACE, "ropeway", "the same bytes parsed where they are, not copied before", OURS, "in-place"),
    *(rust(name, name, "its connection over memory", PEER) for name in RUST),
    Subject("wslay", ("build/bin/peer_wslay.c", "codec"), "its event API", PEER, ("build/bin/peer_wslay.c",), "debian:libwslay-dev"),
]
ABOUT = (
    "Nanoseconds of processor time for a message. All get their frames by copies of 64 KiB, as from a socket, and what they send "
    f'is copied too; "{IN_PLACE}" parses the same bytes again. The floor is one memcpy of the frame, or of the payload to encode'
)
COLUMNS = (Column("nanoseconds", "ns per message"), Column("bytes_per_second", "GB of payload per second", 1e9))

SUITES = {"codec": Suite(CODECS, ROWS, work, COLUMNS, ABOUT, LESS)}
