"""Small transactions in every order of their statements end as in PostgreSQL 18: at READ COMMITTED and REPEATABLE READ all of them do."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing

import pytest

import lungfish
from tests.differential.sides import PostgresSide
from tests.history.sql_interleavings import Bench, LungfishSession, Program, Refused, Rows, Session
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


class PostgresSession:
    """A session of the server. A statement that would wait fails at once."""

    def __init__(self, uri: str) -> None:
        self._side = PostgresSide(uri)
        self._side.run("SET lock_timeout = '3ms'")

    def run(self, sql: str) -> Rows:
        answer = self._side.run(sql)
        if answer.sqlstate is not None:
            raise Refused(answer.sqlstate)
        return tuple(sorted(answer.rows, key=repr))

    def close(self) -> None:
        self._side.close()


@pytest.fixture
def theirs(postgres_database: str) -> Iterator[Bench]:
    with (
        closing(PostgresSession(postgres_database)) as one,
        closing(PostgresSession(postgres_database)) as other,
    ):
        yield _bench([one, other])


@pytest.fixture
def ours() -> Iterator[Bench]:
    with lungfish.open(":memory:") as database, ExitStack() as stack:
        connections = [stack.enter_context(database.connect(autocommit=True)) for _ in range(2)]
        yield _bench([LungfishSession(each) for each in connections])


def _bench(sessions: Sequence[Session]) -> Bench:
    sessions[0].run(SCHEMA)
    for session, sql in itertools.product(sessions, PREPARED):
        session.run(sql)
    return Bench(sessions, RESET, LOOK)


@pytest.mark.slow
@pytest.mark.parametrize("level", ["READ COMMITTED", "REPEATABLE READ"])
def test_two_transactions_end_as_in_postgresql(
    ours: Bench, theirs: Bench, level: str, request: pytest.FixtureRequest
) -> None:
    chance = random.Random(5)
    queries = [sql for sql in READS if sql.startswith("SELECT") and "SAMPLE" not in sql]
    for number in range(400 if request.config.getoption("--release") else 6):
        if number % 2:
            read = chance.choice(queries)
            texts = [(read, read), (chance.choice(WRITES),)]
        else:
            steps = chance.choice([KEYS, REFERENCES, PARTITIONS])
            texts = [tuple(chance.sample(steps, chance.randint(1, 2))) for _ in range(2)]
        programs = [Program(each, f"ISOLATION LEVEL {level}") for each in texts]
        expected = list(theirs.outcomes(programs))
        assert list(ours.outcomes(programs)) == expected, texts
