"""Functions about the server, its sessions and its times, as monitors and administrators call them."""

from __future__ import annotations

from typing import Any

from lungfish.errors import FeatureNotSupported, ObjectNotInPrerequisiteState
from lungfish.functions.registry import Function, FunctionContext, Volatility
from lungfish.types.array_value import ArrayValue, array_value
from lungfish.types.sql_type import (
    BIGINT,
    BOOLEAN,
    DOUBLE,
    INTEGER,
    INTERVAL,
    NAME,
    OID,
    PG_LSN,
    TEXT,
    TIMESTAMPTZ,
    VOID,
    Interval,
    SqlType,
    array_of,
)

_SECOND_US = 1_000_000


def _function(
    name: str,
    arguments: tuple[SqlType, ...],
    result: SqlType,
    run: Any,
    volatility: Volatility = Volatility.VOLATILE,
) -> Function:
    return Function(name, arguments, result, run, volatility=volatility, needs_context=True)


def _same(name: str, result: SqlType, answer: Any) -> Function:
    """A function without arguments whose answer is always the same."""
    return Function(name, (), result, lambda: answer, volatility=Volatility.STABLE)


def _asking_storage(name: str, result: SqlType, *arguments: SqlType) -> Function:
    return _function(
        name, arguments, result, lambda context, *values: context.ask_storage(name, values)
    )


def _blocking(name: str) -> Function:
    def ask(context: FunctionContext, number: int) -> ArrayValue:
        return array_value(context.ask_storage(name, (number,)))

    return _function(name, (INTEGER,), array_of(INTEGER), ask)


def _sleep_for(context: FunctionContext, duration: Interval) -> str:
    """Months have 30 days here, as where an interval is compared with another one."""
    days = duration.months * 30 + duration.days
    context.sleep(days * 86_400 + duration.microseconds / _SECOND_US)
    return ""


def _sleep_until(context: FunctionContext, moment_us: int) -> str:
    context.sleep((moment_us - context.clock_timestamp()) / _SECOND_US)
    return ""


def _no_recovery(context: FunctionContext) -> Any:
    raise ObjectNotInPrerequisiteState(
        "recovery is not in progress",
        hint="Recovery control functions can only be executed during recovery.",
    )


def _terminate(context: FunctionContext, number: int, timeout_ms: int) -> Any:
    raise FeatureNotSupported(
        "pg_terminate_backend is not supported",
        hint="pg_cancel_backend stops the statement of a session.",
    )


def _cancel(context: FunctionContext, number: int) -> bool:
    return context.cancel_session(number)


def _fact(name: str) -> Any:
    return lambda context: context.session_fact(name)


_STABLE = Volatility.STABLE

FUNCTIONS: tuple[Function, ...] = (
    _function("current_query", (), TEXT, _fact("query")),
    _function("getpgusername", (), NAME, _fact("current_user"), _STABLE),
    _function("txid_current_if_assigned", (), BIGINT, _fact("own_transaction_id"), _STABLE),
    _function("pg_current_xact_id_if_assigned", (), BIGINT, _fact("own_transaction_id"), _STABLE),
    _function("pg_cancel_backend", (INTEGER,), BOOLEAN, _cancel),
    Function(
        "pg_terminate_backend", (INTEGER, BIGINT), BOOLEAN, _terminate, volatility=Volatility.VOLATILE, defaults=(0,),
        needs_context=True,
    ),
    _blocking("pg_blocking_pids"),
    _blocking("pg_safe_snapshot_blocking_pids"),
    _asking_storage("pg_postmaster_start_time", TIMESTAMPTZ),
    _asking_storage("pg_conf_load_time", TIMESTAMPTZ),
    _asking_storage("pg_current_wal_flush_lsn", PG_LSN),
    _function("pg_sleep_for", (INTERVAL,), VOID, _sleep_for),
    _function("pg_sleep_until", (TIMESTAMPTZ,), VOID, _sleep_until),
    # The database is open, so its recovery is over; nothing is replayed from elsewhere.
    *(_function(name, (), VOID, _no_recovery) for name in ("pg_wal_replay_pause", "pg_wal_replay_resume")),
    _function("pg_is_wal_replay_paused", (), BOOLEAN, _no_recovery),
    _function("pg_get_wal_replay_pause_state", (), TEXT, _no_recovery),
    *(_same(name, PG_LSN, None) for name in ("pg_last_wal_receive_lsn", "pg_last_wal_replay_lsn")),
    _same("pg_last_xact_replay_timestamp", TIMESTAMPTZ, None),
    # Figures are read as they are at the moment, and written at once.
    *(_same(name, VOID, "") for name in ("pg_stat_clear_snapshot", "pg_stat_force_next_flush")),
    _same("pg_trigger_depth", INTEGER, 0),
    _same("pg_jit_available", BOOLEAN, False),
    _same("pg_numa_available", BOOLEAN, False),
    _same("system_user", TEXT, None),
    _same("pg_notification_queue_usage", DOUBLE, 0.0),
    Function("pg_listening_channels", (), TEXT, lambda: (), volatility=_STABLE, returns_set=True),
    # There is one database, and all of its tables are in pg_default.
    Function(
        "pg_tablespace_databases", (OID,), OID, lambda oid: (1,) if oid == 1663 else (), volatility=_STABLE, returns_set=True
    ),
)  # fmt: skip
