"""NOT NULL: a property of its column, and a constraint with a name beside it, as PostgreSQL 18 has it.

`Column.is_not_null` is what rows are held to. The constraint of kind "not null" in the column's table gives it the name that it is
dropped, renamed and commented on by. `with_not_null_constraints` runs wherever a table is put into the catalog, so that the
two cannot part: whatever sets or drops the property (SET NOT NULL, a primary key, an identity, a parent) need not think of names.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from lungfish.catalog import Catalog
from lungfish.catalog.chosen_names import choose_name
from lungfish.catalog.inheritance import not_null_of, parents_of
from lungfish.catalog.objects import Column, Constraint, Oid, Table
from lungfish.errors import (
    DuplicateObject,
    FeatureNotSupported,
    ObjectNotInPrerequisiteState,
    UndefinedColumn,
)
from lungfish.sql.ast.ddl import AlterColumnNotNull, ConstraintDefinition, DropConstraint


def set_not_null(table: Table, name: str, *, is_not_null: bool) -> Table:
    """The table with the NOT NULL of a column that it has set or dropped."""
    columns = tuple(
        replace(item, is_not_null=is_not_null) if item.name == name else item
        for item in table.columns
    )
    return replace(table, columns=columns)


def add_not_null(
    table: Table, definition: ConstraintDefinition, new_oid: Callable[[], Oid]
) -> Table:
    """The table with a NOT NULL that was written as a constraint.

    Raises UndefinedColumn, DuplicateObject, FeatureNotSupported, and ObjectNotInPrerequisiteState if it has another name already.
    """
    if definition.is_no_inherit or definition.is_not_valid:
        what = "NO INHERIT" if definition.is_no_inherit else "NOT VALID"
        raise FeatureNotSupported(
            f"{what} of not-null constraints is not supported", position=definition.position
        )
    (column_name,) = definition.columns
    position = table.column_position(column_name)
    if position is None:
        raise UndefinedColumn(
            f'column "{column_name}" of relation "{table.name}" does not exist',
            position=definition.position,
            table=table.name,
            column=column_name,
        )
    column, name = table.columns[position], definition.name
    known = not_null_of(table, column)
    table = set_not_null(table, column_name, is_not_null=True)
    if name is None or (known is not None and known.name == name):
        return table
    if known is not None:
        raise ObjectNotInPrerequisiteState(
            f'cannot create not-null constraint "{name}" on column "{column_name}" of table "{table.name}"',
            detail=f'A not-null constraint named "{known.name}" already exists for this column.',
            position=definition.position,
        )
    if any(item.name == name for item in table.constraints):
        raise DuplicateObject(
            f'constraint "{name}" for relation "{table.name}" already exists',
            position=definition.position,
        )
    made = Constraint(new_oid(), name, "not null", (column.number,))
    return replace(table, constraints=(*table.constraints, made))


def drop_of_not_null(
    table: Table, constraint: Constraint, action: DropConstraint
) -> AlterColumnNotNull:
    """The DROP NOT NULL that dropping the constraint comes to."""
    column = table.columns[table.position_of_number(constraint.columns[0])]
    return AlterColumnNotNull(column.name, is_not_null=False, position=action.position)


def with_not_null_constraints(table: Table, catalog: Catalog, new_oid: Callable[[], Oid]) -> Table:
    """The table with a constraint for each column that is NOT NULL, and for no other."""
    held = {column.number: column for column in table.columns if column.is_not_null}
    kept = tuple(
        _as_local(item, held) if item.kind == "not null" else item
        for item in table.constraints
        if item.kind != "not null" or item.columns[0] in held
    )
    named = {item.columns[0] for item in kept if item.kind == "not null"}
    made = list(kept)
    for number, column in held.items():
        if number not in named:
            taken = {item.name for item in made}
            name = _name_of_parent(table, column, catalog)
            if name is None or name in taken:
                name = choose_name((table.name, column.name, "not_null"), taken.__contains__)
            own = column.is_not_null_local
            made.append(Constraint(new_oid(), name, "not null", (number,), is_local=own))
    constraints = tuple(made)
    if constraints == table.constraints:
        return table
    return replace(table, constraints=constraints)


def _as_local(item: Constraint, held: dict[int, Column]) -> Constraint:
    is_local = held[item.columns[0]].is_not_null_local
    return item if item.is_local == is_local else replace(item, is_local=is_local)


def _name_of_parent(table: Table, column: Column, catalog: Catalog) -> str | None:
    """The name that a parent has for it; children get it with the column."""
    for parent in parents_of(table, catalog):
        position = parent.column_position(column.name)
        found = None if position is None else not_null_of(parent, parent.columns[position])
        if found is not None:
            return found.name
    return None
