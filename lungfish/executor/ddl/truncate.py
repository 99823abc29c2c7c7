"""TRUNCATE: each table gets a new, empty heap; the old one goes when the transaction commits."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain

from lungfish.catalog.inheritance import descendants, partitioned_above
from lungfish.catalog.objects import Oid, Table
from lungfish.errors import FeatureNotSupported, WrongObjectType
from lungfish.executor.ddl.context import DdlContext
from lungfish.executor.ddl.names import find_table
from lungfish.executor.ddl.sequences import restart_sequence
from lungfish.sql.ast.dml import Truncate


def truncate(context: DdlContext, statement: Truncate) -> str:
    """Run TRUNCATE; answers the command tag. Raises FeatureNotSupported (0A000) for a table that others reference."""
    tables: dict[Oid, Table] = {}
    for name in statement.tables:
        table = find_table(context, name)
        if table.materialized_query is not None:
            raise WrongObjectType(f'"{table.name}" is not a table', position=name.position)
        if name not in statement.only:
            tables.update((item.oid, item) for item in descendants(table, context.catalog))
        elif table.partition_key is not None:
            raise WrongObjectType(
                "cannot truncate only a partitioned table",
                hint="Do not specify the ONLY keyword, or use TRUNCATE ONLY on the partitions directly.",
            )
        tables[table.oid] = table
    waiting = list(tables.values())
    while waiting:
        table = waiting.pop()
        # Who references the whole references its parts.
        wholes = (table, *partitioned_above(table, context.catalog))
        others = [context.catalog.referencing_tables(whole.oid) for whole in wholes]
        for other in chain.from_iterable(others):
            if other.oid in tables:
                continue
            if not statement.is_cascade:
                raise FeatureNotSupported(
                    "cannot truncate a table referenced in a foreign key constraint",
                    position=statement.position,
                    detail=f'Table "{other.name}" references "{table.name}".',
                    hint=f'Truncate table "{other.name}" at the same time, or use TRUNCATE ... CASCADE.',
                )
            context.runner.notice(f'truncate cascades to table "{other.name}"')
            tables[other.oid] = other
            waiting.append(other)
    for oid in tables:
        _empty(context, oid)
        if statement.restart_identity:
            for sequence in context.catalog.owned_sequences(oid):
                restart_sequence(context, sequence, sequence.start)
    return "TRUNCATE TABLE"


def _empty(context: DdlContext, oid: Oid) -> None:
    table: Table = context.catalog.table(oid)
    context.runner.lock_table(table, "access exclusive")
    context.runner.check_unused(table, "TRUNCATE")
    fresh = replace(
        table,
        relation_id=context.change.new_relation_id(),
        indexes=tuple(
            replace(index, relation_id=context.change.new_relation_id()) for index in table.indexes
        ),
    )
    context.change.put(fresh)
    context.change.relations.create_table(fresh)
