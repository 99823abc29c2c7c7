"""pg_rewrite and pg_rules: a view is a table with a rule that its rows are those of a query."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lungfish.catalog.objects import SystemView, Table, View
from lungfish.executor.system_views.definition import catalog_of

if TYPE_CHECKING:
    from lungfish.executor.context import ExecutionContext

Rows = Iterator[tuple[Any, ...]]


def _rules(context: ExecutionContext) -> Rows:
    """The rule of a view has the view's own oid."""
    for item in context.catalog.objects():
        if isinstance(item, View) or (isinstance(item, Table) and item.materialized_query):
            yield item.oid, "_RETURN", item.oid, "1", "O", True, "<>", item.query


REWRITE_VIEWS: tuple[SystemView, ...] = (
    catalog_of(
        2618,
        "pg_rewrite",
        "oid oid, rulename name, ev_class oid, ev_type char, ev_enabled char, is_instead bool, ev_qual tree,"
        " ev_action tree",
        _rules,
    ),
    # Those of views are not listed here.
    catalog_of(
        12114, "pg_rules", "schemaname name, tablename name, rulename name, definition text"
    ),
)
