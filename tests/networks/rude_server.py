"""A server that resets its one connection in the middle of something, and then waits for SIGTERM.

rude_server.py head|frame: in the answer to the handshake, or in a frame. Says "listening on PORT".
"""

import base64
import hashlib
import signal
import socket
import struct
import sys


def main() -> None:
    """Serves one connection."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    listener = socket.create_server(("0.0.0.0", 0))
    print(f"listening on {listener.getsockname()[1]}", flush=True)
    connection, _ = listener.accept()
    request = b""
    while not request.endswith(b"\r\n\r\n"):
        request += connection.recv(4096)
    key = next(line[19:] for line in request.decode().split("\r\n") if line.startswith("Sec-WebSocket-Key: "))
    accept = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()
    head = f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}"
    connection.sendall(head.encode())
    if sys.argv[1] == "frame":
        # A binary message of 1000 bytes, of which ten come. The client's frame says that it has read so far.
        connection.sendall(b"\r\n\r\n" + struct.pack("!BBH", 0x82, 126, 1000) + bytes(10))
        connection.recv(1)
    # With no time to linger, closing resets.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
    signal.pause()


main()
