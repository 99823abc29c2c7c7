"""What a changing statement reads, and when: it must see the database as of its start."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from lungfish.catalog.objects import Index, SystemView, Table
from lungfish.functions.registry import Aggregate, Function, WindowFunction
from lungfish.planner.expression_tree import has_subquery
from lungfish.planner.physical import (
    CteScan,
    DeleteRows,
    InsertRows,
    MergeRows,
    PhysicalPlan,
    SystemViewScan,
    UpdateRows,
)
from lungfish.types.sql_type import SqlType

_OPAQUE = (Index, SystemView, Function, Aggregate, WindowFunction, SqlType)


def reads_while_writing(plan: PhysicalPlan) -> bool:
    """Whether a changing plan evaluates subqueries row by row while it changes rows."""
    match plan:
        case InsertRows():
            conflict = plan.conflict
            expressions = (
                [] if conflict is None else [item for _, item in conflict.assignments or ()]
            )
            if conflict is not None and conflict.where is not None:
                expressions.append(conflict.where)
        case UpdateRows():
            expressions = [item for _, item in plan.assignments]
            if plan.recheck is not None:
                expressions.append(plan.recheck)
        case DeleteRows():
            expressions = [] if plan.recheck is None else [plan.recheck]
        case MergeRows():
            expressions = [item for each in plan.branches for _, item in each.assignments]
            expressions += [each.condition for each in plan.branches if each.condition is not None]
        case _:
            return False
    if plan.returning is not None:
        expressions.extend(plan.returning.expressions)
        expressions.extend(check for _, check in plan.returning.checks)
    return any(map(has_subquery, expressions))


def may_read(plan: PhysicalPlan, tables: Iterable[Table]) -> bool:
    """Whether the plan reads, or may read, one of the tables. A WITH query is not looked into: it may."""
    oids = {table.oid for table in tables}
    pending: list[object] = [plan]
    while pending:
        item = pending.pop()
        if isinstance(item, tuple):
            pending.extend(item)
        elif isinstance(item, Table):
            if item.oid in oids:
                return True
        elif isinstance(item, CteScan | SystemViewScan):
            return True
        elif dataclasses.is_dataclass(item) and not isinstance(item, _OPAQUE):
            pending.extend(getattr(item, each.name) for each in dataclasses.fields(item))
    return False
