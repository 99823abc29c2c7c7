"""Views go on saying what they said when something that they read is called otherwise.

A view is kept as a text, which names tables and columns. After a statement that renames or moves something, or that adds or drops
columns, each view that uses it is read under the names of before and written back under those of now, with every relation's
schema; see `planner/deparse`. A text that says the same under both is left as it is.
"""

from __future__ import annotations

from dataclasses import replace

from lungfish import errors
from lungfish.catalog import Catalog
from lungfish.catalog.objects import CatalogObject, Column, Namespace, Oid, Table, View
from lungfish.executor.ddl.context import DdlContext
from lungfish.planner import Deparsing, columns_read, deparse_query
from lungfish.sql.rename import mentions_name

_BRACKETS = str.maketrans("", "", "()")
_STORED = Deparsing(is_stored=True)


def follow_in_views(context: DdlContext, before: Catalog) -> None:
    """Write the views over what changed its names since `before` anew. Raises FeatureNotSupported where that is not possible."""
    after = context.catalog
    changed: set[Oid] = set()
    lost: set[Oid] = set()
    for item in after.objects():
        old = before.object(item.oid)
        if old is None or isinstance(item, Namespace):
            continue
        names, old_names = _names(item, after), _names(old, before)
        if names != old_names:
            changed.add(item.oid)
            if not old_names <= names:
                lost.add(item.oid)
    for oid in changed:
        for view in after.dependent_views(oid):
            _follow(context, view, before, is_needed=oid in lost)


def uses_column(context: DdlContext, view: View | Table, table: Table, column: Column) -> bool:
    """Whether a view's query reads the column."""
    try:
        read = columns_read(view.query, view.search_path, context.catalog)
    except errors.Error:
        return mentions_name(view.query, column.name) or "*" in view.query
    return (int(table.oid), column.name) in read


def _names(item: CatalogObject, catalog: Catalog) -> frozenset[object]:
    """What a text may call the object by."""
    if isinstance(item, Namespace):
        return frozenset()
    names: set[object] = {(catalog.namespace_name(item.namespace_oid), item.name)}
    if isinstance(item, (Table, View)):
        names |= {(column.number, column.name) for column in item.columns}
    return frozenset(names)


def _follow(context: DdlContext, view: View | Table, before: Catalog, *, is_needed: bool) -> None:
    old = before.object(view.oid)
    now = context.catalog.object(view.oid)
    if not isinstance(old, (View, Table)) or not isinstance(now, (View, Table)):
        return
    if old.query != now.query:
        # It was written anew for another object, or replaced by this very statement.
        return
    names = [column.name for column in now.columns]
    catalogs = (before, context.catalog)
    try:
        text = deparse_query(old.query, names, old.search_path, catalogs, _STORED)
    except errors.Error:
        if is_needed:
            raise _refused(view) from None
        return
    if _says_the_same(_reads_as(context, now, now.query), text):
        return
    if not _says_the_same(_reads_as(context, now, text), text):
        raise _refused(view)
    if isinstance(now, View):
        context.change.put(replace(now, query=text.strip()))
    else:
        context.change.put(replace(now, materialized_query=text.strip()))


def _reads_as(context: DdlContext, view: View | Table, text: str) -> str | None:
    """What a text says now; None if it says nothing."""
    names = [column.name for column in view.columns]
    catalogs = (context.catalog, context.catalog)
    try:
        return deparse_query(text, names, view.search_path, catalogs, _STORED)
    except errors.Error:
        return None


def _says_the_same(left: str | None, right: str) -> bool:
    """Whether two texts differ in parentheses at most: reading takes (a AND b) AND c for one list, as PostgreSQL does."""
    return left is not None and _words(left) == _words(right)


def _words(text: str) -> str:
    return "".join(text.translate(_BRACKETS).split())


def _refused(view: View | Table) -> errors.Error:
    return errors.FeatureNotSupported(
        f"changing names that view {view.name} uses is not supported",
        hint="Drop the view, rename, and create it again.",
    )
