"""FROM of a stored text: its items as entries of a range table."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from lungfish import errors
from lungfish.catalog.catalog import Catalog
from lungfish.catalog.objects import Sequence as SequenceObject
from lungfish.catalog.objects import SystemView, Table, View
from lungfish.planner.bind_trace import BindTrace
from lungfish.planner.deparse.columns import ColumnPlaces
from lungfish.planner.deparse.nodes import (
    Column,
    Func,
    JoinFacts,
    Node,
    QueryTree,
    RangeItem,
    Sample,
)
from lungfish.planner.deparse.translate_expression import ExpressionTranslator
from lungfish.planner.deparse.translate_json_table import JsonTableTranslator
from lungfish.planner.expression_tree import columns_of
from lungfish.planner.expressions import BoundExpression, ColumnRef
from lungfish.sql.ast import queries as ast
from lungfish.sql.ast.expressions import FunctionCall
from lungfish.sql.ast.json import JsonTable, JsonTableColumn

TranslateQuery = Callable[[ast.Query], QueryTree]


class FromTranslator:
    """Translates the items of FROM, in the order in which PostgreSQL puts them into the range table."""

    def __init__(
        self,
        expressions: ExpressionTranslator,
        places: ColumnPlaces,
        translate_query: TranslateQuery,
        catalogs: tuple[Catalog, Catalog, tuple[str, ...]],
    ) -> None:
        self._expressions = expressions
        self._trace: BindTrace = expressions.trace
        self._places = places
        self._query = translate_query
        self._catalog, self._later, self._search_path = catalogs
        # The names of WITH that are in sight.
        self.cte_names: list[str] = []

    def translate(self, items: Sequence[ast.FromItem], tree: QueryTree) -> None:
        """Fill the tree's range table."""
        tree.from_items = tuple([self._item(item, tree) for item in items])

    def _item(self, item: ast.FromItem, tree: QueryTree) -> RangeItem:
        match item:
            case ast.TableReference():
                made = self._table(item)
            case ast.SubqueryReference():
                made = self._subquery(item)
            case ast.FunctionReference():
                made = self._function(item, tree)
            case ast.Join():
                return self._join(item, tree)
            case JsonTable():
                made = self._json_table(item, tree)
        tree.items.append(made)
        entry = self._trace.entries(item)[0]
        self._places.add(entry, made)
        return made

    def _table(self, item: ast.TableReference) -> RangeItem:
        entry = self._trace.entries(item)[0]
        made = RangeItem("relation", item.alias, item.column_aliases, item.name.name)
        made.is_only = item.is_only
        if item.name.schema is None and item.name.name in self.cte_names:
            made.kind = "cte"
            made.old_names = list(entry.names)
            made.real_names = list(entry.names)
            return made
        found = self._catalog.find_relation(item.name.name, item.name.schema, self._search_path)
        assert found is not None, "the relation was found when it was bound"
        made.relation_oid = int(found.oid)
        made.old_names = list(entry.names)
        later = self._later.object(found.oid)
        if isinstance(found, (Table, View, SystemView)) and isinstance(
            later, (Table, View, SystemView)
        ):
            made.name = later.name
            made.real_names = _names_now(found, later)
            if item.alias == found.name and len(item.column_aliases) == len(found.columns):
                # Such a list was made when the text was last written back, to keep names apart.
                made.alias, made.column_aliases = None, ()
        else:
            made.name = later.name if isinstance(later, SequenceObject) else found.name
            made.real_names = list(entry.names)
        if item.sample is not None:
            seed = item.sample.seed
            made.sample = Sample(
                item.sample.method,
                self._expressions.nodes(item.sample.arguments),
                None if seed is None else self._expressions.node(seed),
            )
        return made

    def _subquery(self, item: ast.SubqueryReference) -> RangeItem:
        names = list(self._trace.entries(item)[0].names)
        tree = self._query(item.query)
        made = RangeItem(
            "subquery", item.alias, item.column_aliases, item.alias or "unnamed_subquery"
        )
        made.query = tree
        made.is_lateral = item.is_lateral
        made.old_names = names
        made.real_names = list(names)
        return made

    def _function(self, item: ast.FunctionReference, tree: QueryTree) -> RangeItem:
        if item.call_definitions:
            raise errors.FeatureNotSupported(
                "a column definition list inside ROWS FROM cannot be written back"
            )
        calls = [call for call in item.calls if isinstance(call, FunctionCall)]
        if len(calls) < len(item.calls):
            raise errors.FeatureNotSupported(
                "an expression that is no function call in FROM cannot be written back"
            )
        entry = self._trace.entries(item)[0]
        made = RangeItem("function", item.alias, item.column_aliases, calls[0].name[-1])
        made.calls = tuple([self._call(call) for call in calls])
        made.with_ordinality = item.with_ordinality
        made.old_names = list(entry.names)
        made.real_names = list(entry.names)
        made.is_lateral = item.is_lateral or self._reads(calls, tree)
        if item.column_definitions:
            count = len(item.column_definitions)
            made.definitions = tuple(entry.column(position).type for position in range(count))
        return made

    def _json_table(self, item: JsonTable, tree: QueryTree) -> RangeItem:
        entry = self._trace.entries(item)[0]
        made = RangeItem("json_table", item.alias, item.column_aliases, "json_table")
        types = {
            name: entry.column(place).type for place, name in enumerate(_column_names(item.columns))
        }
        made.json_table = JsonTableTranslator(self._expressions, types).translate(item)
        made.old_names = list(entry.names)
        made.real_names = list(entry.names)
        values = (item.context, *(value for _, value in item.passing))
        parts = [self._trace.bound[id(value.expression)] for value in values]
        used = {number for part in parts for number in columns_of(part)}
        made.is_lateral = any(self._places.is_of(number, tree.items) for number in used)
        return made

    def _call(self, call: FunctionCall) -> Node:
        bound = self._trace.bound.get(id(call))
        if bound is not None:
            return self._expressions.translate(bound)
        # unnest(a, b), which was bound as several calls.
        return Func("unnest", self._expressions.nodes(call.arguments))

    def _reads(self, calls: Sequence[FunctionCall], tree: QueryTree) -> bool:
        """Whether a call uses columns of other items of this FROM."""
        parts: list[BoundExpression] = []
        for call in calls:
            bound = self._trace.bound.get(id(call))
            if bound is None:
                parts += [self._trace.bound[id(each)] for each in call.arguments]
            else:
                parts.append(bound)
        used = {number for part in parts for number in columns_of(part)}
        return any(self._places.is_of(number, tree.items) for number in used)

    # Joins.

    def _join(self, item: ast.Join, tree: QueryTree) -> RangeItem:
        left, right = self._item(item.left, tree), self._item(item.right, tree)
        using = item.using
        if item.is_natural:
            on_right = {name for name, _ in self._places.columns_of(right)}
            using = tuple(name for name, _ in self._places.columns_of(left) if name in on_right)
        facts = JoinFacts(item.kind.value, left, right, using, using_alias=item.using_alias)
        if item.condition is not None:
            facts.condition = self._expressions.node(item.condition)
        made = RangeItem("join", item.alias, item.column_aliases, join=facts)
        columns = self._join_columns(facts, self._merged(item, len(using)))
        given = item.column_aliases
        names = [*given, *(name for name, _ in columns[len(given) :])]
        if _is_generated(given, [name for name, _ in columns]):
            made.column_aliases = ()
        made.old_names = names
        self._places.add_join(list(zip(names, (ref for _, ref in columns), strict=True)), made)
        for entry in self._trace.entries(item):
            if entry.is_join and entry.alias == item.alias:
                self._places.name(entry, made)
        left.parent = right.parent = made
        tree.items.append(made)
        return made

    def _merged(self, item: ast.Join, count: int) -> list[ColumnRef]:
        """The columns that USING merges, as the binder made them."""
        if not count:
            return []
        shown = [entry for entry in self._trace.entries(item) if entry.alias in ("", item.alias)]
        return shown[-1].columns()[:count]

    def _join_columns(
        self, facts: JoinFacts, merged: Sequence[ColumnRef]
    ) -> list[tuple[str, ColumnRef]]:
        """The join's columns: the merged ones, then the others of the left, then those of the right side."""
        left, right = self._places.columns_of(facts.left), self._places.columns_of(facts.right)
        columns: list[tuple[str, ColumnRef]] = []
        for name, ref in zip(facts.using, merged, strict=True):
            left_at = next(at for at, (each, _) in enumerate(left) if each == name)
            right_at = next(at for at, (each, _) in enumerate(right) if each == name)
            is_plain = ref.index in (left[left_at][1].index, right[right_at][1].index)
            columns.append((name, ref))
            self._expressions.note_used(left[left_at][1], right[right_at][1])
            _append(facts, left_at, right_at, self._places.column(ref) if is_plain else None)
        for is_left, side in ((True, left), (False, right)):
            for position, (name, ref) in enumerate(side):
                if name in facts.using:
                    continue
                columns.append((name, ref))
                left_place = position if is_left else None
                right_place = None if is_left else position
                _append(facts, left_place, right_place, self._places.column(ref))
        return columns


def _is_generated(given: Sequence[str], names: Sequence[str]) -> bool:
    """Whether a join's list of names was made when the text was last written back: the columns' own, some with a number behind."""
    return len(given) == len(names) and all(
        shown == name or re.fullmatch(rf"{re.escape(name)}_\d+", shown) is not None
        for shown, name in zip(given, names, strict=True)
    )


def _append(facts: JoinFacts, left: int | None, right: int | None, source: Column | None) -> None:
    facts.left_columns.append(left)
    facts.right_columns.append(right)
    facts.sources.append(source)


def _names_now(
    found: Table | View | SystemView, later: Table | View | SystemView
) -> list[str | None]:
    """What the columns are called now, by their old places; None for those that are gone, and new ones behind."""
    names = {column.number: column.name for column in later.columns}
    known = {column.number for column in found.columns}
    old: list[str | None] = [names.get(column.number) for column in found.columns]
    return old + [column.name for column in later.columns if column.number not in known]


def _column_names(columns: tuple[JsonTableColumn, ...]) -> Iterator[str]:
    """The columns of JSON_TABLE in the order of its rows: a plan's own before those of the plans below it."""
    yield from (column.name for column in columns if column.kind != "nested")
    for column in columns:
        if column.kind == "nested":
            yield from _column_names(column.columns)
