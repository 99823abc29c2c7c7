"""The door to parsing: a text to its statements.

text -> libpg -> raw tree -> lowering -> ParsedStatement(statement, text, start)
     -> admin, for a statement that begins with Lungfish's own words
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

from lungfish import errors
from lungfish.sql import (
    lower_aggregates,
    lower_alter,
    lower_built_ins,
    lower_create_table,
    lower_definitions,
    lower_dml,
    lower_expressions,
    lower_functions,
    lower_json,
    lower_operators,
    lower_queries,
    lower_rights,
    lower_roles,
    lower_rules,
    lower_statistics,
    lower_table_as,
    lower_types_ddl,
    lower_upkeep,
    lower_utility,
    lower_vacuum,
)
from lungfish.sql.admin import is_own, parse_own
from lungfish.sql.as_of import AsOfTail, find_as_of
from lungfish.sql.ast import Statement
from lungfish.sql.ast.routines import CreateFunction
from lungfish.sql.ast.utility import AsOf
from lungfish.sql.libpg import RawStatement, parse_raw
from lungfish.sql.lower_functions import with_body_text
from lungfish.sql.lowering import Lowering
from lungfish.sql.split import ScriptPiece, split_script


@dataclass(frozen=True, slots=True)
class ParsedStatement:
    """A statement, its own slice of the text, and where that starts; positions in it count from the whole text's start."""

    statement: Statement
    text: str
    start: int


_LOWERING = Lowering(
    expressions={**lower_expressions.EXPRESSIONS, **lower_json.JSON_EXPRESSIONS},
    from_items={**lower_queries.FROM_ITEMS, **lower_json.JSON_FROM_ITEMS},
    statements={
        **lower_create_table.STATEMENTS,
        **lower_table_as.STATEMENTS,
        **lower_dml.STATEMENTS,
        **lower_definitions.STATEMENTS,
        **lower_aggregates.STATEMENTS,
        **lower_functions.STATEMENTS,
        **lower_alter.STATEMENTS,
        **lower_types_ddl.STATEMENTS,
        **lower_operators.STATEMENTS,
        **lower_rights.STATEMENTS,
        **lower_roles.STATEMENTS,
        **lower_rules.STATEMENTS,
        **lower_statistics.STATEMENTS,
        **lower_built_ins.STATEMENTS,
        **lower_upkeep.STATEMENTS,
        **lower_utility.STATEMENTS,
        **lower_vacuum.STATEMENTS,
    },
    lower_query=lower_queries.lower_query,
)

# White space and comments before a statement. Block comments nest in PostgreSQL; one that does leaves the start a little
# early, which only moves the mark of an error that has no place of its own.
_LEADING = re.compile(r"(?:\s+|--[^\n]*(?:\n|\Z)|/\*.*?\*/)*", re.DOTALL)


# A text without these words holds none of Lungfish's own statements.
_MAYBE_OWN = re.compile(
    r"\b(?:checkpoint|wal_checkpoint|scrub|backup|restore|recovery)\b", re.IGNORECASE
)

PositionMap: TypeAlias = Callable[[int], int]


def parse(sql: str, *, position_of: PositionMap | None = None) -> list[ParsedStatement]:
    """Parse a text of any number of statements.

    Where the text was rewritten before (`rewrite_parameters`), `position_of` turns its offsets into those of the given
    one; all positions, in the tree, in errors and `start`, are then the latter.

    Raises: errors.SyntaxError as PostgreSQL 18 would; FeatureNotSupported for what Lungfish has not; both with the place.
    """
    if _MAYBE_OWN.search(sql) is not None:
        pieces = list(split_script(sql))
        if any(is_own(piece.text) or find_as_of(piece.text) for piece in pieces):
            return _parse_pieces(pieces, position_of)
    try:
        raws = parse_raw(sql, position_of)
    except errors.Error as error:
        _move(error, position_of)
        raise
    return [_lower(raw, sql, position_of) for raw in raws]


def _parse_pieces(
    pieces: list[ScriptPiece], position_of: PositionMap | None
) -> list[ParsedStatement]:
    """Parse a text that holds statements of both grammars, one by one."""
    statements = []
    for piece in pieces:
        moved = _shifted(piece.start, position_of)
        as_of = find_as_of(piece.text)
        if as_of is not None:
            statements.append(_parse_as_of(piece.text, as_of, moved))
            continue
        if not is_own(piece.text):
            statements += parse(piece.text, position_of=moved)
            continue
        try:
            statement = parse_own(piece.text)
        except errors.Error as error:
            _move(error, moved)
            raise
        if statement.position >= 0:
            statement = replace(statement, position=moved(statement.position))
        statements.append(ParsedStatement(statement, piece.text, moved(0)))
    return statements


def _parse_as_of(sql: str, as_of: AsOfTail, position_of: PositionMap) -> ParsedStatement:
    """The statement before AS OF CHECKPOINT, and which checkpoint that is. Its text is that of the statement alone."""
    position = position_of(as_of.start)
    found = parse(sql[: as_of.start], position_of=position_of)
    if len(found) != 1:
        raise errors.SyntaxError('syntax error at or near "AS"', position=position)
    (inner,) = found
    return replace(inner, statement=AsOf(inner.statement, as_of.checkpoint, position))


def _shifted(start: int, position_of: PositionMap | None) -> PositionMap:
    """From an offset in a piece to one in the given text."""
    if position_of is None:
        return start.__add__
    return lambda offset: position_of(start + offset)


def _move(error: errors.Error, position_of: PositionMap | None) -> None:
    if position_of is not None and error.position is not None:
        error.position = position_of(error.position)


def parse_one(sql: str) -> ParsedStatement:
    """Parse a text that must hold exactly one statement."""
    statements = parse(sql)
    if len(statements) != 1:
        position = statements[1].start if statements else None
        raise errors.SyntaxError(
            f"expected one statement, found {len(statements)}", position=position
        )
    return statements[0]


def _lower(raw: RawStatement, sql: str, position_of: PositionMap | None) -> ParsedStatement:
    match = _LEADING.match(sql, raw.start)
    begin = raw.start if match is None else match.end()
    start = begin if position_of is None else position_of(begin)
    try:
        statement = _LOWERING.statement(raw.node)
    except RecursionError:
        raise errors.StatementTooComplex("stack depth limit exceeded", position=start) from None
    except errors.Error as error:
        error.at(start)
        raise
    text = sql[begin : raw.end].rstrip()
    if isinstance(statement, CreateFunction) and statement.is_standard:
        statement = with_body_text(statement, text)
    return ParsedStatement(statement, text, start)
