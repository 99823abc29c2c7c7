"""Whatever a statement is doing, it ends soon after it was told to: the cases of `bench/cancel.py`, which has the figures, over a few rows.

The bound is loose: it tells a statement that ends from one that goes on to its end, or for ever.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.cancel import ALONE, CASES, Bench, Case

ROW_COUNT = 1_000
# Constants of millions of elements are computed while the statement is planned, where nothing stops them.
PLANNED = {"json elements"}
ENDLESS_S = 0.2
BOUND_MS = 10_000


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    made = Bench(ROW_COUNT, Path(tmp_path_factory.mktemp("cancel")), endless_s=ENDLESS_S)
    yield made
    made.close()


@pytest.mark.release
@pytest.mark.parametrize(
    "case",
    [each for each in (*CASES, *ALONE) if each.name not in PLANNED],
    ids=lambda case: case.name,
)
def test_a_statement_ends_soon_after_it_was_told_to(bench: Bench, case: Case) -> None:
    worst = bench.worst(case, in_transaction=case not in ALONE, places=(0.5,))
    assert worst.clock_ms < BOUND_MS
    # The session goes on.
    assert bench.connection.execute("SELECT count(*) FROM t").fetchval() == ROW_COUNT
