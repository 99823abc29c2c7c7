"""PostgreSQL's isolation specs end here as they do there: the first schedules of each; `python -m tests.isolation` runs all of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.isolation.compare import compare_spec

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpora" / "pg-isolation"
NAMES = sorted(path.stem for path in (CORPUS / "specs").glob("*.spec"))
FEW = 3
# Why a spec does not agree, or not in its first schedules.
KNOWN = {
    "alter-table-1": "VALIDATE CONSTRAINT locks its table against readers",
    "fk-snapshot": "needs partitions",
    "index-only-scan": "needs SERIALIZABLE",
    "insert-conflict-do-nothing-2": "needs SERIALIZABLE",
    "insert-conflict-do-update-4": "needs partitions",
    "lock-update-delete": "a result of type void counts as NULL",
    "merge-delete": "needs PL/pgSQL",
    "merge-join": "needs EXPLAIN (VERBOSE)",
    "merge-update": "needs partitions",
    "partial-index": "needs SERIALIZABLE",
    "predicate-hash": "needs SERIALIZABLE",
    "read-only-anomaly-3": "needs SERIALIZABLE",
    "read-write-unique": "needs SERIALIZABLE",
    "read-write-unique-3": "needs SERIALIZABLE",
    "read-write-unique-4": "needs SERIALIZABLE",
    "referential-integrity": "needs SERIALIZABLE",
    "simple-write-skew": "needs SERIALIZABLE",
    "update-conflict-out": "needs SERIALIZABLE",
}
pytestmark = pytest.mark.skipif(not NAMES, reason="the shared corpora are not beside the project")


@pytest.mark.parametrize("name", sorted(set(NAMES) - set(KNOWN)))
def test_the_first_schedules_end_as_postgres_has_them(name: str) -> None:
    for outcome in compare_spec(CORPUS, name, FEW):
        assert outcome.agrees, "\n".join(outcome.difference())
