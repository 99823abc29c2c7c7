"""CREATE TABLE (LIKE other INCLUDING ...): columns with what belongs to them, then checks, keys, indexes and comments."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from lungfish.catalog.objects import Column, Constraint, Index, Sequence, SystemView, Table, View
from lungfish.errors import DuplicateColumn, WrongObjectType
from lungfish.executor.ddl.context import DdlContext
from lungfish.executor.ddl.names import (
    choose_index_name,
    choose_relation_name,
    find_relation,
    index_words,
    parsed_text,
)
from lungfish.executor.ddl.statistics import copied_statistics
from lungfish.sql.ast.ddl import (
    ConstraintDefinition,
    Exclusion,
    ExpressionText,
    IndexElement,
    LikeClause,
)
from lungfish.sql.ast.expressions import Literal
from lungfish.types.collations import DEFAULT_COLLATION
from lungfish.types.sql_type import TypeKind

_KEYS = ("primary key", "unique")
_EVERYTHING = frozenset(
    {
        "comments",
        "compression",
        "constraints",
        "defaults",
        "generated",
        "identity",
        "indexes",
        "statistics",
        "storage",
    }
)


@dataclass(slots=True)
class CopiedTable:
    """What a LIKE clause has brought. `table` has the columns; the rest follows when all columns are there."""

    table: Table
    source: Table
    wanted: frozenset[str]
    sequences: list[Sequence] = field(default_factory=list)
    constraints: list[ConstraintDefinition] = field(default_factory=list)


def copy_like(context: DdlContext, table: Table, clause: LikeClause) -> CopiedTable:
    """The table with the source's columns. Raises DuplicateColumn, WrongObjectType."""
    source = _source(context, clause)
    wanted = _EVERYTHING if "all" in clause.including else clause.including
    copied = CopiedTable(table, source, wanted)
    for column in source.columns:
        if table.column_position(column.name) is not None:
            raise DuplicateColumn(
                f'column "{column.name}" specified more than once', position=clause.position
            )
        made = _copy_column(context, copied, column)
        table = copied.table = replace(
            table,
            columns=(*table.columns, made),
            stored_types=(*table.stored_types, made.type),
            stored_positions=(*table.stored_positions, len(table.stored_types)),
            next_column_number=table.next_column_number + 1,
        )
    for constraint in source.constraints:
        definition = _definition(source, constraint, wanted)
        if definition is not None:
            copied.constraints.append(definition)
    return copied


def _source(context: DdlContext, clause: LikeClause) -> Table:
    """The table that is copied; of a view or a composite type it is its columns that count."""
    name = clause.table
    if context.catalog.find_relation(name.name, name.schema, context.search_path) is None:
        composite = _composite(context, clause)
        if composite is not None:
            return composite
    found = find_relation(context, name)
    if isinstance(found, Table):
        return found
    if isinstance(found, (View, SystemView)):
        types = tuple(column.type for column in found.columns)
        positions = tuple(range(len(types)))
        return Table(found.oid, found.name, found.namespace_oid, 0, found.columns, types, positions)
    raise WrongObjectType(
        f'relation "{found.name}" is invalid in LIKE clause',
        position=clause.position,
        detail="This operation is not supported for sequences.",
    )


def _composite(context: DdlContext, clause: LikeClause) -> Table | None:
    """A composite type as a table that nothing is stored of. Raises WrongObjectType for an index."""
    name = clause.table
    if context.catalog.find_index(name.name, name.schema, context.search_path) is not None:
        raise WrongObjectType(
            f'relation "{name.name}" is invalid in LIKE clause',
            position=clause.position,
            detail="This operation is not supported for indexes.",
        )
    item = context.catalog.find_type(name.name, name.schema, context.search_path)
    if item is None or item.base is not None or item.type.kind is not TypeKind.RECORD:
        return None
    columns = tuple(
        Column(label, kind, number)
        for number, (label, kind) in enumerate(
            zip(item.type.labels, item.type.fields, strict=True), start=1
        )
    )
    places = tuple(range(len(columns)))
    return Table(item.oid, item.name, item.namespace_oid, 0, columns, item.type.fields, places)


def _copy_column(context: DdlContext, copied: CopiedTable, column: Column) -> Column:
    wanted, table = copied.wanted, copied.table
    made = Column(
        column.name,
        column.type,
        table.next_column_number,
        is_not_null=column.is_not_null,
        keeps_not_null=column.keeps_not_null,
        default=column.default if "defaults" in wanted else None,
        generated=column.generated if "generated" in wanted else None,
        is_virtual=column.is_virtual and "generated" in wanted,
        collation=column.collation,
        comment=column.comment if "comments" in wanted else None,
        storage=column.storage if "storage" in wanted else None,
        compression=column.compression if "compression" in wanted else None,
    )
    if column.identity is None or "identity" not in wanted or column.sequence_oid is None:
        return made
    original = context.catalog.object(column.sequence_oid)
    assert isinstance(original, Sequence), "an identity column has a sequence"
    sequence = replace(
        original,
        oid=context.change.new_oid(),
        name=choose_relation_name(context, table.namespace_oid, table.name, column.name, "seq"),
        namespace_oid=table.namespace_oid,
        owner_table_oid=table.oid,
        owner_column=made.number,
        state_oid=None,
    )
    copied.sequences.append(sequence)
    return replace(made, identity=column.identity, sequence_oid=sequence.oid)


def _definition(
    source: Table, constraint: Constraint, wanted: frozenset[str]
) -> ConstraintDefinition | None:
    """The constraint as it would be written; None if it is not wanted: foreign keys never are."""
    names = {column.number: column.name for column in source.columns}
    if constraint.kind == "check" and "constraints" in wanted:
        assert constraint.check is not None
        null = Literal(Literal.Kind.NULL)
        return ConstraintDefinition(
            "check",
            constraint.name,
            check=ExpressionText(null, constraint.check),
            is_not_enforced=not constraint.is_enforced,
            is_no_inherit=constraint.is_no_inherit,
        )
    if constraint.kind == "not null":
        return ConstraintDefinition(
            constraint.kind,
            constraint.name,
            columns=(names[constraint.columns[0]],),
            is_no_inherit=constraint.is_no_inherit,
        )
    if constraint.kind == "exclude" and "indexes" in wanted:
        return _copy_exclusion(source, constraint, names)
    if constraint.kind in _KEYS and "indexes" in wanted:
        index = next(item for item in source.indexes if item.oid == constraint.index_oid)
        return ConstraintDefinition(
            constraint.kind,
            columns=tuple(names[number] for number in constraint.columns),
            include=tuple(names[number] for number in index.include),
            nulls_not_distinct=index.nulls_not_distinct,
            is_deferrable=constraint.is_deferrable,
            is_initially_deferred=constraint.is_initially_deferred,
            is_without_overlaps=constraint.is_period,
        )
    return None


def _copy_exclusion(
    source: Table, constraint: Constraint, names: dict[int, str]
) -> ConstraintDefinition:
    index = next(item for item in source.indexes if item.oid == constraint.index_oid)
    elements = tuple(
        (
            IndexElement(names.get(key.column_number), parsed_text(key.expression)),
            operator,
        )
        for key, operator in zip(index.columns, constraint.operators, strict=True)
    )
    return ConstraintDefinition(
        "exclude",
        include=tuple(names[number] for number in index.include),
        is_deferrable=constraint.is_deferrable,
        is_initially_deferred=constraint.is_initially_deferred,
        parameters=index.parameters,
        exclusion=Exclusion(elements, index.method, parsed_text(index.predicate)),
    )


def finish_like(context: DdlContext, table: Table, copied: CopiedTable) -> Table:
    """The table with the indexes that are no constraint's, and the comments on constraints."""
    source = copied.source
    numbers = {
        old.number: table.columns[position].number
        for old in source.columns
        if (position := table.column_position(old.name)) is not None
    }
    if "indexes" in copied.wanted:
        held = {item.index_oid for item in source.constraints}
        for index in source.indexes:
            if index.oid not in held:
                made = _copy_index(context, table, index, numbers)
                table = replace(table, indexes=(*table.indexes, made))
    if "statistics" in copied.wanted and source.statistics:
        copies = copied_statistics(context, table, source, numbers)
        table = replace(table, statistics=(*table.statistics, *copies))
    if "comments" in copied.wanted:
        texts = {item.name: item.comment for item in source.constraints}
        commented = tuple(replace(item, comment=texts.get(item.name)) for item in table.constraints)
        table = replace(table, constraints=commented)
    return table


def _copy_index(context: DdlContext, table: Table, index: Index, numbers: dict[int, int]) -> Index:
    columns = tuple(
        replace(
            key,
            column_number=numbers.get(key.column_number, 0),
            # PostgreSQL's copy takes the default collation for none at all.
            collation=None if key.collation == DEFAULT_COLLATION else key.collation,
        )
        for key in index.columns
    )
    include = tuple(numbers[number] for number in index.include)
    words = index_words(table, replace(index, columns=columns, include=include))
    return replace(
        index,
        oid=context.change.new_oid(),
        name=choose_index_name(context, table, table.name, words, "idx"),
        namespace_oid=table.namespace_oid,
        table_oid=table.oid,
        relation_id=context.change.new_relation_id(),
        columns=columns,
        include=include,
        comment=None,
        is_clustered=False,
        is_replica_identity=False,
    )
