"""TABLESAMPLE: a table's rows filtered by their addresses; see functions/table_sample.py."""

from __future__ import annotations

from lungfish import errors
from lungfish.functions.table_sample import STATEMENT_SEED, sample_function
from lungfish.planner.coerce import coerce_with
from lungfish.planner.expressions import BoundExpression, Call, ColumnRef, Constant
from lungfish.planner.scope import Clause, Scope
from lungfish.sql.ast.expressions import Expression
from lungfish.sql.ast.queries import TableSample
from lungfish.storage.ids import SLOT_BITS
from lungfish.types.coercion import CastContext, can_coerce
from lungfish.types.sql_type import BOOLEAN, DOUBLE, INTEGER, REAL, SqlType

_METHODS = {
    "bernoulli": sample_function("bernoulli", 0),
    # All rows of a page, or none.
    "system": sample_function("system", SLOT_BITS),
}


def bind_sample(sample: TableSample, tuple_id: ColumnRef, scope: Scope) -> BoundExpression:
    """The condition that the sample puts on a table's rows. Raises UndefinedObject, InvalidTablesampleArgument."""
    method = _METHODS.get(sample.method)
    if method is None:
        raise errors.UndefinedObject(f"tablesample method {sample.method} does not exist").at(
            sample.position
        )
    if len(sample.arguments) != 1:
        raise errors.InvalidTablesampleArgument(
            f"tablesample method {sample.method} requires 1 argument, not {len(sample.arguments)}"
        ).at(sample.position)
    state = scope.state
    around = Scope(state, scope.parent_or_empty())
    around.clause = Clause.FROM_FUNCTION
    percent = _bound(sample.arguments[0], REAL, "TABLESAMPLE", around)
    if sample.seed is not None:
        seed = _bound(sample.seed, DOUBLE, "REPEATABLE", around)
    else:
        number = Constant(state.next_column, INTEGER)
        seed = Call(STATEMENT_SEED, (number,), DOUBLE)
        state.has_volatile = True
    return Call(method, (tuple_id, percent, seed), BOOLEAN, position=-1)


def _bound(node: Expression, wanted: SqlType, what: str, scope: Scope) -> BoundExpression:
    bound = scope.bind(node)
    if not can_coerce(bound.type, wanted, CastContext.ASSIGNMENT):
        raise errors.DatatypeMismatch(
            f"argument of {what} must be type {wanted}, not type {bound.type.unmodified}"
        ).at(node.position)
    if isinstance(bound, Call) and bound.function.returns_set:
        raise errors.DatatypeMismatch(f"argument of {what} must not return a set").at(node.position)
    return coerce_with(bound, wanted, CastContext.ASSIGNMENT, scope.state, node.position)


def refuse_sample(sample: TableSample) -> errors.Error:
    """The refusal of a sample of something that is no table."""
    return errors.FeatureNotSupported(
        "TABLESAMPLE clause can only be applied to tables and materialized views"
    ).at(sample.position)
