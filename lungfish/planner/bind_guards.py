"""Conditions of rules DO INSTEAD: a statement is not done to the rows for which one of them holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lungfish.catalog.objects import Table
from lungfish.planner.bind_state import BindState
from lungfish.planner.coerce import coerce_boolean
from lungfish.planner.expressions import BoundExpression, IsBooleanExpr
from lungfish.planner.scope import Clause, RangeEntry, Scope
from lungfish.sql.ast.expressions import Expression
from lungfish.types.frozen import frozen


@frozen
class Guard:
    """The condition of one rule; its names are looked for by `search_path`."""

    condition: Expression
    search_path: tuple[str, ...]


def bind_guards(
    guards: Sequence[Guard],
    table: Table,
    rows: Mapping[str, Sequence[BoundExpression]],
    state: BindState,
) -> tuple[BoundExpression, ...]:
    """`condition IS NOT TRUE` of each; `rows` are what `old` and `new` stand for, of the table's columns."""
    names = [column.name for column in table.columns]
    entries = [RangeEntry(word, names, refs=row) for word, row in rows.items()]
    for entry in entries:
        entry.table = table
        entry.shows_columns = False
    found: list[BoundExpression] = []
    outer_path = state.search_path
    for guard in guards:
        scope = Scope(state, None, entries)
        scope.clause = Clause.WHERE
        state.search_path = guard.search_path
        try:
            bound = coerce_boolean(scope.bind(guard.condition), "WHERE", state, -1)
        finally:
            state.search_path = outer_path
        found.append(IsBooleanExpr(bound, True, is_negated=True))
    return tuple(found)
