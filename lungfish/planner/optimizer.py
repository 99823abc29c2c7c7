"""The rules that rewrite a logical plan, in the order in which they are applied."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lungfish.planner.expressions import BoundExpression
from lungfish.planner.logical import LogicalStatement
from lungfish.planner.statistics import Statistics

Rewrite = Callable[[LogicalStatement, Statistics], LogicalStatement]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rewrite of a statement into an equivalent one, under the name that golden plans show."""

    name: str
    rewrite: Rewrite


RULES: tuple[Rule, ...] = ()


def optimize(statement: LogicalStatement, statistics: Statistics) -> LogicalStatement:
    """Apply `RULES` in their order."""
    for rule in RULES:
        statement = rule.rewrite(statement, statistics)
    return statement


def optimize_expression(node: BoundExpression) -> BoundExpression:
    """A lone expression simplified."""
    return node
