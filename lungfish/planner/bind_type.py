"""Types by name, and casts as written."""

from __future__ import annotations

from dataclasses import replace

from lungfish import errors
from lungfish.catalog.objects import SystemView, Table, View
from lungfish.planner.bind_collection import bind_array_as
from lungfish.planner.bind_state import BindState
from lungfish.planner.coerce import coerce_explicit, coerce_with
from lungfish.planner.expressions import BoundExpression
from lungfish.planner.scope import Scope
from lungfish.sql import parse
from lungfish.sql.ast import expressions as ast
from lungfish.sql.ast.queries import Query, Select
from lungfish.types.coercion import CastContext
from lungfish.types.sql_type import CHAR, SqlType, TypeKind, array_of
from lungfish.types.type_names import interval_of_fields, type_by_name
from lungfish.types.type_oids import PSEUDO_TYPES


def find_type(name: ast.TypeName, state: BindState) -> SqlType:
    """The type of that name. Raises UndefinedObject."""
    found = _find(name, state)
    if found is None:
        if name.schema is not None and not state.catalog.has_namespace(name.schema):
            raise errors.InvalidSchemaName(f'schema "{name.schema}" does not exist').at(
                name.position
            )
        shown = name.name if name.schema is None else f"{name.schema}.{name.name}"
        raise errors.UndefinedObject(f'type "{shown}" does not exist').at(name.position)
    if name.is_setof:
        raise errors.FeatureNotSupported("SETOF is not supported here").at(name.position)
    if name.array_dimensions and found.kind in (TypeKind.UNKNOWN, TypeKind.VOID):
        raise errors.UndefinedObject(f'type "{found}[]" does not exist').at(name.position)
    return array_of(found) if name.array_dimensions else found


def is_type_name(name: ast.TypeName, state: BindState) -> bool:
    """Whether a type has that name."""
    return _find(name, state) is not None


# The grammar writes the length of CHAR and BIT out, so without one the type has none (`::bpchar`).
_WITHOUT_LENGTH = {"character": CHAR, "bit": SqlType(TypeKind.BIT)}


def _find(name: ast.TypeName, state: BindState) -> SqlType | None:
    if name.schema in (None, "pg_catalog"):
        if not name.modifiers and name.name in _WITHOUT_LENGTH:
            return _WITHOUT_LENGTH[name.name]
        try:
            built_in = type_by_name(name.name, name.modifiers)
        except errors.Error as error:
            error.at(name.position)
            raise
        if built_in is not None:
            if name.interval_fields is not None and built_in.kind is TypeKind.INTERVAL:
                return interval_of_fields(built_in, name.interval_fields)
            return built_in
    user = state.catalog.find_type(name.name, name.schema, state.search_path)
    if user is not None:
        if name.modifiers:
            raise errors.SyntaxError(f'type modifier is not allowed for type "{user.name}"').at(
                name.position
            )
        return user.type
    return _row_type(name, state)


def _check_type_literal(text: str, state: BindState) -> None:
    """Raise UndefinedObject if regtype would find no type of that name: see `registered_literals.py`."""
    bare = text.strip().removeprefix("pg_catalog.").strip('"')
    if bare == "-" or bare.isdecimal() or bare in PSEUDO_TYPES or state.trace is not None:
        return
    statement = parse(f"SELECT NULL::{text}")[0].statement
    if isinstance(statement, Query) and isinstance(statement.body, Select):
        cast = statement.body.items[0].expression
        if isinstance(cast, ast.Cast):
            find_type(replace(cast.type_name, position=-1), state)


def _row_type(name: ast.TypeName, state: BindState) -> SqlType | None:
    """The type of a table's or view's rows, which has its name."""
    found = state.catalog.find_relation(name.name, name.schema, state.search_path)
    return row_type_of(found) if isinstance(found, (Table, View, SystemView)) else None


def row_type_of(relation: Table | View | SystemView) -> SqlType:
    """The type of a relation's rows."""
    return SqlType(
        TypeKind.RECORD,
        name=relation.name,
        labels=tuple(column.name for column in relation.columns),
        fields=tuple(column.type for column in relation.columns),
        oid=relation.oid,
    )


def bind_cast(node: ast.Cast, scope: Scope) -> BoundExpression:
    """CAST(x AS type)."""
    state = scope.state
    target = find_type(node.type_name, state)
    operand = node.operand
    if node.is_assignment:
        bound = scope.bind(operand)
        return coerce_with(bound, target, CastContext.ASSIGNMENT, state, node.position)
    if isinstance(operand, ast.ArrayConstructor) and target.kind is TypeKind.ARRAY:
        assert target.element is not None
        made = bind_array_as(operand, target.element, scope)
        return coerce_explicit(made, target, state, node.position)
    position = node.position
    if isinstance(operand, ast.Literal) and operand.kind is ast.Literal.Kind.STRING:
        position = operand.position
        if target.name == "regtype":
            _check_type_literal(operand.text, state)
    return coerce_explicit(scope.bind(operand), target, state, position)
