"""libcurl as a peer, by its WebSocket calls in the curl_cffi package's build; a client only: curl is no server."""

import argparse
import random
import select
import struct

from curl_cffi import Curl, CurlError, CurlInfo, CurlOpt, CurlWsFlag
from curl_cffi.const import CurlECode

PATIENCE = 20


class Client:
    """A connection by curl's CONNECT_ONLY, whose socket is waited on here."""

    def __init__(self, url: str, ca: str | None):
        self.curl = Curl()
        self.curl.setopt(CurlOpt.URL, url)
        self.curl.setopt(CurlOpt.CONNECT_ONLY, 2)
        if ca:
            self.curl.setopt(CurlOpt.CAINFO, ca)
        self.curl.perform()
        self.descriptor = self.curl.getinfo(CurlInfo.ACTIVESOCKET)

    def wait(self, reads: bool) -> None:
        """Until the socket is ready."""
        ready = select.select([self.descriptor] if reads else [], [] if reads else [self.descriptor], [], PATIENCE)
        assert any(ready), "nothing came"

    def send(self, payload: bytes, flags: CurlWsFlag) -> None:
        """A frame, whole."""
        while True:
            try:
                sent = self.curl.ws_send(payload, flags)
            except CurlError as error:
                if error.code != CurlECode.AGAIN:
                    raise
                self.wait(reads=False)
                continue
            payload = payload[sent:]
            if not payload:
                return

    def receive(self) -> tuple[bytes, CurlWsFlag]:
        """A message or control frame, whole."""
        whole = b""
        while True:
            try:
                piece, frame = self.curl.ws_recv()
            except CurlError as error:
                if error.code != CurlECode.AGAIN:
                    raise
                self.wait(reads=True)
                continue
            whole += piece
            if frame.bytesleft == 0 and not frame.flags & CurlWsFlag.CONT:
                return whole, CurlWsFlag(frame.flags)

    def close(self, code: int) -> None:
        """Closes, and holds the answer's code against that."""
        self.send(struct.pack("!H", code) + b"bye", CurlWsFlag.CLOSE)
        payload, flags = self.receive()
        assert flags & CurlWsFlag.CLOSE and payload[:2] == struct.pack("!H", code), (payload, flags)
        self.curl.close()


def tour(url: str, ca: str | None) -> None:
    """Everything that an echo server has to send back."""
    client = Client(url, ca)
    noise = random.Random(1).randbytes(1 << 20)
    line = "café, € and 🚡: the same again, the same again".encode()
    for payload, flag in [
        (line, CurlWsFlag.TEXT),
        (b"", CurlWsFlag.TEXT),
        (b"ab" * (1 << 19), CurlWsFlag.TEXT),
        *((noise[:size], CurlWsFlag.BINARY) for size in (0, 1, 125, 126, 127, 65535, 65536, 1 << 20)),
    ]:
        client.send(payload, flag)
        back, flags = client.receive()
        assert back == payload and flags & flag, f"{len(payload)} bytes came back as {len(back)}, {flags}"
    for place, part in enumerate([b"a message ", b"in three ", b"fragments"]):
        client.send(part, CurlWsFlag.TEXT | (CurlWsFlag.CONT if place < 2 else 0))
        if place == 0:
            client.send(b"between", CurlWsFlag.PING)
    assert client.receive() == (b"between", CurlWsFlag.PONG)
    assert client.receive()[0] == b"a message in three fragments"
    client.close(1000)
    Client(url, ca).close(4001)


def main() -> None:
    """Plays the part that the command line names."""
    parser = argparse.ArgumentParser()
    parser.add_argument("part", choices=["tour"])
    parser.add_argument("url")
    parser.add_argument("--ca")
    parser.add_argument("--deflate", choices=["off"])
    words = parser.parse_args()
    tour(words.url, words.ca)


main()
