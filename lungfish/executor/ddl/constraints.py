"""Constraints: from a definition to the catalog's objects, and the look at rows that are there already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lungfish.catalog.objects import Column, Constraint, Index, IndexColumn, Oid, Table
from lungfish.errors import (
    CheckViolation,
    DatatypeMismatch,
    DuplicateColumn,
    DuplicateObject,
    FeatureNotSupported,
    ForeignKeyViolation,
    InvalidColumnReference,
    InvalidForeignKey,
    InvalidObjectDefinition,
    InvalidTableDefinition,
    NotNullViolation,
    ObjectNotInPrerequisiteState,
    UndefinedColumn,
    UndefinedObject,
)
from lungfish.executor.ddl.column_rules import check_foreign_key_actions
from lungfish.executor.ddl.context import DdlContext
from lungfish.executor.ddl.exclude import add_exclusion, check_period
from lungfish.executor.ddl.key_of_index import add_key_using_index
from lungfish.executor.ddl.names import (
    choose_constraint_name,
    choose_index_name,
    find_column,
    find_table,
    refuse_taken_name,
)
from lungfish.executor.ddl.not_null import add_not_null, refuse_as_key, set_not_null
from lungfish.executor.ddl.partition_columns import require_partition_columns
from lungfish.executor.ddl.periods import check_period_actions, check_period_sides, covered_by
from lungfish.executor.ddl.virtual_columns import refuse_virtual
from lungfish.sql.ast.ddl import ConstraintDefinition, ForeignKeyReference
from lungfish.sql.ast.queries import ObjectName
from lungfish.sql.quoting import quote_identifier
from lungfish.types.casts import can_refer
from lungfish.types.sql_type import BOOLEAN

_LABELS = {"primary key": "pkey", "unique": "key", "foreign key": "fkey", "check": "check"}


def add_constraint(context: DdlContext, table: Table, definition: ConstraintDefinition) -> Table:
    """The table with the constraint; its index, if it needs one, is in the result but not yet made."""
    match definition.kind:
        case "primary key" | "unique":
            return _add_key(context, table, definition)
        case "exclude":
            return add_exclusion(context, table, definition)
        case "check":
            return _add_check(context, table, definition)
        case "foreign key":
            return _add_foreign_key(context, table, definition)
        case "not null":
            return add_not_null(table, definition, context.catalog, context.change.new_oid)
        case kind:
            raise FeatureNotSupported(
                f"{kind.upper()} constraints are not supported", position=definition.position
            )


def constraint_name(
    context: DdlContext, table: Table, definition: ConstraintDefinition, columns: Sequence[Column]
) -> str:
    """The name that was given, or PostgreSQL's choice. Raises DuplicateObject."""
    taken = {constraint.name for constraint in table.constraints}
    if definition.name is not None:
        if definition.kind in ("primary key", "unique"):
            name = ObjectName(definition.name, position=definition.position)
            refuse_taken_name(context, table.namespace_oid, name, table.indexes)
        if definition.name in taken and _is_check_of_new(context, table, definition):
            raise DuplicateObject(f'check constraint "{definition.name}" already exists')
        if definition.name in taken:
            raise DuplicateObject(
                f'constraint "{definition.name}" for relation "{table.name}" already exists',
                position=definition.position,
            )
        return definition.name
    label = _LABELS[definition.kind]
    parts = [table.name]
    if (
        definition.kind != "primary key"
        and columns
        and (definition.kind != "check" or len(columns) == 1)
    ):
        parts.append("_".join([*(column.name for column in columns), *definition.include]))
    if definition.kind in ("primary key", "unique"):
        return choose_index_name(context, table, *parts, label)
    return choose_constraint_name(taken, *parts, label)


def _is_check_of_new(context: DdlContext, table: Table, definition: ConstraintDefinition) -> bool:
    """Whether it is a check beside another of a table that is being made."""
    return (
        definition.kind == "check"
        and context.catalog.object(table.oid) is None
        and any(
            each.kind == "check" and each.name == definition.name and each.is_local
            for each in table.constraints
        )
    )


def _add_key(context: DdlContext, table: Table, definition: ConstraintDefinition) -> Table:
    if definition.using_index is not None:
        return add_key_using_index(context, table, definition)
    columns = _key_columns(context, table, definition)
    what = "primary keys" if definition.kind == "primary key" else "unique constraints"
    for at, column in enumerate(columns):
        if column in columns[:at]:
            raise DuplicateColumn(
                f'column "{column.name}" appears twice in {definition.kind} constraint',
                position=definition.position,
            )
    is_primary = definition.kind == "primary key"
    if is_primary:
        if any(constraint.kind == "primary key" for constraint in table.constraints):
            raise InvalidTableDefinition(
                f'multiple primary keys for table "{table.name}" are not allowed',
                position=definition.position,
            )
        for column in columns:
            refuse_as_key(table, column)
            table = set_not_null(table, column.name, is_not_null=True)
    numbers = tuple(column.number for column in columns)
    included = tuple(find_column(table, item).number for item in definition.include)
    refuse_virtual(table, (*numbers, *included), what)
    is_period = definition.is_without_overlaps
    if is_period:
        check_period(table, definition, columns)
    require_partition_columns(table, numbers, definition.kind)
    name = constraint_name(context, table, definition, columns)
    index = Index(
        context.change.new_oid(),
        name,
        table.namespace_oid,
        table.oid,
        context.change.new_relation_id(),
        tuple(IndexColumn(column.number, type=column.type) for column in columns),
        is_unique=not is_period,
        is_primary=is_primary,
        include=included,
        nulls_not_distinct=definition.nulls_not_distinct,
        is_deferrable=definition.is_deferrable,
        method="gist" if is_period else "btree",
        parameters=definition.parameters,
        is_exclusion=is_period,
        is_period=is_period,
    )
    constraint = Constraint(
        context.change.new_oid(),
        name,
        definition.kind,
        tuple(column.number for column in columns),
        index_oid=index.oid,
        is_deferrable=definition.is_deferrable,
        is_initially_deferred=definition.is_initially_deferred,
        operators=(*["="] * (len(columns) - 1), "&&") if is_period else (),
    )
    return replace(
        table, indexes=(*table.indexes, index), constraints=(*table.constraints, constraint)
    )


def _key_columns(
    context: DdlContext, table: Table, definition: ConstraintDefinition
) -> list[Column]:
    if definition.kind == "primary key" and context.catalog.object(table.oid) is not None:
        # NOT NULL comes first, and misses the column in its own words.
        return [find_column(table, name, definition.position) for name in definition.columns]
    return [_key_column(table, name, definition.position) for name in definition.columns]


def _key_column(table: Table, name: str, position: int) -> Column:
    for column in table.columns:
        if column.name == name:
            return column
    raise UndefinedColumn(
        f'column "{name}" named in key does not exist', position=position, column=name
    )


def _add_check(context: DdlContext, table: Table, definition: ConstraintDefinition) -> Table:
    assert definition.check is not None
    facts = context.runner.check_expression_facts(
        table, definition.check.text, what="check constraints"
    )
    kind = facts.type
    if kind != BOOLEAN:
        raise DatatypeMismatch(
            f"argument of CHECK must be type boolean, not type {kind}", position=definition.position
        )
    text = context.runner.stored_text(table, definition.check.text, what="check constraints")
    definition = replace(definition, check=replace(definition.check, text=text))
    if definition.name is not None:
        merged = merge_check(context, table, definition)
        if merged is not None:
            return merged
    named = list(facts.columns)
    constraint = Constraint(
        context.change.new_oid(),
        constraint_name(context, table, definition, named),
        "check",
        tuple(column.number for column in named),
        check=text,
        is_validated=not definition.is_not_valid,
        is_enforced=not definition.is_not_enforced,
        is_no_inherit=definition.is_no_inherit,
    )
    return replace(table, constraints=(*table.constraints, constraint))


def merge_check(
    context: DdlContext, table: Table, definition: ConstraintDefinition
) -> Table | None:
    """The table with an inherited check made its own too; None if there is none of that name. Raises InvalidObjectDefinition."""
    for item in table.constraints:
        if item.name != definition.name or item.kind != "check" or item.is_local:
            continue
        assert definition.check is not None, "a check has an expression"
        if definition.is_no_inherit:
            raise InvalidObjectDefinition(
                f'constraint "{item.name}" conflicts with inherited constraint on relation "{table.name}"',
                position=definition.position,
            )
        if item.check != definition.check.text:
            return None
        if item.is_enforced and definition.is_not_enforced:
            raise InvalidObjectDefinition(
                f'constraint "{item.name}" conflicts with NOT ENFORCED constraint on relation "{table.name}"',
                position=definition.position,
            )
        context.runner.notice(f'merging constraint "{item.name}" with inherited definition')
        # A partition has nothing besides its parent.
        changed = replace(item, is_local=table.partition_bound is None)
        if not definition.is_not_enforced and not item.is_enforced:
            changed = replace(changed, is_enforced=True, is_validated=True)
        return replace(
            table,
            constraints=tuple(changed if each is item else each for each in table.constraints),
        )
    return None


def _add_foreign_key(context: DdlContext, table: Table, definition: ConstraintDefinition) -> Table:
    reference = definition.reference
    assert reference is not None
    columns = [_referencing_column(table, name, definition.position) for name in definition.columns]
    check_foreign_key_actions(table, definition)
    is_self = reference.table.name == table.name and _is_same_place(context, table, reference)
    target = table if is_self else find_table(context, reference.table)
    if target.persistence == "temporary" and table.persistence != "temporary":
        raise InvalidTableDefinition(
            "constraints on permanent tables may reference only permanent tables",
            position=definition.position,
        )
    if table.persistence == "temporary" and target.persistence != "temporary":
        raise InvalidTableDefinition(
            "constraints on temporary tables may reference only temporary tables",
            position=definition.position,
        )
    check_period_sides(reference)
    numbers, index = _referenced_key(target, reference)
    if len(numbers) != len(columns):
        raise InvalidForeignKey(
            "number of referencing and referenced columns for foreign key disagree",
            position=definition.position,
        )
    check_period_actions(reference, index)
    name = constraint_name(context, table, definition, columns)
    for column, number in zip(columns, numbers, strict=True):
        other = target.columns[target.position_of_number(number)]
        if not can_refer(column.type, other.type):
            raise DatatypeMismatch(
                f'foreign key constraint "{name}" cannot be implemented',
                position=definition.position,
                detail=f'Key columns "{column.name}" of the referencing table and "{other.name}" of the referenced '
                f"table are of incompatible types: {column.type.unmodified} and {other.type.unmodified}.",
            )
    delete_columns = _delete_columns(table, definition, columns)
    constraint = Constraint(
        context.change.new_oid(),
        name,
        "foreign key",
        tuple(column.number for column in columns),
        referenced_table_oid=target.oid,
        referenced_columns=numbers,
        referenced_index_oid=index.oid,
        on_update=reference.on_update,
        on_delete=reference.on_delete,
        delete_columns=delete_columns,
        match=reference.match,
        is_deferrable=definition.is_deferrable,
        is_initially_deferred=definition.is_initially_deferred,
        is_validated=not definition.is_not_valid,
        is_enforced=not definition.is_not_enforced,
        has_period=reference.has_period,
    )
    return replace(table, constraints=(*table.constraints, constraint))


def _delete_columns(
    table: Table, definition: ConstraintDefinition, columns: Sequence[Column]
) -> tuple[int, ...]:
    """The columns of ON DELETE SET NULL or SET DEFAULT, which must be among those of the key."""
    assert definition.reference is not None, "asked of foreign keys"
    numbers = []
    for item in definition.reference.delete_columns:
        column = _referencing_column(table, item, -1)
        if column.number not in {each.number for each in columns}:
            raise InvalidColumnReference(
                f'column "{item}" referenced in ON DELETE SET action must be part of foreign key',
                position=definition.position,
            )
        numbers.append(column.number)
    return tuple(numbers)


def _is_same_place(context: DdlContext, table: Table, reference: ForeignKeyReference) -> bool:
    """Whether the reference is to the table itself, which the catalog may not know yet."""
    if reference.table.schema is not None:
        return context.catalog.namespace_name(table.namespace_oid) == reference.table.schema
    found = context.catalog.find_relation(reference.table.name, None, context.search_path)
    return found is None or found.oid == table.oid


def _referencing_column(table: Table, name: str, position: int) -> Column:
    for column in table.columns:
        if column.name == name:
            return column
    raise UndefinedColumn(
        f'column "{name}" referenced in foreign key constraint does not exist',
        position=position,
        column=name,
    )


def _referenced_key(target: Table, reference: ForeignKeyReference) -> tuple[tuple[int, ...], Index]:
    """The referenced columns' numbers in the order written, and the unique index that holds them."""
    if not reference.columns:
        for index in target.indexes:
            if index.is_primary:
                _refuse_deferrable(index, target)
                return tuple(column.column_number for column in index.columns), index
        raise UndefinedObject(
            f'there is no primary key for referenced table "{target.name}"',
            position=reference.table.position,
        )
    numbers = tuple(
        _referencing_column(target, name, reference.table.position).number
        for name in reference.columns
    )
    for index in target.indexes:
        held = [column.column_number for column in index.columns]
        is_key = (index.is_unique and not reference.has_period) or (
            index.is_period and held[-1:] == list(numbers[-1:])
        )
        if is_key and index.predicate is None and sorted(held) == sorted(numbers):
            _refuse_deferrable(index, target)
            return numbers, index
    raise InvalidForeignKey(
        f'there is no unique constraint matching given keys for referenced table "{target.name}"',
        position=reference.table.position,
    )


def _refuse_deferrable(index: Index, target: Table) -> None:
    if index.is_deferrable:
        raise ObjectNotInPrerequisiteState(
            f'cannot use a deferrable unique constraint for referenced table "{target.name}"'
        )


# What is there already.


def validate_constraint(context: DdlContext, table: Table, constraint: Constraint) -> None:
    """Look at the rows that are there. Raises CheckViolation or ForeignKeyViolation."""
    if not constraint.is_enforced:
        return
    name = qualified(context, table)
    if constraint.kind == "check" and context.runner.query(
        f"SELECT 1 FROM ONLY {name} WHERE NOT ({constraint.check}) LIMIT 1"
    ):
        raise CheckViolation(
            f'check constraint "{constraint.name}" of relation "{table.name}" is violated by some row',
            table=table.name,
            constraint=constraint.name,
        )
    if constraint.kind == "foreign key":
        _validate_foreign_key(context, table, constraint)


def _validate_foreign_key(context: DdlContext, table: Table, constraint: Constraint) -> None:
    assert constraint.referenced_table_oid is not None
    target = context.catalog.table(constraint.referenced_table_oid)
    own = [table.columns[table.position_of_number(number)].name for number in constraint.columns]
    theirs = [
        target.columns[target.position_of_number(number)].name
        for number in constraint.referenced_columns
    ]
    present = " AND ".join(f"f.{quote_identifier(a)} IS NOT NULL" for a in own)
    found = (covered_by if constraint.has_period else _referred_to)(
        f"{'' if target.partition_key is not None else 'ONLY '}{qualified(context, target)}",
        own,
        theirs,
    )
    missing = context.runner.query(
        f"SELECT {', '.join(f'f.{quote_identifier(a)}::text' for a in own)} FROM ONLY {qualified(context, table)} f "
        f"WHERE {present} AND NOT {found} LIMIT 1"
    )
    if missing:
        values = ", ".join(str(value) for value in missing[0])
        raise ForeignKeyViolation(
            f'insert or update on table "{table.name}" violates foreign key constraint "{constraint.name}"',
            detail=f'Key ({", ".join(own)})=({values}) is not present in table "{target.name}".',
            table=table.name,
            constraint=constraint.name,
        )


def _referred_to(target: str, own: Sequence[str], theirs: Sequence[str]) -> str:
    """The condition that a row `f` refers to one of the target."""
    matches = " AND ".join(
        f"r.{quote_identifier(b)} = f.{quote_identifier(a)}"
        for a, b in zip(own, theirs, strict=True)
    )
    return f"EXISTS (SELECT 1 FROM {target} r WHERE {matches})"


def validate_not_null(context: DdlContext, table: Table, column: str) -> None:
    """Raise NotNullViolation if a row holds NULL there."""
    if context.runner.query(
        f"SELECT 1 FROM ONLY {qualified(context, table)} WHERE {quote_identifier(column)} IS NULL LIMIT 1"
    ):
        raise NotNullViolation(
            f'column "{column}" of relation "{table.name}" contains null values',
            table=table.name,
            column=column,
        )


def qualified(context: DdlContext, table: Table) -> str:
    """The table's name with its schema, quoted."""
    schema = context.catalog.namespace_name(table.namespace_oid)
    return f"{quote_identifier(schema)}.{quote_identifier(table.name)}"


def drop_keys_of_index(table: Table, oids: set[Oid]) -> Table:
    """The table without those indexes and the constraints that rest on them."""
    return replace(
        table,
        indexes=tuple(index for index in table.indexes if index.oid not in oids),
        constraints=tuple(item for item in table.constraints if item.index_oid not in oids),
    )
