"""Which tables a plan locks, and how: readers against DROP and ALTER, writers against CREATE INDEX besides."""

from __future__ import annotations

import dataclasses
from typing import Any

from lungfish.catalog.objects import Table
from lungfish.planner import physical
from lungfish.planner.physical import PhysicalStatement
from lungfish.storage.lock_modes import LockMode

_MODES: dict[type[Any], LockMode] = {
    physical.InsertRows: LockMode.ROW_EXCLUSIVE,
    physical.UpdateRows: LockMode.ROW_EXCLUSIVE,
    physical.DeleteRows: LockMode.ROW_EXCLUSIVE,
    physical.MergeRows: LockMode.ROW_EXCLUSIVE,
    physical.LockRows: LockMode.ROW_SHARE,
}


def locks_of_plan(plan: PhysicalStatement) -> tuple[tuple[int, LockMode], ...]:
    """(oid of the table, mode) for each table, in the order of their oids, so that statements lock in one order."""
    found: dict[int, LockMode] = {}
    _collect(plan.root, LockMode.ACCESS_SHARE, found)
    for _, cte in plan.ctes:
        _collect(cte, LockMode.ACCESS_SHARE, found)
    for step in plan.steps or ():
        for oid, mode in locks_of_plan(step.statement):
            found[oid] = max(found.get(oid, mode), mode)
    return tuple(sorted(found.items()))


def _collect(node: Any, mode: LockMode, found: dict[int, LockMode]) -> None:
    """Plans hold plans in fields, in tuples and inside subquery expressions: all are looked through."""
    if isinstance(node, Table):
        oid = int(node.oid)
        found[oid] = max(found.get(oid, mode), mode)
    elif isinstance(node, tuple):
        for item in node:
            if isinstance(item, tuple) or dataclasses.is_dataclass(item):
                _collect(item, mode, found)
    elif dataclasses.is_dataclass(node) and type(node).__module__.startswith("lungfish.planner"):
        own = _MODES.get(type(node))
        for field in dataclasses.fields(node):
            value = getattr(node, field.name)
            if isinstance(value, tuple) or dataclasses.is_dataclass(value):
                _collect(value, _mode_of_part(field.name, own, mode), found)


def _mode_of_part(name: str, own: LockMode | None, mode: LockMode) -> LockMode:
    """How the tables in a node's field are locked: what the node changes or locks in its own way, all else for reading."""
    if own is not None:
        return own if name in ("table", "locks") else LockMode.ACCESS_SHARE
    # The table of one of the entries of `locks`, or that of a scan.
    return mode if name == "table" else LockMode.ACCESS_SHARE
