"""`python -m ropeway`."""

from __future__ import annotations

import re
import signal
import subprocess
import sys


def test_the_echo_server_and_the_client() -> None:
    server = subprocess.Popen(
        [sys.executable, "-m", "ropeway", "serve", "--echo", "--port", "0"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        line = server.stdout.readline()
        found = re.fullmatch(r"listening on (ws://127\.0\.0\.1:\d+/)\n", line)
        assert found is not None, line
        client = subprocess.run(
            [sys.executable, "-m", "ropeway", found[1]], input="hello\n", capture_output=True, text=True, timeout=30
        )
        assert client.returncode == 0, client.stderr
        assert client.stdout.startswith(f"connected to {found[1]}\n")
        assert "connection closed: 1000" in client.stdout
        server.send_signal(signal.SIGTERM)
        assert server.wait(30) == 0
    finally:
        server.kill()
        server.wait()
        if server.stdout is not None:
            server.stdout.close()


def test_a_client_without_a_server_says_why() -> None:
    client = subprocess.run(
        [sys.executable, "-m", "ropeway", "ws://127.0.0.1:1/"], capture_output=True, text=True, timeout=30
    )
    assert client.returncode == 1 and "Connection refused" in client.stderr
