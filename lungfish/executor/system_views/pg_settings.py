"""pg_settings: the session's settings, durations in milliseconds. Lungfish keeps no descriptions and bounds of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lungfish.catalog.objects import SystemView
from lungfish.executor.system_views.definition import catalog_of

if TYPE_CHECKING:
    from lungfish.executor.context import ExecutionContext

Rows = Iterator[tuple[Any, ...]]


def _settings(context: ExecutionContext) -> Rows:
    for name, value, unit, kind, value_type, first in context.functions.session_fact("settings"):
        yield (
            name, value, unit, None, None, None, kind, value_type, "default" if value == first else "session", None, None,
            None, first, first, None, None, False,
        )  # fmt: skip


SETTINGS_VIEWS: tuple[SystemView, ...] = (
    catalog_of(
        12115,
        "pg_settings",
        "name text, setting text, unit text, category text, short_desc text, extra_desc text, context text,"
        " vartype text, source text, min_val text, max_val text, enumvals text[], boot_val text, reset_val text,"
        " sourcefile text, sourceline int4, pending_restart bool",
        _settings,
    ),
)
