"""Scripts of SQL that PostgreSQL and Lungfish must answer alike: one statement a line, or to the next line that ends with `;`.

Errors are compared by SQLSTATE and message, rows as a multiset unless the statement says ORDER BY.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.differential.compare import difference
from tests.differential.sides import Side

FOLDER = Path(__file__).parent / "scripts"
# What every script begins with.
SETUP = "DROP SCHEMA IF EXISTS public CASCADE", "CREATE SCHEMA public", "SET search_path TO public"


def script_names() -> list[str]:
    """The scripts, by name."""
    return sorted(path.stem for path in FOLDER.glob("*.sql"))


def statements(name: str) -> Iterator[str]:
    """The statements of a script; lines that begin with -- are left out."""
    kept: list[str] = []
    for line in (FOLDER / f"{name}.sql").read_text().splitlines():
        if not line.strip() or line.startswith("--"):
            continue
        kept.append(line)
        if line.rstrip().endswith(";"):
            yield "\n".join(kept).rstrip().removesuffix(";")
            kept = []


def differences(name: str, expected: Side, ours: Side) -> list[str]:
    """What the two answer differently."""
    for statement in SETUP:
        expected.run(statement)
        ours.run(statement)
    found = []
    for statement in statements(name):
        wanted, got = expected.run(statement), ours.run(statement)
        is_ordered = "order by" in statement.lower()
        what = difference(wanted, got, is_ordered=is_ordered, is_loose=False)
        if what is None and wanted.message != got.message:
            what = "message"
        if what is not None:
            found.append(f"{what}: {statement}\n  {wanted.summary()}\n  {got.summary()}")
    return found
