"""Names in expressions: columns, whole rows, and the errors for what is not there."""

from __future__ import annotations

from lungfish import errors
from lungfish.planner.expressions import (
    BoundExpression,
    CaseExpr,
    Constant,
    IsNullExpr,
    RowExpr,
)
from lungfish.planner.row_fields import field_of
from lungfish.planner.row_flags import row_flag
from lungfish.planner.scope import Clause, RangeEntry, Scope
from lungfish.sql.ast import expressions as ast
from lungfish.types.sql_type import OID, SqlType, TypeKind


def bind_name(node: ast.Name, scope: Scope) -> BoundExpression:
    """The column, or the row, that the name stands for."""
    parts = node.parts
    if len(parts) == 1:
        return _unqualified(parts[0], scope, node.position)
    dotted = ".".join(parts)
    if len(parts) == 4:
        # Binding knows of no database, so its own name is refused as well, as in FROM.
        raise errors.FeatureNotSupported(
            f"cross-database references are not implemented: {dotted}"
        ).at(node.position)
    if len(parts) > 4:
        raise errors.SyntaxError(f"improper qualified name (too many dotted names): {dotted}").at(
            node.position
        )
    return _qualified(parts, scope, node.position)


def _unqualified(name: str, scope: Scope, position: int) -> BoundExpression:
    found = scope.find_column(name, position)
    if found is not None:
        ref, owner = found
        _note_use(scope, owner)
        return ref
    entry = scope.find_entry(name)
    if entry is not None:
        _note_use(scope, entry[1])
        return whole_row(entry[0], entry[1])
    if name == "tableoid" and scope.clause is not Clause.DEFAULT:
        system = _table_oid_of_any(scope, position)
        if system is not None:
            return system
    frame = scope.state.routine
    parameter = None if frame is None else frame.find(name)
    if parameter is not None:
        return parameter
    raise scope.missing_column(name, position)


def _table_oid_of_any(scope: Scope, position: int) -> BoundExpression | None:
    """`tableoid` of the only table in sight. Raises AmbiguousColumn."""
    for each in scope.chain():
        having = [
            entry
            for entry in each.entries
            if entry.shows_columns and (entry.table is not None or entry.table_oid is not None)
        ]
        if len(having) > 1:
            raise errors.AmbiguousColumn('column reference "tableoid" is ambiguous').at(position)
        if having:
            _refuse_in_count(scope, each, position)
            _note_use(scope, each)
            return _table_oid(having[0], each)
    return None


def _refuse_in_count(scope: Scope, owner: Scope, position: int) -> None:
    """Raise InvalidColumnReference for `tableoid` of the query itself in its LIMIT: often a constant to us, it is a column."""
    if scope.clause in (Clause.LIMIT, Clause.OFFSET) and owner is scope.parent:
        raise errors.InvalidColumnReference(
            f"argument of {scope.clause.value} must not contain variables"
        ).at(position)


def _table_oid(entry: RangeEntry, owner: Scope) -> BoundExpression | None:
    """Of which table the entry's rows are; None if it has no table's rows."""
    if entry.table_oid is None:
        if entry.table is None:
            return None
        oid: BoundExpression = Constant(int(entry.table.oid), OID)
    else:
        oid = entry.table_oid
    if not isinstance(oid, Constant) or entry.nullable_side is None or not entry.names:
        return oid
    flag = row_flag(entry.nullable_side, owner.state)
    return CaseExpr(((IsNullExpr(flag, is_negated=True), oid),), Constant(None, OID), OID)


def _qualified(parts: tuple[str, ...], scope: Scope, position: int) -> BoundExpression:
    name, alias = parts[-1], parts[-2]
    schema = parts[-3] if len(parts) > 2 else None
    found = scope.find_entry(alias, schema)
    if found is None:
        parameter = _of_parameter(parts, scope, position)
        if parameter is not None:
            return parameter
        raise scope.missing_table(alias, position)
    entry, owner = found
    at = entry.find(name)
    if at is None and name == "tableoid":
        system = _table_oid(entry, owner)
        if system is not None:
            _refuse_in_count(scope, owner, position)
            _note_use(scope, owner)
            return system
    if at is None:
        parameter = _of_parameter(parts, scope, position)
        if parameter is None:
            parameter = _called_by_row(parts, scope, position)
        if parameter is not None:
            return parameter
        raise scope.missing_column(name, position, qualifier=alias)
    if at < 0:
        raise errors.AmbiguousColumn(f'column reference "{name}" is ambiguous').at(position)
    _note_use(scope, owner)
    return entry.ref(at)


def _of_parameter(parts: tuple[str, ...], scope: Scope, position: int) -> BoundExpression | None:
    """`routine.parameter`, `parameter.field` or `routine.parameter.field` in the body of a routine."""
    frame = scope.state.routine
    if frame is None:
        return None
    if parts[0] == frame.name and len(parts) <= 3:
        found = frame.find(parts[1])
        if found is not None:
            return found if len(parts) == 2 else field_of(found, parts[2], position)
    found = frame.find(parts[0]) if len(parts) == 2 else None
    return None if found is None else field_of(found, parts[1], position)


def _called_by_row(parts: tuple[str, ...], scope: Scope, position: int) -> BoundExpression | None:
    """`alias.name` where a routine of that name takes the whole row."""
    state = scope.state
    if len(parts) != 2 or not state.catalog.find_functions(parts[1], None, state.search_path):
        return None
    row = ast.Star((parts[0],), position)
    try:
        return scope.bind(ast.FunctionCall((parts[1],), (row,), position=position))
    except errors.UndefinedFunction:
        return None


def _note_use(scope: Scope, owner: Scope) -> None:
    """Tell the aggregate whose arguments are being bound which query level the column belongs to."""
    uses = scope.state.level_uses
    if uses:
        uses[-1].add(owner)


def bind_star(node: ast.Star, scope: Scope) -> BoundExpression:
    """`t.*` as a value: the whole row."""
    if not node.qualifier:
        raise errors.SyntaxError('row expansion via "*" is not supported here').at(node.position)
    schema = node.qualifier[-2] if len(node.qualifier) > 1 else None
    found = scope.find_entry(node.qualifier[-1], schema)
    if found is None:
        raise scope.missing_table(".".join(node.qualifier), node.position)
    _note_use(scope, found[1])
    return whole_row(*found)


def expand_row(node: ast.Expression, scope: Scope) -> list[BoundExpression]:
    """The expression bound; `t.*` as the columns of t, as ROW(...) and VALUES take it."""
    if not isinstance(node, ast.Star) or not node.qualifier:
        return [scope.bind(node)]
    found = scope.find_entry(node.qualifier[-1])
    if found is None:
        raise scope.missing_table(node.qualifier[-1], node.position)
    _note_use(scope, found[1])
    return list(found[0].refs())


def whole_row(entry: RangeEntry, owner: Scope) -> BoundExpression:
    """A row value of all columns of the entry; null where an outer join has no row of it."""
    refs = entry.refs()
    if entry.is_scalar_function:
        return refs[0]
    type_ = entry.row_type or SqlType(
        TypeKind.RECORD,
        name=entry.table.name if entry.table is not None else None,
        labels=tuple(entry.names),
        fields=tuple(ref.type for ref in refs),
        oid=entry.table.oid if entry.table is not None else 0,
    )
    if entry.is_absent:
        return Constant(None, type_)
    row = RowExpr(tuple(refs), type_)
    if entry.presence is not None:
        return CaseExpr(((entry.presence, row),), Constant(None, type_), type_)
    if entry.nullable_side is None or not refs:
        return row
    flag = row_flag(entry.nullable_side, owner.state)
    return CaseExpr(((IsNullExpr(flag, is_negated=True), row),), Constant(None, type_), type_)
