"""regclass, regtype and their kin: oids that are written and shown as names.

    'public.t'::regclass   text to oid: a call of regclassin
    oid::regclass          the same oid, under the other type
    x::regclass::text      oid to text: a call of regclassout; so is a column of these types in a query's result

Columns of tables cannot have these types.
"""

from __future__ import annotations

from lungfish.functions import resolve_function
from lungfish.planner.bind_state import BindState
from lungfish.planner.coerce import coerce_explicit
from lungfish.planner.expressions import BoundExpression, Call, ColumnRef
from lungfish.planner.logical import LogicalOutput, LogicalProject, LogicalReturning
from lungfish.planner.plan_tree import replace_fields
from lungfish.sql.ast.expressions import TypeName
from lungfish.types.sql_type import OID, TEXT, SqlType, TypeKind
from lungfish.types.type_oids import REGISTERED, registered_type

TEXT_KINDS = (TypeKind.TEXT, TypeKind.VARCHAR, TypeKind.NAME, TypeKind.UNKNOWN)


def registered_target(name: TypeName) -> SqlType | None:
    """The type, if the name is that of one of these."""
    is_plain = name.schema in (None, "pg_catalog") and not name.array_dimensions
    return registered_type(name.name) if is_plain and name.name in REGISTERED else None


def cast_to_registered(
    node: BoundExpression, target: SqlType, state: BindState, position: int
) -> BoundExpression:
    """The cast, of a name or of an oid."""
    if node.type.domain == target.domain:
        return node
    if node.type.kind in TEXT_KINDS:
        return _call(f"{target.domain}in", coerce_explicit(node, TEXT, state, position), target)
    oid = node if node.type.kind is TypeKind.OID else coerce_explicit(node, OID, state, position)
    return _call(f"{target.domain}cast", oid, target)


def is_registered(kind: SqlType) -> bool:
    """Whether values of the type are shown as names."""
    return kind.domain in REGISTERED


def shown(node: BoundExpression) -> BoundExpression:
    """The name of a value of such a type."""
    return _call(f"{node.type.domain}out", node, TEXT)


def show_output(output: LogicalOutput, state: BindState) -> LogicalOutput:
    """A statement's result with names in place of oids."""
    if not any(is_registered(column.type) for column in output.columns):
        return output
    columns: list[ColumnRef] = []
    items = []
    for column in output.columns:
        if is_registered(column.type):
            named = state.new_column(column.name, TEXT)
            items.append((named, shown(column)))
            columns.append(named)
        else:
            columns.append(column)
    return LogicalOutput(LogicalProject(output.input, tuple(items)), tuple(columns))


def show_returning(output: LogicalOutput, state: BindState) -> LogicalOutput:
    """The result of a statement that changes rows, with names in place of oids."""
    change = output.input
    returning = getattr(change, "returning", None)
    if not isinstance(returning, LogicalReturning):
        return output
    if not any(is_registered(column.type) for column, _ in returning.items):
        return output
    items = tuple(
        (state.new_column(column.name, TEXT), shown(expression))
        if is_registered(column.type)
        else (column, expression)
        for column, expression in returning.items
    )
    changed = replace_fields(change, returning=replace_fields(returning, items=items))
    return LogicalOutput(changed, tuple(column for column, _ in items))


def _call(name: str, argument: BoundExpression, result: SqlType) -> Call:
    found = resolve_function(name, [TEXT if argument.type.kind is TypeKind.TEXT else OID])
    assert found is not None, "the functions of these types are registered"
    return Call(found.callee, (argument,), result)
