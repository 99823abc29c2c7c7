"""Functions about the session and the server, and those of sequences. All but a few ask the statement's `FunctionContext`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lungfish.errors import DatatypeMismatch, NullValueNotAllowed
from lungfish.functions.registry import Function, FunctionContext, Polymorphic, Volatility
from lungfish.types.array_value import array_value
from lungfish.types.sql_type import (
    BIGINT,
    BOOLEAN,
    INTEGER,
    NAME,
    OID,
    TEXT,
    SqlType,
    array_of,
)
from lungfish.types.type_oids import registered_type, type_oid

_STABLE = Volatility.STABLE
_VOLATILE = Volatility.VOLATILE


def _fact(name: str) -> Any:
    return lambda context: context.session_fact(name)


def _current_schemas(context: FunctionContext, with_implicit: bool) -> Any:
    path = list(context.session_fact("found_search_path"))
    implicit: list[str] = context.session_fact("implicit_schemas") if with_implicit else []
    return array_value([name for name in implicit if name not in path] + path)


def _current_setting(context: FunctionContext, name: str) -> str:
    return context.setting(name)


def _current_setting_or_null(context: FunctionContext, name: str, missing_ok: bool) -> str | None:
    return context.setting_or_none(name) if missing_ok else context.setting(name)


def _set_config(
    context: FunctionContext, name: str | None, value: str | None, is_local: bool | None
) -> str:
    if name is None:
        raise NullValueNotAllowed("SET requires parameter name")
    context.set_setting(name, value, bool(is_local))
    return context.setting(name)


def _next_value(context: FunctionContext, sequence: str | int) -> int:
    return context.next_value(sequence)


def _current_value(context: FunctionContext, sequence: str | int) -> int:
    return context.current_value(sequence)


def _set_value(
    context: FunctionContext, sequence: str | int, value: int, is_called: bool = True
) -> int:
    return context.set_value(sequence, value, is_called)


def _sequence_functions(named_by: SqlType) -> tuple[Function, ...]:
    """The functions of one sequence, which is given by its name or by its oid."""
    return tuple(
        Function(name, (named_by, *others), BIGINT, run, volatility=_VOLATILE, needs_context=True)
        for name, others, run in (
            ("nextval", (), _next_value),
            ("currval", (), _current_value),
            ("setval", (BIGINT,), _set_value),
            ("setval", (BIGINT, BOOLEAN), _set_value),
        )
    )


def _pg_typeof(context: FunctionContext, value: Any, *, types: Sequence[SqlType]) -> int:
    """The type's oid; one that PostgreSQL would have made by itself, of a user's type, is asked for by its name."""
    kind = types[0]
    return type_oid(kind) or int(context.ask_catalog("regtypein", (str(kind.unmodified),)))


def _collation_for(_value: Any, *, types: Sequence[SqlType]) -> str | None:
    """Called only for types without collations: the planner knows those of all others."""
    raise DatatypeMismatch(f"collations are not supported by type {types[0]}")


def _backend_pid(context: FunctionContext) -> int:
    return int(context.session_fact("backend_pid"))


SYSTEM_FUNCTIONS: tuple[Function, ...] = (
    *(
        Function(name, (), NAME, _fact(name), volatility=_STABLE, needs_context=True)
        for name in ("current_user", "session_user", "user", "current_database", "current_schema")
    ),
    Function("current_role", (), NAME, _fact("current_user"), volatility=_STABLE, needs_context=True),
    Function("current_catalog", (), NAME, _fact("current_database"), volatility=_STABLE, needs_context=True),
    Function("current_schemas", (BOOLEAN,), array_of(NAME), _current_schemas, volatility=_STABLE, needs_context=True),
    Function("version", (), TEXT, _fact("version"), volatility=_STABLE, needs_context=True),
    *(
        Function(name, (), NAME, lambda: "UTF8", volatility=_STABLE)
        for name in ("pg_client_encoding", "getdatabaseencoding")
    ),
    Function("pg_is_in_recovery", (), BOOLEAN, lambda: False, volatility=_VOLATILE),
    Function("pg_backend_pid", (), INTEGER, _backend_pid, volatility=_STABLE, needs_context=True),
    Function("txid_current", (), BIGINT, _fact("transaction_id"), volatility=_STABLE, needs_context=True),
    Function("pg_current_xact_id", (), BIGINT, _fact("transaction_id"), volatility=_STABLE, needs_context=True),
    Function("current_setting", (TEXT,), TEXT, _current_setting, volatility=_STABLE, needs_context=True),
    Function("current_setting", (TEXT, BOOLEAN), TEXT, _current_setting_or_null, volatility=_STABLE, needs_context=True),
    Function("set_config", (TEXT, TEXT, BOOLEAN), TEXT, _set_config, volatility=_VOLATILE, is_strict=False, needs_context=True),
    Function(
        "pg_typeof", (Polymorphic.ANY_OR_UNKNOWN,), registered_type("regtype"), _pg_typeof, volatility=_STABLE,
        is_strict=False, needs_types=True, needs_context=True,
    ),
    Function(
        "pg_collation_for", (Polymorphic.ANY_OR_UNKNOWN,), TEXT, _collation_for, volatility=_STABLE, is_strict=False,
        needs_types=True,
    ),
    *_sequence_functions(TEXT),
    # What regclass gives: PostgreSQL's own spelling, 'name'::regclass.
    *_sequence_functions(OID),
    Function("lastval", (), BIGINT, lambda context: context.last_value(), volatility=_VOLATILE, needs_context=True),
)  # fmt: skip
