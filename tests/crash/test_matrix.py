"""The crash matrix, as far as each commit runs it: see `matrix.py`. `python -m tests.crash --release` does the rest."""

from __future__ import annotations

import pytest

from tests.crash.matrix import MATRIX, Trial, parts
from tests.crash.mutation_list import MUTATIONS
from tests.crash.mutations import ROOT, check_mutations, stale
from tests.crash.simulation import KEPT_SEEDS
from tests.crash.tally import Budget

# Every so-manieth fault is planted at each commit; a release plants all.
MUTATION_STEP = 5


@pytest.mark.slow
@pytest.mark.parametrize(
    ("trial", "part"),
    list(parts()),
    ids=lambda each: each if isinstance(each, str) else str(each.number),
)
def test_nothing_acknowledged_is_lost_and_nothing_is_half_done(trial: Trial, part: str) -> None:
    tally = trial.parts[part](Budget())
    assert not tally.failures, f"{len(tally.failures)} failures, the first: {tally.failures[0]}"
    assert tally.total >= trial.floor


def test_every_trial_of_the_matrix_has_its_own_number() -> None:
    numbers = [trial.number for trial in MATRIX]
    assert numbers == sorted(set(numbers))


def test_the_readme_tells_of_every_trial() -> None:
    text = (ROOT / "README.md").read_text()
    for trial in MATRIX:
        assert f"| {trial.number} | {trial.title} |" in text
    for seed, _ in KEPT_SEEDS:
        assert str(seed) in text


def test_the_mutation_list_is_up_to_date() -> None:
    assert stale(MUTATIONS) == []
    assert len({each.name for each in MUTATIONS}) == len(MUTATIONS)


@pytest.mark.slow
def test_some_planted_faults_are_caught() -> None:
    outcomes = check_mutations(list(MUTATIONS[::MUTATION_STEP]), jobs=2)
    assert [each.mutation.name for each in outcomes if not each.is_caught] == []
