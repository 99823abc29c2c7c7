"""REFRESH MATERIALIZED VIEW: the query is run again into a new heap, which takes the place of the old one at commit.

CONCURRENTLY asks for a unique index, as in PostgreSQL. Readers are let in either way: they go on with the old heap until
the refresh commits.
"""

from __future__ import annotations

from dataclasses import replace

from lungfish.catalog.objects import Table
from lungfish.errors import FeatureNotSupported, ObjectNotInPrerequisiteState, SyntaxError
from lungfish.executor.ddl.context import DdlContext
from lungfish.executor.ddl.names import find_relation
from lungfish.sql import parse_one
from lungfish.sql.ast.ddl import RefreshMaterializedView
from lungfish.sql.ast.queries import Query


def refresh(context: DdlContext, statement: RefreshMaterializedView) -> str:
    """Run REFRESH MATERIALIZED VIEW; answers the command tag."""
    view = find_relation(context, statement.name)
    if not isinstance(view, Table) or view.materialized_query is None:
        raise FeatureNotSupported(
            f'"{view.name}" is not a materialized view', position=statement.position
        )
    if statement.is_concurrent:
        _require_concurrent(context, view, statement)
    context.runner.lock_table(view, "access exclusive")
    context.runner.check_unused(view, "REFRESH MATERIALIZED VIEW")
    fresh = replace(
        view,
        relation_id=context.change.new_relation_id(),
        indexes=tuple(
            replace(index, relation_id=context.change.new_relation_id()) for index in view.indexes
        ),
        is_populated=statement.with_data,
    )
    query = parse_one(view.materialized_query).statement
    assert isinstance(query, Query), "a stored query"
    context.change.put(fresh)
    context.change.relations.create_table(fresh)
    if statement.with_data:
        # The rows are made while they are stored, and what makes them may look for names.
        with context.runner.searching(view.search_path):
            context.runner.insert_batches(fresh, context.runner.run_query(query)[1])
    return "REFRESH MATERIALIZED VIEW"


def _require_concurrent(
    context: DdlContext, view: Table, statement: RefreshMaterializedView
) -> None:
    if not view.is_populated:
        raise FeatureNotSupported(
            "CONCURRENTLY cannot be used when the materialized view is not populated"
        )
    if not statement.with_data:
        raise SyntaxError(
            "REFRESH options CONCURRENTLY and WITH NO DATA cannot be used together",
            position=statement.position,
        )
    for index in view.indexes:
        is_plain = index.predicate is None and all(key.column_number for key in index.columns)
        if index.is_unique and is_plain:
            return
    schema = context.catalog.namespace_name(view.namespace_oid)
    raise ObjectNotInPrerequisiteState(
        f'cannot refresh materialized view "{schema}.{view.name}" concurrently',
        hint="Create a unique index with no WHERE clause on one or more columns of the materialized view.",
    )
