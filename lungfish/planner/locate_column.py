"""Where in the text a column stands that should have been grouped by. Only for errors: the whole tree is looked through."""

from __future__ import annotations

import dataclasses

from lungfish.planner.callees import has_aggregate
from lungfish.sql.ast import expressions as ast
from lungfish.sql.ast.queries import Query, Select


def locate_column(select: Select, query: Query, name: str) -> int:
    """The position of the first use of the column outside of aggregates, or of a star; -1 if there is none."""
    for part in (select.items, select.having, query.order_by):
        found = _search(part, name)
        if found >= 0:
            return found
    return -1


def _search(node: object, name: str) -> int:
    if isinstance(node, ast.Name):
        return node.position if node.parts[-1] == name else -1
    if isinstance(node, ast.Star):
        return node.position
    if isinstance(node, ast.FunctionCall) and node.window is None and has_aggregate(node.name[-1]):
        return -1
    if isinstance(node, tuple):
        parts: tuple[object, ...] = node
    elif dataclasses.is_dataclass(node) and not isinstance(node, type):
        parts = tuple(getattr(node, field.name) for field in dataclasses.fields(node))
    else:
        return -1
    for part in parts:
        found = _search(part, name)
        if found >= 0:
            return found
    return -1
