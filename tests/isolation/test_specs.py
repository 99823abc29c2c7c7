"""PostgreSQL's isolation specs end here as they do there: a few schedules of each in the quick run, all of them by --release."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.isolation.compare import compare_spec

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpora" / "pg-isolation"
NAMES = sorted(path.stem for path in (CORPUS / "specs").glob("*.spec"))
FEW = 3
# What the spec needs and Lungfish refuses.
REFUSED = {
    "merge-update": "partitioned tables",
}
pytestmark = pytest.mark.skipif(not NAMES, reason="the shared corpora are not beside the project")


@pytest.mark.parametrize("name", sorted(set(NAMES) - set(REFUSED)))
def test_the_first_schedules_end_as_postgres_has_them(name: str) -> None:
    for outcome in compare_spec(CORPUS, name, FEW):
        assert outcome.agrees, "\n".join(outcome.difference())
