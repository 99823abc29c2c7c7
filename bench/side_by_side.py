"""Lungfish, sqlite3 and duckdb side by side, in turn, in one run.

    python -m bench.side_by_side            # everything
    python -m bench.side_by_side point join # only works whose name holds one of the words
    python -m bench.side_by_side --scale 0.1

Each work is timed on each system in turn, several rounds; the median counts. The last columns are ratios: our time divided by
theirs, so below 1 we are faster. sqlite3 runs with WAL and synchronous=FULL, which is the durability that Lungfish has by default.
`bench/oltp.py` shows the short transactions among them with their aims.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from bench.systems import SYSTEMS
from bench.works import WORKS, Figure, Work

# By the system's name; None where it has no such work.
Medians = dict[str, Figure | None]


def main() -> None:
    """Run what the command line asks for and print the table."""
    chosen = options("Time Lungfish beside sqlite3 and duckdb.")
    print(
        f"{'work':56} {'unit':>6} "
        + " ".join(f"{name:>12}" for name in SYSTEMS)
        + "   vs sqlite3   vs duckdb"
    )
    for work in wanted(WORKS, chosen):
        print_row(work.name, work.unit, measure(work, chosen))


def options(description: str) -> argparse.Namespace:
    """What the command line says: `words`, `scale`, `rounds`."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("words", nargs="*", help="only works whose name holds one of these words")
    parser.add_argument("--scale", type=float, default=1.0, help="multiply the sizes by this")
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


def wanted(works: Iterable[Work], chosen: argparse.Namespace) -> Iterator[Work]:
    """The works that the command line names."""
    for work in works:
        if not chosen.words or any(word in work.name for word in chosen.words):
            yield work


def measure(work: Work, chosen: argparse.Namespace) -> Medians:
    """The median of some rounds on each system in turn."""
    figures: dict[str, list[Figure]] = {name: [] for name in SYSTEMS}
    for _ in range(chosen.rounds):
        for name, system in SYSTEMS.items():
            folder = Path(tempfile.mkdtemp(prefix="lungfish-bench-"))
            try:
                figure = work.run(system, folder, chosen.scale)
                if figure is not None:
                    figures[name].append(figure)
            finally:
                shutil.rmtree(folder, ignore_errors=True)
    return {name: _median(each) for name, each in figures.items()}


def _median(figures: list[Figure]) -> Figure | None:
    if not figures:
        return None
    processor = [each.processor for each in figures if each.processor is not None]
    return Figure(
        statistics.median(each.wall for each in figures),
        statistics.median(processor) if processor else None,
    )


def print_row(name: str, unit: str, medians: Medians) -> None:
    """One line: medians, then the ratios."""
    ours = medians["lungfish"]
    cells = " ".join(
        f"{'-' if value is None else f'{value.wall:,.1f}':>12}" for value in medians.values()
    )
    ratios = []
    for other in ("sqlite3", "duckdb"):
        theirs = medians[other]
        has_both = ours is not None and theirs is not None
        ratios.append(f"{f'{ours.wall / theirs.wall:.2f}' if has_both else '-':>12}")
    print(f"{name:56} {unit:>6} {cells} {' '.join(ratios)}", flush=True)


if __name__ == "__main__":
    main()
