"""CREATE RULE and what changes rules; what the planner makes of a rule's commands."""

from __future__ import annotations

from lungfish.sql.ast.dml import Delete, Insert, Update
from lungfish.sql.ast.expressions import Expression
from lungfish.sql.ast.queries import ObjectName, Query
from lungfish.types.frozen import frozen

# What a rule may do.
RuleCommand = Insert | Update | Delete | Query


@frozen
class CreateRule:
    """`event`: select, insert, update or delete. No commands stand for NOTHING."""

    name: str
    relation: ObjectName
    event: str
    is_instead: bool
    condition: Expression | None
    commands: tuple[RuleCommand, ...]
    or_replace: bool = False
    position: int = -1


@frozen
class DropRule:
    name: str
    relation: ObjectName
    if_exists: bool = False
    is_cascade: bool = False
    position: int = -1


@frozen
class EnableRule:
    """ALTER TABLE ... ENABLE or DISABLE RULE. `mode`: "origin", "disabled", "replica" or "always"."""

    name: str
    mode: str
    position: int = -1
