"""Queries written as ruleutils.c writes them, clause by clause."""

from __future__ import annotations

from collections.abc import Sequence

from lungfish.catalog.catalog import Catalog
from lungfish.catalog.objects import Oid, SystemView, Table, View
from lungfish.catalog.objects import Sequence as SequenceObject
from lungfish.planner.deparse.layout import JOIN, STANDARD, Layout
from lungfish.planner.deparse.nodes import (
    Column,
    Const,
    CteNode,
    Func,
    GroupingSetNode,
    JoinFacts,
    Listed,
    Node,
    NullIf,
    QueryTree,
    RangeItem,
    SetTree,
    TargetNode,
    Word,
)
from lungfish.planner.deparse.range_names import Namespace
from lungfish.planner.deparse.write_calls import write_window
from lungfish.planner.deparse.write_expression import ExpressionWriter, Surroundings
from lungfish.planner.deparse.write_json_table import write_json_table
from lungfish.sql.quoting import quote_identifier, quote_qualified
from lungfish.types.sql_type import INTEGER

_UNNAMED = "?column?"
_JOIN_WORDS = {
    "left": " LEFT JOIN ",
    "right": " RIGHT JOIN ",
    "full": " FULL JOIN ",
}


class QueryWriter:
    """Writes one statement. `is_stored`: every relation is named with its schema, and the text says exactly what was analysed."""

    def __init__(
        self,
        layout: Layout,
        catalog: Catalog,
        search_path: tuple[str, ...],
        *,
        is_stored: bool = False,
    ) -> None:
        self.layout = layout
        self.expressions = ExpressionWriter(
            layout, catalog, search_path, self._write_inner, is_stored=is_stored
        )
        self._catalog = catalog
        self._search_path = search_path
        self._is_stored = is_stored
        self._namespaces: tuple[Namespace, ...] = ()
        # The names that the query's columns get, where the view gives them; whether they matter to anybody.
        self._result_names: Sequence[str] | None = None
        self._shows_names = True

    def write(
        self,
        tree: QueryTree,
        result_names: Sequence[str] | None = None,
        *,
        shows_names: bool = True,
    ) -> None:
        """A query, from where the layout stands."""
        saved = (
            self._namespaces,
            self.expressions.around,
            self._result_names,
            self._shows_names,
            self.layout.indent,
        )
        has_prefix = (
            bool(self._namespaces) or len(tree.items) != 1 or tree.set_operation is not None
        )
        self._namespaces = (Namespace(tree, self._namespaces), *self._namespaces)
        self._result_names, self._shows_names = result_names, shows_names
        self.expressions.around = Surroundings(has_prefix, self._named_targets(tree))
        self._select(tree)
        (
            self._namespaces,
            self.expressions.around,
            self._result_names,
            self._shows_names,
            self.layout.indent,
        ) = saved

    def _write_inner(self, tree: QueryTree) -> None:
        self.write(tree, shows_names=False)

    def _named_targets(self, tree: QueryTree) -> tuple[TargetNode, ...]:
        return tuple(
            TargetNode(self._target_name(target, position), target.expression)
            for position, target in enumerate(tree.targets)
        )

    def _target_name(self, target: TargetNode, position: int) -> str:
        names = self._result_names
        return names[position] if names is not None and position < len(names) else target.name

    # Clauses.

    def _select(self, tree: QueryTree) -> None:
        if tree.ctes:
            self._with(tree)
        if tree.set_operation is not None:
            self._set_operation(tree.set_operation)
        else:
            self._basic(tree)
        if tree.order_by:
            self.layout.keyword(" ORDER BY ", -STANDARD, STANDARD, 1)
            self.expressions.order(tree.order_by)
        if tree.offset is not None:
            self.layout.keyword(" OFFSET ", -STANDARD, STANDARD, 0)
            self.expressions.write(tree.offset)
        if tree.limit is not None and tree.has_ties:
            self.layout.keyword(" FETCH FIRST ", -STANDARD, STANDARD, 0)
            self.layout.add("(")
            self.expressions.write(tree.limit)
            self.layout.add(") ROWS WITH TIES")
        elif tree.limit is not None:
            self.layout.keyword(" LIMIT ", -STANDARD, STANDARD, 0)
            if isinstance(tree.limit, Const) and tree.limit.value is None:
                self.layout.add("ALL")
            else:
                self.expressions.write(tree.limit)
        for lock in tree.locks:
            self.layout.keyword(f" FOR {lock.strength.upper()}", -STANDARD, STANDARD, 0)
            self.layout.add(f" OF {quote_identifier(lock.item.reference or '')}")
            if lock.wait != "block":
                self.layout.add(f" {lock.wait.upper()}")

    def _with(self, tree: QueryTree) -> None:
        layout = self.layout
        layout.indent += STANDARD
        layout.add(" ")
        word = "WITH RECURSIVE " if tree.is_recursive else "WITH "
        for cte in tree.ctes:
            layout.add(word)
            self._table_expression(cte)
            word = ", "
        layout.indent -= STANDARD
        layout.keyword("")

    def _table_expression(self, cte: CteNode) -> None:
        layout = self.layout
        layout.add(quote_identifier(cte.name) + _columns(cte.column_aliases) + " AS ")
        if cte.is_materialized is not None:
            layout.add("MATERIALIZED " if cte.is_materialized else "NOT MATERIALIZED ")
        layout.add("(")
        layout.keyword("")
        self.write(cte.query)
        layout.keyword("")
        layout.add(f"){cte.clauses}")

    def _set_operation(self, node: SetTree | QueryTree) -> None:
        layout = self.layout
        if isinstance(node, QueryTree):
            needs_parentheses = bool(
                node.ctes or node.order_by or node.locks or node.limit or node.offset
                or node.set_operation
            )  # fmt: skip
            layout.add("(" if needs_parentheses else "")
            self.write(node, self._result_names, shows_names=self._shows_names)
            layout.add(")" if needs_parentheses else "")
            return
        left = node.left
        is_other = isinstance(left, SetTree) and (left.kind, left.is_all) != (
            node.kind,
            node.is_all,
        )
        if is_other:
            layout.add("(")
            layout.keyword("", STANDARD)
        self._set_operation(left)
        if is_other:
            layout.keyword(") ", -STANDARD)
        else:
            layout.keyword("")
        layout.add(f"{node.kind.upper()} {'ALL ' if node.is_all else ''}")
        is_nested = isinstance(node.right, SetTree)
        if is_nested:
            layout.add("(")
        layout.keyword("", STANDARD if is_nested else 0)
        saved, self._shows_names = self._shows_names, False
        self._set_operation(node.right)
        self._shows_names = saved
        if is_nested:
            layout.indent -= STANDARD
            layout.keyword(")")

    def _basic(self, tree: QueryTree) -> None:
        layout = self.layout
        layout.indent += STANDARD
        layout.add(" ")
        values = self._simple_values(tree)
        if values is not None:
            self._values(values)
            return
        layout.add("SELECT")
        if tree.distinct_on:
            layout.add(" DISTINCT ON (")
            for index, node in enumerate(tree.distinct_on):
                layout.add(", " if index else "")
                self.expressions.sort_expression(node)
            layout.add(")")
        elif tree.is_distinct:
            layout.add(" DISTINCT")
        self._targets(tree)
        self._from(tree)
        if tree.where is not None:
            layout.keyword(" WHERE ", -STANDARD, STANDARD, 1)
            self.expressions.write(tree.where)
        if tree.group_by:
            layout.keyword(" GROUP BY ", -STANDARD, STANDARD, 1)
            layout.add("DISTINCT " if tree.is_group_distinct else "")
            self._group_by(tree)
        if tree.having is not None:
            layout.keyword(" HAVING ", -STANDARD, STANDARD, 0)
            self.expressions.write(tree.having)
        for index, window in enumerate(tree.windows):
            if index:
                layout.add(", ")
            else:
                layout.keyword(" WINDOW ", -STANDARD, STANDARD, 1)
            layout.add(f"{quote_identifier(window.name or '')} AS ")
            write_window(self.expressions, window)

    def _simple_values(self, tree: QueryTree) -> RangeItem | None:
        """The rows, where the query is nothing but VALUES under the names that these give."""
        if len(tree.items) != 1 or tree.items[0].kind != "values":
            return None
        item = tree.items[0]
        names = [self._target_name(each, at) for at, each in enumerate(tree.targets)]
        return item if names == item.old_names else None

    def _values(self, item: RangeItem) -> None:
        self.layout.add("VALUES ")
        for index, row in enumerate(item.rows):
            self.layout.add(", (" if index else "(")
            for position, cell in enumerate(row):
                self.layout.add("," if position else "")
                self.expressions.top_level(cell, show_implicit=False)
            self.layout.add(")")

    def _targets(self, tree: QueryTree) -> None:
        layout = self.layout
        was_multiline = False
        for position, target in enumerate(tree.targets):
            layout.add(", " if position else " ")
            whole, layout.text = layout.text, ""
            shown: str | None = None if self._shows_names else _UNNAMED
            if isinstance(target.expression, Column):
                shown = self.expressions.column(target.expression, is_top_level=True)
            else:
                self.expressions.write(target.expression, show_implicit=True)
            name = self._target_name(target, position)
            if shown != name:
                layout.add(f" AS {quote_identifier(name)}")
            item, layout.text = layout.text, whole
            layout.start_item(item, is_first=position == 0, was_multiline=was_multiline)
            was_multiline = "\n" in item.removeprefix("\n")
            layout.add(item)

    def _group_by(self, tree: QueryTree) -> None:
        around = self.expressions.around
        around.is_in_group_by = True
        for index, item in enumerate(tree.group_by):
            self.layout.add(", " if index else "")
            if isinstance(item, GroupingSetNode):
                self._grouping_set(item, omits_parentheses=True)
            elif any(isinstance(each, GroupingSetNode) for each in tree.group_by):
                self._grouping_set(GroupingSetNode("simple", (item,)), omits_parentheses=True)
            else:
                self.expressions.sort_expression(item)
        around.is_in_group_by = False

    def _grouping_set(self, node: GroupingSetNode, *, omits_parentheses: bool) -> None:
        add = self.layout.add
        if node.kind == "empty":
            add("()")
            return
        if node.kind == "simple":
            is_enclosed = not omits_parentheses or len(node.items) != 1
            add("(" if is_enclosed else "")
            for index, item in enumerate(node.items):
                add(", " if index else "")
                assert not isinstance(item, GroupingSetNode)
                self.expressions.sort_expression(item)
            add(")" if is_enclosed else "")
            return
        add({"rollup": "ROLLUP(", "cube": "CUBE(", "sets": "GROUPING SETS ("}[node.kind])
        for index, item in enumerate(node.items):
            add(", " if index else "")
            assert isinstance(item, GroupingSetNode)
            self._grouping_set(item, omits_parentheses=node.kind != "sets")
        add(")")

    # FROM.

    def _from(self, tree: QueryTree) -> None:
        layout = self.layout
        for index, item in enumerate(tree.from_items):
            if not index:
                layout.keyword(" FROM ", -STANDARD, STANDARD, 2)
                self._from_item(item)
                continue
            layout.add(", ")
            whole, layout.text = layout.text, ""
            self._from_item(item)
            text, layout.text = layout.text, whole
            layout.start_item(text, is_first=False)
            layout.add(text)

    def _from_item(self, item: RangeItem) -> None:
        if item.join is not None:
            self._join(item, item.join)
            return
        add = self.layout.add
        add("LATERAL " if item.is_lateral else "")
        match item.kind:
            case "relation":
                add(("ONLY " if item.is_only else "") + self._relation_name(item))
            case "cte":
                add(quote_identifier(item.name))
            case "values":
                add("(")
                self._values(item)
                add(")")
            case "json_table":
                assert item.json_table is not None
                write_json_table(self.expressions, item.json_table)
            case "subquery":
                assert item.query is not None
                add("(")
                self.write(item.query)
                add(")")
            case _:
                self._functions(item)
        self._alias(item)
        if item.definitions and not (item.with_ordinality or len(item.calls) > 1):
            self._definitions(item)
        elif item.prints_columns:
            add(_columns(item.new_names))
        if item.sample is not None:
            self._sample(item)

    def _relation_name(self, item: RangeItem) -> str:
        found = self._catalog.object(Oid(item.relation_oid))
        assert isinstance(found, (Table, View, SystemView, SequenceObject))
        visible = self._catalog.find_relation(found.name, None, self._search_path)
        is_hidden = any(
            cte.name == found.name for each in self._namespaces for cte in each.tree.ctes
        )
        if not is_hidden and not self._is_stored and visible is not None:
            if visible.oid == found.oid:
                return quote_identifier(found.name)
        schema = self._catalog.namespace_name(found.namespace_oid)
        return quote_qualified(schema, found.name)

    def _alias(self, item: RangeItem) -> None:
        is_shown = (
            item.alias is not None
            or item.prints_columns
            or item.kind in ("function", "subquery", "values")
            or item.reference != item.name
        )
        if is_shown:
            self.layout.add(f" {quote_identifier(item.reference or '')}")

    def _functions(self, item: RangeItem) -> None:
        add = self.layout.add
        if len(item.calls) == 1 and not (item.definitions and item.with_ordinality):
            self._function(item.calls[0])
        else:
            add("ROWS FROM(")
            for index, call in enumerate(item.calls):
                add(", " if index else "")
                self._function(call)
            if item.definitions:
                add(" AS ")
                self._definitions(item)
            add(")")
        add(" WITH ORDINALITY" if item.with_ordinality else "")

    def _function(self, call: Node) -> None:
        if isinstance(call, Func) and call.name == "unnest" and len(call.arguments) > 1:
            self.layout.add("UNNEST(")
            self.expressions.list(call.arguments)
            self.layout.add(")")
        elif isinstance(call, Func | Listed | NullIf | Word):
            self.expressions.write(call, show_implicit=True)
        else:
            self.layout.add("CAST(")
            self.expressions.write(call)
            type_ = getattr(call, "type", INTEGER)
            self.layout.add(f" AS {self.expressions.type(type_)})")

    def _definitions(self, item: RangeItem) -> None:
        columns = [
            f"{quote_identifier(name or '')} {self.expressions.type(type_)}"
            for name, type_ in zip(item.names, item.definitions, strict=False)
        ]
        self.layout.add(f"({', '.join(columns)})")

    def _sample(self, item: RangeItem) -> None:
        sample = item.sample
        assert sample is not None
        self.layout.add(f" TABLESAMPLE {quote_identifier(sample.method)} (")
        self.expressions.list(sample.arguments, show_implicit=False)
        self.layout.add(")")
        if sample.seed is not None:
            self.layout.add(" REPEATABLE (")
            self.expressions.write(sample.seed)
            self.layout.add(")")

    def _join(self, item: RangeItem, join: JoinFacts) -> None:
        layout = self.layout
        is_pretty = layout.is_pretty
        is_enclosed = not is_pretty or item.alias is not None
        layout.add("(" if is_enclosed else "")
        self._from_item(join.left)
        has_condition = join.condition is not None or bool(join.using)
        word = _JOIN_WORDS.get(join.kind) or (" JOIN " if has_condition else " CROSS JOIN ")
        layout.keyword(word, -STANDARD, STANDARD, JOIN)
        right = join.right
        needs_parentheses = is_pretty and right.join is not None and right.alias is None
        layout.add("(" if needs_parentheses else "")
        self._from_item(right)
        layout.add(")" if needs_parentheses else "")
        if join.using:
            layout.add(f" USING {_columns(join.using_names)}")
            if join.using_alias is not None:
                layout.add(f" AS {quote_identifier(join.using_alias)}")
        elif join.condition is not None:
            layout.add(" ON " if is_pretty else " ON (")
            self.expressions.write(join.condition)
            layout.add("" if is_pretty else ")")
        elif join.kind in _JOIN_WORDS:
            layout.add(" ON TRUE")
        layout.add(")" if is_enclosed else "")
        if item.alias is not None:
            layout.add(f" {quote_identifier(item.reference or '')}")
            layout.add(_columns(item.new_names) if item.prints_columns else "")


def _columns(names: Sequence[str]) -> str:
    return f"({', '.join(map(quote_identifier, names))})" if names else ""
