"""Lungfish, sqlite3 and duckdb side by side, in turn, in one run.

    python bench/side_by_side.py            # everything
    python bench/side_by_side.py point join # only works whose name holds one of the words
    python bench/side_by_side.py --scale 0.1

Each work is timed on each system in turn, several rounds; the median counts. The last columns are ratios: our time divided by
theirs, so below 1 we are faster. sqlite3 runs with WAL and synchronous=FULL, which is the durability that Lungfish has by default.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
from pathlib import Path

from bench.systems import SYSTEMS
from bench.works import WORKS


def main() -> None:
    """Run what the command line asks for and print the table."""
    parser = argparse.ArgumentParser(description="Time Lungfish beside sqlite3 and duckdb.")
    parser.add_argument("words", nargs="*", help="only works whose name holds one of these words")
    parser.add_argument("--scale", type=float, default=1.0, help="multiply the sizes by this")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print(
        f"{'work':44} {'unit':>6} "
        + " ".join(f"{name:>12}" for name in SYSTEMS)
        + "   vs sqlite3   vs duckdb"
    )
    for work in WORKS:
        if options.words and not any(word in work.name for word in options.words):
            continue
        figures: dict[str, list[float]] = {name: [] for name in SYSTEMS}
        for _ in range(options.rounds):
            for name, system in SYSTEMS.items():
                folder = Path(tempfile.mkdtemp(prefix="lungfish-bench-"))
                try:
                    figure = work.run(system, folder, options.scale)
                    if figure is not None:
                        figures[name].append(figure)
                finally:
                    shutil.rmtree(folder, ignore_errors=True)
        print_row(work.name, work.unit, figures)


def print_row(name: str, unit: str, figures: dict[str, list[float]]) -> None:
    """One line: medians, then the ratios."""
    medians = {
        key: statistics.median(values) if values else None for key, values in figures.items()
    }
    ours = medians["lungfish"]
    cells = " ".join(
        f"{'-' if value is None else f'{value:,.1f}':>12}" for value in medians.values()
    )
    ratios = " ".join(
        f"{'-' if ours is None or medians[other] is None else f'{ours / medians[other]:.2f}':>12}"
        for other in ("sqlite3", "duckdb")
    )
    print(f"{name:44} {unit:>6} {cells} {ratios}", flush=True)


if __name__ == "__main__":
    main()
