"""The collation of each expression of a statement, derived as PostgreSQL does it (manual, "Collation Support").

A value has its collation explicitly (COLLATE), implicitly (a column, or the default one) or not at all. Where several meet in a call,
explicit beats implicit, and of implicit ones any other beats the default. Two explicit ones that differ are an error at once; of two
implicit ones that differ nothing comes, which is an error (42P22) as soon as somebody asks for a collation: when rows are compared.

Only statements that name a collation, or read columns with one of their own, are looked at (`BindState.has_collations`): all others
have the default one throughout. The look goes over the logical plan, inputs first, takes each `COLLATE` out and puts in the place of
calls what `collated_calls.py` has for their collation.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import replace

from lungfish import errors
from lungfish.catalog.objects import Column
from lungfish.catalog.type_uses import domain_collation
from lungfish.functions.quoting import quote_identifier
from lungfish.planner.bind_state import BindState
from lungfish.planner.collated_calls import (
    COLLATE,
    COLLATION_FOR,
    collation_argument,
    comparing,
    indeterminate,
    with_collation,
)
from lungfish.planner.expression_tree import children, map_children, subquery_with
from lungfish.planner.expressions import (
    AggregateCall,
    BoundExpression,
    Call,
    CaseExpr,
    ColumnRef,
    Constant,
    DomainExpr,
    ExtremeExpr,
    InListExpr,
    IsDistinctExpr,
    OuterRef,
    QuantifiedArrayExpr,
    RowExpr,
    SubqueryExpr,
    WindowCall,
)
from lungfish.planner.logical import (
    LogicalAggregate,
    LogicalAppend,
    LogicalCteScan,
    LogicalDelete,
    LogicalDistinct,
    LogicalFunctionScan,
    LogicalInsert,
    LogicalMerge,
    LogicalOutput,
    LogicalPlan,
    LogicalProject,
    LogicalProjectSet,
    LogicalRecursiveUnion,
    LogicalScan,
    LogicalSetOperation,
    LogicalSort,
    LogicalStatement,
    LogicalUpdate,
    LogicalValues,
    LogicalWindow,
    LogicalWorkTable,
)
from lungfish.planner.plan_tree import map_expressions, map_inputs, replace_fields
from lungfish.types.collations import DEFAULT_COLLATION, collation_of_type
from lungfish.types.frozen import frozen
from lungfish.types.sql_type import TEXT, SqlType, TypeKind


class Strength(enum.IntEnum):
    """How a value came by its collation; the greater one wins."""

    NONE = 0
    IMPLICIT = 1
    CONFLICT = 2
    EXPLICIT = 3


@frozen
class Collated:
    """The collation of a value. `other`: of a CONFLICT, the one that does not agree with `name`."""

    strength: Strength
    name: str | None = None
    other: str | None = None
    # Where the COLLATE of an EXPLICIT one stands.
    position: int = -1

    @property
    def used(self) -> str | None:
        """The collation that a call uses whose arguments have it; None if that could not be determined."""
        return None if self.strength is Strength.CONFLICT else self.name

    @property
    def passed_on(self) -> Collated:
        """What is left of it outside of the query that computed it."""
        if self.strength is Strength.EXPLICIT:
            return Collated(Strength.IMPLICIT, self.name)
        return NOTHING if self.strength is Strength.CONFLICT else self


NOTHING = Collated(Strength.NONE)
_DEFAULT = Collated(Strength.IMPLICIT, DEFAULT_COLLATION)
_C = Collated(Strength.IMPLICIT, "C")
_SUBSCRIPTS = frozenset({"array_subscript", "array_slice", "jsonb_subscript"})
_COMPARING_AGGREGATES = frozenset({"min", "max"})


def _of_type(type_: SqlType) -> Collated:
    name = collation_of_type(type_)
    if name is None:
        return NOTHING
    return _DEFAULT if name == DEFAULT_COLLATION else _C


def _of_column(column: Column) -> Collated:
    found = _of_type(column.type)
    if column.collation is None or found is NOTHING:
        return found
    return Collated(Strength.IMPLICIT, column.collation)


def combine(found: Iterable[Collated]) -> Collated:
    """What values of these collations have together. Raises CollationMismatch for explicit ones that differ."""
    result = NOTHING
    for each in found:
        if each.strength > result.strength:
            result = each
        elif each.strength == result.strength and each.name != result.name:
            if each.strength is Strength.EXPLICIT:
                raise errors.CollationMismatch(
                    f'collation mismatch between explicit collations "{result.name}" and "{each.name}"'
                ).at(each.position)
            if each.strength is Strength.IMPLICIT:
                if result.name == DEFAULT_COLLATION:
                    result = each
                elif each.name != DEFAULT_COLLATION:
                    result = Collated(Strength.CONFLICT, result.name, each.name)
    return result


def _require(found: Collated, type_: SqlType) -> None:
    """Raise if rows could not be compared by a key of that collation."""
    if collation_of_type(type_) is None:
        return
    if found.strength is Strength.CONFLICT:
        raise _mismatch(found)
    if found.name is None:
        raise indeterminate()


def _mismatch(found: Collated) -> errors.Error:
    return errors.CollationMismatch(
        f'collation mismatch between implicit collations "{found.name}" and "{found.other}"',
        hint="You can choose the collation by applying the COLLATE clause to one or both expressions.",
    )


def derive_collations(statement: LogicalStatement, state: BindState) -> LogicalStatement:
    """The statement without its COLLATEs; what its columns have is noted in `state.output_collations`."""
    derivation = _Derivation(state)
    ctes = tuple(replace_fields(cte, plan=derivation.plan(cte.plan)) for cte in statement.ctes)
    root = derivation.plan(statement.root)
    if isinstance(root, LogicalOutput):
        state.output_collations = tuple(
            derivation.column(column).passed_on.name for column in root.columns
        )
    return replace_fields(statement, root=root, ctes=ctes)


def collation_of_expression(
    node: BoundExpression, columns: Sequence[Column], state: BindState
) -> str | None:
    """The collation of an expression over the columns by position; None if it has none, or none could be determined."""
    derivation = _Derivation(state)
    derivation.note_columns(0, columns)
    return derivation.collation(node)


def derive_in_expression(
    node: BoundExpression, columns: Sequence[Column], state: BindState
) -> BoundExpression:
    """The same of an expression over the columns by position."""
    derivation = _Derivation(state)
    derivation.note_columns(0, columns)
    return derivation.settle(node)


class _Derivation:
    """One statement being looked at."""

    def __init__(self, state: BindState) -> None:
        self._state = state
        # By column number; columns that are not there have what their type has.
        self._columns: dict[int, Collated] = {}
        # Columns of set operations over arms that differ, and what they would have had.
        self._conflicts: dict[int, Collated] = {}
        self._work_tables: dict[int, tuple[Collated, ...]] = {}
        # What expressions have, by identity; all of them are held, so that none is used twice.
        self._settled: dict[int, Collated] = {}
        self._held: list[BoundExpression] = []

    def note_columns(self, first: int, columns: Sequence[Column]) -> None:
        """Know the columns of a table, numbered from `first`."""
        for position, column in enumerate(columns):
            if column.collation is not None:
                self._columns[first + position] = _of_column(column)

    def column(self, column: ColumnRef | OuterRef) -> Collated:
        """What a column has where it is read."""
        found = self._columns.get(column.index)
        if found is None:
            return _of_type(column.type)
        return found.passed_on if column.index in self._state.crossed_columns else found

    # Plans.

    def plan(self, plan: LogicalPlan) -> LogicalPlan:
        """The plan, inputs first."""
        if isinstance(plan, LogicalRecursiveUnion):
            return self._recursive_union(plan)
        plan = map_inputs(plan, self.plan)
        if isinstance(plan, LogicalInsert | LogicalUpdate | LogicalDelete | LogicalMerge):
            self._note_target(plan)
        changed = map_expressions(plan, self.settle)
        self._note_made(plan)
        self._check_keys(plan)
        if isinstance(changed, LogicalAggregate):
            aggregates = tuple(
                (column, self._aggregate(call)) for column, call in changed.aggregates
            )
            return replace_fields(changed, aggregates=aggregates)
        if isinstance(changed, LogicalWindow):
            calls = tuple((column, self._window_call(call)) for column, call in changed.calls)
            return replace_fields(changed, calls=calls)
        return changed

    def _note_made(self, plan: LogicalPlan) -> None:
        """Know the columns that a plan makes."""
        match plan:
            case LogicalScan():
                self.note_columns(plan.first_column, plan.table.columns)
            case LogicalProject() | LogicalProjectSet():
                for column, expression in plan.items:
                    self._columns[column.index] = self._settled[id(expression)]
            case LogicalAggregate():
                for column, expression in plan.keys:
                    self._columns[column.index] = self._settled[id(expression)]
                for column, call in plan.aggregates:
                    self._columns[column.index] = self._result(call.type, self._of_aggregate(call))
            case LogicalWindow():
                for column, window in plan.calls:
                    found = combine(self._settled[id(each)] for each in window.arguments)
                    self._columns[column.index] = self._result(window.type, found)
            case LogicalFunctionScan():
                if len(plan.calls) == 1 and len(plan.columns) <= 1 + plan.with_ordinality:
                    self._columns[plan.columns[0].index] = self._settled[id(plan.calls[0])]
            case LogicalValues():
                for at, column in enumerate(plan.columns):
                    cells = [self._settled[id(row[at])] for row in plan.rows]
                    self._columns[column.index] = combine(cells).passed_on
            case LogicalCteScan():
                for column, source in zip(plan.columns, plan.source_columns, strict=True):
                    self._columns[column.index] = self.column(source).passed_on
            case LogicalWorkTable():
                known = self._work_tables.get(plan.cte_id, ())
                for column, state in zip(plan.columns, known, strict=False):
                    self._columns[column.index] = state
            case LogicalAppend():
                self._note_sets(plan.columns, plan.input_columns, may_differ=True)
            case LogicalSetOperation():
                arms = (plan.left_columns, plan.right_columns)
                self._note_sets(plan.columns, arms, may_differ=False)

    def _note_target(
        self, plan: LogicalInsert | LogicalUpdate | LogicalDelete | LogicalMerge
    ) -> None:
        """Know the rows before and behind a change."""
        rows: list[tuple[ColumnRef, ...]] = []
        if plan.returning is not None:
            rows += (plan.returning.old, plan.returning.new, plan.returning.current)
        if isinstance(plan, LogicalInsert) and plan.conflict is not None:
            rows += (plan.conflict.existing, plan.conflict.proposed)
        for refs in rows:
            for ref, column in zip(refs, plan.table.columns, strict=False):
                self._columns[ref.index] = _of_column(column)

    def _note_sets(
        self,
        columns: Sequence[ColumnRef],
        arms: Sequence[Sequence[ColumnRef]],
        *,
        may_differ: bool,
    ) -> None:
        for at, column in enumerate(columns):
            found = combine(self.column(arm[at]) for arm in arms)
            if found.strength is Strength.CONFLICT:
                if not may_differ:
                    raise _mismatch(found)
                self._conflicts[column.index] = found
            self._columns[column.index] = found.passed_on
            if not may_differ:
                _require(found, column.type)

    def _check_keys(self, plan: LogicalPlan) -> None:
        """Raise if the plan compares rows by what knows no collation."""
        match plan:
            case LogicalSort():
                for key in plan.keys:
                    _require(self._settled[id(key.expression)], key.expression.type)
            case LogicalDistinct():
                is_union = isinstance(plan.input, LogicalAppend)
                for column in plan.on or plan.columns:
                    if is_union and column.index not in self._state.crossed_columns:
                        conflict = self._conflicts.get(column.index)
                        if conflict is not None:
                            raise _mismatch(conflict)
                    _require(self.column(column), column.type)
            case LogicalAggregate():
                for _, expression in plan.keys:
                    _require(self._settled[id(expression)], expression.type)
            case LogicalWindow():
                for each in (*plan.partition_by, *(key.expression for key in plan.order_by)):
                    _require(self._settled[id(each)], each.type)

    def _recursive_union(self, plan: LogicalRecursiveUnion) -> LogicalPlan:
        initial = self.plan(plan.initial)
        known = tuple(self.column(column).passed_on for column in plan.initial_columns)
        self._work_tables[plan.cte_id] = known
        step = self.plan(plan.step)
        for at, (column, first, own) in enumerate(
            zip(plan.columns, known, plan.step_columns, strict=True), 1
        ):
            found = combine((first, self.column(own)))
            if found.strength is Strength.CONFLICT and not plan.is_all:
                raise _mismatch(found)
            if found.used != first.used:
                raise errors.CollationMismatch(
                    f"recursive query column {at} has collation"
                    f' "{first.used or "(null)"}" in non-recursive term but collation'
                    f' "{found.used or "(null)"}" overall',
                    hint="Use the COLLATE clause to set the collation of the non-recursive term.",
                )
            self._columns[column.index] = first
        return replace_fields(plan, initial=initial, step=step)

    # Aggregates and windows.

    def _of_aggregate(self, call: AggregateCall) -> Collated:
        for key in call.order_by:
            _require(self._settled[id(key.expression)], key.expression.type)
        found = combine(self._settled[id(each)] for each in call.arguments)
        if call.is_distinct:
            for each in call.arguments:
                _require(self._settled[id(each)], each.type)
        self._settled[id(call)] = found
        return found

    def _aggregate(self, call: AggregateCall) -> AggregateCall:
        if call.aggregate.name not in _COMPARING_AGGREGATES or not self._is_open(call.arguments):
            return call
        return replace(call, arguments=tuple(map(comparing, call.arguments)))

    def _window_call(self, call: WindowCall) -> WindowCall:
        if call.callee.name not in _COMPARING_AGGREGATES or not self._is_open(call.arguments):
            return call
        return replace(call, arguments=tuple(map(comparing, call.arguments)))

    def _is_open(self, nodes: Sequence[BoundExpression]) -> bool:
        """Whether settled expressions cannot be compared with each other."""
        if all(collation_of_type(node.type) is None for node in nodes):
            return False
        return combine(self._settled[id(node)] for node in nodes).used is None

    # Expressions.

    def settle(self, node: BoundExpression) -> BoundExpression:
        """The expression without COLLATE; what it has is noted for `node` and for what takes its place."""
        changed, found = self._derive(node)
        self._settled[id(node)] = self._settled[id(changed)] = found
        self._held += (node, changed)
        return changed

    def collation(self, node: BoundExpression) -> str | None:
        """The collation of an expression."""
        self.settle(node)
        return self._settled[id(node)].used

    def _derive(self, node: BoundExpression) -> tuple[BoundExpression, Collated]:
        if isinstance(node, ColumnRef | OuterRef):
            return node, self.column(node)
        if isinstance(node, Call):
            if node.function is COLLATE:
                operand = self.settle(node.arguments[0])
                name = collation_argument(node)
                return operand, Collated(Strength.EXPLICIT, name, position=node.position)
            if node.function.name == COLLATION_FOR:
                return self._collation_for(node), _DEFAULT
        if isinstance(node, SubqueryExpr):
            return self._subquery(node)
        changed = map_children(node, self.settle)
        found = combine(self._inputs(node))
        if isinstance(node, DomainExpr):
            collation = domain_collation(node.type, self._state.catalog)
            if collation is not None:
                return changed, Collated(Strength.IMPLICIT, collation)
        return self._with_collation(node, changed, found), self._result(node.type, found)

    def _inputs(self, node: BoundExpression) -> list[Collated]:
        """What the parts have that say something about the whole."""
        settled = self._settled
        match node:
            case CaseExpr():
                return [
                    settled[id(node.default)],
                    *(settled[id(each)] for _, each in node.branches),
                ]
            case RowExpr():
                return []
            case Call() if node.function.name in _SUBSCRIPTS:
                return [settled[id(node.arguments[0])]]
            case _:
                return [settled[id(each)] for each in children(node)]

    def _result(self, type_: SqlType, found: Collated) -> Collated:
        own = _of_type(type_)
        if own is NOTHING:
            return NOTHING
        return own if found.strength is Strength.NONE else found

    def _with_collation(
        self, node: BoundExpression, changed: BoundExpression, found: Collated
    ) -> BoundExpression:
        """The node with what its collation does to it."""
        if isinstance(changed, Call):
            return with_collation(changed, found.used)
        if found.used is not None:
            return changed
        match changed:
            case ExtremeExpr() if collation_of_type(node.type) is not None:
                return replace(changed, operands=tuple(map(comparing, changed.operands)))
            case InListExpr() | QuantifiedArrayExpr() if _is_collated(changed.operand):
                return replace(changed, operand=comparing(changed.operand))
            case IsDistinctExpr() if _is_collated(changed.left):
                return replace(changed, left=comparing(changed.left))
        return changed

    def _collation_for(self, node: Call) -> BoundExpression:
        operand = node.arguments[0]
        found = self.collation(operand)
        if collation_of_type(operand.type) is None and operand.type.kind is not TypeKind.UNKNOWN:
            return node
        return Constant(None if found is None else quote_identifier(found), TEXT)

    def _subquery(self, node: SubqueryExpr) -> tuple[BoundExpression, Collated]:
        plan = self.plan(node.plan)  # type: ignore[arg-type]
        columns = plan.columns if isinstance(plan, LogicalOutput) else ()
        operands = []
        for at, operand in enumerate(node.operands):
            settled = self.settle(operand)
            inner = self.column(columns[at]).passed_on if at < len(columns) else NOTHING
            is_open = _is_collated(operand) and (
                combine((self._settled[id(operand)], inner)).used is None
            )
            operands.append(comparing(settled) if is_open else settled)
        changed = subquery_with(node, operands=tuple(operands), plan=plan)
        if node.kind in ("scalar", "array") and columns and _is_collated(node):
            return changed, Collated(Strength.IMPLICIT, self.column(columns[0]).used)
        return changed, NOTHING


def _is_collated(node: BoundExpression) -> bool:
    return collation_of_type(node.type) is not None
