"""ALTER TABLE: each action makes a new Table; a change of the stored row's shape copies the rows into a new heap."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from lungfish.catalog.names import type_text
from lungfish.catalog.objects import Column, Index, Sequence, Table, View
from lungfish.errors import (
    DependentObjectsStillExist,
    FeatureNotSupported,
    InvalidTableDefinition,
    ObjectNotInPrerequisiteState,
    SyntaxError,
    WrongObjectType,
)
from lungfish.executor.ddl.action_order import steps_of
from lungfish.executor.ddl.alter_column_type import alter_types, check_types_first, replace_column
from lungfish.executor.ddl.alter_constraint import alter_constraint
from lungfish.executor.ddl.alter_family import FamilyAlteration
from lungfish.executor.ddl.alter_inherit import alter_inherit
from lungfish.executor.ddl.alter_view import alter_view
from lungfish.executor.ddl.attach_partition import attach_partition, detach_partition
from lungfish.executor.ddl.column_rules import (
    refuse_system_column,
)
from lungfish.executor.ddl.column_users import drop_users_of_column
from lungfish.executor.ddl.constraint_order import order_constraints
from lungfish.executor.ddl.constraints import (
    add_constraint,
    drop_keys_of_index,
    validate_constraint,
    validate_not_null,
)
from lungfish.executor.ddl.context import DdlContext
from lungfish.executor.ddl.create_table import (
    append_column,
    check_stored_texts,
    validate_new,
)
from lungfish.executor.ddl.grouped_views import release_grouped_views
from lungfish.executor.ddl.identity import alter_identity
from lungfish.executor.ddl.names import find_column, find_constraint, find_table, refuse_stored_rows
from lungfish.executor.ddl.not_null import (
    add_not_null,
    drop_of_not_null,
    kept_not_null,
    refuse_lost_not_null,
    set_not_null,
)
from lungfish.executor.ddl.owners import give_away
from lungfish.executor.ddl.relation_options import set_option
from lungfish.executor.ddl.rewrite import rewrite
from lungfish.executor.ddl.rules import set_rule_mode
from lungfish.executor.ddl.sequences import store_sequence
from lungfish.executor.ddl.statistics import without_column
from lungfish.executor.ddl.typed_tables import refuse_change_of_typed, set_table_type
from lungfish.executor.ddl.upkeep import alter_other, alter_without_rows, set_triggers
from lungfish.executor.ddl.virtual_columns import (
    refuse_changed_expression,
    refuse_dropped_expression,
)
from lungfish.sql.ast.ddl import (
    AddColumn,
    AddConstraint,
    AlterColumnDefault,
    AlterColumnIdentity,
    AlterColumnNotNull,
    AlterColumnType,
    AlterConstraint,
    AlterTable,
    AlterTableAction,
    ChangeOwner,
    DropColumn,
    DropConstraint,
    DropExpression,
    SetExpression,
    SetPersistence,
    SetTriggers,
    ValidateConstraint,
)
from lungfish.sql.ast.partitions import AlterInherit, AttachPartition, DetachPartition, SetTableType
from lungfish.sql.ast.rules import EnableRule
from lungfish.sql.quoting import quote_identifier
from lungfish.sql.rename import mentions_name


def _gives_away(statement: AlterTable) -> bool:
    """Whether it does nothing but OWNER TO, which ALTER TABLE may say of any relation."""
    return all(isinstance(each, ChangeOwner) for each in statement.actions)


def alter_table(context: DdlContext, statement: AlterTable) -> str:
    """Run ALTER TABLE; answers the command tag."""
    name = statement.name
    if (
        statement.if_exists
        and context.catalog.find_relation(name.name, name.schema, context.search_path) is None
    ):
        context.runner.notice(f'relation "{name}" does not exist, skipping')
        return "ALTER TABLE"
    if statement.kind not in ("table", "materialized view"):
        return alter_other(context, statement)
    found = context.catalog.find_relation(name.name, name.schema, context.search_path)
    if statement.kind == "table" and isinstance(found, View):
        return alter_view(context, found, statement)
    if statement.kind == "table" and found is not None and _gives_away(statement):
        return give_away(context, found, statement)
    table = find_table(context, name)
    if statement.kind == "table" and table.materialized_query is not None:
        for each in statement.actions:
            if isinstance(each, AddColumn | DropColumn):
                act = "ADD COLUMN" if isinstance(each, AddColumn) else "DROP COLUMN"
                raise WrongObjectType(
                    f'ALTER action {act} cannot be performed on relation "{table.name}"',
                    detail="This operation is not supported for materialized views.",
                )
    if (table.materialized_query is not None) != (statement.kind == "materialized view"):
        kind = "materialized view" if statement.kind != "table" else "table"
        raise WrongObjectType(f'"{table.name}" is not a {kind}', position=name.position)
    context.runner.lock_table(table, _lock_mode(statement.actions))
    context.runner.check_unused(table, "ALTER TABLE")
    if any(
        isinstance(each, (AddColumn, DropColumn, AlterColumnType)) for each in statement.actions
    ):
        refuse_stored_rows(context, table, name.position)
    family = FamilyAlteration(context, is_only=statement.is_only, apply=_apply, add_made=_add_made)
    check_types_first(context, table, statement.actions)
    for step in steps_of(statement.actions):
        current = context.catalog.table(table.oid)
        refuse_lost_not_null(table, current, step)
        _take_step(context, current, step, family)
    return f"ALTER {statement.kind.upper()}"


def _take_step(
    context: DdlContext,
    table: Table,
    step: tuple[AlterTableAction, ...],
    family: FamilyAlteration,
) -> None:
    for action in step:
        refuse_change_of_typed(table, action)
    has_family = table.parents or context.catalog.has_children(table.oid) or table.partition_key
    types = tuple(each for each in step if isinstance(each, AlterColumnType))
    if types:
        change_types = family.alter_types if has_family else partial(alter_types, context)
        change_types(table, types)
    elif has_family:
        family.run(table, step[0])
    else:
        _apply(context, table, step[0])


def _lock_mode(actions: tuple[AlterTableAction, ...]) -> str:
    """The strongest lock that the actions need, as PostgreSQL's AlterTableGetLockLevel has it: readers and, where nothing changes
    for the rows that are there, writers may go on."""
    if all(isinstance(each, ValidateConstraint) for each in actions):
        return "share update exclusive"
    if all(
        isinstance(each, ValidateConstraint)
        or (isinstance(each, AddConstraint) and each.constraint.kind == "foreign key")
        for each in actions
    ):
        return "share row exclusive"
    return "access exclusive"


def _apply(context: DdlContext, table: Table, action: AlterTableAction) -> None:
    match action:
        case AddColumn():
            _add_column(context, table, action)
        case DropColumn():
            _drop_column(context, table, action)
        case AlterColumnDefault():
            _alter_default(context, table, action)
        case AlterColumnNotNull():
            _alter_not_null(context, table, action)
        case AddConstraint():
            _add_constraint(context, table, action)
        case DropConstraint():
            _drop_constraint(context, table, action)
        case ValidateConstraint():
            _validate(context, table, action)
        case AlterColumnIdentity():
            alter_identity(context, table, action)
        case AlterConstraint():
            alter_constraint(context, table, action)
        case SetTriggers():
            set_triggers(context, table, action)
        case SetExpression():
            _set_expression(context, table, action)
        case DropExpression():
            _drop_expression(context, table, action)
        case AlterInherit():
            alter_inherit(context, table, action)
        case SetTableType():
            set_table_type(context, table, action)
        case AttachPartition():
            attach_partition(context, table, action)
        case DetachPartition():
            detach_partition(context, table, action)
        case EnableRule():
            set_rule_mode(context, table, action)
        case SetPersistence() | ChangeOwner():
            alter_without_rows(context, table, action)
        case _:
            assert not isinstance(action, AlterColumnType), "types are changed by _take_step"
            set_option(context, table, action)


def _add_column(context: DdlContext, table: Table, action: AddColumn) -> None:
    definition = action.column
    if action.if_not_exists and table.column_position(definition.name) is not None:
        context.runner.notice(
            f'column "{definition.name}" of relation "{table.name}" already exists, skipping'
        )
        return
    extended, made = append_column(context, table, definition)
    if made.sequence is not None:
        store_sequence(context, made.sequence)
    constraints = order_constraints(definition.constraints)
    for constraint in constraints:
        if constraint.kind == "not null":
            extended = add_constraint(context, extended, constraint)
    extended = check_stored_texts(context, extended)
    column = extended.columns[-1]
    kind = type_text(context.catalog, column.type)
    if column.generated is not None:
        value = f"CAST(({column.generated}) AS {kind})"
    elif column.identity is not None and made.sequence is not None:
        value = f"CAST(nextval({_sequence_text(context, made.sequence)}) AS {kind})"
    else:
        value = f"CAST(({column.default or 'NULL'}) AS {kind})"
    moved = _rewrite_with(context, table, extended, value)
    for constraint in constraints:
        if constraint.kind != "not null":
            current = context.catalog.table(table.oid)
            _store_with_constraint(context, current, add_constraint(context, current, constraint))
    if column.is_not_null:
        validate_not_null(context, moved, column.name)


def _rewrite_with(context: DdlContext, table: Table, extended: Table, value: str) -> Table:
    """The rows that are there with the value of a new column at their end."""
    kept = [quote_identifier(item.name) for item in table.columns]
    return rewrite(context, table, extended, [*kept, value])


def _add_made(context: DdlContext, table: Table, column: Column) -> None:
    """Give a child a column that its parent has got."""
    extended = replace(
        table,
        columns=(*table.columns, column),
        stored_types=(*table.stored_types, column.type),
        stored_positions=(*table.stored_positions, len(table.stored_types)),
        next_column_number=table.next_column_number + 1,
    )
    text = column.generated if column.generated is not None else column.default
    if column.identity is not None and column.sequence_oid is not None:
        sequence = context.catalog.object(column.sequence_oid)
        assert isinstance(sequence, Sequence), "an identity column has a sequence"
        text = f"nextval({_sequence_text(context, sequence)})"
    kind = type_text(context.catalog, column.type)
    moved = _rewrite_with(context, table, extended, f"CAST(({text or 'NULL'}) AS {kind})")
    if column.is_not_null:
        validate_not_null(context, moved, column.name)


def _sequence_text(context: DdlContext, sequence: Sequence) -> str:
    schema = context.catalog.namespace_name(sequence.namespace_oid)
    path = f"{quote_identifier(schema)}.{quote_identifier(sequence.name)}"
    return "'" + path.replace("'", "''") + "'"


def _drop_column(context: DdlContext, table: Table, action: DropColumn) -> None:
    if action.if_exists and table.column_position(action.name) is None:
        context.runner.notice(
            f'column "{action.name}" of relation "{table.name}" does not exist, skipping'
        )
        return
    refuse_system_column(action.name, "drop", action.position)
    column = find_column(table, action.name, action.position)
    drop_users_of_column(context, table, column, action, _drop_column)
    table = context.catalog.table(table.oid)
    going = {
        index.oid
        for index in table.indexes
        if column.number in [key.column_number for key in index.columns]
        or column.number in index.include
        or _mentions(index, column.name)
    }
    table = drop_keys_of_index(table, going)
    position = table.position_of_number(column.number)
    context.change.put(
        replace(
            table,
            columns=table.columns[:position] + table.columns[position + 1 :],
            stored_positions=table.stored_positions[:position]
            + table.stored_positions[position + 1 :],
            constraints=tuple(
                item for item in table.constraints if column.number not in item.columns
            ),
            statistics=without_column(table, column.number, column.name),
        )
    )
    for sequence in context.catalog.owned_sequences(table.oid):
        if sequence.owner_column == column.number:
            context.change.remove(sequence.oid)


def _mentions(index: Index, name: str) -> bool:
    texts = [index.predicate, *(key.expression for key in index.columns)]
    return any(text is not None and mentions_name(text, name) for text in texts)


def _alter_default(context: DdlContext, table: Table, action: AlterColumnDefault) -> None:
    refuse_system_column(action.name, "alter", action.position)
    column = find_column(table, action.name, action.position)
    if column.identity is not None:
        raise SyntaxError(
            f'column "{column.name}" of relation "{table.name}" is an identity column',
            position=action.position,
        )
    if column.generated is not None:
        raise SyntaxError(
            f'column "{column.name}" of relation "{table.name}" is a generated column',
            position=action.position,
            hint=None
            if action.default is None
            else "Use ALTER TABLE ... ALTER COLUMN ... SET EXPRESSION instead.",
        )
    text = None
    if action.default is not None:
        text = context.runner.settled_default(action.default.text, column.type)
    changed = replace_column(table, column, replace(column, default=text, sequence_oid=None))
    context.change.put(check_stored_texts(context, changed))


def _alter_not_null(context: DdlContext, table: Table, action: AlterColumnNotNull) -> None:
    refuse_system_column(action.name, "alter", action.position)
    column = find_column(table, action.name, action.position)
    if not action.is_not_null:
        if any(
            column.number in item.columns
            for item in table.constraints
            if item.kind == "primary key"
        ):
            raise InvalidTableDefinition(
                f'column "{column.name}" is in a primary key', position=action.position
            )
        if column.identity is not None:
            raise SyntaxError(
                f'column "{column.name}" of relation "{table.name}" is an identity column',
                position=action.position,
            )
    if action.constraint is not None:
        changed = add_not_null(table, action.constraint, context.catalog, context.change.new_oid)
    else:
        if action.is_not_null and column.keeps_not_null:
            raise FeatureNotSupported(kept_not_null(table, column))
        changed = set_not_null(table, column.name, is_not_null=action.is_not_null)
    if find_column(changed, column.name).is_never_null and not column.is_never_null:
        validate_not_null(context, table, column.name)
    context.change.put(changed)


def _add_constraint(context: DdlContext, table: Table, action: AddConstraint) -> None:
    _store_with_constraint(context, table, add_constraint(context, table, action.constraint))


def _store_with_constraint(context: DdlContext, before: Table, after: Table) -> None:
    """Look at the rows, build new indexes, then keep the changed table."""
    for old, new in zip(before.columns, after.columns, strict=True):
        if new.is_never_null and not old.is_not_null:
            validate_not_null(context, before, new.name)
    context.change.put(after)
    known = {index.relation_id for index in before.indexes}
    for index in after.indexes:
        if index.relation_id not in known:
            context.change.relations.build_index(after, index, context.runner.begin_build(index))
            if index.is_exclusion:
                context.runner.require_no_clashes(after, index)
    validate_new(context, before, after)


def _drop_constraint(context: DdlContext, table: Table, action: DropConstraint) -> None:
    if action.if_exists and all(item.name != action.name for item in table.constraints):
        context.runner.notice(
            f'constraint "{action.name}" of relation "{table.name}" does not exist, skipping'
        )
        return
    constraint = find_constraint(table, action.name, action.position)
    if constraint.kind == "not null":
        _alter_not_null(context, table, drop_of_not_null(table, constraint, action))
        return
    if constraint.index_oid is not None:
        for other in context.catalog.referencing_tables(table.oid):
            held = [
                item
                for item in other.constraints
                if item.referenced_index_oid == constraint.index_oid
            ]
            if held and not action.is_cascade:
                raise DependentObjectsStillExist(
                    f"cannot drop constraint {constraint.name} on table {table.name} because other objects depend on it",
                    position=action.position,
                    detail=f"constraint {held[0].name} on table {other.name} depends on index {constraint.name}",
                    hint="Use DROP ... CASCADE to drop the dependent objects too.",
                )
            for item in held:
                context.runner.notice(
                    f"drop cascades to constraint {item.name} on table {other.name}"
                )
            if held:
                context.change.put(
                    replace(
                        other,
                        constraints=tuple(item for item in other.constraints if item not in held),
                    )
                )
        table = context.catalog.table(table.oid)
        context.change.put(drop_keys_of_index(table, {constraint.index_oid}))
        if constraint.kind == "primary key":
            release_grouped_views(context, table, constraint, is_cascade=action.is_cascade)
        return
    context.change.put(
        replace(
            table, constraints=tuple(item for item in table.constraints if item is not constraint)
        )
    )


def _validate(context: DdlContext, table: Table, action: ValidateConstraint) -> None:
    constraint = find_constraint(table, action.name, action.position)
    if not constraint.is_enforced:
        raise ObjectNotInPrerequisiteState(
            "cannot validate NOT ENFORCED constraint", position=action.position
        )
    if constraint.kind == "not null":
        column = table.columns[table.position_of_number(constraint.columns[0])]
        if column.may_hold_nulls:
            validate_not_null(context, table, column.name)
            context.change.put(set_not_null(table, column.name, is_not_null=True))
        return
    validate_constraint(context, table, replace(constraint, is_validated=True))
    changed = replace(constraint, is_validated=True)
    context.change.put(
        replace(
            table,
            constraints=tuple(
                changed if item is constraint else item for item in table.constraints
            ),
        )
    )


def _set_expression(context: DdlContext, table: Table, action: SetExpression) -> None:
    column = _generated_column(table, action.name, action.position)
    refuse_changed_expression(table, column)
    own = replace(column, generated=action.expression.text)
    changed = replace_column(table, column, own)
    changed = check_stored_texts(context, changed)
    text = changed.columns[table.columns.index(column)].generated
    if column.is_virtual:
        context.change.put(changed)
        if column.is_not_null:
            validate_not_null(context, changed, column.name)
        return
    value = f"CAST(({text}) AS {type_text(context.catalog, column.type)})"
    values = [value if item is column else quote_identifier(item.name) for item in table.columns]
    moved = rewrite(context, table, changed, values)
    for constraint in moved.constraints:
        if column.number in constraint.columns:
            validate_constraint(context, moved, constraint)
    if column.is_not_null:
        validate_not_null(context, moved, column.name)


def _generated_column(table: Table, name: str, position: int) -> Column:
    column = find_column(table, name, position)
    if column.generated is None:
        raise ObjectNotInPrerequisiteState(
            f'column "{column.name}" of relation "{table.name}" is not a generated column',
            position=position,
        )
    return column


def _drop_expression(context: DdlContext, table: Table, action: DropExpression) -> None:
    column = find_column(table, action.name, action.position)
    if column.generated is None and action.if_exists:
        context.runner.notice(
            f'column "{column.name}" of relation "{table.name}" is not a generated column, skipping'
        )
        return
    column = _generated_column(table, action.name, action.position)
    refuse_dropped_expression(table, column)
    context.change.put(replace_column(table, column, replace(column, generated=None)))
