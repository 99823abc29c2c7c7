"""WHERE CURRENT OF: the row of the changed table that a cursor stands on."""

from __future__ import annotations

from typing import Any

from lungfish import errors
from lungfish.functions.registry import Function, FunctionContext, Volatility
from lungfish.planner.callees import find_operator
from lungfish.planner.expressions import BoundExpression, Call, ColumnRef, Constant
from lungfish.sql.ast.expressions import CurrentOf
from lungfish.types.sql_type import BIGINT, OID, TEXT


def _current_row(context: FunctionContext, cursor: str, table_oid: int) -> Any:
    return context.cursor_row(cursor, table_oid)


# The TupleId of the row of a table on which a cursor stands; NULL if its row is one of another table.
CURRENT_ROW = Function(
    "current_of",
    (TEXT, OID),
    BIGINT,
    _current_row,
    volatility=Volatility.STABLE,
    needs_context=True,
)


def bind_current_of(
    node: CurrentOf, tuple_id: ColumnRef, table_oid: BoundExpression, *, is_view: bool
) -> BoundExpression:
    """The condition over the rows of the table that is changed. Raises FeatureNotSupported for a view's."""
    if is_view:
        raise errors.FeatureNotSupported("WHERE CURRENT OF on a view is not implemented")
    current = Call(CURRENT_ROW, (Constant(node.cursor, TEXT), table_oid), BIGINT)
    found = find_operator("=", (BIGINT, BIGINT))
    return Call(found.callee, (tuple_id, current), found.result)
