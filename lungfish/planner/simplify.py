"""Simplification of one expression: constants computed, boolean logic and CASE cut down, NOT pushed inwards.

What raises while it is computed (1/0) is left as it stands, and reported: who asked knows whether PostgreSQL would have
raised it here, before any row is read. Volatile and stable functions are never called here. PostgreSQL's clauses.c (`eval_const_expressions`, `negate_clause`, `extract_restriction_or_clauses`) does the
same work.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from lungfish import errors
from lungfish.functions.interrupts import compute
from lungfish.functions.registry import Volatility
from lungfish.planner.callees import find_operator
from lungfish.planner.constant_value import NotConstant, constant_value
from lungfish.planner.expression_tree import (
    FALSE,
    LEAVES,
    NULL_BOOLEAN,
    TRUE,
    is_variable_free,
    is_volatile,
    map_children,
    without_repeats,
)
from lungfish.planner.expressions import (
    AndAll,
    BoundExpression,
    Call,
    CaseExpr,
    CastTo,
    CoalesceExpr,
    ColumnRef,
    Constant,
    ExtremeExpr,
    InListExpr,
    IsBooleanExpr,
    IsDistinctExpr,
    IsNullExpr,
    NotExpr,
    OrAny,
)
from lungfish.types.settings import CANONICAL
from lungfish.types.sql_type import TypeKind

NEGATED = {"=": "<>", "<>": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
# Comparisons of these kinds are total but for NULL, so that NOT (a < b) is a >= b.
_TOTAL = frozenset(TypeKind) - {TypeKind.RECORD, TypeKind.JSON}


def simplify(node: BoundExpression, failures: list[errors.Error] | None = None) -> BoundExpression:
    """The expression simplified; the very same one if there is nothing to do.

    What the computation of its constants raised is appended to `failures`.
    """
    return Simplifier([] if failures is None else failures).simplify(node)


def is_seen_constant(node: BoundExpression) -> bool:
    """Whether PostgreSQL sees that the expression has one value for the whole query: it never computes the order of two rows."""
    return is_variable_free(Simplifier([], keeps_row_orders=True).simplify(node))


class Simplifier:
    """Simplifies expressions in the order in which PostgreSQL does: what a constant condition cuts off is not looked at."""

    def __init__(self, failures: list[errors.Error], *, keeps_row_orders: bool = False) -> None:
        self._failures = failures
        self._keeps_row_orders = keeps_row_orders

    def simplify(self, node: BoundExpression) -> BoundExpression:
        """The expression simplified; the very same one if there is nothing to do."""
        match node:
            case _ if type(node) in LEAVES:
                return node
            case AndAll():
                return self._and(node)
            case OrAny():
                return self._or(node)
            case CaseExpr():
                return self._case(node)
            case CoalesceExpr():
                return self._coalesce(node)
        node = map_children(node, self.simplify)
        match node:
            case Call():
                return self._call(node)
            case NotExpr():
                negated = negate(node.operand)
                unchanged = isinstance(negated, NotExpr) and negated.operand is node.operand
                return node if unchanged else negated
            case CastTo() | IsNullExpr() | IsBooleanExpr() | IsDistinctExpr() | ExtremeExpr():
                return self._fold(node)
            case InListExpr():
                return self._in_list(node)
            case _:
                return node

    def _fold(self, node: BoundExpression) -> BoundExpression:
        """The node's value, if all that it needs is constant."""
        try:
            return Constant(compute(constant_value, node), node.type)
        except NotConstant:
            return node
        except errors.QueryCanceled:
            raise
        except errors.Error as error:
            self._failures.append(error.at(node.position if isinstance(node, Call) else None))
            return node

    def _call(self, node: Call) -> BoundExpression:
        function = node.function
        if function.volatility is Volatility.VOLATILE or function.returns_set:
            return node
        all_constant = True
        has_null = False
        for argument in node.arguments:
            if type(argument) is not Constant:
                all_constant = False
            elif argument.value is None:
                has_null = True
        if has_null and function.is_strict and not node.is_variadic_array:
            # Beside a null nothing is evaluated, but constants that raise have raised before, as in PostgreSQL.
            return node if any(map(_raises, node.arguments)) else Constant(None, node.type)
        return self._fold(node) if all_constant else node

    def _and(self, node: AndAll) -> BoundExpression:
        simplified: list[BoundExpression] = []
        for operand in node.operands:
            new = self.simplify(operand)
            if isinstance(new, Constant) and new.value is False:
                return FALSE
            simplified.append(new)
        return _and(_unchanged_or(node, simplified))

    def _or(self, node: OrAny) -> BoundExpression:
        if self._keeps_row_orders and node.is_row_order:
            return node
        simplified: list[BoundExpression] = []
        for operand in node.operands:
            new = self.simplify(operand)
            if isinstance(new, Constant) and new.value is True:
                return TRUE
            simplified.append(new)
        return _or(_unchanged_or(node, simplified))

    def _case(self, node: CaseExpr) -> BoundExpression:
        branches: list[tuple[BoundExpression, BoundExpression]] = []
        is_changed = False
        for condition, result in node.branches:
            new = self.simplify(condition)
            if isinstance(new, Constant):
                is_changed = True
                if new.value is not True:
                    continue
                default = self.simplify(result)
                break
            branches.append((new, self.simplify(result)))
            is_changed = (
                is_changed or branches[-1][0] is not condition or branches[-1][1] is not result
            )
        else:
            default = self.simplify(node.default)
        if not branches:
            return default
        if not is_changed and default is node.default:
            return node
        return CaseExpr(tuple(branches), default, node.type)

    def _coalesce(self, node: CoalesceExpr) -> BoundExpression:
        operands: list[BoundExpression] = []
        for operand in node.operands:
            new = self.simplify(operand)
            if isinstance(new, Constant) and new.value is None:
                continue
            operands.append(new)
            if isinstance(new, Constant):
                break
        if not operands:
            return Constant(None, node.type)
        if len(operands) == 1:
            return operands[0]
        same = len(operands) == len(node.operands) and all(
            new is old for new, old in zip(operands, node.operands, strict=True)
        )
        return node if same else CoalesceExpr(tuple(operands), node.type)

    def _in_list(self, node: InListExpr) -> BoundExpression:
        if isinstance(node.operand, Constant):
            return self._fold(node)
        if len(node.items) == 1:
            call = Call(node.equals, (node.operand, node.items[0]), node.type)
            return negate(call) if node.is_negated else call
        return node


Logic = TypeVar("Logic", AndAll, OrAny)


def _unchanged_or(node: Logic, operands: list[BoundExpression]) -> Logic:
    """The node itself if these are its operands, else one with them."""
    if all(new is old for new, old in zip(operands, node.operands, strict=True)):
        return node
    return type(node)(tuple(operands))


def _raises(node: BoundExpression) -> bool:
    """Whether an expression of constants has an error for its value."""
    if type(node) in LEAVES:
        return False
    try:
        # Literals of dates and the like are constants too, whatever the session's settings make of them.
        compute(constant_value, node, CANONICAL)
    except NotConstant:
        return False
    except errors.QueryCanceled:
        raise
    except errors.Error:
        return True
    return False


def _and(node: AndAll) -> BoundExpression:
    parts: list[BoundExpression] = []
    for operand in _flattened(node.operands, AndAll):
        if isinstance(operand, Constant):
            if operand.value is False:
                return FALSE
            if operand.value is True:
                continue
        parts.append(operand)
    parts = without_repeats(parts)
    if not parts:
        return TRUE
    if len(parts) == 1:
        return parts[0]
    return node if tuple(parts) == node.operands else AndAll(tuple(parts))


def _flattened(
    operands: Iterable[BoundExpression], kind: type[AndAll] | type[OrAny]
) -> Iterable[BoundExpression]:
    for operand in operands:
        if isinstance(operand, kind):
            yield from operand.operands
        else:
            yield operand


def _or(node: OrAny) -> BoundExpression:
    parts: list[BoundExpression] = []
    for operand in _flattened(node.operands, OrAny):
        if isinstance(operand, Constant):
            if operand.value is True:
                return TRUE
            if operand.value is False:
                continue
        parts.append(operand)
    parts = without_repeats(parts)
    if not parts:
        return FALSE
    if len(parts) == 1:
        return parts[0]
    if all(part == NULL_BOOLEAN for part in parts):
        return NULL_BOOLEAN
    return _factored(_equalities_as_list(parts))


def _factored(parts: list[BoundExpression]) -> BoundExpression:
    """(a AND b) OR (a AND c) as a AND (b OR c): a may then be a join's key."""
    if len(parts) == 1:
        return parts[0]
    if not all(isinstance(part, AndAll) for part in parts):
        return OrAny(tuple(parts))
    sets = [part.operands for part in parts if isinstance(part, AndAll)]
    shared = [
        operand
        for operand in sets[0]
        if all(operand in other for other in sets[1:]) and not is_volatile(operand)
    ]
    if not shared:
        return OrAny(tuple(parts))
    rest: list[BoundExpression] = []
    for operands in sets:
        own = tuple(operand for operand in operands if operand not in shared)
        if not own:
            # One arm is no more than what they share.
            return shared[0] if len(shared) == 1 else AndAll(tuple(shared))
        rest.append(own[0] if len(own) == 1 else AndAll(own))
    return AndAll((*shared, OrAny(tuple(rest))))


def _equalities_as_list(parts: list[BoundExpression]) -> list[BoundExpression]:
    """X = 1 OR x = 2 as x IN (1, 2)."""
    lists: dict[int, tuple[Call, list[BoundExpression]]] = {}
    for part in parts:
        if not isinstance(part, Call) or part.function.name != "=" or len(part.arguments) != 2:
            continue
        column, value = part.arguments
        if _listed_column(part) is not None and isinstance(column, ColumnRef):
            lists.setdefault(column.index, (part, []))[1].append(value)
    merged: list[BoundExpression] = []
    done: set[int] = set()
    for part in parts:
        column_number = _listed_column(part)
        found = None if column_number is None else lists.get(column_number)
        if found is None or len(found[1]) < 2:
            merged.append(part)
        elif column_number not in done:
            assert column_number is not None
            done.add(column_number)
            first, values = found
            merged.append(InListExpr(first.arguments[0], tuple(values), first.function, False))
    return merged


def _listed_column(part: BoundExpression) -> int | None:
    if isinstance(part, Call) and part.function.name == "=" and len(part.arguments) == 2:
        column, value = part.arguments
        if (
            isinstance(column, ColumnRef)
            and isinstance(value, Constant)
            and column.type.unmodified == value.type.unmodified
        ):
            return column.index
    return None


def negate(node: BoundExpression) -> BoundExpression:
    """NOT of a simplified expression, pushed inwards where that keeps its meaning for nulls too."""
    match node:
        case Constant():
            return NULL_BOOLEAN if node.value is None else (FALSE if node.value else TRUE)
        case NotExpr():
            return node.operand
        case AndAll():
            return _or(OrAny(tuple(negate(operand) for operand in node.operands)))
        case OrAny():
            return _and(AndAll(tuple(negate(operand) for operand in node.operands)))
        case IsNullExpr():
            return IsNullExpr(node.operand, not node.is_negated)
        case IsBooleanExpr():
            return IsBooleanExpr(node.operand, node.value, not node.is_negated)
        case IsDistinctExpr():
            return IsDistinctExpr(node.left, node.right, node.equals, not node.is_negated)
        case InListExpr():
            return InListExpr(node.operand, node.items, node.equals, not node.is_negated)
        case Call():
            return _negated_comparison(node)
        case _:
            return NotExpr(node)


def _negated_comparison(node: Call) -> BoundExpression:
    symbol = NEGATED.get(node.function.name)
    if symbol is None or len(node.arguments) != 2:
        return NotExpr(node)
    left, right = node.arguments
    if left.type.kind not in _TOTAL or right.type.kind not in _TOTAL:
        return NotExpr(node)
    try:
        found = find_operator(symbol, (left.type, right.type))
    except errors.Error:
        return NotExpr(node)
    if found.callee.arguments != node.function.arguments:
        return NotExpr(node)
    return Call(found.callee, node.arguments, node.type, position=node.position)
