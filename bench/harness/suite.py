"""A suite: rows over subjects in interleaved rounds, and what becomes of the figures.

In each round every subject is measured once on a row before the next round begins, so that a machine that slows down
slows all of them. A figure is the median of its rounds; the spread is from the lowest to the highest.
"""

import dataclasses
import statistics
from collections.abc import Callable
from typing import Any

from tqdm import tqdm

from harness.subject import FLOOR, OURS, PEER, Failed, Subject

MORE, LESS = "more", "less"


@dataclasses.dataclass(frozen=True)
class Column:
    """One figure of a window: the key it has there, its heading, and what it is divided by to be shown."""

    key: str
    heading: str
    scale: float = 1

    def show(self, value: float | None) -> str:
        """The figure, to three places that mean something; a dash for one that was not measured."""
        if value is None:
            return "–"
        value /= self.scale
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


@dataclasses.dataclass(frozen=True)
class Suite:
    """What is measured together, and how."""

    subjects: list[Subject]
    rows: list[Any]
    """Loads; each has a `name`, and whatever `measure` needs of it."""
    measure: Callable[[Any, Any, float], dict[str, float]]
    """One window: subject, row, seconds. Gives the columns' figures; none where a subject cannot do that row."""
    columns: tuple[Column, ...]
    """The first is what subjects are judged by."""
    about: str
    """A sentence on the figures, for the head of the table."""
    better: str = MORE
    needs: tuple[str, ...] = ()
    """Make targets without which nothing here runs."""
    floor: Callable[[Any], str] = lambda row: ""
    """The name of the floor that a row's ratios are to; the first floor where it names none."""
    rounds: int | None = None
    """As many rounds and no more, for what does not vary."""
    least_seconds: float = 0
    """Windows are at least so long."""
    document: str = "performance.md"
    """The page of docs/ that has the suite's place."""
    charted: tuple[str, ...] = ()
    """Columns that the chart shows beside each other; the judged one alone where it names none."""
    conclude: Callable[["Results"], str] = lambda results: ""
    """What follows from the figures, in Markdown, for below the tables."""


@dataclasses.dataclass
class Figure:
    """What a subject did on one row."""

    subject: Subject
    windows: list[dict[str, float]]
    judged: str
    to_floor: float | None = None
    to_peer: float | None = None
    failure: str = ""
    """Why it has fewer rounds than others."""

    def median(self, key: str) -> float | None:
        """A column's median over the rounds."""
        values = [window[key] for window in self.windows if window.get(key) is not None]
        return statistics.median(values) if values else None

    @property
    def value(self) -> float | None:
        """The judged column's median."""
        return self.median(self.judged)

    @property
    def rounds(self) -> list[float]:
        """The judged column in each round."""
        return [window[self.judged] for window in self.windows]


Results = dict[str, list[Figure]]
"""By a row's name, in the order of the subjects."""


def run(suite: Suite, subjects: list[Subject], rows: list[Any], rounds: int, seconds: float, tell: Callable) -> Results:
    """Measures all; `tell(row, figures)` is called after each row."""
    rounds = min(rounds, suite.rounds or rounds)
    results: Results = {}
    with tqdm(total=len(rows) * len(subjects) * rounds, unit="window", disable=None, leave=False) as progress:
        for row in rows:
            figures = {subject.name: Figure(subject, [], suite.columns[0].key) for subject in subjects}
            for _ in range(rounds):
                for subject in subjects:
                    progress.set_description(f"{row.name} {subject.name}")
                    figure = figures[subject.name]
                    try:
                        if window := suite.measure(subject, row, seconds):
                            figure.windows.append(window)
                    except Failed as failure:
                        figure.failure = str(failure)
                    progress.update()
            results[row.name] = list(figures.values())
            compare(results[row.name], suite.floor(row), suite.better)
            with progress.external_write_mode():
                tell(row.name, results[row.name])
    return results


def compare(figures: list[Figure], floor: str, better: str) -> None:
    """Sets the ratios to the row's floor and to its best peer."""
    floors = [figure for figure in figures if figure.subject.role == FLOOR]
    reference = next((figure for figure in floors if figure.subject.name == floor), floors[0] if floors else None)
    best = best_peer(figures, better)
    for figure in figures:
        if reference and reference is not figure:
            figure.to_floor = ratio(figure.value, reference.value)
        if best and best is not figure:
            figure.to_peer = ratio(figure.value, best.value)


def ratio(value: float | None, other: float | None) -> float | None:
    """The one by the other, where both were measured."""
    return value / other if value is not None and other else None


def best_peer(figures: list[Figure], better: str) -> Figure | None:
    """The best of a row's peers."""
    peers = [figure for figure in figures if figure.subject.role == PEER and figure.value is not None]
    choose = max if better == MORE else min
    return choose(peers, key=lambda figure: figure.value, default=None)


def ours(figures: list[Figure]) -> list[Figure]:
    """Ropeway's own."""
    return [figure for figure in figures if figure.subject.role == OURS]
