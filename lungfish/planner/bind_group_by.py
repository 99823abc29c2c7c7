"""GROUP BY's items: expressions, output names and ordinals, and grouping sets expanded into sets of keys.

A key without variables, such as a constant or coalesce(1, x), is a key only where the one target stands that the item names, or the first that is equal to it; the
same expression elsewhere keeps its value in the sets that lack the key. So it belongs to that target, and is no other target's key.
"""

from __future__ import annotations

from itertools import combinations, product

from lungfish import errors
from lungfish.planner.bind_grouping import GROUPING
from lungfish.planner.bind_order_by import target_by_name
from lungfish.planner.bind_targets import Target
from lungfish.planner.coerce import resolve_unknown
from lungfish.planner.equivalence import equivalent
from lungfish.planner.expression_tree import walk
from lungfish.planner.expressions import BoundExpression, Call, ColumnRef
from lungfish.planner.scope import Scope
from lungfish.planner.simplify import is_seen_constant
from lungfish.planner.sort_keys import check_grouped
from lungfish.sql.ast import expressions as ast
from lungfish.sql.ast.queries import GroupingSet, Select

SETS_MAX = 4096

Keys = list[BoundExpression]
Sets = list[tuple[int, ...]]


def bind_group_by(select: Select, targets: list[Target], scope: Scope) -> tuple[Keys, Sets | None]:
    """The distinct keys, and the grouping sets as positions of keys; None for a plain GROUP BY."""
    keys: Keys = []
    has_sets = any(isinstance(item, GroupingSet) for item in select.group_by)
    parts = [_sets_of(item, keys, targets, scope) for item in select.group_by]
    if not has_sets:
        return keys, None
    _refuse_twins(targets)
    sets: Sets = []
    for combination in product(*parts):
        merged = dict.fromkeys(key for part in combination for key in part)
        sets.append(tuple(merged))
        if len(sets) > SETS_MAX:
            raise errors.StatementTooComplex(f"too many grouping sets present (maximum {SETS_MAX})")
    if select.is_group_distinct:
        sets = [tuple(each) for each in dict.fromkeys(frozenset(each) for each in sets)]
    return keys, sets


def _sets_of(
    item: ast.Expression | GroupingSet, keys: Keys, targets: list[Target], scope: Scope
) -> Sets:
    """The sets that one item stands for; a plain expression is one set of one key."""
    if not isinstance(item, GroupingSet):
        return [_key(item, keys, targets, scope)]
    if item.kind == "empty":
        return [()]
    if item.kind == "sets":
        return [each for inner in item.items for each in _sets_of(inner, keys, targets, scope)]
    # Each element of ROLLUP and CUBE may be a list that counts as one.
    elements = [_flat(inner, keys, targets, scope) for inner in item.items]
    if item.kind == "simple":
        return [tuple(key for element in elements for key in element)]
    if item.kind == "rollup":
        chosen = [elements[:count] for count in range(len(elements), -1, -1)]
    else:
        chosen = [
            list(each)
            for count in range(len(elements), -1, -1)
            for each in combinations(elements, count)
        ]
    return [tuple(dict.fromkeys(key for element in each for key in element)) for each in chosen]


def _flat(
    item: ast.Expression | GroupingSet, keys: Keys, targets: list[Target], scope: Scope
) -> tuple[int, ...]:
    if isinstance(item, GroupingSet):
        return tuple(key for inner in item.items for key in _flat(inner, keys, targets, scope))
    return _key(item, keys, targets, scope)


def _key(node: ast.Expression, keys: Keys, targets: list[Target], scope: Scope) -> tuple[int, ...]:
    """The position of the expression's key, added to `keys` if it is new."""
    target = target_by_name(node, targets, scope, "GROUP BY")
    if target is not None:
        bound = resolve_unknown(target.expression, scope.state, node.position)
        target.expression = bound
        _check_target(target, scope)
    else:
        bound = resolve_unknown(scope.bind(node), scope.state, node.position)
    check_grouped(bound.type, node.position)
    owner = target
    if owner is None and is_seen_constant(bound):
        owner = next((each for each in targets if equivalent(each.expression, bound)), None)
    position = _position(bound, owner, keys)
    if target is not None and target.key is None:
        target.key = position
    return (position,)


def _refuse_twins(targets: list[Target]) -> None:
    """Raise FeatureNotSupported where two targets of one expression are named: each is a key of its own to PostgreSQL."""
    seen: set[int] = set()
    for target in targets:
        if target.key in seen:
            raise errors.FeatureNotSupported(
                "grouping sets over one expression under two names are not supported"
            ).at(target.position)
        if target.key is not None:
            seen.add(target.key)


def _check_target(target: Target, scope: Scope) -> None:
    """Raise GroupingError, WindowingError for a target that cannot be a key."""
    windows = {column.index for column, _, _ in scope.windows}
    is_aggregate = scope.has_aggregate_in(target.expression)
    for node in walk(target.expression):
        is_aggregate |= isinstance(node, Call) and node.function is GROUPING
        if isinstance(node, ColumnRef) and node.index in windows:
            message = "window functions are not allowed in GROUP BY"
            raise errors.WindowingError(message).at(target.position)
    if is_aggregate:
        message = "aggregate functions are not allowed in GROUP BY"
        raise errors.GroupingError(message).at(target.position)


def _position(key: BoundExpression, owner: Target | None, keys: Keys) -> int:
    """The number of the key, which is added if it is new. `owner`: the target that it is."""
    if owner is None or not is_seen_constant(key):
        if key not in keys:
            keys.append(key)
        return keys.index(key)
    if owner.key is None:
        owner.key = len(keys)
        keys.append(key)
    return owner.key
