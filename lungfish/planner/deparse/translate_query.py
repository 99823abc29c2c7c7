"""Queries of a stored text as PostgreSQL's analysis would have left them: range tables, targets, clauses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lungfish.catalog.catalog import Catalog
from lungfish.planner.bind_order_by import target_by_name
from lungfish.planner.bind_targets import Target
from lungfish.planner.bind_trace import BindTrace, TracedSelect
from lungfish.planner.deparse.columns import ColumnPlaces
from lungfish.planner.deparse.nodes import (
    Cast,
    Column,
    CteNode,
    GroupingSetNode,
    Lock,
    Node,
    QueryTree,
    RangeItem,
    SetTree,
    SortItem,
    TargetNode,
)
from lungfish.planner.deparse.translate_call import CallTranslator, typed_literal
from lungfish.planner.deparse.translate_expression import ExpressionTranslator, refuse
from lungfish.planner.deparse.translate_from import FromTranslator
from lungfish.planner.expressions import BoundExpression, Constant
from lungfish.planner.logical import (
    LogicalLimit,
    LogicalOutput,
    LogicalPlan,
    LogicalProject,
    LogicalSort,
    LogicalValues,
)
from lungfish.sql.ast import expressions as expression_ast
from lungfish.sql.ast import queries as ast
from lungfish.sql.quoting import quote_identifier, quote_literal
from lungfish.types.sql_type import BIGINT, TEXT, SqlType, TypeKind


class QueryTranslator:
    """Translates one statement that was bound under `trace`.

    `catalog` is the one that it was bound with; `later` the one whose names are to be shown.
    """

    def __init__(
        self, trace: BindTrace, catalog: Catalog, later: Catalog, search_path: tuple[str, ...]
    ) -> None:
        self.trace = trace
        self.places = ColumnPlaces()
        self._calls = CallTranslator(catalog, search_path)
        self.expressions = ExpressionTranslator(
            trace,
            self.places,
            self.query,
            self._calls.translate,
            self._calls.find_relation,
        )
        self._calls.expressions = self.expressions
        self._from = FromTranslator(
            self.expressions, self.places, self.query, (catalog, later, search_path)
        )
        # The names of WITH in sight.
        self._ctes: list[str] = []

    def query(
        self, query: ast.Query, types: Sequence[SqlType] | None = None, hidden: int = 0
    ) -> QueryTree:
        """A query. `types` are those of its columns where the context gave them; the last `hidden` targets are not of the text."""
        known = len(self._ctes)
        tree = QueryTree()
        if query.with_clause is not None:
            self._with(query.with_clause, tree)
        body = query.body
        if isinstance(body, ast.Query):
            raise refuse("this query")
        if isinstance(body, ast.Select):
            self._select(body, query, tree, types, hidden)
        elif isinstance(body, ast.Values):
            self._values(body, query, tree, types)
        else:
            self._set_operation(body, query, tree)
        self._limit(query, tree)
        del self._ctes[known:]
        return tree

    def _limit(self, query: ast.Query, tree: QueryTree) -> None:
        if query.limit is not None:
            tree.limit = self._count(query.limit)
        if query.offset is not None:
            tree.offset = self._count(query.offset)
        tree.has_ties = query.has_ties

    def _count(self, part: expression_ast.Expression) -> Node:
        """What LIMIT and OFFSET take is a bigint."""
        bound = self.trace.bound[id(part)]
        if isinstance(bound, Constant) and bound.type.kind is TypeKind.UNKNOWN:
            return typed_literal(bound, BIGINT)
        node = self.expressions.translate(bound)
        if bound.type.kind is TypeKind.BIGINT:
            return node
        return Cast(node, BIGINT, bound.type, is_implicit=True)

    # WITH.

    def _with(self, clause: ast.With, tree: QueryTree) -> None:
        tree.is_recursive = clause.is_recursive
        if clause.is_recursive:
            self._ctes += [each.name for each in clause.expressions]
        nodes = []
        for each in clause.expressions:
            if not isinstance(each.query, ast.Query):
                raise refuse("a statement that changes rows")
            hidden = (1 if each.search is not None else 0) + (2 if each.cycle is not None else 0)
            self._from.cte_names = self._ctes
            query = self._cte_query(each.query, hidden)
            nodes.append(
                CteNode(
                    each.name,
                    each.column_aliases,
                    each.is_materialized,
                    query,
                    self._clauses(each),
                )
            )
            if not clause.is_recursive:
                self._ctes.append(each.name)
        tree.ctes = tuple(nodes)
        self._from.cte_names = self._ctes

    def _cte_query(self, query: ast.Query, hidden: int) -> QueryTree:
        if not hidden or not isinstance(query.body, ast.SetOperation):
            return self.query(query)
        tree = QueryTree()
        body = query.body
        left = self.query(body.left)
        right = self.query(body.right, hidden=hidden)
        tree.set_operation = SetTree(body.kind, body.is_all, left, right)
        tree.targets = left.targets
        return tree

    def _clauses(self, node: ast.CommonTableExpression) -> str:
        """SEARCH and CYCLE."""
        text = ""
        search, cycle = node.search, node.cycle
        if search is not None:
            order = "BREADTH" if search.is_breadth_first else "DEPTH"
            columns = ", ".join(map(quote_identifier, search.columns))
            text += (
                f" SEARCH {order} FIRST BY {columns} SET {quote_identifier(search.sequence_column)}"
            )
        if cycle is not None:
            columns = ", ".join(map(quote_identifier, cycle.columns))
            text += f" CYCLE {columns} SET {quote_identifier(cycle.mark_column)}"
            marks = [_mark(each) for each in (cycle.mark_value, cycle.mark_default)]
            if marks != ["true", "false"]:
                text += f" TO {marks[0]} DEFAULT {marks[1]}"
            text += f" USING {quote_identifier(cycle.path_column)}"
        return text

    # SELECT.

    def _select(
        self,
        select: ast.Select,
        query: ast.Query,
        tree: QueryTree,
        types: Sequence[SqlType] | None,
        hidden: int,
    ) -> None:
        traced = self.trace.select(select)
        self._from.translate(select.from_items, tree)
        node = self.expressions.node
        shown = [each for each in traced.targets if not each.is_junk]
        shown = shown[: len(shown) - hidden]
        tree.targets = tuple(
            TargetNode(each.name, self._typed(each.expression, types, position))
            for position, each in enumerate(shown)
        )
        tree.is_distinct = select.is_distinct
        tree.where = None if select.where is None else node(select.where)
        tree.having = None if select.having is None else node(select.having)
        tree.is_group_distinct = select.is_group_distinct
        chooser = _Targets(traced, tree.targets, self.expressions)
        tree.group_by = _distinct([self._group_item(each, chooser) for each in select.group_by])
        tree.distinct_on = tuple(
            [chooser.choose(each, "DISTINCT ON") for each in select.distinct_on]
        )
        tree.windows = tuple([self._calls.window(each, traced.scope) for each in select.windows])
        tree.order_by = self._order(query.order_by, chooser)
        tree.locks = self._locks(query.locking, tree)

    def _typed(
        self, bound: BoundExpression, types: Sequence[SqlType] | None, position: int
    ) -> Node:
        """A target; a literal that nothing gave a type is text, or what the set operation around asks for."""
        if isinstance(bound, Constant) and bound.type.kind is TypeKind.UNKNOWN:
            return typed_literal(bound, TEXT if types is None else types[position].unmodified)
        return self.expressions.translate(bound)

    def _group_item(
        self, item: expression_ast.Expression | ast.GroupingSet, chooser: _Targets
    ) -> Node | GroupingSetNode:
        if not isinstance(item, ast.GroupingSet):
            return chooser.choose(item, "GROUP BY")
        items: list[Node | GroupingSetNode] = []
        for each in item.items:
            found = self._group_item(each, chooser)
            is_plain = not isinstance(found, GroupingSetNode) and item.kind != "simple"
            items.append(GroupingSetNode("simple", (found,)) if is_plain else found)
        return GroupingSetNode(
            item.kind, _distinct(items) if item.kind == "simple" else tuple(items)
        )

    def _order(self, items: Sequence[ast.OrderItem], chooser: _Targets) -> tuple[SortItem, ...]:
        found: list[SortItem] = []
        for item in items:
            key = self._calls.sort_item(item, chooser.choose(item.expression, "ORDER BY"))
            if all(known.expression != key.expression for known in found):
                found.append(key)
        return tuple(found)

    def _locks(self, locking: Sequence[ast.LockingClause], tree: QueryTree) -> tuple[Lock, ...]:
        found: list[Lock] = []
        for lock in locking:
            for item in tree.items:
                name = item.alias or item.name
                if item.kind not in ("relation", "subquery"):
                    continue
                if not lock.tables or name in lock.tables:
                    found.append(Lock(lock.strength, item, lock.wait))
        return tuple(found)

    # VALUES.

    def _values(
        self,
        values: ast.Values,
        query: ast.Query,
        tree: QueryTree,
        types: Sequence[SqlType] | None,
    ) -> None:
        output = self.trace.outputs[id(query)]
        columns = [column.name for column in output.columns]
        rows = _value_rows(output.input)
        item = RangeItem("values", name="*VALUES*")
        item.old_names = [f"column{number}" for number in range(1, len(columns) + 1)]
        item.real_names = list(item.old_names)
        kinds = [column.type for column in output.columns] if types is None else types
        item.rows = tuple(
            tuple(self._typed(cell, kinds, position) for position, cell in enumerate(row))
            for row in rows
        )
        tree.items = [item]
        tree.from_items = (item,)
        tree.targets = tuple(
            TargetNode(name, Column(item, position, column.type))
            for position, (name, column) in enumerate(
                zip(item.old_names, output.columns, strict=True)
            )
        )
        tree.order_by = tuple(
            replace(key, number=None) for key in self._numbered(query.order_by, tree)
        )

    # Set operations.

    def _set_operation(self, body: ast.SetOperation, query: ast.Query, tree: QueryTree) -> None:
        output = self.trace.outputs.get(id(query))
        types = None if output is None else [column.type for column in output.columns]
        tree.set_operation = self._branch(body, types)
        first: SetTree | QueryTree = tree.set_operation
        while isinstance(first, SetTree):
            first = first.left
        tree.targets = first.targets
        tree.order_by = self._numbered(query.order_by, tree)

    def _branch(self, node: ast.SetOperation, types: Sequence[SqlType] | None) -> SetTree:
        return SetTree(
            node.kind, node.is_all, self._arm(node.left, types), self._arm(node.right, types)
        )

    def _arm(self, arm: ast.Query, types: Sequence[SqlType] | None) -> SetTree | QueryTree:
        is_bare = not (arm.order_by or arm.limit or arm.offset or arm.locking or arm.with_clause)
        if is_bare and isinstance(arm.body, ast.SetOperation):
            output = self.trace.outputs.get(id(arm))
            inner = types if output is None else [column.type for column in output.columns]
            return self._branch(arm.body, inner)
        return self.query(arm, types)

    def _numbered(self, items: Sequence[ast.OrderItem], tree: QueryTree) -> tuple[SortItem, ...]:
        """ORDER BY of what has names and numbers only."""
        found: dict[int, SortItem] = {}
        names = [target.name for target in tree.targets]
        for item in items:
            node = item.expression
            if isinstance(node, expression_ast.Literal):
                number = int(node.text)
            elif isinstance(node, expression_ast.Name):
                number = names.index(node.parts[-1]) + 1
            else:
                raise refuse("this ORDER BY")
            key = self._calls.sort_item(item, tree.targets[number - 1].expression)
            found.setdefault(
                number, SortItem(key.expression, key.is_descending, key.nulls_first, number)
            )
        return tuple(found.values())


class _Targets:
    """What GROUP BY, ORDER BY and DISTINCT ON may name."""

    def __init__(
        self,
        traced: TracedSelect,
        targets: Sequence[TargetNode],
        expressions: ExpressionTranslator,
    ) -> None:
        self._scope = traced.scope
        self._targets = [
            Target(each.name, each.expression, -1, is_junk=each.is_junk) for each in traced.targets
        ]
        self._nodes = targets
        self._expressions = expressions

    def choose(self, part: expression_ast.Expression, clause: str) -> Node:
        """The expression that an item of the clause stands for."""
        target = target_by_name(part, self._targets, self._scope, clause)
        if target is not None:
            return self._nodes[self._targets.index(target)].expression
        return self._expressions.node(part)


def _distinct(items: list[Node | GroupingSetNode]) -> tuple[Node | GroupingSetNode, ...]:
    """The items without those that are there already; grouping sets may stand twice."""
    found: list[Node | GroupingSetNode] = []
    for item in items:
        if isinstance(item, GroupingSetNode) or item not in found:
            found.append(item)
    return tuple(found)


def _value_rows(plan: LogicalPlan) -> Sequence[Sequence[BoundExpression]]:
    """The rows of VALUES, whose literals have their types."""
    while True:
        if isinstance(plan, LogicalValues):
            return plan.rows
        if isinstance(plan, LogicalProject) and plan.input == LogicalValues(((),), ()):
            # A single row with literals that nothing gave a type.
            return [[expression for _, expression in plan.items]]
        assert isinstance(plan, LogicalProject | LogicalSort | LogicalLimit | LogicalOutput)
        plan = plan.input


def _mark(node: expression_ast.Expression | None) -> str:
    """A value of CYCLE's mark as SQL."""
    if not isinstance(node, expression_ast.Literal):
        raise refuse("this value of CYCLE's mark")
    kinds = expression_ast.Literal.Kind
    if node.kind is kinds.STRING:
        return f"{quote_literal(node.text)}::text"
    if node.kind in (kinds.BOOLEAN, kinds.INTEGER):
        return node.text
    raise refuse("this value of CYCLE's mark")
