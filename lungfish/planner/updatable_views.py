"""INSERT, UPDATE and DELETE of a view: they are done to the table beneath it.

A view can be changed if it selects plain columns of one table, or of another such view, with no more than a WHERE. The
statement then sees the view's names for the table's columns, and only rows that the view shows. Everything else is refused,
with PostgreSQL's reasons; so are, as not supported, views with computed columns.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, replace

from lungfish import errors
from lungfish.catalog.objects import Table, View
from lungfish.functions import has_aggregate
from lungfish.planner.bind_from import parse_stored_query
from lungfish.planner.bind_members import members_of
from lungfish.planner.bind_state import BindState
from lungfish.planner.coerce import coerce_boolean
from lungfish.planner.expression_tree import conjuncts_of
from lungfish.planner.expressions import BoundExpression, ColumnRef
from lungfish.planner.modification_target import find_target_table
from lungfish.planner.scope import Clause, RangeEntry, Scope
from lungfish.sql.ast.expressions import Expression, FunctionCall, Name, Star
from lungfish.sql.ast.queries import Query, Select, SetOperation, TableReference

_VERBS = {"insert into": "inserting into", "update": "updating", "delete from": "deleting from"}
_EVENTS = {"insert into": "INSERT", "update": "UPDATE", "delete from": "DELETE"}


@dataclass(frozen=True, slots=True)
class ViewCondition:
    """The WHERE of a view, with what names mean in it: the n-th is the table's column at the n-th position."""

    where: Expression
    alias: str
    names: tuple[str, ...]
    positions: tuple[int, ...]
    search_path: tuple[str, ...]

    def bind(self, refs: Sequence[ColumnRef], state: BindState) -> tuple[BoundExpression, ...]:
        """The condition over the table's columns, in conjuncts."""
        entry = RangeEntry(self.alias, list(self.names), refs=[refs[at] for at in self.positions])
        scope = Scope(state, None, [entry])
        scope.clause = Clause.WHERE
        outer_path, state.search_path = state.search_path, self.search_path
        try:
            bound = coerce_boolean(scope.bind(self.where), "WHERE", state, -1)
        finally:
            state.search_path = outer_path
        return conjuncts_of(bound)


@dataclass(frozen=True, slots=True)
class ChangeTarget:
    """The table that a statement changes, and the names under which it sees the columns at `positions`."""

    table: Table
    # What the statement calls it, if it gives no alias.
    name: str
    names: tuple[str, ...]
    positions: tuple[int, ...]
    conditions: tuple[ViewCondition, ...] = ()
    is_view: bool = False
    # The tables whose rows are changed, where they are not those of `table` alone.
    members: tuple[Table, ...] = ()
    # Whether the reference to the table, perhaps in a view, says ONLY.
    is_only: bool = False

    def reference(self, item: TableReference) -> TableReference:
        """The statement's reference with the ONLY of the view that it names."""
        return replace(item, is_only=self.is_only)

    @property
    def named(self) -> Table:
        """The table with the statement's names; columns that it cannot see have none."""
        if not self.is_view:
            return self.table
        names = dict(zip(self.positions, self.names, strict=True))
        columns = tuple(
            replace(column, name=names.get(at, "")) for at, column in enumerate(self.table.columns)
        )
        return replace(self.table, name=self.name, columns=columns)

    def entry(self, alias: str, refs: Sequence[ColumnRef]) -> RangeEntry:
        """The columns in sight, of `refs` for all of the table's columns."""
        return RangeEntry(alias, list(self.names), refs=[refs[at] for at in self.positions])


def find_target(item: TableReference, state: BindState, verb: str) -> ChangeTarget:
    """The target of `verb`: "insert into", "update" or "delete from". Raises as PostgreSQL does for what cannot be changed."""
    relation = state.find_relation(item.name)
    if isinstance(relation, View):
        return _of_view(relation, state, verb)
    return whole_table(find_target_table(item, state, verb), item, state)


def whole_table(table: Table, item: TableReference, state: BindState) -> ChangeTarget:
    """A table under its own names."""
    names = tuple([column.name for column in table.columns])
    positions = tuple(range(len(names)))
    tables = members_of(table, item, state) or ()
    return ChangeTarget(table, table.name, names, positions, members=tables, is_only=item.is_only)


def _of_view(view: View, state: BindState, verb: str) -> ChangeTarget:
    query = parse_stored_query(view.query)
    reason = _reason_against(query)
    if reason is not None:
        raise errors.ObjectNotInPrerequisiteState(
            f'cannot {verb} view "{view.name}"',
            detail=f"{reason} are not automatically updatable.",
            hint=f"To enable {_VERBS[verb]} the view, provide an INSTEAD OF {_EVENTS[verb]} trigger or an "
            f"unconditional ON {_EVENTS[verb]} DO INSTEAD rule.",
        )
    select = query.body
    assert isinstance(select, Select), "looked at above"
    (source,) = select.from_items
    assert isinstance(source, TableReference), "looked at above"
    outer_path, state.search_path = state.search_path, view.search_path
    try:
        below = find_target(source, state, verb)
    finally:
        state.search_path = outer_path
    alias = source.alias or source.name.name
    inner = list(below.names)
    inner[: len(source.column_aliases)] = source.column_aliases
    positions = _columns_of(view, select, inner, alias)
    conditions = below.conditions
    if select.where is not None:
        own = ViewCondition(select.where, alias, tuple(inner), below.positions, view.search_path)
        conditions = (*conditions, own)
    return ChangeTarget(
        below.table,
        view.name,
        tuple([column.name for column in view.columns]),
        tuple([below.positions[at] for at in positions]),
        conditions,
        is_view=True,
        members=below.members,
        is_only=below.is_only,
    )


def _columns_of(view: View, select: Select, inner: list[str], alias: str) -> list[int]:
    """Which column of the relation beneath each column of the view is. Raises FeatureNotSupported for computed ones."""
    positions: list[int] = []
    for item in select.items:
        node = item.expression
        if isinstance(node, Star) and node.qualifier in ((), (alias,)):
            positions += range(len(inner))
            continue
        if (
            not isinstance(node, Name)
            or node.parts[-1] not in inner
            or len(node.parts) > 2
            or node.parts[:-1] not in ((), (alias,))
        ):
            raise errors.FeatureNotSupported(
                f'changing view "{view.name}", which has computed columns, is not supported'
            )
        positions.append(inner.index(node.parts[-1]))
    if len(set(positions)) != len(positions) or len(positions) < len(view.columns):
        raise errors.FeatureNotSupported(
            f'changing view "{view.name}", which shows a column twice, is not supported'
        )
    # A view does not show what was added to its table later.
    return positions[: len(view.columns)]


def _reason_against(query: Query) -> str | None:
    """Why a view of this query cannot be changed, in PostgreSQL's words and order."""
    body = query.body
    if isinstance(body, SetOperation):
        return "Views containing UNION, INTERSECT, or EXCEPT"
    if not isinstance(body, Select):
        return "Views that do not select from a single table or view"
    for is_so, reason in (
        (body.is_distinct or bool(body.distinct_on), "Views containing DISTINCT"),
        (bool(body.group_by), "Views containing GROUP BY"),
        (body.having is not None, "Views containing HAVING"),
        (query.with_clause is not None, "Views containing WITH"),
        (query.limit is not None or query.offset is not None, "Views containing LIMIT or OFFSET"),
        (_has_aggregate(body.items), "Views that return aggregate functions"),
        (_has_window(body.items), "Views that return window functions"),
    ):
        if is_so:
            return reason
    if len(body.from_items) != 1 or not isinstance(body.from_items[0], TableReference):
        return "Views that do not select from a single table or view"
    return "Views containing TABLESAMPLE" if body.from_items[0].sample is not None else None


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
