"""The README's example of Python runs."""

from __future__ import annotations

import pathlib
import re

import pytest


def test_the_example_prints_its_message(capsys: pytest.CaptureFixture[str]) -> None:
    readme = (pathlib.Path(__file__).parents[3] / "README.md").read_text()
    (example,) = re.findall(r"```python\n(.*?)```", readme, re.S)
    exec(example, {})
    assert capsys.readouterr().out == "hello\n"
