"""What a process does to its connections: forks, and loops that cannot watch descriptors."""

from __future__ import annotations

import asyncio
import contextlib
import os

import pytest
import ropeway
from common import pair, uri, wait_closed
from conftest import Run


def in_child(work: object) -> int:
    """The exit code of a child that calls `work`: 0 when it raised RuntimeError naming the fork."""
    child = os.fork()
    if child == 0:
        code = 1
        with contextlib.suppress(BaseException):
            try:
                work()  # type: ignore[operator]
            except RuntimeError as error:
                code = 0 if "fork" in str(error) else 2
        os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_parent_goes_on_after_a_fork_and_the_child_is_told(run: Run) -> None:
    async def main() -> None:
        async with pair() as (client, server):
            assert in_child(lambda: client.send_nowait("from the child")) == 0
            assert in_child(lambda: client._ping(b"")) == 0
            assert in_child(lambda: client.subscribe("topic")) == 0
            await client.send("from the parent")
            assert await server.recv() == "from the parent"

    run(main())


def test_a_loop_without_add_reader_is_refused() -> None:
    class Proactor(asyncio.SelectorEventLoop):
        def add_reader(self, *_: object) -> None:
            raise NotImplementedError

    async def main() -> None:
        with pytest.raises(RuntimeError, match="add_reader, which Proactor has not"):
            await ropeway.connect("ws://127.0.0.1:1/")

    with asyncio.Runner(loop_factory=Proactor) as runner:
        runner.run(main())


def test_a_second_loop_has_an_engine_of_its_own(run: Run) -> None:
    async def main() -> None:
        async with ropeway.serve(wait_closed, "127.0.0.1", 0) as server, ropeway.connect(uri(server)) as client:
            assert client._engine is server._engine
            engines.append(id(server._engine))

    engines: list[int] = []
    run(main())
    run(main())
    assert len(engines) == 2
