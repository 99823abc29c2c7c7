"""EXCLUDE: from a definition to the catalog's constraint and its index, and which operators a method can hold apart.

The index is a B+Tree under any method. GiST is accepted for what PostgreSQL's own operator classes hold (ranges and multiranges), and
for the scalar types of its extension btree_gist, `=` and `<>`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lungfish.catalog.objects import Column, Constraint, Index, IndexColumn, Table
from lungfish.errors import (
    DatatypeMismatch,
    DuplicateObject,
    FeatureNotSupported,
    InvalidObjectDefinition,
    SyntaxError,
    UndefinedColumn,
    UndefinedObject,
    WrongObjectType,
)
from lungfish.executor.ddl.context import DdlContext
from lungfish.executor.ddl.names import (
    choose_index_name,
    find_column,
    key_words,
    refuse_taken_name,
)
from lungfish.executor.ddl.operator_class import chosen_operator_class
from lungfish.executor.ddl.virtual_columns import refuse_virtual, refuse_virtual_in
from lungfish.functions import resolve_operator
from lungfish.sql.ast.ddl import ConstraintDefinition, Exclusion, ExpressionText, IndexElement
from lungfish.sql.ast.queries import ObjectName
from lungfish.types.sql_type import BOOLEAN, SqlType, TypeKind

_RANGE_KINDS = frozenset({TypeKind.RANGE, TypeKind.MULTIRANGE})
_RANGE_OPERATORS = frozenset({"=", "&&", "-|-"})
# btree_gist's.
_SCALAR_OPERATORS = frozenset({"=", "<>"})
_SCALAR_KINDS = frozenset(
    {
        TypeKind.BOOLEAN, TypeKind.SMALLINT, TypeKind.INTEGER, TypeKind.BIGINT, TypeKind.OID, TypeKind.REAL, TypeKind.DOUBLE,
        TypeKind.NUMERIC, TypeKind.TEXT, TypeKind.VARCHAR, TypeKind.CHAR, TypeKind.BYTEA, TypeKind.DATE, TypeKind.TIME,
        TypeKind.TIMETZ, TypeKind.TIMESTAMP, TypeKind.TIMESTAMPTZ, TypeKind.INTERVAL, TypeKind.UUID, TypeKind.BIT,
        TypeKind.VARBIT, TypeKind.ENUM,
    }
)  # fmt: skip
# Operators whose sides can be changed over; others say nothing about two rows alike.
_COMMUTATIVE = frozenset({"=", "<>", "&&", "-|-"})
_METHODS = ("btree", "hash", "gist", "spgist")
_OTHER_METHODS = ("gin", "brin")
_NO_ORDER = frozenset({TypeKind.JSON, TypeKind.JSONPATH})


def add_exclusion(context: DdlContext, table: Table, definition: ConstraintDefinition) -> Table:
    """The table with the constraint and its index, which is not yet made."""
    exclusion = definition.exclusion
    assert exclusion is not None, "an exclude constraint has elements"
    _check_method(table, definition, exclusion)
    keys = tuple(
        _key(context, table, element, exclusion.method) for element, _ in exclusion.elements
    )
    for key, (element, operator) in zip(keys, exclusion.elements, strict=True):
        assert key.type is not None, "keys of new indexes have types"
        _check_operator(operator, key.type, exclusion.method, element.position)
    refuse_virtual(table, [key.column_number for key in keys], "unique constraints")
    name = _name(context, table, definition, exclusion)
    index = Index(
        context.change.new_oid(),
        name,
        table.namespace_oid,
        table.oid,
        context.change.new_relation_id(),
        keys,
        include=tuple(find_column(table, item).number for item in definition.include),
        predicate=_predicate(context, table, exclusion),
        is_deferrable=definition.is_deferrable,
        method=exclusion.method,
        parameters=definition.parameters,
        is_exclusion=True,
    )
    constraint = Constraint(
        context.change.new_oid(),
        name,
        "exclude",
        tuple(key.column_number for key in keys),
        index_oid=index.oid,
        is_deferrable=definition.is_deferrable,
        is_initially_deferred=definition.is_initially_deferred,
        operators=tuple(operator for _, operator in exclusion.elements),
    )
    return replace(
        table, indexes=(*table.indexes, index), constraints=(*table.constraints, constraint)
    )


def check_period(table: Table, definition: ConstraintDefinition, columns: Sequence[Column]) -> None:
    """Look at the columns of a key WITHOUT OVERLAPS. Raises 42601, 42804, 42704, 0A000."""
    if table.partition_key is not None or table.partition_bound is not None:
        raise FeatureNotSupported(
            "WITHOUT OVERLAPS on partitioned tables is not supported", position=definition.position
        )
    if len(columns) < 2:
        raise SyntaxError(
            "constraint using WITHOUT OVERLAPS needs at least two columns",
            position=definition.position,
        )
    *others, period = columns
    if period.type.base.kind not in _RANGE_KINDS:
        raise DatatypeMismatch(
            f'column "{period.name}" in WITHOUT OVERLAPS is not a range or multirange type',
            position=definition.position,
        )
    for column in others:
        require_class(column.type, "gist", definition.position)


def _check_method(table: Table, definition: ConstraintDefinition, exclusion: Exclusion) -> None:
    if table.partition_key is not None or table.partition_bound is not None:
        raise FeatureNotSupported(
            "exclusion constraints on partitioned tables are not supported",
            position=definition.position,
        )
    if exclusion.method not in (*_METHODS, *_OTHER_METHODS):
        raise UndefinedObject(
            f'access method "{exclusion.method}" does not exist', position=definition.position
        )
    if exclusion.method not in _METHODS:
        raise FeatureNotSupported(
            f'access method "{exclusion.method}" is not supported', position=definition.position
        )
    if exclusion.method in ("hash", "spgist") and len(exclusion.elements) > 1:
        raise FeatureNotSupported(
            f'access method "{exclusion.method}" does not support multicolumn indexes',
            position=definition.position,
        )
    if definition.include and exclusion.method == "hash":
        raise FeatureNotSupported(
            'access method "hash" does not support included columns', position=definition.position
        )


def _key(context: DdlContext, table: Table, element: IndexElement, method: str) -> IndexColumn:
    if element.collation:
        raise FeatureNotSupported(
            "a collation of a key of an exclusion constraint is not supported",
            position=element.position,
        )
    nulls_first = element.is_descending if element.nulls_first is None else element.nulls_first
    if element.is_descending or nulls_first:
        raise FeatureNotSupported(
            "an order of the keys of an exclusion constraint is not supported",
            position=element.position,
        )
    if element.column is not None:
        position = table.column_position(element.column)
        if position is None:
            raise UndefinedColumn(
                f'column "{element.column}" named in key does not exist',
                position=element.position,
                column=element.column,
            )
        column = table.columns[position]
        key = IndexColumn(column.number, type=column.type)
    else:
        key = _expression_key(context, table, element)
    assert key.type is not None, "keys of new indexes have types"
    chosen = chosen_operator_class(element.operator_class, key.type, method, element.position)
    return replace(key, operator_class=chosen)


def _expression_key(context: DdlContext, table: Table, element: IndexElement) -> IndexColumn:
    assert element.expression is not None, "an element is a column or an expression"
    kind = _immutable_type(context, table, element.expression, "expression")
    text = context.runner.stored_text(table, element.expression.text, what="index expressions")
    return IndexColumn(0, expression=text, type=kind)


def _immutable_type(
    context: DdlContext, table: Table, expression: ExpressionText, word: str
) -> SqlType:
    facts = context.runner.check_expression_facts(table, expression.text, what=f"index {word}s")
    refuse_virtual_in(facts, "indexes on virtual generated columns are not supported")
    if not facts.is_immutable:
        raise InvalidObjectDefinition(f"functions in index {word} must be marked IMMUTABLE")
    return facts.type


def _predicate(context: DdlContext, table: Table, exclusion: Exclusion) -> str | None:
    if exclusion.where is None:
        return None
    kind = _immutable_type(context, table, exclusion.where, "predicate")
    if kind != BOOLEAN:
        raise DatatypeMismatch(f"argument of WHERE must be type boolean, not type {kind}")
    return context.runner.stored_text(table, exclusion.where.text, what="index predicates")


def _check_operator(operator: str, sql_type: SqlType, method: str, position: int) -> None:
    """Raise unless the method's default operator class for the type has the operator."""
    base = sql_type.base
    allowed = require_class(sql_type, method, position)
    resolve_operator(operator, (base, base), position=position)
    declared = "any" + base.kind.value if base.kind in _RANGE_KINDS else str(base.unmodified)
    shown = f"{operator}({declared},{declared})"
    if operator not in _COMMUTATIVE:
        raise WrongObjectType(
            f"operator {shown} is not commutative",
            position=position,
            detail="Only commutative operators can be used in exclusion constraints.",
        )
    if operator not in allowed:
        raise WrongObjectType(
            f'operator {shown} is not a member of operator family "{_family(base, method)}"',
            position=position,
            detail="The exclusion operator must be related to the index operator class for the constraint.",
        )


def require_class(sql_type: SqlType, method: str, position: int) -> frozenset[str]:
    """The operators of the method's default operator class for the type. Raises 42704 if there is none."""
    allowed = _allowed(sql_type.base, method)
    if not allowed:
        raise UndefinedObject(
            f'data type {sql_type.unmodified} has no default operator class for access method "{method}"',
            position=position,
            hint="You must specify an operator class for the index or define a default operator class"
            " for the data type.",
        )
    return allowed


def needs_extension(table: Table) -> bool:
    """Whether PostgreSQL needs its extension btree_gist for what the table has USING gist."""
    return any(
        index.method == "gist" and key.type is not None and key.type.base.kind not in _RANGE_KINDS
        for index in table.indexes
        for key in index.columns
    )


def _allowed(base: SqlType, method: str) -> frozenset[str]:
    if base.kind in _RANGE_KINDS and method in ("gist", "spgist"):
        is_held = method == "gist" or base.kind is TypeKind.RANGE
        return _RANGE_OPERATORS if is_held else frozenset()
    if method == "gist":
        return _SCALAR_OPERATORS if base.kind in _SCALAR_KINDS else frozenset()
    if method == "spgist":
        return frozenset({"="}) if base.kind is TypeKind.TEXT else frozenset()
    return frozenset() if base.kind in _NO_ORDER else frozenset({"="})


def _family(base: SqlType, method: str) -> str:
    if base.kind in _RANGE_KINDS:
        return f"{base.kind.value}_ops"
    names = {TypeKind.SMALLINT: "integer", TypeKind.INTEGER: "integer", TypeKind.BIGINT: "integer"}
    stem = names.get(base.kind, base.kind.value.partition(" ")[0])
    return f"gist_{stem}_ops" if method == "gist" else f"{stem}_ops"


def _name(
    context: DdlContext, table: Table, definition: ConstraintDefinition, exclusion: Exclusion
) -> str:
    """The name that was given, or PostgreSQL's choice. Raises DuplicateObject, DuplicateTable."""
    if definition.name is None:
        included = map(IndexElement, definition.include)
        words = key_words([*(element for element, _ in exclusion.elements), *included])
        return choose_index_name(context, table, table.name, words, "excl")
    if any(constraint.name == definition.name for constraint in table.constraints):
        raise DuplicateObject(
            f'constraint "{definition.name}" for relation "{table.name}" already exists',
            position=definition.position,
        )
    name = ObjectName(definition.name, position=definition.position)
    refuse_taken_name(context, table.namespace_oid, name)
    return definition.name
