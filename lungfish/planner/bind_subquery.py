"""Subqueries in expressions. All become `SubqueryExpr`; rules turn most of them into joins later."""

from __future__ import annotations

from lungfish import errors
from lungfish.functions.registry import Function
from lungfish.planner.bind_operator import ROW_MARK, ROW_VALUE, compare_rows
from lungfish.planner.bind_output import cast_outputs
from lungfish.planner.callees import find_operator
from lungfish.planner.coerce import coerce_implicit
from lungfish.planner.expression_tree import is_volatile
from lungfish.planner.expressions import BoundExpression, NotExpr, RowExpr, SubqueryExpr
from lungfish.planner.logical import LogicalOutput, LogicalProject
from lungfish.planner.own_operators import refuse_own_operator
from lungfish.planner.row_fields import access_field
from lungfish.planner.scope import Clause, Scope
from lungfish.planner.substitution import free_columns
from lungfish.sql.ast import expressions as ast
from lungfish.sql.ast.queries import Query
from lungfish.types.sql_type import BOOLEAN, SqlType, TypeKind, array_of

FORBIDDEN = {
    Clause.CHECK: "cannot use subquery in check constraint",
    Clause.DEFAULT: "cannot use subquery in DEFAULT expression",
    Clause.INDEX: "cannot use subquery in index expression",
    Clause.INDEX_PREDICATE: "cannot use subquery in index predicate",
    Clause.GENERATED: "cannot use subquery in column generation expression",
    Clause.PARTITION_KEY: "cannot use subquery in partition key expression",
    Clause.TRANSFORM: "cannot use subquery in transform expression",
}


def bind_inner(query: Query, scope: Scope, position: int) -> LogicalOutput:
    """The query of a subquery expression, bound with this scope around it."""
    refusal = FORBIDDEN.get(scope.clause)
    if refusal is not None:
        raise errors.FeatureNotSupported(refusal).at(position)
    state = scope.state
    state.subquery_depth += 1
    try:
        return state.bind_query(query, scope)
    finally:
        state.subquery_depth -= 1


def make_subquery(
    scope: Scope,
    kind: str,
    plan: LogicalOutput,
    type_: SqlType,
    operands: tuple[BoundExpression, ...] = (),
    operators: tuple[Function, ...] = (),
) -> SubqueryExpr:
    """The expression over a bound query, with what that uses from outside."""
    outer = free_columns(plan)
    scope.state.has_subqueries = True
    return SubqueryExpr(kind, plan, type_, operands, operators, bool(outer), outer)


def bind_scalar_subquery(node: ast.Subquery, scope: Scope) -> BoundExpression:
    """(SELECT ...) as a value."""
    plan = bind_inner(node.query, scope, node.position)
    _check_one_column(plan, node.position)
    return make_subquery(scope, "scalar", plan, plan.columns[0].type)


def _check_one_column(plan: LogicalOutput, position: int) -> None:
    if len(plan.columns) != 1:
        raise errors.SyntaxError("subquery must return only one column").at(position)


def bind_exists(node: ast.Exists, scope: Scope) -> BoundExpression:
    """EXISTS (SELECT ...)."""
    plan = bind_inner(node.query, scope, node.position)
    top = plan.input
    if isinstance(top, LogicalProject) and any(is_volatile(each) for _, each in top.items):
        # What the list would do is not asked for.
        plan = LogicalOutput(top.input, ())
    return make_subquery(scope, "exists", plan, BOOLEAN)


def bind_array_subquery(node: ast.ArraySubquery, scope: Scope) -> BoundExpression:
    """ARRAY(SELECT ...)."""
    plan = bind_inner(node.query, scope, node.position)
    _check_one_column(plan, node.position)
    return make_subquery(scope, "array", plan, array_of(plan.columns[0].type))


def bind_row_subquery(node: ast.QuantifiedSubquery, symbol: str, scope: Scope) -> BoundExpression:
    """`(a, b) op (SELECT x, y)`: the subquery yields one row value, which is compared field by field."""
    operand = scope.bind(node.operand)
    if not isinstance(operand, RowExpr):
        operand = RowExpr((operand,), SqlType(TypeKind.RECORD, fields=(operand.type,)))
    value = bind_row_value(node.query, scope, node.position)
    count = len(value.type.fields)
    if count != len(operand.items):
        many = "many" if count > len(operand.items) else "few"
        raise errors.SyntaxError(f"subquery has too {many} columns").at(node.position)
    right = RowExpr(tuple(access_field(value, index) for index in range(count)), value.type)
    return compare_rows(symbol, operand, right, scope, node.position)


def bind_row_value(query: Query, scope: Scope, position: int) -> SubqueryExpr:
    """The subquery's one row as a value."""
    plan = bind_inner(query, scope, position)
    fields = tuple(column.type for column in plan.columns)
    type_ = SqlType(TypeKind.RECORD, labels=tuple(c.name for c in plan.columns), fields=fields)
    column = scope.state.new_column("row", type_)
    project = LogicalProject(plan.input, ((column, RowExpr(plan.columns, type_)),))
    return make_subquery(scope, "scalar", LogicalOutput(project, (column,)), type_)


def check_column_count(count: int, plan: LogicalOutput, position: int) -> None:
    """Raise if the subquery does not give `count` columns."""
    if len(plan.columns) > count:
        raise errors.SyntaxError("subquery has too many columns").at(position)
    if len(plan.columns) < count:
        raise errors.SyntaxError("subquery has too few columns").at(position)


def bind_quantified_subquery(node: ast.QuantifiedSubquery, scope: Scope) -> BoundExpression:
    """`x op ANY (SELECT ...)` or ALL, x perhaps a row.

    `<> ALL` is NOT `= ANY`, and `<> ANY` is NOT `= ALL`; so rows are only ever compared for equality.
    """
    if node.operator == ROW_VALUE:
        return bind_row_value(node.query, scope, node.position)
    if node.operator.startswith(ROW_MARK):
        return bind_row_subquery(node, node.operator.removeprefix(ROW_MARK), scope)
    last_set_call = scope.last_set_call
    operand = scope.bind(node.operand)
    if scope.last_set_call is not last_set_call:
        raise errors.DatatypeMismatch("row comparison operator must not return a set").at(
            node.position
        )
    plan = bind_inner(node.query, scope, node.position)
    # A whole row is one value, that of a table's type; ROW(...), whatever it was cast to, is several.
    written = node.operand
    while isinstance(written, ast.Cast):
        written = written.operand
    is_row = isinstance(operand, RowExpr) and isinstance(written, ast.Row)
    lefts = operand.items if is_row else (operand,)  # type: ignore[union-attr]
    check_column_count(len(lefts), plan, node.position)
    if len(lefts) > 1 and node.operator not in ("=", "<>"):
        raise errors.FeatureNotSupported(
            f"comparison of a row with the rows of a subquery by {node.operator} is not supported"
        ).at(node.position)
    if node.operator == "<>":
        kind = "any" if node.is_all else "all"
        return NotExpr(_quantified(kind, "=", lefts, plan, scope, node.position))
    kind = "all" if node.is_all else "any"
    return _quantified(kind, node.operator, lefts, plan, scope, node.position)


def _quantified(
    kind: str,
    symbol: str,
    lefts: tuple[BoundExpression, ...],
    plan: LogicalOutput,
    scope: Scope,
    position: int,
) -> BoundExpression:
    operators: list[Function] = []
    operands: list[BoundExpression] = []
    wanted: list[SqlType] = []
    for left, column in zip(lefts, plan.columns, strict=True):
        refuse_own_operator(symbol, (left.type, column.type), scope, position)
        found = find_operator(symbol, (left.type, column.type), position)
        if found.result != BOOLEAN:
            raise errors.DatatypeMismatch(
                f"row comparison operator must yield type boolean, not type {found.result}"
            ).at(position)
        operands.append(coerce_implicit(left, found.argument_types[0], scope.state, position))
        operators.append(found.callee)
        wanted.append(found.argument_types[1])
    typed = cast_outputs(plan, wanted, scope.state, position)
    return make_subquery(scope, kind, typed, BOOLEAN, tuple(operands), tuple(operators))
