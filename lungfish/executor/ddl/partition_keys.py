"""PARTITION BY: what a table is partitioned by."""

from __future__ import annotations

from collections.abc import Sequence

from lungfish import errors
from lungfish.catalog.objects import Column, Table
from lungfish.catalog.partition_parts import PartitionKey, PartitionKeyColumn
from lungfish.executor.ddl.context import DdlContext
from lungfish.executor.ddl.operator_class import chosen_operator_class
from lungfish.functions.partition_hash import can_hash
from lungfish.planner import bind_stored_expression
from lungfish.planner.expressions import Constant
from lungfish.planner.simplify import simplify
from lungfish.sql.ast.ddl import ConstraintDefinition
from lungfish.sql.ast.expressions import Literal
from lungfish.sql.ast.partitions import PartitionBy, PartitionElement
from lungfish.types.collations import collation_of_column, collation_of_type
from lungfish.types.sql_type import SqlType, TypeKind

_COLUMNS_MAX = 32
_UNTYPED = (Literal.Kind.STRING, Literal.Kind.NULL)
_UNORDERED = frozenset({TypeKind.JSON, TypeKind.JSONPATH})
_SYSTEM_COLUMNS = frozenset({"tableoid", "ctid", "xmin", "xmax", "cmin", "cmax"})


def make_partition_key(context: DdlContext, table: Table, clause: PartitionBy) -> PartitionKey:
    """The key of a table that has its columns. Raises InvalidObjectDefinition and the like, as PostgreSQL words them."""
    if clause.strategy == "list" and len(clause.elements) > 1:
        raise errors.InvalidObjectDefinition(
            'cannot use "list" partition strategy with more than one column'
        )
    if len(clause.elements) > _COLUMNS_MAX:
        raise errors.ProgramLimitExceeded(
            f"cannot partition using more than {_COLUMNS_MAX} columns"
        )
    columns = tuple(
        _key_column(context, table, number, clause) for number in range(len(clause.elements))
    )
    return PartitionKey(clause.strategy, columns)


def refuse_no_inherit(table: Table, constraints: Sequence[ConstraintDefinition]) -> None:
    """Raise InvalidTableDefinition for checks that partitions would not have: a partitioned table has no rows of its own."""
    if any(each.kind == "check" and each.is_no_inherit for each in constraints):
        raise errors.InvalidTableDefinition(
            f'cannot add NO INHERIT constraint to partitioned table "{table.name}"'
        )
    if any(each.kind == "not null" and each.is_no_inherit for each in constraints):
        raise errors.FeatureNotSupported(
            "not-null constraints on partitioned tables cannot be NO INHERIT"
        )


def _key_column(
    context: DdlContext, table: Table, at: int, clause: PartitionBy
) -> PartitionKeyColumn:
    element = clause.elements[at]
    if element.column is not None:
        column = _column(table, element)
        number, kind, text = column.number, column.type, None
    else:
        assert element.expression is not None, "an element is a column or an expression"
        number, text = 0, element.expression.text
        kind = _expression_type(context, table, element, at + 1)
        what = "partition key expressions"
        text = context.runner.stored_text(table, text, what=what)
    has_schema = context.catalog.has_namespace
    collation = collation_of_column(element.collation, kind, has_schema, element.position)
    if not element.collation and element.column is None and collation_of_type(kind) is not None:
        assert text is not None, "an element is a column or an expression"
        what = "partition key expressions"
        collation = context.runner.check_expression_facts(table, text, what=what).collation
        if collation is None:
            raise errors.InvalidTableDefinition(
                f"no collation was derived for partition key column {at + 1} with collatable type {kind}",
                hint="Use the COLLATE clause to set the collation explicitly.",
            )
        collation = None
    if kind.kind in _UNORDERED:
        raise errors.UndefinedObject(
            f'data type {kind} has no default operator class for access method "btree"',
            hint="You must specify a btree operator class or define a default btree operator class for the data type.",
        )
    method = "hash" if clause.strategy == "hash" else "btree"
    chosen = chosen_operator_class(element.operator_class, kind, method, element.position)
    if clause.strategy == "hash" and not can_hash(kind):
        raise errors.FeatureNotSupported(
            f"hash partitioning by type {kind} is not supported", position=element.position
        )
    return PartitionKeyColumn(number, kind, text, collation, chosen)


def _column(table: Table, element: PartitionElement) -> Column:
    name = element.column
    for column in table.columns:
        if column.name == name:
            _refuse_generated(column, element)
            return column
    if name in _SYSTEM_COLUMNS:
        raise errors.InvalidObjectDefinition(
            f'cannot use system column "{name}" in partition key', position=element.position
        )
    raise errors.UndefinedColumn(
        f'column "{name}" named in partition key does not exist', position=element.position
    )


def _refuse_generated(column: Column, element: PartitionElement) -> None:
    if column.generated is not None:
        raise errors.InvalidObjectDefinition(
            "cannot use generated column in partition key",
            position=element.position,
            detail=f'Column "{column.name}" is a generated column.',
        )


def _expression_type(
    context: DdlContext, table: Table, element: PartitionElement, number: int
) -> SqlType:
    assert element.expression is not None, "asked for expressions only"
    literal = element.expression.expression
    if isinstance(literal, Literal) and literal.kind in _UNTYPED:
        raise _pseudo_type(number, "unknown")
    text, what = element.expression.text, "partition key expressions"
    facts = context.runner.check_expression_facts(table, text, what=what)
    for used in facts.columns:
        _refuse_generated(used, element)
    bound = bind_stored_expression(text, table, context.catalog, context.search_path, what=what)
    if not facts.is_immutable:
        raise errors.InvalidObjectDefinition(
            "functions in partition key expression must be marked IMMUTABLE"
        )
    if bound.type.kind is TypeKind.RECORD and not bound.type.name:
        raise _pseudo_type(number, "record")
    if isinstance(simplify(bound), Constant):
        raise errors.InvalidObjectDefinition("cannot use constant expression as partition key")
    return bound.type


def _pseudo_type(number: int, name: str) -> errors.Error:
    return errors.InvalidTableDefinition(f"partition key column {number} has pseudo-type {name}")
