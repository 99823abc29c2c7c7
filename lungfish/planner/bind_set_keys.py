"""GROUP BY keys that return sets (GROUP BY generate_series(1, 3)): each row is grouped once for every item of the set."""

from __future__ import annotations

from collections.abc import Sequence

from lungfish.planner.bind_targets import Target
from lungfish.planner.expression_tree import map_children, returns_set
from lungfish.planner.expressions import BoundExpression, ColumnRef
from lungfish.planner.logical import LogicalPlan
from lungfish.planner.project_targets import project_targets
from lungfish.planner.scope import Scope


def expand_set_keys(
    plan: LogicalPlan, keys: Sequence[BoundExpression], targets: Sequence[Target], scope: Scope
) -> tuple[LogicalPlan, list[BoundExpression]]:
    """The plan with a row for each item, and the keys with columns in the place of what returns sets; the targets use these too."""
    made = [Target("key", key, -1) for key in keys if returns_set(key)]
    if not made:
        return plan, list(keys)
    originals = [target.expression for target in made]
    plan = project_targets(plan, made, scope)
    columns = [target.column() for target in made]

    def with_columns(node: BoundExpression) -> BoundExpression:
        for original, column in zip(originals, columns, strict=True):
            if node == original:
                return column
        return node if isinstance(node, ColumnRef) else map_children(node, with_columns)

    for target in targets:
        target.expression = with_columns(target.expression)
    return plan, [with_columns(key) for key in keys]
