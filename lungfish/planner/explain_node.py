"""What EXPLAIN shows of one node of a plan, and what EXPLAIN ANALYZE measured of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from lungfish.planner.explain_expression import Names
from lungfish.planner.physical import Estimate, PhysicalPlan


class Actual(Protocol):
    """What a node did, as EXPLAIN ANALYZE measured it."""

    loop_count: int
    row_count: int
    startup_s: float
    total_s: float
    memory_bytes: int


# What a node did, or None if it never ran.
Actuals = Callable[[PhysicalPlan], Actual | None]


@dataclass(slots=True)
class ExplainNode:
    """One node as it is shown."""

    # PostgreSQL's "Node Type", and how the text form calls the node.
    node_type: str
    title: str
    estimate: Estimate
    width: int
    # The plan that was measured for this node.
    plan: PhysicalPlan
    properties: list[tuple[str, Any]] = field(default_factory=list)
    children: list[ExplainNode] = field(default_factory=list)
    # "Outer", "Inner", "Subquery", "InitPlan", "SubPlan" or "Member", and the name of an InitPlan or SubPlan.
    relationship: str = ""
    subplan_name: str = ""
    # Its columns, as VERBOSE lists them.
    output: list[str] = field(default_factory=list)


Shown = tuple[ExplainNode, Names]
