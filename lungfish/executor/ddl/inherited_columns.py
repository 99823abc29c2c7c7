"""What a new table gets from the tables that it inherits from, or of which it is a partition: columns, NOT NULL, checks.

Columns of several parents that have one name are merged, and so is what the table itself says of such a column; the words of
notices and errors are PostgreSQL's (tablecmds.c: MergeAttributes).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lungfish.catalog.catalog import Relation
from lungfish.catalog.objects import Column, Constraint, Table
from lungfish.errors import (
    DatatypeMismatch,
    DuplicateObject,
    DuplicateTable,
    InvalidColumnDefinition,
    WrongObjectType,
)
from lungfish.executor.ddl.context import DdlContext
from lungfish.executor.ddl.names import find_relation
from lungfish.executor.ddl.virtual_columns import require_same_generation
from lungfish.sql.ast.ddl import ColumnDefinition
from lungfish.sql.ast.queries import ObjectName


def find_parents(context: DdlContext, names: Sequence[ObjectName], persistence: str) -> list[Table]:
    """The tables of INHERITS. Raises WrongObjectType for what cannot be a parent, DuplicateTable for one named twice."""
    found: list[Table] = []
    for name in names:
        relation = find_relation(context, name)
        parent = require_parent(relation, name, persistence)
        if parent in found:
            raise DuplicateTable(
                f'relation "{parent.name}" would be inherited from more than once',
                position=None,
            )
        found.append(parent)
    return found


def require_parent(relation: Relation, name: ObjectName, persistence: str) -> Table:
    """The relation as one that a table of that persistence may inherit from. Raises WrongObjectType."""
    problem = None
    if not isinstance(relation, Table) or relation.materialized_query is not None:
        problem = f'inherited relation "{name.name}" is not a table or foreign table'
    elif relation.partition_key is not None:
        problem = f'cannot inherit from partitioned table "{name.name}"'
    elif relation.partition_bound is not None:
        problem = f'cannot inherit from partition "{name.name}"'
    elif relation.persistence == "temporary" and persistence != "temporary":
        problem = f'cannot inherit from temporary relation "{name.name}"'
    if problem is not None:
        raise WrongObjectType(problem)
    assert isinstance(relation, Table), "looked at above"
    return relation


def inherit(context: DdlContext, table: Table, parents: Sequence[Table]) -> Table:
    """The new table, which has no columns yet, with its parents' columns and checks; none of them is its own."""
    is_partition = table.partition_bound is not None
    columns: list[Column] = []
    conflicting: set[str] = set()
    for parent in parents:
        context.runner.lock_table(parent, "share update exclusive")
        for column in parent.columns:
            known = next((item for item in columns if item.name == column.name), None)
            made = inherited_column(column, len(columns) + 1, is_partition=is_partition)
            if known is None:
                columns.append(made)
                continue
            context.runner.notice(
                f'merging multiple inherited definitions of column "{column.name}"'
            )
            columns[known.number - 1] = _merged(known, made, conflicting)
    types = tuple(column.type for column in columns)
    table = replace(
        table,
        columns=tuple(columns),
        stored_types=types,
        stored_positions=tuple(range(len(types))),
        next_column_number=len(columns) + 1,
        parents=tuple(parent.oid for parent in parents),
    )
    return _with_conflicts(_with_checks(context, table, parents), conflicting)


def inherited_column(column: Column, number: int, *, is_partition: bool) -> Column:
    """A parent's column as a child has it. Only partitions share an identity."""
    keeps = is_partition and column.identity is not None
    return replace(
        column,
        number=number,
        is_local=False,
        is_not_null=column.passes_not_null,
        is_not_null_local=False,
        may_hold_nulls=False,
        keeps_not_null=False,
        comment=None,
        identity=column.identity if keeps else None,
        sequence_oid=column.sequence_oid if keeps else None,
    )


def _merged(known: Column, other: Column, conflicting: set[str]) -> Column:
    """One column of two parents. A default that they do not agree on is noted in `conflicting`."""
    if known.type != other.type:
        raise DatatypeMismatch(
            f'inherited column "{known.name}" has a type conflict',
            detail=f"{known.type} versus {other.type}",
        )
    if (known.generated is None, known.is_virtual) != (other.generated is None, other.is_virtual):
        raise DatatypeMismatch(f'inherited column "{known.name}" has a generation conflict')
    if known.generated != other.generated:
        conflicting.add(known.name)
    if known.default is not None and other.default is not None and known.default != other.default:
        conflicting.add(known.name)
    return replace(
        known,
        is_not_null=known.is_not_null or other.is_not_null,
        default=known.default if known.default is not None else other.default,
    )


def _with_conflicts(table: Table, conflicting: set[str]) -> Table:
    """Columns whose parents disagree keep a mark instead of a default until the table itself says one."""
    return replace(
        table,
        columns=tuple(
            replace(
                item,
                default=CONFLICT_MARK,
                generated=None if item.generated is None else CONFLICT_MARK,
            )
            if item.name in conflicting
            else item
            for item in table.columns
        ),
    )


# No default can be written so.
CONFLICT_MARK = ";"


def refuse_conflicts(table: Table) -> None:
    """Raise InvalidColumnDefinition if parents disagree on a default and the table has not said one."""
    for column in table.columns:
        if column.generated == CONFLICT_MARK:
            raise InvalidColumnDefinition(
                f'column "{column.name}" inherits conflicting generation expressions',
                hint="To resolve the conflict, specify a generation expression explicitly.",
            )
        if column.default == CONFLICT_MARK:
            raise InvalidColumnDefinition(
                f'column "{column.name}" inherits conflicting default values',
                hint="To resolve the conflict, specify a default explicitly.",
            )


def merge_own_column(
    context: DdlContext, table: Table, inherited: Column, own: Column, definition: ColumnDefinition
) -> Table:
    """The table with what it says itself of a column that it also inherits."""
    position = table.position_of_number(inherited.number)
    ordinal = sum(item.is_local for item in table.columns)
    word = "merging" if position == ordinal else "moving and merging"
    context.runner.notice(f'{word} column "{own.name}" with inherited definition')
    if own.type != inherited.type:
        raise DatatypeMismatch(
            f'column "{own.name}" has a type conflict',
            detail=f"{inherited.type} versus {own.type}",
        )
    if own.collation != inherited.collation:
        raise DatatypeMismatch(
            f'column "{own.name}" has a collation conflict',
            detail=f'"{inherited.collation or "default"}" versus "{own.collation or "default"}"',
        )
    _check_generation(inherited, own)
    merged = replace(
        own,
        number=inherited.number,
        is_local=True,
        is_not_null=own.is_not_null or inherited.is_not_null,
        is_not_null_local=own.is_not_null,
        default=own.default
        if own.default is not None or definition.identity is not None
        else inherited.default,
        generated=own.generated if own.generated is not None else inherited.generated,
        is_virtual=inherited.is_virtual,
    )
    columns = list(table.columns)
    columns[position] = merged
    return replace(table, columns=tuple(columns))


def _check_generation(inherited: Column, own: Column) -> None:
    if inherited.generated is not None:
        what = "default" if own.default is not None else "identity" if own.identity else None
        if what is not None:
            raise InvalidColumnDefinition(
                f'column "{own.name}" inherits from generated column but specifies {what}'
            )
        if own.generated is not None:
            require_same_generation(own, inherited, InvalidColumnDefinition)
    elif own.generated is not None:
        raise InvalidColumnDefinition(
            f'child column "{own.name}" specifies generation expression',
            hint="A child table column cannot be generated unless its parent column is.",
        )


def _with_checks(context: DdlContext, table: Table, parents: Sequence[Table]) -> Table:
    found: dict[str, Constraint] = {}
    for parent in parents:
        for item in parent.constraints:
            if item.kind != "check" or item.is_no_inherit:
                continue
            known = found.get(item.name)
            if known is None:
                inherited = inherited_check(context, item, parent, table)
                # A table that is being made has no row that could contradict what its parent did not validate.
                found[item.name] = replace(inherited, is_validated=item.is_enforced)
            elif known.check != item.check:
                raise DuplicateObject(
                    f'check constraint name "{item.name}" appears multiple times but with different expressions'
                )
            elif item.is_enforced and not known.is_enforced:
                found[item.name] = replace(known, is_enforced=True, is_validated=True)
    return replace(table, constraints=tuple(found.values()))


def inherited_check(
    context: DdlContext, item: Constraint, parent: Table, child: Table
) -> Constraint:
    """A parent's check as a child has it."""
    names = [parent.columns[parent.position_of_number(number)].name for number in item.columns]
    return replace(
        item,
        oid=context.change.new_oid(),
        columns=tuple(child.columns[child.column_position(name) or 0].number for name in names),
        is_local=False,
        comment=None,
    )
