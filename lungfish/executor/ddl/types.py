"""CREATE TYPE of enums and composite types, ALTER TYPE of enums, and DROP of all kinds of types.

An enum's values are stored as their labels and ordered by their places in the type, so a label at the end changes no row and
no index. One in the middle moves the places of others, which index keys are made of: the tables with such an index are written
anew. A label that is renamed is written anew wherever it is stored.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from lungfish.catalog.catalog import PG_TEMP_OID
from lungfish.catalog.objects import (
    CatalogObject,
    Namespace,
    Oid,
    Rule,
    SqlFunction,
    Table,
    UserType,
    View,
)
from lungfish.catalog.operator_objects import UserCast, UserOperator
from lungfish.catalog.type_uses import types_of, users_of_type, uses_type, with_types
from lungfish.errors import (
    DependentObjectsStillExist,
    DuplicateColumn,
    DuplicateObject,
    FeatureNotSupported,
    InvalidName,
    InvalidParameterValue,
    UndefinedObject,
    UniqueViolation,
    WrongObjectType,
)
from lungfish.executor.ddl.alter_table import alter_table
from lungfish.executor.ddl.column_rules import check_column_type
from lungfish.executor.ddl.context import DdlContext
from lungfish.executor.ddl.drop_functions import DropObject, release_users
from lungfish.executor.ddl.names import refuse_taken_type
from lungfish.executor.ddl.range_types import (
    multirange_with,
    refuse_multirange_alone,
    refuse_renaming,
)
from lungfish.executor.ddl.rewrite import rewrite
from lungfish.executor.ddl.routine_users import described
from lungfish.executor.ddl.typed_tables import typed_tables
from lungfish.sql.ast.ddl import AlterTable, Drop, DropColumn, Rename, SetSchema
from lungfish.sql.ast.queries import ObjectName
from lungfish.sql.ast.type_definitions import AlterEnum, CreateCompositeType, CreateEnum
from lungfish.sql.quoting import quote_identifier, quote_literal
from lungfish.sql.rename import mentions_name
from lungfish.types.array_value import ArrayValue
from lungfish.types.collations import collation_of_column
from lungfish.types.sql_type import SqlType, TypeKind
from lungfish.types.type_names import type_by_name

LABEL_BYTES_MAX = 63


def create_enum(context: DdlContext, statement: CreateEnum) -> str:
    """Run CREATE TYPE ... AS ENUM; answers the command tag."""
    namespace = new_type_namespace(context, statement.name)
    for place, label in enumerate(statement.labels):
        _check_label(label)
        if label in statement.labels[:place]:
            raise UniqueViolation(
                'duplicate key value violates unique constraint "pg_enum_typid_label_index"',
                detail=f"Key (enumlabel)=({label}) is already in the type.",
            )
    oid = context.change.new_oid()
    name = statement.name.name
    sql_type = SqlType(TypeKind.ENUM, name=name, labels=statement.labels, oid=oid)
    context.change.put(UserType(oid, name, namespace.oid, sql_type))
    return "CREATE TYPE"


def create_composite_type(context: DdlContext, statement: CreateCompositeType) -> str:
    """Run CREATE TYPE ... AS (...); answers the command tag."""
    namespace = new_type_namespace(context, statement.name)
    labels: list[str] = []
    for column in statement.columns:
        if column.name in labels:
            raise DuplicateColumn(
                f'column "{column.name}" specified more than once', position=column.position
            )
        labels.append(column.name)
    fields = tuple(context.runner.resolve_type(column.type_name) for column in statement.columns)
    for column, field in zip(statement.columns, fields, strict=True):
        check_column_type(column.name, field)
        has_schema = context.catalog.has_namespace
        if collation_of_column(column.collation, field, has_schema, column.position) is not None:
            raise FeatureNotSupported(
                "a collation of an attribute is not supported", position=column.position
            )
    oid = context.change.new_oid()
    name = statement.name.name
    sql_type = SqlType(TypeKind.RECORD, name=name, labels=tuple(labels), fields=fields, oid=oid)
    context.change.put(UserType(oid, name, namespace.oid, sql_type))
    return "CREATE TYPE"


def new_type_namespace(context: DdlContext, name: ObjectName) -> Namespace:
    """Where a new type goes. Raises DuplicateObject; a table's name is the name of its rows' type, too."""
    namespace = context.namespace_for(name)
    refuse_taken_type(context, namespace, name)
    return namespace


def find_user_type(context: DdlContext, name: ObjectName) -> UserType:
    """The enum, domain or composite type of that name. Raises UndefinedObject, WrongObjectType."""
    found = context.catalog.find_type(name.name, name.schema, context.search_path)
    if found is None:
        if name.schema in (None, "pg_catalog") and type_by_name(name.name) is not None:
            raise WrongObjectType(f'"{name}" is a built-in type', position=name.position)
        raise UndefinedObject(f'type "{name}" does not exist', position=name.position)
    return found


# ALTER TYPE of an enum.


def _check_label(label: str) -> None:
    if len(label.encode()) > LABEL_BYTES_MAX:
        raise InvalidName(
            f'invalid enum label "{label}"',
            detail=f"Labels must be {LABEL_BYTES_MAX} bytes or less.",
        )


def alter_enum(context: DdlContext, statement: AlterEnum) -> str:
    """Run ALTER TYPE ... ADD VALUE or RENAME VALUE; answers the command tag."""
    found = find_user_type(context, statement.name)
    if found.type.kind is not TypeKind.ENUM or found.base is not None:
        raise WrongObjectType(f"{found.name} is not an enum", position=statement.name.position)
    _check_label(statement.new_label)
    if statement.old_label is not None:
        _rename_label(context, found, statement.old_label, statement.new_label)
    else:
        _add_label(context, found, statement)
    return "ALTER TYPE"


def _add_label(context: DdlContext, found: UserType, statement: AlterEnum) -> None:
    labels = found.type.labels
    if statement.new_label in labels:
        message = f'enum label "{statement.new_label}" already exists'
        if not statement.if_not_exists:
            raise DuplicateObject(message)
        context.runner.notice(f"{message}, skipping")
        return
    place = len(labels)
    if statement.neighbour is not None:
        if statement.neighbour not in labels:
            raise InvalidParameterValue(f'"{statement.neighbour}" is not an existing enum label')
        place = labels.index(statement.neighbour) + statement.is_after
    new = (*labels[:place], statement.new_label, *labels[place:])
    numbered = replace(found, label_orders=_orders_with(found, place))
    _change_labels(context, numbered, new, rewrites_keys=place < len(labels))
    if context.change.base.object(found.oid) is not None:
        context.change.catalog = context.catalog.with_added_label(found.oid, statement.new_label)


def _orders_with(found: UserType, place: int) -> tuple[float, ...]:
    """The labels' numbers with one more at the place: as in PostgreSQL the others keep theirs, while a number fits between."""
    count = len(found.type.labels)
    orders = found.label_orders or tuple(float(number) for number in range(1, count + 1))
    if place == count:
        number = orders[-1] + 1 if orders else 1.0
    elif place == 0:
        number = orders[0] - 1
    else:
        (number,) = struct.unpack("f", struct.pack("f", (orders[place - 1] + orders[place]) / 2))
        if number in (orders[place - 1], orders[place]):
            return ()
    return (*orders[:place], number, *orders[place:])


def _rename_label(context: DdlContext, found: UserType, old: str, new: str) -> None:
    labels = found.type.labels
    if old not in labels:
        raise InvalidParameterValue(f'"{old}" is not an existing enum label')
    if new in labels:
        raise DuplicateObject(f'enum label "{new}" already exists')
    for user in users_of_type(context.catalog, found.oid):
        if any(quote_literal(old) in text for text in _stored_texts(user)):
            raise FeatureNotSupported(
                f'renaming the enum label "{old}", which a stored expression of {user.name} names, is not supported'
            )
    renamed = tuple(new if label == old else label for label in labels)
    _change_labels(context, found, renamed, old=old, new=new)


def _stored_texts(item: CatalogObject) -> list[str]:
    """The expressions and queries that an object keeps."""
    texts: list[str | None] = []
    match item:
        case Table():
            for column in item.columns:
                texts += [column.default, column.generated]
            texts += [constraint.check for constraint in item.constraints]
            for index in item.indexes:
                texts += [index.predicate, *(key.expression for key in index.columns)]
        case View():
            texts.append(item.query)
        case Rule():
            texts += [item.condition, *item.commands]
        case UserType():
            texts += [item.default, *(check for _, check in item.checks)]
        case SqlFunction():
            texts.append(item.body)
    return [text for text in texts if text is not None]


def _change_labels(
    context: DdlContext,
    found: UserType,
    labels: tuple[str, ...],
    *,
    rewrites_keys: bool = False,
    old: str | None = None,
    new: str = "",
) -> None:
    """Give the enum other labels, here and in all that is made of it; `old` is the one that became `new`."""
    oid = found.oid

    def changed(sql_type: SqlType) -> SqlType:
        return replace(sql_type, labels=labels) if sql_type.oid == oid else sql_type

    users = users_of_type(context.catalog, oid)
    context.change.put(with_types(found, changed))
    for user in users:
        after = with_types(user, changed)
        if not isinstance(user, Table) or not isinstance(after, Table):
            context.change.put(after)
            continue
        has_keys = any(
            key.type is not None and uses_type(key.type, oid)
            for index in user.indexes
            for key in index.columns
        )
        context.runner.lock_table(user, "access exclusive")
        if old is not None:
            rewrite_values(context, user, after, oid, lambda label: new if label == old else label)
        elif rewrites_keys and has_keys:
            names = [quote_identifier(column.name) for column in user.columns]
            rewrite(context, user, after, names)
        else:
            context.change.put(after)


def rewrite_values(
    context: DdlContext, before: Table, after: Table, oid: Oid, change: Callable[[Any], Any]
) -> None:
    """Write the table's rows anew, every value of the type with `change` done to it."""
    names = [quote_identifier(column.name) for column in before.columns]
    types = [column.type for column in before.columns]

    def changed_row(row: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(
            _changed_value(value, sql_type, oid, change)
            for value, sql_type in zip(row, types, strict=True)
        )

    rewrite(context, before, after, names, changed_row)


def _changed_value(value: Any, sql_type: SqlType, oid: Oid, change: Callable[[Any], Any]) -> Any:
    """The value with `change` done to each value of the type, wherever that is inside."""
    if value is None or not uses_type(sql_type, oid):
        return value
    if sql_type.kind is TypeKind.ARRAY and sql_type.element is not None:
        element = sql_type.element
        items = tuple(_changed_value(item, element, oid, change) for item in value.elements)
        return ArrayValue(items, value.dimensions, value.lower_bounds)
    if sql_type.kind is TypeKind.RECORD:
        value = tuple(
            _changed_value(item, field, oid, change)
            for item, field in zip(value, sql_type.fields, strict=True)
        )
    return change(value) if sql_type.oid == oid else value


# RENAME and DROP.


def rename_type(context: DdlContext, statement: Rename) -> None:
    """Run ALTER TYPE or ALTER DOMAIN ... RENAME TO."""
    found = find_user_type(context, statement.name)
    refuse_renaming(found)
    name = ObjectName(statement.new_name, position=statement.position)
    namespace = context.find_namespace(
        context.catalog.namespace_name(found.namespace_oid), statement.position
    )
    refuse_taken_type(context, namespace, name)
    users = users_of_type(context.catalog, found.oid)
    _refuse_named(users, found, "renaming")

    def changed(sql_type: SqlType) -> SqlType:
        if sql_type.domain_oid == found.oid:
            return replace(sql_type, domain=statement.new_name)
        if sql_type.oid == found.oid:
            return replace(sql_type, name=statement.new_name)
        return sql_type

    after = with_types(found, changed)
    assert isinstance(after, UserType)
    context.change.put(replace(after, name=statement.new_name))
    for user in users:
        context.change.put(with_types(user, changed))


def _refuse_named(users: list[CatalogObject], found: UserType, act: str) -> None:
    """Raise FeatureNotSupported if a text that is stored may speak of the type by its name."""
    for user in users:
        # Expressions of these are written anew; see stored_texts.py.
        if isinstance(user, (Table, UserType)):
            continue
        if any(found.name in text for text in _stored_texts(user)):
            raise FeatureNotSupported(
                f"{act} type {found.name}, which a stored expression of {user.name} names, is not supported"
            )


def move_type(context: DdlContext, statement: SetSchema) -> None:
    """Run ALTER TYPE or ALTER DOMAIN ... SET SCHEMA."""
    found = find_user_type(context, statement.name)
    if statement.kind == "domain" and found.base is None:
        raise WrongObjectType(f"{found.name} is not a domain", position=statement.name.position)
    namespace = context.find_namespace(statement.schema, statement.position)
    if namespace.oid == found.namespace_oid:
        return
    if PG_TEMP_OID in (namespace.oid, found.namespace_oid):
        raise FeatureNotSupported("cannot move objects into or out of temporary schemas")
    if context.catalog.find_type(found.name, namespace.name) is not None:
        raise DuplicateObject(f'type "{found.name}" already exists in schema "{namespace.name}"')
    if found.type.kind is TypeKind.RANGE:
        raise FeatureNotSupported("moving a range type is not supported")
    _refuse_named(users_of_type(context.catalog, found.oid), found, "moving")
    context.change.put(replace(found, namespace_oid=namespace.oid))


def drop_types(context: DdlContext, statement: Drop, drop_object: DropObject) -> None:
    """Run DROP TYPE or DROP DOMAIN: what is made of the type stops it, or goes under CASCADE, by `drop_object`."""
    found: list[UserType] = []
    for name in statement.names:
        item = context.catalog.find_type(name.name, name.schema, context.search_path)
        if item is None:
            _refuse_row_type(context, name, statement.kind)
            message = f'type "{name}" does not exist'
            if not statement.if_exists:
                raise UndefinedObject(message, position=name.position)
            context.runner.notice(f"{message}, skipping")
            continue
        if statement.kind == "domain" and item.base is None:
            raise WrongObjectType(f'"{item.name}" is not a domain', position=name.position)
        found.append(item)
    going = frozenset(item.oid for item in found)
    for item in found:
        refuse_multirange_alone(context, item, going)
        if context.catalog.object(item.oid) is not None:
            drop_type(context, item, drop_object, going=going, is_cascade=statement.is_cascade)


def _refuse_row_type(context: DdlContext, name: ObjectName, kind: str) -> None:
    """Raise DependentObjectsStillExist for a built-in type, and for that of a relation's rows."""
    found = context.catalog.find_relation(name.name, name.schema, context.search_path)
    if kind == "type" and isinstance(found, (Table, View)):
        word = found.kind if isinstance(found, Table) else "view"
        raise DependentObjectsStillExist(
            f"cannot drop type {found.name} because {word} {found.name} requires it",
            position=name.position,
            hint=f"You can drop {word} {found.name} instead.",
        )
    built_in = type_by_name(name.name) if name.schema in (None, "pg_catalog") else None
    if built_in is not None and kind == "type":
        raise DependentObjectsStillExist(
            f"cannot drop type {built_in} because it is required by the database system",
            position=name.position,
        )


def drop_type(
    context: DdlContext,
    item: UserType,
    drop_object: DropObject,
    *,
    going: frozenset[Oid],
    is_cascade: bool,
) -> None:
    """Drop one type after what is made of it: types, functions, views and what is partitioned by it whole, of tables the columns."""
    # A range type takes its multirange type along.
    own = multirange_with(context, item)
    # A partition goes with its table, or loses the column with it.
    users = [*typed_tables(context.catalog, item.oid), *users_of_type(context.catalog, item.oid)]
    for user in sorted(users, key=_is_partition):
        if user == own:
            continue
        now = context.catalog.object(user.oid)
        if now is None or not (
            isinstance(now, (View, Rule))
            or (isinstance(now, Table) and now.of_type_oid == item.oid)
            or any(uses_type(each, item.oid) for each in types_of(now))
        ):
            # It went with what was dropped before it.
            continue
        if not is_cascade and user.oid not in going:
            raise DependentObjectsStillExist(
                f"cannot drop type {item.name} because other objects depend on it",
                detail=f"{_describe_user(user, item)} depends on type {item.name}",
                hint="Use DROP ... CASCADE to drop the dependent objects too.",
            )
        if user.oid not in going:
            context.runner.notice(f"drop cascades to {_describe_user(user, item)}")
        if isinstance(user, UserType) and user.base is None:
            raise FeatureNotSupported(
                f"dropping type {item.name}, which type {user.name} is made of, is not supported"
            )
        if (
            isinstance(now, Table)
            and now.of_type_oid != item.oid
            and not _is_partitioned_by(now, item)
        ):
            _drop_columns(context, now, item)
        else:
            drop_object(now, going)
    # What is left are expressions that name it.
    release_users(context, item, drop_object, going=going, is_cascade=is_cascade)
    if own is not None:
        context.change.remove(own.oid)
    context.change.remove(item.oid)


def _is_partition(user: CatalogObject) -> bool:
    return isinstance(user, Table) and user.partition_bound is not None


def _is_partitioned_by(table: Table, item: UserType) -> bool:
    """Whether a column of the type, which cannot go by itself, is in the table's partition key."""
    key = () if table.partition_key is None else table.partition_key.columns
    columns = [column for column in table.columns if uses_type(column.type, item.oid)]
    return any(
        part.column_number == column.number
        if part.expression is None
        else mentions_name(part.expression, column.name)
        for part in key
        for column in columns
    )


def _describe_user(user: CatalogObject, item: UserType) -> str:
    match user:
        case Table():
            users = [c.name for c in user.columns if uses_type(c.type, item.oid)]
            column = f"column {users[0]} of " if users else ""
            return f"{column}table {user.name}"
        case UserType():
            return f"type {user.name}"
        case SqlFunction() | UserOperator() | UserCast():
            return described(user)
    return f"{type(user).__name__.lower()} {user.name}"


def _drop_columns(context: DdlContext, table: Table, item: UserType) -> None:
    name = ObjectName(table.name, context.catalog.namespace_name(table.namespace_oid))
    going = [column.name for column in table.columns if uses_type(column.type, item.oid)]
    if going:
        actions = tuple(DropColumn(column, is_cascade=True) for column in going)
        alter_table(context, AlterTable(name, actions))
    left = context.catalog.table(table.oid)
    if any(uses_type(each, item.oid) for each in left.stored_types):
        # The dropped columns' fields are still in the stored rows: write these anew without them.
        rewrite(context, left, left, [quote_identifier(column.name) for column in left.columns])
