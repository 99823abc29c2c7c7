"""Whether two bound expressions are the same, subqueries included.

Bound expressions compare by value, but the same subquery bound twice has columns of different numbers. For the comparison both are
numbered anew, from the same start.
"""

from __future__ import annotations

from itertools import count

from lungfish.planner.expression_tree import has_subquery, map_children
from lungfish.planner.expressions import BoundExpression, ColumnRef, SubqueryExpr
from lungfish.planner.renumber import fresh_copy
from lungfish.planner.substitution import with_plan

# Above all numbers that a statement's own columns have.
FIRST_NUMBER = 1 << 40


def equivalent(left: BoundExpression, right: BoundExpression) -> bool:
    """Whether the expressions are the same but for the numbering inside of subqueries."""
    if left == right:
        return True
    if type(left) is not type(right) or not has_subquery(left) or not has_subquery(right):
        return False
    return _canonical(left) == _canonical(right)


def _canonical(node: BoundExpression) -> BoundExpression:
    """The expression with each subquery's columns numbered from `FIRST_NUMBER`."""
    numbers = count(FIRST_NUMBER)

    def renumbered(part: BoundExpression) -> BoundExpression:
        changed = map_children(part, renumbered)
        if not isinstance(changed, SubqueryExpr):
            return changed
        plan, _ = fresh_copy(
            changed.plan,  # type: ignore[arg-type]
            lambda column: ColumnRef(next(numbers), column.type, column.name),
        )
        return with_plan(changed, plan)

    return renumbered(node)
