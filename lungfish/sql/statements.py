"""The door to parsing: a text to its statements.

text -> [own words? admin] -> libpg -> lowering -> ParsedStatement(statement, text, start)
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lungfish import errors
from lungfish.sql import (
    lower_alter,
    lower_definitions,
    lower_dml,
    lower_expressions,
    lower_queries,
    lower_tables,
    lower_utility,
)
from lungfish.sql.ast import Statement
from lungfish.sql.libpg import RawStatement, parse_raw
from lungfish.sql.lowering import Lowering


@dataclass(frozen=True, slots=True)
class ParsedStatement:
    """A statement, its own slice of the text, and where that starts; positions in it count from the whole text's start."""

    statement: Statement
    text: str
    start: int


_LOWERING = Lowering(
    expressions=lower_expressions.EXPRESSIONS,
    from_items=lower_queries.FROM_ITEMS,
    statements={
        **lower_tables.STATEMENTS,
        **lower_dml.STATEMENTS,
        **lower_definitions.STATEMENTS,
        **lower_alter.STATEMENTS,
        **lower_utility.STATEMENTS,
    },
    lower_query=lower_queries.lower_query,
)

# White space and comments before a statement. Block comments nest in PostgreSQL; one that does leaves the start a little
# early, which only moves the mark of an error that has no place of its own.
_LEADING = re.compile(r"(?:\s+|--[^\n]*(?:\n|\Z)|/\*.*?\*/)*", re.DOTALL)


def parse(sql: str) -> list[ParsedStatement]:
    """Parse a text of any number of statements.

    Raises: errors.SyntaxError as PostgreSQL 18 would; FeatureNotSupported for what Lungfish has not; both with the place.
    """
    return [_lower(raw, sql) for raw in parse_raw(sql)]


def parse_one(sql: str) -> ParsedStatement:
    """Parse a text that must hold exactly one statement."""
    statements = parse(sql)
    if len(statements) != 1:
        position = statements[1].start if statements else None
        raise errors.SyntaxError(
            f"expected one statement, found {len(statements)}", position=position
        )
    return statements[0]


def _lower(raw: RawStatement, sql: str) -> ParsedStatement:
    match = _LEADING.match(sql, raw.start)
    start = raw.start if match is None else match.end()
    try:
        statement = _LOWERING.statement(raw.node)
    except RecursionError:
        raise errors.StatementTooComplex("stack depth limit exceeded", position=start) from None
    except errors.Error as error:
        error.at(start)
        raise
    return ParsedStatement(statement, sql[start : raw.end].rstrip(), start)
