"""Short transactions beside sqlite3 (WAL, synchronous=FULL) and duckdb, in one run, as a table with the aim of each work.

    python -m bench.oltp                    # everything
    python -m bench.oltp update commit      # only works whose name holds one of the words
    python -m bench.oltp --rounds 5

Prints what `docs/performance.md` shows. A ratio is our time divided by theirs, so below 1 we are faster. The ratio of processor time
stands beside that of the clock: load from elsewhere disturbs it least, but it does not know of syncs that threads share.
"""

from __future__ import annotations

from bench.side_by_side import Medians, measure, options, wanted
from bench.works import WORKS, Work

# The greatest ratio to sqlite3 that we want to see, by the work's name.
AIMS: dict[str, float] = {
    "point select by key, autocommit": 0.6,
    "point select by key, in a transaction": 1.5,
    "ad-hoc point select, literal in the text": 1.0,
    "single-row insert in a transaction, one secondary index": 2.0,
    "update by key in a transaction": 1.5,
    "executemany insert, per row": 0.8,
    "durable commit, 1 thread": 0.9,
    "durable commit, 16 threads, per commit": 0.2,
    "TPC-C mix, 1 thread, durable": 1.0,
}

HEAD = ("work", "lungfish", "sqlite3", "duckdb", "/ sqlite3", "aim", "processor / sqlite3", "/ duckdb")  # fmt: skip


def main() -> None:
    """Run what the command line asks for and print the table."""
    chosen = options("Time short transactions beside sqlite3 and duckdb.")
    print_row(HEAD)
    print_row(["---"] * len(HEAD))
    for work in wanted(WORKS, chosen):
        if work.name in AIMS:
            print_row(cells(work, measure(work, chosen), AIMS[work.name]))


def cells(work: Work, medians: Medians, aim: float) -> list[str]:
    """A work's row of the table."""
    wall = {name: None if each is None else each.wall for name, each in medians.items()}
    processor = {name: None if each is None else each.processor for name, each in medians.items()}
    return [
        f"{work.name}, {work.unit}",
        *(as_text(figure) for figure in wall.values()),
        ratio(wall, "sqlite3"),
        f"{aim:g}",
        ratio(processor, "sqlite3"),
        ratio(wall, "duckdb"),
    ]


def ratio(figures: dict[str, float | None], other: str) -> str:
    """Ours divided by theirs."""
    ours, theirs = figures["lungfish"], figures[other]
    return "-" if ours is None or not theirs else as_text(ours / theirs)


def as_text(figure: float | None) -> str:
    """Three digits are enough."""
    if figure is None:
        return "-"
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:.3g}"


def print_row(parts: list[str] | tuple[str, ...]) -> None:
    """A line of the table."""
    print("| " + " | ".join(parts) + " |", flush=True)


if __name__ == "__main__":
    main()
