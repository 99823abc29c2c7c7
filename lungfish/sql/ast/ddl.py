"""Statements that change what exists: CREATE, ALTER, DROP, COMMENT.

Where the catalog keeps an expression or a query (a default, a check, a view), the node carries both the tree and `text`,
PostgreSQL's own way of writing it, which parses back to the same tree.
"""

from __future__ import annotations

from lungfish.sql.ast.expressions import Expression, TypeName
from lungfish.sql.ast.partitions import (
    AlterInherit,
    AttachPartition,
    ColumnOptions,
    DetachPartition,
    PartitionBy,
    PartitionValues,
    SetTableType,
)
from lungfish.sql.ast.queries import ObjectName, Query
from lungfish.sql.ast.relation_options import RelationOption
from lungfish.sql.ast.rights import Role
from lungfish.sql.ast.rules import EnableRule
from lungfish.sql.ast.utility import Execute
from lungfish.types.frozen import frozen


@frozen
class ExpressionText:
    """An expression that will be stored: the tree, to bind now, and the text, to keep."""

    expression: Expression
    text: str


@frozen
class SequenceOption:
    """`name`: as, increment, minvalue, maxvalue, start, restart, cache, cycle, owned_by, sequence_name; `value` None for NO ..."""

    name: str
    value: int | str | bool | None
    position: int = -1
    # The name that owned_by (none of it: OWNED BY NONE) and sequence_name give.
    parts: tuple[str, ...] = ()


@frozen
class ForeignKeyReference:
    """REFERENCES. Actions: "no action", "restrict", "cascade", "set null", "set default". `match`: simple, full."""

    table: ObjectName
    columns: tuple[str, ...] = ()
    on_update: str = "no action"
    on_delete: str = "no action"
    # The columns of ON DELETE SET NULL (a, b).
    delete_columns: tuple[str, ...] = ()
    match: str = "simple"
    # Whether the last column of the referencing side, and of this one, is written with PERIOD.
    has_period: bool = False
    has_referenced_period: bool = False


@frozen
class IndexElement:
    """A column or an expression of an index."""

    column: str | None
    expression: ExpressionText | None = None
    is_descending: bool = False
    nulls_first: bool | None = None
    collation: tuple[str, ...] = ()
    operator_class: str | None = None
    position: int = -1


@frozen
class Exclusion:
    """What EXCLUDE says: elements, each with the operator that it stands WITH; `method` is the one that USING names."""

    elements: tuple[tuple[IndexElement, str], ...]
    method: str = "btree"
    where: ExpressionText | None = None


@frozen
class ConstraintDefinition:
    """`kind`: primary key, unique, check, foreign key, not null or exclude.

    A constraint written behind a column names that column in `columns`.
    """

    kind: str
    name: str | None = None
    columns: tuple[str, ...] = ()
    check: ExpressionText | None = None
    reference: ForeignKeyReference | None = None
    include: tuple[str, ...] = ()
    nulls_not_distinct: bool = False
    is_deferrable: bool = False
    is_initially_deferred: bool = False
    is_not_valid: bool = False
    is_no_inherit: bool = False
    is_not_enforced: bool = False
    # ADD CONSTRAINT ... USING INDEX
    using_index: str | None = None
    # WITH (...) of its index, as `name=value`.
    parameters: tuple[str, ...] = ()
    # Of an exclude constraint.
    exclusion: Exclusion | None = None
    # Of a key: its last column is a period, of which no two rows with the other columns equal may share any part.
    is_without_overlaps: bool = False
    position: int = -1


@frozen
class Identity:
    """GENERATED { ALWAYS | BY DEFAULT } AS IDENTITY."""

    is_always: bool
    options: tuple[SequenceOption, ...] = ()


@frozen
class ColumnDefinition:
    """A column. A `serial` type arrives with its name ("serial", "bigserial", "smallserial") in `type_name`."""

    name: str
    type_name: TypeName
    default: ExpressionText | None = None
    identity: Identity | None = None
    generated: ExpressionText | None = None
    is_virtual: bool = False
    is_not_null: bool = False
    is_explicit_null: bool = False
    collation: tuple[str, ...] = ()
    # The words behind STORAGE and COMPRESSION.
    storage: str | None = None
    compression: str | None = None
    constraints: tuple[ConstraintDefinition, ...] = ()
    position: int = -1


@frozen
class LikeClause:
    """LIKE t INCLUDING ...: `including` is a set of words, or {"all"}."""

    table: ObjectName
    including: frozenset[str] = frozenset()
    position: int = -1


@frozen
class CreateTable:
    """`elements` keep the order of columns and LIKE clauses. `persistence`: permanent, temporary, unlogged.

    `parents` are those of INHERITS, or with `values` the table of PARTITION OF, whose columns `options` speak of.
    """

    name: ObjectName
    elements: tuple[ColumnDefinition | LikeClause, ...]
    constraints: tuple[ConstraintDefinition, ...] = ()
    if_not_exists: bool = False
    persistence: str = "permanent"
    on_commit: str = "preserve rows"
    parents: tuple[ObjectName, ...] = ()
    partition_by: PartitionBy | None = None
    values: PartitionValues | None = None
    # The composite type of OF, whose attributes `options` speak of.
    of_type: ObjectName | None = None
    options: tuple[ColumnOptions, ...] = ()
    # WITH (...), as `name=value`.
    parameters: tuple[str, ...] = ()
    position: int = -1


@frozen
class CreateTableAs:
    """CREATE [MATERIALIZED VIEW | TABLE] ... AS, and SELECT INTO."""

    name: ObjectName
    column_names: tuple[str, ...]
    query: Query | Execute
    # A materialized view's query.
    text: str
    with_data: bool = True
    if_not_exists: bool = False
    persistence: str = "permanent"
    on_commit: str = "preserve rows"
    is_materialized_view: bool = False
    # WITH (...), as `name=value`.
    parameters: tuple[str, ...] = ()
    position: int = -1


@frozen
class CreateIndex:
    """CREATE INDEX; without a `name` one is chosen."""

    name: str | None
    table: ObjectName
    elements: tuple[IndexElement, ...]
    is_unique: bool = False
    method: str = "btree"
    include: tuple[str, ...] = ()
    where: ExpressionText | None = None
    nulls_not_distinct: bool = False
    if_not_exists: bool = False
    is_concurrent: bool = False
    # ON ONLY: partitions do not get their parts of it.
    is_only: bool = False
    # WITH (...), as `name=value`.
    parameters: tuple[str, ...] = ()
    position: int = -1


@frozen
class CreateView:
    name: ObjectName
    column_names: tuple[str, ...]
    query: Query
    text: str
    or_replace: bool = False
    persistence: str = "permanent"
    # WITH (...), as `name=value`; WITH CHECK OPTION is the last of them.
    parameters: tuple[str, ...] = ()
    position: int = -1


@frozen
class RefreshMaterializedView:
    name: ObjectName
    with_data: bool = True
    position: int = -1
    is_concurrent: bool = False


@frozen
class CreateSchema:
    """CREATE SCHEMA; `owner` is that of AUTHORIZATION."""

    name: str
    owner: Role | None = None
    if_not_exists: bool = False
    elements: tuple[object, ...] = ()
    position: int = -1


@frozen
class CreateSequence:
    name: ObjectName
    options: tuple[SequenceOption, ...] = ()
    if_not_exists: bool = False
    persistence: str = "permanent"
    position: int = -1


@frozen
class AlterSequence:
    name: ObjectName
    options: tuple[SequenceOption, ...] = ()
    if_exists: bool = False
    position: int = -1


@frozen
class AddColumn:
    column: ColumnDefinition
    if_not_exists: bool = False
    position: int = -1


@frozen
class DropColumn:
    name: str
    if_exists: bool = False
    is_cascade: bool = False
    position: int = -1


@frozen
class AlterColumnType:
    name: str
    type_name: TypeName
    using: ExpressionText | None = None
    collation: tuple[str, ...] = ()
    position: int = -1


@frozen
class AlterColumnDefault:
    """DROP DEFAULT where `default` is None."""

    name: str
    default: ExpressionText | None
    position: int = -1


@frozen
class AlterColumnNotNull:
    """SET and DROP NOT NULL. `constraint`: the definition, where it was added as a constraint."""

    name: str
    is_not_null: bool
    position: int = -1
    constraint: ConstraintDefinition | None = None


@frozen
class AlterColumnIdentity:
    """`action`: add, set or drop."""

    name: str
    action: str
    identity: Identity | None = None
    if_exists: bool = False
    position: int = -1
    # False where SET left GENERATED out: `identity.is_always` then says nothing.
    sets_generation: bool = True


@frozen
class SetExpression:
    """SET EXPRESSION of a generated column."""

    name: str
    expression: ExpressionText
    position: int = -1


@frozen
class AlterConstraint:
    """ALTER CONSTRAINT; None is what it does not speak of."""

    name: str
    is_deferrable: bool | None = None
    is_initially_deferred: bool = False
    is_enforced: bool | None = None
    # INHERIT or NO INHERIT.
    inherits: bool | None = None
    position: int = -1


@frozen
class SetTriggers:
    """ENABLE or DISABLE TRIGGER: the one of that name, ALL, or USER's; and SET WITHOUT OIDS, which does as little."""

    name: str | None = None
    disables_all: bool = False
    position: int = -1


@frozen
class DropExpression:
    name: str
    if_exists: bool = False
    position: int = -1


@frozen
class AddConstraint:
    constraint: ConstraintDefinition
    position: int = -1


@frozen
class DropConstraint:
    name: str
    if_exists: bool = False
    is_cascade: bool = False
    position: int = -1


@frozen
class ValidateConstraint:
    name: str
    position: int = -1


@frozen
class SetPersistence:
    """SET LOGGED or SET UNLOGGED."""

    persistence: str
    position: int = -1


@frozen
class ChangeOwner:
    """OWNER TO the role."""

    role: Role
    position: int = -1


AlterTableAction = (
    AddColumn
    | DropColumn
    | AlterColumnType
    | AlterColumnDefault
    | AlterColumnNotNull
    | AlterColumnIdentity
    | AlterConstraint
    | DropExpression
    | SetExpression
    | SetTriggers
    | AddConstraint
    | DropConstraint
    | ValidateConstraint
    | SetPersistence
    | ChangeOwner
    | RelationOption
    | EnableRule
    | AlterInherit
    | AttachPartition
    | SetTableType
    | DetachPartition
)


@frozen
class AlterTable:
    name: ObjectName
    actions: tuple[AlterTableAction, ...]
    if_exists: bool = False
    is_only: bool = False
    position: int = -1
    # table, index, view, sequence or materialized view.
    kind: str = "table"


@frozen
class Rename:
    """`kind`: table, view, materialized view, index, sequence, schema, type, domain, column, constraint, attribute."""

    kind: str
    name: ObjectName
    new_name: str
    # The column's or constraint's old name, and what the statement says that it is of.
    old_name: str | None = None
    owner_kind: str = "table"
    if_exists: bool = False
    is_only: bool = False
    # Of an attribute: the columns of typed tables too.
    is_cascade: bool = False
    position: int = -1


@frozen
class SetSchema:
    kind: str
    name: ObjectName
    schema: str
    if_exists: bool = False
    position: int = -1


@frozen
class Drop:
    """`kind`: table, view, materialized view, index, sequence, schema, type, domain, ..."""

    kind: str
    names: tuple[ObjectName, ...]
    if_exists: bool = False
    is_cascade: bool = False
    is_concurrent: bool = False
    position: int = -1


@frozen
class Comment:
    """`sub_name` is the column's or constraint's own name; `text` None removes the comment."""

    kind: str
    name: ObjectName
    sub_name: str | None
    text: str | None
    position: int = -1
