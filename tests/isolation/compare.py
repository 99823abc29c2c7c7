"""Schedules beside the reports that PostgreSQL's tester has written of them."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.isolation.runner import run_schedule
from tests.isolation.spec import Place, parse_spec


@dataclass(frozen=True, slots=True)
class Outcome:
    """One schedule: our report, and the reports that PostgreSQL may give."""

    report: tuple[str, ...]
    accepted: tuple[tuple[str, ...], ...]

    @property
    def agrees(self) -> bool:
        """Whether ours is one of them."""
        return self.report in self.accepted

    def difference(self) -> list[str]:
        """Against the first of them."""
        expected = self.accepted[0] if self.accepted else ()
        return list(
            difflib.unified_diff(expected, self.report, "postgres", "lungfish", "", "", 2, "")
        )


def compare_spec(folder: Path, name: str, only: int | None = None) -> list[Outcome]:
    """Run the schedules of a spec, or the first few."""
    spec = parse_spec((folder / "specs" / f"{name}.spec").read_text())
    files = [folder / "expected" / f"{name}{suffix}.out" for suffix in ("", "_1", "_2", "_3")]
    expected = [list(_sections(path.read_text())) for path in files if path.exists()]
    schedules: list[tuple[Place, ...]] = list(spec.schedules())[:only]
    return [
        Outcome(
            tuple(_normal(run_schedule(spec, places))),
            tuple(tuple(sections[number]) for sections in expected if number < len(sections)),
        )
        for number, places in enumerate(schedules)
    ]


def _sections(text: str) -> Iterator[list[str]]:
    """The lines of each schedule's report."""
    section: list[str] = []
    for line in text.splitlines()[1:]:
        if line.startswith("starting permutation:"):
            if section:
                yield _normal(section)
            section = []
        if section or line.startswith("starting permutation:"):
            section.append(line)
    if section:
        yield _normal(section)


def _normal(lines: list[str]) -> list[str]:
    """Without spaces at the ends, empty lines, and how the text of a step is broken into lines."""
    return [line for each in lines for line in (part.rstrip() for part in each.split("\n")) if line]
