"""INSERT, UPDATE, DELETE and MERGE of a view: they are done to the table beneath it.

A view can be changed if it selects from one table, or from another such view, with no more than a WHERE. The statement then
sees the view's names for expressions over the table's columns, and only rows that the view shows; it may assign to those
names that stand for plain columns. Everything else is refused, with PostgreSQL's reasons.
"""

from __future__ import annotations

import dataclasses
from dataclasses import replace

from lungfish import errors
from lungfish.catalog.catalog import Catalog
from lungfish.catalog.objects import Oid, Sequence, SystemView, Table, View
from lungfish.functions import has_aggregate, returns_set
from lungfish.planner.bind_from import parse_stored_query
from lungfish.planner.bind_members import members_of
from lungfish.planner.bind_state import BindState
from lungfish.planner.change_target import ChangeTarget, ReadOnlyColumn, ViewLevel
from lungfish.planner.modification_target import find_target_table
from lungfish.sql.ast.dml import Delete, Insert, Update
from lungfish.sql.ast.expressions import Expression, FunctionCall, Name, Star
from lungfish.sql.ast.queries import Query, Select, SelectItem, SetOperation, TableReference

VERBS = {Insert: "insert into", Update: "update", Delete: "delete from"}
_SYSTEM_COLUMNS = frozenset({"ctid", "tableoid", "xmin", "xmax", "cmin", "cmax"})
_HINTS = {
    "insert into": "To enable inserting into the view, provide an INSTEAD OF INSERT trigger or an unconditional ON INSERT DO INSTEAD rule.",
    "update": "To enable updating the view, provide an INSTEAD OF UPDATE trigger or an unconditional ON UPDATE DO INSTEAD rule.",
    "delete from": "To enable deleting from the view, provide an INSTEAD OF DELETE trigger or an unconditional ON DELETE DO INSTEAD rule.",
}
# By the first action of a MERGE.
_MERGE_ACTS = {
    "insert": ("insert into", "inserting into", "INSERT"),
    "update": ("update", "updating", "UPDATE"),
    "delete": ("delete from", "deleting from", "DELETE"),
}
_NO_COLUMNS = "Views that have no updatable columns are not automatically updatable."
_SINGLE = "Views that do not select from a single table or view"


def find_target(
    item: TableReference, state: BindState, verb: str, action: str = "", *, stop: Oid | None = None
) -> ChangeTarget:
    """The target of `verb`: "insert into", "update", "delete from", or "merge into" with what its first `action` does.

    `stop`: the relation to go no further than, even if it is a view. Raises as PostgreSQL does for what cannot be changed.
    """
    relation = state.find_relation(item.name)
    if isinstance(relation, View):
        if relation.oid == stop or state.takes_views_as_tables:
            return whole_table(relation.as_table, item, state, verb)
        return _of_view(relation, state, verb, action, stop)
    return whole_table(find_target_table(item, state), item, state, verb)


def find_rule_target(
    statement: Insert | Update | Delete, relation_oid: int, state: BindState
) -> ChangeTarget:
    """The relation whose rule it is, as the statement sees it: by itself, or through views."""
    verb = VERBS[type(statement)]
    target = find_target(statement.table, state, verb, stop=Oid(relation_oid))
    return replace(target, members=())


def whole_table(table: Table, item: TableReference, state: BindState, verb: str) -> ChangeTarget:
    """A table under its own names."""
    names = tuple([column.name for column in table.columns])
    places = tuple(range(len(names)))
    tables = members_of(table, item, state) or ()
    return ChangeTarget(
        table, table.name, names, places, verb, members=tables, is_only=item.is_only
    )


def refused(view: View, verb: str, action: str, detail: str) -> errors.Error:
    """The error for a view that cannot be changed."""
    hint = _HINTS.get(verb)
    if hint is None:
        verb, doing, event = _MERGE_ACTS[action]
        hint = f"To enable {doing} the view using MERGE, provide an INSTEAD OF {event} trigger."
    return errors.ObjectNotInPrerequisiteState(
        f'cannot {verb} view "{view.name}"', detail=detail, hint=hint
    )


def _of_view(
    view: View, state: BindState, verb: str, action: str, stop: Oid | None
) -> ChangeTarget:
    query = parse_stored_query(view.query)
    reason = _reason_against(query, view, state.catalog)
    if reason is not None:
        raise refused(view, verb, action, reason)
    select, source = _parts(view)
    outer_path, state.search_path = state.search_path, view.search_path
    try:
        below = find_target(source, state, verb, action, stop=stop)
    finally:
        state.search_path = outer_path
    alias = source.alias or source.name.name
    names = list(below.names)
    names[: len(source.column_aliases)] = source.column_aliases
    items = _items(view, select.items, names, alias)
    places = tuple(
        [
            below.places[item]
            if isinstance(item, int)
            else ReadOnlyColumn(view.name, column.name, _reason_to_keep(item, alias))
            for column, item in zip(view.columns, items, strict=True)
        ]
    )
    if verb != "delete from" and not any(isinstance(item, int) for item in items):
        raise refused(view, verb, action, _NO_COLUMNS)
    return ChangeTarget(
        below.table,
        view.name,
        tuple([column.name for column in view.columns]),
        places,
        verb,
        ViewLevel(view, below, alias, tuple(names), items, select.where),
        members=below.members,
        is_only=below.is_only,
    )


def _items(
    view: View, items: tuple[SelectItem, ...], names: list[str], alias: str
) -> tuple[int | Expression, ...]:
    """Which column of the relation beneath each column of the view is, or what computes it."""
    found: list[int | Expression] = []
    stars = sum(isinstance(item.expression, Star) for item in items)
    # A view does not show what was added to its table later.
    star_width = len(view.columns) - (len(items) - 1) if stars == 1 else len(names)
    for item in items:
        node = item.expression
        if isinstance(node, Star):
            found += range(star_width)
        elif _is_column(node, names, alias):
            assert isinstance(node, Name), "looked at above"
            found.append(names.index(node.parts[-1]))
        else:
            found.append(node)
    return tuple(found[: len(view.columns)])


def _is_column(node: Expression, names: list[str], alias: str) -> bool:
    return (
        isinstance(node, Name)
        and node.parts[-1] in names
        and (len(node.parts) == 1 or node.parts[-2] == alias)
    )


def _reason_to_keep(node: Expression, alias: str) -> str:
    """Why a column cannot be assigned to, in PostgreSQL's words."""
    if isinstance(node, Name):
        if node.parts[-1] in _SYSTEM_COLUMNS:
            return "View columns that refer to system columns"
        if node.parts == (alias,):
            return "View columns that return whole-row references"
    return "View columns that are not columns of their base relation"


def reason_against_changes(
    view: View, catalog: Catalog, *, with_columns: bool = True
) -> str | None:
    """Why the view cannot be changed, without a look at what stands beneath it; None if it can.

    `with_columns`: one that has no column to assign to counts as well.
    """
    query = parse_stored_query(view.query)
    reason = _reason_against(query, view, catalog)
    if reason is not None or not with_columns:
        return reason
    return None if any(isinstance(item, int) for item in own_items(view, catalog)) else _NO_COLUMNS


def own_items(view: View, catalog: Catalog) -> tuple[int | Expression, ...]:
    """Of each column of the view: where it is in the relation beneath, or the expression that makes it.

    Requires: nothing stands against changing the view.
    """
    select, source = _parts(view)
    names = [column.name for column in relation_beneath(view, catalog).columns]
    names[: len(source.column_aliases)] = source.column_aliases
    return _items(view, select.items, names, source.alias or source.name.name)


def relation_beneath(view: View, catalog: Catalog) -> Table | View | SystemView:
    """What the view selects from. Requires: nothing stands against changing the view."""
    name = _parts(view)[1].name
    below = catalog.find_relation(name.name, name.schema, view.search_path)
    assert isinstance(below, (Table, View, SystemView)), "looked at by whoever asked"
    return below


def _parts(view: View) -> tuple[Select, TableReference]:
    """The SELECT of a view that can be changed, and its FROM."""
    select = parse_stored_query(view.query).body
    assert isinstance(select, Select), "looked at before"
    (source,) = select.from_items
    assert isinstance(source, TableReference), "looked at before"
    return select, source


def _reason_against(query: Query, view: View, catalog: Catalog) -> str | None:
    reason = _reason_of_query(query, view, catalog)
    return None if reason is None else f"{reason} are not automatically updatable."


def _reason_of_query(query: Query, view: View, catalog: Catalog) -> str | None:
    """Why a view of this query cannot be changed, in PostgreSQL's words and order."""
    body = query.body
    if isinstance(body, SetOperation):
        return "Views containing UNION, INTERSECT, or EXCEPT"
    if not isinstance(body, Select):
        return _SINGLE
    for is_so, reason in (
        (body.is_distinct or bool(body.distinct_on), "Views containing DISTINCT"),
        (bool(body.group_by), "Views containing GROUP BY"),
        (body.having is not None, "Views containing HAVING"),
        (query.with_clause is not None, "Views containing WITH"),
        (query.limit is not None or query.offset is not None, "Views containing LIMIT or OFFSET"),
        (_has_aggregate(body.items), "Views that return aggregate functions"),
        (_has_window(body.items), "Views that return window functions"),
        (_has_sets(body.items), "Views that return set-returning functions"),
    ):
        if is_so:
            return reason
    if len(body.from_items) != 1 or not isinstance(body.from_items[0], TableReference):
        return _SINGLE
    if body.from_items[0].sample is not None:
        return "Views containing TABLESAMPLE"
    name = body.from_items[0].name
    relation = catalog.find_relation(name.name, name.schema, view.search_path)
    is_stored = isinstance(relation, Table) and relation.materialized_query is not None
    return _SINGLE if is_stored or isinstance(relation, Sequence) else None


def _calls(node: object) -> list[FunctionCall]:
    """The calls in a tree, those of subqueries left out."""
    if isinstance(node, tuple):
        return [call for item in node for call in _calls(item)]
    if not dataclasses.is_dataclass(node) or isinstance(node, (type, Query)):
        return []
    found = [node] if isinstance(node, FunctionCall) else []
    for field in dataclasses.fields(node):
        found += _calls(getattr(node, field.name))
    return found


def _has_aggregate(items: object) -> bool:
    return any(call.window is None and has_aggregate(call.name[-1]) for call in _calls(items))


def _has_window(items: object) -> bool:
    return any(call.window is not None for call in _calls(items))


def _has_sets(items: object) -> bool:
    return any(returns_set(call.name[-1]) for call in _calls(items))
