"""What ALTER and CLUSTER say of a table or an index without changing what its rows are.

PostgreSQL acts on these when it lays out pages and looks at rows; here they are kept for the catalogs that show them. CLUSTER and
VACUUM (FULL) do write the table anew, CLUSTER in the order of an index, so that a scan then gives the rows in that order.
"""

from __future__ import annotations

from dataclasses import replace

from lungfish.catalog.objects import Column, Index, Table
from lungfish.errors import (
    ActiveSqlTransaction,
    FeatureNotSupported,
    InvalidParameterValue,
    UndefinedColumn,
    UndefinedObject,
    UndefinedTable,
    WrongObjectType,
)
from lungfish.executor.ddl.column_storage import stored_as
from lungfish.executor.ddl.context import DdlContext
from lungfish.executor.ddl.names import find_column, find_relation
from lungfish.executor.ddl.rewrite import rewrite
from lungfish.sql.ast.ddl import AlterTable
from lungfish.sql.ast.queries import ObjectName
from lungfish.sql.ast.relation_options import (
    Cluster,
    ClusterOn,
    KeepAsIs,
    RelationOption,
    ReplicaIdentity,
    RewriteTables,
    SetColumnStorage,
    SetParameters,
    SetStatistics,
)
from lungfish.sql.quoting import quote_identifier
from lungfish.sql.storage_parameters import VIEW_PARAMETERS, merge_parameters

_TARGET_MAX = 10_000


def set_option(context: DdlContext, table: Table, action: RelationOption) -> None:
    """An action of ALTER TABLE of this kind."""
    match action:
        case SetParameters(column=None) if table.partition_key is not None:
            raise WrongObjectType(
                "cannot specify storage parameters for a partitioned table",
                hint="Specify storage parameters for its leaf partitions instead.",
                position=action.position,
            )
        case SetParameters(column=None):
            for name, _ in () if action.is_reset else action.parameters:
                if name in VIEW_PARAMETERS:
                    raise InvalidParameterValue(f'unrecognized parameter "{name}"')
            context.change.put(replace(table, parameters=_merged(table.parameters, action)))
        case SetParameters(column=str(name)):
            column = find_column(table, name, action.position)
            changed = replace(column, parameters=_merged(column.parameters, action))
            _put_column(context, table, column, changed)
        case SetStatistics():
            _set_statistics(context, table, action)
        case SetColumnStorage():
            _set_storage(context, table, action)
        case ClusterOn():
            _cluster_on(context, table, action.index)
        case ReplicaIdentity():
            _identify(context, table, action)
        case KeepAsIs():
            pass


def set_index_option(context: DdlContext, statement: AlterTable, action: RelationOption) -> None:
    """An action of ALTER INDEX of this kind."""
    name = statement.name
    found = context.catalog.find_index(name.name, name.schema, context.search_path)
    if found is None:
        raise UndefinedTable(f'relation "{name}" does not exist', position=name.position)
    table, index = found
    match action:
        case SetParameters():
            changed = replace(index, parameters=_merged(index.parameters, action))
        case SetStatistics():
            changed = _with_target(table, index, action)
        case KeepAsIs():
            return
        case _:
            raise FeatureNotSupported(
                f"ALTER INDEX {type(action).__name__} is not supported", position=action.position
            )
    put_index(context, table, index, changed)


def put_index(context: DdlContext, table: Table, old: Index, new: Index) -> Table:
    """Keep the table with a changed index."""
    indexes = tuple(new if item.oid == old.oid else item for item in table.indexes)
    changed = replace(table, indexes=indexes)
    context.change.put(changed)
    return changed


def _merged(kept: tuple[str, ...], action: SetParameters) -> tuple[str, ...]:
    return merge_parameters(kept, action.parameters, is_reset=action.is_reset)


def _put_column(context: DdlContext, table: Table, old: Column, new: Column) -> None:
    columns = tuple(new if item is old else item for item in table.columns)
    context.change.put(replace(table, columns=columns))


def _checked_target(context: DdlContext, action: SetStatistics) -> int | None:
    target = action.target
    if target is None or target == -1:
        return None
    if target < 0:
        raise InvalidParameterValue(
            f"statistics target {target} is too low", position=action.position
        )
    if target > _TARGET_MAX:
        context.runner.notice(f"lowering statistics target to {_TARGET_MAX}")
        return _TARGET_MAX
    return target


def _set_statistics(context: DdlContext, table: Table, action: SetStatistics) -> None:
    if action.column is None:
        raise FeatureNotSupported(
            "cannot refer to non-index column by number", position=action.position
        )
    target = _checked_target(context, action)
    column = find_column(table, action.column, action.position)
    if column.is_virtual:
        raise FeatureNotSupported(
            f'cannot alter statistics on virtual generated column "{column.name}"',
            position=action.position,
        )
    _put_column(context, table, column, replace(column, statistics_target=target))
    for child in context.catalog.children(table.oid):
        _set_statistics(context, child, action)


def _with_target(table: Table, index: Index, action: SetStatistics) -> Index:
    if action.number is None:
        raise FeatureNotSupported(
            f'cannot alter statistics on index column "{action.column}" by name',
            position=action.position,
        )
    place = action.number - 1
    if place >= len(index.columns) + len(index.include):
        raise UndefinedColumn(
            f'column number {action.number} of relation "{index.name}" does not exist',
            position=action.position,
        )
    if place >= len(index.columns) or index.columns[place].expression is None:
        numbers = [*(key.column_number for key in index.columns), *index.include]
        name = table.columns[table.position_of_number(numbers[place])].name
        kind = "included" if place >= len(index.columns) else "non-expression"
        raise FeatureNotSupported(
            f'cannot alter statistics on {kind} column "{name}" of index "{index.name}"',
            position=action.position,
        )
    if action.target is not None and action.target < -1:
        raise InvalidParameterValue(
            f"statistics target {action.target} is too low", position=action.position
        )
    target = None if action.target in (None, -1) else min(action.target or 0, _TARGET_MAX)
    keys = list(index.columns)
    keys[place] = replace(keys[place], statistics_target=target)
    return replace(index, columns=tuple(keys))


def _set_storage(context: DdlContext, table: Table, action: SetColumnStorage) -> None:
    column = find_column(table, action.column, action.position)
    changed = stored_as(
        column, action.word, is_compression=action.is_compression, position=action.position
    )
    _put_column(context, table, column, changed)
    for child in context.catalog.children(table.oid):
        _set_storage(context, child, action)


def _find_own_index(table: Table, name: str | None) -> Index:
    for index in table.indexes:
        if index.name == name:
            return index
    raise UndefinedObject(f'index "{name}" for table "{table.name}" does not exist')


def _cluster_on(context: DdlContext, table: Table, name: str | None) -> Table:
    """Mark the index that CLUSTER goes by, and no other."""
    chosen = None if name is None else _find_own_index(table, name)
    if table.partition_key is not None:
        raise FeatureNotSupported("cannot mark index clustered in partitioned table")
    if chosen is not None:
        _require_clusterable(chosen)
    changed = replace(
        table,
        indexes=tuple(
            replace(item, is_clustered=chosen is not None and item.oid == chosen.oid)
            for item in table.indexes
        ),
    )
    context.change.put(changed)
    return changed


def _require_clusterable(index: Index) -> None:
    if index.method != "btree":
        raise FeatureNotSupported(
            f'cannot cluster on index "{index.name}" because access method does not support clustering'
        )
    if index.predicate is not None:
        raise FeatureNotSupported(f'cannot cluster on partial index "{index.name}"')
    if not index.is_valid:
        raise FeatureNotSupported(f'cannot cluster on invalid index "{index.name}"')


def _identify(context: DdlContext, table: Table, action: ReplicaIdentity) -> None:
    chosen = None
    if action.kind == "index":
        chosen = _find_own_index(table, action.index)
        _require_identifying(table, chosen)
    indexes = tuple(
        replace(item, is_replica_identity=chosen is not None and item.oid == chosen.oid)
        for item in table.indexes
    )
    context.change.put(replace(table, indexes=indexes, replica_identity=action.kind))


def _require_identifying(table: Table, index: Index) -> None:
    """Raise unless the index tells every row from every other."""
    if not index.is_unique:
        raise WrongObjectType(f'cannot use non-unique index "{index.name}" as replica identity')
    if index.is_deferrable:
        raise FeatureNotSupported(
            f'cannot use non-immediate index "{index.name}" as replica identity'
        )
    if any(key.expression is not None for key in index.columns):
        raise FeatureNotSupported(f'cannot use expression index "{index.name}" as replica identity')
    if index.predicate is not None:
        raise FeatureNotSupported(f'cannot use partial index "{index.name}" as replica identity')
    for key in index.columns:
        column = table.columns[table.position_of_number(key.column_number)]
        if not column.is_not_null:
            raise WrongObjectType(
                f'index "{index.name}" cannot be used as replica identity'
                f' because column "{column.name}" is nullable'
            )


def cluster(context: DdlContext, statement: Cluster) -> str:
    """Run CLUSTER; answers the command tag."""
    if statement.table is None:
        if context.runner.is_in_block:
            raise ActiveSqlTransaction("CLUSTER cannot run inside a transaction block")
        for table in list(context.catalog.tables()):
            if any(index.is_clustered for index in table.indexes):
                _cluster(context, table)
        return "CLUSTER"
    table = _stored_table(context, statement.table)
    if table.partition_key is not None:
        raise FeatureNotSupported("CLUSTER of a partitioned table is not supported")
    if statement.index is not None:
        table = _cluster_on(context, table, statement.index)
    elif not any(index.is_clustered for index in table.indexes):
        raise UndefinedObject(f'there is no previously clustered index for table "{table.name}"')
    _cluster(context, table)
    return "CLUSTER"


def _cluster(context: DdlContext, table: Table) -> None:
    context.runner.lock_table(table, "access exclusive")
    context.runner.check_unused(table, "CLUSTER")
    index = next(item for item in table.indexes if item.is_clustered)
    keys = []
    for key in index.columns:
        text = key.expression
        if text is None:
            text = quote_identifier(table.columns[table.position_of_number(key.column_number)].name)
        direction = "DESC" if key.is_descending else "ASC"
        keys.append(f"({text}) {direction} NULLS {'FIRST' if key.nulls_first else 'LAST'}")
    _write_anew(context, table, order=", ".join(keys))


def rewrite_tables(context: DdlContext, statement: RewriteTables) -> str:
    """Write tables anew, for VACUUM (FULL); answers the command tag."""
    for table in [_stored_table(context, name) for name in statement.tables]:
        context.runner.lock_table(table, "access exclusive")
        if table.partition_key is None:
            _write_anew(context, table)
    return "VACUUM"


def _write_anew(context: DdlContext, table: Table, *, order: str = "") -> None:
    names = [quote_identifier(column.name) for column in table.columns]
    rewrite(context, table, table, names, order=order)


def _stored_table(context: DdlContext, name: ObjectName) -> Table:
    if context.catalog.find_index(name.name, name.schema, context.search_path) is None:
        found = find_relation(context, name)
        if isinstance(found, Table):
            return found
    raise WrongObjectType(
        f'"{name.name}" is not a table or materialized view', position=name.position
    )
