"""ALTER TABLE of tables with parents or children: what goes down to children, and what may not be done to them alone.

An action on a parent is done to its children too, unless ONLY is said, where that is allowed at all; what a table has from a
parent it can only lose with the parent. The words are PostgreSQL's (tablecmds.c).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from lungfish.catalog.inheritance import (
    column_inherit_count,
    constraint_inherit_count,
    descendants,
    not_null_inherit_count,
    not_null_of,
)
from lungfish.catalog.objects import Column, Constraint, Table
from lungfish.errors import (
    DatatypeMismatch,
    DuplicateObject,
    FeatureNotSupported,
    InvalidObjectDefinition,
    InvalidTableDefinition,
    WrongObjectType,
)
from lungfish.executor.ddl.alter_column_type import alter_types
from lungfish.executor.ddl.constraints import validate_constraint
from lungfish.executor.ddl.context import DdlContext
from lungfish.executor.ddl.identity import alter_identity
from lungfish.executor.ddl.inherited_columns import inherited_check, inherited_column
from lungfish.executor.ddl.names import find_column
from lungfish.executor.ddl.not_null import add_not_null, drop_of_not_null, kept_not_null
from lungfish.executor.ddl.partition_keys import refuse_no_inherit
from lungfish.executor.ddl.partition_parts import add_to_partitions, drop_parts, refuse_key_of_part
from lungfish.sql.ast.ddl import (
    AddColumn,
    AddConstraint,
    AlterColumnDefault,
    AlterColumnIdentity,
    AlterColumnNotNull,
    AlterColumnType,
    AlterTableAction,
    ConstraintDefinition,
    DropColumn,
    DropConstraint,
    DropExpression,
    SetExpression,
    ValidateConstraint,
)
from lungfish.sql.rename import mentions_name

# Does an action to one table alone.
Apply = Callable[[DdlContext, Table, AlterTableAction], None]
# Adds a column that is made already, with its value for rows that are there.
AddMade = Callable[[DdlContext, Table, Column], None]


class FamilyAlteration:
    """One action of ALTER TABLE on a table that has parents or children."""

    def __init__(
        self, context: DdlContext, *, is_only: bool, apply: Apply, add_made: AddMade
    ) -> None:
        self._context = context
        self._is_only = is_only
        self._apply = apply
        self._add_made = add_made

    def run(self, table: Table, action: AlterTableAction) -> None:
        """Do the action to the table, and to its children where it goes down."""
        match action:
            case AddColumn():
                self._add_column(table, action)
            case DropColumn():
                self._drop_column(table, action)
            case DropExpression():
                self._drop_expression(table, action, is_below=False)
            case AlterColumnDefault() | SetExpression():
                self._apply(self._context, table, action)
                for child in () if self._is_only else self._children(table):
                    self._for_column(child, action)
            case AlterColumnNotNull():
                self._alter_not_null(table, action)
            case AddConstraint():
                self._add_constraint(table, action)
            case DropConstraint():
                self._drop_constraint(table, action)
            case ValidateConstraint():
                self._validate(table, action)
            case AlterColumnIdentity():
                self._children(table)
                alter_identity(self._context, table, action, is_only=self._is_only)
            case _:
                self._apply(self._context, table, action)

    def _children(self, table: Table) -> list[Table]:
        children = self._context.catalog.children(table.oid)
        for child in children:
            self._context.runner.lock_table(child, "access exclusive")
            self._context.runner.check_unused(child, "ALTER TABLE")
        return children

    def _now(self, table: Table) -> Table:
        return self._context.catalog.table(table.oid)

    def _put_column(self, table: Table, column: Column) -> None:
        table = self._now(table)
        columns = tuple(column if item.number == column.number else item for item in table.columns)
        self._context.change.put(replace(table, columns=columns))

    def _for_column(self, child: Table, action: AlterColumnDefault | SetExpression) -> None:
        """The action for a child and its children."""
        self.run(self._now(child), action)

    def _drop_expression(self, table: Table, action: DropExpression, *, is_below: bool) -> None:
        children = self._children(table)
        if self._is_only and children:
            raise FeatureNotSupported(
                "ALTER TABLE / DROP EXPRESSION must be applied to child tables too",
                hint="Do not specify the ONLY keyword.",
            )
        find_column(table, action.name, action.position)
        if not is_below and column_inherit_count(table, action.name, self._context.catalog):
            raise InvalidTableDefinition(
                "cannot drop generation expression from inherited column", position=action.position
            )
        self._apply(self._context, table, action)
        for child in children:
            self._drop_expression(self._now(child), action, is_below=True)

    # Columns.

    def _add_column(self, table: Table, action: AddColumn) -> None:
        name = action.column.name
        if table.partition_bound is not None:
            raise WrongObjectType("cannot add column to a partition", position=action.position)
        children = self._children(table)
        if children and self._is_only:
            raise InvalidTableDefinition("column must be added to child tables too")
        is_there = table.column_position(name) is not None
        known = {item.oid for item in table.constraints}
        self._apply(self._context, table, action)
        if is_there:
            return
        for child in children:
            self._add_to_child(self._now(table), child, name)
        for constraint in self._now(table).constraints:
            if constraint.oid not in known and constraint.kind == "check":
                self._add_check_below(self._now(table), constraint)

    def _add_to_child(self, parent: Table, child: Table, name: str) -> None:
        column = find_column(parent, name)
        position = child.column_position(name)
        if position is not None:
            own = child.columns[position]
            if own.type != column.type:
                raise DatatypeMismatch(
                    f'child table "{child.name}" has different type for column "{name}"'
                )
            self._context.runner.notice(
                f'merging definition of column "{name}" for child "{child.name}"'
            )
            return
        is_partition = child.partition_bound is not None
        made = inherited_column(column, child.next_column_number, is_partition=is_partition)
        self._add_made(self._context, child, made)
        for below in self._children(child):
            self._add_to_child(self._now(child), self._now(below), name)

    def _drop_column(self, table: Table, action: DropColumn) -> None:
        context, name = self._context, action.name
        position = table.column_position(name)
        if position is None:
            self._apply(context, table, action)
            return
        if column_inherit_count(table, name, context.catalog):
            raise InvalidTableDefinition(
                f'cannot drop inherited column "{name}"', position=action.position
            )
        refuse_partition_key(table, table.columns[position], "drop", action.position)
        children = self._children(table)
        if self._is_only and children and table.partition_key is not None:
            raise InvalidTableDefinition(
                "cannot drop column from only the partitioned table when partitions exist",
                hint="Do not specify the ONLY keyword.",
            )
        going: list[Table] = []
        for child in children:
            own = find_column(child, name)
            is_last = column_inherit_count(child, name, context.catalog) == 1
            if self._is_only:
                self._put_column(child, replace(own, is_local=True))
            elif is_last and not own.is_local:
                going.append(child)
        self._apply(context, self._now(table), action)
        for child in going:
            self._drop_column(self._now(child), replace(action, if_exists=False))

    def alter_types(self, table: Table, actions: tuple[AlterColumnType, ...]) -> None:
        """Give columns of the table and of its children other types."""
        for action in actions:
            self._check_type(table, action)
        for each in descendants(table, self._context.catalog):
            alter_types(self._context, self._now(each), actions)

    def _check_type(self, table: Table, action: AlterColumnType) -> None:
        context, name = self._context, action.name
        column = find_column(table, name, action.position)
        if column_inherit_count(table, name, context.catalog):
            raise InvalidTableDefinition(f'cannot alter inherited column "{name}"')
        refuse_partition_key(table, column, "alter", action.position)
        family = descendants(table, context.catalog)
        if self._is_only and len(family) > 1:
            raise InvalidTableDefinition(
                f'type of inherited column "{name}" must be changed in child tables too'
            )
        oids = {item.oid for item in family}
        for child in family[1:]:
            context.runner.lock_table(child, "access exclusive")
            parents_here = sum(oid in oids for oid in child.parents)
            if column_inherit_count(child, name, context.catalog) > parents_here:
                raise InvalidTableDefinition(
                    f'cannot alter inherited column "{name}" of relation "{child.name}"'
                )
            refuse_partition_key(child, find_column(child, name), "alter", action.position)

    def _alter_not_null(self, table: Table, action: AlterColumnNotNull) -> None:
        context, name = self._context, action.name
        column = find_column(table, name, action.position)
        children = self._children(table)
        if action.is_not_null:
            definition = action.constraint
            if definition is not None and definition.is_no_inherit:
                if table.partition_key is not None:
                    refuse_no_inherit(table, [definition])
                self._apply(context, table, action)
                return
            is_alone = self._is_only and bool(children)
            is_bare = definition is None and not column.is_not_null
            if is_alone and is_bare and table.partition_key is None:
                # Heirs may do without it: PostgreSQL adds NO INHERIT by itself.
                alone = ConstraintDefinition("not null", columns=(name,), is_no_inherit=True)
                self._apply(context, table, replace(action, constraint=alone))
                return
            if is_alone and any(not find_column(item, name).is_not_null for item in children):
                raise InvalidTableDefinition(
                    "constraint must be added to child tables too",
                    hint="Do not specify the ONLY keyword.",
                )
            named = not_null_of(table, column)
            is_checked_now = column.may_hold_nulls and not column.keeps_not_null
            if is_checked_now and definition is None and named is not None:
                self._validate(table, ValidateConstraint(named.name, action.position))
                return
            self._set_not_null(table, action, is_local=True)
            return
        if column.is_not_null and not_null_inherit_count(table, name, context.catalog):
            if table.partition_bound is not None:
                raise InvalidTableDefinition(f'column "{name}" is marked NOT NULL in parent table')
            named = not_null_of(table, column)
            shown = name if named is None else named.name
            raise InvalidTableDefinition(
                f'cannot drop inherited constraint "{shown}" of relation "{table.name}"'
            )
        self._apply(context, table, action)
        for child in children:
            own = find_column(child, name)
            if self._is_only or not own.is_not_null:
                self._put_column(child, replace(own, is_not_null_local=True))
            elif not own.is_not_null_local and not not_null_inherit_count(
                child, name, context.catalog
            ):
                self._alter_not_null(child, action)

    def _set_not_null(self, table: Table, action: AlterColumnNotNull, *, is_local: bool) -> None:
        """Make the column NOT NULL here and below. In children `action.constraint` has no name: they take their parent's."""
        before = find_column(table, action.name)
        is_alone = not is_local and action.constraint is None
        if action.constraint is None and before.keeps_not_null:
            raise FeatureNotSupported(kept_not_null(table, before))
        if not before.is_not_null or (before.may_hold_nulls and not is_alone):
            self._apply(self._context, table, action)
            made = find_column(self._now(table), action.name)
            local = is_local or (before.is_not_null and before.is_not_null_local)
            self._put_column(table, replace(made, is_not_null_local=local))
        else:
            if action.constraint is not None:
                context = self._context
                add_not_null(table, action.constraint, context.catalog, context.change.new_oid)
            if is_local and not before.is_not_null_local:
                self._put_column(table, replace(before, is_not_null_local=True))
        below = action
        if action.constraint is not None:
            below = replace(action, constraint=replace(action.constraint, name=None))
        for child in self._children(table):
            self._set_not_null(self._now(child), below, is_local=False)

    # Constraints.

    def _add_constraint(self, table: Table, action: AddConstraint) -> None:
        definition = action.constraint
        if definition.kind == "not null":
            changed = AlterColumnNotNull(
                definition.columns[0], True, action.position, constraint=definition
            )
            self._alter_not_null(table, changed)
            return
        if definition.kind != "check":
            has_parts = table.partition_key is not None
            if has_parts and self._is_only and self._children(table):
                self._refuse_only(table, definition)
            self._apply(self._context, table, action)
            self._key_columns_below(table)
            if has_parts:
                add_to_partitions(self._context, self._now(table), table)
            return
        if definition.is_no_inherit and table.partition_key is not None:
            raise InvalidTableDefinition(
                f'cannot add NO INHERIT constraint to partitioned table "{table.name}"'
            )
        known = {item.oid: item for item in table.constraints}
        self._apply(self._context, table, action)
        if definition.is_no_inherit:
            return
        if self._is_only and self._children(table):
            raise InvalidTableDefinition("constraint must be added to child tables too")
        for constraint in self._now(table).constraints:
            if constraint.oid not in known:
                self._add_check_below(self._now(table), constraint)

    def _refuse_only(self, table: Table, definition: ConstraintDefinition) -> None:
        """A key of a partitioned table is made with its parts, or not at all."""
        if definition.kind == "foreign key":
            raise WrongObjectType(
                f'cannot use ONLY for foreign key on partitioned table "{table.name}" referencing relation '
                f'"{definition.reference.table.name if definition.reference else ""}"'
            )
        raise FeatureNotSupported("ALTER TABLE ONLY ... ADD of a key is not supported")

    def _key_columns_below(self, table: Table) -> None:
        """Columns that a primary key has made NOT NULL are so in children too."""
        for before, after in zip(table.columns, self._now(table).columns, strict=True):
            if after.is_not_null and not before.is_not_null:
                action = AlterColumnNotNull(after.name, is_not_null=True)
                for child in self._children(table):
                    self._set_not_null(self._now(child), action, is_local=False)

    def _add_check_below(self, parent: Table, constraint: Constraint) -> None:
        for child in self._children(parent):
            self._add_check_to_child(parent, self._now(child), constraint)

    def _add_check_to_child(self, parent: Table, child: Table, constraint: Constraint) -> None:
        context = self._context
        known = next((item for item in child.constraints if item.name == constraint.name), None)
        if known is None:
            made = inherited_check(context, constraint, parent, child)
            child = replace(child, constraints=(*child.constraints, made))
            context.change.put(child)
            if made.is_validated:
                validate_constraint(context, child, made)
            self._add_check_below(child, made)
            return
        merge_with_inherited(child, known, constraint)
        if child.partition_bound is not None:
            self._put_constraint(child, replace(known, is_local=False))
        context.runner.notice(f'merging constraint "{constraint.name}" with inherited definition')

    def _drop_constraint(self, table: Table, action: DropConstraint) -> None:
        context = self._context
        found = next((item for item in table.constraints if item.name == action.name), None)
        if found is None:
            self._apply(context, table, action)
            return
        refuse_key_of_part(context, table, found)
        if constraint_inherit_count(table, found, context.catalog):
            raise InvalidTableDefinition(
                f'cannot drop inherited constraint "{found.name}" of relation "{table.name}"'
            )
        if found.kind == "not null":
            self._alter_not_null(table, drop_of_not_null(table, found, action))
            return
        children = self._children(table)
        is_inherited = found.kind == "check" and not found.is_no_inherit
        going: list[Table] = []
        for child in children if is_inherited else ():
            own = next(item for item in child.constraints if item.name == found.name)
            is_last = constraint_inherit_count(child, own, context.catalog) == 1
            if self._is_only:
                self._put_constraint(child, replace(own, is_local=True))
            elif is_last and not own.is_local:
                going.append(child)
        self._apply(context, self._now(table), action)
        if table.partition_key is not None and found.kind != "check":
            gone = {found.oid} if found.index_oid is None else {found.oid, found.index_oid}
            drop_parts(context, self._now(table), gone)
        for child in going:
            self._drop_constraint(self._now(child), action)

    def _put_constraint(self, table: Table, constraint: Constraint) -> None:
        table = self._now(table)
        constraints = tuple(
            constraint if item.oid == constraint.oid else item for item in table.constraints
        )
        self._context.change.put(replace(table, constraints=constraints))

    def _validate(self, table: Table, action: ValidateConstraint) -> None:
        found = next((item for item in table.constraints if item.name == action.name), None)
        kinds = ("check", "not null")
        goes_down = found is not None and found.kind in kinds and not found.is_no_inherit
        below: list[Table] = []
        if goes_down and found is not None and not found.is_validated:
            below = self._children(table)
            if below and self._is_only:
                raise InvalidTableDefinition("constraint must be validated on child tables too")
        self._apply(self._context, table, action)
        for child in below:
            self._validate(self._now(child), _below(table, found, child, action))


def _below(
    table: Table, constraint: Constraint | None, child: Table, action: ValidateConstraint
) -> ValidateConstraint:
    """The action for a child's part of a constraint: NOT NULL goes by its column, and may have another name there."""
    if constraint is None or constraint.kind != "not null":
        return action
    column = table.columns[table.position_of_number(constraint.columns[0])]
    named = not_null_of(child, find_column(child, column.name))
    return action if named is None else replace(action, name=named.name)


def merge_with_inherited(child: Table, own: Constraint, inherited: Constraint) -> None:
    """Raise DuplicateObject or InvalidObjectDefinition unless a child's own check is the same as its parent's."""
    if own.kind != "check" or own.check != inherited.check:
        raise DuplicateObject(
            f'constraint "{inherited.name}" for relation "{child.name}" already exists'
        )
    if own.is_no_inherit:
        raise InvalidObjectDefinition(
            f'constraint "{own.name}" conflicts with non-inherited constraint on relation "{child.name}"'
        )
    if inherited.is_enforced and not own.is_enforced:
        raise InvalidObjectDefinition(
            f'constraint "{own.name}" conflicts with NOT ENFORCED constraint on relation "{child.name}"'
        )
    if inherited.is_validated and not own.is_validated:
        raise InvalidObjectDefinition(
            f'constraint "{own.name}" conflicts with NOT VALID constraint on relation "{child.name}"'
        )


def refuse_partition_key(table: Table, column: Column, verb: str, position: int) -> None:
    """Raise InvalidTableDefinition if the column is part of the table's partition key."""
    key = table.partition_key
    if key is None:
        return
    for item in key.columns:
        if item.column_number == column.number:
            raise InvalidTableDefinition(
                f'cannot {verb} column "{column.name}" because it is part of the partition key '
                f'of relation "{table.name}"',
                position=position,
            )
        if item.expression is not None and mentions_name(item.expression, column.name):
            raise InvalidTableDefinition(
                f'cannot {verb} column "{column.name}" because it is part of the partition key '
                f'of relation "{table.name}"',
                position=position,
            )
