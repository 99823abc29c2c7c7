"""Where errors in expressions that a definition stores are marked: in the statement's own text."""

from __future__ import annotations

import pytest

import lungfish


@pytest.mark.parametrize(
    ("sql", "marked"),
    [
        ("CREATE TABLE x (a int DEFAULT 'wrong')", "'wrong'"),
        ("CREATE TABLE x (a int DEFAULT other)", "other"),
        ("CREATE TABLE x (a int DEFAULT (SELECT 1))", "(SELECT 1)"),
        ("CREATE TABLE x (a int CHECK (zz > 1))", "zz"),
        ("CREATE TABLE x (a int, g int GENERATED ALWAYS AS (zz + 1) STORED)", "zz"),
        ("ALTER TABLE t ADD CHECK (zz > 1)", "zz"),
        ("ALTER TABLE t ALTER a SET DEFAULT 'wrong'", "'wrong'"),
        ("ALTER TABLE t ALTER a TYPE text USING zz", "zz"),
        ("CREATE INDEX ON t ((a + zz))", "zz"),
        ("CREATE INDEX ON t (a) WHERE label", "label"),
    ],
)
def test_an_error_in_a_stored_expression_is_marked_in_the_statement(sql: str, marked: str) -> None:
    with lungfish.connect(":memory:", autocommit=True) as connection:
        connection.execute("CREATE TABLE t (a int, label text)")
        with pytest.raises(lungfish.Error) as caught:
            connection.execute(sql)
    position = caught.value.position
    assert position is not None
    assert sql[position:].startswith(marked)


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE x (a int CHECK (zz), b int CHECK (zz))",
        # It is read as it is stored, with brackets around each comparison.
        "CREATE TABLE x (a int CHECK (a > 0 AND zz > 1))",
    ],
)
def test_an_error_in_a_text_that_the_statement_has_twice_or_otherwise_is_not_marked(
    sql: str,
) -> None:
    with (
        lungfish.connect(":memory:", autocommit=True) as connection,
        pytest.raises(lungfish.Error) as caught,
    ):
        connection.execute(sql)
    assert caught.value.position is None
