"""The harness (bench/harness) on figures made up: medians, spreads, ratios, what is left out, and a chart that is always the same."""

import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))

from harness import plot, report, subject, suite, versions  # noqa: E402
from harness.load import Row  # noqa: E402
from suites import SUITES  # noqa: E402

FLOOR, OURS, SLOW, FAST, NONE, BROKEN = (
    subject.Subject(name, (), name, role)
    for name, role in (
        ("floor", subject.FLOOR),
        ("ropeway", subject.OURS),
        ("slow", subject.PEER),
        ("fast", subject.PEER),
        ("cannot", subject.PEER),
        ("broken", subject.PEER),
    )
)
ROUNDS = {"floor": [10, 12, 11], "ropeway": [9, 12, 10], "slow": [2, 2, 2], "fast": [8, 8, 9]}


def measured() -> tuple[suite.Suite, suite.Results]:
    """A suite that measures nothing."""
    left = {name: list(values) for name, values in ROUNDS.items()}

    def measure(what: subject.Subject, _row: Row, _seconds: float) -> dict[str, float]:
        if what is BROKEN:
            raise subject.Failed("it fell over")
        return {"value": left[what.name].pop(0)} if what.name in left else {}

    columns = (suite.Column("value", "values"),)
    made_up = suite.Suite([FLOOR, OURS, SLOW, FAST, NONE, BROKEN], [Row(20, 1)], measure, columns, "Made up")
    return made_up, suite.run(made_up, made_up.subjects, made_up.rows, 3, 0, lambda row, figures: None)


def check_figures() -> None:
    """Medians and ratios; what a subject cannot do is a dash."""
    made_up, results = measured()
    figures = {figure.subject.name: figure for figure in results["20Bx1"]}
    assert figures["ropeway"].value == 10 and sorted(figures["ropeway"].rounds) == [9, 10, 12]
    assert figures["ropeway"].to_floor == 10 / 11 and figures["ropeway"].to_peer == 10 / 8
    assert figures["floor"].to_floor is None and figures["cannot"].value is None
    lines = report.judgement(made_up, results)
    assert lines[-1] == "| 20Bx1 | 11.0 | 8.00 fast | 10.0 (9.00–12.0) | **0.91** | **1.25** |", lines
    assert any("| 20Bx1 | cannot | – |" in line for line in report.everything(made_up, results))
    assert report.settings(results)[-1] == "- broken failed on 20Bx1: it fell over"


def check_chart() -> None:
    """The same figures give the same bytes."""
    made_up, results = measured()
    with tempfile.TemporaryDirectory() as folder:
        charts = [pathlib.Path(folder) / name for name in ("one.svg", "two.svg")]
        for chart in charts:
            plot.draw(made_up, results, chart)
        one, two = (chart.read_bytes() for chart in charts)
    assert one == two and one.startswith(b"<?xml")


def check_left_out() -> None:
    """What cannot be built is left out."""
    broken = subject.Subject("broken", (), "", needs=("no-such-target",))
    assert subject.ready([OURS, broken]) == [OURS]
    assert "No rule to make target" in subject.build("no-such-target")


def check_suites() -> None:
    """Every suite has a place in its page, names of its own for rows and subjects, and a version for each peer."""
    for name, listed in SUITES.items():
        page = (report.DOCUMENTS / listed.document).read_text()
        assert f"<!-- {name}: begin -->" in page and f"<!-- {name}: end -->" in page, name
        for names in ([row.name for row in listed.rows], [one.name for one in listed.subjects]):
            assert len(set(names)) == len(names), f"{name}: {names}"
        for one in listed.subjects:
            if one.package.startswith(("cargo:", "npm:")):
                assert versions.version(one.package) != "unknown", one.package


if __name__ == "__main__":
    check_figures()
    check_chart()
    check_left_out()
    check_suites()
