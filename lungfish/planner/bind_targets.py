"""The select list: its expressions, stars expanded, names given."""

from __future__ import annotations

from collections.abc import Sequence

from lungfish import errors
from lungfish.planner.expressions import BoundExpression, ColumnRef, RowExpr, SubqueryExpr
from lungfish.planner.output_names import output_name
from lungfish.planner.row_fields import access_field
from lungfish.planner.scope import RangeEntry, Scope
from lungfish.sql.ast import expressions as ast
from lungfish.sql.ast.queries import SelectItem
from lungfish.types.sql_type import TypeKind


class Target:
    """An expression of the select list, or one that ORDER BY or DISTINCT ON added for itself (`is_junk`)."""

    __slots__ = ("expression", "is_junk", "key", "name", "position")

    def __init__(
        self, name: str, expression: BoundExpression, position: int, *, is_junk: bool = False
    ) -> None:
        self.name = name
        self.expression = expression
        self.position = position
        self.is_junk = is_junk
        # The number of the grouping key that it is, if that has no variables; see `bind_group_by.py`.
        self.key: int | None = None

    def column(self) -> ColumnRef:
        """The column that the target is, under the target's name. Requires: it was projected."""
        expression = self.expression
        assert isinstance(expression, ColumnRef)
        if expression.name == self.name:
            return expression
        return ColumnRef(expression.index, expression.type, self.name)


# PostgreSQL's limit of the columns of a row.
_TARGETS_MAX = 1664


def bind_targets(items: Sequence[SelectItem], scope: Scope) -> list[Target]:
    """The targets of a select list or of RETURNING."""
    targets: list[Target] = []
    for item in items:
        node = item.expression
        kind = type(node)
        if kind is ast.Star:
            targets.extend(expand_star(node, scope))  # type: ignore[arg-type]
        elif kind is ast.FieldAccess and node.field == "*":  # type: ignore[union-attr]
            targets.extend(_expand_row(node, scope))  # type: ignore[arg-type]
        else:
            bound = scope.bind(node)
            name = item.alias
            if name is None:
                name = _name_of(node, bound)
            targets.append(Target(name, bound, node.position))
    if len(targets) > _TARGETS_MAX:
        raise errors.TooManyColumns(f"target lists can have at most {_TARGETS_MAX} entries")
    return targets


def _name_of(node: ast.Expression, bound: BoundExpression) -> str:
    if isinstance(node, ast.Subquery) and isinstance(bound, SubqueryExpr):
        return bound.plan.columns[0].name  # type: ignore[union-attr]
    return output_name(node)


def expand_star(node: ast.Star, scope: Scope) -> list[Target]:
    """The columns that `*` or `t.*` stands for."""
    entries: list[RangeEntry]
    if node.qualifier:
        schema = node.qualifier[-2] if len(node.qualifier) > 1 else None
        found = scope.find_entry(node.qualifier[-1], schema)
        if found is None:
            raise scope.missing_table(".".join(node.qualifier), node.position)
        entries = [found[0]]
    else:
        entries = [entry for entry in scope.entries if entry.shows_columns]
        if not entries:
            raise errors.SyntaxError("SELECT * with no tables specified is not valid").at(
                node.position
            )
    return [
        Target(name, entry.ref(position), node.position)
        for entry in entries
        for position, name in enumerate(entry.names)
    ]


def _expand_row(node: ast.FieldAccess, scope: Scope) -> list[Target]:
    """(row).*: a target for each field."""
    row = scope.bind(node.operand)
    if row.type.kind is not TypeKind.RECORD:
        raise errors.WrongObjectType(f"type {row.type} is not composite").at(node.position)
    if not row.type.fields:
        raise errors.WrongObjectType("record type has not been registered").at(node.position)
    if isinstance(row, RowExpr):
        values = row.items
    else:
        values = tuple(access_field(row, index) for index in range(len(row.type.fields)))
    return [
        Target(name, value, node.position)
        for name, value in zip(row.type.labels, values, strict=True)
    ]
