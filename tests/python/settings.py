"""How the programs under tests/conformance are set up."""

import sys

import ropeway

PARALLEL = 4
"""Cases that a client runs at once; some wait for seconds."""
NO_TAKEOVER = True if "--no-takeover" in sys.argv else None
SETTINGS = {
    "max_size": 64 << 20,
    "compression": ropeway.Compression(
        threshold=0,
        server_no_context_takeover=NO_TAKEOVER,
        client_no_context_takeover=NO_TAKEOVER,
    ),
    "ping_interval": None,
}
