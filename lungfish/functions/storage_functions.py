"""Functions about storage: here are their names and types; `recovery/views/storage_functions.py` has what they do.

Those of schema `lungfish` are registered under their qualified name, so that they are reached by it alone.
"""

from __future__ import annotations

from typing import Any

from lungfish.functions.registry import (
    Function,
    FunctionContext,
    ScalarForm,
    Volatility,
    record_of,
)
from lungfish.types.sql_type import (
    BIGINT,
    BOOLEAN,
    INTEGER,
    OID,
    PG_LSN,
    TEXT,
    TIMESTAMPTZ,
    SqlType,
)


def _answer(name: str) -> ScalarForm:
    def ask(context: FunctionContext, *arguments: Any) -> Any:
        return context.ask_storage(name, arguments)

    return ask


def _function(name: str, arguments: Any, result: Any, **options: Any) -> Function:
    return Function(
        name, arguments, result, _answer(name), volatility=Volatility.VOLATILE, needs_context=True, **options
    )  # fmt: skip


WAL_RECORDS_COLUMNS: tuple[tuple[str, SqlType], ...] = (
    ("lsn", PG_LSN),
    ("end_lsn", PG_LSN),
    ("transaction_id", BIGINT),
    ("kind", TEXT),
    ("relation_id", BIGINT),
    ("length", BIGINT),
    ("at", TIMESTAMPTZ),
    ("description", TEXT),
)

DIRTY_PAGE_COLUMNS: tuple[tuple[str, SqlType], ...] = (
    ("page_no", BIGINT),
    ("first_dirty_lsn", PG_LSN),
    ("newest_lsn", PG_LSN),
    ("is_frozen", BOOLEAN),
)

# As PostgreSQL 18 has them; its numbers of transactions are plain numbers here.
CONTROL_CHECKPOINT_COLUMNS: tuple[tuple[str, SqlType], ...] = (
    ("checkpoint_lsn", PG_LSN),
    ("redo_lsn", PG_LSN),
    ("redo_wal_file", TEXT),
    ("timeline_id", INTEGER),
    ("prev_timeline_id", INTEGER),
    ("full_page_writes", BOOLEAN),
    ("next_xid", TEXT),
    ("next_oid", OID),
    ("next_multixact_id", BIGINT),
    ("next_multi_offset", BIGINT),
    ("oldest_xid", BIGINT),
    ("oldest_xid_dbid", OID),
    ("oldest_active_xid", BIGINT),
    ("oldest_multi_xid", BIGINT),
    ("oldest_multi_dbid", OID),
    ("oldest_commit_ts_xid", BIGINT),
    ("newest_commit_ts_xid", BIGINT),
    ("checkpoint_time", TIMESTAMPTZ),
)


STORAGE_FUNCTIONS: tuple[Function, ...] = (
    _function(
        "lungfish.dirty_page_list",
        (TEXT,),
        record_of(DIRTY_PAGE_COLUMNS),
        returns_set=True,
        output_columns=DIRTY_PAGE_COLUMNS,
    ),
    _function("lungfish.openmetrics", (), TEXT),
    _function(
        "pg_control_checkpoint",
        (),
        record_of(CONTROL_CHECKPOINT_COLUMNS),
        returns_set=True,
        output_columns=CONTROL_CHECKPOINT_COLUMNS,
    ),
    _function("pg_create_restore_point", (TEXT,), PG_LSN),
    _function("pg_current_wal_insert_lsn", (), PG_LSN),
    _function("pg_current_wal_lsn", (), PG_LSN),
    _function(
        "lungfish.wal_records",
        (PG_LSN, PG_LSN),
        record_of(WAL_RECORDS_COLUMNS),
        is_strict=False,
        defaults=(None, None),
        returns_set=True,
        output_columns=WAL_RECORDS_COLUMNS,
    ),
)
