"""Scripts of single statements, each answered by PostgreSQL 18 and by us: the folder `statements`, one database a script.

A script speaks of one subject. Rows are compared in order where the statement ends with ORDER BY outside of brackets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from lungfish.sql.split import split_script
from tests.differential.compare import difference
from tests.differential.server import ServerUnavailable, start_server
from tests.differential.sides import LungfishSide, PostgresSide

SCRIPTS = sorted((Path(__file__).parent / "statements").glob("*.sql"))
_ORDERED = re.compile(r"ORDER BY [^()]*$", re.IGNORECASE | re.DOTALL)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    try:
        with start_server() as uri:
            yield uri
    except ServerUnavailable as error:
        pytest.skip(str(error))


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_statements_are_answered_as_postgresql_answers_them(server: str, script: Path) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        # A script that failed may have left schemas of its own behind.
        left = connection.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema)'"
        ).fetchall()
        for (schema,) in left:
            connection.execute(f'DROP SCHEMA "{schema}" CASCADE')
        # As a new database has it.
        connection.execute("CREATE SCHEMA public AUTHORIZATION pg_database_owner")
        connection.execute("GRANT USAGE ON SCHEMA public TO PUBLIC")
    postgres, ours = PostgresSide(server), LungfishSide()
    found = []
    for piece in split_script(script.read_text()):
        expected, got = postgres.run(piece.text), ours.run(piece.text)
        is_ordered = _ORDERED.search(piece.text) is not None
        what = difference(expected, got, is_ordered=is_ordered, is_loose=False)
        if what is not None:
            found.append(f"line {piece.line}, {what}: {expected.summary()} | {got.summary()}")
    postgres.close()
    ours.close()
    assert found == []
