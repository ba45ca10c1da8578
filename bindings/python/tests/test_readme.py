"""The programs of the documentation run, as they stand there."""

from __future__ import annotations

import pathlib
import re
from typing import Any

import pytest
import trustme

ROOT = pathlib.Path(__file__).parents[3]


def programs(page: str) -> list[str]:
    found: list[str] = re.findall(r"^```python\n(.*?)^```", (ROOT / page).read_text(), re.S | re.M)
    return found


@pytest.mark.parametrize("page", ["README.md", "bindings/python/README.md"])
def test_the_example_prints_its_message(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = programs(page)
    exec(example, {})
    assert capsys.readouterr().out == "hello\n"


def test_the_guide(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Each goes on where the one before it has ended, in a directory with certificates."""
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    certificate.cert_chain_pems[0].write_to_path(str(tmp_path / "certificate.pem"))
    certificate.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    monkeypatch.chdir(tmp_path)
    known: dict[str, Any] = {}
    for program in programs("docs/python.md"):
        exec(program, known)
    said = capsys.readouterr().out.splitlines()
    expected = ["hello", "1000", "hello from a thread", "1000000", "it has come", "back at once"]
    assert said == [*expected, "TLSv1.3 TLS13_AES_256_GCM_SHA384", "101 TEXT b'hello'"]
