"""What a table asks of its rows, compiled: NOT NULL, generated columns, CHECK, foreign keys.

Made once for each table object and version of the catalog, kept in `Programs`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lungfish.catalog.catalog import Catalog
from lungfish.catalog.objects import Column, Constraint, Table
from lungfish.executor.compiler import Compiler, RowEvaluator
from lungfish.executor.context import Row, Run
from lungfish.executor.deferred_keys import deferrable_keys
from lungfish.executor.exclusions import Exclusion, exclusions_of
from lungfish.executor.foreign_keys import ForeignKey, foreign_keys_of, foreign_keys_to
from lungfish.executor.partition_router import make_partition_check
from lungfish.executor.violations import check_violation, not_in_partition, not_null_violation
from lungfish.executor.volatile_calls import runs_volatile_routine
from lungfish.planner import bind_generated, bind_stored_expression
from lungfish.planner.expressions import BoundExpression, CastTo
from lungfish.types.sql_type import SqlType

# Stored expressions name what they use with its schema, unless it is built in.
_SEARCH_PATH = ("public",)


@dataclass(frozen=True, slots=True)
class TableRules:
    """The rules of one table. Rows here are of the visible columns, in order."""

    table: Table
    catalog_version: int
    types: tuple[SqlType, ...]
    # Stored columns that are NOT NULL, and virtual ones with what they are computed of.
    not_null: tuple[int, ...]
    virtual_not_null: tuple[tuple[int, RowEvaluator], ...]
    generated: tuple[tuple[int, RowEvaluator], ...]
    checks: tuple[tuple[Constraint, RowEvaluator], ...]
    # The foreign keys of this table, and those of others that refer to it.
    foreign_keys: tuple[ForeignKey, ...]
    referenced_by: tuple[ForeignKey, ...]
    # Unique constraints that are looked at later.
    deferrable_keys: tuple[Constraint, ...]
    # Exclusion constraints that are looked at as each row is written; deferrable ones are among `deferrable_keys`.
    exclusions: tuple[Exclusion, ...]
    # Columns of unique indexes: what foreign keys may refer to. An update of others does not stand in the way of references.
    key_positions: frozenset[int]
    # The defaults of columns that have one, for SET DEFAULT.
    defaults: Mapping[int, RowEvaluator]
    # Whether a visible row is stored as it is.
    is_stored_plainly: bool
    # Whether a check runs statements, which see the rows that were stored before.
    is_row_by_row: bool = False
    # Of a partition: whether a row belongs to it.
    belongs: RowEvaluator | None = None

    def changed_by(self, positions: Iterable[int]) -> frozenset[int]:
        """The stored positions of what an assignment to some columns may change."""
        changed = {*positions, *(position for position, _ in self.generated)}
        return frozenset(self.table.stored_positions[position] for position in changed)

    @property
    def is_plain(self) -> bool:
        """Whether nothing but NOT NULL and foreign keys is asked of a row."""
        return (
            not self.generated
            and not self.checks
            and not self.virtual_not_null
            and self.belongs is None
        )

    def complete(self, row: Sequence[Any], run: Run) -> Row:
        """The row with its stored generated columns. Raises NotNullViolation, CheckViolation."""
        if self.generated:
            values = list(row)
            for position, evaluate in self.generated:
                values[position] = evaluate(row, run)
            row = tuple(values)
        for position in self.not_null:
            if row[position] is None:
                raise not_null_violation(self.table, self.table.columns[position], tuple(row))
        for position, evaluate in self.virtual_not_null:
            if evaluate(row, run) is None:
                raise not_null_violation(self.table, self.table.columns[position], tuple(row))
        for constraint, evaluate in self.checks:
            if evaluate(row, run) is False:
                raise check_violation(self.table, constraint, tuple(row))
        if self.belongs is not None and self.belongs(row, run) is not True:
            raise not_in_partition(self.table, tuple(row))
        return row if type(row) is tuple else tuple(row)

    def to_stored(self, row: Row) -> Row:
        """The row as it is stored: dropped columns are NULL."""
        if self.is_stored_plainly:
            return row
        values: list[Any] = [None] * len(self.table.stored_types)
        for position, value in zip(self.table.stored_positions, row, strict=True):
            values[position] = value
        return tuple(values)

    def from_stored(self, stored: Row) -> Row:
        """The visible columns of a stored row."""
        if self.is_stored_plainly:
            return stored
        return tuple([stored[position] for position in self.table.stored_positions])


def make_table_rules(table: Table, catalog: Catalog, compiler: Compiler) -> TableRules:
    """Compile a table's rules."""
    checks = [
        (each, bind_stored_expression(each.check, table, catalog, _SEARCH_PATH))
        for each in _checks_in_order(table)
        if each.check is not None
    ]
    positions = tuple(range(len(table.columns)))
    return TableRules(
        table=table,
        catalog_version=catalog.version,
        types=tuple(column.type for column in table.columns),
        not_null=tuple(
            position
            for position, column in enumerate(table.columns)
            if column.is_not_null and not column.is_virtual
        ),
        virtual_not_null=tuple(
            (position, compiler.row(bind_generated(column, table, catalog, _SEARCH_PATH)))
            for position, column in enumerate(table.columns)
            if column.is_not_null and column.is_virtual and column.generated is not None
        ),
        generated=tuple(
            (position, compiler.row(bind_generated(column, table, catalog, _SEARCH_PATH)))
            for position, column in enumerate(table.columns)
            if column.generated is not None and not column.is_virtual
        ),
        checks=tuple((constraint, compiler.row(bound)) for constraint, bound in checks),
        foreign_keys=foreign_keys_of(table, catalog),
        referenced_by=foreign_keys_to(table, catalog),
        deferrable_keys=deferrable_keys(table),
        exclusions=tuple(
            each for each in exclusions_of(table) if not each.constraint.is_deferrable
        ),
        key_positions=_key_positions(table),
        defaults={
            position: compiler.row(_default(column, table, catalog))
            for position, column in enumerate(table.columns)
            if column.default is not None and _may_be_reset(table, column)
        },
        is_stored_plainly=table.stored_positions == positions
        and len(table.stored_types) == len(positions),
        is_row_by_row=any(runs_volatile_routine(bound) for _, bound in checks),
        belongs=None
        if table.partition_bound is None
        else make_partition_check(table, catalog, compiler),
    )


def _may_be_reset(table: Table, column: Column) -> bool:
    """Whether a referential action may set the column to its default."""
    return any(
        column.number in constraint.columns
        and "set default" in (constraint.on_delete, constraint.on_update)
        for constraint in table.constraints
    )


def _default(column: Column, table: Table, catalog: Catalog) -> BoundExpression:
    """The column's default in the column's type."""
    assert column.default is not None, "asked for columns with a default"
    bound = bind_stored_expression(
        column.default, table, catalog, _SEARCH_PATH, what="DEFAULT expressions"
    )
    if bound.type == column.type:
        return bound
    return CastTo(bound, column.type, is_explicit=False)


def _key_positions(table: Table) -> frozenset[int]:
    return frozenset(
        table.position_of_number(part.column_number)
        for index in table.indexes
        if (index.is_unique or index.is_period) and index.predicate is None
        for part in index.columns
        if part.expression is None
    )


def _checks_in_order(table: Table) -> list[Constraint]:
    """The checks in the order in which PostgreSQL looks at them: by name."""
    found = [item for item in table.constraints if item.kind == "check" and item.is_enforced]
    return sorted(found, key=lambda item: item.name)
