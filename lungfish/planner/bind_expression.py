"""Expressions of the syntax tree bound: names to columns, operators and functions to signatures, casts made explicit.

`bind_expression` looks the node's class up in one table. What is large stands apart: names (bind_name.py), operators and
comparisons (bind_operator.py), calls (bind_call.py), subqueries (bind_subquery.py); they come back here through the function
itself, handed to them in the `Scope`'s state, so that no module imports another in a circle.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from lungfish import errors
from lungfish.planner.bind_call import bind_call
from lungfish.planner.bind_collection import bind_array, bind_field_access, bind_row, bind_subscript
from lungfish.planner.bind_grouping import GROUPING
from lungfish.planner.bind_json import JSON_BINDERS
from lungfish.planner.bind_name import bind_name, bind_star
from lungfish.planner.bind_operator import (
    bind_between,
    bind_binary,
    bind_in_list,
    bind_is_distinct,
    bind_is_null,
    bind_pattern_match,
    bind_quantified_array,
    bind_unary,
    make_operator,
)
from lungfish.planner.bind_subquery import (
    bind_array_subquery,
    bind_exists,
    bind_quantified_subquery,
    bind_scalar_subquery,
)
from lungfish.planner.bind_type import bind_cast
from lungfish.planner.coerce import coerce_boolean, coerce_common, resolve_unknown
from lungfish.planner.collated_calls import COLLATE
from lungfish.planner.expression_tree import columns_of, is_volatile
from lungfish.planner.expressions import (
    AndAll,
    BoundExpression,
    Call,
    CaseExpr,
    CoalesceExpr,
    Constant,
    ExtremeExpr,
    IsBooleanExpr,
    NotExpr,
    OrAny,
)
from lungfish.planner.scope import AGGREGATES_ALLOWED, Scope
from lungfish.planner.sort_keys import check_compared
from lungfish.sql.ast import expressions as ast
from lungfish.types.collations import collation_of_type, find_collation
from lungfish.types.sql_type import (
    BIGINT,
    BOOLEAN,
    INTEGER,
    NAME,
    NUMERIC,
    UNKNOWN,
    SqlType,
    TypeKind,
)

INTEGER_MAX = 2**31 - 1
BIGINT_MAX = 2**63 - 1


def bind_expression(node: ast.Expression, scope: Scope) -> BoundExpression:
    """The node bound in the scope."""
    binder = _BINDERS.get(type(node))
    if binder is None:
        raise errors.FeatureNotSupported(f"{type(node).__name__} is not supported here").at(
            node.position
        )
    return binder(node, scope)


def bind_predicate(node: ast.Expression, scope: Scope, what: str) -> BoundExpression:
    """The node bound as a condition; `what` names the clause in the error."""
    return coerce_boolean(scope.bind(node), what, scope.state, node.position)


def bind_literal(node: ast.Literal, _scope: Scope) -> BoundExpression:
    """A constant. Numbers take the smallest of integer, bigint and numeric; strings stay unknown until something types them."""
    kind = node.kind
    if kind is ast.Literal.Kind.STRING:
        return Constant(node.text, UNKNOWN, node.position)
    if kind is ast.Literal.Kind.INTEGER:
        value = int(node.text)
        if -INTEGER_MAX - 1 <= value <= INTEGER_MAX:
            return Constant(value, INTEGER)
        if -BIGINT_MAX - 1 <= value <= BIGINT_MAX:
            return Constant(value, BIGINT)
        return Constant(Decimal(value), NUMERIC)
    if kind is ast.Literal.Kind.NULL:
        return Constant(None, UNKNOWN)
    if kind is ast.Literal.Kind.BOOLEAN:
        return Constant(node.text == "true", BOOLEAN)
    if kind is ast.Literal.Kind.DECIMAL:
        return Constant(Decimal(node.text), NUMERIC)
    return _bit_string(node)


def _bit_string(node: ast.Literal) -> Constant:
    text = node.text
    if text[:1] in ("x", "X"):
        try:
            text = "".join(f"{int(digit, 16):04b}" for digit in text[1:])
        except ValueError:
            wrong = text[1:].strip("0123456789abcdefABCDEF")[0]
            raise errors.InvalidTextRepresentation(
                f'"{wrong}" is not a valid hexadecimal digit'
            ).at(node.position) from None
    elif text.strip("01"):
        wrong = text.strip("01")[0]
        raise errors.InvalidTextRepresentation(f'"{wrong}" is not a valid binary digit').at(
            node.position
        )
    return Constant(text, SqlType(TypeKind.BIT, (len(text),)))


def bind_parameter(node: ast.Parameter, scope: Scope) -> BoundExpression:
    """A place for a value, or in a routine's body its parameter."""
    frame = scope.state.routine
    if frame is not None:
        if node.index >= len(frame.arguments):
            raise errors.UndefinedParameter(f"there is no parameter ${node.index + 1}").at(
                node.position
            )
        return frame.arguments[node.index]
    return scope.state.parameters.reference(node.index, node.position)


def _bind_logic(node: ast.And | ast.Or, scope: Scope) -> BoundExpression:
    word = "AND" if isinstance(node, ast.And) else "OR"
    make = AndAll if isinstance(node, ast.And) else OrAny
    operands: list[BoundExpression] = []
    for operand in node.operands:
        bound = _bind_one_truth(operand, word, scope)
        if type(bound) is make:
            operands.extend(bound.operands)
        else:
            operands.append(bound)
    return make(tuple(operands))


def _bind_not(node: ast.Not, scope: Scope) -> BoundExpression:
    return NotExpr(_bind_one_truth(node.operand, "NOT", scope))


def _bind_one_truth(operand: ast.Expression, what: str, scope: Scope) -> BoundExpression:
    """The operand as a condition. Raises DatatypeMismatch for a set: `what` is not applied row by row."""
    before = scope.last_set_call
    bound = coerce_boolean(scope.bind(operand), what, scope.state, operand.position)
    if scope.last_set_call is not before and operand.position >= 0:
        raise errors.DatatypeMismatch(f"argument of {what} must not return a set").at(
            operand.position
        )
    return bound


def _bind_is_boolean(node: ast.IsBoolean, scope: Scope) -> BoundExpression:
    word = {True: "TRUE", False: "FALSE", None: "UNKNOWN"}[node.value]
    what = f"IS NOT {word}" if node.is_negated else f"IS {word}"
    operand = _bind_one_truth(node.operand, what, scope)
    return IsBooleanExpr(operand, node.value, node.is_negated)


def _refuse_volatile(operand: BoundExpression, word: str, position: int) -> None:
    """What is compared is bound into every comparison, and so must answer the same each time."""
    if is_volatile(operand):
        raise errors.FeatureNotSupported(
            f"a volatile function in the operand of {word} is not supported",
            hint="Compute the operand in a subquery of FROM, with OFFSET 0.",
        ).at(position)


def _refuse_sets(
    node: ast.Case | ast.Coalesce, word: str, before: Call | None, scope: Scope
) -> None:
    """Raise if a set-returning call was bound since `before` was the last one. Those of inlined functions, whose places are unknown,
    are calls in PostgreSQL, to which sets may be given."""
    last = scope.last_set_call
    if last is not None and last is not before and node.position >= 0:
        raise errors.FeatureNotSupported(
            f"set-returning functions are not allowed in {word}",
            hint="You might be able to move the set-returning function into a LATERAL FROM item.",
        ).at(last.position)


def _bind_case(node: ast.Case, scope: Scope) -> BoundExpression:
    state = scope.state
    last_set_call = scope.last_set_call
    conditions: list[BoundExpression] = []
    results: list[BoundExpression] = []
    operand = None if node.operand is None else scope.bind(node.operand)
    if operand is not None and operand.type.kind is TypeKind.UNKNOWN:
        operand = resolve_unknown(operand, state, node.position)
    if operand is not None and len(node.branches) > 1:
        _refuse_volatile(operand, "CASE", node.position)
    for branch in node.branches:
        before = scope.last_set_call
        if operand is None:
            conditions.append(bind_predicate(branch.condition, scope, "CASE/WHEN"))
        else:
            value = scope.bind(branch.condition)
            conditions.append(make_operator("=", operand, value, scope, branch.condition.position))
        if scope.last_set_call is not before and node.position >= 0:
            raise errors.DatatypeMismatch("argument of CASE/WHEN must not return a set").at(
                branch.condition.position
            )
        results.append(scope.bind(branch.result))
    default: BoundExpression = Constant(None, UNKNOWN)
    default_position = node.position
    if node.default is not None:
        default = scope.bind(node.default)
        default_position = node.default.position
    # PostgreSQL looks at ELSE first when it picks the common type.
    positions = [default_position, *(branch.result.position for branch in node.branches)]
    typed, type_ = coerce_common([default, *results], "CASE", state, positions)
    branches = tuple(zip(conditions, typed[1:], strict=True))
    _refuse_sets(node, "CASE", last_set_call, scope)
    return CaseExpr(branches, typed[0], type_)


def _bind_coalesce(node: ast.Coalesce, scope: Scope) -> BoundExpression:
    last_set_call = scope.last_set_call
    operands = [scope.bind(operand) for operand in node.operands]
    positions = [operand.position for operand in node.operands]
    typed, type_ = coerce_common(operands, "COALESCE", scope.state, positions)
    _refuse_sets(node, "COALESCE", last_set_call, scope)
    return CoalesceExpr(tuple(typed), type_)


def _bind_extreme(node: ast.Extreme, scope: Scope) -> BoundExpression:
    operands = [scope.bind(operand) for operand in node.operands]
    positions = [operand.position for operand in node.operands]
    word = "GREATEST" if node.is_greatest else "LEAST"
    typed, type_ = coerce_common(operands, word, scope.state, positions)
    check_compared(type_, node.position)
    return ExtremeExpr(node.is_greatest, tuple(typed), type_)


def _bind_null_if(node: ast.NullIf, scope: Scope) -> BoundExpression:
    left, right = scope.bind(node.left), scope.bind(node.right)
    equal = make_operator("=", left, right, scope, node.position)
    if isinstance(equal, Call):
        # The result is what the comparison saw: text of a varchar, numeric where an integer meets one.
        left = equal.arguments[0]
    elif left.type.kind is TypeKind.UNKNOWN:
        (left, _), _ = coerce_common([left, right], "NULLIF", scope.state, [node.position] * 2)
    _refuse_volatile(left, "NULLIF", node.position)
    return CaseExpr(((equal, Constant(None, left.type)),), left, left.type)


def _bind_collate(node: ast.Collate, scope: Scope) -> BoundExpression:
    state = scope.state
    name = find_collation(node.collation, state.catalog.has_namespace, node.position)
    operand = scope.bind(node.operand)
    kind = operand.type
    if kind.kind is not TypeKind.UNKNOWN and collation_of_type(kind) is None:
        raise errors.DatatypeMismatch(f"collations are not supported by type {kind}").at(
            node.position
        )
    state.has_collations = True
    if state.trace is not None:
        operand = resolve_unknown(operand, state, node.operand.position)
        kind = operand.type
    return Call(COLLATE, (operand, Constant(name, NAME)), kind, position=node.position)


def _bind_default(node: ast.Default, _scope: Scope) -> BoundExpression:
    raise errors.SyntaxError("DEFAULT is not allowed in this context").at(node.position)


def _bind_grouping(node: ast.Grouping, scope: Scope) -> BoundExpression:
    # Which keys there are is known only when the whole query is bound; bind_grouping.py replaces the call.
    if scope.is_in_aggregate:
        raise errors.GroupingError("aggregate function calls cannot be nested").at(node.position)
    scope.is_in_aggregate = True
    try:
        operands = tuple([scope.bind(operand) for operand in node.operands])
    finally:
        scope.is_in_aggregate = False
    if scope.clause not in AGGREGATES_ALLOWED:
        raise errors.GroupingError(
            f"grouping operations are not allowed in {scope.clause.value}"
        ).at(node.position)
    own = {ref.index for entry in scope.entries for ref in entry.columns()}
    own.update(flag.index for _, flag in scope.state.row_flags.values())
    if any(not columns_of(operand) <= own for operand in operands):
        raise errors.FeatureNotSupported(
            "GROUPING of the keys of an enclosing query is not supported"
        ).at(node.position)
    scope.state.has_grouping = True
    return Call(GROUPING, operands, INTEGER, position=node.position)


ExpressionBinder = Callable[[Any, Scope], BoundExpression]

_BINDERS: dict[type, ExpressionBinder] = {
    ast.Literal: bind_literal,
    ast.Parameter: bind_parameter,
    ast.Name: bind_name,
    ast.Star: bind_star,
    ast.Unary: bind_unary,
    ast.Binary: bind_binary,
    ast.PatternMatch: bind_pattern_match,
    ast.And: _bind_logic,
    ast.Or: _bind_logic,
    ast.Not: _bind_not,
    ast.IsNull: bind_is_null,
    ast.IsBoolean: _bind_is_boolean,
    ast.IsDistinct: bind_is_distinct,
    ast.Between: bind_between,
    ast.InList: bind_in_list,
    ast.Cast: bind_cast,
    ast.Case: _bind_case,
    ast.Coalesce: _bind_coalesce,
    ast.NullIf: _bind_null_if,
    ast.Extreme: _bind_extreme,
    ast.FunctionCall: bind_call,
    ast.Subquery: bind_scalar_subquery,
    ast.Exists: bind_exists,
    ast.ArraySubquery: bind_array_subquery,
    ast.QuantifiedSubquery: bind_quantified_subquery,
    ast.QuantifiedArray: bind_quantified_array,
    ast.Row: bind_row,
    ast.ArrayConstructor: bind_array,
    ast.Subscript: bind_subscript,
    ast.FieldAccess: bind_field_access,
    ast.Collate: _bind_collate,
    ast.Grouping: _bind_grouping,
    ast.Default: _bind_default,
    **JSON_BINDERS,
}
