"""Walking and rebuilding bound expressions.

`map_children` gives back the very same node when no child changed, so a rewrite that finds nothing costs no allocation and
can be told by `is`. What lies inside a subquery's plan is not a child; see substitution.py for rewrites that go in there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Any, cast

from lungfish.functions.registry import Volatility
from lungfish.planner.expressions import (
    AggregateCall,
    AndAll,
    ArrayExpr,
    BoundExpression,
    Call,
    CaseExpr,
    CastTo,
    CoalesceExpr,
    ColumnRef,
    Constant,
    DomainExpr,
    ExtremeExpr,
    InListExpr,
    IsBooleanExpr,
    IsDistinctExpr,
    IsNullExpr,
    NotExpr,
    OrAny,
    OuterRef,
    ParameterRef,
    QuantifiedArrayExpr,
    RowExpr,
    SortKey,
    SubqueryExpr,
)

Mapper = Callable[[BoundExpression], BoundExpression]

TRUE = Constant(True, AndAll(()).type)
FALSE = Constant(False, AndAll(()).type)
NULL_BOOLEAN = Constant(None, AndAll(()).type)

# Nodes without children.
LEAVES = frozenset({Constant, ColumnRef, OuterRef, ParameterRef})


_CHILDREN: dict[type, Callable[[Any], tuple[BoundExpression, ...]]] = {
    Constant: lambda node: (),
    ColumnRef: lambda node: (),
    OuterRef: lambda node: (),
    ParameterRef: lambda node: (),
    Call: attrgetter("arguments"),
    CastTo: lambda node: (node.operand,),
    # The checks are over a row of their own.
    DomainExpr: lambda node: (node.operand,),
    NotExpr: lambda node: (node.operand,),
    IsNullExpr: lambda node: (node.operand,),
    IsBooleanExpr: lambda node: (node.operand,),
    AndAll: attrgetter("operands"),
    OrAny: attrgetter("operands"),
    CoalesceExpr: attrgetter("operands"),
    ExtremeExpr: attrgetter("operands"),
    SubqueryExpr: attrgetter("operands"),
    IsDistinctExpr: lambda node: (node.left, node.right),
    CaseExpr: lambda node: (*(part for branch in node.branches for part in branch), node.default),
    InListExpr: lambda node: (node.operand, *node.items),
    ArrayExpr: attrgetter("items"),
    RowExpr: attrgetter("items"),
    QuantifiedArrayExpr: lambda node: (node.operand, node.array),
}

_MOVE_SEQUENCES = frozenset({"nextval", "setval"})
_ASK_SEQUENCES = _MOVE_SEQUENCES | {"currval", "lastval"}


def children(node: BoundExpression) -> tuple[BoundExpression, ...]:
    """The expressions directly below."""
    return _CHILDREN[type(node)](node)


def map_all(nodes: tuple[BoundExpression, ...], change: Mapper) -> tuple[BoundExpression, ...]:
    """`change` applied to each; the same tuple if nothing changed."""
    changed = tuple([change(node) for node in nodes])
    for old, new in zip(nodes, changed, strict=True):
        if old is not new:
            return changed
    return nodes


def without_repeats(nodes: Iterable[BoundExpression]) -> list[BoundExpression]:
    """The expressions in their order, each once. By hash where they have one: conditions may be thousands."""
    found: list[BoundExpression] = []
    seen: set[BoundExpression] = set()
    for node in nodes:
        try:
            if node in seen:
                continue
            seen.add(node)
        except TypeError:
            if node in found:
                continue
        found.append(node)
    return found


def map_children(node: BoundExpression, change: Mapper) -> BoundExpression:
    """The node with `change` applied to each child; the same node if nothing changed."""
    match node:
        case Call():
            arguments = map_all(node.arguments, change)
            if arguments is node.arguments:
                return node
            return Call(node.function, arguments, node.type, node.is_variadic_array, node.position)
        case CastTo():
            operand = change(node.operand)
            if operand is node.operand:
                return node
            return CastTo(operand, node.type, node.is_explicit, node.position)
        case AndAll():
            operands = map_all(node.operands, change)
            return node if operands is node.operands else AndAll(operands)
        case OrAny():
            operands = map_all(node.operands, change)
            return node if operands is node.operands else OrAny(operands)
        case NotExpr():
            operand = change(node.operand)
            return node if operand is node.operand else NotExpr(operand)
        case IsNullExpr():
            operand = change(node.operand)
            return node if operand is node.operand else IsNullExpr(operand, node.is_negated)
        case IsBooleanExpr():
            operand = change(node.operand)
            if operand is node.operand:
                return node
            return IsBooleanExpr(operand, node.value, node.is_negated)
        case Constant() | ColumnRef() | OuterRef() | ParameterRef():
            return node
        case _:
            return _map_compound(node, change)


def _map_compound(node: BoundExpression, change: Mapper) -> BoundExpression:
    match node:
        case DomainExpr():
            operand = change(node.operand)
            if operand is node.operand:
                return node
            return DomainExpr(operand, node.type, node.checks, node.position)
        case IsDistinctExpr():
            left, right = change(node.left), change(node.right)
            if left is node.left and right is node.right:
                return node
            return IsDistinctExpr(left, right, node.equals, node.is_negated)
        case CaseExpr():
            old = children(node)
            new = map_all(old, change)
            if new is old:
                return node
            branches = tuple(zip(new[:-1:2], new[1::2], strict=True))
            return CaseExpr(branches, new[-1], node.type)
        case CoalesceExpr():
            operands = map_all(node.operands, change)
            return node if operands is node.operands else CoalesceExpr(operands, node.type)
        case ExtremeExpr():
            operands = map_all(node.operands, change)
            if operands is node.operands:
                return node
            return ExtremeExpr(node.is_greatest, operands, node.type)
        case InListExpr():
            operand, items = change(node.operand), map_all(node.items, change)
            if operand is node.operand and items is node.items:
                return node
            return InListExpr(operand, items, node.equals, node.is_negated)
        case ArrayExpr():
            items = map_all(node.items, change)
            return node if items is node.items else ArrayExpr(items, node.type)
        case RowExpr():
            items = map_all(node.items, change)
            return node if items is node.items else RowExpr(items, node.type)
        case QuantifiedArrayExpr():
            operand, array = change(node.operand), change(node.array)
            if operand is node.operand and array is node.array:
                return node
            return QuantifiedArrayExpr(operand, array, node.operator, node.is_all)
        case SubqueryExpr():
            operands = map_all(node.operands, change)
            if operands is node.operands:
                return node
            return subquery_with(node, operands=operands)
        case _:
            return node


def subquery_with(
    node: SubqueryExpr,
    *,
    operands: tuple[BoundExpression, ...] | None = None,
    outer_columns: tuple[BoundExpression, ...] | None = None,
    plan: object = None,
) -> SubqueryExpr:
    """The subquery expression with some parts replaced."""
    outer = node.outer_columns if outer_columns is None else outer_columns
    return SubqueryExpr(
        node.kind,
        node.plan if plan is None else cast("SubqueryExpr", plan),  # type: ignore[arg-type]
        node.type,
        node.operands if operands is None else operands,
        node.operators,
        bool(outer),
        outer,
    )


def walk(node: BoundExpression) -> Iterator[BoundExpression]:
    """The node and everything below it, but not what is inside subqueries."""
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        if type(current) not in LEAVES:
            stack.extend(children(current))


def columns_of(node: BoundExpression) -> set[int]:
    """The numbers of all columns that the expression uses, those of its subqueries from outside included."""
    found: set[int] = set()
    add_columns(node, found)
    return found


def add_columns(node: BoundExpression, found: set[int]) -> None:
    """Add the numbers of the columns that the expression uses to `found`."""
    kind = type(node)
    if kind is ColumnRef:
        found.add(cast(ColumnRef, node).index)
    elif kind is Call:
        for argument in cast(Call, node).arguments:
            add_columns(argument, found)
    elif kind not in LEAVES:
        for child in children(node):
            add_columns(child, found)
        if kind is SubqueryExpr:
            for outer in cast(SubqueryExpr, node).outer_columns:
                add_columns(outer, found)


def returns_set(node: BoundExpression) -> bool:
    """Whether a set-returning function is called in the expression, outside of subqueries."""
    return any(isinstance(each, Call) and each.function.returns_set for each in walk(node))


def is_variable_free(node: BoundExpression) -> bool:
    """Whether the expression has one value for the whole query: no columns, no sets, nothing volatile."""
    return (
        not is_volatile(node)
        and not returns_set(node)
        and not any(
            isinstance(each, (ColumnRef, OuterRef))
            or (isinstance(each, SubqueryExpr) and each.outer_columns)
            for each in walk(node)
        )
    )


def is_volatile(node: BoundExpression) -> bool:
    """Whether each evaluation may answer something else. Subqueries are not looked into."""
    kind = type(node)
    if kind in LEAVES:
        return False
    if kind is Call and cast(Call, node).function.volatility is Volatility.VOLATILE:
        return True
    for child in _CHILDREN[kind](node):  # noqa: SIM110 - a plain loop is faster here.
        if is_volatile(child):
            return True
    return False


def shares_sequences(expressions: Iterable[BoundExpression]) -> bool:
    """Whether one call moves a sequence that another one may ask: `nextval('s'), currval('s')`."""
    names = [
        node.function.name
        for expression in expressions
        for node in walk(expression)
        if isinstance(node, Call) and node.function.name in _ASK_SEQUENCES
    ]
    return len(names) > 1 and not _MOVE_SEQUENCES.isdisjoint(names)


def has_subquery(node: BoundExpression) -> bool:
    """Whether a subquery stands in the expression."""
    kind = type(node)
    if kind in LEAVES:
        return False
    if kind is SubqueryExpr:
        return True
    for child in _CHILDREN[kind](node):  # noqa: SIM110 - a plain loop is faster here.
        if has_subquery(child):
            return True
    return False


def conjuncts_of(node: BoundExpression | None) -> tuple[BoundExpression, ...]:
    """The AND-ed parts; none for no predicate."""
    if node is None:
        return ()
    if not isinstance(node, AndAll):
        return (node,)
    parts: list[BoundExpression] = []
    for operand in node.operands:
        parts.extend(conjuncts_of(operand))
    return tuple(parts)


def conjunction(conjuncts: Sequence[BoundExpression]) -> BoundExpression:
    """The conjunction of at least one predicate."""
    return conjuncts[0] if len(conjuncts) == 1 else AndAll(tuple(conjuncts))


def map_sort_keys(keys: tuple[SortKey, ...], change: Mapper) -> tuple[SortKey, ...]:
    """The sort keys with `change` applied to their expressions; the same tuple if nothing changed."""
    changed = [change(key.expression) for key in keys]
    if all(new is key.expression for new, key in zip(changed, keys, strict=True)):
        return keys
    return tuple(
        SortKey(new, key.is_descending, key.nulls_first)
        for new, key in zip(changed, keys, strict=True)
    )


def map_aggregate(call: AggregateCall, change: Mapper) -> AggregateCall:
    """The aggregate call with `change` applied to the expressions in it."""
    arguments = map_all(call.arguments, change)
    condition = None if call.filter is None else change(call.filter)
    order_by = map_sort_keys(call.order_by, change)
    if arguments is call.arguments and condition is call.filter and order_by is call.order_by:
        return call
    return AggregateCall(
        call.aggregate, arguments, call.type, call.is_distinct, condition, order_by
    )


def aggregate_expressions(call: AggregateCall) -> Iterator[BoundExpression]:
    """The expressions in an aggregate call."""
    yield from call.arguments
    if call.filter is not None:
        yield call.filter
    for key in call.order_by:
        yield key.expression
