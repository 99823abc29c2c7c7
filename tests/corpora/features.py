"""SQL:2016's features: which statements of the corpus `sql2016-features` are accepted.

python -m tests.corpora.features FOLDER    # what PostgreSQL accepts and Lungfish does not, and the sums
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lungfish


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one test fared: `refusal` is empty, or the SQLSTATE and message."""

    feature: str
    name: str
    is_postgres: bool
    refusal: str = ""


def run_features(folder: Path) -> Iterator[Outcome]:
    """Each test in a transaction that is rolled back."""
    for line in (folder / "tests.jsonl").read_text(encoding="utf-8").splitlines():
        test = json.loads(line)
        yield Outcome(test["feature"], test["id"], bool(test["pg15_ok"]), _refusal(test["sql"]))


def _refusal(statements: list[str] | str) -> str:
    with lungfish.connect(":memory:") as connection:
        try:
            for sql in [statements] if isinstance(statements, str) else statements:
                connection.execute(sql)
        except lungfish.Error as error:
            return f"{error.sqlstate} {error.message}"
        finally:
            connection.rollback()
    return ""


def summary(outcomes: list[Outcome]) -> dict[str, Any]:
    """How many of those that PostgreSQL accepts are accepted."""
    known = [outcome for outcome in outcomes if outcome.is_postgres]
    return {"accepted": sum(not outcome.refusal for outcome in known), "of": len(known)}


def main() -> int:
    parser = argparse.ArgumentParser(description="Try SQL:2016's features.")
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    outcomes = list(run_features(options.folder))
    for outcome in outcomes:
        if outcome.is_postgres and outcome.refusal:
            print(f"{outcome.feature} {outcome.name}: {outcome.refusal}")
    found = summary(outcomes)
    print(f"{found['accepted']} of {found['of']} accepted")
    return 0


if __name__ == "__main__":
    sys.exit(main())
