"""Literals of stored texts that mean what they mean when the text is stored.

`'today'::date` in a view is the day on which the view was made, and `'01/02/2020'` the day that DateStyle then said, as in PostgreSQL,
which stores constants. We store texts, so such a literal is replaced in it by one that means the same at all times.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from lungfish import errors
from lungfish.catalog.catalog import Catalog
from lungfish.planner.binder import bind_statement, new_state
from lungfish.planner.expression_tree import walk
from lungfish.planner.expressions import BoundExpression, CastTo, Constant, SubqueryExpr
from lungfish.planner.literals import is_fixed_text
from lungfish.planner.logical import LogicalPlan
from lungfish.planner.plan_tree import expressions_of, walk_plan
from lungfish.sql.ast.queries import Query
from lungfish.sql.quoting import quote_literal
from lungfish.sql.statements import parse
from lungfish.sql.tokens import tokens
from lungfish.types.casts import require_find_cast
from lungfish.types.settings import CANONICAL, TextSettings
from lungfish.types.sql_type import UNKNOWN, SqlType, TypeKind
from lungfish.types.text_format import format_value

_DATED = frozenset(
    {
        TypeKind.DATE, TypeKind.TIME, TypeKind.TIMETZ, TypeKind.TIMESTAMP, TypeKind.TIMESTAMPTZ, TypeKind.INTERVAL,
    }
)  # fmt: skip


def settle_literals(
    text: str, catalog: Catalog, search_path: Sequence[str], settings: TextSettings
) -> str:
    """The text of a query, in which no literal's meaning depends on the settings or on the clock."""
    return _settled_text(text, _unsettled_in(text, catalog, search_path), settings)


def _unsettled_in(
    text: str, catalog: Catalog, search_path: Sequence[str]
) -> dict[int, tuple[str, SqlType]]:
    """The literals of a query, by their places, that are not settled."""
    if "'" not in text:
        return {}
    query = parse(text)[0].statement
    assert isinstance(query, Query), "what is stored is a query"
    bound = bind_statement(query, new_state(catalog, tuple(search_path)))
    return dict(filter(None, map(_unsettled, _casts(bound.root))))


def _settled_text(
    text: str, unsettled: Mapping[int, tuple[str, SqlType]], settings: TextSettings
) -> str:
    if not unsettled:
        return text
    words = list(tokens(text))
    pieces = [text[token.start : token.end] for token in words]
    settled: dict[tuple[str, ...], str] = {}
    wanted: tuple[str, SqlType] | None = None
    for at, token in enumerate(words):
        # The place of `date 'today'` is that of its first word.
        wanted = unsettled.get(token.start, wanted)
        if wanted is not None and pieces[at] == quote_literal(wanted[0]):
            cast = tuple(pieces[at : at + 4])
            pieces[at], wanted = quote_literal(_settled(*wanted, settings)), None
            settled[cast] = pieces[at]
    # An item of GROUP BY or DISTINCT ON that is one of the select list is bound once, and must stay the same.
    for at in range(len(pieces)):
        cast = tuple(pieces[at : at + 4])
        if cast in settled and cast[1:3] == (":", ":"):
            pieces[at] = settled[cast]
    return "".join(pieces)


def settle_default(
    text: str,
    type_text: str,
    catalog: Catalog,
    search_path: Sequence[str],
    settings: TextSettings,
) -> str:
    """The text of a column's default, which is assigned to that type."""
    before, behind = "SELECT CAST((", f") AS {type_text})"
    try:
        unsettled = _unsettled_in(before + text + behind, catalog, search_path)
    except errors.Error:
        # What is wrong with it is said when it is bound for its column.
        return text
    settled = _settled_text(before + text + behind, unsettled, settings)
    return settled.removeprefix(before).removesuffix(behind)


def _casts(plan: LogicalPlan) -> Iterator[CastTo]:
    for node in walk_plan(plan):
        for expression in expressions_of(node):
            yield from _casts_within(expression)


def _casts_within(expression: BoundExpression) -> Iterator[CastTo]:
    for node in walk(expression):
        if isinstance(node, CastTo):
            yield node
        elif isinstance(node, SubqueryExpr):
            yield from _casts(node.plan)  # type: ignore[arg-type]


def _unsettled(node: CastTo) -> tuple[int, tuple[str, SqlType]] | None:
    """The place of a literal whose meaning is not settled, its text and type; None for anything else."""
    operand = node.operand
    if not isinstance(operand, Constant) or not isinstance(operand.value, str):
        return None
    if operand.type.kind not in (TypeKind.TEXT, TypeKind.UNKNOWN) or node.position < 0:
        return None
    if not _is_dated(node.type) or is_fixed_text(operand.value, node.type):
        return None
    return node.position, (operand.value, node.type)


def _is_dated(type_: SqlType) -> bool:
    element = type_.element
    return type_.kind in _DATED or (element is not None and element.kind in _DATED)


def _settled(text: str, type_: SqlType, settings: TextSettings) -> str:
    cast = require_find_cast(UNKNOWN, type_, is_explicit=True)
    return format_value(cast.scalar(text, settings), type_, CANONICAL)
