"""DROP: what depends on an object stops its drop, or goes with it under CASCADE."""

from __future__ import annotations

from dataclasses import replace

from lungfish.catalog.catalog import BUILT_IN_NAMESPACES
from lungfish.catalog.inheritance import descendants, index_of_oid, partitioned_above
from lungfish.catalog.objects import (
    CatalogObject,
    Index,
    Namespace,
    Oid,
    Rule,
    Sequence,
    SqlFunction,
    SystemView,
    Table,
    UserType,
    View,
)
from lungfish.catalog.operator_objects import UserCast, UserOperator
from lungfish.catalog.partitions import partitions_of
from lungfish.catalog.type_uses import stored_row_of
from lungfish.errors import (
    ActiveSqlTransaction,
    DependentObjectsStillExist,
    FeatureNotSupported,
    InsufficientPrivilege,
    InvalidSchemaName,
    UndefinedObject,
    UndefinedTable,
    WrongObjectType,
)
from lungfish.executor.ddl.attach_partition import refuse_references
from lungfish.executor.ddl.constraints import drop_keys_of_index
from lungfish.executor.ddl.context import DdlContext
from lungfish.executor.ddl.drop_functions import (
    DropObject,
    drop_routines_on,
    find_all,
    release_users,
)
from lungfish.executor.ddl.names import refuse_composite
from lungfish.executor.ddl.partition_parts import drop_parts
from lungfish.executor.ddl.rules import rule_words
from lungfish.executor.ddl.sequence_users import uses_sequence
from lungfish.executor.ddl.types import drop_type, drop_types
from lungfish.sql.ast.ddl import Drop
from lungfish.sql.ast.queries import ObjectName
from lungfish.sql.ast.routines import DropFunction

_CLASSES: dict[str, type[CatalogObject]] = {
    "table": Table,
    "materialized view": Table,
    "view": View,
    "sequence": Sequence,
}


def drop(context: DdlContext, statement: Drop) -> str:
    """Run DROP; answers the command tag."""
    if statement.kind == "schema":
        for name in statement.names:
            _drop_schema(context, name, statement)
    elif statement.kind == "index":
        _check_concurrent(context, statement)
        for name in statement.names:
            _drop_index(context, name, statement)
    elif statement.kind in ("type", "domain"):
        drop_types(context, statement, _dropping(context, statement.is_cascade))
    elif statement.kind in _CLASSES:
        _drop_relations(context, statement)
    else:
        raise FeatureNotSupported(
            f"DROP {statement.kind.upper()} is not supported", position=statement.position
        )
    return f"DROP {statement.kind.upper()}"


def _drop_relations(context: DdlContext, statement: Drop) -> None:
    wanted = _CLASSES[statement.kind]
    found: dict[Oid, CatalogObject] = {}
    for name in statement.names:
        item = context.catalog.find_relation(name.name, name.schema, context.search_path)
        if item is None:
            _report_missing(context, statement.kind, name, if_exists=statement.if_exists)
            continue
        if isinstance(item, SystemView):
            raise InsufficientPrivilege(
                f'permission denied: "{item.name}" is a system catalog', position=name.position
            )
        kind = kind_of(item)
        if not isinstance(item, wanted) or kind != statement.kind:
            article = "an" if statement.kind[0] in "aeiou" else "a"
            raise WrongObjectType(
                f'"{item.name}" is not {article} {statement.kind}',
                position=name.position,
                hint=f"Use DROP {kind.upper()} to remove a {kind}.",
            )
        found[item.oid] = item
    # What is named together may depend on each other.
    for each in found.values():
        if context.catalog.object(each.oid) is not None:
            drop_object(context, each, going=frozenset(found), is_cascade=statement.is_cascade)


def _report_missing(context: DdlContext, kind: str, name: ObjectName, *, if_exists: bool) -> None:
    if name.schema is not None and context.catalog.namespace(name.schema) is None:
        if not if_exists:
            raise InvalidSchemaName(
                f'schema "{name.schema}" does not exist', position=name.position
            )
        context.runner.notice(f'schema "{name.schema}" does not exist, skipping')
        return
    if kind != "index":
        article = "an" if kind[0] in "aeiou" else "a"
        problem, hint = f"is not {article} {kind}", "Use DROP TYPE to remove a type."
        refuse_composite(context, name, problem, hint)
    if not if_exists:
        error = UndefinedObject if kind == "index" else UndefinedTable
        raise error(f'{kind} "{name}" does not exist', position=name.position)
    context.runner.notice(f'{kind} "{name}" does not exist, skipping')


def drop_object(
    context: DdlContext, item: CatalogObject, *, going: frozenset[Oid], is_cascade: bool
) -> None:
    """Drop one object after what depends on it."""
    match item:
        case Table():
            context.runner.lock_table(item, "access exclusive")
            _refuse_stored_rows(context, item, going=going)
            _drop_views_on(context, item, going=going, is_cascade=is_cascade)
            _drop_references_to(context, item, going=going, is_cascade=is_cascade)
            _drop_children(context, item, going=going, is_cascade=is_cascade)
            _drop_routines(context, item, going=going, is_cascade=is_cascade)
            for sequence in context.catalog.owned_sequences(item.oid):
                _refuse_users(context, sequence, item, is_cascade=is_cascade)
            for sequence in context.catalog.owned_sequences(item.oid):
                context.change.remove(sequence.oid)
            _drop_rules_on(context, item, going=going, is_cascade=is_cascade)
            context.runner.check_unused(item, "DROP TABLE")
        case View():
            _drop_views_on(context, item, going=going, is_cascade=is_cascade)
            _drop_rules_on(context, item, going=going, is_cascade=is_cascade)
            _drop_routines(context, item, going=going, is_cascade=is_cascade)
        case SqlFunction() | UserOperator() | UserCast():
            release_users(
                context, item, _dropping(context, is_cascade), going=going, is_cascade=is_cascade
            )
        case Sequence():
            _drop_defaults_on(context, item, going=going, is_cascade=is_cascade)
            _drop_views_on(context, item, going=going, is_cascade=is_cascade)
            _drop_rules_on(context, item, going=going, is_cascade=is_cascade)
        case UserType():
            dropping = _dropping(context, is_cascade)
            drop_type(context, item, dropping, going=going, is_cascade=is_cascade)
            return
    context.change.remove(item.oid)


def _dropping(context: DdlContext, is_cascade: bool) -> DropObject:
    def drop_one(item: CatalogObject, going: frozenset[Oid]) -> None:
        drop_object(context, item, going=going, is_cascade=is_cascade)

    return drop_one


def _drop_routines(
    context: DdlContext, item: Table | View, *, going: frozenset[Oid], is_cascade: bool
) -> None:
    if context.catalog.has_functions:
        drop_routines_on(
            context, item, _dropping(context, is_cascade), going=going, is_cascade=is_cascade
        )


def drop_function(context: DdlContext, statement: DropFunction) -> str:
    """Run DROP FUNCTION, PROCEDURE or ROUTINE; answers the command tag."""
    found = find_all(context, statement)
    going = frozenset(item.oid for item in found)
    for item in found:
        if context.catalog.object(item.oid) is not None:
            drop_object(context, item, going=going, is_cascade=statement.is_cascade)
    return f"DROP {statement.kind.upper()}"


def _drop_children(
    context: DdlContext, table: Table, *, going: frozenset[Oid], is_cascade: bool
) -> None:
    """Partitions go with their table; tables that inherit from it stop its drop, or go under CASCADE."""
    for child in context.catalog.children(table.oid):
        if context.catalog.object(child.oid) is None:
            continue
        if child.partition_bound is None and child.oid not in going:
            if not is_cascade:
                raise _refuse(table, f"table {child.name}")
            context.runner.notice(f"drop cascades to table {child.name}")
        drop_object(context, child, going=going | {table.oid}, is_cascade=is_cascade)


def _refuse_users(
    context: DdlContext, sequence: Sequence, owner: Table, *, is_cascade: bool
) -> None:
    """A sequence that goes with its table may be asked by the defaults of others."""
    for table in list(context.catalog.tables()):
        if table.oid == owner.oid:
            continue
        users = [item for item in table.columns if uses_sequence(context, item, sequence)]
        if not users:
            continue
        if not is_cascade:
            raise _refuse(owner, f"default value for column {users[0].name} of table {table.name}")
        columns = tuple(
            replace(item, default=None) if item in users else item for item in table.columns
        )
        context.change.put(replace(table, columns=columns))


def kind_of(item: CatalogObject) -> str:
    """What an object is called in messages."""
    return item.kind if isinstance(item, Table) else type(item).__name__.lower()


def _refuse_stored_rows(context: DdlContext, table: Table, *, going: frozenset[Oid]) -> None:
    """A column that keeps rows of the table stops its drop, also under CASCADE."""
    found = stored_row_of(context.catalog, table)
    if found is not None and found[0].oid not in going:
        raise _refuse(table, f"column {found[1].name} of table {found[0].name}")


def _refuse(item: CatalogObject, dependent: str) -> DependentObjectsStillExist:
    kind = kind_of(item)
    return DependentObjectsStillExist(
        f"cannot drop {kind} {item.name} because other objects depend on it",
        detail=f"{dependent} depends on {kind} {item.name}",
        hint="Use DROP ... CASCADE to drop the dependent objects too.",
    )


def _drop_views_on(
    context: DdlContext, item: CatalogObject, *, going: frozenset[Oid], is_cascade: bool
) -> None:
    for view in context.catalog.dependent_views(item.oid):
        if not is_cascade and view.oid not in going:
            raise _refuse(item, f"{kind_of(view)} {view.name}")
        if context.catalog.object(view.oid) is not None:
            if view.oid not in going:
                context.runner.notice(f"drop cascades to {kind_of(view)} {view.name}")
            drop_object(context, view, going=going, is_cascade=is_cascade)


def _drop_rules_on(
    context: DdlContext, item: CatalogObject, *, going: frozenset[Oid], is_cascade: bool
) -> None:
    """The relation's own rules go with it; those of others that use it stop its drop, or go under CASCADE."""
    for rule in context.catalog.rules_of(item.oid):
        context.change.remove(rule.oid)
    for rule in context.catalog.dependent_rules(item.oid):
        if rule.relation_oid not in going:
            words = rule_words(context.catalog, rule)
            if not is_cascade:
                raise _refuse(item, words)
            context.runner.notice(f"drop cascades to {words}")
        context.change.remove(rule.oid)


def _drop_references_to(
    context: DdlContext, table: Table, *, going: frozenset[Oid], is_cascade: bool
) -> None:
    if table.partition_bound is not None and table.parents[0] not in going:
        for above in partitioned_above(table, context.catalog):
            for other in context.catalog.referencing_tables(above.oid):
                held = [
                    item for item in other.constraints if item.referenced_table_oid == above.oid
                ]
                if held and not is_cascade and other.oid not in going:
                    raise _refuse(table, f"constraint {held[0].name} on table {other.name}")
        refuse_references(context, context.catalog.table(table.parents[0]), table)
    # Its partitions go with it, also those whose rows reference rows of the table.
    own = {
        table.oid,
        *(
            each.oid
            for each in descendants(table, context.catalog)
            if each.partition_bound is not None
        ),
    }
    for other in context.catalog.referencing_tables(table.oid):
        if other.oid in own:
            continue
        held = [item for item in other.constraints if item.referenced_table_oid == table.oid]
        if not is_cascade and other.oid not in going:
            raise _refuse(table, f"constraint {held[0].name} on table {other.name}")
        for item in held if other.oid not in going and other.partition_bound is None else ():
            context.runner.notice(f"drop cascades to constraint {item.name} on table {other.name}")
        context.runner.lock_table(other, "access exclusive")
        context.change.put(
            replace(
                other, constraints=tuple(item for item in other.constraints if item not in held)
            )
        )


def _drop_defaults_on(
    context: DdlContext, sequence: Sequence, *, going: frozenset[Oid], is_cascade: bool
) -> None:
    """The column that owns a sequence, or whose default asks it, loses its default under CASCADE, unless its table goes too."""
    for table in [item for item in context.catalog.tables() if item.oid not in going]:
        users = [
            column
            for column in table.columns
            if column.sequence_oid == sequence.oid or uses_sequence(context, column, sequence)
        ]
        if not users:
            continue
        owner = next((column for column in users if column.identity is not None), None)
        if owner is not None:
            part = f"column {owner.name} of table {table.name}"
            raise DependentObjectsStillExist(
                f"cannot drop sequence {sequence.name} because {part} requires it",
                hint=f"You can drop {part} instead.",
            )
        for column in users:
            words = f"default value for column {column.name} of table {table.name}"
            if not is_cascade:
                raise _refuse(sequence, words)
            context.runner.notice(f"drop cascades to {words}")
        columns = tuple(
            replace(column, default=None, sequence_oid=None) if column in users else column
            for column in table.columns
        )
        context.change.put(replace(table, columns=columns))


def _check_concurrent(context: DdlContext, statement: Drop) -> None:
    """DROP INDEX CONCURRENTLY is for one index, outside of transactions."""
    if not statement.is_concurrent:
        return
    if len(statement.names) > 1:
        raise FeatureNotSupported(
            "DROP INDEX CONCURRENTLY does not support dropping multiple objects"
        )
    if statement.is_cascade:
        raise FeatureNotSupported("DROP INDEX CONCURRENTLY does not support CASCADE")
    if context.runner.is_in_block:
        raise ActiveSqlTransaction("DROP INDEX CONCURRENTLY cannot run inside a transaction block")


def _drop_index(context: DdlContext, name: ObjectName, statement: Drop) -> None:
    found = context.catalog.find_index(name.name, name.schema, context.search_path)
    if found is None:
        if context.catalog.find_relation(name.name, name.schema, context.search_path) is not None:
            raise WrongObjectType(f'"{name.name}" is not an index', position=name.position)
        _report_missing(context, "index", name, if_exists=statement.if_exists)
        return
    table, index = found
    for constraint in table.constraints:
        if constraint.index_oid == index.oid:
            raise DependentObjectsStillExist(
                f"cannot drop index {index.name} because constraint {constraint.name} on table {table.name} requires it",
                position=name.position,
                hint=f"You can drop constraint {constraint.name} on table {table.name} instead.",
            )
    if index.parent_oid is not None:
        whole = index_of_oid(index.parent_oid, context.catalog)
        raise DependentObjectsStillExist(
            f"cannot drop index {index.name} because index {whole.name} requires it",
            hint=f"You can drop index {whole.name} instead.",
        )
    context.runner.lock_table(table, "access exclusive")
    _drop_keys_on_parts(context, table, index, is_cascade=statement.is_cascade)
    table = _drop_keys_referencing(context, table, index, is_cascade=statement.is_cascade)
    context.change.put(drop_keys_of_index(table, {index.oid}))
    if table.partition_key is not None:
        drop_parts(context, context.catalog.table(table.oid), {index.oid})


def _drop_keys_on_parts(
    context: DdlContext, table: Table, index: Index, *, is_cascade: bool
) -> None:
    """Keys of partitions that rest on parts of the index stop its drop, or go with them under CASCADE."""
    parts = [(table, index, index)]
    for whole, above, _ in parts:
        for child in partitions_of(whole, context.catalog) if whole.partition_key else ():
            held = [item for item in child.indexes if item.parent_oid == above.oid]
            parts += [(child, item, above) for item in held]
    for child, part, above in parts[1:]:
        for key in [item for item in child.constraints if item.index_oid == part.oid]:
            words = f"constraint {key.name} on table {child.name}"
            if not is_cascade:
                raise DependentObjectsStillExist(
                    f"cannot drop index {index.name} because other objects depend on it",
                    detail=f"{words} depends on index {above.name}",
                    hint="Use DROP ... CASCADE to drop the dependent objects too.",
                )
            context.runner.notice(f"drop cascades to {words}")


def _drop_keys_referencing(
    context: DdlContext, table: Table, index: Index, *, is_cascade: bool
) -> Table:
    """A foreign key that relies on the index stops its drop, or goes under CASCADE."""
    for other in context.catalog.referencing_tables(table.oid):
        held = [item for item in other.constraints if item.referenced_index_oid == index.oid]
        if not held:
            continue
        if not is_cascade:
            raise DependentObjectsStillExist(
                f"cannot drop index {index.name} because other objects depend on it",
                detail=f"constraint {held[0].name} on table {other.name} depends on index {index.name}",
                hint="Use DROP ... CASCADE to drop the dependent objects too.",
            )
        changed = replace(
            other, constraints=tuple(item for item in other.constraints if item not in held)
        )
        if other.oid == table.oid:
            table = changed
        else:
            context.change.put(changed)
    return table


def _drop_schema(context: DdlContext, name: ObjectName, statement: Drop) -> None:
    namespace = context.catalog.namespace(name.name)
    if namespace is None:
        if not statement.if_exists:
            raise InvalidSchemaName(f'schema "{name.name}" does not exist', position=name.position)
        context.runner.notice(f'schema "{name.name}" does not exist, skipping')
        return
    if namespace in BUILT_IN_NAMESPACES:
        raise DependentObjectsStillExist(
            f"cannot drop schema {namespace.name} because it is required by the database system",
            position=name.position,
        )
    inside = [
        item
        for item in context.catalog.objects()
        if not isinstance(item, (Namespace, Rule)) and item.namespace_oid == namespace.oid
    ]
    if inside and not statement.is_cascade:
        raise DependentObjectsStillExist(
            f"cannot drop schema {namespace.name} because other objects depend on it",
            detail=f"{type(inside[0]).__name__.lower().removeprefix('user')} {inside[0].name} depends on schema {namespace.name}",
            hint="Use DROP ... CASCADE to drop the dependent objects too.",
        )
    going = frozenset(item.oid for item in inside)
    # Tables before what their expressions use: while they are there, these are evaluated.
    for item in sorted(inside, key=lambda each: not isinstance(each, Table)):
        if context.catalog.object(item.oid) is not None:
            drop_object(context, item, going=going, is_cascade=True)
    context.change.remove(namespace.oid)
