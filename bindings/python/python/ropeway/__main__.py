"""`python -m ropeway URI`: an interactive client; `python -m ropeway serve --echo`: an echo server."""

from __future__ import annotations

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
