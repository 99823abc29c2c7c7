"""Views that a primary key lets be: those that group by it, and show other columns of its table.

No list of them is kept. When the key has gone each view over the table is bound again; one that now fails for its grouping has depended on it.
"""

from __future__ import annotations

from lungfish.catalog.objects import Constraint, Table, View
from lungfish.errors import DependentObjectsStillExist, FeatureNotSupported, GroupingError
from lungfish.executor.ddl.context import DdlContext
from lungfish.sql.ast.queries import Query
from lungfish.sql.statements import parse_one


def release_grouped_views(
    context: DdlContext, table: Table, key: Constraint, *, is_cascade: bool
) -> None:
    """Drop the views that needed the key, which has just gone. Raises DependentObjectsStillExist without CASCADE."""
    for view in context.catalog.dependent_views(table.oid):
        if not isinstance(view, View) or _is_grouped_rightly(context, view):
            continue
        if not is_cascade:
            raise DependentObjectsStillExist(
                f"cannot drop constraint {key.name} on table {table.name} because other objects depend on it",
                detail=f"view {view.name} depends on constraint {key.name} on table {table.name}",
                hint="Use DROP ... CASCADE to drop the dependent objects too.",
            )
        if context.catalog.dependent_views(view.oid):
            raise FeatureNotSupported(
                "DROP CONSTRAINT ... CASCADE over views of views is not supported"
            )
        context.runner.notice(f"drop cascades to view {view.name}")
        context.change.remove(view.oid)


def _is_grouped_rightly(context: DdlContext, view: View) -> bool:
    query = parse_one(view.query).statement
    assert isinstance(query, Query), "a view is a query"
    try:
        with context.runner.searching(view.search_path):
            context.runner.describe_query(query)
    except GroupingError:
        return False
    return True
