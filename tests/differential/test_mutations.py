"""Mutated statements are answered, or refused with an SQLSTATE, in time; beside PostgreSQL 18 they are answered as there."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.differential.mutants import Mutant, Mutator, deparse, parse
from tests.differential.mutations import Campaign, Stage, make_sides, pool_of, shrink
from tests.differential.sides import INTERNAL, Answer
from tests.differential.walks import Walk, corpus_walks, own_walks

SQL = "SELECT a, sum(b) FROM t WHERE c > 1 GROUP BY a ORDER BY 2 DESC LIMIT 3"


@pytest.mark.slow
def test_mutated_statements_raise_no_internal_error() -> None:
    campaign = Campaign(own_walks(), 20, 400, lambda: make_sides(None))
    assert [item.report() for item in campaign.run()] == []
    assert campaign.tried > 300


@pytest.mark.slow
@pytest.mark.release
@pytest.mark.corpus
@pytest.mark.timeout(7200)
def test_mutated_statements_of_the_corpora_raise_no_internal_error(corpora: Path) -> None:
    walks = own_walks() + corpus_walks(corpora)
    campaign = Campaign(walks, 20, 50_000, lambda: make_sides(None))
    found = [item.report() for item in campaign.run() if item.what == "internal"]
    assert found == []


def _mutants(seed: str) -> list[tuple[str, ...] | None]:
    tree = parse(SQL)
    mutator = Mutator(random.Random(seed), pool_of(Walk("one", (), (SQL,))))
    return [mutator.make(tree).statements() for _ in range(20)]


def test_a_seed_always_makes_the_same_mutants() -> None:
    assert _mutants("1") == _mutants("1")
    assert _mutants("1") != _mutants("2")


class Fake:
    """A side that has an internal error wherever a word stands."""

    def __init__(self, word: str) -> None:
        self.word = word

    def run(self, sql: str) -> Answer:
        return Answer(sqlstate=INTERNAL, message="bug") if self.word in sql else Answer("OK")

    def close(self) -> None: ...


def test_shrinking_keeps_what_fails_and_drops_the_rest() -> None:
    tree = parse("SELECT a, abs(b) + 1 FROM t, u WHERE c AND abs(d) > 2 ORDER BY e")
    stage = Stage(None, Fake("abs"))
    mutant = Mutant(tree, ("CREATE VIEW w AS {q}", "TABLE w"))
    verdict = stage.judge(mutant.statements() or ())
    assert verdict is not None
    assert verdict.what == "internal"
    small = shrink(mutant, verdict, stage)
    assert small.frame == ("{q}",)
    assert len(deparse(small.tree) or "") < len("SELECT abs(NULL) FROM t")
