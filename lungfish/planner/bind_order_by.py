"""ORDER BY and DISTINCT ON, whose items may name a column of the select list, number one, or be any expression.

PostgreSQL's order of looking: an output name first, then an ordinal, then an expression over FROM (SQL92, then SQL99).
"""

from __future__ import annotations

from collections.abc import Sequence

from lungfish import errors
from lungfish.planner.bind_targets import Target
from lungfish.planner.coerce import resolve_unknown
from lungfish.planner.equivalence import equivalent
from lungfish.planner.expressions import BoundExpression, SortKey
from lungfish.planner.scope import Scope
from lungfish.planner.sort_keys import check_grouped, make_sort_key
from lungfish.sql.ast import expressions as ast
from lungfish.sql.ast.queries import OrderItem, Select


def bind_order_by(
    items: Sequence[OrderItem], targets: list[Target], scope: Scope
) -> list[tuple[Target, SortKey]]:
    """The sort targets with their keys; a target said twice is sorted by once."""
    found: list[tuple[Target, SortKey]] = []
    for item in items:
        target = find_target(item.expression, targets, scope, "ORDER BY")
        key = make_sort_key(item, target.expression, scope)
        target.expression = key.expression
        if all(known is not target for known, _ in found):
            found.append((target, key))
    return found


def find_target(node: ast.Expression, targets: list[Target], scope: Scope, clause: str) -> Target:
    """The target that an item of the clause stands for; one is added if it is an expression of its own."""
    named = target_by_name(node, targets, scope, clause)
    if named is not None:
        return named
    bound = scope.bind(node)
    return target_of(bound, node.position, targets)


def target_of(bound: BoundExpression, position: int, targets: list[Target]) -> Target:
    """The target with that expression, added if there is none."""
    for target in targets:
        if equivalent(target.expression, bound):
            return target
    added = Target("?column?", bound, position, is_junk=True)
    targets.append(added)
    return added


def target_by_name(
    node: ast.Expression, targets: list[Target], scope: Scope, clause: str
) -> Target | None:
    """The target that an item names or numbers, or None if it does neither."""
    if isinstance(node, ast.Name) and len(node.parts) == 1:
        name = node.parts[0]
        if clause == "GROUP BY" and scope.finds_own_column(name):
            return None
        found: Target | None = None
        for target in targets:
            if target.is_junk or target.name != name:
                continue
            if found is not None and found.expression != target.expression:
                raise errors.AmbiguousColumn(f'{clause} "{name}" is ambiguous').at(node.position)
            found = found or target
        return found
    if isinstance(node, ast.Literal):
        return _target_by_number(node, targets, clause)
    return None


def _target_by_number(node: ast.Literal, targets: list[Target], clause: str) -> Target:
    if node.kind is not ast.Literal.Kind.INTEGER:
        raise errors.SyntaxError(f"non-integer constant in {clause}").at(node.position)
    number = int(node.text)
    shown = [target for target in targets if not target.is_junk]
    if not 1 <= number <= len(shown):
        raise errors.InvalidColumnReference(f"{clause} position {number} is not in select list").at(
            node.position
        )
    return shown[number - 1]


def bind_distinct_on(
    select: Select, targets: list[Target], order_by: list[tuple[Target, SortKey]], scope: Scope
) -> list[Target]:
    """The targets of DISTINCT ON. They must lead the ORDER BY."""
    on: list[Target] = []
    for node in select.distinct_on:
        target = find_target(node, targets, scope, "DISTINCT ON")
        target.expression = resolve_unknown(target.expression, scope.state, node.position)
        check_grouped(target.expression.type, node.position)
        if all(known is not target for known in on):
            on.append(target)
    skipped = False
    for target, _ in order_by:
        if any(known is target for known in on):
            if skipped:
                raise errors.InvalidColumnReference(
                    "SELECT DISTINCT ON expressions must match initial ORDER BY expressions"
                ).at(target.position)
        else:
            skipped = True
    if skipped and any(all(known is not target for known, _ in order_by) for target in on):
        raise errors.InvalidColumnReference(
            "SELECT DISTINCT ON expressions must match initial ORDER BY expressions"
        ).at(on[0].position)
    return on
