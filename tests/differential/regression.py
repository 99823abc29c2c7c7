"""PostgreSQL's regression files, replayed: the score, and of each statement that is answered otherwise the reason.

python -m tests.differential.regression ../shared/corpora/pg-regress --data FOLDER    # the score, and what has no reason yet

The files that COPY reads (`data/` of PostgreSQL's sources, of the same version as the corpus) are not with it. FOLDER has them.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.corpora import replay

AS_TEXT = (
    "the rows are PostgreSQL's as text (`fetch_text`, the shell); the runner writes Python's values itself: bytea always in hex, arrays without"
    " the quotes that some elements need"
)


@dataclass(frozen=True)
class Reason:
    """Why statements are answered otherwise, and which ones: lines by file."""

    text: str
    places: dict[str, tuple[int, ...]]


REASONS = (
    Reason(
        "answered as PostgreSQL 18 does: views name columns without their table where there is one, an attribute without a statistics"
        " target shows NULL, NOT NULL is a row of `pg_constraint`, the least interval is `-infinity`, a partition's foreign key whose name is taken"
        " gets a number behind it",
        {
            "aggregates": (815,),
            "constraints": (449,),
            "create_index": (1147,),
            "create_table": (543, 547, 557),
            "create_view": (462, 662, 760),
            "interval": (517, 519, 521, 523),
        },
    ),
    Reason(
        "there are no TOAST tables, so none are listed; the other rows are the same",
        {"create_index": (1228,)},
    ),
    Reason(
        "a function in PL/pgSQL, which is refused, was to replace the SQL function that is called",
        {"transactions": (309,)},
    ),
)


@dataclass(frozen=True)
class Difference:
    """A statement that is answered otherwise."""

    file: str
    outcome: replay.Outcome

    @property
    def reason(self) -> str | None:
        """Why; None if that is not known."""
        if self.outcome.verdict == "text":
            return AS_TEXT
        for reason in REASONS:
            if self.outcome.line in reason.places.get(self.file, ()):
                return reason.text
        return None


def run_files(folder: Path, data: str) -> Iterator[tuple[str, list[replay.Outcome]]]:
    """Each file's outcomes, run on a copy of the database that test_setup makes."""
    with tempfile.TemporaryDirectory() as scratch:
        base = Path(scratch) / "base.db"
        replay.run_base(base, folder / "replay" / "test_setup.jsonl", data=data)
        for script in sorted((folder / "replay").glob("*.gz")):
            yield script.name.partition(".")[0], replay.run_on_copy(base, script, data=data)


def measure(folder: Path, data: str) -> dict[str, Any]:
    """The figures that are kept: how many agree, and the lines of what is answered otherwise by reason."""
    counts: Counter[str] = Counter()
    places: dict[str, list[str]] = {}
    for name, outcomes in run_files(folder, data):
        counts += replay.score(outcomes)
        for each in outcomes:
            if each.verdict in ("differ", "text"):
                reason = Difference(name, each).reason or f"no reason is known: `{each.sql[:80]}`"
                places.setdefault(reason, []).append(f"{name} {each.line}")
    return {
        "agree": counts["agree"],
        "of": counts.total(),
        "command": "python -m tests.differential.regression ../shared/corpora/pg-regress",
        "counts": dict(sorted(counts.items())),
        "otherwise": places,
    }


def difference_lines(row: dict[str, Any]) -> Iterator[str]:
    """The section of docs/sql-support.md about them."""
    counts = row["counts"]
    count = counts.get("differ", 0)
    others = ", ".join(
        f"{counts.get(verdict, 0)} {words}"
        for verdict, words in (
            ("refuse", "are refused"),
            ("accept", "are accepted that PostgreSQL refuses"),
            ("code", "raise another SQLSTATE"),
            ("internal", "raise an internal error"),
        )
    )
    yield f"## Answered otherwise: {count} of {row['of']} statements of PostgreSQL's regression files"
    yield ""
    yield f"That is {100 * count / row['of']:.2f} %. Of the others {row['agree']} agree, {others}."
    yield ""
    yield "| statements | where (file and line) | why |"
    yield "| --- | --- | --- |"
    for reason, places in row["otherwise"].items():
        yield f"| {len(places)} | {', '.join(_grouped(places))} | {reason} |"
    yield ""


def _grouped(places: list[str]) -> list[str]:
    """The lines of each file together."""
    lines: dict[str, list[str]] = {}
    for place in places:
        name, line = place.split()
        lines.setdefault(name, []).append(line)
    return [f"{name} {' '.join(numbers)}" for name, numbers in lines.items()]


def main() -> int:
    parser = argparse.ArgumentParser(description="Replay PostgreSQL's regression files.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data", default="", help="the folder that has `data/` with COPY's files")
    options = parser.parse_args()
    data = options.data or str(options.folder)
    for line in difference_lines(measure(options.folder, data)):
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
