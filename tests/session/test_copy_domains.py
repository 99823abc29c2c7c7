"""COPY FROM holds values to the domains of their columns, also those inside of arrays and rows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import lungfish
from lungfish import Connection, errors


@pytest.fixture
def connection() -> Iterator[Connection]:
    with lungfish.connect(":memory:", autocommit=True) as made:
        made.run_script(
            """
            CREATE DOMAIN few AS int CHECK (VALUE < 10);
            CREATE DOMAIN named AS text NOT NULL;
            CREATE TYPE pair AS (a few, b int);
            CREATE TABLE t (a few, b few[], c pair, d named);
            """
        )
        yield made


def copy(connection: Connection, *lines: str, options: str = "") -> None:
    with connection.copy(f"COPY t FROM STDIN {options}") as stream:
        stream.write("".join(f"{line}\n" for line in lines))


@pytest.mark.parametrize(
    "line", ["10\t{1}\t(1,2)\tx", "1\t{1,NULL,11}\t(1,2)\tx", "1\t{1}\t(12,2)\tx"]
)
def test_a_value_that_its_domain_does_not_let_through_is_refused(
    connection: Connection, line: str
) -> None:
    with pytest.raises(errors.CheckViolation) as caught:
        copy(connection, "1\t{1}\t(1,2)\tx", line)
    assert str(caught.value.detail).startswith("COPY t, line 2, column ")
    assert connection.execute("SELECT count(*) FROM t").fetchall() == [(0,)]


def test_null_is_refused_where_the_domain_is_not_null(connection: Connection) -> None:
    with pytest.raises(errors.NotNullViolation) as caught:
        copy(connection, "\\N\t\\N\t\\N\t\\N")
    assert caught.value.message == "domain named does not allow null values"


def test_such_lines_can_be_passed_over(connection: Connection) -> None:
    lines = "1\t{1}\t(1,2)\tx", "10\t{1}\t(1,2)\tx", "2\t{2}\t\\N\ty"
    copy(connection, *lines, options="(ON_ERROR ignore)")
    assert connection.execute("SELECT a FROM t ORDER BY a").fetchall() == [(1,), (2,)]
