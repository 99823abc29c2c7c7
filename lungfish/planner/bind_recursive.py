"""WITH RECURSIVE: `initial UNION [ALL] step`, where the step reads the rows of the round before.

The columns have the initial term's types; the step must give exactly these (42804 with PostgreSQL's hint otherwise).
"""

from __future__ import annotations

from lungfish import errors
from lungfish.planner.bind_output import cast_outputs
from lungfish.planner.coerce import same_type, try_common_type
from lungfish.planner.expressions import ColumnRef
from lungfish.planner.logical import LogicalOutput, LogicalRecursiveUnion
from lungfish.planner.scope import CteEntry, Scope
from lungfish.planner.sort_keys import check_grouped
from lungfish.planner.table_mentions import mentions_table
from lungfish.sql.ast import queries as ast
from lungfish.types.sql_type import SqlType, TypeKind


def bind_recursive_query(entry: CteEntry, query: object, scope: Scope) -> LogicalOutput:
    """The recursive union of a query of WITH that reads itself."""
    assert isinstance(query, ast.Query)
    name, position = entry.definition.name, entry.definition.position
    body = _union(query, name, position)
    inner = (
        Scope(scope.state, scope)
        if query.with_clause is None
        else scope.state.bind_with(query.with_clause, scope)
    )
    _check_form(body, name)
    initial = scope.state.bind_query(_as_query(body.left), inner)
    aliases = entry.definition.column_aliases
    columns = tuple(
        ColumnRef(
            column.index, column.type, aliases[index] if index < len(aliases) else column.name
        )
        for index, column in enumerate(initial.columns)
    )
    entry.work_columns = columns
    entry.open_depth = scope.state.subquery_depth
    step = scope.state.bind_query(_as_query(body.right), inner)
    entry.work_columns = ()
    if len(step.columns) != len(columns):
        raise errors.SyntaxError("each UNION query must have the same number of columns").at(
            position
        )
    if len(entry.self_references) > 1:
        raise errors.InvalidRecursion(
            f'recursive reference to query "{name}" must not appear more than once'
        ).at(position)
    entry.self_references.clear()
    step = _typed_step(step, columns, entry, scope)
    for column in () if body.is_all else columns:
        check_grouped(column.type, position)
    if not body.is_all and not all(_is_hashable(column.type) for column in columns):
        raise errors.FeatureNotSupported(
            "could not implement recursive UNION",
            detail="All column datatypes must be hashable.",
        )
    made = tuple(scope.state.new_column(column.name, column.type) for column in columns)
    union = LogicalRecursiveUnion(
        entry.cte_id, initial.input, step.input, body.is_all, initial.columns, step.columns, made
    )
    return LogicalOutput(union, made)


def _is_hashable(kind: SqlType) -> bool:
    """Whether PostgreSQL can hash values of the type; it has no functions for that of bits."""
    if kind.kind in (TypeKind.BIT, TypeKind.VARBIT):
        return False
    inner = kind.fields if kind.element is None else (kind.element,)
    return all(map(_is_hashable, inner))


def _as_query(body: ast.Query | ast.Select | ast.Values | ast.SetOperation) -> ast.Query:
    return body if isinstance(body, ast.Query) else ast.Query(body)


def _union(query: ast.Query, name: str, position: int) -> ast.SetOperation:
    body = query.body
    while isinstance(body, ast.Query) and body.with_clause is None:
        query, body = body, body.body
    if not isinstance(body, ast.SetOperation) or body.kind != "union":
        raise errors.InvalidRecursion(
            f'recursive query "{name}" does not have the form non-recursive-term UNION [ALL] recursive-term'
        ).at(position)
    for what, part in (
        ("ORDER BY", query.order_by),
        ("OFFSET", query.offset),
        ("LIMIT", query.limit),
    ):
        if part:
            raise errors.FeatureNotSupported(f"{what} in a recursive query is not implemented").at(
                position
            )
    if query.locking:
        raise errors.FeatureNotSupported(
            "FOR UPDATE/SHARE in a recursive query is not implemented"
        ).at(position)
    return body


def _check_form(body: ast.SetOperation, name: str) -> None:
    """Where the recursive reference may not be: left of the UNION, in an outer join's nullable side, in a subquery."""
    if mentions_table(body.left, name):
        raise errors.InvalidRecursion(
            f'recursive reference to query "{name}" must not appear within its non-recursive term'
        ).at(_position_of(body.left))
    right: ast.Query | ast.Select | ast.Values | ast.SetOperation = body.right
    while isinstance(right, ast.Query):
        right = right.body
    if isinstance(right, ast.SetOperation) and right.kind != "union":
        word = right.kind.upper()
        if (word == "EXCEPT" and mentions_table(right.right, name)) or (
            word == "INTERSECT" and right.is_all and mentions_table(right, name)
        ):
            raise errors.InvalidRecursion(
                f'recursive reference to query "{name}" must not appear within {word}'
            ).at(right.position)
    if isinstance(right, ast.Select):
        _check_select(right, name)


def _check_select(select: ast.Select, name: str) -> None:
    for part in (select.where, select.having, select.items, select.group_by):
        if mentions_table(part, name):
            raise errors.InvalidRecursion(
                f'recursive reference to query "{name}" must not appear within a subquery'
            ).at(select.position)
    for item in select.from_items:
        _check_item(item, name)


def _check_item(item: ast.FromItem, name: str) -> None:
    if not isinstance(item, ast.Join):
        return
    nullable: tuple[object, ...] = ()
    if item.kind is ast.JoinKind.LEFT:
        nullable = (item.right,)
    elif item.kind is ast.JoinKind.RIGHT:
        nullable = (item.left,)
    elif item.kind is ast.JoinKind.FULL:
        nullable = (item.left, item.right)
    if any(mentions_table(side, name) for side in nullable):
        raise errors.InvalidRecursion(
            f'recursive reference to query "{name}" must not appear within an outer join'
        ).at(item.position)
    _check_item(item.left, name)
    _check_item(item.right, name)


def _position_of(node: object) -> int:
    return getattr(node, "position", -1)


def _typed_step(
    step: LogicalOutput, columns: tuple[ColumnRef, ...], entry: CteEntry, scope: Scope
) -> LogicalOutput:
    for number, (ours, theirs) in enumerate(zip(columns, step.columns, strict=True), 1):
        overall = try_common_type([ours.type, theirs.type])
        if overall is None:
            raise errors.DatatypeMismatch(
                f"UNION types {ours.type} and {theirs.type} cannot be matched"
            ).at(entry.definition.position)
        is_cut = bool(ours.type.modifiers) and ours.type.modifiers != theirs.type.modifiers
        if is_cut or not same_type(overall, ours.type):
            raise errors.DatatypeMismatch(
                f'recursive query "{entry.definition.name}" column {number} has type {ours.type} '
                f"in non-recursive term but type {overall} overall",
                hint="Cast the output of the non-recursive term to the correct type.",
            ).at(entry.definition.position)
    types = [column.type.unmodified for column in columns]
    return cast_outputs(step, types, scope.state, entry.definition.position)
