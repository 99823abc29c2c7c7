"""What the SQL functions about storage answer; `functions/storage_functions.py` has their names and types.

Each takes the `StorageCore` and the call's internal values, and answers one value, or the rows of a function that gives several.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from lungfish.recovery.core import StorageCore
from lungfish.recovery.openmetrics import openmetrics_text
from lungfish.recovery.views.control_checkpoint import control_checkpoint_rows
from lungfish.recovery.views.coordination_views import dirty_page_list
from lungfish.recovery.wal_inspect import create_restore_point, wal_record_rows
from lungfish.recovery.wal_records import format_lsn


def _blocking(core: StorageCore, number: int, *, of_snapshots: bool) -> list[int]:
    return core.transactions.locks.blockers_of(number, of_snapshots=of_snapshots)


STORAGE_ANSWERS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "pg_control_checkpoint": control_checkpoint_rows,
        "pg_create_restore_point": create_restore_point,
        "pg_current_wal_insert_lsn": lambda core: format_lsn(core.log.end_lsn()),
        "pg_current_wal_lsn": lambda core: format_lsn(core.log.durable_lsn),
        "pg_current_wal_flush_lsn": lambda core: format_lsn(core.log.durable_lsn),
        "pg_blocking_pids": partial(_blocking, of_snapshots=False),
        "pg_safe_snapshot_blocking_pids": partial(_blocking, of_snapshots=True),
        # Settings are read when the database is opened.
        "pg_conf_load_time": lambda core: core.opened_at,
        "pg_postmaster_start_time": lambda core: core.opened_at,
        "lungfish.wal_records": wal_record_rows,
        "lungfish.dirty_page_list": dirty_page_list,
        "lungfish.openmetrics": lambda core: openmetrics_text(core.telemetry.metrics()),
    }
)
