"""MERGE_ACTION(): what a MERGE did with the row that its RETURNING is evaluated for, a hidden column beside the row's own."""

from __future__ import annotations

from lungfish import errors
from lungfish.planner.bind_state import BindState
from lungfish.planner.expressions import BoundExpression, ColumnRef
from lungfish.planner.scope import RangeEntry, Scope
from lungfish.sql.ast import expressions as ast
from lungfish.types.sql_type import TEXT

MERGE_ACTION = "merge_action"
# No alias of a statement is spelled so by accident, and nothing depends on it but the look-up.
_ALIAS = "merge_action()"


def merge_action_entry(state: BindState) -> tuple[RangeEntry, ColumnRef]:
    """What gives MERGE_ACTION() to a RETURNING, and its column."""
    column = state.new_column(MERGE_ACTION, TEXT)
    entry = RangeEntry(_ALIAS, [MERGE_ACTION], refs=[column])
    entry.shows_columns = False
    return entry, column


def bind_merge_action(node: ast.FunctionCall, scope: Scope) -> BoundExpression:
    """The call, in RETURNING of a MERGE or in a subquery there. Raises SyntaxError elsewhere."""
    level: Scope | None = scope
    while level is not None:
        if any(entry.alias == _ALIAS for entry in level.entries):
            return scope.bind(ast.Name((_ALIAS, MERGE_ACTION), node.position))
        level = level.parent
    raise errors.SyntaxError(
        "MERGE_ACTION() can only be used in the RETURNING list of a MERGE command"
    ).at(node.position)
