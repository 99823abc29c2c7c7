"""The types of routines: those that only they may have, and what polymorphic ones stand for in a call.

A polymorphic type (anyelement, ...) is kept as a `SqlType` of the kind POLYMORPHIC, whose name it is; overload resolution
speaks of the same by `Polymorphic`.
"""

from __future__ import annotations

from collections.abc import Sequence

from lungfish import errors
from lungfish.catalog.catalog import Catalog
from lungfish.catalog.objects import Oid, Table, View
from lungfish.functions.registry import ArgumentType, Polymorphic
from lungfish.functions.resolve import polymorphic_meanings
from lungfish.planner.bind_state import BindState
from lungfish.planner.bind_type import find_type, row_type_of
from lungfish.sql.ast.expressions import TypeName
from lungfish.sql.ast.queries import ObjectName
from lungfish.types.sql_type import SqlType, TypeKind, array_of

_POLYMORPHIC = {
    each.value: each for each in Polymorphic if each.value.startswith("any") and each.value != "any"
}
# Pseudo-types that no routine in SQL may speak of.
_FOREIGN = frozenset(
    {"any", "cstring", "internal", "trigger", "event_trigger", "language_handler", "fdw_handler",
     "table_am_handler", "index_am_handler", "tsm_handler", "pg_ddl_command"}
)  # fmt: skip


def polymorphic(name: str) -> SqlType:
    """The polymorphic type of that name."""
    return SqlType(TypeKind.POLYMORPHIC, name=name)


def find_routine_type(name: TypeName, state: BindState) -> SqlType:
    """The type of a parameter or result. Raises UndefinedObject; InvalidFunctionDefinition for what SQL cannot have."""
    if name.column_of:
        return _type_of_column(name, state)
    if name.schema in (None, "pg_catalog"):
        if name.name in _POLYMORPHIC:
            found = polymorphic(name.name)
            return array_of(found) if name.array_dimensions else found
    plain = TypeName(
        name.name,
        name.schema,
        (),
        name.array_dimensions,
        name.interval_fields,
        False,
        name.position,
    )
    return find_type(plain, state)


def is_foreign(name: TypeName) -> bool:
    """Whether the name is that of a pseudo-type which only routines in other languages have."""
    return name.schema in (None, "pg_catalog") and name.name in _FOREIGN


def _type_of_column(name: TypeName, state: BindState) -> SqlType:
    *schema, table = name.column_of
    shown = ".".join(name.column_of)
    relation = state.find_relation(ObjectName(table, schema[0] if schema else None, name.position))
    if isinstance(relation, (Table, View)):
        for column in relation.columns:
            if column.name == name.name:
                found = column.type.unmodified
                return array_of(found) if name.array_dimensions else found
    raise errors.UndefinedColumn(f'column "{name.name}" of relation "{shown}" does not exist').at(
        name.position
    )


def is_polymorphic(kind: SqlType) -> bool:
    """Whether the type, or what it is made of, follows from the arguments of a call."""
    if kind.kind is TypeKind.POLYMORPHIC:
        return True
    if kind.element is not None and is_polymorphic(kind.element):
        return True
    return any(is_polymorphic(field) for field in kind.fields)


def as_argument(kind: SqlType) -> ArgumentType:
    """The type as overload resolution takes it."""
    if kind.kind is TypeKind.POLYMORPHIC:
        assert kind.name is not None
        return _POLYMORPHIC[kind.name]
    if kind.kind is TypeKind.RECORD and not kind.fields:
        return Polymorphic.RECORD
    return kind


class CallTypes:
    """What the polymorphic types of a routine stand for in one call."""

    def __init__(self, declared: Sequence[SqlType], given: Sequence[SqlType]) -> None:
        """Raises DatatypeMismatch where the arguments say too little."""
        self._meanings = polymorphic_meanings([as_argument(each) for each in declared], given)

    def of(self, kind: SqlType) -> SqlType:
        """The actual type of a parameter or of the result."""
        if kind.kind is TypeKind.POLYMORPHIC:
            return self._meanings.of(as_argument(kind), kind)
        if kind.kind is TypeKind.RECORD and any(map(is_polymorphic, kind.fields)):
            fields = tuple(self.of(field) for field in kind.fields)
            return SqlType(TypeKind.RECORD, labels=kind.labels, fields=fields)
        return kind


def current_row_type(kind: SqlType, catalog: Catalog) -> SqlType:
    """The type; that of a table's rows as the table is now."""
    if kind.kind is TypeKind.RECORD and kind.oid and kind.domain is None:
        relation = catalog.object(Oid(kind.oid))
        if isinstance(relation, (Table, View)):
            return row_type_of(relation)
    return kind
