"""Scripts that PostgreSQL 18 and Lungfish answer alike, each whatever was run before it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from tests.differential.scripts import differences, is_ordered, script_paths
from tests.differential.server import own_database
from tests.differential.sides import LungfishSide, PostgresSide


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


@pytest.mark.slow
@pytest.mark.parametrize("script", script_paths(), ids=_name)
def test_a_script_is_answered_as_postgresql_answers_it(
    postgres: PostgresSide, script: Path
) -> None:
    with closing(LungfishSide()) as ours:
        assert differences(script, postgres, ours) == []


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("TABLE t ORDER BY a", True),
        ("SELECT 1 UNION SELECT 2 order /* rows */ by (1) LIMIT 3", True),
        ("SELECT array_agg(a ORDER BY a), 'ORDER BY' FROM t", False),
        ("SELECT ARRAY[(SELECT 1 ORDER BY 1)] FROM t -- ORDER BY a", False),
    ],
)
def test_rows_are_in_order_where_order_by_stands_outside_of_brackets(
    statement: str, expected: bool
) -> None:
    assert is_ordered(statement) == expected


def _roles(uri: str) -> set[str]:
    with psycopg.connect(uri) as connection:
        return {name for (name,) in connection.execute("SELECT rolname FROM pg_roles")}


def test_a_database_of_its_own_takes_its_roles_along_even_if_the_test_fails(server: str) -> None:
    before = _roles(server)
    with pytest.raises(ZeroDivisionError), own_database(server) as uri:
        with psycopg.connect(uri, autocommit=True) as connection:
            connection.execute('CREATE ROLE a; CREATE ROLE "B c" ROLE a; CREATE TABLE t (a int)')
            connection.execute("GRANT CREATE ON TABLESPACE pg_default TO a")
            connection.execute("GRANT ALL ON t TO \"B c\"; ALTER ROLE a SET work_mem = '1MB'")
        raise ZeroDivisionError
    assert _roles(server) == before


def test_a_database_of_its_own_must_leave_the_server_as_it_was(server: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        try:
            with pytest.raises(AssertionError, match="all databases"), own_database(server):
                connection.execute("ALTER ROLE postgres SET work_mem = '1MB'")
        finally:
            connection.execute("ALTER ROLE postgres RESET ALL")
