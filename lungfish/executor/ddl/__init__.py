"""Statements that change what exists. Start at `execute_ddl`; `context.py` says what they work with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from lungfish.errors import FeatureNotSupported
from lungfish.executor.ddl.aggregates import create_aggregate
from lungfish.executor.ddl.alter_functions import (
    alter_function,
    comment_function,
    move_function,
)
from lungfish.executor.ddl.alter_table import alter_table
from lungfish.executor.ddl.built_ins import drop_built_in
from lungfish.executor.ddl.casts import comment_cast, create_cast
from lungfish.executor.ddl.composite_types import alter_composite_type
from lungfish.executor.ddl.context import CatalogChange, DdlContext, relation_ids
from lungfish.executor.ddl.create_index import create_index
from lungfish.executor.ddl.create_table import create_table, create_table_as
from lungfish.executor.ddl.domains import alter_domain, create_domain
from lungfish.executor.ddl.drop import drop, drop_function
from lungfish.executor.ddl.functions import create_function
from lungfish.executor.ddl.materialized_views import refresh
from lungfish.executor.ddl.memberships import grant_role
from lungfish.executor.ddl.operators import alter_operator, comment_operator, create_operator
from lungfish.executor.ddl.owned import change_object_owner, drop_owned, reassign_owned
from lungfish.executor.ddl.range_types import create_range
from lungfish.executor.ddl.relation_options import cluster, rewrite_tables
from lungfish.executor.ddl.rights import alter_default_privileges, grant, refuse_label
from lungfish.executor.ddl.roles import alter_role, create_role, drop_role
from lungfish.executor.ddl.rule_texts import follow_in_rules
from lungfish.executor.ddl.rules import create_rule, drop_rule
from lungfish.executor.ddl.schemas import (
    comment,
    create_schema,
    rename,
    schema_elements,
    schema_owner,
    set_schema,
)
from lungfish.executor.ddl.sequences import alter_sequence, create_sequence
from lungfish.executor.ddl.statistics import (
    alter_statistics,
    create_statistics,
    drop_statistics,
)
from lungfish.executor.ddl.stored_texts import follow_in_stored_texts
from lungfish.executor.ddl.truncate import truncate
from lungfish.executor.ddl.types import alter_enum, create_composite_type, create_enum
from lungfish.executor.ddl.upkeep import create_extension, drop_absent, reindex
from lungfish.executor.ddl.view_texts import follow_in_views
from lungfish.executor.ddl.views import create_view
from lungfish.sql.ast import (
    built_ins,
    ddl,
    dml,
    operators,
    relation_options,
    rights,
    roles,
    routines,
    rules,
    statistics,
    type_definitions,
    upkeep,
)

# Each runs one kind of statement and answers the command tag.
DDL: dict[type[Any], Callable[[DdlContext, Any], str]] = {
    ddl.CreateTable: create_table,
    ddl.CreateTableAs: create_table_as,
    ddl.CreateIndex: create_index,
    ddl.CreateView: create_view,
    ddl.CreateSchema: create_schema,
    routines.CreateAggregate: create_aggregate,
    routines.CreateFunction: create_function,
    routines.DropFunction: drop_function,
    routines.AlterFunction: alter_function,
    routines.MoveFunction: move_function,
    routines.CommentFunction: comment_function,
    ddl.CreateSequence: create_sequence,
    ddl.AlterSequence: alter_sequence,
    ddl.AlterTable: alter_table,
    type_definitions.CreateEnum: create_enum,
    type_definitions.AlterEnum: alter_enum,
    type_definitions.AlterCompositeType: alter_composite_type,
    type_definitions.CreateCompositeType: create_composite_type,
    type_definitions.CreateDomain: create_domain,
    type_definitions.CreateRange: create_range,
    type_definitions.AlterDomain: alter_domain,
    rules.CreateRule: create_rule,
    rules.DropRule: drop_rule,
    ddl.Rename: rename,
    ddl.SetSchema: set_schema,
    ddl.Drop: drop,
    ddl.Comment: comment,
    ddl.RefreshMaterializedView: refresh,
    upkeep.Reindex: reindex,
    relation_options.Cluster: cluster,
    relation_options.RewriteTables: rewrite_tables,
    built_ins.DropBuiltIn: drop_built_in,
    statistics.CreateStatistics: create_statistics,
    statistics.AlterStatistics: alter_statistics,
    statistics.DropStatistics: drop_statistics,
    operators.CreateOperator: create_operator,
    operators.AlterOperator: alter_operator,
    operators.CommentOperator: comment_operator,
    operators.CreateCast: create_cast,
    operators.CommentCast: comment_cast,
    rights.Grant: grant,
    roles.CreateRole: create_role,
    roles.AlterRole: alter_role,
    roles.DropRole: drop_role,
    roles.GrantRole: grant_role,
    roles.AlterDefaultPrivileges: alter_default_privileges,
    roles.ReassignOwned: reassign_owned,
    roles.DropOwned: drop_owned,
    rights.SecurityLabel: refuse_label,
    rights.ChangeObjectOwner: change_object_owner,
    upkeep.CreateExtension: create_extension,
    upkeep.DropAbsent: drop_absent,
    dml.Truncate: truncate,
}

# After these, views may have to be written anew.
_RENAMING = (ddl.AlterTable, ddl.CreateView, ddl.Rename, ddl.SetSchema)
# After these, expressions that are stored.
_MOVING = (ddl.Rename, ddl.SetSchema, routines.MoveFunction, operators.AlterOperator)

# What the syntax tree has and this list has not yet.
UNSUPPORTED: dict[type[Any], str] = {}


def is_ddl(statement: object) -> bool:
    """Whether `execute_ddl` is the one to run the statement."""
    return type(statement) in DDL or type(statement) in UNSUPPORTED


def execute_ddl(context: DdlContext, statement: Any) -> str:
    """Run a statement that changes what exists; answers the command tag. Raises FeatureNotSupported (0A000)."""
    run = DDL.get(type(statement))
    if run is None:
        raise FeatureNotSupported(
            f"{UNSUPPORTED[type(statement)]} is not supported", position=statement.position
        )
    before = context.catalog
    tag = run(context, statement)
    if isinstance(statement, _RENAMING):
        follow_in_views(context, before)
        follow_in_rules(context, before)
    if isinstance(statement, _MOVING):
        follow_in_stored_texts(context, before)
    if isinstance(statement, ddl.CreateSchema) and statement.elements:
        inside = replace(context, search_path=(statement.name, *context.search_path))
        owner = schema_owner(context, statement)
        with context.runner.searching(inside.search_path), context.change.owned_by(owner):
            for element in schema_elements(inside, statement):
                execute_ddl(inside, element)
    return tag


__all__ = ["CatalogChange", "DdlContext", "execute_ddl", "is_ddl", "relation_ids"]
