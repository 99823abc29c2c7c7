"""The order in which the constraints of a statement are made, and keys that are written twice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from lungfish.sql.ast.ddl import ConstraintDefinition

_RANKS = {"not null": 0, "primary key": 1, "unique": 2, "check": 3}
_KEYS = frozenset({"primary key", "unique"})


def order_constraints(definitions: Iterable[ConstraintDefinition]) -> list[ConstraintDefinition]:
    """Keys first, because a foreign key to the table itself needs them; else in the order written. Of keys that are the same one
    is made, a primary key before others, by the first name that any of them has."""
    ordered: list[ConstraintDefinition] = []
    for definition in sorted(definitions, key=lambda item: _RANKS.get(item.kind, 4)):
        twin = next((at for at, other in enumerate(ordered) if _is_same(definition, other)), None)
        if twin is None:
            ordered.append(definition)
        elif ordered[twin].name is None:
            ordered[twin] = replace(ordered[twin], name=definition.name)
    return ordered


def _is_same(one: ConstraintDefinition, other: ConstraintDefinition) -> bool:
    if one.kind == other.kind == "primary key":
        # A table may have but one, however alike they are: who makes the second one says so.
        return False
    if one.kind not in _KEYS or one.using_index is not None or one is other:
        return False
    alike = replace(one, kind=other.kind, name=other.name, position=other.position)
    return other.kind in _KEYS and replace(alike, parameters=other.parameters) == other
