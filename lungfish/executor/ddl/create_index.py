"""CREATE INDEX.

An index USING hash, gist or spgist is a B+Tree like any other: it is accepted where PostgreSQL accepts it, and finds what
PostgreSQL's would.
"""

from __future__ import annotations

from dataclasses import replace

from lungfish.catalog.objects import Column, Index, IndexColumn, Table
from lungfish.errors import (
    ActiveSqlTransaction,
    DatatypeMismatch,
    DuplicateTable,
    FeatureNotSupported,
    IndeterminateCollation,
    InvalidObjectDefinition,
    UndefinedColumn,
    UndefinedObject,
)
from lungfish.executor.ddl.column_rules import check_column_type
from lungfish.executor.ddl.context import DdlContext
from lungfish.executor.ddl.exclude import require_class
from lungfish.executor.ddl.names import (
    choose_index_name,
    find_table,
    key_words,
)
from lungfish.executor.ddl.operator_class import chosen_operator_class
from lungfish.executor.ddl.partition_columns import require_partition_columns
from lungfish.executor.ddl.partition_parts import add_to_partitions
from lungfish.executor.ddl.virtual_columns import refuse_virtual, refuse_virtual_in
from lungfish.planner import ExpressionFacts
from lungfish.sql.ast.ddl import CreateIndex, IndexElement
from lungfish.sql.ast.expressions import Collate, Name
from lungfish.sql.quoting import quote_identifier
from lungfish.types.collations import collation_of_column, collation_of_type
from lungfish.types.sql_type import BOOLEAN


def create_index(context: DdlContext, statement: CreateIndex) -> str:
    """Run CREATE INDEX; answers the command tag. Raises UniqueViolation if rows that are there collide."""
    if statement.is_concurrent and context.runner.is_in_block:
        raise ActiveSqlTransaction(
            "CREATE INDEX CONCURRENTLY cannot run inside a transaction block"
        )
    table = find_table(context, statement.table)
    _require_method(statement)
    if statement.name is not None and context.catalog.name_is_taken(
        table.namespace_oid, statement.name
    ):
        if statement.if_not_exists:
            context.runner.notice(f'relation "{statement.name}" already exists, skipping')
            return "CREATE INDEX"
        raise DuplicateTable(
            f'relation "{statement.name}" already exists', position=statement.position
        )
    context.runner.lock_table(table, "share")
    context.runner.check_unused(table, "CREATE INDEX")
    if statement.is_concurrent and table.partition_key is not None:
        raise FeatureNotSupported(
            f'cannot create index on partitioned table "{table.name}" concurrently'
        )
    columns = tuple(
        _index_column(context, table, element, statement.method) for element in statement.elements
    )
    for column, element in zip(columns, statement.elements, strict=True):
        if statement.method in ("gist", "spgist") and column.type is not None:
            require_class(column.type, statement.method, element.position)
    include = tuple(_key_column(table, name).number for name in statement.include)
    refuse_virtual(table, (*[key.column_number for key in columns], *include), "indexes")
    index = Index(
        context.change.new_oid(),
        statement.name or _choose_name(context, table, statement),
        table.namespace_oid,
        table.oid,
        context.change.new_relation_id(),
        columns,
        is_unique=statement.is_unique,
        include=include,
        predicate=_predicate(context, table, statement),
        nulls_not_distinct=statement.nulls_not_distinct,
        method=statement.method,
        parameters=statement.parameters,
        is_valid=not (statement.is_only and context.catalog.has_children(table.oid)),
    )
    if index.is_unique:
        numbers = tuple(column.column_number for column in columns)
        require_partition_columns(table, numbers, "unique")
    changed = replace(table, indexes=(*table.indexes, index))
    context.change.put(changed)
    context.change.relations.build_index(changed, index, context.runner.begin_build(index))
    if table.partition_key is not None and not statement.is_only:
        add_to_partitions(context, changed, table)
    return "CREATE INDEX"


def _require_method(statement: CreateIndex) -> None:
    """Raise UndefinedObject, or FeatureNotSupported unless the access method can do what is asked of it."""
    method = statement.method
    if method == "btree":
        return
    if method not in ("hash", "gist", "spgist", "gin", "brin"):
        raise UndefinedObject(
            f'access method "{method}" does not exist', position=statement.position
        )
    if method in ("gin", "brin"):
        raise FeatureNotSupported(
            f'access method "{method}" is not supported',
            position=statement.position,
            hint="Lungfish has btree, hash, gist and spgist indexes.",
        )
    elements = statement.elements
    refused = {
        "unique indexes": statement.is_unique,
        "included columns": bool(statement.include) and method == "hash",
        "multicolumn indexes": len(elements) > 1 and method != "gist",
        "ASC/DESC options": any(each.is_descending for each in elements),
        "NULLS FIRST/LAST options": any(each.nulls_first is not None for each in elements),
    }
    for what, is_asked in refused.items():
        if is_asked:
            raise FeatureNotSupported(
                f'access method "{method}" does not support {what}', position=statement.position
            )


def _choose_name(context: DdlContext, table: Table, statement: CreateIndex) -> str:
    words = key_words([*statement.elements, *map(IndexElement, statement.include)])
    return choose_index_name(context, table, table.name, words, "idx")


def _predicate(context: DdlContext, table: Table, statement: CreateIndex) -> str | None:
    if statement.where is None:
        return None
    kind = _immutable_facts(context, table, statement.where.text, "predicate").type
    if kind != BOOLEAN:
        raise DatatypeMismatch(
            f"argument of WHERE must be type boolean, not type {kind}", position=statement.position
        )
    return context.runner.stored_text(table, statement.where.text, what="index predicates")


def _immutable_facts(context: DdlContext, table: Table, text: str, word: str) -> ExpressionFacts:
    """What is to be known of an index's expression or predicate, which must always give the same for the same row."""
    facts = context.runner.check_expression_facts(table, text, what=f"index {word}s")
    if not facts.is_immutable:
        raise InvalidObjectDefinition(f"functions in index {word} must be marked IMMUTABLE")
    refuse_virtual_in(facts, "indexes on virtual generated columns are not supported")
    return facts


def _plain_column(element: IndexElement) -> IndexElement:
    """`((a COLLATE "C"))` is the column with that collation."""
    node = None if element.expression is None else element.expression.expression
    if not isinstance(node, Collate) or not isinstance(node.operand, Name):
        return element
    if element.collation or len(node.operand.parts) > 1:
        return element
    return replace(element, column=node.operand.parts[0], expression=None, collation=node.collation)


def _key_column(table: Table, name: str) -> Column:
    position = table.column_position(name)
    if position is None:
        raise UndefinedColumn(f'column "{name}" does not exist', table=table.name, column=name)
    return table.columns[position]


def _index_column(
    context: DdlContext, table: Table, element: IndexElement, method: str
) -> IndexColumn:
    nulls_first = element.is_descending if element.nulls_first is None else element.nulls_first
    element = _plain_column(element)
    if element.column is not None:
        column = _key_column(table, element.column)
        chosen = chosen_operator_class(
            element.operator_class, column.type, method, element.position
        )
        has_schema = context.catalog.has_namespace
        collation = collation_of_column(
            element.collation, column.type, has_schema, element.position
        )
        if element.collation and collation is None and column.collation is not None:
            collation = collation_of_type(column.type)
        return IndexColumn(
            column.number,
            is_descending=element.is_descending,
            nulls_first=nulls_first,
            type=column.type,
            collation=None if collation == column.collation else collation,
            operator_class=chosen,
        )
    assert element.expression is not None
    facts = _immutable_facts(context, table, element.expression.text, "expression")
    kind = facts.type
    check_column_type("row", kind)
    chosen = chosen_operator_class(element.operator_class, kind, method, element.position)
    collation = collation_of_column(
        element.collation, kind, context.catalog.has_namespace, element.position
    )
    if not element.collation and collation_of_type(kind) is not None:
        if facts.collation is None:
            raise IndeterminateCollation(
                "could not determine which collation to use for index expression",
                hint="Use the COLLATE clause to set the collation explicitly.",
            )
        collation = None if facts.collation == collation_of_type(kind) else facts.collation
    text = context.runner.stored_text(table, element.expression.text, what="index expressions")
    if element.collation:
        text = f"({text}) COLLATE {quote_identifier(element.collation[-1])}"
    return IndexColumn(
        0,
        expression=text,
        is_descending=element.is_descending,
        nulls_first=nulls_first,
        type=kind,
        collation=collation,
        operator_class=chosen,
    )
