"""One SELECT: its clauses bound in PostgreSQL's order, and the plan put together.

    FROM -> select list -> WHERE -> HAVING -> ORDER BY -> GROUP BY -> DISTINCT -> LIMIT       (binding)
    FROM -> Filter -> Aggregate -> Filter -> Window -> Project -> ProjectSet -> Distinct -> Sort -> Lock -> Limit   (the plan)

What is volatile in the select list of an ordered query is computed last, for the rows that are shown in the order in which they
are: `SELECT nextval('s') ... ORDER BY x LIMIT 10` takes ten numbers, as in PostgreSQL.

Everything is bound over the rows of FROM first; `Grouping` then looks at it again, once it is known whether the query groups.
"""

from __future__ import annotations

from lungfish import errors
from lungfish.planner.bind_from import bind_from
from lungfish.planner.bind_group_by import bind_group_by
from lungfish.planner.bind_grouping import Grouping, refuse_grouping
from lungfish.planner.bind_limit import bind_limit
from lungfish.planner.bind_order_by import bind_distinct_on, bind_order_by
from lungfish.planner.bind_set_keys import expand_set_keys
from lungfish.planner.bind_targets import Target, bind_targets
from lungfish.planner.bind_window import check_unused_windows, require_known_base
from lungfish.planner.coerce import coerce_boolean
from lungfish.planner.expression_tree import conjuncts_of, is_volatile
from lungfish.planner.expressions import BoundExpression, ColumnRef, SortKey
from lungfish.planner.locate_column import locate_column
from lungfish.planner.logical import (
    LogicalDistinct,
    LogicalFilter,
    LogicalLock,
    LogicalOutput,
    LogicalPlan,
    LogicalSort,
    LogicalValues,
)
from lungfish.planner.project_targets import add_windows, project_targets
from lungfish.planner.row_flags import add_row_flags
from lungfish.planner.scope import Clause, Scope
from lungfish.planner.sort_keys import check_grouped
from lungfish.sql.ast import queries as ast

ONE_ROW = LogicalValues(((),), ())


def bind_select(select: ast.Select, query: ast.Query, around: Scope) -> LogicalOutput:
    """A SELECT with the ORDER BY, LIMIT and FOR UPDATE of the query that it is the body of."""
    return _SelectBinder(select, query, around).bind()


class _SelectBinder:
    """The parts of one SELECT while they are bound."""

    def __init__(self, select: ast.Select, query: ast.Query, around: Scope) -> None:
        self.select = select
        self.query = query
        self.scope = Scope(around.state, around)
        self.targets: list[Target] = []
        self.where: tuple[BoundExpression, ...] = ()
        self.having: BoundExpression | None = None
        # Positions in `targets`, with direction.
        self.order_by: list[tuple[Target, SortKey]] = []
        self.distinct_on: list[Target] = []

    def bind(self) -> LogicalOutput:
        select, query, scope = self.select, self.query, self.scope
        scope.locking = query.locking
        plan: LogicalPlan = (
            ONE_ROW if not select.from_items else bind_from(select.from_items, scope)
        )
        self._check_lock_names()
        for definition in select.windows:
            assert definition.name is not None
            if definition.name in scope.window_definitions:
                raise errors.WindowingError(f'window "{definition.name}" is already defined').at(
                    definition.position
                )
            require_known_base(definition, scope)
            scope.window_definitions[definition.name] = definition
        scope.clause = Clause.SELECT
        self.targets = bind_targets(select.items, scope)
        if select.where is not None:
            scope.clause = Clause.WHERE
            bound = coerce_boolean(
                scope.bind(select.where), "WHERE", scope.state, select.where.position
            )
            self.where = conjuncts_of(bound)
        if select.having is not None:
            scope.clause = Clause.HAVING
            self.having = coerce_boolean(
                scope.bind(select.having), "HAVING", scope.state, select.having.position
            )
        if query.order_by:
            scope.clause = Clause.ORDER_BY
            self.order_by = bind_order_by(query.order_by, self.targets, scope)
        check_unused_windows(scope)
        if query.locking:
            self._check_locking()
        if scope.state.trace is not None:
            scope.state.trace.note_select(select, scope, self.targets)
        return self._plan(plan)

    # The plan.

    def _plan(self, plan: LogicalPlan) -> LogicalOutput:
        select, scope = self.select, self.scope
        keys: tuple[list[BoundExpression], list[tuple[int, ...]] | None] = ([], None)
        if select.group_by:
            scope.clause = Clause.GROUP_BY
            keys = bind_group_by(select, self.targets, scope)
        if select.distinct_on:
            scope.clause = Clause.DISTINCT_ON
            self.distinct_on = bind_distinct_on(select, self.targets, self.order_by, scope)
        elif select.is_distinct:
            self._check_distinct()
        plan = add_row_flags(plan, scope.state)
        if self.where:
            plan = LogicalFilter(plan, self.where)
        if select.group_by or scope.aggregates or self.having is not None:
            plan = self._group(plan, keys)
        elif scope.state.has_grouping:
            refuse_grouping([target.expression for target in self.targets])
        if scope.windows:
            plan = add_windows(plan, scope)
        late = self._late_targets()
        early = (
            [target for target in self.targets if not any(target is each for each in late)]
            if late
            else self.targets
        )
        plan = project_targets(plan, early, scope)
        return self._finish(plan, late)

    def _late_targets(self) -> list[Target]:
        """The targets that are computed behind ORDER BY and LIMIT: the volatile ones, unless the rows depend on them."""
        if not self.order_by or self.select.is_distinct or self.select.distinct_on:
            return []
        if self.scope.has_set_calls or not self.scope.state.has_volatile:
            return []
        keys = [target for target, _ in self.order_by]
        return [
            target
            for target in self.targets
            if is_volatile(target.expression) and not any(target is key for key in keys)
        ]

    def _group(
        self,
        plan: LogicalPlan,
        keys: tuple[list[BoundExpression], list[tuple[int, ...]] | None],
    ) -> LogicalPlan:
        scope = self.scope
        plan, items = expand_set_keys(plan, keys[0], self.targets, scope)
        grouping = Grouping(
            scope, plan, items, keys[1], lambda name: locate_column(self.select, self.query, name)
        )
        for target in self.targets:
            target.expression = grouping.regroup_target(target)
        having = () if self.having is None else conjuncts_of(grouping.regroup(self.having))
        scope.regroup_windows(grouping.regroup)
        grouped: LogicalPlan = grouping.plan()
        return LogicalFilter(grouped, having) if having else grouped

    def _finish(self, plan: LogicalPlan, late: list[Target]) -> LogicalOutput:
        """DISTINCT, ORDER BY, FOR UPDATE and LIMIT, over targets that are columns now; then the `late` targets."""
        keys = tuple(
            SortKey(target.column(), key.is_descending, key.nulls_first)
            for target, key in self.order_by
        )
        if self.select.is_distinct and not self.distinct_on:
            plan = LogicalDistinct(plan, _unique(self._shown()))
        elif self.distinct_on:
            plan, keys = self._distinct_on(plan, self._shown(), keys)
        if keys and not self.distinct_on:
            plan = LogicalSort(plan, keys)
        if self.scope.locks:
            plan = LogicalLock(plan, tuple(self.scope.locks))
        plan = bind_limit(self.query, plan, keys, self.scope)
        if late:
            plan = project_targets(plan, late, self.scope)
        return LogicalOutput(plan, self._shown())

    def _shown(self) -> tuple[ColumnRef, ...]:
        return tuple(target.column() for target in self.targets if not target.is_junk)

    def _distinct_on(
        self, plan: LogicalPlan, shown: tuple[ColumnRef, ...], keys: tuple[SortKey, ...]
    ) -> tuple[LogicalPlan, tuple[SortKey, ...]]:
        on = tuple(target.column() for target in self.distinct_on)
        sorted_by = {key.expression for key in keys}
        missing = tuple(SortKey(column, False, False) for column in on if column not in sorted_by)
        # The rows of one value must stand together; `on` leads the ORDER BY, so the rest may follow at once.
        count = sum(1 for key in keys if key.expression in on)
        all_keys = (*keys[:count], *missing, *keys[count:])
        plan = LogicalSort(plan, all_keys)
        columns = _unique((*shown, *(target.column() for target, _ in self.order_by), *on))
        return LogicalDistinct(plan, columns, on), keys

    # Checks.

    def _check_distinct(self) -> None:
        if not self.targets:
            raise errors.SyntaxError("SELECT DISTINCT must have at least one column").at(
                self.select.position
            )
        for shown in self.targets:
            if not shown.is_junk:
                check_grouped(shown.expression.type, shown.position)
        for target, key in self.order_by:
            if target.is_junk:
                raise errors.InvalidColumnReference(
                    "for SELECT DISTINCT, ORDER BY expressions must appear in select list"
                ).at(target.position)
            assert key is not None

    def _check_locking(self) -> None:
        select, position = self.select, self.query.locking[0].position
        strength = f"FOR {self.query.locking[0].strength.upper()}"
        problem = None
        if select.is_distinct or select.distinct_on:
            problem = "DISTINCT clause"
        elif select.group_by:
            problem = "GROUP BY clause"
        elif select.having is not None:
            problem = "HAVING clause"
        elif self.scope.aggregates:
            problem = "aggregate functions"
        elif self.scope.windows:
            problem = "window functions"
        elif self.scope.has_set_calls:
            problem = "set-returning functions in the target list"
        if problem is not None:
            raise errors.FeatureNotSupported(f"{strength} is not allowed with {problem}").at(
                position
            )

    def _check_lock_names(self) -> None:
        locking = self.query.locking
        if not locking:
            return
        shown = {entry.alias: entry for entry in self.scope.entries if entry.shows_name}
        for lock in locking:
            for name in lock.tables:
                if name in shown and shown[name].is_join:
                    raise errors.FeatureNotSupported(
                        f"FOR {lock.strength.upper()} cannot be applied to a join"
                    ).at(lock.position)
                if name in shown and shown[name].is_cte:
                    raise errors.FeatureNotSupported(
                        f"FOR {lock.strength.upper()} cannot be applied to a WITH query"
                    ).at(lock.position)
                if name not in shown:
                    raise errors.UndefinedTable(
                        f'relation "{name}" in FOR {lock.strength.upper()} clause not found in FROM clause'
                    ).at(lock.position)


def _unique(columns: tuple[ColumnRef, ...]) -> tuple[ColumnRef, ...]:
    """The columns without repetition."""
    found: dict[int, ColumnRef] = {}
    for column in columns:
        found.setdefault(column.index, column)
    return tuple(found.values())
