"""CREATE TABLE, CREATE TABLE AS and ALTER TABLE ADD COLUMN's share of it: columns, their defaults and sequences."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Sequence as SequenceOf
from dataclasses import dataclass, replace

from lungfish.catalog.catalog import PG_TEMP_OID, is_temporary
from lungfish.catalog.names import type_text
from lungfish.catalog.objects import Column, Oid, Sequence, Table
from lungfish.catalog.type_uses import domain_collation
from lungfish.errors import (
    DuplicateColumn,
    DuplicateTable,
    Error,
    FeatureNotSupported,
    InvalidColumnDefinition,
    InvalidObjectDefinition,
    InvalidTableDefinition,
    SyntaxError,
    UndefinedColumn,
    UndefinedTable,
)
from lungfish.executor.ddl.attach_partition import (
    bound_for,
    find_partitioned,
    refuse_rows_of_default,
)
from lungfish.executor.ddl.column_rules import (
    check_assigned,
    check_column_count,
    check_column_name,
    check_column_type,
    check_generated,
    check_identity_type,
)
from lungfish.executor.ddl.column_storage import stored_as
from lungfish.executor.ddl.constraint_order import order_constraints
from lungfish.executor.ddl.constraints import add_constraint, validate_constraint
from lungfish.executor.ddl.context import DdlContext
from lungfish.executor.ddl.create_like import CopiedTable, copy_like, finish_like
from lungfish.executor.ddl.inherited_columns import (
    find_parents,
    inherit,
    merge_own_column,
    refuse_conflicts,
)
from lungfish.executor.ddl.names import refuse_taken_row_type
from lungfish.executor.ddl.not_null import check_declarations
from lungfish.executor.ddl.partition_keys import make_partition_key, refuse_no_inherit
from lungfish.executor.ddl.partition_parts import add_parts_to
from lungfish.executor.ddl.sequences import make_sequence, sequence_name_of, store_sequence
from lungfish.executor.ddl.typed_tables import with_columns_of
from lungfish.executor.ddl.virtual_columns import check_virtual_type, require_same_generation
from lungfish.planner import Deparsing, show_default
from lungfish.sql.ast.ddl import (
    ColumnDefinition,
    ConstraintDefinition,
    CreateTable,
    CreateTableAs,
    LikeClause,
)
from lungfish.sql.ast.partitions import ColumnOptions
from lungfish.sql.ast.utility import Execute
from lungfish.sql.quoting import quote_identifier, quote_literal
from lungfish.types.batch import Batch
from lungfish.types.collations import collation_of_column
from lungfish.types.sql_type import BIGINT, INTEGER, SMALLINT, TEXT, SqlType, TypeKind

_SERIAL_TYPES = {
    "serial": INTEGER, "serial4": INTEGER, "bigserial": BIGINT, "serial8": BIGINT,
    "smallserial": SMALLINT, "serial2": SMALLINT,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class MadeColumn:
    """A column with the sequence that it owns, if any."""

    column: Column
    sequence: Sequence | None = None


def create_table(context: DdlContext, statement: CreateTable) -> str:
    """Run CREATE TABLE; answers the command tag."""
    namespace = context.namespace_for(statement.name, statement.persistence)
    if context.catalog.name_is_taken(namespace.oid, statement.name.name):
        if statement.if_not_exists:
            context.runner.notice(f'relation "{statement.name.name}" already exists, skipping')
            return "CREATE TABLE"
        raise DuplicateTable(
            f'relation "{statement.name.name}" already exists', position=statement.name.position
        )
    refuse_taken_row_type(context, namespace, statement.name)
    table = _with_parents(context, _new_table(context, statement, namespace.oid), statement)
    sequences: list[Sequence] = []
    likes: list[CopiedTable] = []
    constraints: list[ConstraintDefinition] = []
    for element in statement.elements:
        if isinstance(element, LikeClause):
            copied = copy_like(context, table, element)
            table = copied.table
            sequences += copied.sequences
            constraints += copied.constraints
            likes.append(copied)
            continue
        table, made = append_column(context, table, element)
        if made.sequence is not None:
            sequences.append(made.sequence)
        constraints += element.constraints
    for options in statement.options:
        if any(other.name == options.name for other in statement.options if other is not options):
            raise DuplicateColumn(
                f'column "{options.name}" specified more than once', position=options.position
            )
        table = _with_options(table, options)
        constraints += options.constraints
    refuse_conflicts(table)
    definitions = [each for each in statement.elements if isinstance(each, ColumnDefinition)]
    check_declarations(definitions, statement.constraints)
    if statement.partition_by is not None:
        refuse_no_inherit(table, (*constraints, *statement.constraints))
        key = make_partition_key(context, table, statement.partition_by)
        table = replace(table, partition_key=key)
    for definition in order_constraints([*constraints, *statement.constraints]):
        # There are no rows that NOT VALID could speak of.
        wanted = replace(definition, is_not_valid=definition.is_not_enforced)
        table = add_constraint(context, table, wanted)
    for copied in likes:
        table = finish_like(context, table, copied)
    for sequence in sequences:
        store_sequence(context, sequence)
    table = check_stored_texts(context, table)
    context.change.put(table)
    context.change.relations.create_table(table)
    if table.partition_bound is not None:
        add_parts_to(context, context.catalog.table(table.parents[0]), table.oid)
    return "CREATE TABLE"


def _with_parents(context: DdlContext, table: Table, statement: CreateTable) -> Table:
    """The new table with what it has from the type of OF, or the tables of INHERITS or PARTITION OF."""
    if statement.partition_by is not None and table.persistence == "unlogged":
        raise FeatureNotSupported("partitioned tables cannot be unlogged")
    if statement.values is not None:
        parent = find_partitioned(context, statement.parents[0], table.persistence)
        bound = bound_for(context, table.name, parent, statement.values)
        refuse_rows_of_default(context, parent, bound)
        return inherit(context, replace(table, partition_bound=bound), [parent])
    if statement.of_type is not None:
        return with_columns_of(context, table, statement.of_type)
    if not statement.parents:
        return table
    if statement.partition_by is not None:
        raise InvalidObjectDefinition("cannot create partitioned table as inheritance child")
    return inherit(context, table, find_parents(context, statement.parents, table.persistence))


def _with_options(table: Table, options: ColumnOptions) -> Table:
    """The partition, or typed table, with what it says of a column that it has anyway."""
    position = table.column_position(options.name)
    if position is None:
        raise UndefinedColumn(f'column "{options.name}" does not exist', position=options.position)
    column = table.columns[position]
    if options.generated is not None and table.of_type_oid is not None:
        raise FeatureNotSupported("generated columns are not supported on typed tables")
    if options.default is not None and column.generated is not None:
        raise InvalidColumnDefinition(
            f'column "{column.name}" inherits from generated column but specifies default'
        )
    if options.generated is not None and column.generated is None:
        raise InvalidColumnDefinition(
            f'child column "{column.name}" specifies generation expression',
            hint="A child table column cannot be generated unless its parent column is.",
        )
    if options.generated is not None:
        own = replace(column, is_virtual=options.is_virtual)
        require_same_generation(own, column, InvalidColumnDefinition)
    columns = list(table.columns)
    columns[position] = replace(
        column,
        is_local=True,
        is_not_null=column.is_not_null or options.is_not_null,
        is_not_null_local=column.is_not_null_local or options.is_not_null,
        default=column.default if options.default is None else options.default.text,
        generated=column.generated if options.generated is None else options.generated.text,
    )
    return replace(table, columns=tuple(columns))


def _new_table(
    context: DdlContext, statement: CreateTable | CreateTableAs, namespace_oid: Oid
) -> Table:
    persistence = "temporary" if namespace_oid == PG_TEMP_OID else statement.persistence
    if statement.on_commit != "preserve rows" and persistence != "temporary":
        raise InvalidTableDefinition(
            "ON COMMIT can only be used on temporary tables", position=statement.position
        )
    return Table(
        context.change.new_oid(),
        statement.name.name,
        namespace_oid,
        context.change.new_relation_id(),
        columns=(),
        stored_types=(),
        stored_positions=(),
        persistence=persistence,
        on_commit=statement.on_commit,
        parameters=statement.parameters,
    )


def append_column(
    context: DdlContext, table: Table, definition: ColumnDefinition
) -> tuple[Table, MadeColumn]:
    """The table with one more column, and what was made for it. Raises DuplicateColumn."""
    position = table.column_position(definition.name)
    if position is not None and not table.columns[position].is_local:
        if context.catalog.object(table.oid) is None:
            made = _make_column(context, table, definition)
            inherited = table.columns[position]
            return merge_own_column(context, table, inherited, made.column, definition), made
    if position is not None:
        raise DuplicateColumn(
            f'column "{definition.name}" specified more than once'
            if not table.stored_types or context.catalog.object(table.oid) is None
            else f'column "{definition.name}" of relation "{table.name}" already exists',
            position=definition.position,
        )
    check_column_name(definition.name, definition.position)
    check_column_count(len(table.columns) + 1)
    made = _make_column(context, table, definition)
    table = replace(
        table,
        columns=(*table.columns, made.column),
        stored_types=(*table.stored_types, made.column.type),
        stored_positions=(*table.stored_positions, len(table.stored_types)),
        next_column_number=table.next_column_number + 1,
    )
    return table, made


def _make_column(context: DdlContext, table: Table, definition: ColumnDefinition) -> MadeColumn:
    serial = _SERIAL_TYPES.get(definition.type_name.name)
    if serial is not None and not definition.type_name.array_dimensions:
        return _make_serial(context, table, definition, serial)
    kind = context.runner.resolve_type(definition.type_name)
    check_column_type(definition.name, kind)
    column = Column(
        definition.name,
        kind,
        table.next_column_number,
        is_not_null=definition.is_not_null or definition.identity is not None,
        default=None
        if definition.default is None
        else context.runner.settled_default(definition.default.text, kind),
        generated=None if definition.generated is None else definition.generated.text,
        is_virtual=definition.is_virtual,
        collation=collation_of_column(
            definition.collation, kind, context.catalog.has_namespace, definition.position
        )
        if definition.collation
        else domain_collation(kind, context.catalog),
    )
    if definition.generated is not None:
        if definition.default is not None:
            raise SyntaxError(
                f'both default and generation expression specified for column "{definition.name}" of table "{table.name}"',
                position=definition.position,
            )
    check_virtual_type(column)
    column = _stored(column, definition)
    if definition.identity is None:
        return MadeColumn(column)
    check_identity_type(kind, definition.position)
    sequence = _column_sequence(context, table, column, definition)
    marked = replace(
        column,
        identity="always" if definition.identity.is_always else "by default",
        sequence_oid=sequence.oid,
    )
    return MadeColumn(marked, sequence)


def _stored(column: Column, definition: ColumnDefinition) -> Column:
    """The column with what STORAGE and COMPRESSION say."""
    position = definition.position
    if definition.storage is not None:
        column = stored_as(column, definition.storage, is_compression=False, position=position)
    if definition.compression is not None:
        column = stored_as(column, definition.compression, is_compression=True, position=position)
    return column


def _make_serial(
    context: DdlContext, table: Table, definition: ColumnDefinition, kind: SqlType
) -> MadeColumn:
    if definition.identity is not None:
        raise SyntaxError(
            f'both default and identity specified for column "{definition.name}" of table "{table.name}"',
            position=definition.position,
        )
    if definition.default is not None:
        raise SyntaxError(
            f'multiple default values specified for column "{definition.name}" of table "{table.name}"',
            position=definition.position,
        )
    if definition.is_explicit_null:
        raise SyntaxError(
            f'conflicting NULL/NOT NULL declarations for column "{definition.name}" of table "{table.name}"',
            position=definition.position,
        )
    column = Column(definition.name, kind, table.next_column_number, is_not_null=True)
    sequence = _column_sequence(context, table, column, definition)
    schema = context.catalog.namespace_name(table.namespace_oid)
    path = f"{quote_identifier(schema)}.{quote_identifier(sequence.name)}"
    default = f"nextval({quote_literal(path)}::regclass)"
    return MadeColumn(replace(column, default=default, sequence_oid=sequence.oid), sequence)


def _column_sequence(
    context: DdlContext, table: Table, column: Column, definition: ColumnDefinition
) -> Sequence:
    options = definition.identity.options if definition.identity is not None else ()
    sequence = make_sequence(
        context.change.new_oid(),
        sequence_name_of(context, table, column.name, options),
        table.namespace_oid,
        options,
        default_type=column.type,
    )
    return replace(sequence, owner_table_oid=table.oid, owner_column=column.number)


def check_stored_texts(context: DdlContext, table: Table) -> Table:
    """Bind each default and generation expression once, so that a wrong one is found now and not at the first row. Answers the table
    with these texts as they are stored."""
    columns = list(table.columns)
    for at, column in enumerate(columns):
        if column.default is not None and column.sequence_oid is None:
            _check_default(context, table, column)
            bare = replace(table, columns=())
            text = context.runner.stored_text(bare, column.default, what="DEFAULT expressions")
            columns[at] = replace(column, default=text)
        if column.generated is not None:
            check_generated(context, table, column)
            what = "column generation expressions"
            given = context.runner.value_type(table, column.generated, what=what)
            check_assigned(column, given, context.catalog)
            text = column.generated
            if given.kind is TypeKind.UNKNOWN:
                text = _typed_literal(context, table, column, text)
            text = context.runner.stored_text(table, text, what=what)
            columns[at] = replace(column, generated=text)
    return replace(table, columns=tuple(columns))


def _typed_literal(context: DdlContext, table: Table, column: Column, text: str) -> str:
    """A literal without a type, read as a value of the column now. Raises what is wrong with it."""
    settled = context.runner.settled_default(text, column.type)
    _check_default(context, table, replace(column, default=settled))
    return show_default(settled, table, column, context.catalog, how=Deparsing(context.search_path))


def _check_default(context: DdlContext, table: Table, column: Column) -> None:
    assert column.default is not None
    before = "CAST(("
    text = f"{before}{column.default}) AS {type_text(context.catalog, column.type)})"
    bare = replace(table, columns=())
    try:
        given = context.runner.value_type(bare, column.default, what="DEFAULT expressions")
        check_assigned(column, given, context.catalog)
        try:
            context.runner.check_expression(bare, text, what="DEFAULT expressions")
        except Error as error:
            error.in_part(column.default, len(before))
            raise
    except (UndefinedColumn, UndefinedTable) as error:
        refused = FeatureNotSupported(
            "cannot use column reference in DEFAULT expression", position=error.position
        )
        if error.part is not None:
            refused.in_part(error.part, 0)
        raise refused from error


def _collations_of(
    context: DdlContext, statement: CreateTableAs, names: SequenceOf[str]
) -> SequenceOf[str | None]:
    """What COLLATE would say of the columns of a query."""
    return context.runner.check_collations(statement.query, names=names, what="table")


def _skip_taken(context: DdlContext, statement: CreateTableAs) -> None:
    """Say that the name is taken, once the query has been found to mean something. Raises DuplicateTable without IF NOT EXISTS."""
    if not isinstance(statement.query, Execute):
        context.runner.describe_query(statement.query)
    if not statement.if_not_exists:
        raise DuplicateTable(
            f'relation "{statement.name.name}" already exists', position=statement.name.position
        )
    context.runner.notice(f'relation "{statement.name.name}" already exists, skipping')


def create_table_as(context: DdlContext, statement: CreateTableAs) -> str:
    """Run CREATE TABLE AS or SELECT INTO; answers the command tag."""
    tag = "CREATE MATERIALIZED VIEW" if statement.is_materialized_view else "CREATE TABLE AS"
    namespace = context.namespace_for(statement.name, statement.persistence)
    if context.catalog.name_is_taken(namespace.oid, statement.name.name):
        _skip_taken(context, statement)
        return tag
    refuse_taken_row_type(context, namespace, statement.name)
    rows: Iterable[Batch] = ()
    depends_on: frozenset[Oid] = frozenset()
    if isinstance(statement.query, Execute):
        columns, rows = context.runner.run_execute(statement.query, with_rows=statement.with_data)
    else:
        columns, depends_on = context.runner.describe_query(statement.query)
        if statement.with_data:
            columns, rows = context.runner.run_query(statement.query)
    names = (
        list(statement.column_names) + [name for name, _ in columns][len(statement.column_names) :]
    )
    if len(statement.column_names) > len(columns):
        raise SyntaxError("too many column names were specified", position=statement.position)
    check_column_count(len(columns))
    table = _new_table(context, statement, namespace.oid)
    collations = _collations_of(context, statement, names)
    for name, (_, kind), collation in zip(names, columns, collations, strict=True):
        check_column_name(name, statement.position)
        check_column_type(name, kind)
        stored = TEXT if kind.kind is TypeKind.UNKNOWN else kind
        if table.column_position(name) is not None:
            raise DuplicateColumn(
                f'column "{name}" specified more than once', position=statement.position
            )
        table = replace(
            table,
            columns=(
                *table.columns,
                Column(name, stored, table.next_column_number, collation=collation),
            ),
            stored_types=(*table.stored_types, stored),
            stored_positions=(*table.stored_positions, len(table.stored_types)),
            next_column_number=table.next_column_number + 1,
        )
    if statement.is_materialized_view:
        if any(is_temporary(item) for item in map(context.catalog.object, depends_on) if item):
            raise FeatureNotSupported("materialized views must not use temporary tables or views")
        table = replace(
            table,
            materialized_query=context.runner.settled_query(statement.text),
            is_populated=statement.with_data,
            depends_on=depends_on,
            search_path=context.search_path,
        )
    context.change.put(table)
    context.change.relations.create_table(table)
    if not statement.with_data and not isinstance(statement.query, Execute):
        return tag
    return f"SELECT {context.runner.insert_batches(table, rows)}"


def validate_new(context: DdlContext, before: Table, after: Table) -> None:
    """Look at the rows that are there for each constraint that `after` has and `before` had not."""
    known = {constraint.oid for constraint in before.constraints}
    for constraint in after.constraints:
        if constraint.oid not in known and constraint.is_validated:
            validate_constraint(context, after, constraint)
