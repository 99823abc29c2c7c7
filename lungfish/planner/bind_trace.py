"""What the binder made of which part of the text: kept only for queries and expressions that are to be written back as SQL.

Binding loses what running does not need: which window was named, that a CASE had an operand, that `x IN (...)` was not `x = ANY (...)`.
So every expression is kept with the node that it was bound from. Each is a copy with an identity of its own; the nodes and the copies
are held here, so that no `id` is used twice.

With a trace, `coerce_with` leaves literals as they were written and puts a cast around them.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING

from lungfish.planner.expressions import (
    AggregateCall,
    BoundExpression,
    Call,
    CastTo,
    ColumnRef,
    WindowCall,
)
from lungfish.sql.ast.expressions import Expression, FunctionCall
from lungfish.sql.ast.json import JsonAggregate
from lungfish.types.frozen import frozen

if TYPE_CHECKING:
    from lungfish.catalog.operator_objects import UserOperator
    from lungfish.functions.registry import Function
    from lungfish.planner.bind_state import BindState
    from lungfish.planner.bind_targets import Target
    from lungfish.planner.logical import LogicalOutput
    from lungfish.planner.scope import RangeEntry, Scope
    from lungfish.sql.ast.queries import FromItem, Query, Select


@frozen
class Origin:
    """Where an expression comes from; `call` is the aggregate or window call that its column stands for."""

    node: Expression
    scope: Scope
    call: AggregateCall | WindowCall | None = None


@frozen
class TracedTarget:
    """A target of a select list before the query is grouped."""

    name: str
    expression: BoundExpression
    is_junk: bool


@frozen
class TracedSelect:
    """One SELECT: its scope, and its targets with those that ORDER BY added."""

    scope: Scope
    targets: tuple[TracedTarget, ...]


class BindTrace:
    """What was bound, by the identities of syntax nodes and of expressions."""

    __slots__ = (
        "_kept",
        "_origins",
        "_parts",
        "bound",
        "expansions",
        "operators",
        "outputs",
        "selects",
        "shown_path",
    )

    def __init__(self, shown_path: tuple[str, ...] | None = None) -> None:
        # The search path of whoever reads what is written back; None: that of the binding.
        self.shown_path = shown_path
        # People's operators, by the identities of the functions of their calls.
        self.operators: dict[int, UserOperator] = {}
        self._origins: dict[int, Origin] = {}
        self.bound: dict[int, BoundExpression] = {}
        # What stands for a node of the text, where the binder put another in its place.
        self.expansions: dict[int, Expression] = {}
        self.outputs: dict[int, LogicalOutput] = {}
        self.selects: dict[int, TracedSelect] = {}
        self._parts: dict[int, list[RangeEntry]] = {}
        self._kept: list[object] = []

    def attach(self, state: BindState) -> None:
        """Look on while the state's statement is bound."""
        bind_expression, bind_query = state.bind_expression, state.bind_query

        def traced_expression(node: Expression, scope: Scope) -> BoundExpression:
            return self._note(node, scope, bind_expression(node, scope))

        def traced_query(query: Query, *arguments: object, **options: object) -> LogicalOutput:
            output = bind_query(query, *arguments, **options)
            # Whoever reads the query sees columns of its own, not what they were made of.
            output = replace(output, columns=tuple(map(copy.copy, output.columns)))
            self._kept += (query, output)
            self.outputs[id(query)] = output
            return output

        state.trace = self
        state.bind_expression = traced_expression
        state.bind_query = traced_query

    def origin(self, expression: BoundExpression) -> Origin | None:
        """Where the expression was bound from; None for what the binder made up."""
        return self._origins.get(id(expression))

    def entries(self, item: FromItem) -> list[RangeEntry]:
        """What an item of FROM gives to the names."""
        return self._parts[id(item)]

    def note_operator(self, function: Function, operator: UserOperator) -> None:
        """Keep whose operator a call's function stands for."""
        self._kept.append(function)
        self.operators[id(function)] = operator

    def note_item(self, item: FromItem, entries: list[RangeEntry]) -> None:
        """Keep what an item of FROM gives."""
        self._kept.append(item)
        self._parts[id(item)] = entries

    def note_select(self, select: Select, scope: Scope, targets: list[Target]) -> None:
        """Keep a SELECT whose clauses, but those that group, are bound."""
        self._kept.append(select)
        traced = tuple(TracedTarget(each.name, each.expression, each.is_junk) for each in targets)
        # SEARCH and CYCLE put another select list before the same FROM.
        key = id(select.from_items) if select.from_items else id(select)
        self._kept.append(select.from_items)
        self.selects[key] = TracedSelect(scope, traced)

    def select(self, select: Select) -> TracedSelect:
        """What was kept of a SELECT."""
        return self.selects[id(select.from_items) if select.from_items else id(select)]

    def _note(self, node: Expression, scope: Scope, bound: BoundExpression) -> BoundExpression:
        own = copy.copy(bound)
        self._kept += (node, own)
        column: BoundExpression = own
        if isinstance(node, JsonAggregate):
            # What RETURNING asks for is around the aggregate's column.
            while isinstance(column, Call | CastTo):
                column = column.arguments[0] if isinstance(column, Call) else column.operand
        is_call = isinstance(column, ColumnRef) and isinstance(node, FunctionCall | JsonAggregate)
        call = _call_of(column, scope) if is_call else None
        self._origins[id(own)] = Origin(node, scope, call)
        self.bound[id(node)] = own
        return own


def _call_of(column: BoundExpression, scope: Scope) -> AggregateCall | WindowCall | None:
    assert isinstance(column, ColumnRef)
    for each in scope.chain():
        for made, call in each.aggregates:
            if made.index == column.index:
                return call
        for made, window, _ in each.windows:
            if made.index == column.index:
                return window
    return None
