"""Operators and comparisons: binary and prefix operators, rows compared, BETWEEN, IN, LIKE, IS NULL, IS DISTINCT FROM."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lungfish import errors
from lungfish.catalog.operator_objects import UserOperator
from lungfish.functions.registry import Function, Polymorphic
from lungfish.planner.callees import find_function, find_operator
from lungfish.planner.coerce import coerce_arguments, coerce_implicit, common_type, try_common_type
from lungfish.planner.compare_records import record_operator
from lungfish.planner.expression_tree import columns_of, has_subquery
from lungfish.planner.expressions import (
    AndAll,
    BoundExpression,
    Call,
    CaseExpr,
    ColumnRef,
    Constant,
    InListExpr,
    IsDistinctExpr,
    IsNullExpr,
    OrAny,
    ParameterRef,
    QuantifiedArrayExpr,
    RowExpr,
)
from lungfish.planner.own_operators import (
    bind_own_operator,
    choose_operator,
    refuse_own_operator,
    require_operator_schema,
)
from lungfish.planner.scope import Scope
from lungfish.sql.ast import expressions as ast
from lungfish.types.sql_type import BOOLEAN, SqlType, TypeKind, array_of

COMPARISONS = frozenset({"=", "<>", "<", "<=", ">", ">="})
# Before the operator of a QuantifiedSubquery that stands for `(a, b) op (SELECT x, y)`, a single row.
ROW_MARK = "row "
# The operator of one that stands for the subquery's one row as a value: (a, b) = (SELECT x, y) in SET.
ROW_VALUE = "row value"
STRICT_OF = {"<=": "<", ">=": ">", "<": "<", ">": ">"}


def make_operator(
    symbol: str, left: BoundExpression, right: BoundExpression, scope: Scope, position: int
) -> BoundExpression:
    """`left symbol right`, the operands cast to what the signature asks for."""
    if isinstance(left, RowExpr) and isinstance(right, RowExpr):
        return compare_rows(symbol, left, right, scope, position)
    return _call_operator(symbol, left, right, scope, position)


def _call_operator(
    symbol: str,
    left: BoundExpression,
    right: BoundExpression,
    scope: Scope,
    position: int,
    schema: str | None = None,
) -> BoundExpression:
    own = bind_own_operator(symbol, schema, (left, right), scope, position)
    if own is not None:
        return own
    if TypeKind.RECORD in (left.type.kind, right.type.kind) and symbol in COMPARISONS:
        left, right = _typed_null(left, right.type), _typed_null(right, left.type)
        if left.type.kind is right.type.kind:
            operator = _record_operator(symbol, left, right, position)
            return Call(operator, (left, right), BOOLEAN, position=position)
    found = find_operator(symbol, (left.type, right.type), position)
    arguments = coerce_arguments((left, right), found, scope.state, (position, position))
    return Call(found.callee, arguments, found.result, position=position)


def _typed_null(node: BoundExpression, other: SqlType) -> BoundExpression:
    """NULL beside a row is a row; texts cannot be read as rows whose fields nobody named."""
    if node.type.kind is TypeKind.UNKNOWN and _is_null(node):
        return Constant(None, other)
    return node


def _record_operator(
    symbol: str, left: BoundExpression, right: BoundExpression, position: int
) -> Function:
    own = record_operator(symbol, left.type, right.type)
    if own is not None:
        return own
    return find_operator(symbol, (left.type, left.type), position).callee


def bind_binary(node: ast.Binary, scope: Scope) -> BoundExpression:
    """An infix operator."""
    require_operator_schema(node.schema, scope, node.position)
    left, right = node.left, node.right
    if (
        isinstance(left, ast.Row)
        and isinstance(right, ast.Subquery)
        and node.operator in COMPARISONS
        and node.schema is None
    ):
        # Handed back as a tree, because subqueries import this module.
        return scope.bind(
            ast.QuantifiedSubquery(
                left, ROW_MARK + node.operator, False, right.query, node.position
            )
        )
    one, other = scope.bind(left), scope.bind(right)
    if isinstance(left, ast.Row) and isinstance(right, ast.Row) and node.schema is None:
        return make_operator(node.operator, one, other, scope, node.position)
    # Whole rows are values: nulls within them are equal, and greater than all else.
    return _call_operator(node.operator, one, other, scope, node.position, node.schema)


def bind_unary(node: ast.Unary, scope: Scope) -> BoundExpression:
    """A prefix operator; a minus before a number makes a negative constant, so that -2147483648 is an integer."""
    operand = node.operand
    if node.operator == "-" and node.schema is None and isinstance(operand, ast.Literal):
        if operand.kind is ast.Literal.Kind.INTEGER:
            bound = scope.bind(ast.Literal(operand.kind, operand.text, operand.position))
            assert isinstance(bound, Constant)
            return Constant(-bound.value, bound.type)
        if operand.kind is ast.Literal.Kind.DECIMAL:
            bound = scope.bind(operand)
            assert isinstance(bound, Constant)
            return Constant(bound.value.copy_negate() if bound.value else bound.value, bound.type)
    value = scope.bind(operand)
    own = bind_own_operator(node.operator, node.schema, (value,), scope, node.position)
    if own is not None:
        return own
    found = find_operator(node.operator, (value.type,), node.position)
    arguments = coerce_arguments((value,), found, scope.state, (node.position,))
    return Call(found.callee, arguments, found.result, position=node.position)


def compare_rows(
    symbol: str, left: RowExpr, right: RowExpr, scope: Scope, position: int
) -> BoundExpression:
    """Rows compared field by field: all equal, one unequal, or the first difference decides."""
    if len(left.items) != len(right.items):
        raise errors.SyntaxError("unequal number of entries in row expressions").at(position)
    if not left.items:
        raise errors.FeatureNotSupported("cannot compare rows of zero length").at(position)
    pairs = list(zip(left.items, right.items, strict=True))
    if symbol in ("=", "<>") or symbol not in COMPARISONS:
        compared = tuple(_call_operator(symbol, a, b, scope, position) for a, b in pairs)
        if symbol not in COMPARISONS:
            _check_row_operator(symbol, compared, position)
        if len(compared) == 1:
            return compared[0]
        return AndAll(compared) if symbol == "=" else OrAny(compared)
    strict = STRICT_OF[symbol]
    # What is wrong with a pair is raised in their order.
    *_, result = [_call_operator(symbol, a, b, scope, position) for a, b in pairs]
    for a, b in reversed(pairs[:-1]):
        first = _call_operator(strict, a, b, scope, position)
        tied = _call_operator("=", a, b, scope, position)
        result = OrAny((first, AndAll((tied, result))), is_row_order=True)
    return result


def _check_row_operator(symbol: str, compared: Sequence[BoundExpression], position: int) -> None:
    """Raise what is wrong with an operator that the fields have, and rows of several have not."""
    for each in compared:
        if each.type.kind is not TypeKind.BOOLEAN:
            raise errors.DatatypeMismatch(
                f"row comparison operator must yield type boolean, not type {each.type.unmodified}"
            ).at(position)
    if len(compared) > 1:
        raise errors.FeatureNotSupported(
            f"could not determine interpretation of row comparison operator {symbol}",
            hint="Row comparison operators must be associated with btree operator families.",
        ).at(position)


def _is_row_or_none(node: CaseExpr) -> bool:
    """Whether it is what `whole_row` makes of a relation that an outer join may have no row of."""
    condition, row = node.branches[0]
    return (
        isinstance(condition, IsNullExpr)
        and isinstance(row, RowExpr)
        and all(isinstance(item, ColumnRef) for item in row.items)
    )


def bind_is_null(node: ast.IsNull, scope: Scope) -> BoundExpression:
    """IS [NOT] NULL; of a row, all its fields are [not] null."""
    operand = scope.bind(node.operand)
    if scope.state.trace is not None and isinstance(operand, RowExpr):
        # A view's text has it as it was written.
        return IsNullExpr(operand, node.is_negated)
    if scope.state.trace is None and isinstance(operand, CaseExpr) and _is_row_or_none(operand):
        # Where there is no row, all of its columns are null.
        operand = operand.branches[0][1]
    if isinstance(operand, RowExpr):
        if not operand.items:
            return Constant(True, BOOLEAN)
        parts = tuple(IsNullExpr(item, node.is_negated) for item in operand.items)
        return parts[0] if len(parts) == 1 else AndAll(parts)
    if operand.type.kind is TypeKind.RECORD:
        function = _ROW_IS_NOT_NULL if node.is_negated else _ROW_IS_NULL
        return Call(function, (operand,), BOOLEAN, position=node.position)
    return IsNullExpr(operand, node.is_negated)


def _row_test(name: str, scalar: Callable[[tuple[Any, ...] | None], bool]) -> Function:
    return Function(name, (Polymorphic.RECORD,), BOOLEAN, scalar, is_strict=False)


# Neither is the other's opposite: a row of which some fields are null is neither.
_ROW_IS_NULL = _row_test("row_is_null", lambda row: row is None or all(x is None for x in row))
_ROW_IS_NOT_NULL = _row_test(
    "row_is_not_null", lambda row: row is not None and all(x is not None for x in row)
)


def bind_is_distinct(node: ast.IsDistinct, scope: Scope) -> BoundExpression:
    """IS [NOT] DISTINCT FROM; of rows, any pair of fields is."""
    return make_distinct(scope.bind(node.left), scope.bind(node.right), node, scope)


def make_distinct(
    left: BoundExpression, right: BoundExpression, node: ast.IsDistinct, scope: Scope
) -> BoundExpression:
    """`left IS [NOT] DISTINCT FROM right`."""
    if isinstance(left, RowExpr) and isinstance(right, RowExpr):
        if len(left.items) != len(right.items):
            raise errors.SyntaxError("unequal number of entries in row expressions").at(
                node.position
            )
        parts = tuple(
            make_distinct(a, b, node, scope) for a, b in zip(left.items, right.items, strict=True)
        )
        if len(parts) == 1:
            return parts[0]
        return AndAll(parts) if node.is_negated else OrAny(parts)
    if _is_null(right):
        return IsNullExpr(left, not node.is_negated)
    if _is_null(left):
        return IsNullExpr(right, not node.is_negated)
    if left.type.kind is right.type.kind is TypeKind.RECORD:
        refuse_own_operator("=", (left.type, right.type), scope, node.position)
        equals = _record_operator("=", left, right, node.position)
        return IsDistinctExpr(left, right, equals, node.is_negated)
    refuse_own_operator("=", (left.type, right.type), scope, node.position)
    found = find_operator("=", (left.type, right.type), node.position)
    if found.callee.needs_context:
        # Dates and local times beside instants: both as instants.
        common = common_type([left.type, right.type], "IS DISTINCT FROM", (node.position,))
        found = find_operator("=", (common, common), node.position)
    a, b = coerce_arguments((left, right), found, scope.state, (node.position, node.position))
    return IsDistinctExpr(a, b, found.callee, node.is_negated)


def _is_null(node: BoundExpression) -> bool:
    """Whether it is a bare NULL; one that has a type must have an operator too."""
    return isinstance(node, Constant) and node.value is None and node.type.kind is TypeKind.UNKNOWN


def bind_between(node: ast.Between, scope: Scope) -> BoundExpression:
    """BETWEEN as two comparisons, SYMMETRIC as two such pairs."""
    last_set_call = scope.last_set_call
    operand, low, high = scope.bind(node.operand), scope.bind(node.low), scope.bind(node.high)
    position = node.position
    if scope.last_set_call is not last_set_call and position >= 0:
        word = "AND" if node.is_negated is node.is_symmetric else "OR"
        raise errors.DatatypeMismatch(f"argument of {word} must not return a set").at(
            node.operand.position
        )

    def compare(symbol: str, limit: BoundExpression) -> BoundExpression:
        known, other = _as_known(operand, scope), _as_known(limit, scope)
        return make_operator(symbol, known, other, scope, position)

    def within(bottom: BoundExpression, top: BoundExpression) -> BoundExpression:
        if node.is_negated:
            return OrAny((compare("<", bottom), compare(">", top)))
        return AndAll((compare(">=", bottom), compare("<=", top)))

    if not node.is_symmetric:
        return within(low, high)
    either = (within(low, high), within(high, low))
    return AndAll(either) if node.is_negated else OrAny(either)


def _as_known(node: BoundExpression, scope: Scope) -> BoundExpression:
    """What stands in several comparisons: a parameter has the type that an earlier one gave it."""
    if isinstance(node, ParameterRef) and node.type.kind is TypeKind.UNKNOWN:
        return scope.state.parameters.reference(node.index, -1)
    return node


def bind_in_list(node: ast.InList, scope: Scope) -> BoundExpression:
    """IN (list): constants and the like are compared as one list of a common type, the rest one by one."""
    operand = scope.bind(node.operand)
    items = [scope.bind(item) for item in node.items]
    if isinstance(operand, RowExpr) or any(isinstance(item, RowExpr) for item in items):
        return _one_by_one(node, operand, items, scope)
    plain = [item for item in items if not columns_of(item) and not has_subquery(item)]
    if len(plain) < 2:
        return _one_by_one(node, operand, items, scope)
    type_ = try_common_type([operand.type, *(item.type for item in plain)])
    if type_ is None or type_.base.kind in _NO_ELEMENTS:
        return _one_by_one(node, operand, items, scope)
    listed = _in_list(node, operand, plain, scope)
    others = [item for item in items if columns_of(item) or has_subquery(item)]
    if not others:
        return listed
    rest = _one_by_one(node, operand, others, scope)
    return AndAll((listed, rest)) if node.is_negated else OrAny((listed, rest))


# Types of which there are no arrays to compare with.
_NO_ELEMENTS = (TypeKind.RECORD, TypeKind.ARRAY)


def _in_list(
    node: ast.InList, operand: BoundExpression, items: list[BoundExpression], scope: Scope
) -> BoundExpression:
    position = node.position
    type_ = common_type([operand.type, *(item.type for item in items)], "IN", (position,))
    if type_.modifiers:
        # A literal is compared as it is, not cut or rounded to what the operand may hold.
        type_ = type_.unmodified
    typed = [coerce_implicit(item, type_, scope.state, position) for item in items]
    if isinstance(choose_operator("=", None, (operand.type, type_), scope, position), UserOperator):
        return _one_by_one(node, operand, items, scope)
    found = find_operator("=", (operand.type, type_), position)
    wanted = found.argument_types
    left = coerce_implicit(operand, wanted[0], scope.state, position)
    if wanted[0] != wanted[1]:
        # An operator across types: the list is compared in the operand's common type.
        left = coerce_implicit(operand, type_, scope.state, position)
        found = find_operator("=", (type_, type_), position)
        wanted = found.argument_types
        left = coerce_implicit(left, wanted[0], scope.state, position)
    listed = tuple(coerce_implicit(item, wanted[1], scope.state, position) for item in typed)
    return InListExpr(left, listed, found.callee, node.is_negated)


def _one_by_one(
    node: ast.InList, operand: BoundExpression, items: list[BoundExpression], scope: Scope
) -> BoundExpression:
    symbol = "<>" if node.is_negated else "="
    parts = tuple(make_operator(symbol, operand, item, scope, node.position) for item in items)
    if len(parts) == 1:
        return parts[0]
    return AndAll(parts) if node.is_negated else OrAny(parts)


LIKE_OPERATORS = {"like": "~~", "ilike": "~~*"}


def bind_pattern_match(node: ast.PatternMatch, scope: Scope) -> BoundExpression:
    """LIKE, ILIKE and SIMILAR TO: an operator, the pattern first freed of a chosen escape."""
    operand, pattern = scope.bind(node.operand), scope.bind(node.pattern)
    position = node.position
    if node.kind == "similar to":
        arguments = [pattern] if node.escape is None else [pattern, scope.bind(node.escape)]
        pattern = make_call("similar_to_escape", arguments, scope, position)
        return make_operator("!~" if node.is_negated else "~", operand, pattern, scope, position)
    if node.escape is not None:
        pattern = make_call("like_escape", [pattern, scope.bind(node.escape)], scope, position)
    symbol = LIKE_OPERATORS[node.kind]
    return make_operator(
        "!" + symbol if node.is_negated else symbol, operand, pattern, scope, position
    )


def make_call(
    name: str, arguments: list[BoundExpression], scope: Scope, position: int
) -> BoundExpression:
    """A plain function called by name."""
    found = find_function(name, tuple(argument.type for argument in arguments), position)
    typed = coerce_arguments(tuple(arguments), found, scope.state, (position,) * len(arguments))
    return Call(found.callee, typed, found.result, position=position)


def bind_quantified_array(node: ast.QuantifiedArray, scope: Scope) -> BoundExpression:
    """`x op ANY (array)` or ALL."""
    operand, array = scope.bind(node.operand), scope.bind(node.array)
    position, state = node.position, scope.state
    if array.type.kind is TypeKind.UNKNOWN:
        meant = find_operator(node.operator, (operand.type, array.type), position)
        wanted = meant.argument_types[1]
        if wanted.kind is TypeKind.ARRAY and wanted.domain is None:
            raise errors.UndefinedObject(
                f"could not find array type for data type {wanted.unmodified}"
            ).at(position)
        array = coerce_implicit(array, array_of(wanted), state, position)
    if array.type.kind is not TypeKind.ARRAY or array.type.element is None:
        raise errors.WrongObjectType("op ANY/ALL (array) requires array on right side").at(position)
    element = array.type.element
    refuse_own_operator(node.operator, (operand.type, element), scope, position)
    if operand.type.kind is element.kind is TypeKind.RECORD and node.operator in COMPARISONS:
        own = record_operator(node.operator, operand.type, element)
        if own is not None:
            return QuantifiedArrayExpr(operand, array, own, node.is_all)
    found = find_operator(node.operator, (operand.type, element), position)
    if found.result != BOOLEAN:
        raise errors.WrongObjectType("op ANY/ALL (array) requires operator to yield boolean").at(
            position
        )
    left_type, right_type = found.argument_types
    left = coerce_implicit(operand, left_type, state, position)
    right = coerce_implicit(array, array_of(right_type), state, position)
    return QuantifiedArrayExpr(left, right, found.callee, node.is_all)
