"""VACUUM and ANALYZE.

There are no dead rows to clean away: what may be purged is purged all the time, and once more by VACUUM. VACUUM (FULL) writes tables
anew. Both leave the figures that pg_class shows, as PostgreSQL's do; ANALYZE counts the different values of columns too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lungfish.catalog.inheritance import descendants
from lungfish.catalog.objects import Column, Table
from lungfish.errors import (
    ActiveSqlTransaction,
    DuplicateColumn,
    UndefinedColumn,
    UndefinedTable,
)
from lungfish.executor.ddl import execute_ddl
from lungfish.session.results import StatementResult
from lungfish.session.runner import SessionRunner
from lungfish.sql.ast import utility
from lungfish.sql.ast.queries import ObjectName
from lungfish.sql.ast.relation_options import RewriteTables
from lungfish.sql.quoting import quote_identifier

if TYPE_CHECKING:
    from lungfish.session.session import Session


def run_analyze(session: Session, statement: utility.Analyze) -> StatementResult:
    """Run ANALYZE."""
    _analyze(session, statement.targets)
    return StatementResult(None, "ANALYZE")


def run_vacuum(session: Session, statement: utility.Vacuum) -> StatementResult:
    """Run VACUUM."""
    if session.is_in_block:
        raise ActiveSqlTransaction("VACUUM cannot run inside a transaction block")
    tables = [table for table, _ in _tables(session, statement.targets, "vacuum")]
    clock, statistics = session.database.core.clock, session.database.statistics
    began_s = clock.monotonic_s()
    session.database.transactions.purge()
    # One purge for all.
    purged_ms = (clock.monotonic_s() - began_s) * 1000 / max(len(tables), 1)
    known = {table.oid: _distinct_counts(session, table) for table in tables}
    if statement.is_full:
        catalog = session.catalog
        names = [
            ObjectName(table.name, catalog.namespace_name(table.namespace_oid)) for table in tables
        ]
        execute_ddl(session.ddl_context(), RewriteTables(tuple(names)))
    else:
        for table in tables:
            statistics.note_upkeep(table, "vacuums", purged_ms)
    if statement.is_analyze:
        _analyze(session, statement.targets)
    else:
        for table in tables:
            # What is known of columns holds for a table that was written anew, too.
            _count(session, session.catalog.table(table.oid), (), known[table.oid])
    return StatementResult(None, "VACUUM")


def _analyze(session: Session, targets: tuple[utility.VacuumTarget, ...]) -> None:
    clock = session.database.core.clock
    for table, columns in _tables(session, targets, "analyze"):
        began_s = clock.monotonic_s()
        _count(session, table, columns or table.columns, {})
        took_ms = (clock.monotonic_s() - began_s) * 1000
        session.database.statistics.note_upkeep(table, "analyzes", took_ms)


def _distinct_counts(session: Session, table: Table) -> dict[int, float]:
    seen = session.database.statistics.last_seen(table)
    return {} if seen is None else seen.distinct_counts


def _count(
    session: Session, table: Table, columns: tuple[Column, ...], known: dict[int, float]
) -> None:
    """Count the rows of a table and the different values of columns, beside those that are known."""
    if not table.is_populated:
        return
    counts = "".join(
        [f", count(DISTINCT {quote_identifier(column.name)}::text)" for column in columns]
    )
    schema = quote_identifier(session.catalog.namespace_name(table.namespace_oid))
    name = f"{schema}.{quote_identifier(table.name)}"
    ((row_count, *distinct),) = SessionRunner(session).query(f"SELECT count(*){counts} FROM {name}")
    found = dict(zip([column.number for column in columns], distinct, strict=True))
    session.database.statistics.learn(table, row_count, {**known, **found})


def _tables(
    session: Session, targets: tuple[utility.VacuumTarget, ...], verb: str
) -> list[tuple[Table, tuple[Column, ...]]]:
    """The tables that are named, partitions with those that they are parts of, and the columns that are meant (none: all)."""
    if not targets:
        return [(table, ()) for table in session.catalog.tables()]
    found: dict[int, tuple[Table, tuple[Column, ...]]] = {}
    for target in targets:
        name = target.table
        item = session.catalog.find_relation(name.name, name.schema, session.settings.search_path)
        if item is None:
            raise UndefinedTable(f'relation "{name}" does not exist', position=name.position)
        if not isinstance(item, Table):
            session.notice(
                f'skipping "{item.name}" --- cannot {verb} non-tables or special system tables',
                severity="WARNING",
            )
            continue
        columns = _columns(item, target)
        found[item.oid] = item, columns
        for part in descendants(item, session.catalog) if item.partition_key else ():
            named = {column.name for column in columns}
            own = tuple([column for column in part.columns if column.name in named])
            found.setdefault(part.oid, (part, own))
    return list(found.values())


def _columns(table: Table, target: utility.VacuumTarget) -> tuple[Column, ...]:
    columns: list[Column] = []
    for name in target.columns:
        position = table.column_position(name)
        if position is None:
            raise UndefinedColumn(f'column "{name}" of relation "{table.name}" does not exist')
        if table.columns[position] in columns:
            raise DuplicateColumn(
                f'column "{name}" of relation "{table.name}" appears more than once'
            )
        columns.append(table.columns[position])
    return tuple(columns)
