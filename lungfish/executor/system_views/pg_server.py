"""The catalogs of what only a server of several has: replication, files of settings, prepared transactions, its memory.

What cannot be here has no rows. What is here in another form, or in none that can be told, is refused when it is read (0A000).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lungfish.catalog.objects import SystemView
from lungfish.errors import FeatureNotSupported
from lungfish.executor.system_views.activity_views import WAITS
from lungfish.executor.system_views.definition import catalog_of

if TYPE_CHECKING:
    from lungfish.executor.context import ExecutionContext

_EXPRESSION_FIGURES = (
    "null_frac float4, avg_width int4, n_distinct float4, most_common_vals anyarray, most_common_freqs float4[],"
    " histogram_bounds anyarray, correlation float4, most_common_elems anyarray, most_common_elem_freqs float4[],"
    " elem_count_histogram float4[]"
)
_STATISTICS_OF = "schemaname name, tablename name, statistics_schemaname name, statistics_name name, statistics_owner name"
_MESSAGES = (
    "received_lsn pg_lsn, last_msg_send_time timestamptz, last_msg_receipt_time timestamptz,"
)
_LATEST = "latest_end_lsn pg_lsn, latest_end_time timestamptz"


def _refused(oid: int, name: str, columns: str) -> SystemView:
    """A catalog that raises FeatureNotSupported when it is read."""

    def refuse(context: ExecutionContext) -> Iterator[tuple[Any, ...]]:
        raise FeatureNotSupported(f"{name} is not supported")

    return catalog_of(oid, name, columns, refuse)


def _wait_events(context: ExecutionContext) -> Iterator[tuple[Any, ...]]:
    yield from WAITS


_NONE: tuple[SystemView, ...] = (
    catalog_of(
        12541,
        "pg_prepared_xacts",
        "transaction xid, gid text, prepared timestamptz, owner name, database name",
    ),
    catalog_of(
        12542,
        "pg_replication_slots",
        "slot_name name, plugin name, slot_type text, datoid oid, database name, temporary bool, active bool,"
        " active_pid int4, xmin xid, catalog_xmin xid, restart_lsn pg_lsn, confirmed_flush_lsn pg_lsn, wal_status text,"
        " safe_wal_size int8, two_phase bool, two_phase_at pg_lsn, inactive_since timestamptz, conflicting bool,"
        " invalidation_reason text, failover bool, synced bool",
    ),
    catalog_of(6000, "pg_replication_origin", "roident oid, roname text"),
    catalog_of(
        12543,
        "pg_replication_origin_status",
        "local_id oid, external_id text, remote_lsn pg_lsn, local_lsn pg_lsn",
    ),
    catalog_of(
        12544,
        "pg_publication_tables",
        "pubname name, schemaname name, tablename name, attnames name[], rowfilter text",
    ),
    catalog_of(
        12545,
        "pg_stat_replication",
        "pid int4, usesysid oid, usename name, application_name text, client_addr inet, client_hostname text,"
        " client_port int4, backend_start timestamptz, backend_xmin xid, state text, sent_lsn pg_lsn, write_lsn pg_lsn,"
        " flush_lsn pg_lsn, replay_lsn pg_lsn, write_lag interval, flush_lag interval, replay_lag interval,"
        " sync_priority int4, sync_state text, reply_time timestamptz",
    ),
    catalog_of(
        12546,
        "pg_stat_replication_slots",
        "slot_name text, spill_txns int8, spill_count int8, spill_bytes int8, stream_txns int8, stream_count int8,"
        " stream_bytes int8, total_txns int8, total_bytes int8, stats_reset timestamptz",
    ),
    catalog_of(
        12547,
        "pg_stat_subscription",
        f"subid oid, subname name, worker_type text, pid int4, leader_pid int4, relid oid, {_MESSAGES} {_LATEST}",
    ),
    catalog_of(
        12548,
        "pg_stat_subscription_stats",
        "subid oid, subname name, apply_error_count int8, sync_error_count int8, confl_insert_exists int8,"
        " confl_update_origin_differs int8, confl_update_exists int8, confl_update_missing int8,"
        " confl_delete_origin_differs int8, confl_delete_missing int8, confl_multiple_unique_conflicts int8,"
        " stats_reset timestamptz",
    ),
    catalog_of(
        12549,
        "pg_stat_wal_receiver",
        "pid int4, status text, receive_start_lsn pg_lsn, receive_start_tli int4, written_lsn pg_lsn,"
        " flushed_lsn pg_lsn, received_tli int4, last_msg_send_time timestamptz, last_msg_receipt_time timestamptz,"
        f" {_LATEST}, slot_name text, sender_host text, sender_port int4, conninfo text",
    ),
    # Nobody connects from elsewhere, and settings come from no file.
    catalog_of(
        12550,
        "pg_hba_file_rules",
        "rule_number int4, file_name text, line_number int4, type text, database text[], user_name text[], address text,"
        " netmask text, auth_method text, options text[], error text",
    ),
    catalog_of(
        12551,
        "pg_ident_file_mappings",
        "map_number int4, file_name text, line_number int4, map_name text, sys_name text, pg_username text, error text",
    ),
    catalog_of(
        12552,
        "pg_file_settings",
        "sourcefile text, sourceline int4, seqno int4, name text, setting text, applied bool, error text",
    ),
    catalog_of(
        12553,
        "pg_available_extension_versions",
        "name name, version text, installed bool, superuser bool, trusted bool, relocatable bool, schema name,"
        " requires name[], comment text",
    ),
    catalog_of(2613, "pg_largeobject", "loid oid, pageno int4, data bytea"),
    # ANALYZE computes nothing for extended statistics.
    catalog_of(
        3429,
        "pg_statistic_ext_data",
        "stxoid oid, stxdinherit bool, stxdndistinct text, stxddependencies text, stxdmcv text, stxdexpr text",
    ),
    catalog_of(
        12554,
        "pg_stats_ext",
        f"{_STATISTICS_OF}, attnames name[], exprs text[], kinds char[], inherited bool, n_distinct text,"
        " dependencies text, most_common_vals text[], most_common_val_nulls bool[], most_common_freqs float8[],"
        " most_common_base_freqs float8[]",
    ),
    catalog_of(
        12555,
        "pg_stats_ext_exprs",
        f"{_STATISTICS_OF}, expr text, inherited bool, {_EXPRESSION_FIGURES}",
    ),
)
_REFUSED: tuple[SystemView, ...] = (
    _refused(
        12561,
        "pg_aios",
        "pid int4, io_id int4, io_generation int8, state text, operation text, off int8, length int8, target text,"
        " handle_data_len int2, raw_result int4, result text, target_desc text, f_sync bool, f_localmem bool,"
        " f_buffered bool",
    ),
    _refused(
        12562,
        "pg_backend_memory_contexts",
        "name text, ident text, type text, level int4, path int4[], total_bytes int8, total_nblocks int8,"
        " free_bytes int8, free_chunks int8, used_bytes int8",
    ),
    _refused(12563, "pg_config", "name text, setting text"),
    _refused(12564, "pg_shmem_allocations", "name text, off int8, size int8, allocated_size int8"),
    _refused(12565, "pg_shmem_allocations_numa", "name text, numa_node int4, size int8"),
    _refused(
        12566,
        "pg_stat_recovery_prefetch",
        "stats_reset timestamptz, prefetch int8, hit int8, skip_init int8, skip_new int8, skip_fpw int8, skip_rep int8,"
        " wal_distance int4, block_distance int4, io_depth int4",
    ),
    _refused(
        12567,
        "pg_stat_slru",
        "name text, blks_zeroed int8, blks_hit int8, blks_read int8, blks_written int8, blks_exists int8, flushes int8,"
        " truncates int8, stats_reset timestamptz",
    ),
)
SERVER_VIEWS: tuple[SystemView, ...] = (
    *_NONE,
    *_REFUSED,
    catalog_of(12568, "pg_wait_events", "type text, name text, description text", _wait_events),
)
