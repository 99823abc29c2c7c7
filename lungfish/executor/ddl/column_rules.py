"""What a column's definition may not be: names that the system keeps, generation expressions that would not be repeatable."""

from __future__ import annotations

from lungfish.catalog import Catalog
from lungfish.catalog.objects import Column, Table
from lungfish.errors import (
    DatatypeMismatch,
    DuplicateColumn,
    FeatureNotSupported,
    InvalidColumnDefinition,
    InvalidObjectDefinition,
    InvalidParameterValue,
    InvalidTableDefinition,
    SyntaxError,
    TooManyColumns,
)
from lungfish.executor.ddl.context import DdlContext
from lungfish.executor.ddl.virtual_columns import check_virtual_expression, refuse_virtual
from lungfish.planner import may_assign
from lungfish.sql.ast.ddl import ConstraintDefinition
from lungfish.sql.rename import mentions_name
from lungfish.types.sql_type import SqlType, TypeKind

SYSTEM_COLUMNS = frozenset({"tableoid", "cmax", "xmax", "cmin", "xmin", "ctid"})
_COLUMNS_MAX = 1600
_IDENTITY_KINDS = (TypeKind.SMALLINT, TypeKind.INTEGER, TypeKind.BIGINT)
# The actions that would write into a column whose values the table makes itself.
_WRITING_ON_UPDATE = frozenset({"cascade", "set null", "set default"})
_WRITING_ON_DELETE = frozenset({"set null", "set default"})


def check_column_name(name: str, position: int) -> None:
    """Raise DuplicateColumn for the name of a system column."""
    if name in SYSTEM_COLUMNS:
        raise DuplicateColumn(
            f'column name "{name}" conflicts with a system column name', position=position
        )


def check_column_count(count: int) -> None:
    """Raise TooManyColumns for more columns than a table of PostgreSQL has."""
    if count > _COLUMNS_MAX:
        raise TooManyColumns(f"tables can have at most {_COLUMNS_MAX} columns")


def check_column_type(name: str, kind: SqlType) -> None:
    """Raise InvalidTableDefinition for a row without a type of its own, which no column can hold."""
    inner = kind.element if kind.kind is TypeKind.ARRAY else kind
    if inner is not None and inner.kind is TypeKind.RECORD and inner.name is None:
        shown = "record" if inner is kind else "record[]"
        raise InvalidTableDefinition(f'column "{name}" has pseudo-type {shown}')
    if kind.kind in (TypeKind.UNKNOWN, TypeKind.VOID):
        raise InvalidTableDefinition(f'column "{name}" has pseudo-type {kind}')


def is_assignable(given: SqlType, kind: SqlType, catalog: Catalog) -> bool:
    """Whether a value of that type, or a literal, can be stored in a column of the other."""
    return given.kind is TypeKind.UNKNOWN or may_assign(given, kind, catalog)


def check_assigned(column: Column, given: SqlType, catalog: Catalog) -> None:
    """Raise DatatypeMismatch unless a default or generation expression of that type can be stored in the column."""
    if not is_assignable(given, column.type, catalog):
        raise DatatypeMismatch(
            f'column "{column.name}" is of type {column.type.unmodified} but default expression is of type '
            f"{given.unmodified}",
            hint="You will need to rewrite or cast the expression.",
        )


def refuse_system_column(name: str, act: str, position: int) -> None:
    """Raise FeatureNotSupported for what cannot be done (`act`: "alter", "rename", "drop") to a system column."""
    if name in SYSTEM_COLUMNS:
        raise FeatureNotSupported(f'cannot {act} system column "{name}"', position=position)


def check_identity_type(kind: SqlType, position: int) -> None:
    """Raise InvalidParameterValue unless a sequence can fill the column."""
    if kind.kind not in _IDENTITY_KINDS or kind.domain is not None:
        raise InvalidParameterValue(
            "identity column type must be smallint, integer, or bigint", position=position
        )


def check_generated(context: DdlContext, table: Table, column: Column) -> None:
    """Bind a generation expression. Raises InvalidObjectDefinition if it reads a generated column, or if the same
    row may give another value at another time."""
    assert column.generated is not None
    facts = context.runner.check_expression_facts(
        table, column.generated, what="column generation expressions"
    )
    if facts.reads_whole_row:
        raise InvalidObjectDefinition(
            "cannot use whole-row variable in column generation expression",
            detail="This would cause the generated column to depend on its own value.",
        )
    for used in facts.columns:
        if used.generated is not None:
            raise InvalidObjectDefinition(
                f'cannot use generated column "{used.name}" in column generation expression',
                detail="A generated column cannot reference another generated column.",
            )
    if not facts.is_immutable:
        raise InvalidObjectDefinition("generation expression is not immutable")
    if column.is_virtual:
        check_virtual_expression(facts)


def check_foreign_key_actions(table: Table, definition: ConstraintDefinition) -> None:
    """Raise SyntaxError where a referential action would write into a generated column."""
    reference = definition.reference
    assert reference is not None
    for column in table.columns:
        if column.name not in definition.columns or column.generated is None:
            continue
        for word, action, writing in (
            ("ON UPDATE", reference.on_update, _WRITING_ON_UPDATE),
            ("ON DELETE", reference.on_delete, _WRITING_ON_DELETE),
        ):
            if action in writing:
                raise SyntaxError(
                    f"invalid {word} action for foreign key constraint containing generated column",
                    position=definition.position,
                )
        refuse_virtual(table, (column.number,), "foreign key constraints")


def check_type_change(table: Table, column: Column, *, has_using: bool, position: int) -> None:
    """Raise if the column's type may not become another."""
    if column.generated is not None and has_using:
        raise InvalidColumnDefinition(
            "cannot specify USING when altering type of generated column",
            position=position,
            detail=f'Column "{column.name}" is a generated column.',
        )
    for other in table.columns:
        if other.generated is not None and mentions_name(other.generated, column.name):
            raise FeatureNotSupported(
                "cannot alter type of a column used by a generated column",
                position=position,
                detail=f'Column "{column.name}" is used by generated column "{other.name}".',
            )
