"""pg_stat_database, the progress of commands, and what concerns connections: pg_stat_ssl and its kin."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lungfish.catalog.objects import SystemView
from lungfish.executor.session_facts import SessionFacts
from lungfish.executor.system_views.activity_views import DATABASE_OID, sessions
from lungfish.executor.system_views.definition import Rows, catalog_of
from lungfish.recovery.integrity import DamageKind
from lungfish.storage.measured_disk import RELATION

if TYPE_CHECKING:
    from lungfish.executor.context import ExecutionContext

Row = tuple[Any, ...]
_CHECKSUMS = (DamageKind.PAGE_CRC, DamageKind.WAL_CRC, DamageKind.IMAGE_CRC)
_PROGRESS = "pid int4, datid oid, datname name, relid oid"


def _database(context: ExecutionContext) -> Iterator[Row]:
    """The one database; null is what nobody counts. Nothing here conflicts with a recovery, and no statement has workers."""
    core = context.tables.core
    pool, io = core.pool.figures(), core.io.figures["client backend", RELATION]
    spilled = {each.name: int(each.value) for each in core.telemetry.metrics()}
    damages = [
        event.at
        for event in core.integrity.events()
        if event.kind in _CHECKSUMS and event.at >= core.opened_at
    ]
    yield (
        DATABASE_OID, context.functions.session_fact("current_database"), len(sessions(context)), None, None, pool.misses,
        pool.hits, None, None, None, None, None, 0, spilled.get("temp_files", 0), spilled.get("temp_bytes", 0),
        core.transactions.locks.deadlock_count, len(damages), max(damages, default=None), io.read_ms, io.write_ms, None, None, None,
        None, None, None, None, 0, 0, core.opened_at,
    )  # fmt: skip


def _conflicts(context: ExecutionContext) -> Iterator[Row]:
    yield DATABASE_OID, context.functions.session_fact("current_database"), *([0] * 6)


def _of_sessions(*facts: Any) -> Rows:
    """A row for each session, with facts that are the same for all."""
    return lambda context: [(session.number, *facts) for session in sessions(context)]


def _under_way(phase: str, context: ExecutionContext) -> Iterator[tuple[Row, SessionFacts]]:
    """The sessions whose statement is in a phase whose name begins so, each with what its row begins with."""
    name = context.functions.session_fact("current_database")
    for session in sessions(context):
        progress = session.progress
        if session.is_running and progress is not None and progress.phase.startswith(phase):
            yield (session.number, DATABASE_OID, name), session


def _copies(context: ExecutionContext) -> Iterator[Row]:
    for head, session in _under_way("copying", context):
        done = 0 if session.progress is None else session.progress.done
        yield *head, None, None, None, None, None, done, None, None


def _index_builds(context: ExecutionContext) -> Iterator[Row]:
    for head, session in _under_way("building ", context):
        if session.progress is not None:
            rows = session.progress.total, session.progress.done
            yield *head, *([None] * 3), "building index", *([None] * 5), *rows, None, None


STAT_DATABASE_VIEWS: tuple[SystemView, ...] = (
    catalog_of(
        12521,
        "pg_stat_database",
        "datid oid, datname name, numbackends int4, xact_commit int8, xact_rollback int8, blks_read int8, blks_hit int8,"
        " tup_returned int8, tup_fetched int8, tup_inserted int8, tup_updated int8, tup_deleted int8, conflicts int8,"
        " temp_files int8, temp_bytes int8, deadlocks int8, checksum_failures int8, checksum_last_failure timestamptz,"
        " blk_read_time float8, blk_write_time float8, session_time float8, active_time float8,"
        " idle_in_transaction_time float8, sessions int8, sessions_abandoned int8, sessions_fatal int8,"
        " sessions_killed int8, parallel_workers_to_launch int8, parallel_workers_launched int8, stats_reset timestamptz",
        _database,
    ),
    catalog_of(
        12522,
        "pg_stat_database_conflicts",
        "datid oid, datname name, confl_tablespace int8, confl_lock int8, confl_snapshot int8, confl_bufferpin int8,"
        " confl_deadlock int8, confl_active_logicalslot int8",
        _conflicts,
    ),
    # Sessions are calls within a process: nothing is encrypted, and nobody proves who they are.
    catalog_of(
        12523,
        "pg_stat_ssl",
        "pid int4, ssl bool, version text, cipher text, bits int4, client_dn text, client_serial numeric, issuer_dn text",
        _of_sessions(False, None, None, None, None, None, None),
    ),
    catalog_of(
        12524,
        "pg_stat_gssapi",
        "pid int4, gss_authenticated bool, principal text, encrypted bool, credentials_delegated bool",
        _of_sessions(False, None, False, False),
    ),
    catalog_of(
        12525,
        "pg_stat_progress_copy",
        f"{_PROGRESS}, command text, type text, bytes_processed int8, bytes_total int8, tuples_processed int8,"
        " tuples_excluded int8, tuples_skipped int8",
        _copies,
    ),
    catalog_of(
        12526,
        "pg_stat_progress_create_index",
        f"{_PROGRESS}, index_relid oid, command text, phase text, lockers_total int8, lockers_done int8,"
        " current_locker_pid int8, blocks_total int8, blocks_done int8, tuples_total int8, tuples_done int8,"
        " partitions_total int8, partitions_done int8",
        _index_builds,
    ),
    # VACUUM and ANALYZE count rows by a query, whose progress is not told here; there is no CLUSTER.
    catalog_of(
        12527,
        "pg_stat_progress_vacuum",
        f"{_PROGRESS}, phase text, heap_blks_total int8, heap_blks_scanned int8, heap_blks_vacuumed int8,"
        " index_vacuum_count int8, max_dead_tuple_bytes int8, dead_tuple_bytes int8, num_dead_item_ids int8,"
        " indexes_total int8, indexes_processed int8, delay_time float8",
    ),
    catalog_of(
        12528,
        "pg_stat_progress_analyze",
        f"{_PROGRESS}, phase text, sample_blks_total int8, sample_blks_scanned int8, ext_stats_total int8,"
        " ext_stats_computed int8, child_tables_total int8, child_tables_done int8, current_child_table_relid oid,"
        " delay_time float8",
    ),
    catalog_of(
        12529,
        "pg_stat_progress_cluster",
        f"{_PROGRESS}, command text, phase text, cluster_index_relid oid, heap_tuples_scanned int8,"
        " heap_tuples_written int8, heap_blks_total int8, heap_blks_scanned int8, index_rebuild_count int8",
    ),
    catalog_of(
        12530,
        "pg_stat_progress_basebackup",
        "pid int4, phase text, backup_total int8, backup_streamed int8, tablespaces_total int8, tablespaces_streamed int8",
    ),
)
