"""CREATE TABLE AS, CREATE MATERIALIZED VIEW and SELECT INTO."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from lungfish.sql.ast.ddl import CreateTableAs
from lungfish.sql.ast.queries import Query
from lungfish.sql.ast.utility import Execute
from lungfish.sql.libpg import Node
from lungfish.sql.lower_tables import ON_COMMIT, PERSISTENCE, check_access_method
from lungfish.sql.lowering import (
    Lowering,
    StatementRule,
    object_name,
    require_only,
    strings,
)
from lungfish.sql.storage_parameters import parameter_texts
from lungfish.sql.tablespaces import check_tablespace
from lungfish.sql.unparse_queries import unparse_query

_INTO_FIELDS = frozenset(
    {"rel", "colNames", "onCommit", "skipData", "options", "accessMethod", "tableSpaceName"}
)
_TABLE_AS_FIELDS = frozenset({"query", "into", "objtype", "is_select_into", "if_not_exists"})


def _lower_create_table_as(fields: Node, lowering: Lowering) -> CreateTableAs:
    require_only(fields, _TABLE_AS_FIELDS)
    query: Query | Execute
    if "ExecuteStmt" in fields["query"]:
        executed = fields["query"]["ExecuteStmt"]
        query = Execute(executed["name"], lowering.expressions(executed.get("params", ())))
    else:
        query = lowering.query(fields["query"])
    return _table_as(
        fields["into"],
        query,
        if_not_exists=fields.get("if_not_exists", False),
        is_materialized_view=fields["objtype"] == "OBJECT_MATVIEW",
    )


def _lower_select_statement(fields: Node, lowering: Lowering) -> Query | CreateTableAs:
    """A query as a statement; with INTO, which stands in its leftmost SELECT, it makes a table."""
    leftmost = fields
    while "larg" in leftmost:
        leftmost = leftmost["larg"]
    into = leftmost.pop("intoClause", None)
    query = lowering.select(fields)
    if into is None:
        return query
    return _table_as(into, query, if_not_exists=False, is_materialized_view=False)


def _table_as(
    into: Node, query: Query | Execute, *, if_not_exists: bool, is_materialized_view: bool
) -> CreateTableAs:
    relation = into["rel"]
    name = object_name(relation)
    require_only(into, _INTO_FIELDS, position=name.position)
    check_access_method(into)
    check_tablespace(into.get("tableSpaceName", ""))
    return CreateTableAs(
        name=name,
        column_names=strings(into.get("colNames", ())),
        query=query,
        text=unparse_query(query) if is_materialized_view and isinstance(query, Query) else "",
        with_data=not into.get("skipData", False),
        if_not_exists=if_not_exists,
        persistence=PERSISTENCE[relation["relpersistence"]],
        on_commit=ON_COMMIT[into["onCommit"]],
        is_materialized_view=is_materialized_view,
        parameters=parameter_texts(into.get("options", ()), "table"),
        position=name.position,
    )


STATEMENTS: Mapping[str, StatementRule] = MappingProxyType(
    {
        "CreateTableAsStmt": _lower_create_table_as,
        "SelectStmt": _lower_select_statement,
    }
)
