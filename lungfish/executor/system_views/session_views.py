"""What the session that asks has open: pg_cursors and pg_prepared_statements."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lungfish.catalog.objects import SystemView
from lungfish.executor.system_views.definition import catalog_of
from lungfish.executor.system_views.pg_relations import array
from lungfish.types.type_oids import type_oid

if TYPE_CHECKING:
    from lungfish.executor.context import ExecutionContext

Rows = Iterator[tuple[Any, ...]]


def _cursors(context: ExecutionContext) -> Rows:
    for name, cursor in context.functions.session_fact("cursors").items():
        yield (
            name, cursor.statement, cursor.is_held, cursor.is_binary, cursor.is_scroll is not False, cursor.made_us,
        )  # fmt: skip


def _prepared(context: ExecutionContext) -> Rows:
    for name, item in context.functions.session_fact("prepared").items():
        parameters = [type_oid(kind) for kind in item.types if kind is not None]
        result = None
        if item.result is not None:
            result = array([type_oid(kind) for kind in item.result])
        yield name, item.text, item.made_us, array(parameters), result, True, 0, 0


SESSION_VIEWS: tuple[SystemView, ...] = (
    catalog_of(
        12480,
        "pg_cursors",
        "name text, statement text, is_holdable bool, is_binary bool, is_scrollable bool, creation_time timestamptz",
        _cursors,
    ),
    catalog_of(
        12481,
        "pg_prepared_statements",
        "name text, statement text, prepare_time timestamptz, parameter_types regtype[], result_types regtype[],"
        " from_sql bool, generic_plans int8, custom_plans int8",
        _prepared,
    ),
)
