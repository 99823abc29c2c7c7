"""NOT NULL: a property of its column, and a constraint with a name beside it, as PostgreSQL 18 has it.

`Column.is_not_null` is what rows are held to from now on; where `may_hold_nulls` says NOT VALID, older ones may contradict it. The constraint of kind "not null" in the column's table gives it the name that it is
dropped, renamed and commented on by. `with_not_null_constraints` runs wherever a table is put into the catalog, so that the
two cannot part: whatever sets or drops the property (SET NOT NULL, a primary key, an identity, a parent) need not think of names.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from lungfish.catalog import Catalog
from lungfish.catalog.chosen_names import choose_name
from lungfish.catalog.inheritance import not_null_inherit_count, not_null_of, parents_of
from lungfish.catalog.objects import Column, Constraint, Oid, Table
from lungfish.errors import (
    DatatypeMismatch,
    DuplicateObject,
    InvalidTableDefinition,
    ObjectNotInPrerequisiteState,
    SyntaxError,
    UndefinedColumn,
)
from lungfish.sql.ast.ddl import (
    AddConstraint,
    AlterColumnNotNull,
    AlterTableAction,
    ColumnDefinition,
    ConstraintDefinition,
    DropConstraint,
)

_VALIDATE = "You might need to validate it using ALTER TABLE ... VALIDATE CONSTRAINT."
_INHERIT = "You might need to make the existing constraint inheritable using ALTER TABLE ... ALTER CONSTRAINT ... INHERIT."


def set_not_null(table: Table, name: str, *, is_not_null: bool) -> Table:
    """The table with the NOT NULL of a column that it has set, and all its rows keep to, or dropped."""
    return _replace_column(
        table,
        name,
        lambda column: replace(
            column,
            is_not_null=is_not_null,
            may_hold_nulls=False,
            keeps_not_null=is_not_null and column.keeps_not_null,
        ),
    )


def keep_not_null(table: Table, name: str, *, is_kept: bool) -> Table:
    """The table with a NOT NULL column whose children need not be so, or must."""
    return _replace_column(table, name, lambda column: replace(column, keeps_not_null=is_kept))


def _replace_column(table: Table, name: str, change: Callable[[Column], Column]) -> Table:
    columns = tuple(change(item) if item.name == name else item for item in table.columns)
    return replace(table, columns=columns)


def add_not_null(
    table: Table, definition: ConstraintDefinition, catalog: Catalog, new_oid: Callable[[], Oid]
) -> Table:
    """The table with a NOT NULL that was written as a constraint.

    Raises UndefinedColumn, DuplicateObject, DatatypeMismatch, and ObjectNotInPrerequisiteState if it has another one already.
    """
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
    if known is not None and catalog.object(table.oid) is not None:
        if column.keeps_not_null != definition.is_no_inherit:
            refuse_other_inheritance(table, column)
        if not definition.is_not_valid:
            refuse_unchecked(table, column)
    if known is None and definition.is_no_inherit and _is_inherited(table, column, catalog):
        raise DatatypeMismatch(
            f'cannot define not-null constraint with NO INHERIT on column "{column_name}"',
            detail="The column has an inherited not-null constraint.",
        )
    if known is None:
        is_new = not column.is_not_null
        table = _replace_column(
            table,
            column_name,
            lambda item: replace(
                item,
                is_not_null=True,
                may_hold_nulls=is_new and definition.is_not_valid,
                keeps_not_null=definition.is_no_inherit,
            ),
        )
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


def _is_inherited(table: Table, column: Column, catalog: Catalog) -> bool:
    return not_null_inherit_count(table, column.name, catalog) > 0


# What stands against a NOT NULL that is wanted.


def _name(table: Table, column: Column) -> str:
    named = not_null_of(table, column)
    return column.name if named is None else named.name


def refuse_unchecked(table: Table, column: Column) -> None:
    """Raise ObjectNotInPrerequisiteState if the column's NOT NULL is NOT VALID."""
    if column.may_hold_nulls:
        raise ObjectNotInPrerequisiteState(
            f'incompatible NOT VALID constraint "{_name(table, column)}" on relation "{table.name}"',
            hint=_VALIDATE,
        )


def refuse_kept(table: Table, column: Column) -> None:
    """Raise ObjectNotInPrerequisiteState if the column's NOT NULL is NO INHERIT."""
    if column.keeps_not_null:
        refuse_other_inheritance(table, column)


def refuse_other_inheritance(table: Table, column: Column) -> None:
    """Raise ObjectNotInPrerequisiteState: the column has a NOT NULL that is inherited in another way."""
    raise ObjectNotInPrerequisiteState(kept_not_null(table, column), hint=_INHERIT)


def kept_not_null(table: Table, column: Column) -> str:
    """PostgreSQL's words for a NOT NULL whose inheritance stands against what is asked."""
    name = _name(table, column)
    return f'cannot change NO INHERIT status of NOT NULL constraint "{name}" on relation "{table.name}"'


def refuse_as_key(table: Table, column: Column) -> None:
    """Raise ObjectNotInPrerequisiteState if the column's NOT NULL is not what a primary key needs."""
    for is_so, mark, hint in (
        (column.keeps_not_null, "NO INHERIT", _INHERIT),
        (column.may_hold_nulls, "NOT VALID", _VALIDATE),
    ):
        if is_so:
            raise ObjectNotInPrerequisiteState(
                f'cannot create primary key on column "{column.name}"',
                detail=f'The constraint "{_name(table, column)}" on column "{column.name}" of table "{table.name}",'
                f" marked {mark}, is incompatible with a primary key.",
                hint=hint,
            )


def refuse_lost_not_null(before: Table, table: Table, actions: Sequence[AlterTableAction]) -> None:
    """Raise InvalidTableDefinition for a new primary key over a column whose NOT NULL the same statement drops: PostgreSQL makes
    the columns NOT NULL that were not so before the statement, and no others."""
    for action in actions:
        if not isinstance(action, AddConstraint) or action.constraint.kind != "primary key":
            continue
        held = {column.name for column in before.columns if column.is_not_null}
        for column in table.columns:
            is_lost = column.name in held and not column.is_not_null
            if is_lost and column.name in action.constraint.columns:
                raise InvalidTableDefinition(
                    f'primary key column "{column.name}" is not marked NOT NULL',
                    position=action.position,
                )


def check_declarations(
    columns: Sequence[ColumnDefinition], constraints: Sequence[ConstraintDefinition]
) -> None:
    """Raise SyntaxError where CREATE TABLE declares a column NOT NULL both for its children and not."""
    declared = {
        column.name: any(
            each.is_no_inherit for each in column.constraints if each.kind == "not null"
        )
        for column in columns
        if column.is_not_null
    }
    for each in constraints:
        for name in each.columns if each.kind in ("not null", "primary key") else ():
            if declared.setdefault(name, each.is_no_inherit) != each.is_no_inherit:
                raise SyntaxError(
                    f'conflicting NO INHERIT declaration for not-null constraint on column "{name}"'
                )


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
        _as_column(item, held) if item.kind == "not null" else item
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
            added = Constraint(new_oid(), name, "not null", (number,))
            made.append(_as_column(added, held))
    constraints = tuple(made)
    if constraints == table.constraints:
        return table
    return replace(table, constraints=constraints)


def _as_column(item: Constraint, held: dict[int, Column]) -> Constraint:
    """The constraint with what its column says of it."""
    column = held[item.columns[0]]
    return replace(
        item,
        is_local=column.is_not_null_local,
        is_validated=not column.may_hold_nulls,
        is_no_inherit=column.keeps_not_null,
    )


def _name_of_parent(table: Table, column: Column, catalog: Catalog) -> str | None:
    """The name that a parent has for it; children get it with the column."""
    for parent in parents_of(table, catalog):
        position = parent.column_position(column.name)
        found = None if position is None else not_null_of(parent, parent.columns[position])
        if found is not None:
            return found.name
    return None
