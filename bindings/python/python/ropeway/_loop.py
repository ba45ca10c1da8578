"""One engine for each event loop."""

from __future__ import annotations

import asyncio
import weakref

from ._ropeway import Engine

_engines: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Engine] = weakref.WeakKeyDictionary()


def engine() -> Engine:
    """The running loop's engine, made on first use.

    Raises:
        RuntimeError: the loop cannot watch descriptors (`add_reader`), as asyncio's proactor loop.
    """
    loop = asyncio.get_running_loop()
    if (known := _engines.get(loop)) is not None:
        return known
    made = Engine(loop)
    try:
        loop.add_reader(made.fileno(), made.drain)
    except NotImplementedError:
        raise RuntimeError(
            f"Ropeway needs an event loop with add_reader, which {type(loop).__name__} has not"
        ) from None
    _engines[loop] = made
    return made
