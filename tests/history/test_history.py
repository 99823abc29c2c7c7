"""Short histories at each level, with checkpoints and crashes; long ones are run by `python -m tests.history`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.mutations import check_mutations, stale
from tests.history.checker import FORBIDDEN
from tests.history.mutation_list import MUTATIONS
from tests.history.run import Plan, Runner
from tests.history.stress import Stress


@pytest.mark.parametrize("level", FORBIDDEN)
def test_a_history_shows_nothing_that_its_level_forbids(level: str) -> None:
    plan = Plan(level, 2_000, operations_between_checkpoints=300, operations_between_crashes=700)
    result = Runner(plan).run()
    assert not result.anomalies, result.anomalies
    assert result.transaction_count > 300


@pytest.mark.release
@pytest.mark.parametrize("level", FORBIDDEN)
def test_a_long_history_shows_nothing_that_its_level_forbids(level: str) -> None:
    result = Runner(Plan(level, 200_000)).run()
    assert not result.anomalies, result.anomalies


def test_the_planted_faults_stand_where_the_list_says() -> None:
    assert not stale(MUTATIONS, Path(__file__).resolve().parent.parent.parent)


@pytest.mark.release
def test_every_planted_fault_is_found() -> None:
    outcomes = check_mutations(list(MUTATIONS), jobs=2)
    assert not [each.mutation.name for each in outcomes if not each.is_caught]


def test_many_threads_at_mixed_levels_see_no_other_error_and_no_wrong_total() -> None:
    stress = Stress(32)
    stress.run(transactions=12)
    assert stress.outcomes["committed"] == 32 * 12
