"""Asking the catalog: a query with named parameters, its result as text."""

from __future__ import annotations

from lungfish import Connection
from lungfish.repl.formats import ResultText


def query(connection: Connection, sql: str, **values: object) -> ResultText:
    """Run a query; its result as text."""
    cursor = connection.execute(sql, values or None)
    description = cursor.description or ()
    return ResultText(
        tuple([column.name for column in description]),
        tuple([str(column.type_code) for column in description]),
        cursor.fetch_text(),
    )


def rows_of(connection: Connection, sql: str, **values: object) -> list[list[str]]:
    """Its rows, NULL as an empty text."""
    result = query(connection, sql, **values)
    return [["" if value is None else value for value in row] for row in result.rows]


def rights_shown(items: str) -> str:
    """The column of an access list, one grantee a line, as psql shows it."""
    return f"""CASE WHEN pg_catalog.cardinality({items}) = 0 THEN '(none)'
               ELSE pg_catalog.array_to_string({items}, chr(10)) END AS "Access privileges\""""
