"""Every test that takes `run` runs on asyncio and on uvloop."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvloop

Run = Callable[[Coroutine[Any, Any, Any]], Any]
LIMIT = float(os.environ.get("ROPEWAY_TEST_LIMIT", "90"))
"""Seconds after which a test has hung."""


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a coroutine; what a loop's exception handler gets fails the test."""

    def runner(main: Coroutine[Any, Any, Any]) -> Any:
        unhandled: list[dict[str, Any]] = []

        async def limited() -> Any:
            asyncio.get_running_loop().set_exception_handler(lambda _, context: unhandled.append(context))
            async with asyncio.timeout(LIMIT):
                return await main

        factory = uvloop.new_event_loop if request.param == "uvloop" else asyncio.new_event_loop
        with asyncio.Runner(loop_factory=factory) as loop:
            result = loop.run(limited())
        assert not unhandled
        return result

    return runner
