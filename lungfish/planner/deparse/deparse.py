"""The door: a stored query's text in, the text that pg_get_viewdef shows out."""

from __future__ import annotations

from collections.abc import Sequence

from lungfish.catalog.catalog import Catalog
from lungfish.catalog.objects import Table
from lungfish.planner.bind_trace import BindTrace
from lungfish.planner.binder import new_state
from lungfish.planner.deparse.layout import Layout
from lungfish.planner.deparse.nodes import Node, QueryTree, RangeItem
from lungfish.planner.deparse.range_names import Namespace
from lungfish.planner.deparse.translate_query import QueryTranslator
from lungfish.planner.deparse.write_query import QueryWriter
from lungfish.planner.expressions import BoundExpression, ColumnRef
from lungfish.planner.scope import RangeEntry, Scope
from lungfish.sql import parse
from lungfish.sql.ast.queries import Query
from lungfish.types.frozen import frozen

# The path that stored expressions are read under.
_BOUND_PATH = ("public",)


@frozen
class Deparsing:
    """How a query is to be shown."""

    # The search path of whoever looks at it: what that does not find is named with its schema.
    search_path: tuple[str, ...] = ()
    is_pretty: bool = False
    # See `Layout.wrap_column`.
    wrap_column: int = 0
    # Whether the text is to be kept: relations are named with their schema, visible or not.
    is_stored: bool = False


def deparse_query(
    text: str,
    names: Sequence[str],
    stored_path: tuple[str, ...],
    catalogs: tuple[Catalog, Catalog],
    how: Deparsing,
) -> str:
    """The query of a view with the columns `names`.

    `stored_path` is the search path to read the text under. `catalogs`: the one that the text speaks of, and the one whose names are
    shown. Raises FeatureNotSupported.
    """
    _, later = catalogs
    tree, _ = _translated(text, stored_path, catalogs)
    layout = Layout(is_pretty=how.is_pretty, wrap_column=how.wrap_column)
    QueryWriter(layout, later, how.search_path, is_stored=how.is_stored).write(tree, names)
    return layout.text


def columns_read(
    text: str, stored_path: tuple[str, ...], catalog: Catalog
) -> frozenset[tuple[int, str]]:
    """The columns of relations that a stored query uses: the relation's oid and the column's name. Raises FeatureNotSupported."""
    _, translator = _translated(text, stored_path, (catalog, catalog))
    return frozenset(
        (item.relation_oid, item.real_names[position] or "")
        for item, position in translator.expressions.used
        if item.kind == "relation"
    )


def translate_over_table(
    bound: BoundExpression, table: Table, trace: BindTrace, catalog: Catalog
) -> Node:
    """An expression over one table's columns, which was bound under `trace`. Raises FeatureNotSupported."""
    names = [column.name for column in table.columns]
    item = RangeItem("relation", name=table.name, relation_oid=int(table.oid))
    item.old_names, item.real_names = names, list(names)
    Namespace(QueryTree(items=[item], from_items=(item,)), ())
    translator = QueryTranslator(trace, catalog, catalog, _BOUND_PATH)
    refs = [ColumnRef(at, column.type, column.name) for at, column in enumerate(table.columns)]
    translator.places.add(RangeEntry(table.name, names, refs=refs), item)
    return translator.expressions.translate(bound)


def write_expression(node: Node, catalog: Catalog, how: Deparsing) -> str:
    """The text of what `translate_over_table` gave."""
    layout = Layout(is_pretty=how.is_pretty)
    QueryWriter(layout, catalog, how.search_path).expressions.write(node)
    return layout.text


def _translated(
    text: str, stored_path: tuple[str, ...], catalogs: tuple[Catalog, Catalog]
) -> tuple[QueryTree, QueryTranslator]:
    catalog, later = catalogs
    query = parse(text)[0].statement
    assert isinstance(query, Query), "a view's text is a query"
    state = new_state(catalog, stored_path)
    trace = BindTrace()
    trace.attach(state)
    state.bind_query(query, Scope(state, None))
    translator = QueryTranslator(trace, catalog, later, stored_path)
    return translator.query(query), translator
