"""Small transactions at SERIALIZABLE, in every order of their statements: those that commit did what some serial order of them does."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from functools import partial

import pytest

import lungfish
from tests.history.interleavings import some
from tests.history.sql_interleavings import Bench, LungfishSession, Outcome, Program
from tests.history.sql_steps import (
    KEYS,
    LOOK,
    PARTITIONS,
    PREPARED,
    READS,
    REFERENCES,
    RESET,
    SCHEMA,
    WRITES,
)

SESSION_COUNT = 3


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with lungfish.open(":memory:") as database:
        connections = [database.connect(autocommit=True) for _ in range(SESSION_COUNT)]
        connections[0].execute(SCHEMA)
        for connection, sql in itertools.product(connections, PREPARED):
            connection.execute(sql)
        yield Bench([LungfishSession(each) for each in connections], RESET, LOOK)
        for connection in connections:
            connection.close()


def wrong(bench: Bench, programs: Sequence[Program]) -> list[Outcome]:
    return list(bench.wrong(bench.outcomes(programs), programs))


def _skew(read: str, write: str) -> list[Program]:
    """Each reads what the other writes."""
    return [Program((read, "INSERT INTO x VALUES (1)")), Program(("SELECT * FROM x", write))]


def test_whoever_reads_what_another_writes_and_is_read_by_him_is_found(bench: Bench) -> None:
    chance = random.Random(10)
    for read, write in zip(READS[::2], itertools.cycle(WRITES), strict=False):
        programs = _skew(read, write)
        outcomes = some(partial(bench.outcome, programs), 4, chance)
        assert not list(bench.wrong(outcomes, programs)), (read, write)


@pytest.mark.release
@pytest.mark.parametrize("read", READS)
def test_whoever_reads_what_another_writes_is_found_in_every_order(bench: Bench, read: str) -> None:
    for write in WRITES:
        programs = _skew(read, write)
        outcomes = list(bench.outcomes(programs))
        assert not list(bench.wrong(iter(outcomes), programs)), write
        assert not outcomes[0].failures, write


@pytest.mark.parametrize("steps", [KEYS, REFERENCES, PARTITIONS])
def test_two_transactions_taken_by_chance_are_serializable(
    bench: Bench, steps: Sequence[str], request: pytest.FixtureRequest
) -> None:
    chance = random.Random(11)
    for _ in range(1_000 if request.config.getoption("--release") else 3):
        programs = [Program(tuple(chance.sample(steps, chance.randint(1, 3)))) for _ in range(2)]
        assert not wrong(bench, programs), programs


@pytest.mark.parametrize("steps", [KEYS, REFERENCES, PARTITIONS])
def test_three_transactions_taken_by_chance_are_serializable(
    bench: Bench, steps: Sequence[str], request: pytest.FixtureRequest
) -> None:
    chance = random.Random(12)
    for _ in range(300 if request.config.getoption("--release") else 1):
        programs = [Program(tuple(chance.sample(steps, chance.randint(1, 2)))) for _ in range(3)]
        outcomes = some(partial(bench.outcome, programs), 50, chance)
        assert not list(bench.wrong(outcomes, programs)), programs
