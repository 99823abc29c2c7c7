"""GROUP BY after everything is bound: which expressions are keys, what may stand outside of aggregates, GROUPING SETS.

An expression of a grouped query is bound over the ungrouped rows first; `Grouping.regroup` then replaces the keys in it by
their columns and refuses what is neither a key, nor inside an aggregate, nor determined by a primary key among the
keys. With one plain grouping a key that is a column keeps its number; with several sets each key gets a new one, because
there it may be null where the column was not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from lungfish import errors
from lungfish.functions.registry import Function, Polymorphic
from lungfish.planner.bind_call import add_aggregate
from lungfish.planner.bind_hypothetical import HYPOTHETICAL_PREFIX
from lungfish.planner.bind_targets import Target
from lungfish.planner.callees import find_aggregate, find_operator
from lungfish.planner.equivalence import equivalent
from lungfish.planner.expression_tree import LEAVES, map_children, walk
from lungfish.planner.expressions import (
    AggregateCall,
    BoundExpression,
    Call,
    CaseExpr,
    ColumnRef,
    Constant,
    SubqueryExpr,
)
from lungfish.planner.logical import Item, LogicalAggregate, LogicalPlan
from lungfish.planner.plan_tree import outputs
from lungfish.planner.scope import RangeEntry, Scope
from lungfish.planner.simplify import is_seen_constant, simplify
from lungfish.planner.substitution import substitute_in_plan, with_plan
from lungfish.types.sql_type import BIGINT, INTEGER

# Stands for GROUPING(...) until the sets are known; never evaluated.
GROUPING = Function("grouping", (Polymorphic.ANY,), INTEGER, is_strict=False, is_variadic=True)

# Finds the place of a column in the text, for an error.
Locate = Callable[[str], int]
_NOT_GROUPED = "arguments to GROUPING must be grouping expressions of the associated query level"


def refuse_grouping(expressions: Iterable[BoundExpression]) -> None:
    """Raise GroupingError if GROUPING stands in one of the expressions, which belong to a query without groups."""
    for expression in expressions:
        for node in walk(expression):
            if isinstance(node, Call) and node.function is GROUPING:
                raise errors.GroupingError(_NOT_GROUPED).at(node.position)


class Grouping:
    """The keys and sets of one grouped query."""

    def __init__(
        self,
        scope: Scope,
        base: LogicalPlan,
        keys: Sequence[BoundExpression],
        sets: Sequence[tuple[int, ...]] | None,
        locate: Locate,
    ) -> None:
        """`sets` None is plain GROUP BY of all keys."""
        self._scope = scope
        self._base = base
        self._locate = locate
        self._own_columns = outputs(base)
        self._keys: list[Item] = []
        self._has_sets = sets is not None
        self._sets = list(sets) if sets is not None else [tuple(range(len(keys)))]
        self._numbers: dict[int, ColumnRef] = {}
        # What stands for a key, and the key.
        self._expressions: list[tuple[BoundExpression, BoundExpression]] = []
        for key in keys:
            self._add_key(key)
        self._set_number: ColumnRef | None = None
        if len(self._sets) > 1:
            self._set_number = scope.state.new_column("grouping_set", INTEGER)
        self._made = {column.index for column, _ in scope.aggregates}
        self._made.update(column.index for column, _, _ in scope.windows)

    def _add_key(self, key: BoundExpression) -> None:
        state = self._scope.state
        if isinstance(key, ColumnRef) and not self._has_sets and key.index in self._own_columns:
            self._keys.append((key, key))
            self._numbers[key.index] = key
            return
        name = key.name if isinstance(key, ColumnRef) else "key"
        column = state.new_column(name, key.type)
        self._keys.append((column, key))
        if isinstance(key, ColumnRef):
            self._numbers[key.index] = column
        else:
            self._expressions.append((self._elsewhere(key, column), key))

    def _elsewhere(self, key: BoundExpression, column: ColumnRef) -> BoundExpression:
        """What the key's expression is in other places than the key's own target.

        A key without variables is there what it is in the set's first row, whether or not the set has the key; so it is null
        in a set of no rows, which only an empty set can be.
        """
        if self._has_sets:
            simple = simplify(key)
            if is_seen_constant(key):
                return self._null_without_rows(simple) if () in self._sets else simple
        return column

    def _null_without_rows(self, value: BoundExpression) -> BoundExpression:
        resolved = find_aggregate("count", (), is_star=True)
        count = add_aggregate(
            AggregateCall(resolved.callee, (), resolved.result), self._scope, "count"
        )
        equals = find_operator("=", (BIGINT, BIGINT))
        is_empty = Call(equals.callee, (count, Constant(0, BIGINT)), equals.result)
        return CaseExpr(((is_empty, Constant(None, value.type)),), value, value.type)

    def regroup_target(self, target: Target) -> BoundExpression:
        """A target over the grouped rows. Raises GroupingError."""
        if self._has_sets and target.key is not None:
            return self._keys[target.key][0]
        return self.regroup(target.expression)

    def regroup(self, node: BoundExpression) -> BoundExpression:
        """The expression over the grouped rows. Raises GroupingError."""
        kind = type(node)
        if isinstance(node, ColumnRef):
            return self._column(
                node,
                "column {} must appear in the GROUP BY clause or be used in an aggregate function",
            )
        for replacement, key in self._expressions:
            if type(key) is kind and equivalent(key, node):
                return replacement
        if kind in LEAVES:
            return node
        if isinstance(node, Call) and node.function is GROUPING:
            return self._grouping(node)
        if isinstance(node, Call) and self._has_sets:
            self._refuse_hypothetical(node)
        changed = map_children(node, self.regroup)
        if isinstance(changed, SubqueryExpr) and changed.outer_columns:
            return self._subquery(changed)
        return changed

    def _refuse_hypothetical(self, node: Call) -> None:
        """Raise FeatureNotSupported for rank(key) WITHIN GROUP: the rows were compared with the key as it is in them, not in the set."""
        if not node.function.name.startswith(HYPOTHETICAL_PREFIX):
            return
        for each in walk(node):
            if isinstance(each, ColumnRef) and each.index in self._own_columns:
                raise errors.FeatureNotSupported(
                    "keys of GROUPING SETS as arguments before WITHIN GROUP are not supported"
                ).at(node.position)

    def _subquery(self, node: SubqueryExpr) -> BoundExpression:
        replacement: dict[int, BoundExpression] = {}
        for outer in node.outer_columns:
            if isinstance(outer, ColumnRef):
                new = self._column(outer, "subquery uses ungrouped column {} from outer query")
                if new != outer:
                    replacement[outer.index] = new
        if not replacement:
            return node
        return with_plan(node, substitute_in_plan(node.plan, replacement))  # type: ignore[arg-type]

    def _column(self, node: ColumnRef, message: str) -> BoundExpression:
        number = node.index
        found = self._numbers.get(number)
        if found is not None:
            return found
        if number not in self._own_columns or number in self._made:
            return node
        merged = self._scope.state.merged_columns.get(number)
        if merged is not None:
            return self.regroup(merged)
        entry, name = self._origin(node)
        if entry is not None and not self._has_sets and self._is_determined(entry):
            self._add_key(node)
            self._sets = [tuple(range(len(self._keys)))]
            return node
        shown = f'"{entry.alias}.{name}"' if entry is not None and entry.alias else f'"{name}"'
        raise errors.GroupingError(message.format(shown)).at(self._locate(name))

    def _origin(self, node: ColumnRef) -> tuple[RangeEntry | None, str]:
        for entry in self._scope.entries:
            for position, ref in enumerate(entry.refs()):
                if isinstance(ref, ColumnRef) and ref.index == node.index and entry.alias:
                    return entry, entry.names[position]
        return None, node.name

    def _is_determined(self, entry: RangeEntry) -> bool:
        """Whether the keys hold the primary key of the entry's table."""
        table = entry.table
        if table is None:
            return False
        for constraint in table.constraints:
            if constraint.kind == "primary key" and not constraint.is_deferrable:
                positions = [table.position_of_number(number) for number in constraint.columns]
                return all(entry.column(position).index in self._numbers for position in positions)
        return False

    def _grouping(self, node: Call) -> BoundExpression:
        """GROUPING(...): for each set the bits of the arguments that it lacks."""
        positions: list[int] = []
        for argument in node.arguments:
            for position, (_, key) in enumerate(self._keys):
                if equivalent(key, argument):
                    positions.append(position)
                    break
            else:
                raise errors.GroupingError(_NOT_GROUPED).at(node.position)
        values = []
        for each in self._sets:
            bits = 0
            for position in positions:
                bits = bits * 2 + (position not in each)
            values.append(bits)
        if self._set_number is None:
            return Constant(values[0], INTEGER)
        number = self._set_number
        equals = find_operator("=", (INTEGER, INTEGER), node.position)
        branches: list[tuple[BoundExpression, BoundExpression]] = []
        for index, value in enumerate(values):
            is_set = Call(equals.callee, (number, Constant(index, INTEGER)), equals.result)
            branches.append((is_set, Constant(value, INTEGER)))
        return CaseExpr(tuple(branches), Constant(None, INTEGER), INTEGER)

    def plan(self) -> LogicalAggregate:
        """The aggregation, once every expression has been regrouped. Raises GroupingError."""
        for _, call in self._scope.aggregates:
            if call.aggregate.is_ordered_set:
                # The direct arguments stand outside of the groups' rows; WITHIN GROUP's are last.
                for direct in call.arguments[: len(call.arguments) - len(call.order_by)]:
                    self.regroup(direct)
        return LogicalAggregate(
            self._base,
            tuple(self._keys),
            tuple(self._scope.aggregates),
            tuple(self._sets),
            self._set_number,
        )
