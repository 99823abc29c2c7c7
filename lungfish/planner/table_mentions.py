"""Whether a query of the syntax tree names a table, for telling recursive queries of WITH from others."""

from __future__ import annotations

import dataclasses

from lungfish.sql.ast.queries import Query, TableReference, With


def mentions_table(node: object, name: str) -> bool:
    """Whether the unqualified name stands in some FROM of the tree, and no inner WITH hides it there."""
    if isinstance(node, TableReference):
        return node.name.schema is None and node.name.name == name
    if isinstance(node, tuple):
        return any(mentions_table(each, name) for each in node)
    if not dataclasses.is_dataclass(node):
        return False
    if isinstance(node, Query) and node.with_clause is not None and _hides(node.with_clause, name):
        return any(mentions_table(each.query, name) for each in node.with_clause.expressions)
    return any(
        mentions_table(getattr(node, field.name), name) for field in dataclasses.fields(node)
    )


def _hides(clause: With, name: str) -> bool:
    return any(each.name == name for each in clause.expressions)
