"""Who uses a routine or, in an expression, a type: views, standard bodies, and the expressions that tables and domains keep as text."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TypeAlias

from lungfish import errors
from lungfish.catalog.catalog import Catalog
from lungfish.catalog.objects import (
    CatalogObject,
    Column,
    Constraint,
    Index,
    Oid,
    SqlFunction,
    Table,
    UserType,
    View,
)
from lungfish.catalog.operator_objects import UserCast, UserOperator
from lungfish.executor.ddl.find_functions import signature_text
from lungfish.planner import names_type, stored_routines
from lungfish.planner.bind_stored import parse_expression
from lungfish.sql.ast.expressions import FunctionCall
from lungfish.sql.ast.walk import walk

Used: TypeAlias = SqlFunction | UserOperator | UserCast | UserType


@dataclasses.dataclass(frozen=True, slots=True)
class RoutineUser:
    """An object that uses a routine; in a table the column, constraint or index whose text does, of a domain its check's name."""

    item: CatalogObject
    part: Column | Constraint | Index | str | None = None


def users_of_routine(catalog: Catalog, routine: Used) -> list[RoutineUser]:
    """Everything that stops being possible when the routine goes."""
    found: list[RoutineUser] = []
    for item in catalog.objects():
        if item.oid == routine.oid:
            continue
        if isinstance(item, (View, SqlFunction)) and routine.oid in item.depends_on:
            found.append(RoutineUser(item))
        elif isinstance(item, Table):
            if routine.oid in item.depends_on:
                found.append(RoutineUser(item))
            found += _parts_using(item, routine, catalog)
        elif isinstance(item, UserType):
            value = table_of_value(item)
            if item.default is not None and _uses(item.default, routine, value, catalog):
                found.append(RoutineUser(item))
            found += [
                RoutineUser(item, name)
                for name, text in item.checks
                if _uses(text, routine, value, catalog)
            ]
        elif isinstance(item, (UserOperator, UserCast)):
            if item.function is not None and item.function.oid == routine.oid:
                found.append(RoutineUser(item))
    return found


def _parts_using(table: Table, routine: Used, catalog: Catalog) -> Iterator[RoutineUser]:
    for column in table.columns:
        for text in (column.default, column.generated):
            if text is not None and _uses(text, routine, table, catalog):
                yield RoutineUser(table, column)
    for constraint in table.constraints:
        if constraint.check is not None and _uses(constraint.check, routine, table, catalog):
            yield RoutineUser(table, constraint)
    for index in table.indexes:
        texts = [index.predicate, *(key.expression for key in index.columns)]
        if any(text is not None and _uses(text, routine, table, catalog) for text in texts):
            yield RoutineUser(table, index)
    key = table.partition_key
    if key is not None and any(
        each.expression is not None and _uses(each.expression, routine, table, catalog)
        for each in key.columns
    ):
        yield RoutineUser(table)


def table_of_value(domain: UserType) -> Table:
    """What a domain's checks speak of: a row with VALUE."""
    kind = domain.base or domain.type
    value = Column("value", kind, 1)
    return Table(Oid(0), "", Oid(0), 0, (value,), (kind,), (0,))


def _uses(text: str, item: Used, table: Table, catalog: Catalog) -> bool:
    """Whether an expression over the table's columns uses the routine, operator or cast."""
    if isinstance(item, SqlFunction) and not uses_routine(text, item):
        return False
    if isinstance(item, UserType):
        return names_type(text, item, catalog)
    if isinstance(item, UserOperator) and item.name not in text:
        return False
    try:
        return item.oid in stored_routines(text, table, catalog)
    except errors.Error:
        # A text that means nothing any more uses nothing either, unless a routine of that name is all that is known.
        return isinstance(item, SqlFunction)


def uses_routine(text: str, routine: SqlFunction) -> bool:
    """Whether an expression calls the routine: by its name, with as many arguments as it may take."""
    if routine.name not in text:
        return False
    return any(_is_call_of(node, routine) for node in walk(parse_expression(text)))


def _is_call_of(node: object, routine: SqlFunction) -> bool:
    if not isinstance(node, FunctionCall) or node.name[-1] != routine.name:
        return False
    return routine.is_variadic or len(node.arguments) <= len(routine.parameter_types)


def describe(user: RoutineUser) -> str:
    """The user as messages name it."""
    item, part = user.item, user.part
    match part:
        case Column():
            what = "column" if part.generated is not None else "default value for column"
            return f"{what} {part.name} of table {item.name}"
        case Constraint():
            return f"constraint {part.name} on table {item.name}"
        case Index():
            return f"index {part.name}"
        case str():
            return f"constraint {part}"
    match item:
        case Table():
            return f"{item.kind} {item.name}"
        case View():
            return f"view {item.name}"
        case UserType():
            return f"type {item.name}"
        case UserOperator() | UserCast():
            return described(item)
    return f"{item.kind if isinstance(item, SqlFunction) else 'object'} {item.name}"


def described(item: Used) -> str:
    """A routine, operator or cast as messages name it, with what tells it from others."""
    match item:
        case UserOperator():
            return f"operator {item.signature}"
        case UserCast():
            return f"cast from {item.source} to {item.target}"
        case UserType():
            return f"type {item.name}"
    return f"{item.kind} {signature_text(item)}"


def routines_on(catalog: Catalog, oid: Oid) -> list[SqlFunction]:
    """The routines that speak of a relation: by the type of its rows, or in a standard body."""
    return [
        item
        for item in catalog.objects()
        if isinstance(item, SqlFunction) and (oid in item.depends_on or _names_rows_of(item, oid))
    ]


def _names_rows_of(item: SqlFunction, oid: Oid) -> bool:
    kinds = [item.result, *(each.type for each in item.all_parameters)]
    return any(kind.oid == oid or (kind.element or kind).oid == oid for kind in kinds)
