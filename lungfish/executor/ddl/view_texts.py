"""Changing the stored text of views when what they read is called otherwise.

A table that is renamed keeps its old name as an alias inside the view, so everything that the query says of its columns
stays true: `FROM old` becomes `FROM new AS old`.
"""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from typing import Any

from lungfish.catalog.catalog import Relation
from lungfish.catalog.objects import Table, View
from lungfish.errors import FeatureNotSupported
from lungfish.executor.ddl.context import DdlContext
from lungfish.sql import parse_one, unparse_query
from lungfish.sql.ast.queries import CommonTableExpression, ObjectName, Query, TableReference


def rename_in_view(
    context: DdlContext, view: View | Table, relation: Relation, new_name: ObjectName
) -> None:
    """Have the view read the relation under its new name; without a schema that is the one written before, if any."""
    query = parse_one(view.query).statement
    assert isinstance(query, Query), "a view's text is a query"
    if _has_cte_named(query, {relation.name, new_name.name}):
        raise FeatureNotSupported(
            f"renaming {relation.name}, which view {view.name} uses, is not supported",
            hint="Drop the view, rename, and create it again.",
        )

    def renamed(reference: TableReference) -> TableReference:
        name = reference.name
        found = context.catalog.find_relation(name.name, name.schema, view.search_path)
        if found is None or found.oid != relation.oid:
            return reference
        return replace(
            reference,
            name=ObjectName(new_name.name, new_name.schema or name.schema, name.position),
            alias=reference.alias or name.name,
        )

    changed = _mapped(query, renamed)
    text = unparse_query(changed)
    if isinstance(view, View):
        context.change.put(replace(view, query=text))
    else:
        context.change.put(replace(view, materialized_query=text))


def _mapped(node: Any, change: Any) -> Any:
    """The tree with each table reference changed."""
    if isinstance(node, TableReference):
        return change(node)
    if isinstance(node, tuple):
        return tuple([_mapped(item, change) for item in node])
    if not dataclasses.is_dataclass(node) or isinstance(node, type):
        return node
    values = {field.name: getattr(node, field.name) for field in dataclasses.fields(node)}
    mapped = {name: _mapped(value, change) for name, value in values.items()}
    if all(mapped[name] is value for name, value in values.items()):
        return node
    return replace(node, **mapped)


def _has_cte_named(node: Any, names: set[str]) -> bool:
    if isinstance(node, CommonTableExpression) and node.name in names:
        return True
    if isinstance(node, tuple):
        return any(_has_cte_named(item, names) for item in node)
    if not dataclasses.is_dataclass(node) or isinstance(node, type):
        return False
    return any(
        _has_cte_named(getattr(node, field.name), names) for field in dataclasses.fields(node)
    )
