"""A physical plan as what EXPLAIN shows: nodes under PostgreSQL's names, with their properties.

Some of our nodes are none of PostgreSQL's: a Project shows nothing, a Filter is a property of the node below it, a hash join's right
side stands under a Hash, TopN is a Limit over a Sort. Names are followed from the scans upwards, so that a sort key or
a condition is written with the columns of the tables.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lungfish.planner.explain_expression import Names, Writer, qualified
from lungfish.planner.explain_node import ExplainNode, Shown
from lungfish.planner.explain_parts import plans_in, width_of
from lungfish.planner.expressions import BoundExpression, Call, SubqueryExpr
from lungfish.planner.physical import (
    Append,
    CteScan,
    DeleteRows,
    Distinct,
    EmptyScan,
    Estimate,
    Filter,
    FunctionScan,
    HashAggregate,
    HashJoin,
    IndexScan,
    InsertRows,
    KeyBound,
    Limit,
    LockRows,
    MergeRows,
    NestedLoopJoin,
    PhysicalPlan,
    PhysicalStatement,
    Project,
    ProjectSet,
    RecursiveUnion,
    SeqScan,
    SetOperation,
    Sort,
    SystemViewScan,
    TopN,
    UpdateRows,
    ValuesScan,
    Window,
    WorkTableScan,
)
from lungfish.sql.quoting import quote_identifier


def explain_tree(
    statement: PhysicalStatement, schema_of: Callable[[int], str] | None = None
) -> ExplainNode:
    """The tree of a statement; queries of WITH hang below its root. `schema_of`, the name of a namespace, is given for VERBOSE."""
    builder = _Builder(statement, schema_of)
    root, _ = builder.show(statement.root, ())
    for cte_id, plan in reversed(statement.ctes):
        node, _ = builder.show(plan, ())
        node.relationship = "InitPlan"
        node.subplan_name = f"CTE {builder.cte_names.get(cte_id, f'cte{cte_id}')}"
        root.children.insert(0, node)
    return root


def _scan_aliases(plan: PhysicalPlan, found: set[str], names: dict[int, str]) -> None:
    """The aliases of all relations in the plan, and the names of the queries of WITH that it reads."""
    if isinstance(plan, CteScan):
        names[plan.cte_id] = plan.name
    alias = getattr(plan, "alias", "")
    if alias:
        found.add(alias)
    for below in plans_in(plan):
        _scan_aliases(below, found, names)


class _Builder:
    """Shows the plans of one statement."""

    def __init__(
        self, statement: PhysicalStatement, schema_of: Callable[[int], str] | None
    ) -> None:
        self._schema_of = schema_of
        aliases: set[str] = set()
        self.cte_names: dict[int, str] = {}
        _scan_aliases(statement.root, aliases, self.cte_names)
        for _, plan in statement.ctes:
            _scan_aliases(plan, aliases, self.cte_names)
        self._is_qualified = len(aliases) > 1
        self._subplan_count = 0
        self._makers: dict[type, Callable[[Any, tuple[Names, ...]], Shown]] = {
            SeqScan: self._seq_scan,
            IndexScan: self._index_scan,
            SystemViewScan: self._system_scan,
            FunctionScan: self._function_scan,
            ValuesScan: self._values,
            EmptyScan: self._empty,
            CteScan: self._cte_scan,
            WorkTableScan: self._work_table,
            Filter: self._filter,
            Project: self._project,
            ProjectSet: self._project_set,
            HashJoin: self._hash_join,
            NestedLoopJoin: self._nested_loop,
            HashAggregate: self._aggregate,
            Sort: self._sort,
            TopN: self._top_n,
            Limit: self._limit,
            Distinct: self._distinct,
            Append: self._append,
            SetOperation: self._set_operation,
            Window: self._window,
            RecursiveUnion: self._recursive,
            LockRows: self._lock,
            InsertRows: self._insert,
            UpdateRows: self._change,
            DeleteRows: self._change,
            MergeRows: self._change,
        }

    def show(self, plan: PhysicalPlan, outer: tuple[Names, ...]) -> Shown:
        """The node of a plan, and the names of its columns."""
        node, names = self._makers[type(plan)](plan, outer)
        if self._schema_of is not None:
            node.output = list(names)
        return node, names

    # Parts.

    def _node(self, node_type: str, title: str, plan: PhysicalPlan) -> ExplainNode:
        width = sum(width_of(column.type) for column in plan.columns)
        return ExplainNode(node_type, title, plan.estimate, width, plan)

    def _writer(self, node: ExplainNode, names: Names, outer: tuple[Names, ...]) -> Writer:
        """A writer whose subqueries become children of the node."""

        def subplan(expression: SubqueryExpr) -> str:
            self._subplan_count += 1
            kind = "SubPlan" if expression.is_correlated else "InitPlan"
            name = f"{kind} {self._subplan_count}"
            child, _ = self.show(expression.plan, (*outer, names))  # type: ignore[arg-type]
            child.relationship, child.subplan_name = kind, name
            node.children.append(child)
            return name

        return Writer(names, outer, subplan)

    def _condition(
        self,
        node: ExplainNode,
        label: str,
        condition: BoundExpression | None,
        names: Names,
        outer: tuple[Names, ...],
    ) -> None:
        if condition is not None:
            node.properties.append((label, self._writer(node, names, outer).write(condition)))

    def _below(self, node: ExplainNode, plan: PhysicalPlan, outer: tuple[Names, ...]) -> Names:
        """Show an only input; answers its names."""
        child, names = self.show(plan, outer)
        child.relationship = child.relationship or "Outer"
        node.children.append(child)
        return names

    def _scan_names(self, alias: str, plan: PhysicalPlan) -> Names:
        prefix = alias if self._is_qualified else ""
        return [qualified(prefix, column.name) for column in plan.columns]

    # Leaves.

    def _titled(self, verb: str, name: str, alias: str, schema: str = "") -> str:
        shown = f"{quote_identifier(schema)}.{name}" if schema else name
        return f"{verb} {shown}" if alias in ("", name) else f"{verb} {shown} {alias}"

    def _schema(self, namespace_oid: int) -> str:
        """The schema's name, for VERBOSE only."""
        return "" if self._schema_of is None else self._schema_of(namespace_oid)

    def _relation(self, node: ExplainNode, name: str, alias: str, schema: str = "") -> None:
        node.properties.append(("Relation Name", name))
        if schema:
            node.properties.append(("Schema", schema))
        node.properties.append(("Alias", alias or name))

    def _seq_scan(self, plan: SeqScan, outer: tuple[Names, ...]) -> Shown:
        name = plan.table.name
        schema = self._schema(plan.table.namespace_oid)
        node = self._node("Seq Scan", self._titled("Seq Scan on", name, plan.alias, schema), plan)
        self._relation(node, name, plan.alias, schema)
        names = self._scan_names(plan.alias or name, plan)
        self._condition(node, "Filter", plan.filter, names, outer)
        return node, names

    def _index_scan(self, plan: IndexScan, outer: tuple[Names, ...]) -> Shown:
        name = plan.table.name
        direction = " Backward" if plan.is_backward else ""
        verb = f"Index Scan{direction} using {plan.index.name} on"
        schema = self._schema(plan.table.namespace_oid)
        node = self._node("Index Scan", self._titled(verb, name, plan.alias, schema), plan)
        node.properties.append(("Scan Direction", "Backward" if plan.is_backward else "Forward"))
        node.properties.append(("Index Name", plan.index.name))
        self._relation(node, name, plan.alias, schema)
        condition = self._index_condition(plan, self._writer(node, (), outer))
        if condition:
            node.properties.append(("Index Cond", condition))
        names = self._scan_names(plan.alias or name, plan)
        self._condition(node, "Filter", plan.filter, names, outer)
        return node, names

    def _index_condition(self, plan: IndexScan, writer: Writer) -> str:
        prefix = (plan.alias or plan.table.name) if self._is_qualified else ""
        keys = [
            column.expression
            or qualified(
                prefix, plan.table.columns[plan.table.position_of_number(column.column_number)].name
            )
            for column in plan.index.columns
        ]
        parts = [
            f"({key} = {writer.write(value)})"
            for key, value in zip(keys, plan.equals, strict=False)
        ]
        if plan.any_of:
            listed = ", ".join(map(writer.write, plan.any_of))
            parts.append(f"({keys[0]} = ANY (ARRAY[{listed}]))")
        if len(plan.equals) < len(keys):
            key = keys[len(plan.equals)]
            parts.extend(_bound(key, plan.lower, ">", writer))
            parts.extend(_bound(key, plan.upper, "<", writer))
        return parts[0] if len(parts) == 1 else f"({' AND '.join(parts)})" if parts else ""

    def _system_scan(self, plan: SystemViewScan, outer: tuple[Names, ...]) -> Shown:
        name = plan.view.name
        node = self._node("Seq Scan", self._titled("Seq Scan on", name, plan.alias), plan)
        self._relation(node, name, plan.alias)
        names = self._scan_names(plan.alias or name, plan)
        self._condition(node, "Filter", plan.filter, names, outer)
        return node, names

    def _function_scan(self, plan: FunctionScan, outer: tuple[Names, ...]) -> Shown:
        first = plan.calls[0]
        name = "..."
        if isinstance(first, Call) and len(plan.calls) == 1:
            name = first.function.name
        node = self._node("Function Scan", self._titled("Function Scan on", name, plan.alias), plan)
        node.properties.append(("Function Name", name))
        node.properties.append(("Alias", plan.alias or name))
        return node, self._scan_names(plan.alias or name, plan)

    def _values(self, plan: ValuesScan, outer: tuple[Names, ...]) -> Shown:
        if len(plan.rows) == 1:
            node = self._node("Result", "Result", plan)
            writer = self._writer(node, (), outer)
            return node, [writer.write(cell) for cell in plan.rows[0]]
        node = self._node("Values Scan", f'Values Scan on "{plan.alias or "*VALUES*"}"', plan)
        node.properties.append(("Alias", plan.alias or "*VALUES*"))
        return node, self._scan_names(plan.alias, plan)

    def _empty(self, plan: EmptyScan, outer: tuple[Names, ...]) -> Shown:
        node = self._node("Result", "Result", plan)
        node.properties.append(("One-Time Filter", "false"))
        return node, [qualified("", column.name) for column in plan.columns]

    def _cte_scan(self, plan: CteScan, outer: tuple[Names, ...]) -> Shown:
        node = self._node("CTE Scan", self._titled("CTE Scan on", plan.name, plan.alias), plan)
        node.properties.append(("CTE Name", plan.name))
        node.properties.append(("Alias", plan.alias or plan.name))
        return node, self._scan_names(plan.alias or plan.name, plan)

    def _work_table(self, plan: WorkTableScan, outer: tuple[Names, ...]) -> Shown:
        node = self._node("WorkTable Scan", f"WorkTable Scan on {plan.alias}", plan)
        node.properties.append(("CTE Name", plan.alias))
        return node, self._scan_names(plan.alias, plan)

    # Row by row.

    def _filter(self, plan: Filter, outer: tuple[Names, ...]) -> Shown:
        node, names = self.show(plan.input, outer)
        node.estimate, node.plan = plan.estimate, plan
        self._condition(node, "Filter", plan.predicate, names, outer)
        return node, names

    def _project(self, plan: Project, outer: tuple[Names, ...]) -> Shown:
        node, names = self.show(plan.input, outer)
        node.width = sum(width_of(column.type) for column in plan.columns)
        node.plan = plan
        writer = self._writer(node, names, outer)
        return node, [writer.write(expression) for expression in plan.expressions]

    def _project_set(self, plan: ProjectSet, outer: tuple[Names, ...]) -> Shown:
        node = self._node("ProjectSet", "ProjectSet", plan)
        names = self._below(node, plan.input, outer)
        writer = self._writer(node, names, outer)
        return node, [writer.write(expression) for expression in plan.expressions]

    # Joins.

    def _hash_join(self, plan: HashJoin, outer: tuple[Names, ...]) -> Shown:
        word = _JOIN_WORDS[plan.kind]
        node = self._node("Hash Join", f"Hash{word} Join", plan)
        node.properties.append(("Join Type", word.strip() or "Inner"))
        left_names = self._below(node, plan.left, outer)
        right, right_names = self.show(plan.right, outer)
        right.relationship = "Outer"
        hashed = ExplainNode(
            "Hash", "Hash", plan.right.estimate, right.width, plan.right, [], [right], "Inner"
        )
        hashed.output = list(right.output)
        node.children.append(hashed)
        left, right_writer = (
            self._writer(node, left_names, outer),
            self._writer(node, right_names, outer),
        )
        parts = []
        for a, b, null_equals in zip(
            plan.left_keys, plan.right_keys, plan.null_equals, strict=True
        ):
            operator = "IS NOT DISTINCT FROM" if null_equals else "="
            parts.append(f"({left.write(a)} {operator} {right_writer.write(b)})")
        text = parts[0] if len(parts) == 1 else f"({' AND '.join(parts)})"
        node.properties.append(("Hash Cond", text))
        both = [*left_names, *right_names]
        self._condition(node, "Join Filter", plan.condition, both, outer)
        return node, both[: len(plan.columns)]

    def _nested_loop(self, plan: NestedLoopJoin, outer: tuple[Names, ...]) -> Shown:
        word = _JOIN_WORDS[plan.kind]
        node = self._node("Nested Loop", f"Nested Loop{word} Join" if word else "Nested Loop", plan)
        node.properties.append(("Join Type", word.strip() or "Inner"))
        left_names = self._below(node, plan.left, outer)
        inside = (*outer, left_names) if plan.is_lateral else outer
        right, right_names = self.show(plan.right, inside)
        right.relationship = "Inner"
        node.children.append(right)
        both = [*left_names, *right_names]
        self._condition(node, "Join Filter", plan.condition, both, outer)
        return node, both[: len(plan.columns)]

    # Blocking nodes.

    def _aggregate(self, plan: HashAggregate, outer: tuple[Names, ...]) -> Shown:
        title = "HashAggregate" if plan.keys else "Aggregate"
        node = self._node("Aggregate", title, plan)
        node.properties.append(("Strategy", "Hashed" if plan.keys else "Plain"))
        names = self._below(node, plan.input, outer)
        writer = self._writer(node, names, outer)
        keys = [writer.write(key) for key in plan.keys]
        if len(plan.grouping_sets) > 1:
            for each in plan.grouping_sets:
                shown = [keys[at] for at in each]
                node.properties.append(("Hash Key" if shown else "Group Key", shown or ["()"]))
        elif keys:
            node.properties.append(("Group Key", keys))
        made = [f"({writer.aggregate(call)})" for call in plan.aggregates]
        extra = ["grouping_set"] if len(plan.columns) > len(keys) + len(made) else []
        return node, [*keys, *made, *extra]

    def _sort(self, plan: Sort, outer: tuple[Names, ...]) -> Shown:
        node = self._node("Sort", "Sort", plan)
        names = self._below(node, plan.input, outer)
        writer = self._writer(node, names, outer)
        node.properties.append(("Sort Key", [writer.sort_key(key) for key in plan.keys]))
        return node, names

    def _top_n(self, plan: TopN, outer: tuple[Names, ...]) -> Shown:
        node = self._node("Limit", "Limit", plan)
        sort = self._node("Sort", "Sort", plan)
        sort.estimate = Estimate(
            plan.input.estimate.rows, plan.estimate.startup_cost, plan.estimate.total_cost
        )
        sort.relationship = "Outer"
        names = self._below(sort, plan.input, outer)
        sort.output = list(sort.children[0].output)
        writer = self._writer(sort, names, outer)
        sort.properties.append(("Sort Key", [writer.sort_key(key) for key in plan.keys]))
        sort.properties.append(("Sort Method", "top-N heapsort"))
        node.children.append(sort)
        return node, names

    def _limit(self, plan: Limit, outer: tuple[Names, ...]) -> Shown:
        node = self._node("Limit", "Limit", plan)
        return node, self._below(node, plan.input, outer)

    def _distinct(self, plan: Distinct, outer: tuple[Names, ...]) -> Shown:
        if plan.on:
            node = self._node("Unique", "Unique", plan)
            return node, self._below(node, plan.input, outer)
        node = self._node("Aggregate", "HashAggregate", plan)
        node.properties.append(("Strategy", "Hashed"))
        names = self._below(node, plan.input, outer)
        node.properties.append(("Group Key", list(names)))
        return node, names

    def _window(self, plan: Window, outer: tuple[Names, ...]) -> Shown:
        node = self._node("WindowAgg", "WindowAgg", plan)
        names = self._below(node, plan.input, outer)
        writer = self._writer(node, names, outer)
        parts = []
        if plan.partition_by:
            parts.append(f"PARTITION BY {', '.join(map(writer.write, plan.partition_by))}")
        if plan.order_by:
            parts.append(f"ORDER BY {', '.join(map(writer.sort_key, plan.order_by))}")
        node.properties.append(("Window", f"w1 AS ({' '.join(parts)})"))
        return node, [*names, *(writer.window_call(call, "w1") for call in plan.calls)]

    # Several inputs.

    def _append(self, plan: Append, outer: tuple[Names, ...]) -> Shown:
        node = self._node("Append", "Append", plan)
        for below in plan.inputs:
            child, _ = self.show(below, outer)
            child.relationship = "Member"
            node.children.append(child)
        return node, [qualified("", column.name) for column in plan.columns]

    def _set_operation(self, plan: SetOperation, outer: tuple[Names, ...]) -> Shown:
        command = plan.kind.capitalize() + (" All" if plan.is_all else "")
        node = self._node("SetOp", f"HashSetOp {command}", plan)
        node.properties.append(("Command", command))
        self._two(node, plan.left, plan.right, outer)
        return node, [qualified("", column.name) for column in plan.columns]

    def _recursive(self, plan: RecursiveUnion, outer: tuple[Names, ...]) -> Shown:
        node = self._node("Recursive Union", "Recursive Union", plan)
        self._two(node, plan.initial, plan.step, outer)
        return node, [qualified("", column.name) for column in plan.columns]

    def _two(
        self, node: ExplainNode, first: PhysicalPlan, second: PhysicalPlan, outer: tuple[Names, ...]
    ) -> None:
        for below, relationship in ((first, "Outer"), (second, "Inner")):
            child, _ = self.show(below, outer)
            child.relationship = relationship
            node.children.append(child)

    # Changes.

    def _lock(self, plan: LockRows, outer: tuple[Names, ...]) -> Shown:
        node = self._node("LockRows", "LockRows", plan)
        return node, self._below(node, plan.input, outer)

    def _insert(self, plan: InsertRows, outer: tuple[Names, ...]) -> Shown:
        node, names = self._change(plan, outer)
        if plan.conflict is not None:
            word = "NOTHING" if plan.conflict.assignments is None else "UPDATE"
            node.properties.append(("Conflict Resolution", word))
            if plan.conflict.arbiters:
                arbiters = [index.name for index in plan.conflict.arbiters]
                node.properties.append(("Conflict Arbiter Indexes", arbiters))
        return node, names

    def _change(
        self, plan: InsertRows | UpdateRows | DeleteRows | MergeRows, outer: tuple[Names, ...]
    ) -> Shown:
        operation = type(plan).__name__.removesuffix("Rows")
        name, schema = plan.table.name, self._schema(plan.table.namespace_oid)
        node = self._node("ModifyTable", self._titled(f"{operation} on", name, "", schema), plan)
        node.properties.append(("Operation", operation))
        self._relation(node, name, name, schema)
        self._below(node, plan.input, outer)
        return node, [qualified("", column.name) for column in plan.columns]


_JOIN_WORDS = {
    "inner": "",
    "left": " Left",
    "right": " Right",
    "full": " Full",
    "semi": " Semi",
    "anti": " Anti",
    "null-aware anti": " Null-Aware Anti",
}


def _bound(key: str, bound: KeyBound | None, symbol: str, writer: Writer) -> Sequence[str]:
    if bound is None:
        return ()
    operator = f"{symbol}=" if bound.is_inclusive else symbol
    return (f"({key} {operator} {writer.write(bound.value)})",)
